"""What the examples of one test split say about trained models, beside what the seeds say about losses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lossexp import judgement, ranking
from lossexp.comparison import wording
from lossexp.comparison.estimates import t_test
from lossexp.comparison.examples import by_group, crossed_bootstrap, mcnemar
from lossexp.components import Array
from lossexp.run import Run


def on_one_seed(runs: Sequence[Run]) -> str | None:
    """Return what the runs of a sweep over losses with one seed say about the best models of the two best losses.

    None where there are no two such models, or no test split.
    """
    if len({run.job.experiment.seed for run in runs}) > 1 or not len(runs[0].data.test):
        return None
    best = [row.runs[0] for row in ranking.best_per_loss(ranking.rank(runs)).values() if row.means]
    return two_models(*best[:2]) if len(best) > 1 else None


def two_models(a: Run, b: Run) -> str:
    """Return how two models differ on the same test examples, in words.

    Classes: who is right where the other is wrong, by McNemar's test. Numbers, and examples in groups or with weights:
    the mean difference of the errors, by the paired t test.
    """
    first, second = a.job.choices["loss"], b.job.choices["loss"]
    is_classes, groups = a.data.target.task.is_classes, a.data.test.groups
    if is_classes and groups is None and a.data.test.weight is None:
        of_a, of_b = judgement.errors_on_test(a), judgement.errors_on_test(b)
        found = mcnemar(of_a < 0.5, of_b < 0.5)
        seen = f"{found.only_a} are right with {first} alone, {found.only_b} with {second} alone"
        p, test = found.p, "McNemar"
    else:
        tested = t_test(by_group(_difference(a, b), groups))
        kind = _kind(a, "share of errors" if is_classes else "squared error")
        seen = f"the {kind} of the one of {first} is {wording.direction(tested.mean)}"
        p, test = tested.p, "paired t test" if groups is None else f"paired t test over {tested.df + 1} groups"
    return (
        f"The best models of {first} and {second} on the same {len(a.data.test)} test examples: {seen} "
        f"(p {wording.probability(p)}, {test}). About the losses one seed says nothing; seed=range(10) may."
    )


def for_other_examples(a: Sequence[Run], b: Sequence[Run]) -> str:
    """Return how the errors of two losses differ for other seeds and other examples at once, in words.

    Args:
        a: The runs of one loss, one for each seed; all with the same test split.
        b: Those of the other loss, for the same seeds in the same order.
    """
    differences = np.stack([_difference(*pair) for pair in zip(b, a, strict=True)])
    kind = _kind(a[0], "share of errors" if a[0].data.target.task.is_classes else "mean squared error")
    estimate = crossed_bootstrap(by_group(differences, a[0].data.test.groups), np.random.default_rng(0))
    first, second = a[0].job.choices["loss"], b[0].job.choices["loss"]
    return (
        f"All seeds have the same test examples. For others as well, the {kind} of {second}, compared with that of "
        f"{first}, is {wording.direction(estimate)} (crossed bootstrap)."
    )


def _difference(a: Run, b: Run) -> Array:
    """Return by how much each test example is more wrong with `a`, `(n_samples,)`.

    With weights it is the weighted mean, plus what the example adds to its uncertainty.

    Source: Särndal, Swensson and Wretman (1992), the linearised ratio.
    """
    difference = judgement.errors_on_test(a) - judgement.errors_on_test(b)
    weight = a.data.test.weight
    if weight is None:
        return difference
    mean = np.average(difference, weights=weight)
    return np.asarray(mean + weight / np.mean(weight) * (difference - mean))


def _kind(run: Run, error: str) -> str:
    return error if run.data.test.weight is None else f"weighted {error}"
