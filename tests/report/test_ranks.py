"""The critical-difference diagram of a report: the numbers are those of the ranking, on one axis."""

import pytest

from lossexp import ranking
from lossexp.comparing import Compared
from lossexp.report import write_report
from lossexp.report.ranks import shown_ranks
from tests.contests import CLEAR, contest
from tests.report.sweeps import Page, trained


@pytest.fixture(scope="module")
def compared():
    return Compared.of({name: contest(CLEAR, dataset=name) for name in ("breast_cancer", *"bcde")})


def test_losses_lie_at_their_ranks_between_the_names(compared):
    shown, found = shown_ranks(compared), compared.over_datasets
    (low, high), k = shown.ends, len(found.labels)
    places = [low + (high - low) * (rank - 1) / (k - 1) for rank in found.mean_ranks]
    assert [loss.rank for loss in shown.losses] == pytest.approx(places, abs=0.06)
    assert [loss.text.split()[0] for loss in shown.losses] == list(found.labels)
    assert [loss.is_left for loss in shown.losses] == [True, True, False]
    assert shown.critical - low == pytest.approx((high - low) * found.critical_difference / (k - 1), abs=0.06)


def test_a_bar_joins_the_losses_of_each_group(compared):
    shown, found = shown_ranks(compared), compared.over_datasets
    at = dict(zip(found.labels, (loss.rank for loss in shown.losses), strict=True))
    assert [(start, end) for start, end, _ in shown.bars] == [(at[group[0]], at[group[-1]]) for group in found.groups]
    assert shown.bars
    assert all(shown.axis < height < shown.losses[0].height for *_, height in shown.bars)


def test_few_datasets_have_no_diagram():
    assert shown_ranks(Compared.of({name: contest(CLEAR, dataset=name) for name in "abcd"})) is None


def test_the_report_has_the_diagram_in_words_too(tmp_path, compared):
    runs = trained(tmp_path, "loss=mse,bce")
    write_report(tmp_path / "report.html", runs, ranking.rank(runs), compared)
    page = Page()
    page.feed((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "ranks" in page.names()
    assert "Over 5 datasets the losses differ, p < .001." in page.sections["ranks"]
    (picture,) = (attributes for attributes in page.classes("ranks"))
    for label, rank in zip(compared.over_datasets.labels, compared.over_datasets.mean_ranks, strict=True):
        assert f"{label}  {rank:.2f}" in picture["aria-label"]
    assert len(page.classes("lead")) == 3
