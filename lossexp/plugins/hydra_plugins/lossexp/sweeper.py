"""The sweeper: every combination of the swept values, as Hydra's own sweeper makes them, without composing each."""

# No `from __future__ import annotations`: Hydra executes plugins without registering the module, which dataclasses
# would need to read annotations that are text.
import math
from dataclasses import dataclass, field
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

LISTABLE = 1_000_000


@dataclass
class StackedSweeperConf:
    """Settings of `hydra.sweeper`.

    Attributes:
        params: Overrides that may be swept, as a mapping; the command line comes on top.
    """

    _target_: str = "hydra_plugins.lossexp.sweeper.StackedSweeper"
    params: dict[str, Any] | None = field(default_factory=dict)


ConfigStore.instance().store(group="hydra/sweeper", name="stacked", node=StackedSweeperConf, provider="lossexp")


class StackedSweeper(BasicSweeper):
    """Hands all jobs to the launcher in one batch; it checks them, so nothing is composed or written here."""

    def __init__(self, params: dict[str, str] | None = None) -> None:
        super().__init__(max_batch_size=None, params=params)

    def sweep(self, arguments: list[str]) -> Any:
        """Launch every combination."""
        assert self.hydra_context is not None
        assert self.launcher is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        _check_count(overrides)
        (jobs,) = self.split_arguments(overrides, max_batch_size=None)
        return [self.launcher.launch(jobs, initial_job_idx=0)]


def _check_count(overrides: list[Override]) -> None:
    """Refuse no combinations, and more than can be listed; `sweep.max_runs` is about those that can."""
    from lossexp.errors import ConfigError

    swept = [override for override in overrides if override.is_sweep_override()]
    if continuous := next((override for override in swept if not override.is_discrete_sweep()), None):
        raise ConfigError(
            f"{continuous.input_line} has no single values to run. Give some, such as 0.01,0.1,1 or range(0,1,0.1)"
        )
    counts = {override.input_line: sum(1 for _ in override.sweep_string_iterator()) for override in swept}
    for line, count in counts.items():
        if not count:
            raise ConfigError(f"{line} has no values, so this sweep has no runs.")
    if (total := math.prod(counts.values())) > LISTABLE:
        raise ConfigError(f"This sweep has {total} runs, more than can be listed. Sweep over fewer values.")
