"""What a comparison looks like in a terminal."""

import pytest

from lossexp import comparison_table
from lossexp.comparing import Compared
from tests.contests import CLEAR, contest
from tests.test_terminal import CONTROL, numbers, show  # noqa: F401  (a fixture)

OWN = {"a": [], "b": ["Other."], "c": ["Other."]}
"""Notes by dataset, besides one that all have."""


def shown(show, found, **screen):  # noqa: F811
    """Return what is printed of a comparison."""

    def both():
        screen = comparison_table.terminal.console()
        comparison_table.show(screen, found)
        comparison_table.show_notes(screen, Compared.of({found.dataset: found}))

    return show(both, **screen)


def test_every_loss_has_its_mean_and_what_it_is_beside_the_first(show):  # noqa: F811
    lines = shown(show, contest(CLEAR), width=160).splitlines()
    assert lines[1] == "moons: losses compared on the test split, 8 seeds"
    assert lines[3] == "accuracy"
    head, mse, cce, brier = (line.split() for line in lines[4:8])
    assert head[:2] == ["loss", "lr"]
    # Means of the eight scores by hand: 6.41 / 8 and 7.23 / 8; standard deviations by a pocket calculator.
    assert mse[:6] == ["mse", "0.1", "edge", "0.801", "±", "0.012"]
    assert cce[:6] == ["cce", "0.1", "edge", "0.904", "±", "0.016"]
    assert "better" in cce
    assert "equivalent" in brier
    assert cce[cce.index("better") + 2] == "1.00"
    better = next(line for line in lines if line.startswith("cce is better than mse: accuracy higher by 0.10"))
    assert "after Holm" in better


def test_a_loss_that_is_worse_says_so(show):  # noqa: F811
    lines = shown(show, contest(dict(sorted(CLEAR.items())))).splitlines()
    rows = {line.split()[0]: line for line in lines[5:8]}
    assert "better" in rows["cce"]
    worse_first = shown(show, contest({"cce": CLEAR["cce"], "mse": CLEAR["mse"]})).splitlines()
    assert "worse" in worse_first[6]
    assert "-0.1025" in worse_first[6]
    log_loss = worse_first[11]  # less of it is better, and the lead is negative as well
    assert log_loss.startswith("mse")
    assert "worse" in log_loss
    assert "-0.1025" in log_loss


def test_the_matrix_marks_what_a_loss_asks_for_itself(show):  # noqa: F811
    output = shown(show, contest(CLEAR), width=120)
    head = next(line for line in output.splitlines() if line.startswith("trained with"))
    assert head.split()[2:] == ["accuracy", "calibrated", "log", "loss", "log", "loss"], "what nobody has is not shown"
    start = output.index("trained with")
    assert numbers(output[start:], "cce")[-1] == "1.096*"
    assert numbers(output[start:], "mse")[-1] == "1.199"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_the_width(show, width, encoding):  # noqa: F811
    long = {"crammer_singer": CLEAR["mse"], "epsilon_insensitive": CLEAR["cce"]}
    output = shown(
        show, contest(long, notes=["A note that is longer than a line. " * 3]), width=width, encoding=encoding
    )
    assert all(len(line) <= width for line in output.splitlines())
    assert "…" not in output
    assert not CONTROL.search(output)
    assert output.isascii() or encoding == "utf-8"
    assert "Note: A note" in output


def test_names_cannot_change_the_terminal(show):  # noqa: F811
    hostile = {"mse": CLEAR["mse"], "c\x1b[2Jce": CLEAR["cce"]}
    assert not CONTROL.search(shown(show, contest(hostile, dataset="mo\x1bons", notes=["\x07"])))


def test_runs_that_did_not_end_well_are_counted(show):  # noqa: F811
    lost = {**CLEAR, "cce": [float("nan"), *CLEAR["cce"][1:]]}
    assert "Left out: 1 seed without a finite result (1 of cce)." in " ".join(shown(show, contest(lost)).split())
    one_left = {**CLEAR, "cce": [0.9, *[float("nan")] * 7]}
    assert "says nothing about chance" in " ".join(shown(show, contest(one_left)).split())
    none_left = {**CLEAR, "cce": [float("nan")] * 8}
    assert "there is no seed for which both ended well" in " ".join(shown(show, contest(none_left)).split())


def test_notes_are_there_once_and_say_where_they_do_not_hold_for_all(show):  # noqa: F811
    compared = Compared.of(
        {name: contest(CLEAR, dataset=name, notes=["Alike.", *notes]) for name, notes in OWN.items()}
    )
    output = show(lambda: comparison_table.show_notes(comparison_table.terminal.console(), compared))
    assert output.splitlines() == ["Note: Alike.", "Note on b, c: Other."]


def test_without_any_spread_there_are_four_digits(show):  # noqa: F811
    output = shown(show, contest({"mse": [29 / 30] * 8, "cce": [28 / 30] * 8}))
    assert "0.9667 ± 0.0000" in output
    assert "All seeds give the same value." in output


def test_ranks_over_datasets(show):  # noqa: F811
    compared = Compared.of({name: contest(CLEAR, dataset=name) for name in "abcde"})
    output = show(lambda: comparison_table.show_ranks(comparison_table.terminal.console(), compared))
    assert "Mean rank by accuracy over 5 datasets" in output
    assert numbers(output, "cce") == ["1.00"]
    assert "Over 5 datasets the losses differ, p < .001." in output
    assert show(lambda: comparison_table.show_ranks(comparison_table.terminal.console(), Compared.of({}))) == ""
