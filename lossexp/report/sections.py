"""The parts of the report that are pictures: each a heading, a few words, and charts."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lossexp import loss_pictures, metrics, ranking
from lossexp.comparison import calibration, judging
from lossexp.components import Array
from lossexp.datasets.base import Split
from lossexp.loss_axis import LossAxis
from lossexp.prediction import raw_predictions
from lossexp.probabilities import estimates_probabilities
from lossexp.ranking import Row
from lossexp.report.charts import Chart, Line, Mark, span
from lossexp.report.contenders import Contender
from lossexp.report.table import in_words, number, title
from lossexp.run import Run

LEAST_SKILL = -0.5
"""Skill is shown from here on: how far below a constant a run falls says nothing more."""

SETTLED = 0.05
"""Metrics of the first epochs, this part of all, may be cut off: they would flatten the rest."""

MAX_EXAMPLES = 10_000
"""Validation examples of a loss that its reliability is measured on: the first, of splits whose order is random."""


@dataclass(frozen=True)
class Section:
    """Charts that belong together.

    Attributes:
        anchor: What a link to it ends with.
        heading: Its heading.
        text: What is shown, and what to look for.
        charts: The pictures.
        legend: The losses whose lines are in one picture.
        notes: What was seen, one sentence each.
    """

    anchor: str
    heading: str
    text: str
    charts: Sequence[Chart]
    legend: Sequence[Contender]
    notes: Sequence[str] = ()


def all_sections(shown: Sequence[Contender]) -> list[Section]:
    """Return the parts for which there is something to show."""
    if not shown:
        return []
    parts: list[Callable[[Sequence[Contender]], Section | None]] = [curves, learning_rates, skill, reliability, shapes]
    return [section for part in parts if (section := part(shown))]


def curves(shown: Sequence[Contender]) -> Section:
    """Return the curves of the best setting of each loss: the metric that all share, then each loss by itself."""
    shared = []
    for metric in ranking.criterion(shown[0].target):
        lines = [one.mean(_measured(metric)) for one in shown]
        shared.append(_over_epochs(in_words(metric), lines, _covering([_settled(line) for line in lines])))
    return Section(
        "curves",
        "Curves",
        "The best setting of each loss: means over the seeds, with a band of one standard deviation. The first two "
        "pictures compare the losses by what they share. Each other one is on the scale of its own loss, training "
        "solid and validation dashed: where the dashed line rises and the solid one does not, the model overfits.",
        [*shared, *map(_loss_curves, shown)],
        shown,
    )


def _loss_curves(one: Contender) -> Chart:
    train, val = (one.mean(_measured(f"{split}/loss"), dashed=split == "val") for split in ("train", "val"))
    best = int(np.argmin(val.y))
    mark = Mark(best, f"least validation loss: {number(val.y[best])} after epoch {val.x[best]:g}")
    lines = [train, replace(val, marks=[mark])]
    chart = _over_epochs(f"{one.name} loss", lines, LossAxis.covering(train.y, val.y))
    return replace(chart, color=one.color)


def _measured(name: str) -> Callable[[Run], Array]:
    return lambda run: np.array(run.metrics[name])


def learning_rates(shown: Sequence[Contender]) -> Section | None:
    """Return the metric against the learning rate, a line per loss at the best of its other settings."""
    best_at = [_best_at(one) for one in shown]
    rates = sorted({rate for found in best_at for rate in found})
    if len(rates) < 2:
        return None
    lost = [
        (rate, one.color, f"{one.name}, {rate:g}: {row.problems[0]}")
        for one, found in zip(shown, best_at, strict=True)
        for rate, row in found.items()
        if not row.means
    ]
    x_axis, charts = span(rates, is_log=True, margin=0.04), []
    for name in metrics.names(shown[0].target):
        lines = [_sensitivity(one, found, f"val/{name}") for one, found in zip(shown, best_at, strict=True)]
        better = "more" if name in metrics.HIGHER_IS_BETTER else "less"
        y_axis = _covering(lines)
        heading = f"{in_words(name)}, {better} is better" + (", log scale" if y_axis.is_log else "")
        charts.append(Chart(heading, "learning rate", x_axis, y_axis, lines, lost=lost))
    return Section(
        "learning-rates",
        "Sensitivity to the learning rate",
        "The validation split at the end of training: means over the seeds, with a band of one standard deviation. "
        "A wide plateau forgives a bad guess. A cross marks a rate at which no run ended well.",
        charts,
        shown,
        [note for one, found in zip(shown, best_at, strict=True) if (note := _at_the_edge(one, found))],
    )


def _best_at(one: Contender) -> dict[float, Row]:
    """Return the best row of a loss at each learning rate that has a place on a log axis."""
    found: dict[float, Row] = {}
    for row in one.rows:
        if (rate := float(row.runs[0].job.experiment.optimizer.lr)) > 0:
            found.setdefault(rate, row)
    return found


def _sensitivity(one: Contender, best_at: dict[float, Row], metric: str) -> Line:
    rates = sorted(rate for rate, row in best_at.items() if row.means)
    rows = [best_at[rate] for rate in rates]
    means = np.array([row.means[metric] for row in rows])
    sd = np.nan_to_num([row.deviations[metric] for row in rows])
    marks = [Mark(place, f"{title(row)}: {number(row.means[metric])}") for place, row in enumerate(rows)]
    return Line(one.color, np.array(rates), means, means - sd, means + sd, marks=marks)


def _at_the_edge(one: Contender, best_at: dict[float, Row]) -> str:
    if len(best_at) < 2 or min(best_at) < one.lr < max(best_at):
        return ""
    end, way = ("lowest", "lower") if one.lr == min(best_at) else ("highest", "higher")
    return f"{one.name} is best at {one.lr:g}, the {end} rate that was tried: a {way} one may be better."


def skill(shown: Sequence[Contender]) -> Section | None:
    """Return what part of its own headroom each loss has gained, where it has a greatest lower bound."""
    bounded = [one for one in shown if all(_headroom(run, split) for run in one.runs for split in ("val", "train"))]
    if not bounded:
        return None
    charts = []
    for split, words in (("val", "validation"), ("train", "training")):
        lines = [one.mean(functools.partial(_skill, split)) for one in bounded]
        lowest = min(float(_settled(line).y.min()) for line in lines)
        axis = LossAxis(max(LEAST_SKILL, min(0.0, lowest)) - 0.03, 1.03, is_log=False)
        charts.append(_over_epochs(f"skill on the {words} split", lines, axis))
    return Section(
        "skill",
        "Skill",
        "Each loss scaled by its own headroom: 0 is the best constant prediction, 1 the least loss that is possible. "
        "On this scale, and no other, the curves of different losses may be laid over each other.",
        charts,
        bounded,
    )


def _headroom(run: Run, split: str) -> float:
    """Return the loss of the best constant prediction less the least possible one; 0 where it is not known."""
    evidence = run.finished.evidence if run.finished else None
    if evidence is None or not math.isfinite(evidence.infimum):
        return 0.0
    constant = evidence.constant_train_loss if split == "train" else float(evidence.constant_losses.mean())
    return constant - evidence.infimum


def _skill(split: str, run: Run) -> Array:
    assert run.finished is not None
    assert run.finished.evidence is not None
    return 1 - (np.array(run.metrics[f"{split}/loss"]) - run.finished.evidence.infimum) / _headroom(run, split)


def reliability(shown: Sequence[Contender]) -> Section | None:
    """Return how often each loss's model is right, by how sure it is, over the validation examples of all seeds."""
    if not shown[0].target.task.is_classes:
        return None
    notes = [
        f"{one.name} does not estimate probabilities: what is read as one is a mere score."
        for one in shown
        if not estimates_probabilities(one.loss, one.target)
    ]
    return Section(
        "reliability",
        "Reliability",
        "Validation examples of all seeds, sorted by the probability of the class that is predicted: of those that the "
        "model is 80 % sure of, 80 % should be right. Below the diagonal it is too sure, above it too modest. The "
        "larger a dot, the more examples; their mean distance from the diagonal is the calibration error.",
        [_reliability_diagram(one) for one in shown],
        [],
        notes,
    )


