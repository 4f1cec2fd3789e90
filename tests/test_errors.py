"""Where an error of a user's own code is said to have come up."""

import re
from pathlib import Path

import numpy as np
import pytest

from lossexp.errors import in_words, own_place
from lossexp.testing import Check


def fails(subject):
    """Fail."""
    raise ValueError("no")


def fails_inside_numpy(subject):
    """Fail where an installed library is called."""
    np.stack([])


class Fails:
    def deeply(self, subject):
        """Fail where another function of the same user is called."""
        fails(subject)


def raised(law):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        Check(law, None).run()
    return error.value


@pytest.mark.parametrize(
    ("law", "line", "called"),
    [
        (fails, 'raise ValueError("no")', "fails"),
        (fails_inside_numpy, "np.stack([])", "fails_inside_numpy"),
        (Fails().deeply, 'raise ValueError("no")', "Fails.deeply"),
    ],
)
def test_the_line_is_the_users_last_one_and_the_name_that_of_what_was_called(law, line, called):
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    number = next(number for number, text in enumerate(lines, 1) if text.strip() == line)
    assert own_place(raised(law)) == f" (line {number} of test_errors.py, in {called})"


def test_an_error_is_told_with_its_kind_and_place():
    assert re.fullmatch(r"ValueError: no \(line \d+ of test_errors.py, in fails\)", in_words(raised(fails)))
    assert in_words(KeyError()) == "KeyError"


def test_who_calls_this_package_is_not_its_component():
    """A script of a user's own stands above, and it made no mistake."""
    with pytest.raises(AttributeError) as error:
        Check(None, None).sentence  # noqa: B018
    assert own_place(error.value) == ""


def test_an_error_without_a_traceback_has_no_place():
    assert own_place(ValueError("no")) == ""
