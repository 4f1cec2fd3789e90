"""Jobs composed from the YAML files of the project, as Hydra composes them, in the process of the tests."""

import functools

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import create_config_search_path
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import setup_globals
from hydra.types import RunMode

from lossexp import CONFIG_DIR
from lossexp.composing import JobComposer

SMALL = ("dataset=moons", "dataset.n_samples=60", "training.epochs=3", "training.dtype=float64", "tracker=none")
"""A run of a tenth of a second, which leaves no trace but its run folder."""


@functools.cache
def loader():
    """Return Hydra's loader of the YAML files."""
    setup_globals()
    Plugins.instance()
    return ConfigLoaderImpl(config_search_path=create_config_search_path(str(CONFIG_DIR)))


@functools.cache
def composer():
    """Return a composer of jobs. Every choice of groups is composed once for all tests."""
    return JobComposer(loader(), loader().load_configuration("config", [], RunMode.MULTIRUN))


def job(*overrides):
    """Return the job of a command line."""
    return composer().job(overrides)


def jobs(*arguments):
    """Return the jobs of a sweep, in Hydra's order."""
    return [job(*overrides) for overrides in combinations(arguments)]


def combinations(arguments):
    """Return the overrides of each job of a sweep, as Hydra's own sweeper combines them."""
    overrides = OverridesParser.create(config_loader=loader()).parse_overrides(list(arguments))
    (batch,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return batch


def small(*overrides):
    """Return the job of a small run."""
    return job(*SMALL, *overrides)


def small_jobs(*arguments):
    """Return the jobs of a sweep of small runs."""
    return jobs(*SMALL, *arguments)
