"""What the README says, held against the program."""

import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_table_of_losses_is_the_one_that_the_program_prints():
    printed = subprocess.run(
        [sys.executable, "-m", "lossexp.losses"], capture_output=True, encoding="utf-8", check=True
    ).stdout
    rows = [line.split("\t") for line in printed.splitlines()[1:]]
    expected = [
        f"| `{name}` | " + " | ".join(fact.replace("|", "\\|") for fact in facts) + " |" for name, *facts in rows
    ]
    assert [line for line in README.splitlines() if line.startswith("| `") and line.count(" | ") >= 6][1:] == expected


def test_the_loss_and_the_dataset_of_the_readme_work(tmp_path):
    loss, dataset = (block for block in re.findall(r"```python\n(.*?)```", README, re.S))
    (tmp_path / "my_losses.py").write_text(loss)
    (tmp_path / "my_datasets.py").write_text(dataset)
    for group, text in (
        ("loss", "_target_: my_losses.Cauchy\nscale: 1.0\n"),
        ("dataset", "_target_: my_datasets.Parabola\n"),
    ):
        (tmp_path / "my_conf" / group).mkdir(parents=True)
        (tmp_path / "my_conf" / group / "mine.yaml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "lossexp", "--config-dir", "my_conf", "loss=mine", "dataset=mine", "tracker=none"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Completed after epoch 100" in done.stdout


def test_the_pictures_are_there():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert pictures
    assert all((Path(__file__).parents[1] / picture).is_file() for picture in pictures)
