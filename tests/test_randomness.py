"""Random streams: one for each run and purpose, and the same one every time."""

import itertools

import numpy as np
import pytest

from lossexp.randomness import stream

PURPOSES = ("sample", "split", "noise", "init", "order")


def test_a_stream_can_be_asked_for_again():
    for seed, purpose in itertools.product((0, 1), PURPOSES):
        np.testing.assert_array_equal(stream(seed, purpose).random(5), stream(seed, purpose).random(5))


def test_every_seed_and_purpose_has_a_stream_of_its_own():
    firsts = {stream(seed, purpose).random() for seed, purpose in itertools.product((0, 1, 2**32), PURPOSES)}
    assert len(firsts) == 15


@pytest.mark.parametrize(("purpose", "key"), [("sample", 0), ("split", 1), ("noise", 2), ("init", 3), ("order", 4)])
def test_streams_do_not_change_between_versions(purpose, key):
    """A seed that was published must go on giving the same numbers: children of NumPy's SeedSequence, by position."""
    child = np.random.SeedSequence(7).spawn(5)[key]
    assert stream(7, purpose).random() == np.random.default_rng(child).random()
