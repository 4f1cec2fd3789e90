import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lossexp.datasets.splitting import MOST_BLOCKS, allot, blocks, draw, draw_together, imbalanced, n_rows

CLASS_COUNTS = st.lists(st.integers(0, 60), min_size=1, max_size=8).filter(any)


@given(percent=st.integers(0, 100), n=st.integers(0, 10_000))
def test_n_rows_is_the_exact_share_rounded_up(percent, n):
    assert n_rows(percent / 100, n) == math.ceil(Fraction(percent, 100) * n)


def test_n_rows_is_not_fooled_by_floating_point():
    assert 0.07 * 100 > 7
    assert n_rows(0.07, 100) == 7


@given(counts=CLASS_COUNTS, data=st.data())
def test_allot_gives_each_class_its_share_rounded_and_the_whole_exactly(counts, data):
    size = data.draw(st.integers(0, sum(counts)))
    shares = allot(size, np.array(counts))
    assert shares.sum() == size
    for share, count in zip(shares.tolist(), counts, strict=True):
        exact = Fraction(size * count, sum(counts))
        assert math.floor(exact) <= share <= math.ceil(exact)


def test_allot_favours_the_largest_remainders():
    # Exact shares 1.4, 2.8, 2.8: the two largest remainders are rounded up.
    np.testing.assert_array_equal(allot(7, np.array([10, 20, 20])), [1, 3, 3])


@given(counts=CLASS_COUNTS, seed=st.integers(0, 100), data=st.data())
def test_draw_parts_the_rows_without_loss_and_in_order(counts, seed, data):
    labels = np.repeat(np.arange(len(counts)), counts)
    order = np.random.default_rng(seed).permutation(len(labels))
    size = data.draw(st.integers(0, len(labels)))
    taken, rest = draw(order, labels, size)
    assert len(taken) == size
    assert sorted([*taken, *rest]) == list(range(len(labels)))
    position = np.argsort(order)
    assert (np.diff(position[taken]) > 0).all()
    assert (np.diff(position[rest]) > 0).all()
    np.testing.assert_array_equal(
        np.bincount(labels[taken], minlength=len(counts)), allot(size, np.array(counts)), strict=True
    )


@given(counts=st.lists(st.integers(1, 300), min_size=2, max_size=6), ratio=st.floats(1, 50))
def test_imbalanced_is_a_geometric_progression_as_long_as_possible(counts, ratio):
    labels = np.repeat(np.arange(len(counts)), counts)
    kept = np.bincount(labels[imbalanced(np.arange(len(labels)), labels, ratio)], minlength=len(counts))
    ideal = ratio ** -(np.arange(len(counts)) / (len(counts) - 1))
    largest = min(count / share for count, share in zip(counts, ideal, strict=True))
    assert np.abs(kept - largest * ideal).max() <= 0.5 + 1e-9
    assert (kept <= counts).all()
    assert (kept == counts).any()


@pytest.mark.parametrize("ratio", [2.0, 10.0])
def test_imbalanced_reaches_the_ratio(ratio):
    labels = np.repeat([0, 1, 2], 100)
    first, _, last = np.bincount(labels[imbalanced(np.arange(300), labels, ratio)])
    assert first / last == ratio


@given(n=st.integers(1, 200), val=st.integers(1, 99), test=st.integers(0, 98))
def test_sizes_of_three_parts_add_up(n, val, test):
    assume(val + test < 100)
    n_val, n_test = n_rows(val / 100, n), n_rows(test / 100, n)
    assert n_val >= 1
    assert (n_test >= 1) == (test > 0)
    assert n_val + n_test <= n + 1


@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=12), data=st.data())
def test_whole_groups_are_cut_in_their_sequence_as_close_to_the_size_as_can_be(sizes, data):
    group = np.repeat(np.arange(len(sizes)), sizes)
    order = np.array(data.draw(st.permutations(range(len(group)))))
    sequence = np.array(data.draw(st.permutations(range(len(sizes)))))
    size = data.draw(st.integers(1, len(group)))
    taken, rest = draw_together(order, group, sequence, size)
    assert sorted([*taken, *rest]) == list(range(len(group)))
    n_taken = len(set(group[taken]))
    assert set(group[taken]) == set(sequence[:n_taken])
    assert set(group[rest]) == set(sequence[n_taken:]) != set()
    possible = np.cumsum(np.array(sizes)[sequence])[:-1]
    assert abs(len(taken) - size) == np.abs(possible - size).min()


def test_no_rows_or_a_single_group_are_not_cut():
    order, group = np.arange(6), np.array([0, 0, 0, 1, 1, 1])
    for arguments in ((group, np.array([0, 1]), 0), (np.zeros(6, dtype=int), np.array([0]), 3)):
        taken, rest = draw_together(order, *arguments)
        assert len(taken) == 0
        np.testing.assert_array_equal(rest, order)


@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=200), data=st.data())
def test_blocks_are_stretches_of_whole_times_of_about_one_size(counts, data):
    time = np.array(data.draw(st.permutations(np.repeat(np.arange(len(counts)) * 3, counts).tolist())))
    block = blocks(time)
    in_order = block[np.argsort(time, kind="stable")]
    assert (np.diff(in_order) >= 0).all(), "stretches of time"
    assert all(len(set(block[time == one])) == 1 for one in set(time.tolist())), "of whole times"
    sizes = np.unique(block, return_counts=True)[1]
    assert len(sizes) <= MOST_BLOCKS
    assert sizes.max() <= len(time) / MOST_BLOCKS + max(counts)


def test_few_rows_are_a_block_each_and_none_are_none():
    assert len(set(blocks(np.arange(MOST_BLOCKS)[::-1]))) == MOST_BLOCKS
    assert blocks(np.empty(0)).shape == (0,)
    assert np.bincount(blocks(np.arange(500))).tolist() == [10] * MOST_BLOCKS
