"""Runs of commands that were killed are closed by the next one, those of commands that are running are not."""

import subprocess
import sys

import pytest

from lossexp import leftovers
from lossexp.errors import StorageError

from .trackers.records import begun, finished


@pytest.fixture
def root(tmp_path):
    (tmp_path / "records").mkdir()
    return tmp_path


def test_runs_without_an_end_are_closed(root):
    done, killed, at_once = (
        finished(root, name="done"),
        begun(root, n_epochs=2, name="killed"),
        begun(root, name="soon"),
    )
    before = (done.path / "done.json").read_bytes()
    (root / "records" / "breast_cancer" / "not-yet-a-run").mkdir()
    (garbled := begun(root, name="garbled").path / "run.json").write_text("{")
    with leftovers.running(root) as closed:
        assert {record.path for record in closed} == {killed.path, at_once.path}
    assert not (garbled.parent / "done.json").exists()
    assert (done.path / "done.json").read_bytes() == before
    outcome = killed.outcome
    assert outcome.status == "KILLED"
    assert outcome.tags == {"ending": "killed"}
    assert outcome.ended == (killed.path / "history.csv").stat().st_mtime_ns // 1_000_000
    assert killed.history().epochs.tolist() == [0, 1]
    with leftovers.running(root) as closed:
        assert closed == []


COMMAND = """
import sys, time
from pathlib import Path
from lossexp import leftovers

with leftovers.running(Path(sys.argv[1])):
    print("running", flush=True)
    time.sleep(60)
"""


def test_runs_of_a_command_that_is_running_stay_open_until_it_is_killed(root):
    with subprocess.Popen([sys.executable, "-c", COMMAND, str(root)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "running\n"
        going_on = begun(root)
        for _ in range(2):  # the second time the lock has been shared by us as well
            with leftovers.running(root) as closed:
                assert closed == []
        other.kill()
    with leftovers.running(root) as closed:
        assert [record.path for record in closed] == [going_on.path]


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(StorageError, match="^The output folder .* cannot be written: No such file or directory"):
        leftovers.running(tmp_path / "nowhere").__enter__()
