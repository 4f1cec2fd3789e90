"""The protocol that compares losses on equal terms.

1. Split, model, epochs, batch size, optimizer and schedule are the same for all, and so are the seeds: the same seed
   gives the same split, initial weights and order of examples to every loss.
2. Each loss is tried at the same learning rates, and with its own swept settings, on `sweep.tuning_seeds` seeds. The
   setting with the best mean on the validation split is chosen, by the calibrated log loss or the RMSE unless
   `sweep.metric` says otherwise; of equal ones that with the lowest rate. One that diverged for a seed is not. The test
   split stays closed.
3. A best rate at the end of the list is only the best of those that were tried: the list is made longer, for all.
4. The chosen setting of each loss is trained on `sweep.seeds` fresh seeds and judged on the test split, which is read
   here for the first time.

Each seed has a split of its own unless `dataset.split_seed` is set: the more sources of chance, the more general the
conclusion. Intervals and tests allow for splits that overlap.

Source: Bouthillier et al. (2021); Choi et al. (2019); Schneider, Balles and Hennig (2019).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from lossexp import comparing, compatibility, judgement, ranking, runner, tuning
from lossexp.comparing import Compared
from lossexp.comparison import judging
from lossexp.config import Job, setting_name
from lossexp.engines import Engine
from lossexp.entries import RATE, SEED, Compose, Entries, longer
from lossexp.errors import EXIT_DIVERGED, ConfigError, DataError, did_you_mean
from lossexp.recorder import Recorder
from lossexp.run import Run
from lossexp.sweeping import Plan, plan, refuse_too_many
from lossexp.targets import Target
from lossexp.tuning import Trial, Tuned

N_LONGER = 2
"""Learning rates that are added at an end where a loss is best."""
MAX_LONGER = 2
"""How often that is done."""

_CLOSED = "training.measure_test=false"


def compare(job_overrides: Sequence[Sequence[str]], compose: Compose, engine: Engine) -> int:
    """Compare the losses of a sweep and show what came out. Return the exit code of the process.

    Args:
        job_overrides: The overrides of each job.
        compose: Turns overrides into a job.
        engine: Where runs are trained.

    Raises:
        LossexpError: It is not possible as asked, or nothing can be written; nothing has been created then.
    """
    from lossexp import comparison_table, progress, terminal

    protocol = Protocol(Entries.of_sweep(job_overrides, compose), compose)
    planned = protocol.first_round()
    terminal.data_cards([member.data.card for member in planned.members])
    terminal.say(protocol.description())
    terminal.plan(planned, engine)
    if protocol.settings.dry_run:
        return 0
    engine.check()
    with runner.recording(planned.jobs[0], planned) as recorder:
        tuned = protocol.tune(planned, engine, recorder)
        final = protocol.rerun(tuned, engine, recorder)
        compared = protocol.compared(tuned, final)
        tried = [run for one in tuned for trial in one.trials for run in trial.runs]
        for same in ranking.by_dataset(tried).values():
            recorder.sum_up(ranking.rank(same), same, compared)
        with progress.waiting("filling MLflow"):
            tracking = recorder.follower.close()
        comparison_table.summary(tuned, final, tracking, compared, recorder.reports)
    return runner.exit_code(final) if compared.contests else EXIT_DIVERGED


class Protocol:
    """The rounds in which some losses are compared.

    Args:
        entries: The losses and where they start.
        compose: Turns overrides into a job.

    Attributes:
        settings: How many seeds, by which metric.
        tuning_seeds: Seeds on which each setting is tried.
        fresh_seeds: Seeds on which the best setting of each loss is compared.
    """

    def __init__(self, entries: Entries, compose: Compose) -> None:
        self.entries, self.compose = entries, compose
        self.settings = compose(entries.entries[0].variants[0]).sweep
        fresh = entries.seed + self.settings.tuning_seeds
        self.tuning_seeds = range(entries.seed, fresh)
        self.fresh_seeds = range(fresh, fresh + self.settings.seeds)

    def first_round(self) -> Plan:
        """Return the runs that tuning begins with, after checking what can be known of all rounds.

        Raises:
            LossexpError: The comparison is not possible as asked.
        """
        jobs = self._tuning_jobs(dict.fromkeys(self.entries.datasets, self.entries.rates))
        refuse_too_many(len(jobs) + len(self.entries.entries) * len(self.fresh_seeds), self.settings)
        planned = plan(jobs, self.settings)
        self.entries = self.entries.only({(job.choices["dataset"], job.choices["loss"]) for job in planned.jobs})
        for dataset in self.entries.datasets:
            self._check(dataset)
        return planned

    def _check(self, dataset: str) -> None:
        """Refuse a dataset without a test split or the metric, and fresh seeds whose data do not fit every loss."""
        jobs = [self.compose(entry.variants[0]) for entry in self.entries.on(dataset)]
        for seed in self.fresh_seeds:
            data = jobs[0].experiment.dataset.load(seed)
            if not len(data.test):
                raise DataError(
                    f"dataset={dataset} has no test split, on which losses are compared. Use dataset.test_fraction=0.2"
                )
            known, metric = judging.names(data.target), self._metric(data.target)
            if metric not in known:
                raise ConfigError(
                    f"sweep.metric={metric} is not measured on dataset={dataset}, which has {data.target}."
                    f"{did_you_mean(metric, known)} Measured are: {', '.join(known)}"
                )
            for job in jobs:
                compatibility.check(job.experiment, data, job.choices)

    def description(self) -> str:
        """Say what is going to be done."""
        rates = self.entries.rates
        losses = [f"{', '.join(e.loss for e in self.entries.on(one))} on {one}" for one in self.entries.datasets]
        return (
            f"Comparing {'; '.join(losses)}.\n"
            f"First each loss at {len(rates)} learning rates from {rates[0]:g} to {rates[-1]:g}, with "
            f"{_listed(self.tuning_seeds)}; more rates for all where the best is at an end. Then the best setting of "
            f"each with fresh {_listed(self.fresh_seeds)}, when the test split is read for the first time."
        )

    def tune(self, planned: Plan, engine: Engine, recorder: Recorder) -> list[Tuned]:
        """Try the settings of each loss, and more learning rates where the best is at an end of them."""
        from lossexp import terminal

        tried: dict[tuple[str, str], list[Trial]] = {}
        for round_number in itertools.count(1):
            runs = runner.train_together(planned, engine, recorder, "tuning", {"round": "tuning"})
            for same in ranking.by_dataset(runs).values():
                for trial in tuning.trials(same, self._metric(same[0].data.target)):
                    tried.setdefault((trial.dataset, trial.loss), []).append(trial)
            tuned = [tuning.by_score(trials) for trials in tried.values()]
            more = {dataset: _more_rates(dataset, tuned) for dataset in self.entries.datasets}
            if round_number > MAX_LONGER or not any(more.values()):
                break
            terminal.say(_at_an_end(tuned, more))
            planned = plan(self._tuning_jobs(more), self.settings)
        return tuned

    def rerun(self, tuned: Sequence[Tuned], engine: Engine, recorder: Recorder) -> list[Run]:
        """Train the best setting of each loss on fresh seeds."""
        best = [one.best for one in tuned if one.best]
        jobs = [self.compose((*_overrides(trial), f"{SEED}={seed}")) for trial in best for seed in self.fresh_seeds]
        if not jobs:
            return []
        return runner.train_together(plan(jobs, self.settings), engine, recorder, "fresh seeds", {"round": "final"})

    def compared(self, tuned: Sequence[Tuned], final: Sequence[Run]) -> Compared:
        """Compare the losses of each dataset on which two could be tuned."""
        runs: dict[tuple[str, str], list[Run]] = {}
        for run in final:
            runs.setdefault((run.job.choices["dataset"], run.job.choices["loss"]), []).append(run)
        contests = {}
        for dataset in self.entries.datasets:
            here = [one for one in tuned if one.dataset == dataset]
            sound = [one for one in here if one.best]
            if len(sound) > 1:
                fresh = [runs[dataset, one.loss] for one in sound]
                notes = tuning.notes_on(here)
                asked = self.settings
                contests[dataset] = comparing.contest(sound, fresh, notes, metric=asked.metric, margin=asked.margin)
        return Compared.of(contests)

    def _metric(self, target: Target) -> str:
        return self.settings.metric or judgement.tuned_by(target)

    def _tuning_jobs(self, rates: Mapping[str, Sequence[float]]) -> list[Job]:
        """Return the jobs that try every setting of every loss, at the learning rates of each dataset."""
        return [
            self.compose((*variant, f"{RATE}={rate!r}", f"{SEED}={seed}", _CLOSED))
            for entry in self.entries.entries
            for variant in entry.variants
            for rate in rates[entry.dataset]
            for seed in self.tuning_seeds
        ]


def _overrides(trial: Trial) -> tuple[str, ...]:
    """Return the overrides of a setting for runs that read the test split."""
    typed = trial.runs[0].job.overrides
    return tuple(override for override in typed if override != _CLOSED and setting_name(override) != SEED)


def _more_rates(dataset: str, tuned: Sequence[Tuned]) -> list[float]:
    """Return learning rates beyond those that were tried on a dataset, at the ends where some loss is best."""
    here = [one for one in tuned if one.dataset == dataset]
    ends = {one.edge if one.best else "lowest" for one in here}
    rates = sorted({rate for one in here for rate in one.rates})
    return longer(rates, below=N_LONGER * ("lowest" in ends), above=N_LONGER * ("highest" in ends))


def _at_an_end(tuned: Sequence[Tuned], more: Mapping[str, Sequence[float]]) -> str:
    """Say which losses are best at an end, and what is tried now."""
    lines = []
    for dataset, rates in more.items():
        here = [one for one in tuned if one.dataset == dataset]
        reasons = [f"{one.loss} is best at the {one.edge} learning rate" for one in here if one.edge]
        reasons += [f"{one.loss} diverges at all of them" for one in here if not one.best]
        if rates:
            listed = ", ".join(f"{rate:g}" for rate in rates)
            lines.append(f"{dataset}: {', '.join(reasons)}. Tried for all losses now: {listed}.")
    return "\n".join(lines)


def _listed(seeds: range) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
