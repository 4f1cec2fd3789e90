import dataclasses
import math

import numpy as np
import pytest

from lossexp.verdict import against, judge

from .runs import FALLING, RISING, run

EPOCHS = np.arange(41)


def test_a_rise_while_the_training_loss_falls_is_overfitting_in_confidence():
    verdict = judge(run(RISING))
    assert verdict.name == "overfit (confidence)"
    assert verdict.is_overfit
    assert verdict.p < 0.001
    assert verdict.p_error > 0.05
    assert verdict.best_epoch == RISING.argmin() == 15
    assert verdict.best_set[0] <= 15 <= verdict.best_set[1] < 25
    assert verdict.rise == pytest.approx(RISING[-1] - RISING[15], rel=1e-5)
    assert verdict.rise_of_headroom == pytest.approx(RISING[-1] - RISING[15], rel=1e-5)
    assert verdict.sentence.startswith(
        f"Overfit in confidence: the final model is worse than that of epoch 15 (95 % set {verdict.best_set[0]}-"
        f"{verdict.best_set[1]}) by 46 % of headroom (p < .001), though its predictions are not shown to be (p = "
    )
    assert verdict.sentence.endswith(
        "Try early stopping at about epoch 15, a weight penalty (optimizer.weight_decay) or more data."
    )


def test_if_more_predictions_are_wrong_as_well_it_is_overfitting_in_error():
    verdict = judge(run(RISING, error=np.maximum(0.1, 0.1 + 0.004 * (EPOCHS - 15))))
    assert verdict.name == "overfit (error)"
    assert verdict.p_error < 0.01
    assert "and its predictions are worse too (p" in verdict.sentence


def test_if_the_training_loss_rises_too_it_is_not_overfitting():
    verdict = judge(run(RISING, train=FALLING + (RISING - FALLING) / 8))
    assert verdict.name == "unstable"
    assert not verdict.is_overfit
    assert "this is not overfitting" in verdict.sentence


def test_what_is_worse_than_the_untrained_model_is_overfit_though_no_epoch_of_training_was_better():
    """No advice to stop at epoch 0."""
    verdict = judge(run([0.95, *np.full(20, 1.3)], train=[0.95, *np.full(20, 0.1)]))
    assert verdict.name == "overfit (confidence)"
    assert verdict.best_epoch == 0
    assert "early stopping" not in verdict.sentence


def test_a_rise_within_the_margin_is_none():
    val = FALLING + np.where(EPOCHS > 30, 0.008, 0)
    assert judge(run(val, noise=0.01)).name == "good fit"
    assert judge(run(val, noise=0.01), margin=0).name == "overfit (confidence)"


def test_at_rest_is_a_good_fit():
    verdict = judge(run())
    assert (verdict.name, verdict.notes) == ("good fit", ())
    assert verdict.val_skill == pytest.approx(0.8, abs=0.01)
    assert verdict.gap == pytest.approx(0, abs=1e-6)
    assert verdict.gap_interval[0] < 0 < verdict.gap_interval[1]
    assert verdict.sentence.startswith(
        "Good fit: 80 % of headroom learnt, no rise of the validation loss to be seen (p "
    )


def test_a_good_fit_may_have_a_large_gap():
    verdict = judge(run(FALLING + 0.2))
    assert (verdict.name, verdict.notes) == ("good fit", ("large gap",))
    assert verdict.gap == pytest.approx(0.2, abs=1e-6)
    assert "gap to training 20 % ± " in verdict.sentence


def test_a_good_fit_may_have_had_a_bump():
    """A double descent."""
    bump = 0.3 * np.exp(-(((EPOCHS - 20) / 3) ** 2))
    verdict = judge(run(FALLING + bump))
    assert verdict.name == "good fit"
    (note,) = verdict.notes
    first, last = map(int, note.removeprefix("bump at epochs ").split("-"))
    assert 14 <= first <= 17
    assert 23 <= last <= 26


def test_a_high_training_loss_alone_is_not_called_underfit():
    high = 0.6 + 0.4 * np.exp(-EPOCHS / 5)
    verdict = judge(run(high, train=high))
    assert (verdict.name, verdict.notes) == ("good fit", ("high training loss",))
    assert "underfit or irreducible noise, which one curve cannot tell apart" in verdict.sentence


def test_what_still_falls_has_not_converged():
    slow = 0.2 + 0.8 * np.exp(-EPOCHS / 30)
    verdict = judge(run(slow, train=slow))
    assert verdict.name == "not converged"
    assert verdict.sentence.startswith(
        "Not converged: validation loss still falls, by 3.8 % of headroom over the last 5 "
    )


