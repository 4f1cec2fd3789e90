"""Numbers and dates in other ways of writing: read where they can mean one thing only."""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossexp.datasets import CSV
from lossexp.datasets.reading.delimited import Delimited
from lossexp.datasets.reading.written import Writing
from lossexp.errors import DataError


def read(values, **settings):
    found, notes = Writing(**settings).read(pd.DataFrame({"a": values}), ["a"], Path("my.csv"))
    return found["a"].tolist() if found else None, notes


@pytest.mark.parametrize(
    ("texts", "numbers", "settings"),
    [
        (["$5", "$-1.5", "-$2", "7"], [5, -1.5, -2, 7], {}),
        (["5.1%", "6 %"], [5.1, 6], {}),
        (["5,1 €", "€ 6"], [5.1, 6], {"decimal": ","}),
        (["1,234.50", "2"], [1234.5, 2], {}),
        (["1,234,567", "2,000"], [1234567, 2000], {}),
        (["1.234,50", "2.000"], [1234.5, 2000], {"decimal": ","}),
        (["$1,234", "$2"], [1234, 2], {}),
        (["1 234", "12\N{NO-BREAK SPACE}345\N{NARROW NO-BREAK SPACE}678.5"], [1234, 12345678.5], {}),
        (["1'234"], [1234], {}),
        (["1,234", "2,000"], [1234, 2000], {"thousands": ","}),
        (["1.234", "2"], [1234, 2], {"decimal": ",", "thousands": "."}),
        (["red", "blue"], None, {}),
        (["A11", "A12"], None, {}),
        (["70 kg", "80 kg"], None, {}),
        (["1,23.5", "2"], None, {}),
        (["1,2345,678", "2"], None, {}),
        (["$5", "free"], None, {}),
        (["-$-5", "$6"], None, {}),
        (["555-1234", "555-9876"], None, {}),
        (["10.0.0.1", "10.0.0.2"], None, {}),
    ],
)
def test_numbers(texts, numbers, settings):
    assert read(texts, **settings)[0] == numbers


def test_what_was_left_out_of_numbers_is_told():
    assert read(["$5", "7 %"])[1] == ["a is read as numbers without the $ and % beside them"]
    assert read(["1,234.50"])[1] == ["numbers have commas between thousands (dataset.thousands)"]
    assert read(["1 234"])[1] == ["a is read as numbers without the spaces between thousands"]


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1), st.sampled_from(["", "$"]))
def test_numbers_come_back(values, sign):
    values = [1000, *values]
    assert read([f"{sign}{value:,}.00" for value in values])[0] == values


@pytest.mark.parametrize(
    ("texts", "settings", "message"),
    [
        (
            ["1,062", "12,345"],
            {},
            r"such as '1,062'.*dataset\.decimal=','; if .*between thousands: dataset\.thousands=','",
        ),
        (["1,062", "0,345"], {}, r"such as '1,062'.*dataset\.decimal=','$"),
        (
            ["1.062", "12.345"],
            {"decimal": ","},
            r"decimal=',' does not fit; if .*between thousands: dataset\.thousands='\.'",
        ),
        (
            [*(f"{day}/01/2024" for day in range(10, 31)), "31/02/2024"],
            {},
            "has dates, but also '31/02/2024', first in row 21",
        ),
        ([*"123456789", "11", "-"], {}, r"but also '-'.* a missing value: 'dataset\.missing_values=\[\"-\"\]'"),
    ],
)
def test_what_could_be_meant_in_two_ways_is_refused(texts, settings, message):
    with pytest.raises(DataError, match=message):
        read(texts, **settings)


MARCH_5 = pd.Timestamp("2024-03-05")


