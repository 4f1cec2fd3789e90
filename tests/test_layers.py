"""Who may import whom. What is heavy is imported where it is needed, not when the program starts."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

import lossexp

PACKAGE = Path(lossexp.__file__).parent
HEAVY = (
    *("distributed", "jinja2", "joblib", "matplotlib", "mlflow", "pandas", "PIL", "pooch", "pyarrow", "rich", "scipy"),
    *("sklearn", "sympy", "yaml"),
)
CHOICES = ("datasets", "early_stopping", "losses", "models", "optimizers", "schedules")
"""Packages of things to choose from: they do not know each other."""


def module_name(path):
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def imports(path, *, at_start=False):
    """Return the modules that a file imports; `at_start`: those that are imported with it, not in its functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in _at_module_level(tree) if at_start else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from lossexp import runner` imports lossexp.runner.
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _at_module_level(tree):
    for node in tree.body:
        if isinstance(node, ast.If):  # TYPE_CHECKING
            continue
        yield from (inner for inner in ast.walk(node) if not isinstance(node, (ast.FunctionDef, ast.ClassDef)))


def importers(package):
    """Return the modules that import a package, anywhere in the file."""
    return {
        name
        for name, path in MODULES.items()
        if any(found == package or found.startswith(f"{package}.") for found in imports(path))
    }


def below(*parents):
    return {name for name in MODULES if any(name == parent or name.startswith(f"{parent}.") for parent in parents)}


COMMANDS = {name for name in MODULES if name.endswith(".__main__")}
READ_CONFIG = below(*(f"lossexp.{name}" for name in ("arguments", "cli", "composing", "hydra_messages", "plugins")))


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("mlflow", below("lossexp.trackers", "lossexp.sync", "lossexp.ui")),
        ("hydra", READ_CONFIG),
        ("omegaconf", {*READ_CONFIG, *COMMANDS, "lossexp.config"}),
        ("sklearn", below("lossexp.comparison", "lossexp.datasets", "lossexp.estimators")),
        (
            "matplotlib",
            below(*(f"lossexp.{name}" for name in ("critical_difference", "loss_pictures", "overview", "pictures"))),
        ),
        ("jinja2", below("lossexp.report")),
        ("rich", {*COMMANDS, "lossexp.comparison_table", "lossexp.progress", "lossexp.terminal"}),
        ("sympy", below("lossexp.symbolic")),
        ("joblib", below("lossexp.engines")),
        ("distributed", below("lossexp.engines")),
    ],
)
def test_a_library_is_imported_in_few_places(library, allowed):
    assert importers(library) <= allowed


HEAVY_THEMSELVES = below("lossexp.estimators", "lossexp.symbolic", "lossexp.trackers.predictor")


@pytest.mark.parametrize("name", sorted(MODULES.keys() - HEAVY_THEMSELVES))
def test_nothing_heavy_is_imported_at_the_start_of_a_module(name):
    heavy = {found for found in imports(MODULES[name], at_start=True) if found.partition(".")[0] in HEAVY}
    assert heavy == set()


@pytest.mark.parametrize("package", CHOICES)
def test_choices_are_strangers(package):
    others = tuple(f"lossexp.{other}" for other in CHOICES if other != package)
    found = {one for name in below(f"lossexp.{package}") for one in imports(MODULES[name])}
    assert not {one for one in found if one.startswith(others)}


ABOVE = (
    *(f"lossexp.{name}" for name in ("arguments", "cli", "compatibility", "composing", "config", "engines")),
    *(
        f"lossexp.{name}"
        for name in ("loss_axis", "loss_pictures", "overview", "pictures", "progress", "ranking", "run", "runner")
    ),
    *(f"lossexp.{name}" for name in ("record", "recorder", "sweeping", "sync", "synonyms", "terminal", "text_curves")),
    *(f"lossexp.{name}" for name in ("hydra_messages", "leftovers", "own_yaml", "trackers", "ui")),
    *(
        f"lossexp.{name}"
        for name in ("compare", "estimators", "loading", "predict", "protocol", "report", "resuming", "serving")
    ),
    *(
        f"lossexp.{name}"
        for name in ("comparing", "comparison_files", "comparison_table", "critical_difference", "same_examples")
    ),
    *(f"lossexp.{name}" for name in ("drawing", "entries", "judgement", "tuning")),
)
"""What knows configurations, folders, trackers and screens."""

NUMBERS = tuple(
    f"lossexp.{name}"
    for name in (
        *CHOICES,
        *("batching", "building", "checkpoints", "comparison", "components", "constant", "differentiation", "errors"),
        *("evaluation", "experiment", "links", "locking", "metrics", "numerics", "prediction", "probabilities"),
        *("randomness", "rows", "sharing", "stacking", "stepping", "symbolic", "targets", "trained", "training"),
        "verdict",
    )
)
"""What computes."""


@pytest.mark.parametrize("name", sorted(below(*NUMBERS) - COMMANDS))
def test_what_computes_knows_nothing_of_what_runs_it(name):
    known = imports(MODULES[name])
    assert not {one for one in known if any(one == above or one.startswith(f"{above}.") for above in ABOVE)}


def test_trackers_and_configurations_do_not_know_each_other():
    above = ("lossexp.config", "lossexp.runner", "lossexp.run", "lossexp.cli", "lossexp.engines", "lossexp.training")
    found = {one for name in below("lossexp.trackers") for one in imports(MODULES[name])}
    assert not {one for one in found if any(one == name or one.startswith(f"{name}.") for name in above)}


def test_every_module_has_its_layer():
    layered = below(*ABOVE, *NUMBERS, "lossexp.testing", "lossexp.plugins") | COMMANDS
    assert layered == MODULES.keys() - {"lossexp"}


@pytest.mark.parametrize("module", ["lossexp.cli", "lossexp.runner", "lossexp.config", "lossexp.composing"])
def test_starting_loads_nothing_heavy(module):
    asked = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded or module == "lossexp.cli"
    assert set(loaded) & (set(HEAVY) - {"yaml"}) == set()  # yaml: OmegaConf is built on it


def test_hydra_finds_the_plugins_without_anything_of_ours():
    """Hydra imports every plugin at the start of every Hydra program."""
    for name in below("lossexp.plugins"):
        assert not {one for one in imports(MODULES[name], at_start=True) if one.startswith("lossexp")}
