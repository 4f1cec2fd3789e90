"""A comparison as files in the folder of its sweep, and in words."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from lossexp.comparing import Compared, Contest
from lossexp.comparison import wording
from lossexp.comparison.ranks import Ranking
from lossexp.tuning import Tuned

SHOWN_SENTENCES = 6


def write(folder: Path, dataset: str, compared: Compared) -> list[str]:
    """Write what was found into the folder of a sweep on a dataset, and return it in words, by paragraph.

    `comparison.csv` has every two losses by each metric, `comparison.json` everything, `ranks.png` the ranks over many
    datasets.
    """
    contest, paragraphs = compared.contests.get(dataset), [compared.remarks.get(dataset, "")]
    if contest:
        _write_pairs(folder / "comparison.csv", contest)
        text = json.dumps(_without_nan(as_tree(contest)), indent=1, allow_nan=False)
        (folder / "comparison.json").write_text(text, encoding="utf-8")
        paragraphs += ["\n".join(sentences(contest)), "\n".join(f"Note: {note}" for note in contest.notes)]
    if compared.over_datasets:
        from lossexp.critical_difference import critical_difference_png

        critical_difference_png(folder / "ranks.png", compared.over_datasets, compared.metric)
        paragraphs.append(ranks_in_words(compared.over_datasets))
    return list(filter(None, paragraphs))


def _write_pairs(path: Path, contest: Contest) -> None:
    rows = [
        {"metric": name, **_flat(dataclasses.asdict(pair))}
        for name, comparison in contest.comparisons.items()
        for pair in comparison.pairs
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def as_tree(contest: Contest) -> dict[str, Any]:
    """Return the comparison as plain values; of the runs, the names of their folders."""
    return {
        "dataset": contest.dataset,
        "seeds": list(contest.seeds),
        "metric": contest.metric,
        "notes": list(contest.notes),
        "losses": [
            {
                "loss": one.loss,
                "tuned": _tuned(one.tuned),
                "runs": [run.record.path.name for run in one.runs],
                "test": {name: values.tolist() for name, values in one.scores.items()},
            }
            for one in contest.contenders
        ],
        "comparisons": [dataclasses.asdict(comparison) for comparison in contest.comparisons.values()],
    }


def sentences(contest: Contest) -> list[str]:
    """Return what was found in words: by each metric, the best loss against the others."""
    found = []
    for comparison in contest.comparisons.values():
        best, *others = (arm.label for arm in comparison.ranked)
        against = [wording.sentence(comparison.between(best, other), comparison) for other in others]
        found += against[:SHOWN_SENTENCES]
        if (n_more := len(against) - SHOWN_SENTENCES) > 0:
            found.append(f"... and {n_more} more by {wording.metric_name(comparison.metric)}: see comparison.csv.")
    return found


def ranks_in_words(ranking: Ranking) -> str:
    """Return what the ranks over many datasets say."""
    differ = "differ" if ranking.p_iman_davenport < 0.05 else "are not shown to differ"
    said = f"Over {ranking.n_datasets} datasets the losses {differ}, p {wording.probability(ranking.p_iman_davenport)}."
    apart = f"Mean ranks tell two losses apart from a distance of {ranking.critical_difference:.2f} on"
    alike = "; ".join(", ".join(group) for group in ranking.groups)
    return f"{said} {apart}{f'; not told apart: {alike}' if alike else ''}."


def _tuned(tuned: Tuned) -> dict[str, Any]:
    return {
        "metric": tuned.metric,
        "edge": tuned.edge,
        "chosen": dict(tuned.best.settings) | {"optimizer.lr": tuned.best.lr} if tuned.best else None,
        "tried": [
            {**trial.settings, "optimizer.lr": trial.lr, "validation": trial.scores.tolist()} for trial in tuned.trials
        ],
    }


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """Return an estimate as three values, such as `difference`, `difference_low` and `difference_high`."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= {name if part == "value" else f"{name}_{part}": number for part, number in value.items()}
        else:
            flat[name] = value
    return flat


def _without_nan(tree: Any) -> Any:
    """Return plain values with null for what is not finite: JSON has no NaN."""
    if isinstance(tree, dict):
        return {key: _without_nan(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_without_nan(value) for value in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree
