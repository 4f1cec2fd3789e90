"""How text with one row per line is written, seen from its first lines."""

import csv
import gzip
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossexp.datasets.reading.delimited import Delimited, _separator
from lossexp.errors import DataError

LINES = [["name", "size", "day", "ok"], ["ann", "1.5", "2024-01-31", "true"], ["bob, jr", "-2", "2024-02-01", "false"]]
EXPECTED = {
    "name": ["ann", "bob, jr"],
    "size": [1.5, -2.0],
    "day": [pd.Timestamp("2024-01-31"), pd.Timestamp("2024-02-01")],
    "ok": [True, False],
}


def written(lines=LINES, encoding="utf-8", **dialect):
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(lines)
    return text.getvalue().encode(encoding)


def read(folder, content, **settings):
    path = folder / "my.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Delimited(**settings)(path)


@pytest.mark.parametrize(
    "content",
    [
        written(),
        written(delimiter=";"),
        written(delimiter="\t"),
        written(delimiter="|"),
        written(delimiter=" "),
        written(lineterminator="\n"),
        written(encoding="utf-8-sig"),
        written(encoding="utf-16"),
        written(quoting=csv.QUOTE_ALL),
        written(quoting=csv.QUOTE_ALL, quotechar="'"),
        gzip.compress(written(), mtime=0),
        written(lineterminator="\r"),
        b"\r\r" + written(lineterminator="\r"),
        b"\n\n" + written() + b"\n\n",
        written([[f"  {value} " for value in line] for line in LINES], delimiter=";"),
    ],
)
def test_however_it_is_written_it_is_read(tmp_path, content):
    assert read(tmp_path, content).named.to_dict("list") == EXPECTED


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(
                st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6),
                min_size=width,
                max_size=width,
            ),
            min_size=1,
            max_size=6,
        )
    ),
    st.sampled_from(",;\t|"),
)
def test_text_comes_back_as_it_was_but_for_white_space_around_it(tmp_path_factory, rows, separator):
    names = [f"c{place}" for place in range(len(rows[0]))]
    lines = [[f"x{value}y" for value in row] for row in rows]  # so that nothing is a number or missing
    content = written([names, *lines], delimiter=separator, quoting=csv.QUOTE_ALL)
    found = read(tmp_path_factory.mktemp("text"), content, header=True, separator=separator)
    assert found.named.astype(object).to_numpy().tolist() == lines


def test_other_encodings_are_said(tmp_path):
    latin = [["naïve", "y"], ["café", "1"], ["thé", "2"]]
    found = read(tmp_path, written(latin, encoding="latin-1"), encoding="latin-1").named
    assert found.to_dict("list") == {"naïve": ["café", "thé"], "y": [1, 2]}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a,b\n1,2\n3,4\n", ["a", "b"]),
        ("1,2\n3,4\n", ["0", "1"]),
        ("x,1\ny,2\n", ["0", "1"]),
        ("x,y\nu,v\n", ["x", "y"]),
        ("x,y\nx,y\nx,z\n", ["0", "1"]),
        ('"",a\n1,2\n', ["0", "a"]),
        ("a,a,a\n1,2,3\n", ["a", "a (2)", "a (3)"]),
        ("ham,go there\nspam,win\nham,ok then\n", ["0", "1"]),
        ("a,y\na,1\nb,2\n", ["a", "y"]),
        ("?,a\n1,b\n2,c\n", ["?", "a"]),
        ("?,a\n1,b\n2,a\n", ["0", "1"]),
        ("0,1,2\n1.5,2,a\n", ["0", "1", "2"]),
        (",0,1,2\n0,1.5,2,a\n", ["0", "0 (2)", "1", "2"]),
    ],
)
def test_names_of_columns(tmp_path, content, names):
    found = read(tmp_path, content)
    assert list(found.named.columns) == names
    assert ("from 0" in found.notes[0]) == (names == ["0", "1"])
    settled = Delimited().settled(found.notes)
    assert settled.header == ("from 0" not in found.notes[0])
    assert settled == Delimited(header=settled.header).settled([])


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        ("1,5;2,5;3,5\n4,5;5,5;6,5\n", ";"),
        ("a\tb, c\n1\t2, 3\n", "\t"),
        ("a,b c\n1,2 3\n", ","),
        ("a b\n1 2\n", " "),
        ("a\n1\n", ","),
    ],
)
def test_what_separates_values_is_in_every_line(content, separator):
    assert _separator(content.splitlines(keepends=True), '"') == separator


