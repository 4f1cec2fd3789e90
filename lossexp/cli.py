"""The command: Hydra composes, the runner runs, and a user's mistake becomes one readable message."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lossexp import CONFIG_DIR, __version__
from lossexp.arguments import readable_by_hydra
from lossexp.errors import EXIT_DIVERGED, EXIT_USER_ERROR, ConfigError, LossexpError, in_words, own_place

_WANTS_TRACEBACK = os.environ.get("HYDRA_FULL_ERROR") == "1"
"""Asked of Hydra, and of us. Read before `main` sets it, which keeps Hydra from ending the process its own way."""

_HERE, _HYDRA = Path(__file__).parent, Path(hydra.__file__).parent


def task(cfg: DictConfig) -> None:
    """Do one run. Ends the process where the run did not end well."""
    from lossexp import config, runner
    from lossexp.composing import LossChoices, with_named_terms

    hydra_config = HydraConfig.get()
    # Unresolved, so that what an interpolation reads from the environment enters no name and no record.
    tree = OmegaConf.to_container(cfg, resolve=False)
    typed = OmegaConf.to_container(hydra_config.overrides.task, resolve=False)
    assert isinstance(tree, dict)
    assert isinstance(typed, list)
    choices = {str(group): str(choice) for group, choice in hydra_config.runtime.choices.items()}
    try:
        if hydra_config.sweeper.params and hydra_config.mode is not RunMode.MULTIRUN:
            swept = ", ".join(hydra_config.sweeper.params)
            raise ConfigError(f"These settings are a sweep over {swept}, not a run. Add -m: python -m lossexp -m ...")
        losses = LossChoices(GlobalHydra.instance().config_loader())
        named = with_named_terms({str(key): value for key, value in tree.items()}, losses)
        job = config.build(named, choices, tuple(map(str, typed)))
        if job.sweep.protocol != "none":
            raise ConfigError(
                "sweep.protocol=compare is about many runs. Add -m: python -m lossexp -m ...   (and leave "
                "hydra/launcher as it is: Hydra's own does one run after the other)"
            )
        exit_code = runner.run(job)
    except Exception as error:  # before Hydra sees it and adds its own words
        _tell(error)
        raise
    if exit_code:
        sys.exit(exit_code)


def sweep(
    job_overrides: Sequence[Sequence[str]], loader: ConfigLoader, master: DictConfig, engine: dict[str, Any]
) -> None:
    """Do the runs of a sweep. Ends the process where one of them did not end well.

    Args:
        job_overrides: The overrides of each job.
        loader: Hydra's config loader.
        master: The config that the sweep was started with.
        engine: Settings of the engine, from `hydra.launcher`.
    """
    from lossexp import protocol, runner, sweeping
    from lossexp.composing import JobComposer
    from lossexp.engines import Engine

    chosen = Engine.from_settings(engine, "hydra.launcher")
    composer = JobComposer(loader, master)
    if master.sweep.protocol == "compare":
        exit_code = protocol.compare(job_overrides, composer.job, chosen)
    else:
        sweeping.refuse_too_many(len(job_overrides), composer.first(job_overrides).sweep)
        jobs, impossible = composer.jobs(job_overrides)
        exit_code = runner.sweep(jobs, chosen, impossible)
    if exit_code:
        sys.exit(exit_code)


def main() -> None:
    """Run the command line."""
    if "--version" in sys.argv[1:]:
        print(f"lossexp {__version__}, Hydra {hydra.__version__}")
        return
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        sys.argv[1:] = readable_by_hydra(sys.argv[1:])
        hydra_main = hydra.main(config_path=str(CONFIG_DIR), config_name="config", version_base="1.3")
        command: Callable[[], None] = hydra_main(task)
        with _orderly_ends():
            command()
    except Exception as error:
        _tell(error)
        raise
    except KeyboardInterrupt as error:
        print(f"lossexp: interrupted; what was measured is kept.{_how_to_go_on()}", file=sys.stderr)
        sys.exit(128 + (error.number if isinstance(error, Terminated) else signal.SIGINT))


def _how_to_go_on() -> str:
    """Say how a sweep goes on that was cut off; of a single run nothing."""
    if not {"-m", "--multirun", "hydra.mode=MULTIRUN"} & set(sys.argv[1:]):
        return ""
    resumes = "sweep.resume=true"
    return f" The same command{'' if resumes in sys.argv[1:] else f' with {resumes}'} goes on with the sweep."


class Terminated(KeyboardInterrupt):
    """Another process, or the terminal that was closed, asked this one to end."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


@contextmanager
def _orderly_ends() -> Iterator[None]:
    """Let requests to end be what Ctrl-C is: the runs are closed, with what was measured."""

    def end(number: int, frame: object) -> NoReturn:
        raise Terminated(number)

    asked = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_DFL]
    for number in asked:  # nohup leaves SIGHUP ignored
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in asked:
            signal.signal(number, signal.SIG_DFL)


def _tell(error: Exception) -> None:
    """End the process with one message if a user can mend what went wrong."""
    mistakes = (LossexpError, HydraException, OmegaConfBaseException)
    if isinstance(error, mistakes) or _lacks_room(error) or _is_hydras(error):
        refuse(error)
    if not _WANTS_TRACEBACK and any(map(own_place, filter(None, (error, error.__cause__)))):
        print(
            f"lossexp: Code of your own failed with {in_words(error)}. "
            f"What was measured is kept.{_how_to_go_on()} HYDRA_FULL_ERROR=1 before the command shows the traceback.",
            file=sys.stderr,
        )
        sys.exit(EXIT_DIVERGED)


def _lacks_room(error: Exception) -> bool:
    """Tell whether memory or a disk is full, or a disk can no longer be written."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in full)


def _is_hydras(error: Exception) -> bool:
    """Tell whether Hydra, or what it calls to read YAML, raised an error, as it does for a command line `loss=null`."""
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    ours = max(place for place, file in enumerate(files) if _HERE in file.parents)
    return any(_HYDRA in file.parents for file in files[ours + 1 : ours + 2])


def refuse(error: Exception) -> NoReturn:
    """End the process with one message about a user's mistake, or with a traceback where that was asked for."""
    from lossexp import hydra_messages

    if _WANTS_TRACEBACK:
        raise error
    hint = _how_to_go_on() if _lacks_room(error) else ""
    print(f"lossexp: {hydra_messages.readable(error, CONFIG_DIR, sys.argv[1:])}{hint}", file=sys.stderr)
    sys.exit(EXIT_USER_ERROR)
