"""The report of a sweep: one HTML file with everything in it, for a screen, a phone and paper.

No script, nothing loaded from elsewhere, every value escaped by the template engine.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lossexp import __version__, metrics
from lossexp.comparing import Compared
from lossexp.errors import StorageError
from lossexp.ranking import Row, verdicts
from lossexp.report.answer import plain_answer
from lossexp.report.charts import HEIGHT, WIDTH
from lossexp.report.compared import FOREST_WIDTH, shown_comparison
from lossexp.report.contenders import best_contenders, by_loss
from lossexp.report.ranks import WIDTH as RANKS_WIDTH
from lossexp.report.ranks import shown_ranks
from lossexp.report.sections import all_sections
from lossexp.report.table import MAX_ROWS, in_words, short_names, table_rows
from lossexp.run import Run

TONES = {
    "good fit": "good",
    "overfit (confidence)": "warn",
    "overfit (error)": "warn",
    "diverged": "lost",
    "failed": "lost",
    "no skill": "bad",
    "inconclusive": "idle",
    "no verdict": "idle",
}
"""How verdicts look; what is not here leaves something to gain."""


def write_report(path: Path, runs: Sequence[Run], rows: Sequence[Row], compared: Compared | None = None) -> None:
    """Write the report of the runs of a sweep on one dataset.

    Args:
        path: The HTML file.
        runs: The runs.
        rows: The same, ranked.
        compared: The comparisons of the losses, on this dataset and others, where there were some.

    Raises:
        StorageError: The file cannot be written.
    """
    html = _template().render(_contents(runs, rows, compared))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html, encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(f"Cannot write the report {path}: {error.strerror}.") from error


def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tone"] = lambda verdict: TONES.get(verdict, "more")
    return environment.get_template("report.html.j2")


def _contents(runs: Sequence[Run], rows: Sequence[Row], compared: Compared | None) -> dict[str, Any]:
    """Return what the template shows, by the names that it uses."""
    losses, dataset = by_loss(rows), runs[0].job.choices["dataset"]
    contest = compared.contests.get(dataset) if compared else None
    shown, names = best_contenders(losses), metrics.names(runs[0].data.target)
    return {
        "version": __version__,
        "written": time.strftime("%Y-%m-%d %H:%M"),
        "dataset": dataset,
        "facts": _facts(runs, rows, losses),
        "answer": plain_answer(runs, losses, contest),
        "verdicts": verdicts(runs),
        "verdicts_by_loss": {
            name: dict(verdicts([run for row in members for run in row.runs])) for name, members in losses.items()
        },
        "settings": short_names(list(rows[0].settings)),
        "metrics": [(in_words(name), "more" if name in metrics.HIGHER_IS_BETTER else "less") for name in names],
        "sentences": [(run.job.name, run.verdict.sentence) for one in shown for run in one.best.runs if run.verdict],
        "rows": table_rows(rows),
        "n_left_out": max(0, len(rows) - MAX_ROWS),
        "sections": all_sections(shown),
        "comparison": shown_comparison(contest) if contest else None,
        "ranks": shown_ranks(compared) if compared else None,
        "chart": {"width": WIDTH, "height": HEIGHT},
        "forest_width": FOREST_WIDTH,
        "ranks_width": RANKS_WIDTH,
    }


def _facts(runs: Sequence[Run], rows: Sequence[Row], losses: Mapping[str, Sequence[Row]]) -> list[str]:
    """Return what was trained on what, in a few words each."""
    data = runs[0].data
    seeds = {run.job.experiment.seed for run in runs}
    counts = [(len(runs), "run"), (len(losses), "loss"), (len(rows), "setting"), (len(seeds), "seed")]
    same = {group: {run.job.choices[group] for run in runs} for group in ("model", "optimizer")}
    splits = [(len(data.train), "training"), (len(data.val), "validation"), (len(data.test), "test")]
    return [
        ", ".join(_counted(count, noun) for count, noun in counts),
        *(f"{group} {min(found)}" for group, found in same.items() if len(found) == 1),
        " + ".join(f"{count:,} {split}" for count, split in splits if count) + " examples",
        _counted(data.n_features, "feature"),
        str(data.target),
    ]


def _counted(count: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{count:,} {noun if count == 1 else plural}"
