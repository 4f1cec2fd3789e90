"""One run on its way: what was asked for, its curves so far, its folder, and how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from dataclasses import dataclass, field

import numpy as np

from lossexp.config import Job
from lossexp.datasets.base import Data
from lossexp.record import MODEL_FOLDER, History, Outcome, Record, Status, now_ms
from lossexp.trained import TrainedModel
from lossexp.training import Epoch, Finished
from lossexp.verdict import Verdict, judge


@dataclass
class Run:
    """A run between its first and its last word."""

    job: Job
    data: Data
    record: Record
    epochs: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    n_written: int = 0
    finished: Finished | None = None
    is_closed: bool = False
    failure: str = ""
    verdict: Verdict | None = None

    def add(self, epoch: Epoch, values: dict[str, float]) -> None:
        """Take in what this run did in one epoch, unless it is known from before the run was cut off."""
        if self.epochs and epoch.number <= self.epochs[-1]:
            return
        self.epochs.append(epoch.number)
        self.times.append(epoch.time)
        for name, value in values.items():
            self.metrics.setdefault(name, []).append(value)

    def flush(self) -> bool:
        """Append what is new to the run folder, and tell whether there was anything."""
        if self.n_written == len(self.epochs):
            return False
        new = slice(self.n_written, None)
        metrics = {name: values[new] for name, values in self.metrics.items()}
        self.record.append(self.epochs[new], self.times[new], metrics)
        self.n_written = len(self.epochs)
        return True

    def start_again(self) -> None:
        """Forget what was measured: the run is trained anew."""
        self.epochs, self.times, self.metrics, self.n_written = [], [], {}, 0
        self.record.clear_history()

    @property
    def history(self) -> History:
        """The curves."""
        metrics = {name: np.array(values) for name, values in self.metrics.items()}
        return History(np.array(self.epochs, dtype=int), np.array(self.times, dtype=int), metrics)

    @property
    def best_epoch(self) -> int | None:
        """The epoch of least validation loss; None where nothing was measured."""
        return self.epochs[int(np.argmin(self.metrics["val/loss"]))] if self.epochs else None

    @property
    def problem(self) -> str | None:
        """In one word, why the run does not count; None where it ended well."""
        if self.finished is None:
            return "failed"
        verdict = self.verdict.name if self.verdict else ""
        return "diverged" if "diverged" in (self.finished.ending, verdict) else None

    @functools.cached_property
    def overrides(self) -> dict[str, str]:
        """The settings given for this run, as typed: name to value."""
        parted = (override.lstrip("+~").partition("=") for override in self.job.overrides)
        return {name: value for name, _, value in parted}

    def setting(self, name: str) -> str:
        """Return a setting as typed, empty where it was not given."""
        return self.overrides.get(name, "")

    @property
    def loss_label(self) -> str:
        """The name of the loss with its settings as typed."""
        typed = (f"{name}={value}" for name, value in self.overrides.items() if name.startswith("loss."))
        return " ".join([self.job.choices["loss"], *typed])

    def last_metrics(self) -> dict[str, float]:
        """Return the curves' values at the weights that the run keeps."""
        assert self.finished is not None
        place = self.epochs.index(self.finished.epoch)
        return {name: values[place] for name, values in self.metrics.items()}

    def final_metrics(self) -> dict[str, float]:
        """Return the metrics of the whole run: best epoch and value, final gap, test split."""
        assert self.finished is not None
        if self.best_epoch is None:
            return self.finished.metrics
        return {
            "best/epoch": float(self.best_epoch),
            "best/val_loss": float(np.min(self.metrics["val/loss"])),
            "gap/final": self.metrics["gap"][-1],
            **self.finished.metrics,
        }

    def description(self, *, with_losses: bool = True) -> str:
        """Say in one sentence how the run ended, and with what losses unless they are shown elsewhere."""
        assert self.finished is not None
        kept = self.finished.epoch
        if not self.epochs:
            return "Diverged: the loss of the initial model is not finite. Try dataset.standardize_target=true."
        if self.finished.ending == "diverged":
            where = f"Diverged in epoch {self.epochs[-1] + 1}; the weights of epoch {kept} are kept."
            return f"{where} Try a smaller optimizer.lr."
        ending = "Stopped early" if self.finished.ending == "stopped early" else "Completed"
        weights = "" if kept == self.epochs[-1] else f", weights of epoch {kept} restored"
        numerical = "" if self.job.experiment.loss.has_own_gradient else " Its gradient was derived numerically."
        val = self.metrics["val/loss"]
        losses = f": validation loss {val[-1]:.4g}, best {min(val):.4g} at epoch {self.best_epoch}"
        return f"{ending} after epoch {self.epochs[-1]}{weights}{losses if with_losses else ''}.{numerical}"

    def judge(self) -> None:
        """Come to a verdict, from the losses of single validation examples."""
        assert self.finished is not None
        if self.finished.evidence is not None:
            self.verdict = judge(self.finished.evidence)

    def outcome(self) -> Outcome:
        """Return how the run ended, with its verdict where there is one."""
        assert self.finished is not None
        status: Status = "FAILED" if self.problem else "FINISHED"
        tags: dict[str, str] = {"ending": self.finished.ending}
        metrics, text = self.final_metrics(), self.description()
        if self.verdict is not None:
            tags["verdict"] = self.verdict.name
            metrics |= self.verdict.metrics()
            text = f"{text} {self.verdict.sentence}"
        return Outcome(status, now_ms(), metrics, tags, text)

    def close(self) -> None:
        """Write what is left of the record, and last the final marker."""
        assert self.finished is not None
        self.flush()
        diverged = self.problem is not None
        model = TrainedModel.of(self.job.experiment, self.data, self.finished.params, diverged=diverged)
        model.save(self.record.path / MODEL_FOLDER)
        if self.finished.evidence is not None:
            self.finished.evidence.save(self.record.path / "evidence.npz")
            self.forget_details()
        self.record.finish(self.outcome())
        self.is_closed = True

    def forget_details(self) -> None:
        """Keep of the evidence only what is needed after the verdict."""
        assert self.finished is not None
        if self.finished.evidence is not None:
            self.finished = dataclasses.replace(self.finished, evidence=self.finished.evidence.shortened())

    def abort(self, reason: str, status: Status) -> None:
        """Write what was measured so far, as far as there is room, and that something ended the run from outside."""
        with contextlib.suppress(OSError, ValueError):  # a full disk; an epoch of which half was taken in
            # The file knows: what ended the run may have come between writing and taking note of it.
            self.n_written = len(self.record.history().epochs)
            self.flush()
        self.failure = reason
        self.record.finish(Outcome(status, now_ms(), {}, {"ending": status.lower()}, f"Ended by {self.failure}"))
        self.is_closed = True
