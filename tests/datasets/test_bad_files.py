"""Files that cannot be used: each gets one message that says what and where; nothing hangs or is executed."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lossexp.datasets import CSV
from lossexp.errors import ConfigError, DataError

pytestmark = pytest.mark.usefixtures("here")

N = 40


def rows(line, n=N):
    return "".join(f"{line(row)}\n" for row in range(n))


GOOD = "a,b,y\n" + rows(lambda row: f"{row / 2},{'uvw'[row % 3]},{row % 2}")


def load(content, path="my.csv", **settings):
    Path(path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return CSV(path=path, **{"target": "y", **settings}).load(0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"dataset\.path=my\.csv is empty: 0 bytes"),
        ("\n \n\n", r"my\.csv is empty: it has no line with anything on it"),
        ("a,b,y\n", r"my\.csv has a header and no rows"),
        ("a,b,y\n1,2,3\n", r"my\.csv has 1 row\(s\)\. Expected at least one for training"),
        ("a,b,y\n1,2,3\n2,3,4\n", "of 2 rows, 1 are for validation and 1 for testing"),
        (GOOD + "1,u\n", "line 42 has 2 values, expected 3 as in the first line"),
        (GOOD + "1,u,1,\n", "line 42 has 4 values, expected 3"),
        (GOOD + '1,"u\nv",1\n1,u\n', "line 44 has 2 values"),
        (GOOD + '1,"u,1\n', "line 42 has 2 values"),
        (
            GOOD.encode() + b"1,\xe9,1\n",
            "the byte 0xe9 at offset 348, in line 42, is not utf-8.*dataset.encoding=latin-1",
        ),
        (b"\xff" + GOOD.encode(), "the byte 0xff at offset 0, in line 1, is not utf-8"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-9], "is gzipped, but cannot be unpacked"),
        (GOOD + "1e999,u,1\n", r"column 'a' has 1 missing or infinite values, the first in row 40 .*: inf"),
        (GOOD + "-inf,u,1\n", "column 'a' has 1 missing or infinite values, the first in row 40 .*: -inf"),
        (GOOD + "1e200,u,1\n", r"column 'a' has 1 values beyond 1e\+150, whose squares overflow"),
        (GOOD + "1,u,\n", "the target 'y' is missing in 1 of 41 rows, first in row 40"),
        (GOOD + "x,u,1\n", "column 'a' has numbers, but also 'x', first in row 40"),
        (
            "a,y\n" + rows(lambda row: f"2024-02-{row + 1:02},{row % 2}", n=30),
            "column 'a' has dates, but also '2024-02-30', first in row 29",
        ),
        ("a" * 200_000 + ",y\n1,2\n", "my.csv: field larger than field limit .*, in one of the first lines"),
        (
            "a,y\n" + rows(lambda row: f"{row},{'1e999' if row == 7 else row % 2}"),
            "column 'y' has 1 missing or infinite values, the first in row 7 .*: inf",
        ),
        (
            "a;y\n" + rows(lambda row: f"{row},5;{row % 2}"),
            r"column 'a' has numbers with a comma, such as '0,5'.*decimal=','",
        ),
        ("a,y\n" + rows(lambda row: f"{row},no"), "the target 'y' is 'no' in all 40 rows: there is nothing to learn"),
        ("a,y\n" + rows(lambda row: f"{row},2.5"), "the target 'y' is '2.5' in all 40 rows"),
        ("a,y\n" + rows(lambda row: f"{row},{row + 1}e307"), "column 'y' has 40 values beyond"),
        (
            "a,y\n" + rows(lambda row: f"{row},name {row}"),
            "the target 'y' has 40 different values in 40 rows, too many",
        ),
        ("a,y\n" + rows(lambda row: f"{row},2024-01-{row % 28 + 1:02}"), "the target 'y' is a date"),
        (
            "name,y\n" + rows(lambda row: f"n{row},{row % 2}"),
            "no column is left that could be a feature.*name is left out",
        ),
    ],
)
def test_a_file_that_cannot_be_learned_from(content, message):
    with pytest.raises(DataError, match=message):
        load(content)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": None}, r"dataset\.target is not set.*Columns: a, b, y\. E\.g\. dataset\.target=y"),
        ({"target": "Y"}, r"my\.csv has no column 'Y' \(dataset\.target\)\. .*Columns: a, b, y"),
        ({"target": "aa"}, r"no column 'aa' .*Did you mean a\?"),
        ({"target": 3}, r"no column '3' "),
        ({"weight": "w"}, r"no column 'w' \(dataset\.weight\)"),
        ({"drop": ["c"]}, r"no column 'c' \(dataset\.drop\)"),
        ({"weight": "y"}, r"dataset\.weight=y is another setting's column already"),
        ({"weight": "b"}, r"dataset\.weight=b has values such as 'u'; expected numbers"),
        ({"time": "b"}, r"dataset\.time=b has values such as 'u'; expected numbers or dates"),
        ({"group": "y", "target": "a"}, r"dataset\.group=y has 2 different values; expected at least 3"),
        ({"split_column": "b"}, r"dataset\.split_column=b has 'u' in row 0 .*expected train, val, test"),
        ({"task": "regression", "target": "b"}, r"the target 'b' is text, such as 'u'.*dataset\.task=auto"),
        ({"task": "multiclass"}, r"has 2 classes, so dataset\.task=multiclass does not fit\. Use dataset\.task=binary"),
        ({"task": "binary", "target": "b"}, r"has 3 classes, .*Use dataset\.task=multiclass"),
        ({"encoding": "klingon"}, r"dataset\.encoding=klingon is not known"),
        ({"encoding": "undefined"}, r"dataset\.encoding=undefined is not known"),
        ({"encoding": "utf\0"}, r"dataset\.encoding=utf\0 is not known"),
        ({"separator": "::"}, r"separator='::' is not allowed: expected one character such as ; or \\t"),
        ({"separator": "\n"}, r"separator='\\n' is not allowed"),
        ({"separator": "x"}, "separator='x' is not allowed"),
        ({"thousands": "."}, r"thousands='\.' is not allowed: expected another character than decimal='\.', or null"),
        ({"decimal": ","}, "column 'a' has numbers such as '0.0', which dataset.decimal=',' does not fit"),
        ({"header": False}, r"column '0' has numbers, but also 'a', first in row 0"),
        ({"outliers": 0.1}, r"dataset\.outliers=0\.1 does not fit my\.csv, which has two classes"),
        ({"val_path": "no.csv"}, r"dataset\.val_path=no\.csv: there is no such file"),
    ],
)
def test_a_setting_that_does_not_fit_the_file(settings, message):
    with pytest.raises((DataError, ConfigError), match=message):
        load(GOOD, **settings)


@pytest.mark.parametrize("column", ["a", "b"])
def test_missing_features_can_be_refused(column):
    content = GOOD + {"a": ",u,1\n", "b": "1,?,1\n"}[column]
    with pytest.raises(DataError, match=f"column '{column}' has 1 missing values, the first in row 40"):
        load(content, missing="error")
    assert f"{column} is missing" in load(content).feature_names


@pytest.mark.parametrize("weights", [[-1, 1], [0, 0], [np.inf, 1], [np.nan, 1]])
def test_weights_are_numbers_at_least_0(weights):
    content = "w,a,y\n" + rows(lambda row: f"{weights[row % 2]},{row},{row % 2}")
    with pytest.raises(DataError, match=r"dataset\.weight=w goes from|column 'w' has 20 missing or infinite"):
        load(content, weight="w")


def test_a_group_or_time_that_is_missing():
    content = "g,a,y\n" + rows(lambda row: f"{row % 5 or ''},{row},{row % 2}")
    for role in ("group", "time"):
        with pytest.raises(DataError, match=rf"dataset\.{role}=g is missing in 8 rows, first in row 0"):
            load(content, **{role: "g"})


def test_a_class_only_in_validation_is_named():
    load(GOOD + "1,u,2\n", "val.csv")
    with pytest.raises(DataError, match=r"none of the 40 training rows is of class 2, which can then not be learnt"):
        load(GOOD, val_path="val.csv")


def test_files_with_other_columns():
    load(GOOD.replace("a,b,y", "a,c,y"), "val.csv")
    with pytest.raises(DataError, match=r"val\.csv lacks b and also has c, compared with .*my\.csv"):
        load(GOOD, val_path="val.csv")


def test_paths_that_are_no_files(here):
    os.mkfifo("pipe.csv")
    os.symlink("nowhere.csv", "link.csv")
    load(GOOD, "goods.csv")
    for path, message in {
        "goodz.csv": r"dataset\.path=goodz\.csv: there is no such file in .*here\. Did you mean goods\.csv\?",
        "no/goods.csv": r"and no folder .*no\. The path is relative to the current folder",
        ".": r"dataset\.path=\. is a folder",
        "pipe.csv": r"dataset\.path=pipe\.csv is a pipe or a device",
        "/dev/zero": r"dataset\.path=/dev/zero is a pipe or a device",
        "x" * 5000: "cannot be read: File name too long",
        "nul\0": "cannot be read: embedded null byte",
        "link.csv": r"dataset\.path=link\.csv is a link to nowhere\.csv, which is not there",
    }.items():
        with pytest.raises(DataError, match=message):
            CSV(path=path, target="y").load(0)


def test_a_file_without_permission(monkeypatch):
    load(GOOD)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may read everything
    with pytest.raises(DataError, match=r"dataset\.path=my\.csv cannot be read: permission denied"):
        CSV(path="my.csv", target="y").load(0)


def test_text_larger_than_memory_is_not_begun_with(monkeypatch):
    Path("my.csv").write_text(GOOD)
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 3, "SC_PAGE_SIZE": 4}.__getitem__)
    with pytest.raises(DataError, match=r"my\.csv has 0\.0 GiB, more than the 0\.0 GiB of memory.*dataset=parquet"):
        CSV(path="my.csv", target="y").load(0)


def test_a_sheet_or_a_table_that_is_called_csv():
    np.savez("a.npz", y=np.arange(N))
    pd.DataFrame({"y": np.arange(N)}).to_parquet("y.parquet")
    for path, message in (
        ("a.npz", "is an array of NumPy, not text. Use dataset=npy, or npz"),
        ("y.parquet", "Use dataset=parquet"),
    ):
        with pytest.raises(DataError, match=message):
            CSV(path=path, target="y").load(0)


def test_a_name_is_asked_for_where_there_is_no_header():
    with pytest.raises(DataError, match=r"no column 'y' .*; the first line is a row already: .*\(dataset\.header\)"):
        load(GOOD.partition("\n")[2])


def test_what_looks_bad_but_is_not():
    names = '"=cmd|\' /C calc\'!A0","<script>alert(1)</script>",y\n'
    hostile = load(names + rows(lambda row: f"{row},{row * row % 7},{row % 2}"))
    assert hostile.feature_names == ("=cmd|' /C calc'!A0", "<script>alert(1)</script>")
    constant = load("a,b,y\n" + rows(lambda row: f"3,u,{row * 1.5}"))
    np.testing.assert_array_equal(constant.train.X[:, 0], 0)
    twice = load("a,a,y\n" + rows(lambda row: f"{row},{row},{row % 2}"))
    assert twice.feature_names == ("a", "a (2)")
    np.testing.assert_array_equal(twice.train.X[:, 0], twice.train.X[:, 1])


def test_many_columns():
    """What is done for each column does not grow with their number: here that would take minutes."""
    n = 5000
    content = ",".join(f"c{place}" for place in range(n)) + ",y\n"
    content += rows(lambda row: ",".join([str(row / 2)] * n) + f",{row % 2}", n=12)
    assert load(content).n_features == n
