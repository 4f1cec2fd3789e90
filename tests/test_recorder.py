"""What the record of a run says when all runs of its sweep have ended."""

import dataclasses
import errno
import json

import numpy as np
import pytest

from lossexp import resuming
from lossexp.pictures import CurvePainter
from lossexp.record import Record
from lossexp.recorder import Recorder
from lossexp.trackers.base import Follower, TrackingSummary
from lossexp.training import Epoch, Finished
from tests.composed import small
from tests.verdict.runs import FALLING, RISING
from tests.verdict.runs import run as evidence_of

N_EPOCHS = len(FALLING) - 1
FAINT = FALLING + 0.0018 * np.maximum(np.arange(N_EPOCHS + 1) - 15, 0)
"""Rises by little more than the margin: p is between .05 / 8 and .05 for the noise of these tests."""
LITTLE = dataclasses.replace(evidence_of(error=0.4), train_losses=np.full(N_EPOCHS + 1, 0.5))
"""Learns half of the training split, and errs often."""


class Noted(Follower):
    """Keeps what it is told."""

    def __init__(self):
        self.folders = []

    def changed(self, record):
        self.folders.append(record)

    def close(self, timeout=None):
        return TrackingSummary()


@pytest.fixture
def recorder(tmp_path):
    return Recorder(tmp_path, Noted())


def finished(recorder, number, evidence, data=None, ending="completed"):
    """Return a run that has been trained and closed, with this evidence in place of its own."""
    job = small("loss=bce", f"optimizer.lr={number}")
    run = recorder.open(job, data or job.experiment.dataset.load(0))
    curves = {"train/loss": evidence.train_losses, "val/loss": evidence.losses.mean(axis=0)}
    params = [np.zeros((1, 3))]
    end = Finished(0, ending, N_EPOCHS, params, {}, evidence)
    for epoch in range(N_EPOCHS + 1):
        values = {name: curve[[epoch]] for name, curve in curves.items()}
        values["gap"] = values["val/loss"] - values["train/loss"]
        last = [end] if epoch == N_EPOCHS else []
        recorder.take(Epoch(epoch, np.array([0]), values, last), [run])
    return run


def kept(run):
    """Return what must not be lost or changed by mistake: the end, the tag and the picture."""
    done = json.loads((run.record.path / "done.json").read_text(encoding="utf-8"))
    return done["tags"]["verdict"], done, (run.record.path / "curves.png").read_bytes()


def settle(recorder, runs):
    """Settle runs; return what is kept of each, before and after, and the folders that the follower was told of."""
    before = [kept(run) for run in runs]
    recorder.follower.folders.clear()
    recorder.settle(runs)
    return before, [kept(run) for run in runs], recorder.follower.folders


def test_a_sound_run_stays_as_it_is(recorder):
    before, after, told = settle(recorder, [finished(recorder, 1, evidence_of())])
    assert before == after
    assert before[0][0] == "good fit"
    assert told == []


def test_what_seems_to_overfit_alone_may_be_inconclusive_among_many(recorder):
    """Each of eight runs has a p of its own below .05; not one of them holds for eight."""
    faint = [finished(recorder, number, evidence_of(FAINT, seed=1)) for number in (1, 2)]
    assert [run.verdict.name for run in faint] == ["overfit (confidence)"] * 2
    assert 0.05 / 8 < faint[0].verdict.p <= 0.05
    sound = [finished(recorder, number, evidence_of()) for number in range(3, 9)]
    before, after, told = settle(recorder, [*faint, *sound])
    assert [tag for tag, *_ in after] == ["inconclusive"] * 2 + ["good fit"] * 6
    for (_, done, picture), (_, done_before, picture_before) in zip(after[:2], before[:2], strict=True):
        assert "of 8 (p = " in done["description"]
        assert done["metrics"]["verdict/p_holm"] > 0.05
        assert done["metrics"]["verdict/p"] == done_before["metrics"]["verdict/p"]
        assert done["status"] == "FINISHED"
        assert picture != picture_before
    assert after[2:] == before[2:]
    assert told == [run.record.path for run in faint]


