"""Stacks: what may be computed together, and that every run comes out as if it had been alone."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossexp.components import Component, Fraction, Real
from lossexp.early_stopping import Never, Patience
from lossexp.experiment import Training
from lossexp.losses import BCE, CCE, MSE
from lossexp.models import MLP, Linear
from lossexp.optimizers import GD, SGD
from lossexp.schedules import Constant, Cosine, Exponential, Step
from lossexp.stacking import Part, Stack, alike, arrange, column, merge, parts

from .trainings import BINARY, REGRESSION, THREE_CLASSES, drawn, member, trained

DOUBLE = np.dtype(float)
DATA = {target: [drawn(target, seed=seed) for seed in range(2)] for target in (REGRESSION, BINARY, THREE_CLASSES)}

# --- any sweep ------------------------------------------------------------------------------------------------

LOSSES = {
    REGRESSION: [MSE()],
    BINARY: [MSE(), MSE(link="identity"), BCE()],
    THREE_CLASSES: [MSE(), MSE(link="identity"), MSE(link="logistic"), BCE(), CCE()],
}
learning_rates = st.sampled_from([0.0, 0.001, 0.02, 0.1])
decays = st.sampled_from([0.0, 0.01, 0.1])
descents = st.builds(GD, lr=learning_rates, weight_decay=decays)
stochastic_descents = st.builds(
    SGD,
    lr=learning_rates,
    weight_decay=decays,
    batch_size=st.just(16),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    nesterov=st.booleans(),
)
schedules = st.one_of(
    st.builds(Constant, warmup=st.sampled_from([0.0, 1.5])),
    st.builds(Step, every=st.sampled_from([2.0, 0.7]), gamma=st.just(0.5)),
    st.builds(Exponential, gamma=st.sampled_from([0.5, 0.9])),
    st.builds(Cosine, final=st.sampled_from([0.0, 0.1]), warmup=st.sampled_from([0.0, 2.0])),
)
rules = st.one_of(
    st.builds(Never, restore_best=st.booleans()),
    st.builds(Patience, patience=st.integers(0, 2), min_delta=st.sampled_from([0.0, 0.01]), restore_best=st.booleans()),
)
models = st.sampled_from([Linear(scale=0.5), MLP(hidden=(4,)), MLP(hidden=(3, 2), activation="tanh", init="glorot")])


@st.composite
def sweeps(draw):
    """Return runs of one stack: one kind of target, model, batch size and length; everything else as it comes."""
    target, model = draw(st.sampled_from(list(LOSSES))), draw(models)
    optimizers = draw(st.sampled_from([descents, stochastic_descents]))
    training = Training(epochs=draw(st.integers(0, 7)), dtype="float64")
    runs = st.builds(
        member,
        st.sampled_from(DATA[target]),
        st.sampled_from(LOSSES[target]),
        model=st.just(model),
        optimizer=optimizers,
        schedule=schedules,
        early_stopping=rules,
        seed=st.integers(0, 2),
        training=st.just(training),
    )
    members = draw(st.lists(runs, min_size=2, max_size=7))
    if draw(st.booleans()):
        members.insert(draw(st.integers(0, len(members))), diverging(members[0]))
    return members


def diverging(like):
    """Return a run of the same stack that overflows within an epoch or two."""
    optimizer = dataclasses.replace(like.experiment.optimizer, lr=1e200)
    return dataclasses.replace(like, experiment=dataclasses.replace(like.experiment, optimizer=optimizer))


@settings(max_examples=60, deadline=None)
@given(members=sweeps())
def test_every_run_of_a_stack_comes_out_as_if_alone(members):
    for one, ours in zip(members, trained(*members), strict=True):
        (alone,) = trained(one)
        assert ours.epochs == alone.epochs
        assert (ours.ending, ours.finished.epoch) == (alone.ending, alone.finished.epoch)
        for param, expected in zip(ours.params, alone.params, strict=True):
            np.testing.assert_allclose(param, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())
        assert ours.curves.keys() == alone.curves.keys()
        for name in alone.curves.keys() - {"gap"}:
            np.testing.assert_allclose(ours.curves[name], alone.curves[name], rtol=1e-10, atol=1e-14, err_msg=name)
        assert ours.finished.metrics == pytest.approx(alone.finished.metrics, rel=1e-10, abs=1e-14, nan_ok=True)


def test_a_diverging_neighbour_leaves_and_changes_nothing():
    data = DATA[THREE_CLASSES][0]
    healthy = [
        member(data, loss, optimizer=SGD(momentum=0.9), training=Training(epochs=6, dtype="float64"))
        for loss in (MSE(link="identity"), CCE(), BCE())
    ]
    together = trained(healthy[0], diverging(healthy[0]), healthy[1], diverging(healthy[2]), healthy[2])
    assert [run.ending for run in together] == ["completed", "diverged", "completed", "diverged", "completed"]
    for one, ours in zip(healthy, together[::2], strict=True):
        (alone,) = trained(one)
        np.testing.assert_allclose(ours.params[0], alone.params[0], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(ours.curves["val/loss"], alone.curves["val/loss"], rtol=1e-10)
        assert np.isfinite(ours.params[0]).all()


def test_a_stack_in_single_precision_is_close_to_each_run_alone():
    members = [
        member(DATA[BINARY][0], loss, optimizer=SGD(lr=lr, momentum=0.9), training=Training(epochs=20))
        for loss in (BCE(), MSE())
        for lr in (0.01, 0.1)
    ]
    for one, ours in zip(members, trained(*members), strict=True):
        (alone,) = trained(one)
        assert ours.params[0].dtype == np.float32
        np.testing.assert_allclose(ours.params[0], alone.params[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(ours.curves["train/loss"], alone.curves["train/loss"], rtol=1e-4)


# --- the order of the run axis ----------------------------------------------------------------------------------


def test_arrange_makes_optimizers_slices_and_losses_slices_within_them():
    first, second = DATA[THREE_CLASSES]
    members = [
        member(data, loss, optimizer=SGD(lr=lr, nesterov=nesterov))
        for lr in (0.1, 0.2)
        for data in (first, second)
        for loss in (CCE(), MSE())
        for nesterov in (False, True)
    ]
    order = arrange(members)
    assert sorted(order) == list(range(16))
    stack = Stack([members[place] for place in order])
    assert [part.runs for part in stack.optimizers] == [slice(0, 8), slice(8, 16)]
    assert [part.runs for part in stack.losses] == [slice(0, 4), slice(4, 8), slice(8, 12), slice(12, 16)]
    assert stack.stream_of_run == 4 * [0, 0, 1, 1]
    assert len(stack.sharing.tiles) == 1


def test_arrange_keeps_the_order_of_runs_that_are_alike():
    members = [member(DATA[BINARY][0], BCE(), optimizer=SGD(lr=lr)) for lr in (0.3, 0.1, 0.2)]
    assert arrange(members) == [0, 1, 2]


# --- merging ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class Knobs(Component):
    a: Real = 0.0
    b: Fraction = 0.5
    kind: str = "x"


def test_only_numbers_may_differ():
    assert alike(Knobs(a=1, b=0.1)) == alike(Knobs(a=2, b=0.2))
    assert alike(Knobs(kind="x")) != alike(Knobs(kind="y"))
    assert alike(SGD(lr=1, momentum=0.5)) == alike(SGD(lr=2, weight_decay=1))
    assert alike(SGD(batch_size=1)) != alike(SGD(batch_size=2))
    assert alike(GD(lr=0.1)) != alike(SGD(lr=0.1))


def test_equal_fields_stay_and_differing_ones_become_a_column():
    merged = merge([Knobs(a=1, b=0.25), Knobs(a=2, b=0.25)], np.dtype(np.float32))
    np.testing.assert_array_equal(merged.a, [[1], [2]])
    assert merged.a.dtype == np.float32
    assert (merged.b, merged.kind) == (0.25, "x")
    assert merge([Knobs(a=1)], DOUBLE) == Knobs(a=1)


def test_parts_are_stretches_of_neighbours_that_are_alike():
    components = [Knobs(a=1), Knobs(a=2), Knobs(kind="y"), Knobs(a=3)]
    first, second, third = parts(components, DOUBLE)
    assert first.runs == slice(0, 2)
    np.testing.assert_array_equal(first.component.a, [[1], [2]])
    assert (second, third) == (Part(components[2], slice(2, 3)), Part(components[3], slice(3, 4)))


def test_column():
    assert column([3], DOUBLE) == 3.0
    np.testing.assert_array_equal(column([3, 4], DOUBLE), [[3.0], [4.0]])


# --- the data of a stack ------------------------------------------------------------------------------------------


def test_the_splits_have_ones_for_the_biases_and_encoded_targets():
    first, second = DATA[THREE_CLASSES]
    stack = Stack([member(data, CCE()) for data in (first, second, first)])
    assert stack.stream_of_run == [0, 1, 0]
    for split, name in ((stack.train, "train"), (stack.val, "val"), (stack.test, "test")):
        for stream, data in enumerate((first, second)):
            given_split = getattr(data, name)
            np.testing.assert_array_equal(split.whole.X[stream, :, :-1], given_split.X.astype(np.float32))
            np.testing.assert_array_equal(split.whole.encoded[:, stream].argmax(axis=0), given_split.y)
            np.testing.assert_array_equal(split.whole.encoded[:, stream].sum(axis=0), 1)
        assert np.all(split.whole.X[:, :, -1] == 1)
        assert split.n_samples == len(first.train if name == "train" else first.val)


def test_runs_of_one_seed_and_data_share_a_stream_whatever_their_loss():
    data, other = DATA[THREE_CLASSES]
    stack = Stack([member(data, CCE()), member(data, MSE()), member(data, CCE(), seed=1), member(other, CCE())])
    assert stack.stream_of_run == [0, 0, 1, 2]


def test_select_keeps_the_runs_asked_for_in_their_order():
    members = [member(DATA[BINARY][seed % 2], BCE(), seed=seed, optimizer=SGD(lr=0.1 * seed)) for seed in range(4)]
    stack = Stack(members)
    some = stack.select([1, 3])
    assert some.members == (members[1], members[3])
    np.testing.assert_array_equal(some.optimizers[0].component.lr, np.float32([[0.1], [0.3]]))
    np.testing.assert_array_equal(some.train.whole.X, stack.train.whole.X[[1, 3]])


def test_select_lays_the_data_out_again_only_where_a_stream_has_gone():
    data, other = DATA[BINARY]
    stack = Stack([member(d, BCE(), optimizer=SGD(lr=lr)) for d in (data, other) for lr in (0.1, 0.2)])
    laid_out = stack.train.whole.X
    assert stack.select([1, 2]).train.whole.X is laid_out
    np.testing.assert_array_equal(stack.select([2, 3]).train.whole.X, laid_out[[1]])


def test_two_runs_alike_but_for_their_data_can_be_told_apart():
    first, second = (member(data, BCE()) for data in DATA[BINARY])
    stack = Stack([first, second])
    np.testing.assert_array_equal(stack.select([1]).train.whole.X, stack.train.whole.X[[1]])
