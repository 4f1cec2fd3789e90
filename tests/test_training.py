"""The training loop: what is measured when, that it can be repeated, and how a run ends."""

import numpy as np
import pytest

from lossexp import batching, metrics, stepping
from lossexp.early_stopping import Never, Patience
from lossexp.experiment import Training
from lossexp.losses import BCE, CCE, MSE
from lossexp.models import MLP, Linear
from lossexp.optimizers import GD, SGD
from lossexp.randomness import stream
from lossexp.schedules import Cosine
from lossexp.stacking import Stack
from lossexp.targets import encode
from lossexp.training import train
from tests.trainings import sums

from .trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, given, member, trained

DATA = drawn(THREE_CLASSES)
N_TRAIN = len(DATA.train)


def run(data=DATA, loss=None, *, epochs=5, dtype="float64", **parts):
    loss = loss or CCE()
    return trained(member(data, loss, training=Training(epochs=epochs, dtype=dtype), **parts))[0]


def raw_predictions(model, params, X):
    """Return `(n_outputs, n_samples)` by the formula of a linear model or of one hidden layer of tanh."""
    a = X.T
    for weights in params[:-1]:
        a = np.tanh(weights[:, :-1] @ a + weights[:, -1:])
    return params[-1][:, :-1] @ a + params[-1][:, -1:]


def mean_loss(loss, split, target, raw):
    encoded = encode(split.y, target, len(raw), float)
    return loss.on(target).value(raw[:, None], encoded[:, None]).mean()


# --- what is measured -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Linear(scale=1), MLP(hidden=(4,), activation="tanh")], ids=str)
@pytest.mark.parametrize(
    ("data", "loss"),
    [
        (drawn(REGRESSION), MSE()),
        (drawn(BINARY), BCE()),
        (drawn(BINARY), MSE()),
        (drawn(BINARY), CCE()),
        (DATA, CCE()),
        (DATA, MSE(link="identity")),
        (DATA, BCE()),
    ],
    ids=lambda value: str(value) if not hasattr(value, "train") else str(value.target),
)
@pytest.mark.parametrize("epochs", [0, 3])
def test_the_last_curve_points_are_measured_at_the_final_weights(data, loss, model, epochs):
    """Both splits at the same weights, by the formulas: loss without penalty, metrics, gap; the test split as well."""
    ours = run(data, loss, model=model, optimizer=SGD(batch_size=16, weight_decay=0.1), epochs=epochs)
    assert ours.epochs == list(range(epochs + 1))
    last = {name: curve[-1] for name, curve in ours.curves.items()} | ours.finished.metrics
    settled = loss.on(data.target)
    for name in ("train", "val", "test"):
        split = getattr(data, name)
        raw = raw_predictions(model, ours.params, split.X)
        assert last[f"{name}/loss"] == pytest.approx(mean_loss(loss, split, data.target, raw), rel=1e-12)
        encoded = encode(split.y, data.target, len(raw), float)[:, None]
        total = sums(raw[:, None].copy(), encoded, settled.link_name(data.target), data.target)
        panel = metrics.panel(total / len(split), data.target, np.var(split.y)[None])
        assert {key: last[f"{name}/{key}"] for key in panel} == pytest.approx(
            {key: value[0] for key, value in panel.items()}, rel=1e-12
        )
    assert last["gap"] == last["val/loss"] - last["train/loss"]
    assert set(ours.curves) == {
        f"{split}/{key}" for split in ("train", "val") for key in ("loss", *metrics.names(data.target))
    } | {"gap"}


def test_epoch_0_is_measured_before_the_first_step():
    """With weights of zero every class has the same probability, whatever the learning rate."""
    ours = run(optimizer=SGD(lr=10))
    assert ours.epochs[0] == 0
    assert ours.curves["train/loss"][0] == pytest.approx(np.log(3), rel=1e-14)
    assert ours.curves["val/accuracy"][0] == pytest.approx(1 / 3, rel=1e-14)
    assert ours.curves["train/loss"][1] != ours.curves["train/loss"][0]


def test_ranking_metrics_are_measured_once_at_the_end_and_for_two_classes_only():
    ours = run(drawn(BINARY), BCE())
    assert {"val/auc", "test/auc"} <= ours.finished.metrics.keys()
    assert "val/auc" not in ours.curves
    assert "val/auc" not in run().finished.metrics


def test_without_a_test_split_there_are_no_test_metrics():
    ours = run(given(DATA.train.X, DATA.train.y, THREE_CLASSES))
    assert not ours.finished.metrics
    np.testing.assert_array_equal(ours.curves["gap"], 0)


