"""A sound loss, optimizer, schedule and model, and ways to break them: each breaks one promise."""

from dataclasses import dataclass

import numpy as np

from lossexp.components import NonNegative, Positive
from lossexp.losses import Loss
from lossexp.losses.classes import ClassLoss
from lossexp.models import Linear
from lossexp.numerics import softmax
from lossexp.optimizers.base import MiniBatchOptimizer, Searcher
from lossexp.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Cauchy(Loss):
    """What a user writes: a value and a gradient, with NumPy."""

    scale: Positive = 1.0

    def value(self, raw, target):
        return np.log1p(((raw - target) / self.scale) ** 2).sum(axis=0)

    def gradient(self, raw, target, out):
        e = raw - target
        out[...] = 2 * e / (self.scale**2 + e**2)


@dataclass(frozen=True, kw_only=True)
class WithoutGradient(Loss):
    """Value alone."""

    scale: Positive = 1.0

    def value(self, raw, target):
        return np.log1p(((raw - target) / self.scale) ** 2).sum(axis=0)


class OneNumber(Cauchy):
    def value(self, raw, target):
        return np.log1p((raw - target) ** 2).sum(axis=(0, 2))


class HalfGradient(Cauchy):
    def gradient(self, raw, target, out):
        super().gradient(raw, target, out)
        out /= 2


class ReturnsGradient(Cauchy):
    def gradient(self, raw, target, out):
        return 2 * (raw - target) / (self.scale**2 + (raw - target) ** 2)


class WritesNothing(Cauchy):
    def gradient(self, raw, target, out):
        out = raw - target  # noqa: F841


class WrongFarOut(Cauchy):
    """Right but for residuals above 25."""

    def gradient(self, raw, target, out):
        far = np.abs(raw - target) > 25
        super().gradient(raw, target, out)
        out[far] = 0


class Clipped(ClassLoss):
    """The log of a probability that is kept from 0, with the gradient of one that is not."""

    def link_name(self, target):
        return "softmax"

    def unweighted(self, raw, target):
        p = softmax(raw, np.empty_like(raw))
        return -np.sum(target * np.log(np.clip(p, 1e-7, 1)), axis=0)

    def write_gradient(self, raw, target, weight, out):
        p = softmax(raw, np.empty_like(raw))
        np.multiply(p - target, weight, out=out)


class KnowsTheLevel(ClassLoss):
    """Not only differences of scores."""

    def link_name(self, target):
        return "softmax"

    def unweighted(self, raw, target):
        return np.sum(target * np.log(np.cosh((raw - target) / 1e3)), axis=0)

    def write_gradient(self, raw, target, weight, out):
        np.multiply(target * np.tanh((raw - target) / 1e3) / 1e3, weight, out=out)


class RealOnly(WithoutGradient):
    """Casts to a precision, and loses what is complex."""

    def value(self, raw, target):
        return super().value(raw.astype(np.float64), target)


class Leaves(Cauchy):
    def value(self, raw, target):
        raise SystemExit(0)


class WrongFarBelow(Cauchy):
    """Right but for residuals below -3."""

    def gradient(self, raw, target, out):
        far = raw - target < -3
        super().gradient(raw, target, out)
        out[far] *= -1


class OwnPair(Cauchy):
    def value_and_gradient(self, raw, target, out):
        self.gradient(raw, target, out)
        return np.log1p(np.abs(raw - target)).sum(axis=0)


class IgnoresWeight(Cauchy):
    def weighted_gradient(self, raw, target, weight, out):
        self.gradient(raw, target, out)


class ReadsWhatItWrote(Cauchy):
    def gradient(self, raw, target, out):
        out[...] = 2 * (raw - target)
        out /= self.scale**2 + (raw - target) ** 2


class ChangesRaw(Cauchy):
    def value(self, raw, target):
        raw -= target
        return np.log1p((raw / self.scale) ** 2).sum(axis=0)


class ReadsMemory(Cauchy):
    """A flat view is a copy where the array is not contiguous."""

    def gradient(self, raw, target, out):
        super().gradient(raw, target, out)
        if not raw.flags.c_contiguous:
            out[...] = np.sort(out, axis=-1)


class Normalised(Cauchy):
    """By the mean over the batch."""

    def value(self, raw, target):
        value = super().value(raw, target)
        return value / value.mean()


class FirstRunOnly(Cauchy):
    def value(self, raw, target):
        scale = np.ravel(self.scale)[0]
        return np.log1p(((raw - target) / scale) ** 2).sum(axis=0)

    def gradient(self, raw, target, out):
        scale = np.ravel(self.scale)[0]
        out[...] = 2 * (raw - target) / (scale**2 + (raw - target) ** 2)


