"""The data card: what it says of a file, and what it suspects."""

import json

import numpy as np
import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from lossexp import runner
from lossexp.datasets import CSV, NPZ
from lossexp.engines import Engine
from tests.composed import job, jobs

N = 120
RNG = np.random.default_rng(0)
Y = np.arange(N) % 3
SIZES = RNG.standard_normal(N)
TABLE = pd.DataFrame({"size": SIZES, "colour": np.array(["red", "green", "blue", "grey"])[np.arange(N) % 4], "kind": Y})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def card(table=TABLE, **settings):
    table.to_csv("goods.csv", index=False)
    return CSV(path="goods.csv", **{"target": "kind", **settings}).load(0).card


def test_it_says_what_a_file_holds():
    table = TABLE.assign(size=TABLE["size"].where(TABLE.index % 40 > 0), same=7, none=np.nan)
    found = card(pd.concat([table, table[:5]]))
    assert (found.source, found.rows, found.target) == ("goods.csv", 125, "kind, 3 classes")
    assert found.classes == {"0": 42, "1": 42, "2": 41}
    assert found.columns == {"numbers": ["size", "same"], "dates": [], "categories": ["colour"]}
    assert found.missing == {"size": 4}
    assert (found.constant, found.duplicates, found.suspects) == (["same"], 5, [])
    assert found.decisions == [
        "the first line has the names of the columns (dataset.header)",
        "the 3 different values of kind are classes (if they are quantities: dataset.task=regression)",
        "none is left out: it has no value in any row",
        "missing features become the training mean, with a feature that says so (dataset.missing)",
    ]


@pytest.mark.parametrize("role", ["group", "time"])
def test_it_counts_what_belongs_together(role):
    found = card(TABLE.assign(day=np.arange(N) // 4), **{role: "day"})
    assert found.lines()[0] == ("data", f"goods.csv: 120 rows, 30 {role}s by day")


def test_what_was_said_is_no_decision():
    assert card(task="multiclass", header=True).decisions == []


def test_it_does_not_depend_on_the_seed_or_on_noise():
    TABLE.to_csv("goods.csv", index=False)
    first, other = CSV(path="goods.csv", target="kind"), CSV(path="goods.csv", target="kind", label_noise=0.5)
    assert first.load(0).card is other.load(7).card


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"copy": Y * 10 + 3}, "copy alone tells the target. If it is not known beforehand: 'dataset.drop=[copy]'"),
        ({"word": np.array(["no", "yes", "maybe"])[Y]}, "word alone tells the target"),
        ({"near": Y + 0.3 * RNG.random(N)}, "near alone tells the target"),
        ({"id": np.arange(5, N + 5)}, "id numbers the rows"),
    ],
)
def test_columns_that_give_the_target_away_are_suspected(columns, reason):
    (found,) = card(TABLE.assign(**columns)).suspects
    assert found.startswith(reason)


@pytest.mark.parametrize(
    "name", ["a b", "a,b", "a=b", "(a)", "ü%", "a'b", 'a"b', "a\\b", "$x", "true", "NULL", "inf", "7", "~a"]
)
def test_what_is_said_of_a_suspect_can_be_typed(name):
    table = TABLE.assign(**{name: Y})
    (found,) = card(table, header=True).suspects
    typed = found[found.index("dataset.drop=") :].rstrip("'")
    (value,) = OverridesParser.create().parse_override(typed).value()
    assert str(value) == name
    assert card(table, header=True, drop=(value if isinstance(value, int) else str(value),)).suspects == []


def test_a_target_of_which_floats_see_no_difference_is_not_told_by_all():
    table = TABLE.assign(kind=1e-300 * RNG.standard_normal(N))
    assert card(table).suspects == []


def test_a_column_that_follows_a_continuous_target_is_suspected():
    table = pd.DataFrame({"size": SIZES, "cube": SIZES**3, "rough": SIZES + RNG.standard_normal(N), "y": SIZES})
    found = card(table, target="y").suspects
    assert [reason.partition(" alone")[0] for reason in found] == ["size", "cube"]


def test_honest_columns_are_not_suspected():
    """Rows sorted by class, and a column whose ties would keep that order."""
    table = pd.DataFrame(
        {"ties": RNG.integers(0, 3, N), "weak": np.sort(Y) + RNG.standard_normal(N), "kind": np.sort(Y)}
    )
    assert card(table).suspects == []
    assert card(TABLE[:20], target="colour").suspects == []


def test_arrays_have_a_card_too():
    X = np.column_stack([SIZES, np.ones(N), Y])
    np.savez("a.npz", X=X, y=Y)
    found = NPZ(path="a.npz").load(0).card
    assert (found.constant, found.columns["numbers"]) == (["x1"], ["x0", "x1", "x2"])
    assert found.suspects[0].startswith("x2 alone tells the target")


def test_it_is_json():
    table = TABLE.assign(day=pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(N), unit="D"))
    found = card(table)
    assert json.loads(json.dumps(found.to_dict()))["classes"] == {"0": 40, "1": 40, "2": 40}
    assert found.text().startswith("data       goods.csv: 120 rows\ntarget     kind, 3 classes: 0 40, 1 40, 2 40\n")


RUN = ("dataset=csv", "dataset.path=goods.csv", "dataset.target=kind", "loss=cce", "training.epochs=1", "tracker=none")


def test_a_run_shows_it_before_training_and_keeps_it(folder, capsys):
    table = TABLE.rename(columns={"size": "\x1b[31m<b>size</b>"}).assign(id=range(N))
    table.to_csv("goods.csv", index=False)
    assert runner.run(job(*RUN)) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.index("id numbers the rows") < out.index("goods: cce lr=0.1")
    assert "python -m lossexp -m dataset=csv dataset.path=goods.csv dataset.target=kind loss=" in out
    (record,) = folder.glob("runs/records/goods/*")
    assert json.loads((record / "data_card.json").read_text())["rows"] == N
    assert (record / "data_card.txt").read_text().startswith("data       goods.csv")


def test_a_sweep_shows_it_once_for_all_runs(folder, capsys):
    TABLE.to_csv("goods.csv", index=False)
    (folder / "other.csv").write_text((folder / "goods.csv").read_text())
    listed = jobs(*RUN, "seed=1,2") + jobs(*RUN, "dataset.path=other.csv", "seed=1,2")
    assert runner.sweep(listed, Engine(n_jobs=1)) == 0
    out = capsys.readouterr().out
    assert out.count("goods.csv: 120 rows") == out.count("other.csv: 120 rows") == 1
    assert {path.parent.parent.name for path in folder.glob("runs/records/*/*/data_card.json")} == {"goods", "other"}


def test_what_an_interpolation_reads_is_in_no_record(folder, monkeypatch):
    (folder / "s3cret").mkdir()
    TABLE.to_csv("s3cret/goods.csv", index=False)
    monkeypatch.setenv("FOLDER", "s3cret")
    assert runner.run(job(*RUN, "dataset.path='${oc.env:FOLDER}/goods.csv'")) == 0
    for path in (folder / "runs").rglob("*"):
        assert not path.is_file() or b"s3cret" not in path.read_bytes(), path


def test_a_mistake_creates_nothing(folder):
    TABLE.to_csv("goods.csv", index=False)
    with pytest.raises(Exception, match="no column 'kinds'.*Did you mean kind"):
        runner.run(job(*RUN, "dataset.target=kinds"))
    assert [path.name for path in folder.iterdir()] == ["goods.csv"]