@pytest.mark.parametrize(
    ("train", "notes", "what_it_does"),
    [
        (np.full(41, 0.99), ("stuck",), "the training loss no longer moves"),
        (1 - EPOCHS / 1000, (), "the training loss still falls"),
        (0.96 + EPOCHS / 1000, (), "the training loss rises"),
    ],
)
def test_no_better_than_a_constant_is_no_skill(train, notes, what_it_does):
    verdict = judge(run(np.full(41, 1.0), train=train))
    assert (verdict.name, verdict.notes) == ("no skill", notes)
    assert what_it_does in verdict.sentence


@pytest.mark.parametrize(
    ("n_epochs", "said"),
    [(0, "nothing was trained. Try more epochs (training.epochs)"), (10, "training has changed no loss at all")],
)
def test_where_nothing_has_moved_it_is_not_said_that_it_no_longer_moves(n_epochs, said):
    same = np.ones(n_epochs + 1)
    verdict = judge(run(same, train=same, noise=0))
    assert verdict.name == "no skill"
    assert said in verdict.sentence
    assert "no longer" not in verdict.sentence


def test_what_had_learnt_and_lost_it_is_unstable_rather_than_without_skill():
    lost = np.where(EPOCHS < 35, FALLING, 0.99)
    assert judge(run(lost, train=lost)).name == "unstable"


def test_good_predictions_with_a_bad_loss_are_overconfident():
    """A few examples that are wrong and very sure, in all epochs alike."""
    sure = np.zeros((300, 41), dtype=np.float32)
    sure[:15] = np.random.default_rng(0).gamma(2, 50, (15, 1))
    evidence = run(losses=sure, errors=(sure > 2).astype(np.float32))
    assert judge(evidence).name == "overconfident"
    assert judge(dataclasses.replace(evidence, errors=np.ones_like(sure))).notes == ("memorized",)


def test_what_is_learnt_by_heart_is_no_skill():
    verdict = judge(run(np.full(41, 1.0), error=0.5))
    assert (verdict.name, verdict.notes) == ("no skill", ("memorized",))
    assert verdict.sentence.startswith(
        "No skill: 80 % of headroom were learnt on the training split, but nothing of it"
    )


def test_few_examples_leave_it_open_whether_anything_was_learnt():
    rng = np.random.default_rng(1)
    verdict = judge(run(np.full(41, 0.9), n=30, constant_losses=rng.gamma(0.3, 3, 30)))
    assert verdict.name == "inconclusive"
    assert "is not shown to be less than that of a constant prediction" in verdict.sentence


def test_where_a_rise_would_go_unseen_none_seen_means_nothing():
    verdict = judge(run(n=40, noise=0.4, seed=1))
    assert verdict.name == "inconclusive"
    assert verdict.detectable_rise > 0.05 * verdict.headroom
    needed = 40 * (verdict.detectable_rise / (0.05 * verdict.headroom)) ** 2
    assert float(verdict.sentence.split("About ")[1].split()[0]) == pytest.approx(needed, rel=0.05)


def test_so_many_examples_as_it_asks_for_are_enough():
    small = judge(run(n=40, noise=0.4, seed=1))
    needed = int(small.sentence.split("About ")[1].split()[0])
    assert judge(run(n=2 * needed, noise=0.4)).name == "good fit"


@pytest.mark.parametrize(
    "fields",
    [
        {"ending": "diverged"},
        {"train": np.append(FALLING[:-1], np.nan)},
        {"val": np.append(FALLING[:-1], np.inf)},
        {"train": np.append(FALLING[:-1], 1.2)},
    ],
)
def test_what_left_all_bounds_has_diverged(fields):
    val = fields.pop("val", FALLING)
    verdict = judge(run(val, **fields))
    assert verdict.name == "diverged"
    assert verdict.sentence.startswith("Diverged")
    assert all(map(math.isfinite, verdict.metrics().values()))


def test_epochs_that_are_not_finite_in_between_are_left_out():
    evidence = run(RISING)
    evidence.losses[3, 4], evidence.errors[5, 6] = np.nan, np.inf
    evidence.train_losses[7] = np.inf
    places = np.delete(EPOCHS, [4, 6, 7])
    without = dataclasses.replace(
        evidence,
        **{name: getattr(evidence, name)[..., places] for name in ("epochs", "losses", "errors", "train_losses")},
    )
    assert judge(evidence) == judge(without)


