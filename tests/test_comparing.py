"""What the runs of an ordinary sweep say about its losses, and what losses say over datasets."""

import dataclasses
import shlex
import sys

import numpy as np
import pytest
from scipy import stats

from lossexp import comparing, judgement, recorder, runner
from lossexp.comparing import Compared
from lossexp.comparison import wording
from lossexp.engines import Engine
from lossexp.entries import Entries
from lossexp.record import Record
from lossexp.run import Run
from lossexp.sweeping import plan
from lossexp.trackers.none import NoTracker
from tests.composed import combinations, composer, jobs, small_jobs
from tests.contests import CLEAR, contest


def swept(tmp_path, *arguments):
    """Return the runs of a small sweep."""
    listed = small_jobs(*arguments)
    with NoTracker().start(tmp_path) as follower:
        return runner.train_together(
            plan(listed, listed[0].sweep), Engine(n_jobs=1), recorder.Recorder(tmp_path, follower), ""
        )


def test_losses_with_seeds_in_common_are_compared(tmp_path):
    runs = swept(tmp_path, "loss=mse,bce,brier", "optimizer.lr=0.01,0.3", "seed=1,2,5")
    found = comparing.of_sweep(runs)
    assert found.dataset == "moons"
    assert [one.loss for one in found.contenders] == ["mse", "bce", "brier"]
    assert list(found.seeds) == [1, 2, 5]
    assert list(found.comparisons) == ["accuracy", "log_loss_calibrated"]
    assert found.metric == "accuracy"
    for one in found.contenders:
        assert [run.job.experiment.seed for run in one.runs] == [1, 2, 5]
        assert one.scores["accuracy"] == pytest.approx([run.finished.metrics["test/accuracy"] for run in one.runs])
        assert {run.job.experiment.optimizer.lr for run in one.runs} == {one.tuned.best.lr}
    mse, _, brier = found.contenders
    np.testing.assert_allclose(mse.scores["log_loss"], brier.scores["log_loss"], err_msg="the same by another name")
    assert found.comparisons["accuracy"].between("mse", "brier").difference.value == 0
    assert any("Settings were chosen for the seeds that are compared here" in note for note in found.notes)
    assert any("best at the" in note for note in found.notes), "of two rates each is an end"


def test_the_chosen_setting_is_the_one_the_table_has_first(tmp_path):
    runs = swept(tmp_path, "loss=mse,bce", "optimizer.lr=0.0001,0.5", "seed=1,2")
    best = {one.loss: one.tuned.best for one in comparing.of_sweep(runs).contenders}
    for row in comparing.ranking.rank(runs)[:2]:
        assert best[row.settings["loss"]].settings == row.settings


@pytest.mark.parametrize("split_seed", ["null", "3"])
def test_intervals_allow_for_splits_that_overlap(tmp_path, split_seed):
    found = comparing.of_sweep(swept(tmp_path, "loss=mse,bce", "seed=range(4)", f"dataset.split_seed={split_seed}"))
    assert found.test_to_train == (12 / 36 if split_seed == "null" else 0)
    arm = found.comparisons["log_loss_calibrated"].arms[0]
    width = arm.mean.high - arm.mean.value
    # t quantile .975 with 3 degrees of freedom: 3.182 (Student's table).
    assert width == pytest.approx(3.182446 * arm.sd * np.sqrt(1 / 4 + found.test_to_train), rel=1e-6)


NOTHING_TO_COMPARE = {
    "one loss": ("loss=mse", "seed=1,2"),
    "one seed": ("loss=mse,bce", "seed=1"),
    "no test split": ("loss=mse,bce", "seed=1,2", "dataset.test_fraction=0"),
}


@pytest.mark.parametrize("arguments", NOTHING_TO_COMPARE.values(), ids=NOTHING_TO_COMPARE)
def test_nothing_to_compare(tmp_path, arguments):
    assert comparing.of_sweep(swept(tmp_path, *arguments)) is None


def test_a_loss_without_a_sound_run_is_left_out_aloud(tmp_path):
    runs = swept(tmp_path, "loss=mse,bce,cce", "seed=1,2")
    for run in runs:
        if run.job.choices["loss"] == "cce":
            run.finished = None
    found = comparing.of_sweep(runs)
    assert [one.loss for one in found.contenders] == ["mse", "bce"]
    assert "cce is left out: at every setting a run diverged or failed." in found.notes


def test_what_else_differed_is_said(tmp_path):
    runs = swept(tmp_path, "loss=mse,bce", "model=linear,mlp", "seed=1,2")
    said = "The losses were not compared alike: model differed."
    for run in runs:
        if (run.job.choices["loss"] == "mse") == (run.job.choices["model"] == "linear"):
            run.finished = None
    assert said in comparing.of_sweep(runs).notes


def command(*arguments, of=small_jobs):
    """Return the command that is shown after a sweep."""
    runs = [Run(job, job.experiment.dataset.load(0), Record(None)) for job in of(*arguments)]
    return comparing.command(runs)


