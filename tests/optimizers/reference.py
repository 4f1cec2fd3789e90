"""The update rules as published, one run, one array, written with nothing but arithmetic.

`bias` is a mask that is 1 where a number is a bias, which weight decay leaves alone. Each yields w after every step.
"""

import itertools


def gradient_descent(gradient, w, lr, weight_decay, bias):
    """Cauchy (1847): w_{t+1} = w_t - lr_t g(w_t)."""
    for t in itertools.count():
        w = w - lr(t) * (gradient(w, t) + weight_decay * w * (1 - bias))
        yield w


def heavy_ball(gradient, w, lr, weight_decay, bias, momentum):
    """Polyak (1964), the velocity in units of the gradient: v_{t+1} = mu v_t + g(w_t), w_{t+1} = w_t - lr_t v_{t+1}."""
    v = 0 * w
    for t in itertools.count():
        v = momentum * v + gradient(w, t) + weight_decay * w * (1 - bias)
        w = w - lr(t) * v
        yield w


def nesterov(gradient, w, lr, weight_decay, bias, momentum):
    """Sutskever et al. (2013), at the point looked ahead to: w_{t+1} = w_t - lr_t (g(w_t) + mu v_{t+1})."""
    v = 0 * w
    for t in itertools.count():
        g = gradient(w, t) + weight_decay * w * (1 - bias)
        v = momentum * v + g
        w = w - lr(t) * (g + momentum * v)
        yield w
