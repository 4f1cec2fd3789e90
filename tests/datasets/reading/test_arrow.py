"""Tables of Arrow, in all files that hold them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from lossexp.datasets import Parquet
from lossexp.datasets.reading.arrow import read_feather, read_parquet

TABLE = pd.DataFrame({"a": [1.5, -2.0, 0.0], "b": ["u", "v", "u"]})


def test_a_stream_of_arrow_is_read_as_a_file_of_it(tmp_path):
    table = pa.Table.from_pandas(TABLE)
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    assert read_feather(tmp_path / "a.arrow").named.to_dict("list") == TABLE.to_dict("list")


def test_the_index_of_pandas_is_no_column(tmp_path):
    TABLE.set_index(pd.Index([7, 3, 4])).to_parquet(tmp_path / "a.parquet")
    found = read_parquet(tmp_path / "a.parquet")
    assert list(found.named.columns) == ["a", "b"]
    assert found.notes == ("__index_level_0__ is left out: it is what pandas calls the index of the rows",)
    TABLE.set_index(pd.Index([7, 3, 4], name="id")).to_parquet(tmp_path / "a.parquet")
    assert list(read_parquet(tmp_path / "a.parquet").named.columns) == ["a", "b", "id"]


def test_the_name_of_a_folder_is_no_column(tmp_path):
    (tmp_path / "year=2020").mkdir()
    TABLE.to_parquet(tmp_path / "year=2020" / "a.parquet")
    assert list(read_parquet(tmp_path / "year=2020" / "a.parquet").named.columns) == ["a", "b"]


def test_two_columns_of_one_name(tmp_path):
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["a", "a"])
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read_parquet(tmp_path / "a.parquet").named.to_dict("list") == {"a": [1.0], "a (2)": [2.0]}


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_dates_that_nanoseconds_cannot_hold(tmp_path, unit):
    """9999-12-31 stands for no end in many tables."""
    days = np.array(["0001-01-01", "9999-12-31", "2024-02-01"] * 10, f"M8[{unit}]")
    table = pa.table({"day": days, "y": np.arange(30) % 2})
    parquet.write_table(table, tmp_path / "a.parquet")
    data = Parquet(path=str(tmp_path / "a.parquet"), target="y", standardize=False).load(0)
    place = data.feature_names.index("day (days)")
    assert set(data.train.X[:, place]) == {-719162.0, 2932896.0, 19754.0}
