import dataclasses
import functools
import json
import threading

import numpy as np
import pytest

from lossexp.errors import StorageError
from lossexp.record import Outcome
from lossexp.trackers import projection as module
from lossexp.trackers.projection import Projection
from lossexp.trackers.store import open_store
from lossexp.trackers.view import VIEW_TAG, view_value

from .records import STARTED, begun, curves, finish, finished, grow
from .stores import empty_store, quiet

pytestmark = quiet


@pytest.fixture
def root(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def uri(root):
    return empty_store(root)


@pytest.fixture
def client(uri):
    return open_store(uri)


def points(client, run_id, name):
    """The curve as it is stored: step, time and value of each point."""
    return [(point.step, point.timestamp, point.value) for point in client.get_metric_history(run_id, name)]


def expected(epochs: range, name):
    return [(epoch, STARTED + 10 * epoch, value) for epoch, value in zip(epochs, curves(epochs)[name], strict=True)]


def only_run(client, experiment="breast_cancer"):
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return run


def test_a_finished_run_is_there_with_everything(root, uri, client):
    record = finished(root, n_epochs=5, sweep="s1")
    tracked = Projection(root, uri).project(record)

    run = only_run(client)
    assert (tracked.run_id, tracked.experiment_id, tracked.link) == (run.info.run_id, run.info.experiment_id, None)
    assert run.info.run_name == "bce lr=0.1"
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("FINISHED", STARTED, STARTED + 5000)
    assert run.data.params == {"loss": "bce", "optimizer.lr": "0.1", "seed": "0"}
    assert {"loss": "bce", "dataset": "breast_cancer", "sweep": "s1", "ending": "completed"}.items() <= (
        run.data.tags.items()
    )
    assert run.data.tags["lossexp.run_id"] == record.path.name
    assert run.data.tags["mlflow.note.content"] == "Completed."
    for name in ("train/loss", "val/loss", "gap"):
        assert points(client, run.info.run_id, name) == expected(range(5), name)
        assert run.data.metrics[name] == curves(range(5))[name][-1]
    assert points(client, run.info.run_id, "best/val_loss") == [(4, STARTED + 5000, 0.25)]


def test_data_and_artifacts(root, uri, client):
    record = finished(root)
    Projection(root, uri).project(record)
    run = only_run(client)
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("breast_cancer", "f" * 36)
    assert json.loads(used.dataset.profile)["n_train"] == "400"
    assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", "training")]
    names = ("config.yaml", "curves.png", "history.csv", "model")
    assert tuple(file.path for file in client.list_artifacts(run.info.run_id)) == names
    stored = root / "mlartifacts" / "breast_cancer" / run.info.run_id / "artifacts"
    for name in (*names[:-1], "model/model.json"):
        assert (stored / name).read_bytes() == (record.path / name).read_bytes()


def test_there_is_one_experiment_per_data_set_with_its_view(root, uri, client):
    projection = Projection(root, uri)
    for experiment in ("iris", "wine", "iris"):
        projection.project(begun(root, experiment=experiment))
    experiments = {experiment.name: experiment for experiment in client.search_experiments()}
    assert set(experiments) == {"Default", "iris", "wine"}
    assert len(client.search_runs([experiments["iris"].experiment_id])) == 2
    assert experiments["iris"].tags["mlflow.experimentKind"] == "custom_model_development"
    assert experiments["iris"].tags[VIEW_TAG] == view_value()
    assert experiments["iris"].artifact_location == (root / "mlartifacts" / "iris").as_uri()


@pytest.mark.parametrize(("name", "folder"), [("..", "_"), (".hidden", "hidden"), ("a b#%41?", "a b#%41?")])
def test_artifacts_stay_in_their_place_whatever_the_data_set_is_called(root, uri, client, name, folder):
    """A file called "...csv" is a data set called ".."."""
    record = finished(root, experiment=name)
    tracked = Projection(root, uri).project(record)
    assert (root / "mlartifacts" / folder / tracked.run_id / "artifacts" / "config.yaml").is_file()
    assert client.get_experiment(tracked.experiment_id).name == name


def test_an_experiment_that_is_there_already_gets_the_view_but_keeps_a_changed_one(root, uri, client):
    older = client.create_experiment("iris")
    Projection(root, uri).project(begun(root, experiment="iris"))
    assert client.get_experiment(older).tags[VIEW_TAG] == view_value()
    client.set_experiment_tag(older, VIEW_TAG, "changed in the page")
    Projection(root, uri).project(begun(root, experiment="iris"))
    assert client.get_experiment(older).tags[VIEW_TAG] == "changed in the page"


@pytest.mark.parametrize("fresh", [False, True], ids=["same process", "a fresh process each time"])
def test_a_growing_run_gets_each_point_once(root, uri, client, fresh):
    projection = Projection(root, uri)
    record = begun(root)
    projection.project(record)
    assert only_run(client).info.status == "RUNNING"
    for epochs in (range(3), range(3, 8), range(8, 9)):
        grow(record, epochs)
        projection = Projection(root, uri) if fresh else projection
        projection.project(record)
        assert points(client, only_run(client).info.run_id, "val/loss") == expected(range(epochs.stop), "val/loss")
    finish(record)
    for _ in range(2):
        projection = Projection(root, uri) if fresh else projection
        projection.project(record)
    run = only_run(client)
    assert points(client, run.info.run_id, "val/loss") == expected(range(9), "val/loss")
    assert len(points(client, run.info.run_id, "best/epoch")) == 1
    assert run.data.metrics["val/loss"] == curves(range(9))["val/loss"][-1]
    assert (run.info.status, len(run.inputs.dataset_inputs)) == ("FINISHED", 1)


@pytest.mark.parametrize("fresh", [False, True], ids=["same process", "a fresh process"])
def test_an_end_that_is_told_anew_takes_the_place_of_the_first(root, uri, client, fresh):
    """As when the verdicts of a sweep are corrected for the number of its runs."""
    projection = Projection(root, uri)
    record = finished(root)
    tracked = projection.project(record)
    first = record.outcome
    again = {"ended": first.ended + 7, "description": "Completed. Inconclusive.", "tags": {"ending": "inconclusive"}}
    record.finish(dataclasses.replace(first, **again, metrics={**first.metrics, "verdict/p_holm": 0.25}))
    (record.path / "curves.png").write_bytes(b"another picture")
    projection = Projection(root, uri) if fresh else projection
    assert projection.project(record) == tracked
    run = only_run(client)
    assert (run.data.tags["ending"], run.data.tags["mlflow.note.content"]) == (
        "inconclusive",
        "Completed. Inconclusive.",
    )
    assert (run.info.status, run.info.end_time) == ("FINISHED", first.ended + 7)
    assert run.data.metrics["verdict/p_holm"] == 0.25
    assert points(client, run.info.run_id, "val/loss") == expected(range(5), "val/loss")
    assert len(run.inputs.dataset_inputs) == 1
    artifacts = root / "mlartifacts" / "breast_cancer" / run.info.run_id / "artifacts"
    assert (artifacts / "curves.png").read_bytes() == b"another picture"


@pytest.mark.parametrize("fresh", [False, True], ids=["same process", "a fresh process"])
def test_an_end_that_is_there_already_is_not_written_again(root, uri, client, monkeypatch, fresh):
    projection = Projection(root, uri)
    record = finished(root)
    projection.project(record)
    projection = Projection(root, uri) if fresh else projection
    monkeypatch.setattr(projection, "_advance", failing(AssertionError("nothing is new"), times=1))
    projection.project(record)


def test_a_run_that_begins_again_does_not_repeat_its_points(root, uri, client):
    projection = Projection(root, uri)
    record = begun(root, n_epochs=4)
    projection.project(record)
    record.clear_history()
    later = curves(range(2))
    record.append(range(2), [STARTED + 999, STARTED + 1000], later)
    projection.project(record)
    grow(record, range(2, 6))
    projection.project(record)
    assert points(client, only_run(client).info.run_id, "gap") == expected(range(6), "gap")


@pytest.mark.parametrize("fresh", [False, True])
def test_another_end_adds_only_what_it_says_otherwise(root, uri, client, fresh):
    projection = Projection(root, uri)
    record = finished(root, n_epochs=5)
    projection.project(record)
    before = record.outcome
    record.finish(dataclasses.replace(before, ended=STARTED + 6000, metrics={**before.metrics, "best/epoch": 3.0}))
    projection = Projection(root, uri) if fresh else projection
    projection.project(record)
    run = only_run(client)
    assert run.info.end_time == STARTED + 6000
    assert points(client, run.info.run_id, "best/val_loss") == [(4, STARTED + 5000, 0.25)]
    assert run.data.metrics["best/epoch"] == 3.0


@pytest.mark.parametrize("fresh", [False, True])
def test_a_run_that_was_cut_off_and_goes_on_is_running_until_it_ends(root, uri, client, fresh):
    projection = Projection(root, uri)
    record = begun(root, n_epochs=2)
    record.finish(Outcome("KILLED", STARTED + 100, tags={"ending": "killed"}))
    projection.project(record)
    assert only_run(client).info.status == "KILLED"
    record.open_again()
    grow(record, range(2, 5))
    projection = Projection(root, uri) if fresh else projection
    projection.project(record)
    assert only_run(client).info.status == "RUNNING"
    finish(record)
    projection.project(record)
    run = only_run(client)
    assert (run.info.status, run.info.end_time, run.data.tags["ending"]) == ("FINISHED", STARTED + 5000, "completed")
    assert points(client, run.info.run_id, "gap") == expected(range(5), "gap")


def test_only_the_curves_that_are_asked_for(root, uri, client):
    Projection(root, uri).project(finished(root, curves=["loss"]))
    assert set(only_run(client).data.metrics) == {"train/loss", "val/loss", "best/epoch", "best/val_loss"}


def test_more_points_than_mlflow_takes_at_once(root, uri, client):
    Projection(root, uri).project(finished(root, n_epochs=1200))
    run = only_run(client)
    assert points(client, run.info.run_id, "gap") == expected(range(1200), "gap")
    assert run.data.metrics["gap"] == curves(range(1200))["gap"][-1]


def test_what_is_not_finite_stays_out(root, uri, client):
    record = begun(root)
    record.append(range(4), range(1000, 1004), {"val/loss": [2.0, np.inf, np.nan, 1.0], "gap": [np.nan] * 4})
    Projection(root, uri).project(record)
    run = only_run(client)
    assert points(client, run.info.run_id, "val/loss") == [(0, 1000, 2.0), (3, 1003, 1.0)]
    assert "gap" not in run.data.metrics


def test_an_interrupted_projection_is_completed_by_the_next(root, uri, client, monkeypatch):
    """The run is made, then writing fails: the next attempt must find the run, not make another one."""
    from mlflow.exceptions import MlflowException

    record = finished(root)
    broken = Projection(root, uri)
    monkeypatch.setattr(broken._client, "log_batch", failing(MlflowException("disk full"), times=1))
    with pytest.raises(StorageError, match=r"MLflow store sqlite:.*mlflow.db: disk full"):
        broken.project(record)
    assert only_run(client).info.status == "RUNNING"
    Projection(root, uri).project(record)
    run = only_run(client)
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == "0"
    assert points(client, run.info.run_id, "gap") == expected(range(5), "gap")


def failing(error, times, then=None):
    """Return a function that raises so many times, then does something else."""
    left = [error] * times

    def call(*arguments, **settings):
        if left:
            raise left.pop()
        return then(*arguments, **settings)

    return call


def test_a_busy_database_is_waited_for(root, uri, client, monkeypatch):
    from mlflow.exceptions import MlflowException

    monkeypatch.setattr(module, "_PATIENCE", (0.0, 0.0))
    projection = Projection(root, uri)
    busy = MlflowException("(sqlite3.OperationalError) database is locked")
    monkeypatch.setattr(projection._client, "log_batch", failing(busy, times=2, then=projection._client.log_batch))
    projection.project(finished(root))
    assert only_run(client).info.status == "FINISHED"
    monkeypatch.setattr(projection._client, "log_batch", failing(busy, times=3))
    with pytest.raises(StorageError, match="database is locked"):
        projection.project(finished(root))


def test_two_writers_make_one_run_of_a_folder(root, uri, client):
    record = finished(root)
    projections = [Projection(root, uri) for _ in range(4)]
    threads = [threading.Thread(target=projection.project, args=(record,)) for projection in projections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert points(client, only_run(client).info.run_id, "gap") == expected(range(5), "gap")


def test_what_the_user_deletes_in_mlflow_stays_deleted(root, uri, client):
    record = finished(root)
    Projection(root, uri).project(record)
    client.delete_run(only_run(client).info.run_id)
    Projection(root, uri).project(record)
    assert client.search_runs([client.get_experiment_by_name("breast_cancer").experiment_id]) == []
    client.delete_experiment(client.get_experiment_by_name("breast_cancer").experiment_id)
    with pytest.raises(StorageError, match="experiment breast_cancer is deleted. To bring it back: .* restore -x 1"):
        Projection(root, uri).project(record)


def test_the_end_that_mlflow_has_is_told_for_each_folder(root, uri, client, monkeypatch):
    projection = Projection(root, uri)
    assert projection.ended("breast_cancer") == {}
    done, going_on = finished(root), begun(root, n_epochs=2)
    projection.project(done)
    projection.project(going_on)
    client.create_run(client.get_experiment_by_name("breast_cancer").experiment_id)
    page_by_page = functools.partial(projection._client.search_runs, max_results=1)
    monkeypatch.setattr(projection._client, "search_runs", page_by_page)
    assert projection.ended("breast_cancer") == {done.path.name: done.outcome.ended}
    assert projection.ended("iris") == {}
