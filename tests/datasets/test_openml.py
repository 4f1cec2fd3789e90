"""Tables of openml.org, with a stand-in for the download of scikit-learn."""

import socket
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from sklearn.utils import Bunch

from lossexp.datasets import OpenML
from lossexp.errors import DataError
from lossexp.targets import Target, Task


@pytest.fixture
def asked(monkeypatch):
    """Return what was downloaded, in place of which there is a table whose target comes first."""
    calls = []

    def fetch(*, data_id, data_home, as_frame, parser, n_retries):
        calls.append(data_id)
        assert socket.getdefaulttimeout() is not None
        kind = pd.Categorical(["yes", "no"] * 20)
        frame = pd.DataFrame({"class": kind, "length": np.arange(40.0), "colour": pd.Categorical(list("abcd") * 10)})
        return Bunch(frame=frame, target_names=["class"])

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    return calls


def test_a_table_is_downloaded_once_and_its_target_is_known(asked, tmp_path):
    for _ in range(2):
        data = OpenML(id=61, root=str(tmp_path)).load(0)
    assert asked == [61]
    assert [path.name for path in tmp_path.iterdir()] == ["61.parquet"]
    assert (data.name, data.target_name, data.class_names) == ("openml_61", "class", ("no", "yes"))
    assert data.feature_names == ("length", "colour=a", "colour=b", "colour=c", "colour=d")
    assert socket.getdefaulttimeout() is None


def test_another_column_can_be_the_target(asked, tmp_path):
    data = OpenML(id=61, root=str(tmp_path), target="length", drop=("class",)).load(0)
    assert data.target == Target(Task.REGRESSION)
    assert data.feature_names == ("colour=a", "colour=b", "colour=c", "colour=d")


def test_without_root_it_is_kept_in_the_cache(asked, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    OpenML(id=61).load(0)
    assert (tmp_path / "lossexp" / "openml" / "61.parquet").is_file()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (URLError(OSError("Name or service not known")), "Name or service not known"),
        (ValueError("No known OpenML dataset with id=61"), "No known OpenML dataset with id=61"),
    ],
)
def test_what_cannot_be_downloaded_is_said_with_what_to_do(monkeypatch, tmp_path, error, why):
    def fail(**_):
        raise error

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fail)
    with pytest.raises(DataError) as caught:
        OpenML(id=61, root=str(tmp_path)).load(0)
    first, _, path, setting = str(caught.value).splitlines()
    assert first.startswith("dataset=openml dataset.id=61 cannot be downloaded: ")
    assert why in first
    assert path == f"  {tmp_path / '61.parquet'}"
    assert setting.endswith("dataset.root=PATH")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "61.parquet").write_bytes(b"no Parquet")
    with pytest.raises(DataError, match=r"61\.parquet cannot be read: .*Remove it"):
        OpenML(id=61, root=str(tmp_path)).load(0)
