"""What a comparison of losses looks like in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossexp import comparison_files, terminal, tuning
from lossexp.comparing import Compared, Contender, Contest
from lossexp.comparison import wording
from lossexp.comparison.paired import Arm, Comparison, Outcome
from lossexp.pictures import ALARM
from lossexp.run import Run
from lossexp.terminal import Columns, aligned, number, plain, print_fitting
from lossexp.tuning import Tuned

if TYPE_CHECKING:
    from rich.console import Console

    from lossexp.trackers import TrackingSummary

MATCH = "*"
"""Marks a metric that asks for what the loss estimates."""

_DECISIONS = {
    Outcome.A_BETTER: "better",
    Outcome.B_BETTER: "worse",
    Outcome.EQUIVALENT: "equivalent",
    Outcome.UNDECIDED: "undecided",
}
"""In one word, what a loss is beside the reference."""


def show(screen: Console, contest: Contest) -> None:
    """Show how the losses on one dataset compare."""
    seeds = contest.seeds
    screen.print()
    screen.print(plain(f"{contest.dataset}: losses compared on the test split, {len(seeds)} seeds"), style="bold")
    for comparison in contest.comparisons.values():
        screen.print()
        screen.print(wording.metric_name(comparison.metric), style="bold")
        print_fitting(screen, _by_one_metric(contest, comparison, "+-" if screen.options.ascii_only else "±"))
    screen.print()
    for sentence in comparison_files.sentences(contest):
        screen.print(plain(sentence))
    screen.print()
    print_fitting(screen, _matrix(contest))
    screen.print(f"Trained with the row, judged by the column; {MATCH} what the loss itself asks for", style="dim")
    if contest.test_to_train:
        screen.print("Each seed has a split of its own; intervals and p allow for their overlap", style="dim")


def show_notes(screen: Console, compared: Compared) -> None:
    """Show what a reader must know before believing the comparisons, each once, and where it does not hold for all."""
    where: dict[str, list[str]] = {}
    for dataset, contest in compared.contests.items():
        for note in contest.notes:
            where.setdefault(note, []).append(dataset)
    for note, datasets in where.items():
        on = "" if len(datasets) == len(compared.contests) else f" on {', '.join(datasets)}"
        screen.print(plain(f"Note{on}: {note}"))


def summary(
    tuned: Sequence[Tuned], final: Sequence[Run], tracking: TrackingSummary, compared: Compared, reports: Sequence[Path]
) -> None:
    """Show what a comparison with rounds of its own found."""
    screen = terminal.console()
    for dataset in dict.fromkeys(one.dataset for one in tuned):
        if contest := compared.contests.get(dataset):
            show(screen, contest)
        else:
            screen.print(plain(f"{dataset}: there are no two losses left to compare."), style=ALARM)
            for note in tuning.notes_on([one for one in tuned if one.dataset == dataset]):
                screen.print(plain(note))
    show_ranks(screen, compared)
    show_notes(screen, compared)
    terminal.print_problems(screen, final)
    terminal.print_places(screen, final or tuned[0].trials[0].runs, tracking, reports)


def show_ranks(screen: Console, compared: Compared) -> None:
    """Show how losses rank over many datasets, where there are enough of those."""
    ranking = compared.over_datasets
    if ranking is None:
        return
    screen.print()
    by = wording.metric_name(compared.metric)
    screen.print(plain(f"Mean rank by {by} over {ranking.n_datasets} datasets"), style="bold")
    ranks = [f"{rank:.2f}" for rank in ranking.mean_ranks]
    print_fitting(screen, ({"loss": list(map(plain, ranking.labels))}, {"rank": aligned("rank", ranks)}))
    screen.print(plain(comparison_files.ranks_in_words(ranking)))


def _by_one_metric(contest: Contest, comparison: Comparison, sign: str) -> tuple[Columns, Columns]:
    """Return the losses by one metric and against the first of them; what matters least is in the last columns."""
    first, *others = comparison.arms
    pairs = [comparison.between(arm.label, first.label) for arm in others]
    texts = {
        "loss": [plain(arm.label) for arm in comparison.arms],
        "lr": [_rate(one) for one in contest.contenders],
    }
    numbers = {
        f"mean {sign} sd": _means(comparison.arms, sign),
        f"lead over {first.label}": ["", *(wording.with_interval(pair.difference) for pair in pairs)],
        "decision": ["", *(_DECISIONS[pair.outcome] for pair in pairs)],
        "Holm p": ["", *(_p_value(pair.p_holm) for pair in pairs)],
        "P(better)": ["", *(f"{pair.probability.value:.2f}" for pair in pairs)],
        "95 % CI of mean": [wording.with_interval(arm.mean).partition(" ")[2] for arm in comparison.arms],
    }
    return texts, {plain(head): _flush_right(head, cells) for head, cells in numbers.items()}


def _means(arms: Sequence[Arm], sign: str) -> list[str]:
    """Return means and standard deviations, with two digits of the least deviation; with four where there is none."""
    numbers = [number for arm in arms for number in (arm.mean.value, arm.sd)]
    least = min((arm.sd for arm in arms if arm.sd > 0), default=max(map(abs, numbers)) / 100)
    texts = wording.to_digits(numbers, least)
    return [f"{mean} {sign} {sd}" for mean, sd in zip(texts[::2], texts[1::2], strict=True)]


def _rate(contender: Contender) -> str:
    """Return the learning rate, and whether it is the last that was tried on its side: a note says on which."""
    assert contender.tuned.best is not None
    return f"{contender.tuned.best.lr:g}{' edge' if contender.tuned.edge else ''}"


def _p_value(p: float) -> str:
    if math.isnan(p):
        return ""
    return "<.001" if p < 0.001 else f"{p:.3f}"


def _matrix(contest: Contest) -> tuple[Columns, Columns]:
    """Return every loss by every metric; the metrics that losses are compared by first."""
    matrix = contest.matrix
    order = [*contest.comparisons, *(name for name in matrix.metrics if name not in contest.comparisons)]
    numbers = {}
    for name in order:
        column = matrix.metrics.index(name)
        cells = [
            f"{number(mean)}{MATCH if matches else ' '}"
            for mean, matches in zip(matrix.means[:, column], matrix.matches[:, column], strict=True)
        ]
        head = wording.metric_name(name)
        numbers[head] = _flush_right(head, cells)
    return {"trained with": list(map(plain, matrix.losses))}, numbers


def _flush_right(head: str, cells: list[str]) -> list[str]:
    width = max(map(len, (head, *cells)))
    return [cell.rjust(width) for cell in cells]
