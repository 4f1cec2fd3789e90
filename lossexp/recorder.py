"""The records of runs while they are trained: folders, verdicts, pictures and the report, and telling the tracker."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lossexp import ranking, resuming
from lossexp.config import Job
from lossexp.datasets.base import Data
from lossexp.errors import in_words
from lossexp.record import Outcome, Record, RunSheet, now_ms
from lossexp.run import Run
from lossexp.training import Epoch
from lossexp.verdict import Evidence, after_holm, against

if TYPE_CHECKING:
    from lossexp.comparing import Compared
    from lossexp.pictures import CurvePainter
    from lossexp.trackers import Follower

SHOWN_LOSSES = 8
"""How many losses the picture of a sweep shows: more lines cannot be told apart."""

FLUSH_SECONDS = 1.0
"""How long epochs may wait in memory before they are appended to the run folder."""


class Recorder:
    """Keeps the record of every run while it is trained, and tells the tracker.

    Args:
        root: The output folder.
        follower: Told about every run folder that has news.
        tags: Tags that all runs get.
        begun: Folders of the runs of a sweep that goes on, by `run_key`.
    """

    def __init__(
        self,
        root: Path,
        follower: Follower,
        tags: Mapping[str, str] | None = None,
        begun: Mapping[str, Record] | None = None,
    ) -> None:
        self.root, self.follower, self.tags, self.begun = root, follower, tags or {}, begun or {}
        self.reports: list[Path] = []
        self._painter: CurvePainter | None = None
        self._flushed = time.monotonic()

    def open(self, job: Job, data: Data, tags: Mapping[str, str] | None = None) -> Run:
        """Make the run folder of a job, or take over the one that it has; `tags` come on top of those of all runs.

        Runs with the same `pair_id` saw the same examples in the same order, and may be compared one by one.
        """
        pair_id = f"{data.fingerprint[:12]}-{job.experiment.seed}"
        about = sheet(job, data, {"pair_id": pair_id, **self.tags, **(tags or {})})
        if (begun := self.begun.get(about.run_key)) and (run := resuming.take_over(job, data, begun)):
            self.follower.changed(begun.path)
            return run
        record = Record.create(self.root / "records", about, job.yaml)
        if data.card:
            record.save_card(data.card)
        return Run(job, data, record)

    def take(self, epoch: Epoch, runs: Sequence[Run]) -> None:
        """Take in an epoch of a stack of runs; one that was taken over is there for the sake of the others."""
        names = list(epoch.metrics)
        for index, *values in zip(epoch.runs.tolist(), *(v.tolist() for v in epoch.metrics.values()), strict=True):
            if not runs[index].is_closed:
                runs[index].add(epoch, dict(zip(names, values, strict=True)))
        for finished in epoch.finished:
            if not runs[finished.run].is_closed:
                runs[finished.run].finished = finished
                self._close(runs[finished.run])
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self._flushed = time.monotonic()
            for run in runs:
                if not run.is_closed and run.flush():
                    self.follower.changed(run.record.path)

    def failed(self, reason: str, indices: list[int], runs: Sequence[Run]) -> list[list[int]]:
        """Take in that a stack ended with an error; return what to try again, each run on its own."""
        if len(runs) == 1:
            runs[0].abort(reason, "FAILED")
            self.follower.changed(runs[0].record.path)
            return []
        unfinished = [(index, run) for index, run in zip(indices, runs, strict=True) if not run.is_closed]
        for _, run in unfinished:
            run.start_again()
        return [[index] for index, _ in unfinished]

    def sum_up(self, rows: Sequence[ranking.Row], runs: Sequence[Run], compared: Compared) -> None:
        """Record the sweep itself: a run of its own with the ranked table, a picture and what losses are better."""
        from lossexp import comparison_files, overview
        from lossexp.loss_pictures import loss_shapes_png

        first, name = runs[0].job, f"sweep {self.tags['sweep']}"
        started = min(run.record.sheet.started for run in runs)
        varying = {name: ",".join(dict.fromkeys(run.setting(name) for run in runs)) for name in rows[0].settings}
        tags = {**self.tags, "kind": "sweep", "dataset": first.choices["dataset"]}
        key = resuming.sweep_key(runs)
        about = replace(sheet(first, runs[0].data, tags), name=name, run_key=key, started=started, params=varying)
        record = self.begun.get(key) or Record.create(self.root / "records", replace(about, tags=tags), first.yaml)
        overview.write_table(record.path / "table.csv", rows)
        overview.overview_png(record.path / "overview.png", rows, f"{first.choices['dataset']}: {len(runs)} runs")
        losses = {run.loss_label: run.job.experiment.loss for run in runs if run.finished}
        if len(losses) > 1:
            loss_shapes_png(record.path / "losses.png", dict(list(losses.items())[:SHOWN_LOSSES]), runs[0].data.target)
        n_sound = sum(run.problem is None for run in runs)
        best = " ".join(f"{name}={value}" for name, value in rows[0].settings.items())
        text = f"{len(runs)} runs, {n_sound} completed. First by {ranking.criterion(runs[0].data.target)[0]}: {best}"
        self._report(record, rows, runs, compared)
        text = "\n\n".join([*comparison_files.write(record.path, first.choices["dataset"], compared), text])
        counts = {"runs": float(len(runs)), "runs_diverged_or_failed": float(len(runs) - n_sound)}
        outcome = Outcome("FINISHED", now_ms(), counts, {}, text)
        if not record.ends_with(outcome):
            record.finish(outcome)
        self.follower.changed(record.path)

    def _report(self, record: Record, rows: Sequence[ranking.Row], runs: Sequence[Run], compared: Compared) -> None:
        """Write the report into the folder of the sweep, and a copy of it to where it is easily found."""
        from lossexp.report import write_report

        report = record.path / "report.html"
        write_report(report, runs, rows, compared)
        copy = self.root / "reports" / f"{self.tags['sweep']}-{record.path.parent.name}.html"
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(report, copy)
        self.reports.append(copy)

    @contextmanager
    def guard(self, runs: Sequence[Run]) -> Iterator[None]:
        """Close what is still open when something ends the training from outside."""
        try:
            yield
        except BaseException as error:
            for run in runs:
                if not run.is_closed:
                    with suppress(OSError):  # a full disk: what cannot be closed now is closed by the next command
                        run.abort(in_words(error), "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
                        self.follower.changed(run.record.path)
            raise

    def settle(self, runs: Sequence[Run]) -> None:
        """Correct the verdicts for the number of runs, and where another run shows that more can be learnt."""
        judged = [(run, run.verdict, run.finished.evidence) for run in runs if run.finished and run.verdict]
        corrected = after_holm([verdict for _, verdict, _ in judged])
        best, n_runs = _best_of_each_split(runs), Counter(id(run.data) for run, _, _ in judged)
        for (run, of_its_own, evidence), verdict in zip(judged, corrected, strict=True):
            reference, shown = best.get(id(run.data), (run, evidence))
            if evidence and shown and reference is not run:
                verdict = against(verdict, evidence, reference.job.name, shown, n_runs=n_runs[id(run.data)])
            if verdict.is_rise or verdict.name != of_its_own.name:
                run.verdict = verdict
            if not run.record.ends_with(run.outcome()):
                self._paint(run)
                run.record.finish(run.outcome())
                self.follower.changed(run.record.path)

    def _close(self, run: Run) -> None:
        run.judge()
        self._paint(run)
        run.close()
        self.follower.changed(run.record.path)

    def _paint(self, run: Run) -> None:
        from lossexp.pictures import CurvePainter, Finding

        self._painter = self._painter or CurvePainter()
        assert run.finished is not None
        verdict, finding = run.verdict, None
        if verdict is not None and verdict.name != "diverged":
            rise = verdict.rise_of_headroom if verdict.is_overfit else 0.0
            finding = Finding(verdict.name, verdict.best_set, rise)
        self._painter.paint(
            run.record.path / "curves.png",
            run.history,
            title=f"{run.job.choices['dataset']}: {run.job.name}",
            best_epoch=run.best_epoch or 0,
            loss_label=f"{run.job.choices['loss']} loss",
            diverged=run.finished.ending == "diverged",
            finding=finding,
        )


def _best_of_each_split(runs: Sequence[Run]) -> dict[int, tuple[Run, Evidence]]:
    """Return the run with the least task error, and its evidence, by the identity of the data; none that diverged."""
    best: dict[int, tuple[Run, Evidence]] = {}
    for run in runs:
        evidence = run.finished.evidence if run.finished and not run.problem else None
        if evidence and (id(run.data) not in best or evidence.final_error < best[id(run.data)][1].final_error):
            best[id(run.data)] = run, evidence
    return best


def sheet(job: Job, data: Data, tags: Mapping[str, str]) -> RunSheet:
    """Describe what is about to be run."""
    splits = {"n_train": data.train, "n_val": data.val, "n_test": data.test}
    dataset = {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "task": str(data.target.task),
        "n_features": str(data.n_features),
        "n_classes": str(data.target.n_classes),
        **{name: str(len(split)) for name, split in splits.items()},
    }
    return RunSheet(
        name=job.name,
        experiment=job.choices["dataset"],
        run_key=resuming.run_key(job, data),
        started=now_ms(),
        params=job.params(),
        tags={**{group: job.choices[group] for group in ("loss", "optimizer", "model", "dataset")}, **tags},
        dataset=dataset,
        curves=job.tracker.curves,
    )
