"""The command: Hydra composes, the runner runs, and a user's mistake becomes one readable message."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lossexp import CONFIG_DIR
from lossexp.errors import EXIT_USER_ERROR, ConfigError, LossexpError

_WANTS_TRACEBACK = os.environ.get("HYDRA_FULL_ERROR") == "1"
"""Asked of Hydra, and of us. Read before `main` sets it, which keeps Hydra from ending the process its own way."""


def task(cfg: DictConfig) -> None:
    """Do one run. Ends the process where the run did not end well."""
    from lossexp import config, runner

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
        job = config.build({str(key): value for key, value in tree.items()}, choices, tuple(map(str, typed)))
        if job.sweep.protocol != "none":
            raise ConfigError(
                "sweep.protocol=compare is about many runs. Add -m: python -m lossexp -m ...   (and leave "
                "hydra/launcher as it is: Hydra's own does one run after the other)"
            )
        exit_code = runner.run(job)
    except LossexpError as error:  # before Hydra sees it and adds its own words
        refuse(error)
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
        sweeping.refuse_too_many(len(job_overrides), composer.job(job_overrides[0]).sweep)
        exit_code = runner.sweep([composer.job(overrides) for overrides in job_overrides], chosen)
    if exit_code:
        sys.exit(exit_code)


def main() -> None:
    """Run the command line."""
    os.environ["HYDRA_FULL_ERROR"] = "1"
    # Elsewhere these groups are often not in the defaults list and want a plus; people type it.
    sys.argv[1:] = [a[1:] if a.startswith(("+experiment=", "+grid=")) else a for a in sys.argv[1:]]
    sys.argv[1:] = _opened(sys.argv[1:])
    hydra_main = hydra.main(config_path=str(CONFIG_DIR), config_name="config", version_base="1.3")
    command: Callable[[], None] = hydra_main(task)
    try:
        command()
    except (LossexpError, HydraException, OmegaConfBaseException) as error:
        refuse(error)
    except ValueError as error:
        if not _is_hydras(error):
            raise
        refuse(error)
    except KeyboardInterrupt:
        print("lossexp: interrupted; what was measured is kept.", file=sys.stderr)
        sys.exit(130)


def _opened(arguments: Sequence[str]) -> list[str]:
    """Return arguments that Hydra lets through though the keys are not in the YAML files it looks at.

    It knows the keys of the first choices only. A loss may have names of its own, such as the parameters of a formula,
    and of a group that is swept each choice has other keys. What the choice does not know is refused when it is built.
    """
    swept = {match[1] for argument in arguments if (match := re.match(r"\+?(\w+)=.*[,(]", argument))}
    groups = {"loss", *swept}
    key = r"(?!hydra)\w+" if "experiment" in swept else "|".join(groups)
    return [re.sub(rf"^\+?((?:{key})\.[^=]+=)", r"++\1", argument) for argument in arguments]


def _is_hydras(error: Exception) -> bool:
    """Tell whether Hydra itself raised an error, as it does for a command line such as `loss=null`."""
    return Path(hydra.__file__).parent in Path(traceback.extract_tb(error.__traceback__)[-1].filename).parents


def refuse(error: Exception) -> NoReturn:
    """End the process with one message about a user's mistake, or with a traceback where that was asked for."""
    from lossexp import hydra_messages

    if _WANTS_TRACEBACK:
        raise error
    print(f"lossexp: {hydra_messages.readable(error, CONFIG_DIR, sys.argv[1:])}", file=sys.stderr)
    sys.exit(EXIT_USER_ERROR)
