"""Elementary functions against exact arithmetic, far from zero and in both precisions."""

import mpmath
import numpy as np
import pytest

from lossexp import numerics

TAILS = [1e-300, 1e-9, 0.5, 1.0, 17.0, 36.9, 37.5, 88.0, 104.0, 232.8, 709.0, 745.2, 1e4, 1e20]
Z = np.array([0.0, *TAILS, *(-z for z in TAILS)])
SMALLEST_NORMAL = {np.float32: 1.2e-38, np.float64: 2.3e-308}


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-15), (np.float32, 5e-7)])
def test_sigmoid_in_both_tails(dtype, rtol):
    z = Z.astype(dtype)
    with mpmath.workdps(100):
        expected = [float(1 / (1 + mpmath.exp(-mpmath.mpf(float(x))))) for x in z]
    result = numerics.sigmoid(z)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=rtol, atol=SMALLEST_NORMAL[dtype])


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-15), (np.float32, 5e-7)])
def test_both_sigmoids_in_both_tails(dtype, rtol):
    z = Z.astype(dtype)
    with mpmath.workdps(100):
        expected = [float(1 / (1 + mpmath.exp(-mpmath.mpf(float(x))))) for x in z]
        others = [float(1 / (1 + mpmath.exp(mpmath.mpf(float(x))))) for x in z]
    p, q = numerics.sigmoids(z)
    assert p.dtype == q.dtype == dtype
    np.testing.assert_allclose(p, expected, rtol=rtol, atol=SMALLEST_NORMAL[dtype])
    np.testing.assert_allclose(q, others, rtol=rtol, atol=SMALLEST_NORMAL[dtype])


def test_sigmoid_may_write_over_its_argument():
    z = Z.copy()
    expected = numerics.sigmoid(z)
    np.testing.assert_array_equal(z, Z)
    assert numerics.sigmoid(z, out=z) is z
    np.testing.assert_array_equal(z, expected)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 5e-16), (np.float32, 3e-7)])
def test_softplus_in_both_tails(dtype, rtol):
    z = Z.astype(dtype)
    with mpmath.workdps(100):
        expected = [float(mpmath.log1p(mpmath.exp(mpmath.mpf(float(x))))) for x in z]
    result = numerics.softplus(z)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=rtol, atol=SMALLEST_NORMAL[dtype])


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 5e-16), (np.float32, 3e-7)])
def test_log1p_by_relative_accuracy_alone(dtype, rtol):
    """Around the spacing of numbers at 1 as well, where 1 + x is x, half of x or twice x."""
    eps = float(np.finfo(dtype).eps)
    x = np.array(
        [0, 1e-38, 1e-20, eps / 3, eps / 2, 0.6 * eps, eps, 1.4 * eps, 1e-5, 0.3, 1, 7, 1e10, 1e30], dtype=dtype
    )
    with mpmath.workdps(100):
        expected = [float(mpmath.log1p(mpmath.mpf(float(number)))) for number in x]
    result = numerics.log1p(x)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=rtol, atol=0)


def exact_softmax(scores):
    with mpmath.workdps(100):
        powers = [mpmath.exp(mpmath.mpf(float(score))) for score in scores]
        return [float(power / mpmath.fsum(powers)) for power in powers]


# Below, at and beyond the size at which scores are shifted.
COLUMNS = np.array(
    [
        [0.0, 0, 0],
        [1, -2, 3],
        [59.9, -59.9, 0],
        [60, 0, 1],
        [61, 0, -61],
        [-61, -61, -62],
        [1e4, 9990, 0],
        [-1e20, 1e20, 0],
    ]
)


@pytest.mark.parametrize("scores", COLUMNS, ids=str)
def test_softmax_of_one_column(scores):
    result = numerics.softmax(scores[:, None].copy(), np.empty((3, 1)))
    np.testing.assert_allclose(result[:, 0], exact_softmax(scores), rtol=1e-13, atol=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_of_columns_of_all_sizes_together(dtype):
    raw = COLUMNS.T.astype(dtype)
    result = numerics.softmax(raw, np.empty_like(raw))
    expected = np.array([exact_softmax(scores) for scores in raw.T]).T
    rtol, smallest = (1e-13, 0) if dtype is np.float64 else (1e-5, SMALLEST_NORMAL[dtype])
    np.testing.assert_allclose(result, expected, rtol=rtol, atol=smallest)
    np.testing.assert_allclose(result.sum(axis=0), 1, rtol=0, atol=3 * np.finfo(dtype).eps)
    assert numerics.softmax(raw, raw) is raw
    np.testing.assert_array_equal(raw, result)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("level", [*range(-120, 121, 5), -710, 710])
def test_softmax_of_a_thousand_scores_at_any_level(level, dtype, rtol):
    """Their sum must not overflow, nor all of them underflow, on either side of the size at which they are shifted."""
    raw = np.tile(np.array([[level], [level - 1.0]], dtype=dtype), (500, 1))
    expected = np.tile([[1.0], [np.exp(-1)]], (500, 1)) / (500 * (1 + np.exp(-1)))
    np.testing.assert_allclose(numerics.softmax(raw, np.empty_like(raw)), expected, rtol=rtol)


@pytest.mark.parametrize("n_classes", [2, 10, 1000])
def test_softmax_sums_to_one(n_classes):
    raw = np.random.default_rng(0).normal(0, 30, (n_classes, 200))
    total = numerics.softmax(raw, np.empty_like(raw)).sum(axis=0)
    np.testing.assert_allclose(total, 1, rtol=0, atol=1e-15 * n_classes)


@pytest.mark.parametrize("size", [59.0, 61.0, 1e4])
def test_exponentials_have_their_sum(size):
    raw = np.array([[size, 0.0], [-size, 1.0]])
    out = np.empty_like(raw)
    total, _ = numerics.exponentials(raw, out)
    np.testing.assert_array_equal(total, out.sum(axis=0))
    assert np.all(total >= 1) or size < numerics.SAFE_EXPONENT
    np.testing.assert_allclose(out[1, 1] / out[0, 1], np.e, rtol=1e-15)


def test_log_sum_exp_keeps_a_sum_that_one_term_dominates():
    """log(1 + 1e-20) is 1e-20; ties add up to log 2 and log 3."""
    small = np.log(1e-20)
    raw = np.array([[0.0, small, small], [5, 5, -1e4], [1e20, 1e20, 1e20], [-7, -7, -7 + 1e-9]]).T
    log_sum, largest = numerics.log_sum_exp(raw)
    np.testing.assert_array_equal(largest, [0, 5, 1e20, -7 + 1e-9])
    np.testing.assert_allclose(log_sum[:3], [2e-20, np.log(2), np.log(3)], rtol=1e-14, atol=0)
    assert log_sum[3] == pytest.approx(np.log(3), rel=1e-9)
    assert numerics.log_sum_exp(raw.astype(np.float32))[0].dtype == np.float32
