"""Every loss a second time, as its formula reads, in mpmath: `z` raw predictions and `y` targets of one example.

With a hundred digits nothing has to be rearranged to be exact, and a difference quotient is as good as a derivative.
"""

from mpmath import exp, fsum, log, mpf

from lossexp import losses as ours

from ..trainings import BINARY, REGRESSION, THREE_CLASSES

DIGITS = 400
"""Enough for the square of exp(-300) beside 1, and for a step of 1e-100 beside 1e40."""

NOTHING = -(10**6)
"""exp of anything below this is 0 to any of these digits; mpmath has no exp(-1e20)."""


def sigmoid(z):
    return 1 / (1 + exp(-z))


def softmax(z):
    weights = [exp(max(score - max(z), NOTHING)) for score in z]
    return [weight / fsum(weights) for weight in weights]


def softplus(z):
    return max(z, 0) + log(1 + exp(max(-abs(z), NOTHING)))


def cross_entropy(z, y):
    """-sum of target · log softmax(raw)."""
    log_sum = log(fsum(exp(max(score - max(z), NOTHING)) for score in z))
    return fsum(target * (max(z) - score + log_sum) for score, target in zip(z, y, strict=True))


def surprisal(z, y):
    """-log of the probability of the true class, for one output or many."""
    return softplus(-_side(y[0]) * z[0]) if len(z) == 1 else cross_entropy(z, y)


def _side(y):
    return 2 * y - 1


def residual(penalty):
    return lambda z, y: penalty(z[0] - y[0])


def margin(penalty):
    return lambda z, y: fsum(penalty(_side(target) * score) for score, target in zip(z, y, strict=True))


def bce(pos_weight=1, smoothing=0):
    def reference(z, y):
        smooth = [(1 - mpf(smoothing)) * target + mpf(smoothing) / 2 for target in y]
        return fsum(
            mpf(pos_weight) * target * softplus(-score) + (1 - target) * softplus(score)
            for score, target in zip(z, smooth, strict=True)
        )

    return reference


def cce(smoothing=0):
    return lambda z, y: cross_entropy(z, [(1 - mpf(smoothing)) * t + mpf(smoothing) / len(y) for t in y])


def brier(z, y):
    p = [sigmoid(z[0])] if len(z) == 1 else softmax(z)
    return fsum((prediction - target) ** 2 for prediction, target in zip(p, y, strict=True))


def weighted(reference, *weights):
    """Times the weight of the true class."""

    def value(z, y):
        shares = [1 - y[0], y[0]] if len(y) == 1 else y
        return reference(z, y) * fsum(mpf(w) * share for w, share in zip(weights, shares, strict=True))

    return value


def deviance(power):
    """Integral of (t - mu) / t^power from mu = exp(z) to y."""
    a, b = 2 - mpf(power), 1 - mpf(power)

    def value(z, y):
        mu, y = exp(z[0]), y[0]
        if a == 0:
            return log(mu / y) + y / mu - 1
        if b == 0:
            return mu - y + (y * log(y / mu) if y > 0 else 0)
        return mu**a / a - y * mu**b / b + y**a / (a * b)

    return value


def huber(delta):
    return lambda e: e**2 / 2 if abs(e) <= delta else mpf(delta) * (abs(e) - mpf(delta) / 2)


def log_cosh(e):
    return abs(e) - log(2) + log(1 + exp(max(-2 * abs(e), NOTHING)))


def tukey(c):
    c = mpf(c)
    return lambda e: c**2 / 6 * (1 - (1 - (e / c) ** 2) ** 3) if abs(e) <= c else c**2 / 6


def focal(gamma):
    return lambda z, y: (1 - exp(-surprisal(z, y))) ** mpf(gamma) * surprisal(z, y)


def gce(q):
    return lambda z, y: (1 - exp(-mpf(q) * surprisal(z, y))) / mpf(q)


def sce(alpha, beta, log_zero):
    return lambda z, y: mpf(alpha) * surprisal(z, y) - mpf(beta) * mpf(log_zero) * (1 - exp(-surprisal(z, y)))


def squentropy(z, y):
    wrong = [score**2 for score, target in zip(z, y, strict=True) if target == 0]
    return cross_entropy(z, y) + fsum(wrong) / len(wrong)


def crammer_singer(z, y):
    true = next(score for score, target in zip(z, y, strict=True) if target == 1)
    return max(0, 1 + max(score for score, target in zip(z, y, strict=True) if target == 0) - true)


def gaussian(z, y):
    return (z[1] + (z[0] - y[0]) ** 2 * exp(-z[1])) / 2