def test_what_overfits_among_many_has_its_corrected_p(recorder):
    runs = [finished(recorder, 1, evidence_of(RISING)), finished(recorder, 2, evidence_of())]
    (before, _), (after, _), told = settle(recorder, runs)
    assert before[0] == after[0] == "overfit (confidence)"
    assert "verdict/p_holm" not in before[1]["metrics"]
    assert after[1]["metrics"]["verdict/p_holm"] == pytest.approx(2 * after[1]["metrics"]["verdict/p"])
    assert told == [runs[0].record.path]


def test_a_run_underfits_beside_one_that_learns_more_of_the_same_split(recorder):
    best = finished(recorder, 1, evidence_of(error=0.05))
    same_split = finished(recorder, 2, LITTLE, best.data)
    other_split = finished(recorder, 3, LITTLE)
    assert [run.verdict.name for run in (best, same_split, other_split)] == ["good fit"] * 3
    before, after, told = settle(recorder, [same_split, best, other_split])
    assert [tag for tag, *_ in after] == ["underfit", "good fit", "good fit"]
    assert f"Underfit: {best.job.name} has a task error that is lower by" in after[0][1]["description"]
    assert after[0][2] != before[0][2]
    assert told == [same_split.record.path]


def test_of_a_sweep_that_goes_on_the_verdicts_are_those_in_the_folders(recorder):
    """Also what is shown of them; and where nothing has changed nothing is written."""
    best = finished(recorder, 1, evidence_of(error=0.05))
    runs = [finished(recorder, 2, LITTLE, best.data), best, finished(recorder, 3, evidence_of(RISING), best.data)]
    recorder.settle(runs)
    again = [resuming.take_over(run.job, run.data, run.record) for run in runs]
    before, after, told = settle(recorder, again)
    assert before == after
    assert told == []
    assert (
        [run.verdict.name for run in again]
        == [tag for tag, *_ in after]
        == ["underfit", "good fit", "overfit (confidence)"]
    )
    assert [run.verdict for run in again] == [run.verdict for run in runs]


def test_a_run_that_diverged_is_no_example_to_others(recorder):
    """Though its error is the least: the next best is."""
    lost = finished(recorder, 1, dataclasses.replace(evidence_of(error=0.0), ending="diverged"), ending="diverged")
    best = finished(recorder, 2, evidence_of(error=0.05), lost.data)
    poor = finished(recorder, 3, LITTLE, lost.data)
    _, after, _ = settle(recorder, [lost, best, poor])
    assert [tag for tag, *_ in after] == ["diverged", "good fit", "underfit"]


def test_runs_that_failed_are_left_out(recorder):
    job = small()
    failed = recorder.open(job, job.experiment.dataset.load(0))
    failed.abort("a mistake", "FAILED")
    recorder.settle([failed, finished(recorder, 1, evidence_of())])
    assert failed.record.outcome.description == "Ended by a mistake"


def test_runs_that_a_full_disk_ends_are_closed_as_far_as_there_is_room(recorder, monkeypatch):
    runs = [recorder.open(small(), small().experiment.dataset.load(0)) for _ in range(3)]
    for run in runs:
        run.add(Epoch(0, np.array([0]), {}), {"train/loss": 1.0, "val/loss": 1.0})

    def full(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Record, "append", full)
    real = Record.finish
    monkeypatch.setattr(
        Record, "finish", lambda self, outcome: full(self) if self is runs[0].record else real(self, outcome)
    )
    with pytest.raises(OSError, match="No space left"), recorder.guard(runs):
        runs[0].flush()
    assert [run.record.outcome and run.record.outcome.status for run in runs] == [None, "FAILED", "FAILED"]


def test_pictures_share_their_painter(recorder, monkeypatch):
    made = []
    monkeypatch.setattr(CurvePainter, "__init__", lambda self, real=CurvePainter.__init__: made.append(real(self)))
    for number in (1, 2):
        finished(recorder, number, evidence_of())
    assert len(made) == 1
