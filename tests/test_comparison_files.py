"""A comparison as files."""

import csv
import json

import numpy as np
from PIL import Image

from lossexp import comparison_files
from lossexp.comparing import Compared
from lossexp.comparison import ranks
from lossexp.critical_difference import critical_difference_png
from tests.contests import CLEAR, contest


def test_every_pair_and_everything_else_is_written(tmp_path):
    lost = {**CLEAR, "brier": [float("nan")] * 8}
    found = contest(lost, notes=["This, and that."])
    paragraphs = comparison_files.write(tmp_path, "moons", Compared.of({"moons": found}))
    with (tmp_path / "comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["metric"], row["a"], row["b"]) for row in rows] == [
        (metric, a, b)
        for metric in ("accuracy", "log_loss_calibrated")
        for a, b in (("mse", "cce"), ("mse", "brier"), ("cce", "brier"))
    ]
    assert rows[0]["outcome"] == "B better"
    assert float(rows[0]["difference_low"]) < float(rows[0]["difference"]) < float(rows[0]["difference_high"]) < 0

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    tree = json.loads((tmp_path / "comparison.json").read_text(), parse_constant=refuse)
    assert [one["loss"] for one in tree["losses"]] == ["mse", "cce", "brier"]
    assert tree["losses"][0]["test"]["accuracy"] == CLEAR["mse"]
    assert tree["losses"][2]["test"]["accuracy"] == [None] * 8
    assert tree["losses"][0]["tuned"]["chosen"] == {"optimizer.lr": 0.1}
    assert [one["optimizer.lr"] for one in tree["losses"][0]["tuned"]["tried"]] == [0.1, 1, 10]
    assert tree["losses"][0]["tuned"]["edge"] == "lowest"
    assert tree["losses"][0]["runs"][0] == "mse-0"
    assert tree["seeds"] == list(range(3, 11))
    assert paragraphs[0].startswith("cce is better than mse: accuracy higher by")
    assert paragraphs[1] == "Note: This, and that."


def test_without_a_comparison_nothing_is_written(tmp_path):
    assert comparison_files.write(tmp_path, "moons", Compared.of({"other": contest(CLEAR)})) == []
    assert list(tmp_path.iterdir()) == []


def test_of_many_losses_the_sentences_are_few():
    many = {f"loss_{number}": (np.array(CLEAR["mse"]) - 0.01 * number).tolist() for number in range(12)}
    said = comparison_files.sentences(contest(many))
    assert len(said) == 2 * (comparison_files.SHOWN_SENTENCES + 1)
    assert said[comparison_files.SHOWN_SENTENCES] == "... and 5 more by accuracy: see comparison.csv."
    assert all(sentence.startswith("loss_0 ") for sentence in said[: comparison_files.SHOWN_SENTENCES])


def test_ranks_over_datasets_are_a_picture_and_a_sentence(tmp_path):
    compared = Compared.of({name: contest(CLEAR, dataset=name) for name in "abcde"})
    *_, said = comparison_files.write(tmp_path, "a", compared)
    assert said.startswith(
        "Over 5 datasets the losses differ, p < .001. Mean ranks tell two losses apart from a distance"
    )
    assert "of 1.48 on; not told apart: mse, brier." in said, "cce is 1.5 ranks from both"
    assert (tmp_path / "ranks.png").exists()


def test_alike_losses_are_joined_by_a_bar(tmp_path):
    """Of two losses at opposite ends and one in between, bars join what the ranks do not tell apart."""
    colours = []
    for n_datasets in (5, 60):
        scores = {name: np.arange(n_datasets) + shift for name, shift in (("a", 0.0), ("b", 0.1), ("c", 0.2))}
        ranking = ranks.rank_over_datasets(scores, higher_is_better=False)
        critical_difference_png(tmp_path / "ranks.png", ranking, "rmse")
        picture = np.asarray(Image.open(tmp_path / "ranks.png").convert("RGB")).astype(int)
        orange = (np.abs(picture - (0xE0, 0x7B, 0x1A)).sum(axis=2) < 30).any(axis=1)
        colours.append(np.count_nonzero(np.diff(orange.astype(int)) == 1))
        assert bool(ranking.groups) == (n_datasets == 5)
    assert colours == [1 + 2, 1], "the scale of the critical difference, then the bars"
