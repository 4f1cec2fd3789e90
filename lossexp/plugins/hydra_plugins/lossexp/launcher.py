"""The launcher: all jobs of a sweep in one call, trained in stacks."""

# No `from __future__ import annotations`: Hydra executes plugins without registering the module, which dataclasses
# would need to read annotations that are text.
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class StackedLauncherConf:
    """Settings of `hydra.launcher`.

    Attributes:
        backend: What the stacks are spread over: threads, loky (processes) or dask (a cluster).
        n_jobs: How many at once; -1 for one per core.
        address: Address of a running Dask scheduler, such as tcp://10.0.0.1:8786.
    """

    _target_: str = "hydra_plugins.lossexp.launcher.StackedLauncher"
    backend: str = "threads"
    n_jobs: int = -1
    address: str | None = None


ConfigStore.instance().store(group="hydra/launcher", name="stacked", node=StackedLauncherConf, provider="lossexp")


class StackedLauncher(Launcher):
    """Composes the jobs and gives them to the runner together."""

    def __init__(self, backend: str, n_jobs: int, address: str | None) -> None:
        self.backend, self.n_jobs, self.address = backend, n_jobs, address
        self.config: DictConfig | None = None
        self.hydra_context: HydraContext | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what composing needs."""
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run all jobs. Each ends in MLflow and in its run folder; none is returned."""
        from lossexp import cli

        assert self.hydra_context is not None
        assert self.config is not None
        engine: dict[str, Any] = {"backend": self.backend, "n_jobs": self.n_jobs, "address": self.address}
        cli.sweep(job_overrides, self.hydra_context.config_loader, self.config, engine)
        return []