def test_without_a_validation_split_the_training_curve_is_the_same():
    empty = DATA.train.X[:0], DATA.train.y[:0]
    with_val, without = run(), run(given(DATA.train.X, DATA.train.y, THREE_CLASSES, val=empty))
    assert set(without.curves) == {f"train/{key}" for key in ("loss", *metrics.names(THREE_CLASSES))}
    np.testing.assert_array_equal(without.curves["train/loss"], with_val.curves["train/loss"])
    assert without.ending == "completed"


# --- steps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 7, 16, 40, 41, 10**9])
def test_each_step_averages_over_the_batch_it_has(batch_size):
    """Softmax regression by hand, the batches cut from the permutation of the run's own random stream.

    40 rows in batches of 7 leave 5 for the last step, and in batches of 16 leave 8: their gradient is a mean over
    these alone. A batch larger than the split is the whole split.
    """
    ours = run(optimizer=SGD(lr=0.3, batch_size=batch_size, weight_decay=0.1), epochs=3, seed=4)
    X, y = np.column_stack([DATA.train.X, np.ones(N_TRAIN)]), np.eye(3)[DATA.train.y]
    order, weights = stream(4, "order"), np.zeros((3, 4))
    for _ in range(3):
        rows = order.permutation(N_TRAIN)
        for start in range(0, N_TRAIN, batch_size):
            batch = rows[start : start + batch_size]
            power = np.exp(X[batch] @ weights.T)
            gradient = (power / power.sum(axis=1, keepdims=True) - y[batch]).T @ X[batch] / len(batch)
            gradient[:, :-1] += 0.1 * weights[:, :-1]
            weights -= 0.3 * gradient
    np.testing.assert_allclose(ours.params[0], weights, rtol=1e-12, atol=1e-13)


def test_gd_is_sgd_whose_batch_is_the_whole_split():
    for extra in ({}, {"weight_decay": 0.1}):
        gd, sgd = run(optimizer=GD(lr=0.5, **extra)), run(optimizer=SGD(lr=0.5, batch_size=N_TRAIN, **extra))
        np.testing.assert_allclose(gd.params[0], sgd.params[0], rtol=1e-12)


def test_the_schedule_counts_steps_through_all_epochs():
    """GD for one epoch at a time with the factors by hand: cos²(pi t / 8) for epochs t of 4."""
    ours = run(optimizer=GD(lr=0.5), schedule=Cosine(), epochs=4)
    X, y, weights = np.column_stack([DATA.train.X, np.ones(N_TRAIN)]), np.eye(3)[DATA.train.y], np.zeros((3, 4))
    for epoch in range(4):
        power = np.exp(X @ weights.T)
        gradient = (power / power.sum(axis=1, keepdims=True) - y).T @ X / N_TRAIN
        weights -= 0.5 * np.cos(np.pi * epoch / 8) ** 2 * gradient
    np.testing.assert_allclose(ours.params[0], weights, rtol=1e-12)


@pytest.mark.parametrize(
    ("module", "limit", "value"),
    [(batching, "GATHERED_ELEMENTS", 1), (stepping, "BLOCK_ELEMENTS", 30), (stepping, "BLOCK_ELEMENTS", 1)],
)
@pytest.mark.parametrize("optimizer", [GD(), SGD(batch_size=16, momentum=0.9)], ids=["gd", "sgd"])
def test_how_batches_are_gathered_and_cut_changes_nothing(monkeypatch, module, limit, value, optimizer):
    """Large training splits are gathered in pieces, and large batches worked on in blocks."""
    model = MLP(hidden=(4,))
    whole = run(optimizer=optimizer, model=model)
    monkeypatch.setattr(module, limit, value)
    for ours, expected in zip(run(optimizer=optimizer, model=model).params, whole.params, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)


