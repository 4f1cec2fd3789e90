"""Losses compared on equal terms, from the command line to the folder of the sweep."""

import contextlib
import csv
import io
import json

import pytest

from lossexp import protocol
from lossexp.engines import Engine
from lossexp.errors import ConfigError, DataError, IncompatibleError
from lossexp.record import Record
from tests.composed import SMALL, combinations, composer

FEW = ("sweep.tuning_seeds=1", "sweep.seeds=2", "optimizer.lr=0.1,0.3")
REGRESSION = ("dataset=linear", "dataset.n_samples=60", "training.epochs=3", "training.dtype=float64", "tracker=none")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compare(*arguments, base=SMALL):
    """Compare losses; return the exit code."""
    overrides = combinations([*base, "sweep.protocol=compare", *FEW, *arguments])
    return protocol.compare(overrides, composer().job, Engine(n_jobs=1))


def records(folder, round_name=None):
    """Return the records of the runs of a round, or of the sweep itself."""
    found = [Record(path.parent) for path in sorted(folder.glob("runs/records/*/*/run.json"))]
    return [record for record in found if record.sheet.tags.get("round") == round_name]


def setting(found, name):
    return sorted({json.loads(record.sheet.params[name]) for record in found})


def comparison(folder):
    """Return what is written of the comparison on one dataset."""
    (sweep,) = records(folder)
    return json.loads((sweep.path / "comparison.json").read_text())


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Return the folder in which two losses were compared, and what was printed."""
    folder, printed = tmp_path_factory.mktemp("compared"), io.StringIO()
    asked = ("loss=mse,bce", "seed=5", "sweep.tuning_seeds=2", "sweep.seeds=3", "optimizer.lr=0.0001,0.01,0.3")
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        assert compare(*asked, "sweep.metric=log_loss", "sweep.margin=0.07") == 0
    return folder, printed.getvalue()


def test_every_round_leaves_what_it_should(compared):
    folder, out = compared
    tuning, final, (sweep,) = records(folder, "tuning"), records(folder, "final"), records(folder)
    rates = setting(tuning, "optimizer.lr")
    assert {0.0001, 0.01, 0.3} <= set(rates)
    assert len(tuning) == 2 * len(rates) * 2, "each loss at every rate for every tuning seed"
    assert len(final) == 2 * 3
    assert setting(tuning, "seed") == [5, 6]
    assert setting(final, "seed") == [7, 8, 9], "fresh ones"
    assert {record.outcome.status for record in final} == {"FINISHED"}
    assert all(record.outcome.tags["verdict"] == "diverged" for record in tuning if record.outcome.status == "FAILED")
    assert len({record.sheet.tags["sweep"] for record in [*tuning, *final, sweep]}) == 1
    assert sweep.sheet.tags["kind"] == "sweep"
    names = {path.name for path in sweep.path.iterdir()}
    assert {"comparison.csv", "comparison.json", "overview.png", "table.csv"} <= names
    assert comparison(folder)["seeds"] == [7, 8, 9]
    assert sweep.outcome.description.startswith(("mse ", "bce "))
    for said in ("Comparing mse, bce on moons.", "with seeds 5 to 6", "fresh seeds 7 to 9", "3 rates"):
        assert said.replace("3 rates", "3 learning rates from 0.0001 to 0.3") in " ".join(out.split())
    assert "moons: losses compared on the test split, 3 seeds" in out


def test_the_test_split_stays_closed_until_the_last_round(compared):
    folder, _ = compared
    for record in records(folder, "tuning"):
        assert not [name for name in record.outcome.metrics if name.startswith("test/")]
        assert "val/auc" in record.outcome.metrics
        assert "measure_test" not in record.sheet.name
    for record in records(folder, "final"):
        assert {"test/accuracy", "test/auc"} <= record.outcome.metrics.keys()


def test_a_seed_is_the_same_data_for_every_loss(compared):
    folder, _ = compared
    pairs = {}
    for record in records(folder, "final"):
        key = record.sheet.params["seed"], record.sheet.dataset["fingerprint"]
        pairs.setdefault(record.sheet.tags["pair_id"], []).append(key)
    assert sorted(map(len, pairs.values())) == [2, 2, 2]
    assert all(len(set(keys)) == 1 for keys in pairs.values())


def test_what_is_compared_is_what_training_measured_on_the_test_split(compared):
    folder, _ = compared
    tree = comparison(folder)
    by_folder = {record.path.name: record.outcome.metrics for record in records(folder, "final")}
    for one in tree["losses"]:
        measured = [by_folder[name]["test/log_loss"] for name in one["runs"]]
        assert one["test"]["log_loss"] == pytest.approx(measured, rel=1e-9)
    margins = [(one["metric"], one["margin"]) for one in tree["comparisons"]]
    assert margins[:2] == [("log_loss", 0.07), ("accuracy", 0.005)]


def test_the_chosen_rate_is_the_one_that_was_best_on_the_validation_split(compared):
    folder, _ = compared
    for one in comparison(folder)["losses"]:
        means = {}
        for record in records(folder, "tuning"):
            if record.sheet.tags["loss"] == one["loss"]:
                last = record.history().metrics["val/log_loss"][-1]
                means.setdefault(float(record.sheet.params["optimizer.lr"]), []).append(last)
        best = min(means, key=lambda rate: sum(means[rate]))
        assert one["tuned"]["chosen"]["optimizer.lr"] == best
        used = {r.sheet.params["optimizer.lr"] for r in records(folder, "final") if r.sheet.tags["loss"] == one["loss"]}
        assert used == {str(best)}


def test_where_one_loss_is_best_at_an_end_all_losses_get_more_rates(folder, capsys):
    compare("loss=mse,bce", "optimizer.lr=0.00001,0.0001")
    tuning = records(folder, "tuning")
    assert setting(tuning, "optimizer.lr") == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1])
    for loss in ("mse", "bce"):
        of_loss = [record for record in tuning if record.sheet.tags["loss"] == loss]
        assert len(of_loss) == 6, "the same for each"
    out = " ".join(capsys.readouterr().out.split())
    assert "is best at the highest learning rate" in out
    assert "Tried for all losses now: 0.001, 0.01." in out


def test_an_end_that_cannot_be_left_is_reported(folder, capsys):
    compare("loss=mse,bce", "optimizer.lr=0.0000001,0.000000101")
    notes = comparison(folder)["notes"]
    assert [note[:49] for note in notes] == [
        "mse and bce are best at the highest learning rate",
    ]
    assert len(setting(records(folder, "tuning"), "optimizer.lr")) == 2 + 2 * 2, "twice, no more"


def test_settings_of_a_loss_are_tuned_with_it(folder, capsys):
    compare("loss=mse,huber", "++loss.delta=0.5,2", base=REGRESSION)
    mse, huber = comparison(folder)["losses"]
    assert "loss.delta" not in mse["tuned"]["chosen"]
    assert huber["tuned"]["chosen"]["loss.delta"] in ("0.5", "2")
    assert len(huber["tuned"]["tried"]) == 2 * len(mse["tuned"]["tried"])
    assert "Not every loss had as many settings to choose from: mse" in capsys.readouterr().out


def test_every_dataset_is_compared_on_its_own(folder, capsys):
    assert compare("loss=mse,cce", "dataset=moons,iris", base=SMALL[2:]) == 0
    found = {record.sheet.experiment: record for record in records(folder)}
    assert found.keys() == {"moons", "iris"}
    for dataset, record in found.items():
        assert json.loads((record.path / "comparison.json").read_text())["dataset"] == dataset
        with (record.path / "table.csv").open() as file:
            assert {row["optimizer.lr"] for row in csv.DictReader(file)} >= {"0.1", "0.3"}, "the table is of the tuning"


def test_a_loss_that_diverges_everywhere_is_left_out(folder, capsys):
    assert compare("loss=mse,mae,huber", "optimizer.lr=2,2.1", "training.epochs=10", base=REGRESSION) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "mse diverges at all of them. Tried for all losses now: 1.81, 1.9" in out
    assert "mse is left out: at every setting a run diverged or failed." in out
    assert [one["loss"] for one in comparison(folder)["losses"]] == ["mae", "huber"]


def test_where_all_diverge_there_is_nothing_to_compare(folder, capsys):
    assert compare("loss=mse,huber", "++loss.delta=1e9", "optimizer.lr=1e30,2e30", base=REGRESSION) == 3
    out = capsys.readouterr().out
    assert "linear: there are no two losses left to compare." in out
    assert records(folder, "final") == []
    (sweep,) = records(folder)
    assert not (sweep.path / "comparison.json").exists()


def test_a_dry_run_creates_nothing(folder, capsys):
    assert compare("loss=mse,bce", "sweep.dry_run=true") == 0
    out = capsys.readouterr().out
    assert "2 learning rates from 0.1 to 0.3, with seed 0;" in out
    assert "4 runs, 12 epochs" in out
    assert list(folder.iterdir()) == []


def test_what_does_not_fit_is_left_out_where_that_was_asked_for(folder, capsys):
    assert compare("loss=mse,mae,bce", "sweep.on_illegal=skip", "sweep.dry_run=true") == 0
    assert "Comparing mse, bce on moons." in capsys.readouterr().out


REFUSED = {
    "a loss that does not fit": (["loss=mse,mae"], IncompatibleError, "loss=mae needs a continuous target"),
    "one loss that fits": (["loss=mse,mae", "sweep.on_illegal=skip"], ConfigError, "one loss, mse, and a comparison"),
    "no test split": (["loss=mse,bce", "dataset.test_fraction=0"], DataError, "dataset=moons has no test split"),
    "unknown metric": (["loss=mse,bce", "sweep.metric=acuracy"], ConfigError, "Did you mean accuracy?"),
    "metric of numbers": (["loss=mse,bce", "sweep.metric=rmse"], ConfigError, "is not measured on dataset=moons"),
    "too many runs": (["loss=mse,bce", "sweep.max_runs=7"], ConfigError, "This sweep has 8 runs, more than"),
    "fresh seeds without data": (["loss=mse,bce", "dataset.train_size=1000"], DataError, "more than the"),
}


@pytest.mark.parametrize(("arguments", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_leaves_nothing(arguments, kind, message, folder):
    with pytest.raises(kind) as refused:
        compare(*arguments)
    assert message in str(refused.value)
    assert list(folder.iterdir()) == []


def test_fresh_seeds_are_checked_before_anything_starts(folder, monkeypatch):
    """A split that lacks a class for a seed of the last round."""
    imbalanced = (
        "dataset=moons",
        "dataset.n_samples=60",
        "dataset.stratify=false",
        "dataset.train_size=3",
        "tracker=none",
    )

    def fits(seed):
        try:
            composer().job([*imbalanced, f"seed={seed}"]).experiment.dataset.load(seed)
        except DataError:
            return False
        return True

    start = next(seed for seed in range(100) if fits(seed) and fits(seed + 1) and not fits(seed + 2))
    with pytest.raises(DataError, match="training rows is of class"):
        compare("loss=mse,bce", f"seed={start}", base=imbalanced)
    assert list(folder.iterdir()) == []