@pytest.mark.parametrize(
    ("texts", "dates", "note"),
    [
        (["05/03/2024", "31/12/2024"], [MARCH_5, pd.Timestamp("2024-12-31")], "the day before the month"),
        (["03/05/2024", "12/31/2024"], [MARCH_5, pd.Timestamp("2024-12-31")], "the month before the day"),
        (["5.3.2024", "31.12.2024"], [MARCH_5, pd.Timestamp("2024-12-31")], "the day before the month"),
        (
            ["05-03-2024 14:30", "31-12-2024 00:00"],
            [pd.Timestamp("2024-03-05 14:30"), pd.Timestamp("2024-12-31")],
            "day",
        ),
        (
            ["3/5/2024 2:30 PM", "3/15/2024 12:00 AM"],
            [pd.Timestamp("2024-03-05 14:30"), pd.Timestamp("2024-03-15")],
            "m",
        ),
        (["2024/03/05"], [MARCH_5], None),
        (["05-Mar-2024"], [MARCH_5], None),
        (["March 5, 2024"], [MARCH_5], None),
        (["31/12/2024", "12/31/2024"], None, None),
        (["05/03/24", "31/12/24"], None, None),
        (["31/02/2024"], None, None),
        (["2024"], None, None),
    ],
)
def test_dates(texts, dates, note):
    found, notes = read(texts)
    assert found == dates
    assert len(notes) == (note is not None)
    assert note is None or note in notes[0]


def test_a_missing_date_stays_missing():
    found, _ = read(["31/12/2024", None])
    assert found[0] == pd.Timestamp("2024-12-31")
    assert pd.isna(found[1])


def test_the_day_is_not_guessed():
    texts = ["01/02/2024", "03/04/2024"]
    found, notes = read(texts)
    assert found is None
    assert "a stays text: of dates such as '01/02/2024'" in notes[0]
    assert "dataset.day_first=true" in notes[0]
    assert read(texts, day_first=True)[0] == [pd.Timestamp("2024-02-01"), pd.Timestamp("2024-04-03")]
    assert read(["31/12/2024"], day_first=False)[0] == [pd.Timestamp("2024-12-31")]
    assert read(texts, day_first=False)[0] == [pd.Timestamp("2024-01-02"), pd.Timestamp("2024-03-04")]


def test_another_column_of_the_file_can_tell_the_day():
    open_dates, american, other = ["01/02/2024"] * 2, ["01/13/2024"] * 2, ["13/01/2024"] * 2
    for columns, expected in (
        ({"a": open_dates, "b": american}, pd.Timestamp("2024-01-02")),
        ({"a": open_dates, "b": other}, pd.Timestamp("2024-02-01")),
        ({"a": open_dates, "b": other, "c": american}, None),
    ):
        found, _ = Writing().read(pd.DataFrame(columns), list(columns), Path("my.csv"))
        assert found["b"].notna().all()
        assert expected is None if "a" not in found else found["a"].tolist() == [expected] * 2


@given(st.lists(st.dates(datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)), min_size=1), st.booleans())
def test_a_date_is_read_as_it_was_written_or_not_at_all(dates, day_first):
    found, _ = read([date.strftime("%d/%m/%Y" if day_first else "%m/%d/%Y") for date in dates])
    same = all(date.day == date.month for date in dates)
    assert (found is None) == all(date.day <= 12 for date in dates) or same
    if found is not None:
        assert [value.date() for value in found] == dates


def test_new_rows_are_read_as_those_of_training(tmp_path):
    """On their own they would not say which is the day and what is between thousands."""
    training, new = tmp_path / "a.csv", tmp_path / "b.csv"
    training.write_text('day,sum\n31/12/2024,"1,234.50"\n01/02/2024,"2"\n')
    new.write_text('day,sum\n01/02/2024,"1,062"\n')
    settled = Delimited().settled(Delimited()(training).notes)
    found = settled(new).named
    assert found["day"].tolist() == [pd.Timestamp("2024-02-01")]
    np.testing.assert_array_equal(found["sum"], [1062])


def test_what_is_recognized_in_one_file_holds_for_the_others(tmp_path):
    """In the second file alone the first of February and the second of January look alike, and so do 1.062 and 1062."""
    train, val = tmp_path / "train.csv", tmp_path / "val.csv"
    rows = "".join(f'{day}/01/2024,"{day},000.50",{day % 2}\n' for day in range(10, 30))
    train.write_text(f"day,sum,y\n{rows}")
    val.write_text('day,sum,y\n01/02/2024,"1,062",1\n02/02/2024,"2,000",0\n')
    data = CSV(path=str(train), val_path=str(val), target="y", standardize=False, test_fraction=0).load(0)
    days = (np.datetime64("2024-02-01") - np.datetime64("1970-01-01")).astype(float)
    features = dict(zip(data.feature_names, data.val.X[data.val.y == 1][0], strict=True))
    assert features["day (days)"] == days
    assert features["sum"] == 1062
