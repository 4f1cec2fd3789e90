"""What a verdict is based on: the losses of each validation example at some epochs of one run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lossexp.components import Array
from lossexp.errors import StorageError

MAX_CHECKPOINTS = 64


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was measured of one run, always without the penalty and at the weights at the end of an epoch.

    Attributes:
        epochs: Epochs at which it was measured, `(n_checkpoints,)`, increasing; the last one is the last one trained.
        losses: Loss of each validation example, `(n_val, n_checkpoints)` in float32.
        errors: Task error of each validation example, of the same shape: 0 or 1 for a class, a tie is the fraction
            that is wrong; the squared error of a real number.
        train_losses: Mean training loss, `(n_checkpoints,)`.
        constant_losses: Validation losses `(n_val,)` of the constant prediction that is best on the training split.
        constant_errors: Task errors of the same, `(n_val,)`.
        constant_train_loss: Its mean training loss.
        infimum: Greatest lower bound of the loss; -inf where there is none or it is not known.
        ending: How the run ended.
        selected_on_validation: Whether early stopping watched the validation examples.
        kept_epoch: The epoch whose weights the run ends with, one of `epochs`; None for the last.
        groups: Examples with the same number depend on each other, `(n_val,)`; None where all are independent.
    """

    epochs: Array
    losses: Array
    errors: Array
    train_losses: Array
    constant_losses: Array
    constant_errors: Array
    constant_train_loss: float
    infimum: float = 0.0
    ending: Literal["completed", "stopped early", "diverged"] = "completed"
    selected_on_validation: bool = False
    kept_epoch: int | None = None
    groups: Array | None = None

    def __post_init__(self) -> None:
        n_val, n_checkpoints = shape = self.losses.shape
        expected = {"epochs": (n_checkpoints,), "errors": shape, "train_losses": (n_checkpoints,)}
        expected |= {"constant_losses": (n_val,), "constant_errors": (n_val,)}
        expected |= {} if self.groups is None else {"groups": (n_val,)}
        for name, wanted in expected.items():
            if (found := np.shape(getattr(self, name))) != wanted:
                raise ValueError(f"{name} {found} does not fit losses {shape}: expected {wanted}.")
        if not n_val:
            raise ValueError("losses of no example: expected at least one row.")
        if not n_checkpoints or np.any(np.diff(self.epochs) <= 0):
            raise ValueError(f"epochs {self.epochs} must be increasing, and at least one.")
        if self.kept_epoch is not None and self.kept_epoch not in self.epochs:
            raise ValueError(f"kept_epoch {self.kept_epoch} is none of the epochs {self.epochs}.")

    @property
    def final_epoch(self) -> int:
        """The epoch of the final model."""
        return int(self.epochs[-1]) if self.kept_epoch is None else self.kept_epoch

    @property
    def final_error(self) -> float:
        """Mean task error of the final model."""
        return float(self.errors[:, np.searchsorted(self.epochs, self.final_epoch)].mean())

    def shortened(self) -> Evidence:
        """Return what later questions need, of the first, the best and the final epoch: a sweep keeps many of these."""
        places = {0, int(np.argmin(self.losses.mean(axis=0))), int(np.searchsorted(self.epochs, self.final_epoch))}
        kept = sorted(places)
        return dataclasses.replace(
            self,
            epochs=self.epochs[kept],
            losses=self.losses[:, kept],
            errors=self.errors[:, kept],
            train_losses=self.train_losses[kept],
            kept_epoch=self.final_epoch,
        )

    def save(self, path: Path) -> None:
        """Write everything into an npz file; packing it would take ten times as long."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        np.savez(path, allow_pickle=False, **{name: value for name, value in fields.items() if value is not None})

    @classmethod
    def load(cls, path: Path) -> Evidence:
        """Read what `save` has written.

        Raises:
            StorageError: The file is missing, or is something else.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                found = dict(file)
            return cls(**{name: value if value.ndim else value.item() for name, value in found.items()})
        except (OSError, ValueError, TypeError) as error:
            raise StorageError(f"{path} cannot be read as the evidence of a verdict: {error}") from error


def checkpoint_epochs(n_epochs: int, at_most: int = MAX_CHECKPOINTS) -> Array:
    """Return the epochs at which validation examples are measured one by one, increasing.

    All of them where they are few; otherwise about half in equal steps and half in geometric progression, since most
    happens at the start. 0, 1 and `n_epochs` are always among them.

    Epoch 0 belongs to them: where the initial model predicts better than the final one, although the training loss has
    fallen, training has fitted what does not generalise, and nothing else shows it if that is so from epoch 1 on.
    """
    if n_epochs < at_most:
        return np.arange(n_epochs + 1)
    uniform = np.linspace(0, n_epochs, at_most // 2)
    chosen = {0, 1, *np.rint(uniform).astype(int).tolist()}
    # A geometric progression repeats its small numbers: as many steps as fill the places that are left.
    for n_steps in range(at_most, 0, -1):
        geometric = set(np.rint(np.geomspace(1, n_epochs, n_steps)).astype(int).tolist())
        if len(chosen | geometric) <= at_most:
            break
    return np.array(sorted(chosen | geometric))
