"""Derivatives as tests take them; what every loss promises is checked by `lossexp.testing`."""

import numpy as np


def gradient_of(loss, raw, encoded):
    """Return the gradient, in an array of its own."""
    out = np.full_like(raw, np.nan)
    loss.gradient(raw, encoded, out)
    return out


def four_point(function, x, step=1e-3):
    """Return d function / d x by differences of error O(step⁴); `function` is elementwise over the shape of `x`."""
    return (function(x - 2 * step) - 8 * function(x - step) + 8 * function(x + step) - function(x + 2 * step)) / (
        12 * step
    )
