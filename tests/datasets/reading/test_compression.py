"""Compressed files: read like others, whatever their name; refused before they fill the memory."""

import bz2
import gzip
import io
import lzma
import os
import zipfile

import numpy as np
import pytest

from lossexp.datasets import NPZ
from lossexp.datasets.reading import compression
from lossexp.datasets.reading.compression import uncompressed
from lossexp.datasets.reading.delimited import Delimited
from lossexp.datasets.reading.formats import read_rows
from lossexp.errors import DataError

TEXT = b"a,b\n1,x\n2,y\n"
MIB = 2**20


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


PACKED = {"gz": gzip.compress(TEXT), "bz2": bz2.compress(TEXT), "xz": lzma.compress(TEXT), "zip": zipped({"a": TEXT})}


@pytest.fixture
def little_memory(monkeypatch):
    """A machine with 4 MiB."""
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 4, "SC_PAGE_SIZE": MIB}.__getitem__)


@pytest.mark.parametrize("ending", PACKED)
def test_a_compressed_file_is_read_whatever_it_is_called(tmp_path, ending):
    for name in (f"a.csv.{ending}", "a.csv"):
        path = tmp_path / name
        path.write_bytes(PACKED[ending])
        assert uncompressed(path) == TEXT
        assert read_rows(path, Delimited()).to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("ending", PACKED)
def test_a_damaged_one_is_refused(tmp_path, ending):
    path = tmp_path / "a"
    path.write_bytes(PACKED[ending][:-9])
    with pytest.raises(DataError, match=r"a is .*, but cannot be unpacked: "):
        uncompressed(path)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, lambda content: zipped({"a": content})])
def test_what_unpacks_to_a_quarter_of_memory_is_the_most(tmp_path, pack):
    path = tmp_path / "a"
    path.write_bytes(pack(bytes(MIB)))
    assert len(uncompressed(path)) == MIB
    path.write_bytes(pack(bytes(MIB + 1)))
    assert path.stat().st_size < 3000
    with pytest.raises(DataError, match=r"unpacks to more than 0\.0 GiB, a quarter of memory\. .*dataset=parquet"):
        uncompressed(path)


def test_no_more_than_that_is_unpacked(tmp_path, monkeypatch):
    """The rest of a gigabyte of zeros is never looked at."""
    asked = []

    class Endless(io.BytesIO):
        def read(self, size=-1):
            asked.append(size)
            return bytes(size)

    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 4, "SC_PAGE_SIZE": MIB}.__getitem__)
    monkeypatch.setitem(compression._PACKED, b"\x1f\x8b", ("gzipped", lambda path: Endless()))
    (tmp_path / "a").write_bytes(PACKED["gz"])
    with pytest.raises(DataError, match="unpacks to more"):
        uncompressed(tmp_path / "a")
    assert asked == [MIB + 1]


@pytest.mark.usefixtures("little_memory")
def test_an_archive_of_arrays_larger_than_memory_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", X=np.zeros((2**18, 2)), y=np.zeros(2**18))
    with pytest.raises(DataError, match=r"a\.npz unpacks to 0\.0 GiB, more than the .*dataset=npy"):
        NPZ(path=str(tmp_path / "a.npz")).load(0)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.csv": TEXT, "b.csv": TEXT}, r"is a ZIP archive of 2 files, expected one: a\.csv, b\.csv\. Unpack it"),
        ({}, "is a ZIP archive of 0 files"),
        ({"[Content_Types].xml": b"", "xl/sheet.xml": b""}, r"is an Excel file, not text\. Save the sheet as CSV"),
    ],
)
def test_an_archive_that_is_not_of_one_file(tmp_path, members, message):
    (tmp_path / "a.zip").write_bytes(zipped(members) if members else empty())
    with pytest.raises(DataError, match=message):
        uncompressed(tmp_path / "a.zip")


def empty():
    """Return an archive without files that begins as others do, with bytes that belong to none."""
    return b"PK\3\4" + zipped({})


def test_what_a_mac_adds_to_an_archive_does_not_count(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"data/": b"", "data/a.csv": TEXT, "__MACOSX/data/._a.csv": b"\0"}))
    assert uncompressed(tmp_path / "a.zip") == TEXT
