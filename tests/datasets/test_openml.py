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
def folder(tmp_path, monkeypatch):
    """Return the folder of the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "lossexp" / "openml"


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


def test_a_table_is_downloaded_once_and_its_target_is_known(asked, folder):
    for root in (None, None, str(folder)):
        data = OpenML(id=61, root=root).load(0)
    assert asked == [61]
    assert [path.name for path in folder.iterdir()] == ["61.parquet"]
    assert (data.name, data.target_name, data.class_names) == ("openml_61", "class", ("no", "yes"))
    assert data.feature_names == ("length", "colour=a", "colour=b", "colour=c", "colour=d")
    assert socket.getdefaulttimeout() is None


def test_another_column_can_be_the_target(asked, folder):
    data = OpenML(id=61, target="length", drop=("class",)).load(0)
    assert data.target == Target(Task.REGRESSION)
    assert data.feature_names == ("colour=a", "colour=b", "colour=c", "colour=d")


def test_a_folder_of_the_users_is_only_read(asked, tmp_path):
    with pytest.raises(DataError, match=r"61\.parquet is not in dataset\.root=.*leave dataset\.root out, and"):
        OpenML(id=61, root=str(tmp_path / "mine")).load(0)
    assert asked == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (URLError(OSError("Name or service not known")), "Name or service not known"),
        (ValueError("No known OpenML dataset with id=61"), "No known OpenML dataset with id=61"),
    ],
)
def test_what_cannot_be_downloaded_is_said_with_what_to_do(monkeypatch, folder, error, why):
    def fail(**_):
        raise error

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fail)
    with pytest.raises(DataError) as caught:
        OpenML(id=61).load(0)
    first, _, path, setting = str(caught.value).splitlines()
    assert first.startswith("dataset=openml dataset.id=61 cannot be downloaded: ")
    assert why in first
    assert path == f"  {folder / '61.parquet'}"
    assert setting.endswith("dataset.root=PATH")
    assert list(folder.iterdir()) == []


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "61.parquet").write_bytes(b"no Parquet")
    with pytest.raises(DataError, match=r"61\.parquet cannot be read: .*Remove it"):
        OpenML(id=61, root=str(tmp_path)).load(0)