def _reliability_diagram(one: Contender) -> Chart:
    n_examples = MAX_EXAMPLES // len(one.runs)
    splits = [_first(run.data.val, n_examples) for run in one.runs]
    found = calibration.reliability(
        np.concatenate([_probabilities(one, run, val) for run, val in zip(one.runs, splits, strict=True)]),
        np.concatenate([val.y for val in splits]),
        np.concatenate([np.ones(len(val)) if val.weight is None else val.weight for val in splits]),
        n_bins=10,
    )
    filled = found.weight > 0
    confidence, accuracy, weight = (values[filled] for values in (found.confidence, found.accuracy, found.weight))
    # A stem for each bin, from the diagonal to what was measured; what is not a number parts it from the next.
    stems = np.stack([confidence, accuracy, np.full(len(weight), np.nan)], axis=1).ravel()
    marks = [
        Mark(3 * bin + 1, f"{n:.0f} examples: {sure:.0%} sure, {right:.0%} right", 2 + 6 * math.sqrt(n / weight.sum()))
        for bin, (n, sure, right) in enumerate(zip(weight, confidence, accuracy, strict=True))
    ]
    axis = LossAxis(-0.03, 1.03, is_log=False)
    return Chart(
        title=f"{one.name}, calibration error {found.error:.3f}",
        x_label="probability of the predicted class",
        x_axis=axis,
        y_axis=axis,
        lines=[Line(one.color, np.repeat(confidence, 3), stems, marks=marks)],
        color=one.color,
        diagonal=True,
    )