def composed_again(line):
    """Return what a shown command compares, and its first job."""
    found = Entries.of_sweep(combinations(shlex.split(line)[3:]), composer().job)
    return found, composer().job(found.entries[0].variants[0])


def test_the_command_keeps_what_was_typed():
    line = command("loss=mse,bce", "optimizer.lr=0.1,1", "seed=1,2", "model=mlp", "model.hidden=[8]")
    assert line == (
        "python -m lossexp.compare dataset=moons dataset.n_samples=60 training.epochs=3 training.dtype=float64 "
        "tracker=none loss=mse,bce optimizer.lr=0.1,1 model=mlp 'model.hidden=[8]'"
    )
    found, job = composed_again(line)
    assert [(entry.dataset, entry.loss) for entry in found.entries] == [("moons", "mse"), ("moons", "bce")]
    assert found.rates == (0.1, 1.0)
    assert job.experiment.model.hidden == (8,)


def test_the_command_has_the_experiment():
    found, job = composed_again(command("experiment=noisy_labels", "loss=cce,mse", "seed=1,2", of=jobs))
    assert [(entry.dataset, entry.loss) for entry in found.entries] == [("digits", "cce"), ("digits", "mse")]
    assert (job.experiment.dataset.label_noise, job.choices["model"]) == (0.2, "mlp")


def test_the_command_has_the_settings_of_losses():
    found, _ = composed_again(command("loss=bce,brier", "++loss.class_weight=[1,2],balanced"))
    assert [len(entry.variants) for entry in found.entries] == [2, 2]


