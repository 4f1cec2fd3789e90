"""Settings that were tried, and which is chosen."""

import numpy as np

from lossexp import tuning
from lossexp.tuning import Trial, Tuned, by_score


def trial(lr, *scores, metric="log_loss_calibrated", loss="mse"):
    return Trial("moons", loss, {"optimizer.lr": f"{lr:g}"}, lr, (), metric, np.array(scores))


def test_the_best_mean_is_chosen_and_what_diverged_once_is_not():
    tuned = by_score([trial(1, 0.1, np.nan), trial(0.01, 0.5, 0.3), trial(0.1, 0.2, 0.5)])
    assert tuned.best.lr == 0.1
    assert tuned.rates == [0.01, 0.1, 1]
    assert tuned.edge == ""


def test_of_equal_settings_the_lowest_rate_is_chosen():
    assert by_score([trial(1, 0.2), trial(0.1, 0.2), trial(0.01, 0.3)]).best.lr == 0.1


def test_more_accuracy_is_better():
    accuracies = [trial(lr, score, metric="accuracy") for lr, score in ((0.1, 0.7), (1, 0.9))]
    tuned = by_score(accuracies)
    assert (tuned.best.lr, tuned.edge, tuned.metric) == (1, "highest", "accuracy")


def test_edges():
    assert by_score([trial(0.1, 0.2), trial(1, 0.3)]).edge == "lowest"
    assert by_score([trial(1, 0.3)]).edge == "", "one rate has no ends"
    lost = by_score([trial(0.1, np.nan), trial(1, np.inf)])
    assert lost.best is None
    assert lost.edge == ""


def test_what_was_not_equal_is_said():
    first = by_score([trial(0.1, 0.2), trial(1, 0.3)])
    second = by_score([trial(0.1, 0.4, loss="cce"), trial(1, 0.3, loss="cce"), trial(2, 0.5, loss="cce")])
    lost = by_score([trial(0.1, np.nan, loss="gce"), trial(1, np.nan, loss="gce")])
    third = by_score([trial(0.1, 0.2, loss="mae"), trial(1, 0.3, loss="mae")])
    notes = tuning.notes_on([first, second, lost, third])
    assert notes == [
        "gce is left out: at every setting a run diverged or failed.",
        "mse and mae are best at the lowest learning rate that was tried, 0.1; a lower one may be better.",
        "Not every loss had as many settings to choose from: mse 2, cce 3, gce 2, mae 2.",
    ]
    assert tuning.notes_on([second]) == []
    assert tuning.notes_on([by_score([trial(1, 0.3)])]) == [
        "There was one learning rate, which may suit one loss better than another."
    ]


def test_a_tuned_loss_has_what_its_settings_were_chosen_by():
    assert Tuned("moons", "mse", [trial(1, 0.3)], None).metric == "log_loss_calibrated"
