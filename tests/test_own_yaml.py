"""YAML files of the user's that would take all time or memory are refused; others are left to Hydra."""

import pytest

from lossexp.errors import ConfigError
from lossexp.own_yaml import MAX_BYTES, refuse_huge

LAUGHS = (
    "a: &a ["
    + "x, " * 10
    + "x]\n"
    + "".join(f"{b}: &{b} [{f'*{a}, ' * 10}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("link: " + "x" * MAX_BYTES, r"has \d+ bytes: expected settings, in at most 1048576 bytes\."),
        (LAUGHS, r"has more than 10000 values, with its aliases written out\."),
        ("a: &a [*a]", r"has more than 10000 values"),
        ("a:\n" + " - 1\n" * 10_000, r"has more than 10000 values"),
    ],
    ids=["long", "billion laughs", "inside itself", "many"],
)
@pytest.mark.parametrize("name", ["loss/mine.yaml", "experiment/of/mine.yaml"])
def test_huge_files_are_refused(text, reason, name, tmp_path):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=f"^{tmp_path / name} {reason}"):
        refuse_huge(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "_target_: lossexp.losses.Huber\ndelta: 1.0\n",
        "a: &a [1, 2]\nb: *a\nc: {d: *a}\n",
        "a: [",
        "a: !!python/object/apply:os.system [exit]",
        b"a: \xff",
        "text",
    ],
)
def test_other_files_are_left_to_hydra(text, tmp_path):
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss" / "mine.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    refuse_huge(tmp_path)


def test_what_is_no_choice_is_not_looked_at(tmp_path):
    (tmp_path / "runs").mkdir()
    for place in ("data.yaml", "runs/config.yaml"):
        (tmp_path / place).write_text(LAUGHS)
    refuse_huge(tmp_path)


def test_a_folder_that_is_not_there_is_left_to_hydra(tmp_path):
    refuse_huge(tmp_path / "nowhere")
