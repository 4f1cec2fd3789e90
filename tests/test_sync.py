import dataclasses
import json
import socket
import sys

import pytest

from lossexp import leftovers, sync
from lossexp.sync import follow, main
from lossexp.trackers.projection import Projection
from lossexp.trackers.store import open_store

from .trackers.records import begun, finish, finished
from .trackers.stores import empty_store, quiet

pytestmark = quiet


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def statuses(uri):
    """Name and status of each run in the store."""
    client = open_store(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return sorted((run.info.run_name, run.info.status) for run in client.search_runs(experiments))


def test_what_is_missing_is_filled_in(root, capsys):
    uri = empty_store(root)
    finished(root, name="a")
    finished(root, name="b", experiment="iris")
    with leftovers.running(root):  # as the command does that trains this one
        going_on = begun(root, n_epochs=2, name="c")
        assert main([]) == 0
    assert statuses(uri) == [("a", "FINISHED"), ("b", "FINISHED"), ("c", "RUNNING")]
    assert "3 of 3 run folders brought up to date" in (said := capsys.readouterr().out)
    assert "1 of them without an end" in said
    finish(going_on)
    assert main([str(root)]) == 0
    assert statuses(uri)[2] == ("c", "FINISHED")
    assert "1 of 3 run folders brought up to date" in capsys.readouterr().out
    assert main([]) == 0
    assert f"0 of 3 run folders brought up to date in {uri}." in capsys.readouterr().out


def test_an_end_that_is_corrected_later_is_brought_up_to_date(root, capsys):
    record = finished(root)
    main([str(root)])
    record.finish(dataclasses.replace(record.outcome, ended=record.outcome.ended + 1, tags={"verdict": "inconclusive"}))
    capsys.readouterr()
    main([str(root)])
    assert capsys.readouterr().out.startswith("1 of 1 run folders brought up to date")
    main([str(root)])
    assert capsys.readouterr().out.startswith("0 of 1 run folders brought up to date")


def test_a_run_that_was_killed_is_closed(root, capsys):
    uri = empty_store(root)
    begun(root, n_epochs=2)
    assert main([]) == 0
    assert statuses(uri) == [("bce lr=0.1", "KILLED")]
    assert capsys.readouterr().out == f"1 of 1 run folders brought up to date in {uri}.\n"


def test_a_store_that_cannot_be(root, capsys, monkeypatch):
    finished(root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("lossexp: ./mlruns is no place where MLflow keeps runs. ")


def test_no_run_folders(root, capsys):
    assert main([]) == 2
    assert f"No run folders in {root / 'records'}." in capsys.readouterr().err
    assert not root.exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "half"}', '"text"'])
def test_a_broken_folder_does_not_stop_the_others(root, capsys, text):
    uri = empty_store(root)
    broken = finished(root, name="a broken")
    (broken.path / "run.json").write_text(text)
    finished(root, name="whole")
    assert main([]) == 2
    assert statuses(uri) == [("whole", "FINISHED")]
    message = capsys.readouterr().err
    assert f"1 run folder(s) not in MLflow yet. {broken.path}: " in message
    assert "python -m lossexp.sync" in message


def test_a_server_that_is_down_is_asked_once(root, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{unused.getsockname()[1]}"
        for number in range(3):
            finished(root, name=str(number))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
        assert main([]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"lossexp: MLflow store {server}: NewConnectionError")
    assert "Connection refused" in message


def test_following_ends_with_the_news(root):
    uri = empty_store(root)
    first, second = finished(root, name="first"), finished(root, name="second")
    names = [str(record.path.relative_to(root)) for record in (first, second)]
    answer = follow(root, uri, [f"{name}\n" for name in names * 3])
    assert statuses(uri) == [("first", "FINISHED"), ("second", "FINISHED")]
    assert list(answer["runs"]) == names
    assert answer["runs"][names[0]]["link"] is None
    assert answer["problem"] is None


def test_nothing_that_others_print_comes_into_the_answer(root, capsys, monkeypatch):
    """As MLflow does where a run of a server ends."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", empty_store(root))
    record = finished(root)
    project = Projection.project

    def chatty(self, record):
        print("View run at ...")
        return project(self, record)

    monkeypatch.setattr(Projection, "project", chatty)
    monkeypatch.setattr(sys, "stdin", [f"{record.path.relative_to(root)}\n"])
    assert main([str(root), "--follow"]) == 0
    assert json.loads(capsys.readouterr().out)["problem"] is None


def test_a_run_is_followed_while_it_goes_on(root, monkeypatch):
    monkeypatch.setattr(sync, "_SECONDS_OF_NEWS", 0.01)
    uri = empty_store(root)
    record = begun(root, n_epochs=2)
    seen = []

    def lines():
        yield str(record.path.relative_to(root))
        while not statuses(uri):
            pass
        seen.extend(statuses(uri))
        finish(record)
        yield str(record.path.relative_to(root))

    follow(root, uri, lines())
    assert seen == [("bce lr=0.1", "RUNNING")]
    assert statuses(uri) == [("bce lr=0.1", "FINISHED")]


def test_a_database_that_is_removed_meanwhile_is_missed(root, monkeypatch):
    uri = empty_store(root)
    record = finished(root)
    work = sync.Worklist.work

    def then_removed(self):
        work(self)
        (root / "mlflow.db").unlink()

    monkeypatch.setattr(sync.Worklist, "work", then_removed)
    answer = follow(root, uri, [str(record.path.relative_to(root))])
    assert answer["runs"] == {}
    assert f"1 run folder(s) not in MLflow yet. The MLflow store {root / 'mlflow.db'} was removed." in answer["problem"]


def test_without_news_nothing_is_opened(root):
    assert follow(root, f"sqlite:///{root}/mlflow.db", []) == {"runs": {}, "problem": None}
    assert not root.exists()


def test_what_failed_is_tried_again_with_the_next_news(root, monkeypatch):
    monkeypatch.setattr(sync, "_SECONDS_OF_NEWS", 0.01)
    record = finished(root)
    name = str(record.path.relative_to(root))
    (root / "mlflow.db").write_bytes(b"no database, for a while; longer than a header" * 10)
    failures = []
    work = sync.Worklist.work

    def watched(worklist):
        work(worklist)
        failures.append(worklist.problem)

    def lines():
        yield name
        while not failures:
            pass
        empty_store(root)
        yield name

    monkeypatch.setattr(sync.Worklist, "work", watched)
    answer = follow(root, f"sqlite:///{root}/mlflow.db", lines())
    assert "cannot be read: file is not a database" in failures[0]
    assert answer["problem"] is None
    assert statuses(f"sqlite:///{root}/mlflow.db") == [("bce lr=0.1", "FINISHED")]


def test_a_problem_at_the_end_names_the_way_out(root):
    record = finished(root)
    (root / "mlflow.db").write_bytes(b"no database; longer than a header" * 10)
    answer = follow(root, f"sqlite:///{root}/mlflow.db", [str(record.path.relative_to(root))])
    assert answer["runs"] == {}
    assert answer["problem"].startswith("1 run folder(s) not in MLflow yet. The MLflow store ")
    assert answer["problem"].endswith(f"fill MLflow: python -m lossexp.sync {root}")
