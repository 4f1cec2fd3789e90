import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossexp import runner
from lossexp.errors import StorageError
from lossexp.verdict import Evidence, against, checkpoint_epochs, judge
from tests.composed import job

from .runs import FALLING, run


@pytest.mark.parametrize(
    "fields", [{}, {"kept_epoch": 3, "groups": np.arange(300) // 2}, {"infimum": -np.inf, "ending": "stopped early"}]
)
def test_what_is_saved_is_loaded(tmp_path, fields):
    evidence = run(**fields)
    evidence.save(tmp_path / "evidence.npz")
    loaded = Evidence.load(tmp_path / "evidence.npz")
    for field in dataclasses.fields(Evidence):
        kept, found = getattr(evidence, field.name), getattr(loaded, field.name)
        assert type(kept) is type(found)
        np.testing.assert_array_equal(kept, found)


@pytest.mark.parametrize("role", ["group", "time"])
def test_the_groups_of_a_file_are_in_the_evidence_of_its_runs(role, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sick = np.arange(300) % 2
    pd.DataFrame({"sick": sick, "x": sick + np.arange(300) % 7, "visit": np.arange(300) // 6}).to_csv("sick.csv")
    file = ("dataset=csv", "dataset.path=sick.csv", "dataset.target=sick", f"dataset.{role}=visit")
    assert runner.run(job(*file, "loss=bce", "training.epochs=2", "tracker=none")) == 0
    (record,) = tmp_path.glob("runs/records/sick/*")
    evidence = Evidence.load(record / "evidence.npz")
    assert np.unique(evidence.groups, return_counts=True)[1].tolist() == [6] * 10
    np.testing.assert_array_equal(evidence.shortened().groups, evidence.groups)
    assert "10 groups of validation examples, too few to say anything" in " ".join(capsys.readouterr().out.split())


def test_a_file_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", epochs=np.arange(3))
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "pickled.npz", epochs=np.array([{}], dtype=object))
    for name in ("other", "text", "pickled", "missing"):
        with pytest.raises(StorageError, match=f"{name}.npz cannot be read as the evidence of a verdict"):
            Evidence.load(tmp_path / f"{name}.npz")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"errors": np.zeros((300, 40))}, r"errors \(300, 40\) does not fit losses \(300, 41\): expected \(300, 41\)"),
        ({"train_losses": np.zeros(40)}, r"train_losses \(40,\) does not fit"),
        ({"constant_losses": np.zeros(41)}, r"constant_losses \(41,\) does not fit .* expected \(300,\)"),
        ({"groups": np.zeros(3)}, r"groups \(3,\) does not fit"),
        ({"epochs": np.zeros(41)}, "must be increasing"),
        ({"kept_epoch": 41}, "kept_epoch 41 is none of the epochs"),
        ({"losses": np.zeros((0, 41)), "errors": np.zeros((0, 41))}, "constant_losses"),
    ],
)
def test_what_does_not_fit_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        run(**fields)


def test_no_validation_examples_are_refused():
    with pytest.raises(ValueError, match="losses of no example"):
        Evidence(np.arange(2), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(2), np.zeros(0), np.zeros(0), 1.0)


@given(n_epochs=st.integers(0, 100_000), at_most=st.integers(4, 100))
def test_checkpoints_have_the_first_and_the_last_epochs(n_epochs, at_most):
    epochs = checkpoint_epochs(n_epochs, at_most)
    assert len(epochs) <= at_most
    assert np.all(np.diff(epochs) > 0)
    assert {0, min(1, n_epochs), n_epochs} <= set(epochs.tolist())
    if n_epochs < at_most:
        assert len(epochs) == n_epochs + 1


def test_checkpoints_of_a_long_training_are_dense_at_the_start_and_nowhere_rare():
    epochs = checkpoint_epochs(10_000)
    assert len(epochs) >= 60
    assert np.count_nonzero(epochs <= 100) >= 15
    assert np.diff(epochs).max() <= 10_000 / 31 + 1


def test_what_is_kept_of_a_run_answers_as_the_whole_does():
    """The final error, and whether a better run shows that it underfits."""
    poor, good = run(error=0.4, train=0.3 + 0.7 * FALLING), run(error=0.1, train=FALLING)
    assert poor.shortened().losses.shape[1] <= 3
    assert poor.shortened().final_error == poor.final_error
    verdict = dataclasses.replace(judge(poor), name="good fit")
    whole, short = (
        against(verdict, one, "the other", other) for one, other in ((poor, good), (poor.shortened(), good.shortened()))
    )
    assert whole == short
    assert whole.name == "underfit"