def test_a_header_can_be_said(tmp_path):
    assert list(read(tmp_path, "2019,2020\n1,2\n", header=True).named.columns) == ["2019", "2020"]
    assert read(tmp_path, "a,b\nc,d\n", header=False).named.to_dict("list") == {"0": ["a", "c"], "1": ["b", "d"]}


@pytest.mark.parametrize("missing", ["", "?", "NA", "n/a", "<NA>", "NaN", " ", " ? ", "null"])
def test_what_stands_for_a_missing_value(tmp_path, missing):
    found = read(tmp_path, f"a,b\n1,x\n{missing},{missing}\n2.5,y\n").named
    np.testing.assert_array_equal(found["a"], [1, np.nan, 2.5])
    assert found["b"].isna().tolist() == [False, True, False]


def test_other_texts_can_stand_for_a_missing_value(tmp_path):
    found = read(tmp_path, "a,b\n1,x\n-, none \n2.5,y\n", missing_values=("-", "none")).named
    np.testing.assert_array_equal(found["a"], [1, np.nan, 2.5])
    assert found["b"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("separator", [" ", None])
def test_columns_that_are_lined_up_by_spaces(tmp_path, separator):
    content = '  mpg  name          day  \r\n 18.0\t\t"chevrolet  v8"  1\r\n\r\n  9   "ford"          12\n'
    found = read(tmp_path, content, separator=separator).named
    assert found.to_dict("list") == {"mpg": [18.0, 9.0], "name": ["chevrolet  v8", "ford"], "day": [1, 12]}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_excel_says_what_separates_values(tmp_path, mark):
    found = read(tmp_path, f"{mark}sep=^\r\na, b^y\r\n1^2\r\n")
    assert found.named.to_dict("list") == {"a, b": [1], "y": [2]}
    with pytest.raises(DataError, match="line 3 has 3 values, expected 2"):
        read(tmp_path, f"{mark}sep=^\r\na^y\r\n1^2^3\r\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n".encode("utf-16-le"), r"has a null byte at offset 1, .*UTF-16: dataset\.encoding=utf-16-le"),
        (b"a,b\n1,\x002\n", "has a null byte at offset 6, which no text has"),
        ('{"a": 1}\n{"a": 2}\n', r"is JSON, no table of values\. Write it as CSV: pandas\.read_json"),
        ('[{"a": 1}]', r"is JSON, no table of values"),
        (b"ARROW1\0\0", r"is a Feather file, not text\. Use dataset=feather"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an Excel file, not text"),
        ("My sheet\n\na,b\n1,2\n", "line 3 has 2 values, expected 1 .*leave out a title above the names"),
    ],
)
def test_what_is_no_table_of_text_is_named(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, content)


def test_utf_16_without_a_mark_can_be_said(tmp_path):
    found = read(tmp_path, written(encoding="utf-16-le"), encoding="utf-16-le")
    assert found.named.to_dict("list") == EXPECTED


def test_only_the_start_of_a_huge_line_is_looked_at_to_find_the_separator(tmp_path):
    """A gigabyte without the end of a line would be copied several times."""
    with pytest.raises(DataError, match="field larger than field limit"):
        read(tmp_path, b"a" * (2**24 + 100) + b"\n1\n")


def test_decimal_commas(tmp_path):
    found = read(tmp_path, "a;b\n1,5;x\n-2,25;y\n", decimal=",").named
    assert found["a"].tolist() == [1.5, -2.25]


def test_dates_are_dates_with_white_space_around_them_too(tmp_path):
    found = read(tmp_path, "a, b\n1, 2024-01-31\n2, \n3, 2024-02-01\n").named
    assert found["b"].tolist() == [pd.Timestamp("2024-01-31"), pd.NaT, pd.Timestamp("2024-02-01")]


def test_types_are_seen_from_all_rows_not_from_the_first(tmp_path):
    """Arrow infers types from the first block, by default a megabyte."""
    rows = "".join(f"{row},{row % 7}\n" for row in range(200_000))
    found = read(tmp_path, f"a,b\n{rows}1.5,x9\n2,y\n".replace(",6\n", ",w6\n")).named
    assert found["a"].dtype == np.float64
    assert found["b"].iloc[-1] == "y"
