"""The first paragraph: what came first, by how much, and how sure that is."""

import dataclasses

import pytest

from lossexp import comparing, ranking
from lossexp.comparison import wording
from lossexp.comparison.paired import compare
from lossexp.report.answer import plain_answer
from lossexp.report.contenders import by_loss
from tests.report.sweeps import trained


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return trained(folder, "loss=mse,bce,hinge", "seed=range(3)", "dataset.split_seed=0")


def answer(runs, contest=None):
    return " ".join(plain_answer(runs, by_loss(ranking.rank(runs)), contest))


def with_accuracy(runs, **accuracies):
    """Return the runs with other accuracies at their end, one for each seed of a loss."""
    changed = []
    for run in runs:
        found = accuracies[run.job.choices["loss"]][run.job.experiment.seed]
        changed.append(dataclasses.replace(run, metrics={**run.metrics, "val/accuracy": [0.0] * 3 + [found]}))
    return changed


def test_intervals_tell_a_clear_order_from_chance(runs):
    apart = {"mse": (0.5, 0.51, 0.52), "bce": (0.9, 0.91, 0.92), "hinge": (0.1, 0.2, 0.3)}
    # t(.975, 2) = 4.303: 0.91 ± 4.303 · 0.01 / sqrt(3)
    expected = "Of 3 losses, bce comes first: validation accuracy 0.9100 over 3 seeds (95 % interval 0.8852 to 0.9348)"
    assert answer(with_accuracy(runs, **apart)).startswith(expected)
    assert "Next is mse with 0.5100; the two intervals do not meet." in answer(with_accuracy(runs, **apart))
    close = {**apart, "mse": (0.8, 0.9, 0.95)}
    assert "the two intervals overlap, so chance may have made this order." in answer(with_accuracy(runs, **close))


def test_one_seed_is_no_answer(runs):
    text = answer([run for run in runs if run.job.experiment.seed == 0])
    assert "interval" not in text
    assert "a single seed does not tell a difference from chance" in text


def test_the_test_split_is_told_where_it_was_read(runs):
    best = ranking.rank(runs)[0]
    mean = sum(run.finished.metrics["test/accuracy"] for run in best.runs) / 3
    assert f"and {mean:#.4g} on the test split, by which nothing was chosen" in answer(runs)
    closed = [dataclasses.replace(run, finished=dataclasses.replace(run.finished, metrics={})) for run in runs]
    assert "test split" not in answer(closed)


def test_a_comparison_takes_the_place_of_intervals(runs):
    contest = comparing.of_sweep(runs)
    text = answer(runs, contest)
    assert "Next is" not in text
    best = contest.comparisons[contest.metric].ranked[0].label
    assert f", {best} is " in text
    two = [run for run in runs if run.job.choices["loss"] != "hinge"]
    contest = comparing.of_sweep(two)
    comparison = contest.comparisons[contest.metric]
    first, second = (arm.label for arm in comparison.ranked)
    assert wording.sentence(comparison.between(first, second), comparison) in answer(two, contest)


def test_where_other_seeds_were_compared_the_comparison_is_the_answer(runs):
    contest = dataclasses.replace(comparing.of_sweep(runs), seeds=[7, 8, 9])
    text = answer(runs, contest)
    assert text.startswith("Compared by seed on the test split, by accuracy, ")
    assert "comes first" not in text
    assert "None of 9 runs is shown to overfit." in text


def test_overfit_runs_are_counted(runs):
    assert "None of 9 runs is shown to overfit." in answer(runs)
    overfit = dataclasses.replace(runs[0].verdict, name="overfit (error)")
    assert "1 of 9 runs overfit." in answer([dataclasses.replace(runs[0], verdict=overfit), *runs[1:]])


def test_another_order_on_the_test_split_is_told(runs):
    val = with_accuracy(runs, bce=(0.9, 0.91, 0.92), mse=(0.5, 0.51, 0.52), hinge=(0.1, 0.2, 0.3))
    contest = comparing.of_sweep(runs)
    told = {}
    for name, of_mse in {"mse ahead": [0.8, 0.9, 0.9], "bce ahead": [0.1, 0.2, 0.2], "a tie": [0.7, 0.7, 0.8]}.items():
        test = {"mse": of_mse, "bce": [0.8, 0.7, 0.7], "hinge": [0.0, 0.1, 0.1]}
        comparison = compare(test, "accuracy", higher_is_better=True, margin=0.01)
        told[name] = answer(val, dataclasses.replace(contest, comparisons={"accuracy": comparison}))
    assert "bce comes first" in told["mse ahead"]
    assert "On the test split the order is another, with mse ahead. Compared by seed" in told["mse ahead"]
    assert "the order is another" not in told["bce ahead"] + told["a tie"]


def test_intervals_end_where_the_metric_does(runs):
    wide = with_accuracy(runs, mse=(0.9, 1.0, 1.0), bce=(0.5, 0.5, 0.5), hinge=(0.1, 0.1, 0.1))
    # t(.975, 2) = 4.303: 0.9667 ± 4.303 · 0.0333 would end at 1.11
    assert "(95 % interval 0.8232 to 1.000)" in answer(wide)


def test_settings_in_the_name_of_a_loss_are_told_once(tmp_path):
    text = answer(trained(tmp_path, "dataset=linear", "loss=huber", "loss.delta=1,2", "optimizer.lr=0.01,0.1"))
    assert text.startswith("Of 2 losses, huber loss.delta=")
    first = text.partition(" comes first")[0]
    assert first.count("loss.delta=") == 1
    assert first.count(" with optimizer.lr=") == 1
