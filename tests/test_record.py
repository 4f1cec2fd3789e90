"""The run folder: written in order, read back exactly, and whole even when a writer was killed."""

import dataclasses
import json
import re
import resource

import numpy as np
import pytest

from lossexp.errors import StorageError
from lossexp.record import Outcome, Record, RunSheet

SHEET = RunSheet(
    name="bce lr=0.1 seed=3",
    experiment="moons",
    run_key="0123abcd",
    started=1_700_000_000_000,
    params={"optimizer.lr": "0.1", "loss": "bcé"},
    tags={"loss": "bce"},
    dataset={"name": "moons", "fingerprint": "f00d"},
)
CONFIG = "loss: bce\nseed: ${oc.env:SEED}  # è\n"


@pytest.fixture
def record(tmp_path):
    return Record.create(tmp_path / "records", SHEET, CONFIG)


def test_a_new_folder_says_what_is_run_and_nothing_more(record):
    assert sorted(path.name for path in record.path.iterdir()) == ["config.yaml", "run.json"]
    assert record.sheet == SHEET
    assert (record.path / "config.yaml").read_text(encoding="utf-8") == CONFIG
    assert record.outcome is None
    assert record.history().epochs.shape == (0,)
    assert record.history().metrics == {}


def test_folders_are_told_apart_by_time_name_and_chance(tmp_path):
    first, second = (Record.create(tmp_path, SHEET, CONFIG).path for _ in range(2))
    assert first != second
    assert first.parent == second.parent == tmp_path / "moons"
    assert re.fullmatch(r"20231114-\d{6}-bce_lr_0\.1_seed_3-[0-9a-f]{6}|2023111[35]-.*", first.name)


@pytest.mark.parametrize("hostile", ["../../etc", "a/b", "..", ".hidden", "", "x" * 300, "näme\n\0"])
def test_names_cannot_leave_the_folder(tmp_path, hostile):
    sheet = RunSheet(**{**vars(SHEET), "name": hostile, "experiment": hostile[:100]})
    path = Record.create(tmp_path, sheet, CONFIG).path
    assert path.parent.parent == tmp_path
    assert path.is_dir()
    assert Record(path).sheet == sheet


def test_history_is_appended_and_read_back_to_the_last_digit(record):
    """Awkward numbers: 0.1, the smallest and the largest double, NaN, numbers of NumPy, whole ones."""
    loss = [0.1, 5e-324, 1.7976931348623157e308, float("nan"), np.float64(1 / 3), np.float32(0.1), 2]
    record.append(range(3), [10, 11, 12], {"train/loss": loss[:3], "val/loss": [1, 2, 3]})
    record.append(range(3, 7), [13, 14, 15, 16], {"train/loss": loss[3:], "val/loss": [4, 5, 6, 7]})
    history = record.history()
    np.testing.assert_array_equal(history.epochs, range(7))
    np.testing.assert_array_equal(history.times, range(10, 17))
    assert history.epochs.dtype == history.times.dtype == np.int64
    assert list(history.metrics) == ["train/loss", "val/loss"]
    np.testing.assert_array_equal(history.metrics["train/loss"], loss)
    np.testing.assert_array_equal(history.metrics["val/loss"], range(1, 8))


def test_history_is_a_csv_with_one_header(record):
    for epoch in range(2):
        record.append([epoch], [100 + epoch], {"train/loss": [0.5 - epoch]})
    text = (record.path / "history.csv").read_text(encoding="utf-8")
    assert text == "epoch,time,train/loss\n0,100,0.5\n1,101,-0.5\n"


def test_a_torn_last_line_is_left_out_wherever_it_was_torn(record):
    record.append(range(3), [10, 11, 12], {"train/loss": [0.5, 0.25, 0.125], "val/loss": [1.0, 2.0, 3.0]})
    path = record.path / "history.csv"
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        history = record.history()
        n_whole = max(whole[:length].count(b"\n") - 1, 0)
        assert history.epochs.tolist() == list(range(n_whole))
        assert all(len(values) == n_whole for values in history.metrics.values())


def test_columns_of_unequal_length_are_refused(record):
    with pytest.raises(ValueError, match="zip"):
        record.append([0, 1], [10, 11], {"train/loss": [0.5]})
    assert not (record.path / "history.csv").exists()


def test_history_can_be_cleared(record):
    record.clear_history()
    record.append([0], [10], {"train/loss": [0.5]})
    record.clear_history()
    assert len(record.history().epochs) == 0


def test_the_final_marker(record):
    outcome = Outcome("FAILED", 1_700_000_001_000, {"best/epoch": 3.0}, {"ending": "diverged"}, "Diverged in épöch 4")
    record.finish(outcome)
    assert record.outcome == outcome
    assert not list(record.path.glob("*.part"))


def test_a_marker_that_was_not_put_in_place_is_no_marker(record, monkeypatch):
    """Killed between writing and renaming: the run is not finished."""
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        record.finish(Outcome("FINISHED", 1))
    assert record.outcome is None


def test_a_sheet_can_be_read_by_anyone(record):
    assert json.loads((record.path / "run.json").read_text(encoding="utf-8"))["params"] == SHEET.params


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"Cannot write the run folder .*/file/moons/.*: Not a directory\."):
        Record.create(tmp_path / "file", SHEET, CONFIG)


@pytest.mark.parametrize("limit", [0, 1, 30])
def test_what_a_full_disk_tears_off_is_taken_back(record, monkeypatch, limit):
    """So that what is appended later, once there is room, begins on a line of its own."""
    record.append([0], [10], {"loss": [0.5]})
    resource.setrlimit(resource.RLIMIT_FSIZE, ((record.path / "history.csv").stat().st_size + limit, -1))
    try:
        with pytest.raises(OSError, match="File too large|No space left"):
            record.append(range(1, 9), range(11, 19), {"loss": [0.25] * 8})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    record.append([1], [12], {"loss": [0.125]})
    assert (record.path / "history.csv").read_text(encoding="utf-8") == "epoch,time,loss\n0,10,0.5\n1,12,0.125\n"


def test_of_a_folder_that_cannot_be_written_nothing_stays(tmp_path):
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONFIG.encode()), -1))
    try:
        with pytest.raises(StorageError, match=r"^Cannot write the run folder .*: File too large\.$"):
            Record.create(tmp_path, SHEET, CONFIG)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    assert list(tmp_path.rglob("*.json*")) == []


def test_an_end_is_known_again_whenever_it_was(record):
    outcome = Outcome("FINISHED", 5, {"test/auc": float("nan"), "best/epoch": 3.0}, {"ending": "completed"}, "è")
    assert not record.ends_with(outcome)
    record.finish(outcome)
    assert record.ends_with(dataclasses.replace(outcome, ended=6, metrics={"test/auc": np.nan, "best/epoch": 3.0}))
    assert not record.ends_with(dataclasses.replace(outcome, description="e"))