@pytest.mark.parametrize("selected", [False, True])
@pytest.mark.parametrize("n", [1, 2, 19])
def test_a_handful_of_examples_says_nothing(n, selected):
    verdict = judge(run(RISING, n=n, selected_on_validation=selected))
    assert verdict.name == "inconclusive"
    counted = "1 validation example" if n == 1 else f"{n} validation examples"
    assert verdict.sentence.startswith(f"Inconclusive: {counted}, too few to say anything; it takes 20, ")
    assert math.isnan(verdict.p)
    assert "verdict/p" not in verdict.metrics()


def test_many_examples_of_few_groups_are_few():
    verdict = judge(run(RISING, groups=np.arange(300) % 10))
    assert verdict.name == "inconclusive"
    assert "10 groups of validation examples, too few" in verdict.sentence


def test_many_groups_of_which_one_is_most_of_all_are_few():
    """By hand: (260 + 40)² / (260² + 40) = 1.33 groups of equal size."""
    verdict = judge(run(RISING, groups=np.maximum(np.arange(300) - 259, 0)))
    assert verdict.name == "inconclusive"
    assert "41 groups of validation examples (worth 1 of equal size), too few" in verdict.sentence


def test_groups_that_show_too_little_are_counted():
    verdict = judge(run(n=80, noise=0.4, seed=1, groups=np.arange(80) // 2))
    assert "Inconclusive: with 40 groups of validation examples only a rise above" in verdict.sentence


def test_copies_of_examples_are_no_new_evidence_if_their_groups_are_known():
    evidence = run(RISING, n=60, noise=0.7, seed=4)
    copied = dataclasses.replace(
        evidence,
        **{
            name: np.tile(getattr(evidence, name).T, 10).T
            for name in ("losses", "errors", "constant_losses", "constant_errors")
        },
    )
    grouped = dataclasses.replace(copied, groups=np.tile(np.arange(60), 10))
    once, ten_times, known = judge(evidence), judge(copied), judge(grouped)
    assert known.p == pytest.approx(once.p, rel=0.3)
    assert known.detectable_rise == pytest.approx(once.detectable_rise, rel=1e-4)
    assert ten_times.p < once.p / 3
    assert known.best_set == once.best_set


@pytest.mark.parametrize("n_epochs", [1, 2])
def test_a_training_of_no_or_one_epoch_is_judged(n_epochs):
    verdict = judge(run(np.linspace(1, 0.9, n_epochs), train=np.linspace(1, 0.9, n_epochs)))
    assert verdict.name == ("no skill" if n_epochs == 1 else "not converged")


def test_where_a_constant_is_perfect_the_first_model_is_the_measure():
    verdict = judge(run(constant=0.0))
    assert verdict.headroom == pytest.approx(1, rel=1e-6)
    assert math.isfinite(verdict.metrics()["verdict/rise_percent_of_headroom"])
    nothing = judge(run(np.zeros(41), train=np.zeros(41), noise=0, constant=0.0))
    assert all(map(math.isfinite, nothing.metrics().values()))


def test_without_an_infimum_the_headroom_is_down_to_the_least_loss_that_was_seen():
    verdict = judge(run(RISING - 5, train=FALLING - 5, constant=-4.0, infimum=-np.inf))
    assert verdict.headroom == pytest.approx(1 - FALLING[-1], rel=1e-5)
    assert verdict.train_skill == pytest.approx(1)
    assert verdict.name == "overfit (confidence)"


def test_early_stopping_that_restores_its_best_epoch_has_not_overfit():
    stopped = run(RISING, ending="stopped early", selected_on_validation=True)
    assert judge(stopped).name == "overfit (confidence)"
    restored = judge(dataclasses.replace(stopped, kept_epoch=15))
    assert restored.name == "good fit"
    assert (restored.kept_epoch, restored.best_epoch, restored.rise) == (15, 15, 0)


def test_where_early_stopping_has_watched_it_takes_a_larger_rise():
    evidence = run(RISING, noise=1.5, seed=2)
    whole, chosen = judge(evidence), judge(dataclasses.replace(evidence, selected_on_validation=True))
    assert whole.p < 0.01 < chosen.p < 0.5


def test_the_same_evidence_has_the_same_verdict():
    evidence = run(RISING, noise=0.7)
    assert judge(evidence) == judge(evidence)


def test_the_order_of_examples_does_not_matter():
    evidence, order = run(RISING, noise=0.7), np.random.default_rng(0).permutation(300)
    shuffled = dataclasses.replace(
        evidence,
        **{name: getattr(evidence, name)[order] for name in ("losses", "errors", "constant_losses", "constant_errors")},
    )
    one, other = judge(evidence), judge(shuffled)
    assert one.name == other.name
    assert one.rise == pytest.approx(other.rise, rel=1e-12)
    assert one.p == pytest.approx(other.p, rel=0.5, abs=0.01)


@pytest.mark.parametrize("val", [FALLING, RISING, 0.2 + 0.8 * np.exp(-EPOCHS / 30)])
@pytest.mark.parametrize(("factor", "offset"), [(1024.0, 0.0), (1.0, -0.5), (2.0**-20, 0.0)])
def test_the_unit_of_the_loss_does_not_matter(val, factor, offset):
    """Powers of two and a shift that float32 keeps nearly exact."""
    evidence = run(val, noise=0.2)
    moved = dataclasses.replace(
        evidence,
        losses=evidence.losses * factor + offset,
        constant_losses=evidence.constant_losses * factor + offset,
        train_losses=evidence.train_losses * factor + offset,
        constant_train_loss=evidence.constant_train_loss * factor + offset,
        infimum=offset,
    )
    one, other = judge(evidence), judge(moved)
    assert one.name == other.name
    assert one.best_set == other.best_set
    for name, value in one.metrics().items():
        assert other.metrics()[name] == pytest.approx(value, rel=1e-4, abs=1e-4)


def test_numbers_are_tracked_under_their_names():
    metrics = judge(run(RISING)).metrics()
    assert set(metrics) == {
        "verdict/p",
        "verdict/p_error",
        "verdict/best_epoch",
        "verdict/best_epoch_low",
        "verdict/best_epoch_high",
        "verdict/rise_percent_of_headroom",
        "verdict/gap_percent_of_headroom",
        "verdict/detectable_rise_percent_of_headroom",
        "verdict/train_skill",
        "verdict/val_skill",
    }
    assert metrics["verdict/best_epoch"] == 15
    assert metrics["verdict/rise_percent_of_headroom"] == pytest.approx(46, abs=0.1)


@pytest.mark.parametrize(
    ("error", "train", "name"),
    [
        (0.02, FALLING, "underfit"),  # better on the same examples, and fitted better
        (0.098, FALLING, "good fit"),  # better by less than the margin
        (0.02, FALLING + 0.3, "good fit"),  # better, but not since it learns more
    ],
)
def test_underfit_needs_another_run_that_learns_more(error, train, name):
    high = 0.4 + 0.6 * np.exp(-EPOCHS / 5)
    evidence = run(high, train=high)
    verdict = against(judge(evidence), evidence, "a wider model", run(error=error, train=train))
    assert verdict.name == name
    assert ("a wider model has a task error that is lower by 16 %" in verdict.sentence) == (name == "underfit")


def equally_good(n_runs, rng, n=300):
    """Return runs that are right with probability .9, each for others, and that have learnt a little more or less."""
    return [
        run(error=rng.binomial(n, 0.1) / n, train=FALLING - 0.01 * rng.random(), seed=seed, n=n)
        for seed in range(n_runs)
    ]


def test_of_many_equal_runs_the_luckiest_shows_nothing_about_the_others():
    """Without a correction for their number some run is said to underfit in half of such sweeps of ten."""
    rng, alarms, uncorrected = np.random.default_rng(0), 0, 0
    for _ in range(20):
        runs = equally_good(10, rng)
        best = min(runs, key=lambda one: one.final_error)
        others = [(judge(one), one) for one in runs if one is not best]
        alarms += any(against(verdict, one, "best", best, n_runs=10).name == "underfit" for verdict, one in others)
        uncorrected += any(against(verdict, one, "best", best).name == "underfit" for verdict, one in others)
    assert uncorrected > 3 * alarms + 3
    assert alarms <= 3  # at a level of 5 %, four or more have probability .016


def test_no_other_verdict_becomes_underfit():
    evidence, better = run(RISING), run(error=0.01)
    assert against(judge(evidence), evidence, "other", better) == judge(evidence)
    high = 0.4 + 0.6 * np.exp(-EPOCHS / 5)
    evidence, diverged = run(high, train=high), run(error=0.01, ending="diverged")
    assert against(judge(evidence), evidence, "other", diverged).name == "good fit"


def test_another_split_is_refused():
    evidence = run()
    with pytest.raises(ValueError, match="300 and 200 validation examples: expected the same ones"):
        against(judge(evidence), evidence, "other", run(n=200))