ROWS = [
    (ours.MSE(), REGRESSION, residual(lambda e: e**2)),
    (ours.MAE(), REGRESSION, residual(abs)),
    (ours.Huber(), REGRESSION, residual(huber(1))),
    (ours.Huber(delta=0.3), REGRESSION, residual(huber(0.3))),
    (ours.SmoothL1(beta=0.3), REGRESSION, residual(lambda e: huber(0.3)(e) / mpf(0.3))),
    (ours.LogCosh(), REGRESSION, residual(log_cosh)),
    (ours.Pinball(tau=0.9), REGRESSION, residual(lambda e: max((1 - mpf(0.9)) * e, -mpf(0.9) * e))),
    (ours.EpsilonInsensitive(epsilon=0.5), REGRESSION, residual(lambda e: max(0, abs(e) - 0.5))),
    (ours.Cauchy(), REGRESSION, residual(lambda e: log(1 + e**2) / 2)),
    (ours.Cauchy(scale=0.3), REGRESSION, residual(lambda e: mpf(0.3) ** 2 / 2 * log(1 + (e / mpf(0.3)) ** 2))),
    (ours.Tukey(), REGRESSION, residual(tukey(4.685))),
    (ours.Poisson(), REGRESSION, deviance(1)),
    (ours.Gamma(), REGRESSION, deviance(2)),
    (ours.Tweedie(), REGRESSION, deviance(1.5)),
    (ours.Tweedie(power=1.1), REGRESSION, deviance(1.1)),
    (ours.GaussianNLL(), REGRESSION, gaussian),
    (ours.BCE(), BINARY, bce()),
    (ours.BCE(), THREE_CLASSES, bce()),
    (ours.BCE(pos_weight=3), BINARY, bce(pos_weight=3)),
    (ours.BCE(pos_weight=0.25), THREE_CLASSES, bce(pos_weight=0.25)),
    (ours.BCE(label_smoothing=0.1), BINARY, bce(smoothing=0.1)),
    (ours.BCE(pos_weight=3, label_smoothing=0.1, class_weight=(2, 5)), BINARY, weighted(bce(3, 0.1), 2, 5)),
    (ours.Hinge(), BINARY, margin(lambda m: max(0, 1 - m))),
    (ours.Hinge(), THREE_CLASSES, margin(lambda m: max(0, 1 - m))),
    (ours.SquaredHinge(), BINARY, margin(lambda m: max(0, 1 - m) ** 2)),
    (ours.SquaredHinge(class_weight=(1, 2, 3)), THREE_CLASSES, weighted(margin(lambda m: max(0, 1 - m) ** 2), 1, 2, 3)),
    (ours.ModifiedHuber(), BINARY, margin(lambda m: max(0, 1 - m) ** 2 if m >= -1 else -4 * m)),
    (ours.ModifiedHuber(), THREE_CLASSES, margin(lambda m: max(0, 1 - m) ** 2 if m >= -1 else -4 * m)),
    (ours.Exponential(), BINARY, margin(lambda m: exp(-m))),
    (ours.Exponential(), THREE_CLASSES, margin(lambda m: exp(-m))),
    (ours.Savage(), BINARY, margin(lambda m: sigmoid(-2 * m) ** 2)),
    (ours.Savage(), THREE_CLASSES, margin(lambda m: sigmoid(-2 * m) ** 2)),
    (ours.Brier(), BINARY, brier),
    (ours.Brier(), THREE_CLASSES, brier),
    (ours.MSE(), BINARY, brier),
    (ours.MSE(), THREE_CLASSES, brier),
    (ours.Focal(), BINARY, focal(2)),
    (ours.Focal(gamma=0.5), BINARY, focal(0.5)),
    (ours.Focal(), THREE_CLASSES, focal(2)),
    (ours.Focal(gamma=0.5, class_weight=(0, 1, 2)), THREE_CLASSES, weighted(focal(0.5), 0, 1, 2)),
    (ours.CCE(), BINARY, cce()),
    (ours.CCE(), THREE_CLASSES, cce()),
    (ours.CCE(label_smoothing=0.1), THREE_CLASSES, cce(0.1)),
    (ours.CCE(label_smoothing=0.3, class_weight=(1, 2, 0.5)), THREE_CLASSES, weighted(cce(0.3), 1, 2, 0.5)),
    (ours.KL(), BINARY, cce()),
    (ours.KL(), THREE_CLASSES, cce()),
    (ours.Poly1(), BINARY, lambda z, y: surprisal(z, y) + 2 * (1 - exp(-surprisal(z, y)))),
    (ours.Poly1(epsilon=-1), THREE_CLASSES, lambda z, y: surprisal(z, y) - (1 - exp(-surprisal(z, y)))),
    (ours.GCE(), BINARY, gce(0.7)),
    (ours.GCE(q=0.01), THREE_CLASSES, gce(0.01)),
    (ours.GCE(q=1), THREE_CLASSES, gce(1)),
    (ours.SCE(), BINARY, sce(0.1, 1, -4)),
    (ours.SCE(alpha=1, beta=0.5, log_zero=-6), THREE_CLASSES, sce(1, 0.5, -6)),
    (ours.Squentropy(), BINARY, squentropy),
    (ours.Squentropy(), THREE_CLASSES, squentropy),
    (ours.CrammerSinger(), BINARY, crammer_singer),
    (ours.CrammerSinger(), THREE_CLASSES, crammer_singer),
]
