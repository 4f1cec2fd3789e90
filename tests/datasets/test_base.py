"""What the settings do that all datasets share."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossexp.datasets.base import _seal
from lossexp.datasets.corruption import replace_labels
from lossexp.randomness import stream
from lossexp.targets import Target, Task

from .toys import Classes, Values, counts, parts, rows

# --- the split ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", [Classes(), Classes(stratify=False), Values()])
def test_splits_are_disjoint_and_complete_and_keep_rows_together(dataset):
    data = dataset.load(0)
    assert sorted(np.concatenate([rows(split) for split in parts(data)])) == list(range(200))
    truth = dataset.table(np.random.default_rng(0)).y
    for split in parts(data):
        np.testing.assert_array_equal(split.y, truth[rows(split)])


def test_each_split_has_the_classes_in_proportion():
    train, val, test = parts(Classes(val_fraction=0.2, test_fraction=0.1).load(0))
    assert (counts(train), counts(val), counts(test)) == ([70, 42, 28], [20, 12, 8], [10, 6, 4])


def test_without_stratify_the_proportions_are_left_to_chance():
    observed = {tuple(counts(Classes(stratify=False).load(seed).val)) for seed in range(10)}
    assert len(observed) > 5


@settings(max_examples=50)
@given(
    class_counts=st.lists(st.integers(20, 40), min_size=2, max_size=5),
    val=st.integers(1, 50),
    test=st.integers(0, 30),
    seed=st.integers(0, 2**32),
)
def test_sizes_and_strata_for_any_table(class_counts, val, test, seed):
    n = sum(class_counts)
    data = Classes(counts=tuple(class_counts), val_fraction=val / 100, test_fraction=test / 100).load(seed)
    assert len(data.val) == -(-val * n // 100)
    assert len(data.test) == -(-test * n // 100)
    assert len(data.train) == n - len(data.val) - len(data.test)
    for label, count in enumerate(class_counts):
        assert abs((data.test.y == label).sum() - len(data.test) * count / n) < 1
        assert abs((data.val.y == label).sum() - len(data.val) * count / n) < 2


def test_rows_of_a_split_are_not_sorted_by_class():
    assert (np.diff(Classes().load(0).train.y) < 0).any()


def test_an_empty_test_split_has_columns():
    data = Classes(test_fraction=0).load(0)
    assert data.test.X.shape == (0, 3)
    assert len(data.train) == 160


# --- seeds --------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_data_and_another_another_split():
    first, again, other = Classes().load(3), Classes().load(3), Classes().load(4)
    for one, two in zip(parts(first), parts(again), strict=True):
        np.testing.assert_array_equal(one.X, two.X)
        np.testing.assert_array_equal(one.y, two.y)
    assert first.fingerprint == again.fingerprint
    assert set(rows(first.val)) != set(rows(other.val))


def test_split_seed_fixes_split_subsample_and_imbalance():
    dataset = Classes(split_seed=11, train_size=50, imbalance=4.0)
    for one, two in zip(parts(dataset.load(0)), parts(dataset.load(1)), strict=True):
        np.testing.assert_array_equal(rows(one), rows(two))
    assert set(rows(replace(dataset, split_seed=12).load(0).val)) != set(rows(dataset.load(0).val))


def test_noise_seed_fixes_the_noise_of_a_fixed_split():
    dataset = Classes(split_seed=1, noise_seed=5, label_noise=0.3)
    np.testing.assert_array_equal(dataset.load(0).train.y, dataset.load(1).train.y)
    following = replace(dataset, noise_seed=None)
    assert (following.load(0).train.y != following.load(1).train.y).any()


def test_noise_has_a_stream_of_its_own():
    clean, noisy = Classes().load(6).train.y, Classes(label_noise=0.3).load(6).train.y
    np.testing.assert_array_equal(noisy, replace_labels(clean, 0.3, 3, stream(6, "noise")))


def test_test_rows_do_not_depend_on_the_other_settings():
    expected = rows(Classes().load(0).test)
    for other in (Classes(val_fraction=0.4), Classes(train_size=30), Classes(label_noise=0.5)):
        np.testing.assert_array_equal(rows(other.load(0).test), expected)


# --- what happens to the training split ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expected"),
    [(12, [6, 4, 2]), (0.25, [15, 9, 6]), (1.0, [60, 36, 24]), (120, [60, 36, 24]), (None, [60, 36, 24])],
)
def test_train_size_keeps_a_stratified_part_and_leaves_the_rest_alone(size, expected):
    whole, part = Classes().load(0), Classes(train_size=size).load(0)
    assert counts(part.train) == expected
    assert set(rows(part.train)) <= set(rows(whole.train))
    np.testing.assert_array_equal(rows(part.val), rows(whole.val))
    np.testing.assert_array_equal(rows(part.test), rows(whole.test))


def test_train_size_of_a_continuous_target():
    assert len(Values(train_size=7).load(0).train) == 7


def test_label_noise_replaces_this_many_training_labels_and_no_others():
    dataset = Classes(label_noise=0.25)
    train, val, test = parts(dataset.load(0))
    assert (train.y != dataset.labels[rows(train)]).sum() == 30
    for split in (val, test):
        np.testing.assert_array_equal(split.y, dataset.labels[rows(split)])


def test_label_noise_on_a_continuous_target_is_in_units_of_its_deviation():
    train, val, test = parts(Values(n=20_000, label_noise=0.5).load(0))
    noise = train.y - train.X[:, 0]
    assert noise.std() == pytest.approx(0.5 * train.X[:, 0].std(), rel=0.05)
    for split in (val, test):
        np.testing.assert_array_equal(split.y, split.X[:, 0])


def test_outliers_move_this_many_training_targets_by_ten_deviations():
    train, val, test = parts(Values(outliers=0.1).load(0))
    moved = train.y - train.X[:, 0]
    assert (moved != 0).sum() == 12
    np.testing.assert_allclose(np.abs(moved[moved != 0]), 10 * train.X[:, 0].std(), rtol=1e-12)
    for split in (val, test):
        np.testing.assert_array_equal(split.y, split.X[:, 0])


def test_outliers_are_measured_by_the_clean_targets():
    # Noise of a tenth of a deviation cannot carry an outlier at ten deviations out of 9 to 11.
    moved = Values(outliers=0.1, label_noise=0.1).load(0).train
    distance = np.abs(moved.y - moved.X[:, 0])
    clean = moved.X[:, 0].std()
    assert (distance > 9 * clean).sum() == 12
    assert distance.max() < 11 * clean


def test_standardize_uses_training_statistics_alone():
    raw, scaled = Classes().load(0), Classes(standardize=True).load(0)
    centre, scale = raw.train.X.mean(axis=0), raw.train.X.std(axis=0)
    scale[1] = 1
    for before, after in zip(parts(raw), parts(scaled), strict=True):
        np.testing.assert_allclose(after.X, (before.X - centre) / scale, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(scaled.val.X[:, 1], 0)


def test_standardize_looks_at_the_kept_rows_only():
    train = Classes(standardize=True, train_size=20).load(0).train
    np.testing.assert_allclose(train.X[:, [0, 2]].std(axis=0), 1, rtol=1e-12)


def test_standardize_target_uses_the_targets_trained_on():
    raw, scaled = (Values(outliers=0.1, standardize_target=flag).load(0) for flag in (False, True))
    np.testing.assert_allclose(
        scaled.val.y, (raw.val.y - raw.train.y.mean()) / raw.train.y.std(), rtol=1e-12, atol=1e-14
    )
    assert scaled.train.y.std() == pytest.approx(1)


def test_imbalance_holds_before_the_split():
    data = Classes(counts=(300, 300, 300), imbalance=9.0, val_fraction=0.25, test_fraction=0.25).load(0)
    assert sum((Counter(split.y.tolist()) for split in parts(data)), Counter()) == {0: 300, 1: 100, 2: 33}
    assert counts(data.val) == [75, 25, 9]


# --- what comes out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", [Classes(), Classes(standardize=True), Values(), Values(standardize_target=True)])
def test_arrays_are_contiguous_typed_and_read_only(dataset):
    for split in parts(dataset.load(0)):
        assert split.X.dtype == np.float64
        assert split.y.dtype == (np.int64 if isinstance(dataset, Classes) else np.float64)
        for array in (split.X, split.y):
            assert array.flags.c_contiguous
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_data_says_what_it_is():
    data = Classes().load(0)
    assert (data.name, data.target, data.n_features) == ("classes", Target(Task.MULTICLASS, 3), 3)
    assert (data.feature_names, data.class_names) == (("row", "one", "draw"), ("a", "b", "c"))


KNOBS = [
    {},
    {"val_fraction": 0.3},
    {"test_fraction": 0.3},
    {"standardize": True},
    {"train_size": 0.5},
    {"label_noise": 0.1},
    {"split_seed": 1},
    {"noise_seed": 1, "label_noise": 0.1},
]


def test_the_fingerprint_changes_with_every_setting_that_changes_the_data():
    classes = [*KNOBS, {"stratify": False}, {"imbalance": 2.0}]
    values = [*KNOBS, {"outliers": 0.1}, {"standardize_target": True}]
    prints = [Classes(**knobs).load(0).fingerprint for knobs in classes]
    prints += [Values(**knobs).load(0).fingerprint for knobs in values]
    assert len(set(prints)) == len(classes) + len(values)


def test_the_fingerprint_does_not_change_with_what_is_not_data():
    @dataclass(frozen=True, kw_only=True)
    class Renamed(Classes):
        name: ClassVar[str] = "renamed"

    expected = Classes().load(0).fingerprint
    assert len(expected) == 64
    assert Renamed().load(0).fingerprint == expected
    assert Classes(noise_seed=9).load(0).fingerprint == expected
    assert Classes(train_size=1.0).load(0).fingerprint == expected


def test_the_fingerprint_tells_shapes_and_types_apart():
    zeros = np.zeros((2, 3)), np.zeros((3, 2)), np.zeros((3, 2), dtype=np.int64)
    assert len({_seal(array) for array in zeros}) == 3
