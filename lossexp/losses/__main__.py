"""`python -m lossexp.losses`: the table of all losses; with names, a picture of their shapes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lossexp import CONFIG_DIR, building
from lossexp.errors import EXIT_USER_ERROR, ConfigError, LossexpError, StorageError
from lossexp.losses import Loss
from lossexp.losses.formula import TextLoss
from lossexp.losses.sum import Sum, written_out
from lossexp.targets import Target, Task, encode

_TARGETS = (Target(Task.REGRESSION), Target(Task.BINARY, 2), Target(Task.MULTICLASS, 3))
_HEADS = ("loss", "formula", "target", "link", "convex", "estimates", "source")
_WIDE = 140
"""From so many characters on there is a column for every fact."""


@dataclass(frozen=True)
class Choice:
    """One YAML file of the group `loss`.

    Attributes:
        path: The file.
        settings: What it says.
    """

    path: Path
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is chosen by."""
        return self.path.stem

    @property
    def is_complete(self) -> bool:
        """Tell whether every setting has a value."""
        return "???" not in self.settings.values()

    def kind(self) -> type[Loss]:
        """Return its class."""
        return building.component_class(str(self.settings.get("_target_")), f"{self.path}: _target_", Loss)  # type: ignore[type-abstract]

    def loss(self) -> Loss:
        """Return the loss.

        Raises:
            ConfigError: A setting has no value, or one that is not allowed.
        """
        if not self.is_complete:
            raise ConfigError(
                f"loss={self.name} is not complete: it is yours to write. Put it into a YAML of your own, with "
                f"_target_: {self.settings['_target_']}, and give its folder: --config-dir"
            )
        return building.component(f"{self.path}: loss", self.settings, Loss)  # type: ignore[type-abstract]


def choices(config_dirs: Sequence[Path]) -> dict[str, Choice]:
    """Return all losses by name; of two with the same name that of the earlier folder.

    Raises:
        ConfigError: A folder does not exist, or a file cannot be read.
    """
    import yaml

    for folder in config_dirs:
        if not folder.is_dir():
            raise ConfigError(f"--config-dir {folder}: there is no such folder.")
    found = {}
    for path in [path for folder in reversed(config_dirs) for path in sorted(folder.glob("loss/*.yaml"))]:
        try:
            settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        if not isinstance(settings, dict):
            raise ConfigError(f"{path} is not a loss: expected a mapping with a _target_.")
        found[path.stem] = settings, path
    known = {name: settings for name, (settings, _) in found.items()}
    return {
        name: Choice(path, written_out(settings, known, f"{path}: loss"))
        for name, (settings, path) in sorted(found.items())
    }


def row(choice: Choice) -> tuple[str, ...]:
    """Return the cells of the table for one loss, in the order of the heads."""
    facts = choice.loss() if choice.is_complete else choice.kind()
    links, domain, convex = ["depends"], "", "depends"
    if isinstance(facts, Loss):
        links = [facts.link_name(target) for target in _TARGETS if target.task in facts.accepts]
        domain = f" {facts.target_domain}".rstrip()
        convex = _convexity(facts)
    kinds = [f"a number{domain}"] if Task.REGRESSION in facts.accepts else []
    if Task.BINARY in facts.accepts:
        kinds.append("classes" if Task.MULTICLASS in facts.accepts else "two classes")
    target, link = ", ".join(kinds), ", ".join(dict.fromkeys(links))
    return choice.name, facts.formula, target, link, convex, facts.estimates, facts.source


def _convexity(loss: Loss) -> str:
    """Say whether a loss is convex in raw: as it says itself; a formula or a sum as far as numbers can tell.

    A point of the value above a chord refutes it. That there is none among those that are tried proves nothing.
    """
    if not isinstance(loss, (TextLoss, Sum)):
        by_link = {loss.link_name(kind): loss.on(kind).convex for kind in _TARGETS if kind.task in loss.accepts}
        links = [link for link, is_convex in by_link.items() if is_convex]
        return "yes" if len(links) == len(by_link) else f"yes with {', '.join(links)}" if links else "no"
    if loss.convex or (isinstance(loss, TextLoss) and loss.is_surely_convex):
        return "yes"
    is_refuted = any(_is_above_a_chord(loss, target) for target in _TARGETS if target.task in loss.accepts)
    return "no" if is_refuted else "not refuted"


def _is_above_a_chord(loss: Loss, target: Target) -> bool:
    """Tell whether the value is above some of many chords about the targets and far from them."""
    settled, rng, n = loss.on(target), np.random.default_rng(0), 5000
    n_outputs = settled.n_outputs(target)
    y = rng.integers(0, target.n_classes, n) if target.task.is_classes else rng.exponential(3, n)
    encoded = encode(y, target, n_outputs, np.float64)[:, None]
    middle, half = rng.normal(0, 1, (2, n_outputs, 1, n)) * 10 ** rng.uniform(-1, 2, (2, 1, 1, n))
    with np.errstate(all="ignore"):
        value, left, right = (settled.value(encoded + middle + side * half, encoded) for side in (0, -1, 1))
        return bool(np.any(value - (left + right) / 2 > 1e-9 * (1 + np.abs(left) + np.abs(right))))


def show_table(rows: Sequence[Sequence[str]]) -> None:
    """Print the table; one line per loss with tabs where it is piped, two lines and more where it is narrow."""
    if not sys.stdout.isatty():
        for cells in (_HEADS, *rows):
            print("\t".join(cells))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    is_wide = console.width >= _WIDE
    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=("", "dim") if is_wide else ())
    table.add_column(_HEADS[0], no_wrap=True)
    for head in _HEADS[1:] if is_wide else ("formula, then " + ", ".join(_HEADS[2:]),):
        table.add_column(head)
    for name, formula, target, link, convex, estimates, source in rows:
        if is_wide:
            table.add_row(*map(Text, (name, formula, target, link, convex, estimates, source)))
        else:
            facts = f"target {target}; link {link}; convex: {convex}; estimates {estimates}; {source}"
            table.add_row(Text(name), Text.assemble(formula, "\n", (facts, "dim")))
    console.print(table)


def draw(names: Sequence[str], known: Mapping[str, Choice], folder: Path) -> Path:
    """Draw the shapes of some losses into a folder, and return the picture.

    Raises:
        ConfigError: A name is unknown.
        StorageError: The picture cannot be written.
    """
    from lossexp.loss_pictures import loss_shapes_png
    from lossexp.synonyms import unknown_choice

    for name in names:
        if name not in known:
            raise ConfigError(unknown_choice("loss", name, list(known)))
    losses = {name: known[name].loss() for name in names}
    path = folder / f"losses-{'-'.join(names)[:80]}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot write to {folder}: {error.strerror}.") from error
    loss_shapes_png(path, losses)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m lossexp.losses", description="List all losses, or draw the shapes of some."
    )
    parser.add_argument("names", nargs="*", help="losses to draw: value, gradient and weight of an example")
    parser.add_argument(
        "--config-dir", type=Path, help="folder with YAML files of your own, as in my_conf/loss/mine.yaml"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where pictures go (default: runs)")
    options = parser.parse_args(arguments)
    try:
        known = choices([folder for folder in (options.config_dir, CONFIG_DIR) if folder])
        if options.names:
            print(draw(options.names, known, options.runs))
        else:
            show_table([row(choice) for choice in known.values()])
    except LossexpError as error:
        print(f"lossexp: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