def _first(split: Split, n: int) -> Split:
    return Split(split.X[:n], split.y[:n], None if split.weight is None else split.weight[:n])


def _probabilities(one: Contender, run: Run, split: Split) -> Array:
    """Return the class probabilities of the examples of a split, `(n_samples, n_classes)`."""
    assert run.finished is not None
    raw = raw_predictions(run.job.experiment.model, run.finished.params, split.X)
    return judging.class_probabilities(one.loss.predicting(raw[:, None])[:, 0], one.loss.link_name(one.target))


def shapes(shown: Sequence[Contender]) -> Section:
    """Return value, gradient and weight of an example of each loss."""
    losses = {one.name: one.runs[0].job.experiment.loss for one in shown}
    colors = {one.name: one.color for one in shown}
    panels = [panel for row in loss_pictures.panel_rows(losses, shown[0].target) for panel in row]
    return Section(
        "shapes",
        "Shapes of the losses",
        "What one example costs, and how hard it pulls on the model. Where the gradient fades for examples that are "
        "far off, outliers and wrong labels count less, and training may start slowly.",
        [
            Chart(
                panel.title,
                panel.label,
                span([round(float(panel.points[0]), 1), round(float(panel.points[-1]), 1)]),
                LossAxis(*loss_pictures.limits(list(panel.curves.values())), is_log=False),
                [Line(colors[name], panel.points, curve) for name, curve in panel.curves.items()],
            )
            for panel in panels
        ],
        shown,
    )


def _settled(line: Line) -> Line:
    """Return a line without its first epochs."""
    late = slice(int(SETTLED * len(line.y)), None)
    low, high = (None if edge is None else edge[late] for edge in (line.low, line.high))
    return replace(line, x=line.x[late], y=line.y[late], low=low, high=high)


def _covering(lines: Sequence[Line]) -> LossAxis:
    """Return an axis that holds the lines, with their bands unless its scale is logarithmic."""
    axis = LossAxis.covering(*(line.y for line in lines))
    bands = [edge for line in lines for edge in (line.low, line.high) if edge is not None]
    return axis if axis.is_log else LossAxis.covering(*(line.y for line in lines), *bands)


def _over_epochs(heading: str, lines: Sequence[Line], y_axis: LossAxis) -> Chart:
    last = max(float(line.x[-1]) for line in lines)
    log = ", log scale" if y_axis.is_log else ""
    return Chart(heading + log, "epoch", span([0.0, max(last, 1.0)]), y_axis, lines, whole=True)