# --- repeating ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_curves_to_the_last_bit(dtype):
    parts = {"model": MLP(hidden=(5,)), "optimizer": SGD(momentum=0.9), "dtype": dtype}
    first, second = run(**parts, seed=3), run(**parts, seed=3)
    for name, curve in first.curves.items():
        np.testing.assert_array_equal(curve, second.curves[name])
    for ours, theirs in zip(first.params, second.params, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_another_seed_gives_other_weights_and_another_order():
    """A linear model starts from zero: there only the order of the examples differs."""
    for model in (Linear(), MLP(hidden=(5,))):
        first, second = run(model=model, seed=3), run(model=model, seed=4)
        assert not np.array_equal(first.params[0], second.params[0])


def test_losses_with_one_seed_start_from_the_same_weights_and_see_the_same_order():
    """That is what makes them comparable pair by pair."""
    cce, mse = run(loss=CCE(), model=Linear(scale=1), epochs=0), run(loss=MSE(), model=Linear(scale=1), epochs=0)
    np.testing.assert_array_equal(cce.params[0], mse.params[0])


def test_single_precision_follows_double():
    parts = {"optimizer": SGD(momentum=0.9), "epochs": 20}
    single, double = run(dtype="float32", **parts), run(**parts)
    assert single.params[0].dtype == np.float32
    np.testing.assert_allclose(single.curves["val/loss"], double.curves["val/loss"], rtol=1e-4)


# --- how a run ends -------------------------------------------------------------------------------------------------


def test_no_epochs_measure_the_initial_model_only():
    ours = run(epochs=0)
    assert (ours.epochs, ours.ending, ours.finished.epoch) == ([0], "completed", 0)
    assert not ours.params[0].any()


def test_a_learning_rate_of_zero_changes_nothing():
    for optimizer in (GD(lr=0, weight_decay=1), SGD(lr=0), SGD(lr=0, momentum=0.9)):
        ours = run(model=MLP(hidden=(4,)), optimizer=optimizer)
        start = run(model=MLP(hidden=(4,)), epochs=0)
        for param, initial in zip(ours.params, start.params, strict=True):
            np.testing.assert_array_equal(param, initial)
        assert (ours.ending, len(ours.epochs)) == ("completed", 6)
        assert np.ptp(ours.curves["train/loss"]) == 0


@pytest.mark.parametrize("lr", [30.0, 1e6, 1e200])
def test_a_diverged_run_ends_with_its_last_finite_weights(lr):
    """The history stops at the last epoch in bounds, whose weights are kept: measured there, they give its loss."""
    data = drawn(REGRESSION)
    ours = run(data, MSE(), optimizer=GD(lr=lr), epochs=1000)
    assert ours.ending == "diverged"
    assert ours.epochs == list(range(ours.finished.epoch + 1))
    assert ours.finished.epoch < 10
    assert all(np.isfinite(curve).all() for curve in ours.curves.values())
    raw = raw_predictions(None, ours.params, data.val.X)
    assert ours.curves["val/loss"][-1] == pytest.approx(mean_loss(MSE(), data.val, REGRESSION, raw), rel=1e-12)
    assert np.isfinite(ours.finished.metrics["test/loss"])


def test_a_loss_a_thousand_times_the_first_one_is_diverged_before_it_overflows():
    ours = run(drawn(REGRESSION), MSE(), optimizer=GD(lr=3), epochs=1000)
    assert ours.ending == "diverged"
    first, *_, last = ours.curves["train/loss"]
    assert first < last <= 1e3 * first


def test_weights_that_overflow_behind_a_finite_loss_are_diverged():
    """The Brier score is at most 1, while lr · weight_decay = 200 makes weights 199 times larger in every step."""
    data = given(np.arange(1.0, 9.0)[:, None], np.arange(8) % 2, BINARY)
    ours = run(data, MSE(), model=Linear(scale=1), optimizer=GD(lr=2, weight_decay=100), epochs=1000)
    assert ours.ending == "diverged"
    assert 1e305 < np.abs(ours.params[0]).max() < np.inf


def test_a_model_whose_first_loss_is_not_finite_has_no_history():
    ours = run(given(DATA.train.X, 1e200 * DATA.train.y, REGRESSION), MSE(), epochs=3)
    assert (ours.epochs, ours.ending, ours.finished.epoch) == ([], "diverged", 0)
    assert np.isfinite(ours.params[0]).all()


def test_a_perfect_start_is_not_taken_for_divergence():
    """The first loss is 0, and every later one, off by what the weight decay does, infinitely many times that."""
    x = np.arange(1.0, 9.0)[:, None]
    (start,) = run(given(x, x[:, 0], REGRESSION), MSE(), model=Linear(scale=1), epochs=0).params
    data = given(x, x[:, 0] * start[0, 0], REGRESSION)
    ours = run(data, MSE(), model=Linear(scale=1), optimizer=GD(lr=0.001, weight_decay=0.1))
    assert ours.curves["train/loss"][0] == 0 < ours.curves["train/loss"][1]
    assert ours.ending == "completed"


def overfitting():
    """Return data of few rows and many columns: the validation loss turns within a few epochs."""
    return drawn(BINARY, n=12, d=20, n_held_out=30)


@pytest.mark.parametrize("restore_best", [False, True])
def test_early_stopping_by_the_curve_it_watches(restore_best):
    data = overfitting()
    parts = {"optimizer": SGD(lr=0.5, batch_size=4), "epochs": 200}
    free = run(data, BCE(), **parts).curves["val/loss"]
    stopped = run(data, BCE(), early_stopping=Patience(patience=3, restore_best=restore_best), **parts)
    last = stopped.epochs[-1]
    best = 1 + int(np.argmin(stopped.curves["val/loss"][1:]))
    assert stopped.ending == "stopped early"
    assert last == best + 3 < 200
    np.testing.assert_array_equal(stopped.curves["val/loss"], free[: last + 1])
    kept = best if restore_best else last
    assert stopped.finished.epoch == kept
    raw = raw_predictions(None, stopped.params, data.val.X)
    assert stopped.curves["val/loss"][kept] == pytest.approx(mean_loss(BCE(), data.val, BINARY, raw), rel=1e-12)


def test_the_best_weights_may_be_restored_after_all_epochs():
    data = overfitting()
    ours = run(data, BCE(), early_stopping=Never(restore_best=True), optimizer=SGD(lr=0.5, batch_size=4), epochs=50)
    best = 1 + int(np.argmin(ours.curves["val/loss"][1:]))
    assert (ours.ending, ours.epochs[-1], ours.finished.epoch) == ("completed", 50, best)
    assert best < 50
    raw = raw_predictions(None, ours.params, data.val.X)
    assert ours.curves["val/loss"][best] == pytest.approx(mean_loss(BCE(), data.val, BINARY, raw), rel=1e-12)


def test_a_rule_that_fires_at_the_last_epoch_has_stopped_nothing():
    ours = run(overfitting(), BCE(), early_stopping=Patience(patience=0), optimizer=GD(lr=0), epochs=2)
    assert (ours.epochs[-1], ours.ending) == (2, "completed")


def test_the_measurement_before_the_first_epoch_is_no_epoch_to_early_stopping():
    """Values rise from the start; Keras sees epoch 1 as the first and best, and with patience 1 stops at 2."""
    data = given(DATA.train.X, DATA.train.y, THREE_CLASSES, val=(DATA.train.X, (DATA.train.y + 1) % 3))
    ours = run(data, early_stopping=Patience(patience=1, restore_best=True), optimizer=GD(lr=1))
    assert np.all(np.diff(ours.curves["val/loss"]) > 0)
    assert (ours.epochs[-1], ours.finished.epoch) == (2, 1)


def test_a_diverged_run_may_restore_its_best_epoch():
    data = drawn(REGRESSION)
    ours = run(data, MSE(), optimizer=GD(lr=3), early_stopping=Never(restore_best=True), epochs=100)
    assert (ours.ending, ours.finished.epoch) == ("diverged", 1)
    raw = raw_predictions(None, ours.params, data.val.X)
    assert ours.curves["val/loss"][1] == pytest.approx(mean_loss(MSE(), data.val, REGRESSION, raw), rel=1e-12)


# --- the stream of epochs -------------------------------------------------------------------------------------------


def test_runs_leave_the_stack_one_by_one():
    """Every epoch names the runs it measured; a finished run is named once, with the epoch at which it left."""
    training = Training(epochs=4, dtype="float64")
    members = [
        member(DATA, MSE(link="identity"), optimizer=SGD(lr=lr), early_stopping=rule, training=training)
        for lr, rule in [(0.1, Never()), (0.0, Patience(patience=1)), (1e200, Never()), (0.2, Never())]
    ]
    epochs = list(train(Stack(members)))
    assert [epoch.number for epoch in epochs] == [0, 1, 2, 3, 4]
    assert [epoch.runs.tolist() for epoch in epochs] == [[0, 1, 2, 3], [0, 1, 3], [0, 1, 3], [0, 3], [0, 3]]
    left = [[(one.run, one.ending) for one in epoch.finished] for epoch in epochs]
    assert left == [[], [(2, "diverged")], [(1, "stopped early")], [], [(0, "completed"), (3, "completed")]]
    assert all(len(curve) == len(epoch.runs) for epoch in epochs for curve in epoch.metrics.values())


def test_epochs_come_as_they_are_trained():
    """A consumer may stop after any of them, and what it has been given does not change later."""
    epochs = train(Stack([member(DATA, CCE(), training=Training(epochs=10**9))]))
    first = next(epochs)
    before = {name: values.copy() for name, values in first.metrics.items()}
    next(epochs)
    epochs.close()
    for name, values in first.metrics.items():
        np.testing.assert_array_equal(values, before[name])


def test_the_numpy_error_state_of_the_consumer_is_left_alone():
    with np.errstate(divide="raise"):
        for _ in train(Stack([member(DATA, CCE(), training=Training(epochs=2))])):
            with pytest.raises(FloatingPointError):
                np.divide(1.0, np.zeros(1))
