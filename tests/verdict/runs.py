"""Evidence of runs whose mean curves are given."""

import numpy as np

from lossexp.verdict import Evidence

FALLING = 0.2 + 0.8 * np.exp(-np.arange(41) / 5)
"""From the loss of a constant, 1, to next to 0.2; at rest from about epoch 30 on."""
RISING = FALLING + 0.02 * np.maximum(np.arange(41) - 15, 0)


def run(val=FALLING, *, train=FALLING, error=None, n=300, noise=0.05, seed=0, epochs=None, constant=1.0, **fields):
    """Return evidence with these means: examples differ much from each other, and little between epochs.

    Without `error` each task error is what the loss is in the end, for all epochs.
    """
    rng = np.random.default_rng(seed)
    val, train = np.array(val, dtype=float), np.array(train, dtype=float)
    of_example = rng.gamma(2, 0.5, n)
    of_example /= of_example.mean()
    change = rng.normal(0, noise, (n, len(val)))
    losses = np.outer(of_example, val) + change - change.mean(axis=0)
    draws = rng.permutation(n)[:, None] / n
    errors = draws < np.broadcast_to(0.1 if error is None else error, len(val))
    given = {
        "epochs": np.arange(len(val)) if epochs is None else np.asarray(epochs),
        "losses": losses.astype(np.float32),
        "errors": errors.astype(np.float32),
        "train_losses": train,
        "constant_losses": constant * of_example,
        "constant_errors": (draws[:, 0] < 0.5).astype(float),
        "constant_train_loss": constant,
    }
    return Evidence(**{**given, **fields})
