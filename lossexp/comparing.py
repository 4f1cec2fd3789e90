"""What the runs of a sweep say about their losses: judged alike, paired by seed, and tested against each other."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lossexp import judgement, metrics, ranking, same_examples, tuning
from lossexp.comparison import judging, paired
from lossexp.comparison.matrix import Matrix, loss_metric_matrix
from lossexp.comparison.paired import Comparison
from lossexp.comparison.ranks import FEWEST_DATASETS, Ranking, rank_over_datasets
from lossexp.components import Array
from lossexp.entries import SEED, may_differ
from lossexp.run import Run
from lossexp.targets import Target
from lossexp.tuning import Tuned


@dataclass(frozen=True)
class Contender:
    """A loss at its best setting.

    Attributes:
        tuned: How that was found.
        runs: The runs that are compared, one for each seed, in the order of the seeds.
        scores: Each metric on the test split, `(n_seeds,)`; NaN where a run did not end well.
    """

    tuned: Tuned
    runs: Sequence[Run]
    scores: Mapping[str, Array]

    @property
    def loss(self) -> str:
        """The choice of the group `loss`."""
        return self.tuned.loss


@dataclass(frozen=True)
class Contest:
    """Losses compared on one dataset.

    Attributes:
        dataset: The choice of the group `dataset`.
        target: What is predicted.
        seeds: Seeds of the runs that are compared.
        contenders: The losses, in the order in which they were given; the first is the reference.
        comparisons: Every two losses against each other, by metric, the one that decides first.
        matrix: Every loss by every metric.
        notes: What a reader must know before believing it, one sentence each.
        test_to_train: n_test / n_train where each seed has a split of its own, which intervals allow for; else 0.
    """

    dataset: str
    target: Target
    seeds: Sequence[int]
    contenders: Sequence[Contender]
    comparisons: Mapping[str, Comparison]
    matrix: Matrix
    notes: Sequence[str]
    test_to_train: float

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return next(iter(self.comparisons))


@dataclass(frozen=True)
class Compared:
    """Losses compared on one dataset or more.

    Attributes:
        contests: The comparison on each dataset; none where there are no two losses to compare.
        over_datasets: Their ranks over the datasets, where there are enough of those with the same metric.
        remarks: What else there is to say about each dataset without a comparison, if anything.
    """

    contests: Mapping[str, Contest]
    over_datasets: Ranking | None
    remarks: Mapping[str, str] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The metric that decides on every dataset, where the losses are ranked over them."""
        return next(iter(self.contests.values())).metric

    @classmethod
    def of(cls, contests: Mapping[str, Contest | None]) -> Compared:
        """Rank the losses over the datasets on which they were compared."""
        held = {dataset: contest for dataset, contest in contests.items() if contest}
        return cls(held, _over_datasets(list(held.values())))

    @classmethod
    def of_sweep(cls, runs_of: Mapping[str, Sequence[Run]]) -> Compared:
        """Compare the losses of an ordinary sweep by the runs that there are on each dataset."""
        compared = cls.of({dataset: of_sweep(runs) for dataset, runs in runs_of.items()})
        apart = {dataset: same_examples.on_one_seed(runs) for dataset, runs in runs_of.items()}
        return replace(compared, remarks={dataset: remark for dataset, remark in apart.items() if remark})


def _over_datasets(contests: Sequence[Contest]) -> Ranking | None:
    decide = [contest.comparisons[contest.metric] for contest in contests]
    if len(decide) < FEWEST_DATASETS or len({comparison.metric for comparison in decide}) > 1:
        return None
    means = [{arm.label: arm.mean.value for arm in comparison.arms} for comparison in decide]
    everywhere = [loss for loss in means[0] if all(loss in of_dataset for of_dataset in means)]
    scores = {loss: np.array([of_dataset[loss] for of_dataset in means]) for loss in everywhere}
    if len(scores) < 2 or np.isfinite(list(scores.values())).all(axis=0).sum() < FEWEST_DATASETS:
        return None
    return rank_over_datasets(scores, higher_is_better=decide[0].higher_is_better)