def test_the_command_names_the_folder_of_own_choices(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lossexp", "-m", "loss=mse,bce", "--config-dir", "my conf", "seed=1"])
    assert command("loss=mse,bce").startswith("python -m lossexp.compare --config-dir 'my conf' dataset=moons ")


NO_COMPARISON = {
    "experiments": ("experiment=noisy_labels,overfit", "loss=mse,cce", "seed=1,2"),
    "losses of experiments": ("experiment=noisy_labels,overfit", "seed=1,2"),
    "models": ("loss=mse,bce", "model=linear,mlp"),
    "data": ("dataset=moons", "loss=mse,bce", "dataset.label_noise=0,0.2"),
    "one loss": ("loss=mse", "optimizer.lr=0.1,1"),
    "no test split": ("loss=mse,bce", "dataset.test_fraction=0"),
}


@pytest.mark.parametrize("arguments", NO_COMPARISON.values(), ids=NO_COMPARISON)
def test_where_no_command_compares_the_runs_there_is_none(arguments):
    assert command(*arguments, of=jobs) is None


def test_losses_are_ranked_over_five_datasets():
    five = {name: contest(CLEAR, dataset=name) for name in "abcde"}
    compared = Compared.of({**five, "nothing": None})
    assert list(compared.contests) == list("abcde")
    assert compared.metric == "accuracy"
    # The better one is always first, and the two that are the same share the other ranks: 1 and (2 + 3) / 2.
    assert dict(zip(compared.over_datasets.labels, compared.over_datasets.mean_ranks, strict=True)) == {
        "cce": 1.0,
        "mse": 2.5,
        "brier": 2.5,
    }


def test_fewer_datasets_other_metrics_or_one_loss_in_common_are_not_ranked():
    five = {name: contest(CLEAR, dataset=name) for name in "abcde"}
    assert Compared.of({name: five[name] for name in "abcd"}).over_datasets is None
    other = contest(CLEAR, dataset="e", by=("log_loss_calibrated",))
    assert Compared.of({**five, "e": other}).over_datasets is None
    alone = contest({"mse": CLEAR["mse"], "gce": CLEAR["cce"]}, dataset="e")
    assert Compared.of({**five, "e": alone}).over_datasets is None
    assert Compared.of({}).over_datasets is None


def test_of_one_seed_the_models_are_compared_and_not_the_losses(tmp_path):
    runs = swept(tmp_path, "loss=mse,bce,brier", "optimizer.lr=0.0001,0.3", "model.scale=1")
    compared = Compared.of_sweep({"moons": runs})
    assert compared.contests == {}
    best = list(comparing.ranking.best_per_loss(comparing.ranking.rank(runs)).values())[:2]
    a, b = (judgement.errors_on_test(row.runs[0]) for row in best)
    assert set(a) | set(b) <= {0, 0.5, 1}
    assert (1 - a).mean() == pytest.approx(best[0].runs[0].finished.metrics["test/accuracy"])
    first, second = (row.runs[0].job.choices["loss"] for row in best)
    found = f"{sum(a < b)} are right with {first} alone, {sum(b < a)} with {second} alone (p "
    assert found in compared.remarks["moons"]
    assert Compared.of_sweep({"moons": runs[:1]}).remarks == {}


def test_models_of_numbers_are_compared_by_their_squared_errors(tmp_path):
    runs = swept(tmp_path, "dataset=linear", "loss=mse,mae", "optimizer.lr=0.01")
    a, b = sorted((judgement.errors_on_test(run) for run in runs), key=np.mean)
    remark = Compared.of_sweep({"linear": runs}).remarks["linear"]
    assert np.mean(a) == pytest.approx(min(run.finished.metrics["test/rmse"] for run in runs) ** 2)
    p = stats.ttest_rel(a, b).pvalue
    assert f"(p {wording.probability(p)}, paired t test)" in remark


def test_of_examples_in_groups_the_groups_are_compared(tmp_path):
    runs = swept(tmp_path, "loss=mse,bce", "optimizer.lr=0.0001,0.3", "model.scale=1", "dataset.n_samples=200")
    groups = np.arange(len(runs[0].data.test)) // 5
    test = dataclasses.replace(runs[0].data.test, groups=groups)
    for run in runs:
        run.data = dataclasses.replace(run.data, test=test)
    remark = Compared.of_sweep({"moons": runs}).remarks["moons"]
    best = list(comparing.ranking.best_per_loss(comparing.ranking.rank(runs)).values())
    a, b = (judgement.errors_on_test(row.runs[0]).reshape(-1, 5).mean(axis=1) for row in best)
    assert f"(p {wording.probability(stats.ttest_rel(a, b).pvalue)}, paired t test over 8 groups)" in remark


def weighted(runs, weight):
    """Give the test examples of the runs, which share their data, weights."""
    for run in runs:
        run.data = dataclasses.replace(run.data, test=dataclasses.replace(run.data.test, weight=weight))
    return runs


@pytest.mark.parametrize("loss", ["exponential", "mae"])
def test_of_examples_with_weights_the_weighted_errors_are_compared(tmp_path, loss):
    data = ["moons", "dataset.n_samples=400", "dataset.noise=0.5"] if loss == "exponential" else ["linear"]
    runs = swept(tmp_path, f"dataset={data[0]}", *data[1:], f"loss=mse,{loss}", "optimizer.lr=0.03", "model.scale=1")
    weight = np.random.default_rng(0).exponential(size=len(runs[0].data.test)) + 0.1
    remark = Compared.of_sweep({"d": weighted(runs, weight)}).remarks["d"]
    best = list(comparing.ranking.best_per_loss(comparing.ranking.rank(runs)).values())
    a, b = (judgement.errors_on_test(row.runs[0]) for row in best)
    assert np.any(a != b)
    # As weighted least squares of the differences on a constant, with White's robust standard error.
    mean = np.average(a - b, weights=weight)
    error = np.sqrt(np.sum((weight * (a - b - mean)) ** 2)) / weight.sum() * np.sqrt(len(a) / (len(a) - 1))
    p = 2 * stats.t.sf(abs(mean / error), len(a) - 1)
    assert "the weighted s" in remark
    assert f"(p {wording.probability(p)}, paired t test)" in remark


def test_of_other_examples_weights_count_as_well(tmp_path):
    runs = swept(tmp_path, "loss=mse,bce", "seed=range(3)", "dataset.split_seed=3", "model.scale=1")
    weight = 1.0 + (np.arange(len(runs[0].data.test)) % 2)
    (note,) = (note for note in comparing.of_sweep(weighted(runs, weight)).notes if "crossed bootstrap" in note)
    errors = {loss: [] for loss in ("mse", "bce")}
    for run in runs:
        errors[run.job.choices["loss"]].append(np.average(judgement.errors_on_test(run), weights=weight))
    of, than = ("bce", "mse") if "errors of bce" in note else ("mse", "bce")
    difference = np.mean(errors[of]) - np.mean(errors[than])
    way = "higher" if difference > 0 else "lower"
    assert f"the weighted share of errors of {of}, compared with that of {than}, is {way} by " in note
    assert float(note.split(" by ")[1].split()[0]) == pytest.approx(abs(difference), abs=0.006)


def test_where_nothing_was_chosen_no_choice_is_regretted(tmp_path):
    found = comparing.of_sweep(swept(tmp_path, "loss=mse,bce", "seed=1,2"))
    assert not any("Settings were chosen" in note for note in found.notes)
    assert any("There was one learning rate" in note for note in found.notes)


def test_one_split_for_all_seeds_says_something_of_other_examples(tmp_path):
    fixed, own = (
        comparing.of_sweep(swept(tmp_path / name, "loss=mse,bce", "seed=range(3)", f"dataset.split_seed={split}"))
        for name, split in (("fixed", "3"), ("own", "null"))
    )
    (note,) = (note for note in fixed.notes if "crossed bootstrap" in note)
    a, b = (np.mean(1 - one.scores["accuracy"]) for one in fixed.contenders)
    assert f"by {abs(a - b):.3g}" in note or f"by {abs(a - b):.2f}" in note
    assert not any("crossed bootstrap" in note for note in own.notes)
