"""What is installed is what is in the repository: code, YAML files, plugins."""

import os
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import lossexp
from lossexp import CONFIG_DIR

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_yaml_files_are_found():
    assert CONFIG_DIR == ROOT / "conf"
    assert (CONFIG_DIR / "config.yaml").is_file()


def test_the_version_is_said_once():
    assert PROJECT["project"]["version"] == lossexp.__version__ == metadata.version("lossexp")


def test_extras_hold_what_tests_and_benchmarks_import():
    extras = PROJECT["project"]["optional-dependencies"]
    assert {"dask", "dev", "bench"} <= set(extras)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the folder of an unpacked wheel."""
    wheels = pytest.importorskip("hatchling.builders.wheel")
    built = tmp_path_factory.mktemp("wheel")
    (path,) = wheels.WheelBuilder(str(ROOT)).build(directory=str(built), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        archive.extractall(built / "site")
    return built / "site"


def test_the_wheel_holds_all_code_all_yaml_files_and_the_plugins(wheel):
    def below(folder, *suffixes):
        found = (path for path in folder.rglob("*") if path.suffix in suffixes and "__pycache__" not in path.parts)
        return {path.relative_to(folder) for path in found}

    plugins = ROOT / "lossexp" / "plugins"
    kinds = (".py", ".typed", ".j2", ".css")
    code = {path for path in below(ROOT / "lossexp", *kinds) if path.parts[0] != "plugins"}
    assert below(wheel / "lossexp", *kinds) == code
    assert below(wheel / "lossexp" / "conf", ".yaml") == below(CONFIG_DIR, ".yaml")
    assert below(wheel / "hydra_plugins", ".py") == below(plugins / "hydra_plugins", ".py")
    assert {path.name for path in wheel.iterdir()} == {
        "lossexp",
        "hydra_plugins",
        f"lossexp-{lossexp.__version__}.dist-info",
    }


def test_the_wheel_runs_in_any_folder(wheel, tmp_path):
    """The folder of the wheel comes first on the path, before the repository that tests are run from."""
    environment = {**os.environ, "PYTHONPATH": str(wheel), "PYTHONSAFEPATH": "1"}

    def python(*arguments):
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    found = python("-c", "import lossexp, hydra_plugins.lossexp as p; print(lossexp.CONFIG_DIR, p.__file__, sep='\\n')")
    assert found.split() == [str(wheel / "lossexp" / "conf"), str(wheel / "hydra_plugins" / "lossexp" / "__init__.py")]
    arguments = ("dataset=moons", "dataset.n_samples=60", "training.epochs=1", "tracker=none")
    assert "2 runs, 2 epochs" in python("-m", "lossexp", "-m", "loss=mse,bce", *arguments)
    assert len(list(tmp_path.glob("runs/records/moons/*/done.json"))) == 3  # two runs, and the sweep itself