def contest(
    tuned: Sequence[Tuned],
    runs: Sequence[Sequence[Run]],
    notes: Sequence[str],
    *,
    metric: str | None = None,
    margin: float | None = None,
) -> Contest:
    """Compare tuned losses on one dataset.

    Args:
        tuned: The losses, of which each has a best setting.
        runs: The runs of each that are compared, for the same seeds in the same order.
        notes: What a reader must know.
        metric: What losses are compared by first; None for the usual one.
        margin: The difference in that metric that does not matter; None for the usual one.
    """
    contenders = [Contender(one, of_loss, _scores(of_loss)) for one, of_loss in zip(tuned, runs, strict=True)]
    first = runs[0][0]
    target = first.data.target
    by = judgement.compared_by(target, metric)
    fixed_split = first.job.experiment.dataset.split_seed is not None
    test_to_train = 0.0 if fixed_split else len(first.data.test) / len(first.data.train)
    comparisons = {
        name: paired.compare(
            {one.loss: one.scores[name] for one in contenders},
            name,
            higher_is_better=name in metrics.HIGHER_IS_BETTER,
            margin=margin if margin and name == by[0] else judgement.usual_margin(name, first.data),
            test_to_train=test_to_train,
        )
        for name in by
    }
    if fixed_split and len(runs[0]) > 1:
        by_loss = {one.loss: one.runs for one in contenders}
        best, second = (by_loss[arm.label] for arm in comparisons[by[0]].ranked[:2])
        if not any(run.problem for run in (*best, *second)):
            notes = [*notes, same_examples.for_other_examples(best, second)]
    matching = {one.loss: judgement.matching(one.runs[0]) for one in contenders}
    matrix = loss_metric_matrix({one.loss: one.scores for one in contenders}, matching, judging.names(target))
    seeds = [run.job.experiment.seed for run in runs[0]]
    return Contest(tuned[0].dataset, target, seeds, contenders, comparisons, matrix, notes, test_to_train)


def _scores(runs: Sequence[Run]) -> dict[str, Array]:
    judged = [judgement.on_test(run) for run in runs]
    return {name: np.array([values[name] for values in judged]) for name in judged[0]}


def of_sweep(runs: Sequence[Run]) -> Contest | None:
    """Compare the losses of an ordinary sweep on one dataset by the runs that there are.

    The setting of each loss is the one that the ranked table has first. None where there are no two losses with two
    seeds in common, or no test split.
    """
    if not len(runs[0].data.test):
        return None
    rows_of: dict[str, list[ranking.Row]] = {run.job.choices["loss"]: [] for run in runs}
    for row in ranking.rank(runs):
        rows_of[row.runs[0].job.choices["loss"]].append(row)
    tuned = [tuning.by_rank(rows) for rows in rows_of.values()]
    by_seed = [{run.job.experiment.seed: run for run in one.best.runs} for one in tuned if one.best]
    seeds = sorted(set.intersection(*map(set, by_seed))) if by_seed else []
    if len(by_seed) < 2 or len(seeds) < 2:
        return None
    sound = [one for one in tuned if one.best]
    notes = [*_differing(sound), *tuning.notes_on(tuned)]
    if any(len(one.trials) > 1 for one in tuned):
        notes.insert(
            0,
            "Settings were chosen for the seeds that are compared here, which flatters losses with many of them; "
            "python -m lossexp.compare chooses for some seeds and compares on others.",
        )
    return contest(sound, [[of_loss[seed] for seed in seeds] for of_loss in by_seed], notes)


def command(runs: Sequence[Run]) -> str | None:
    """Return the command that compares the losses of an ordinary sweep on equal terms; None where there is none.

    What must not differ in a comparison, such as the model or the experiment, may have been swept; and each dataset
    needs two losses and a test split.
    """
    swept = [name for name in ranking.varying_settings(runs) if name != SEED]
    losses = {dataset: {run.job.choices["loss"] for run in same} for dataset, same in ranking.by_dataset(runs).items()}
    if not all(map(may_differ, swept)) or min(map(len, losses.values())) < 2 or not all(len(r.data.test) for r in runs):
        return None
    typed: dict[str, dict[str, None]] = {}
    for run in runs:
        for name, value in run.overrides.items():
            typed.setdefault(name, {})[value] = None
    left_out = (SEED, "grid", "sweep.resume")
    given = [f"{name}={','.join(values)}" for name, values in typed.items() if name not in left_out]
    return shlex.join(["python", "-m", "lossexp.compare", *config_dir(), *given])


def config_dir() -> list[str]:
    """Return the option that names a folder with YAML files of the user's, as typed: an override may choose one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd")
    folder = parser.parse_known_args()[0].config_dir
    return ["--config-dir", folder] if folder else []


def _differing(tuned: Sequence[Tuned]) -> list[str]:
    """Say in what the losses differ besides learning rate and settings of their own."""
    typed = [one.best.settings for one in tuned if one.best]
    names = dict.fromkeys(name for settings in typed for name in settings)
    others = [
        name
        for name in names
        if name not in ("loss", "optimizer.lr")
        and not name.startswith("loss.")
        and len({settings.get(name) for settings in typed}) > 1
    ]
    return [f"The losses were not compared alike: {', '.join(others)} differed."] if others else []
