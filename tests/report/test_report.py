"""The report as a whole: what is in it, whatever became of the runs; nothing in it that runs or is loaded."""

import dataclasses
import re
import shlex
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from lossexp import comparing, metrics, ranking, runner
from lossexp import report as package
from lossexp.comparing import Compared
from lossexp.engines import Engine
from lossexp.errors import StorageError
from lossexp.report import write_report
from tests.composed import jobs, small_jobs
from tests.report.sweeps import report, trained

ALWAYS = ["verdicts", "ranking", "again"]
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return two losses at three learning rates with three seeds; nothing changes them."""
    folder = tmp_path_factory.mktemp("runs")
    return trained(folder, "loss=mse,bce", "optimizer.lr=0.01,0.1,1", "seed=range(3)")


@pytest.fixture(scope="module")
def page(runs, tmp_path_factory):
    return report(tmp_path_factory.mktemp("report") / "report.html", runs, compared=True)


def test_everything_is_there_in_order(page):
    sections = ["verdicts", "ranking", "comparison", "curves", "learning-rates", "skill", "reliability", "shapes"]
    assert page.names() == [*sections, "again"]
    links = [attributes["href"][1:] for tag, attributes in page.tags if tag == "a"]
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert set(page.names()) <= set(links) <= targets
    assert page.in_tags("h1") == ["moons"]
    assert "18 runs, 2 losses, 6 settings, 3 seeds" in page.sections["head"]
    assert "36 training + 12 validation + 12 test examples" in page.sections["head"]


def test_nothing_runs_and_nothing_is_loaded(runs, tmp_path):
    page = report(tmp_path / "report.html", runs, compared=True)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "img", "iframe", "object", "base", "form"})
    for _, attributes in page.tags:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "srcset", "xlink:href")}
        assert attributes.get("href", "#").startswith("#")
    assert not re.search(r"url\(|@import|https?:|//[a-z]", html)
    (policy,) = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_every_value_is_escaped(runs, tmp_path):
    hostile = [_with_hostile_names(run) for run in runs]
    hostile[0].finished, hostile[0].failure = None, HOSTILE
    page = report(tmp_path / "report.html", hostile, compared=True)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "<img" not in html
    assert page.names() == [*ALWAYS[:2], "comparison", "curves", "learning-rates", "skill", "reliability", "shapes"] + [
        "again"
    ]
    assert page.in_tags("h1") == [HOSTILE]
    for section in ("head", "verdicts", "ranking", "comparison", "curves", "shapes", "again"):
        assert "alert(1)" in page.sections[section]


def _with_hostile_names(run):
    loss, verdict = f"{run.job.choices['loss']}{HOSTILE}", dataclasses.replace(run.verdict, sentence=HOSTILE)
    overrides = tuple(o.replace("loss=", f"loss={HOSTILE}") for o in run.job.overrides)
    job = dataclasses.replace(
        run.job, choices={**run.job.choices, "dataset": HOSTILE, "loss": loss}, overrides=(*overrides, f"x={HOSTILE}")
    )
    return dataclasses.replace(run, job=job, verdict=verdict)


def test_the_table_has_means_deviations_and_intervals(runs, page):
    rows = ranking.rank(runs)
    heads, *shown = [cells for section, cells in page.rows if section == "ranking"]
    assert heads[:4] == ["#", "loss", "lr", "runs"]
    assert [cells[1:4] for cells in shown] == [[*row.settings.values(), "3"] for row in rows]
    for row, cells in zip(rows, shown, strict=True):
        for name, cell in zip(metrics.names(runs[0].data.target), cells[4:7], strict=True):
            values = [run.metrics[f"val/{name}"][-1] for run in row.runs]
            mean, sd, *interval = (float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", cell))
            assert mean == pytest.approx(np.mean(values), rel=1e-3)
            assert sd == pytest.approx(np.std(values, ddof=1), rel=0.06, abs=1e-12)
            if sd:
                expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
                assert interval == pytest.approx(np.clip(expected, *metrics.bounds(name)), rel=1e-3, abs=1e-4)


def test_the_verdicts_of_all_runs_are_counted(runs, page):
    by_loss = {loss: [run.verdict.name for run in runs if run.job.choices["loss"] == loss] for loss in ("mse", "bce")}
    key = dict(text.split(": ") for text in page.in_tags("li") if re.fullmatch(r"[a-z ()]+: \d+", text))
    names = [name for of_loss in by_loss.values() for name in of_loss]
    assert key == {name: str(names.count(name)) for name in set(names)}
    widths = [attributes["style"] for _, attributes in page.tags if attributes.get("style", "").startswith("flex:")]
    assert sum(int(width.removeprefix("flex:")) for width in widths) == len(runs)
    best = ranking.rank(runs)[0].runs[0]
    assert best.verdict.sentence in page.sections["verdicts"]


def test_every_command_makes_the_runs_of_its_row_again(runs, page):
    commands = page.in_tags("code")
    rows = ranking.rank(runs)
    assert len(commands) == len(rows)
    for row, command in zip(rows, commands, strict=True):
        python, *words = shlex.split(command)
        assert [python, *words[:3]] == ["python", "-m", "lossexp", "-m"]
        assert [job.experiment for job in jobs(*words[3:])] == [run.job.experiment for run in row.runs]


def test_a_sweep_of_one_loss_over_its_settings_compares_those(tmp_path):
    runs = trained(tmp_path, "loss=focal", "loss.gamma=0,2")
    page = report(tmp_path / "report.html", runs)
    assert page.names() == [*ALWAYS[:2], "curves", "skill", "reliability", "shapes", "again"]
    assert "focal loss.gamma=2" in page.sections["curves"]
    assert "2 losses" in page.sections["head"]
    assert "a single seed does not tell a difference from chance" in page.sections["head"]


def test_numbers_have_no_reliability(tmp_path):
    linear = ("dataset=linear", "loss=mse,mae", "optimizer.lr=0.01,0.1", "seed=range(2)")
    page = report(tmp_path / "report.html", trained(tmp_path, *linear), compared=True)
    sections = ["comparison", "curves", "learning-rates", "skill", "shapes"]
    assert page.names() == ["verdicts", "ranking", *sections, "again"]
    assert "RMSE" in page.sections["ranking"]


def test_a_loss_without_a_bound_has_no_skill(tmp_path):
    page = report(tmp_path / "report.html", trained(tmp_path, "dataset=linear", "loss=gaussian_nll"))
    assert "skill" not in page.names()


def test_diverged_runs_are_told_and_marked(tmp_path):
    runs = trained(tmp_path, "dataset=linear", "loss=mse,mae", "optimizer.lr=0.01,0.1,1e4", "training.epochs=20")
    assert sum(run.problem == "diverged" for run in runs) == 2
    page = report(tmp_path / "report.html", runs)
    assert "2 of 6 runs diverged." in page.sections["head"]
    crosses = page.classes("cross")
    assert len(crosses) == 2 * 3  # one for each run and metric
    assert page.in_tags("title").count("mse, 10000: diverged") == 3


@pytest.mark.parametrize(
    ("failure", "words"), [("", "Try a smaller optimizer.lr"), ("OSError: disk full", "disk full")]
)
def test_without_a_single_sound_run_there_is_a_report(tmp_path, failure, words):
    runs = trained(tmp_path, "dataset=linear", "loss=mse", "optimizer.lr=1e4,1e5", "training.epochs=20")
    if failure:
        runs = [dataclasses.replace(run, finished=None, verdict=None, failure=failure) for run in runs]
    page = report(tmp_path / "report.html", runs)
    assert page.names() == ALWAYS
    assert "None of the 2 runs ended well." in page.sections["head"]
    assert words in page.sections["head"]


def test_runs_without_a_verdict_and_without_epochs_have_a_report(tmp_path):
    runs = trained(tmp_path, "loss=mse,bce", "training.epochs=0")
    page = report(tmp_path / "report.html", [dataclasses.replace(run, verdict=None) for run in runs])
    assert "no verdict: 2" in page.sections["verdicts"]
    assert "overfit" not in page.sections["head"]


def test_each_verdict_is_named_where_it_is_counted(tmp_path):
    page = report(tmp_path / "report.html", trained(tmp_path, "dataset=linear", "loss=mse", "optimizer.lr=0.01,1e4"))
    bars = [text for text in page.in_tags("span") if text.endswith("diverged")]
    assert bars == ["1 diverged"], "colours alone say nothing to some readers, and several verdicts share one"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_what_verdicts_are_written_on_stand_out_from_the_paper(scheme):
    style = (Path(package.__file__).parent / "report.css").read_text(encoding="utf-8")
    colours = dict(
        re.findall(r"--(\w+): (#\w+)", style.split(":root")[1 if scheme == "light" else 2].partition("}")[0])
    )
    lights = {name: luminance(colour) + 0.05 for name, colour in colours.items()}
    for name in ("ink", "soft", "accent", "good", "warn", "bad", "lost", "idle"):
        contrast = max(lights[name], lights["paper"]) / min(lights[name], lights["paper"])
        assert contrast > 4.5, f"{name} in the {scheme} scheme: {contrast:.1f}, what WCAG 2 asks of text is 4.5"


def luminance(colour):
    """Return the relative luminance of WCAG 2 of a colour such as `#fff` or `#2470b3`."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_what_scrolls_is_named_and_reached_by_keyboard(tmp_path):
    page = report(tmp_path / "report.html", trained(tmp_path, "loss=mse,bce", "seed=0,1"), compared=True)
    regions = page.classes("scroll")
    assert len(regions) == 5, "ranking, comparison, two forests and the matrix"
    assert {(region["tabindex"], region["role"]) for region in regions} == {("0", "region")}
    assert len({region["aria-label"] for region in regions}) == 5


def test_it_is_small_and_quickly_written(tmp_path):
    runs = trained(tmp_path, "training.epochs=100", "loss=mse,bce", "optimizer.lr=0.01,0.1,1,3", "seed=range(8)")
    assert len(runs) == 64
    rows, compared = ranking.rank(runs), Compared.of({"breast_cancer": comparing.of_sweep(runs)})
    started = time.perf_counter()
    write_report(tmp_path / "report.html", runs, rows, compared)
    assert time.perf_counter() - started < 3
    assert (tmp_path / "report.html").stat().st_size < 300_000


def test_a_sweep_ends_with_its_report(tmp_path, capsys):
    assert runner.sweep(small_jobs(f"runs_dir={tmp_path}", "loss=mse,bce"), Engine()) == 0
    (artifact,) = tmp_path.glob("records/moons/*/report.html")
    (copy,) = tmp_path.glob("reports/*-moons.html")
    assert artifact.read_bytes() == copy.read_bytes()
    assert f"report   {copy}" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_named(runs, tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "report.html"
    with pytest.raises(StorageError, match=re.escape(f"Cannot write the report {path}: ")):
        write_report(path, runs, ranking.rank(runs))