class Imprecise(Cauchy):
    def value(self, raw, target):
        return (
            super().value(raw.astype(np.float16), target.astype(np.float16))
            if raw.dtype == "f4"
            else super().value(raw, target)
        )


class NaiveSoftplus(Loss):
    def value(self, raw, target):
        return np.log(1 + np.exp(raw - target)).sum(axis=0)


class BelowItsInfimum(Loss):
    def value(self, raw, target):
        return (np.sqrt(1 + (raw - target) ** 2) - 2).sum(axis=0)


class AboveItsInfimum(Cauchy):
    """A constant too much."""

    def value(self, raw, target):
        return super().value(raw, target) + 0.5


class NotConvex(Cauchy):
    convex = True


class Unsendable(Cauchy):
    def __reduce__(self):
        raise TypeError("cannot be sent")


@dataclass(frozen=True, kw_only=True)
class Momentum(MiniBatchOptimizer):
    """w = w - lr v, v = keep v + g."""

    keep: NonNegative = 0.5

    def init(self, params):
        return [np.zeros_like(param) for param in params]

    def step(self, params, gradients, state, lr):
        for param, gradient, velocity in zip(params, gradients, state, strict=True):
            gradient[..., :-1] += self.weight_decay * param[..., :-1]
            velocity *= self.keep
            velocity += gradient
            param -= lr * velocity


class Uphill(Momentum):
    def step(self, params, gradients, state, lr):
        super().step(params, [-gradient for gradient in gradients], state, lr)


class MovesAnyway(Momentum):
    def step(self, params, gradients, state, lr):
        super().step(params, gradients, state, lr + 1e-3)


class DecaysBiases(Momentum):
    def step(self, params, gradients, state, lr):
        super().step(params, [g + self.weight_decay * p for g, p in zip(gradients, params, strict=True)], state, lr)


class KeepOfFirstRun(Momentum):
    def step(self, params, gradients, state, lr):
        Momentum(keep=float(np.ravel(self.keep)[0])).step(params, gradients, state, lr)


class GlobalNorm(Momentum):
    """Clips by the norm over all runs."""

    def step(self, params, gradients, state, lr):
        norm = np.sqrt(sum(np.sum(gradient**2) for gradient in gradients))
        super().step(params, [gradient / max(norm, 1) for gradient in gradients], state, lr)


class CountsOnce(Momentum):
    """The count has no run axis of its own."""

    def init(self, params):
        return [*super().init(params), np.zeros((1, 3, 1))]

    def step(self, params, gradients, state, lr):
        *velocities, count = state
        count += np.arange(count.shape[1])[:, None]
        super().step(params, [g / (1 + count) for g in gradients], velocities, lr)


class LostPrecision(Momentum):
    def init(self, params):
        return [np.zeros(param.shape) for param in params]


@dataclass(frozen=True, kw_only=True)
class StaysThere(Searcher):
    """Forgets to put the parameters back."""

    def search(self, params, gradients, state, evaluate):
        for param, gradient in zip(params, gradients, strict=True):
            gradient[...] = param
            param[...] = 0

    def step(self, params, gradients, state, lr):
        for param, gradient in zip(params, gradients, strict=True):
            param -= lr * gradient


@dataclass(frozen=True, kw_only=True)
class Rising(Schedule):
    def decay(self, epoch, n_epochs):
        return 1 + epoch


@dataclass(frozen=True, kw_only=True)
class Relative(Schedule):
    """Depends on which steps are asked for together."""

    def decay(self, epoch, n_epochs):
        return np.exp(-(epoch - epoch.min()))


@dataclass(frozen=True, kw_only=True)
class Nothing(Schedule):
    def decay(self, epoch, n_epochs):
        return np.zeros_like(epoch, dtype=float)


class TwiceTheGradient(Linear):
    def backward(self, params, X, sharing, workspace, raw_gradient, out):
        super().backward(params, X, sharing, workspace, 2 * raw_gradient, out)


class SameStart(Linear):
    def initial_params(self, n_features, n_outputs, rngs, dtype):
        return Linear(scale=1).initial_params(n_features, n_outputs, [rngs[0]] * len(rngs), dtype)


class NextStream(Linear):
    """Reads the other stream."""

    def forward(self, params, X, sharing, workspace):
        return super().forward(params, X[::-1].copy(), sharing, workspace)


class Mixed(Linear):
    def forward(self, params, X, sharing, workspace):
        raw = super().forward(params, X, sharing, workspace)
        raw += 1e-9 * raw.mean(axis=1, keepdims=True)
        return raw


class WearsOut(Linear):
    def backward(self, params, X, sharing, workspace, raw_gradient, out):
        super().backward(params, X, sharing, workspace, raw_gradient, out)
        X *= 0.999
