"""Arrays from IDX files, and what is not one."""

import gzip
import hashlib
import os
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lossexp.datasets.idx_format import read_idx
from lossexp.errors import DataError

from .idx_files import CODES, idx_bytes, write_idx

SMALL = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@given(
    array=arrays.arrays(
        st.sampled_from(sorted(CODES)), arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
    ),
    gzipped=st.booleans(),
)
def test_what_was_written_is_read(tmp_path_factory, array, gzipped):
    path = tmp_path_factory.mktemp("idx") / ("a.gz" if gzipped else "a")
    read = read_idx(write_idx(path, array))
    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert not read.flags.writeable


def test_the_beginning_of_the_labels_of_mnist_as_they_are_published(tmp_path):
    """The four bytes 00 00 08 01, 60000 as 00 00 ea 60, then the labels 5 0 4 1 9."""
    path = tmp_path / "labels"
    path.write_bytes(bytes.fromhex("00000801 0000ea60 0500040109") + bytes(59995))
    labels = read_idx(path)
    assert labels.shape == (60000,)
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]


def test_gzip_is_seen_from_the_content_whatever_the_name(tmp_path):
    (tmp_path / "packed").write_bytes(gzip.compress(idx_bytes(SMALL)))
    (tmp_path / "plain.gz").write_bytes(idx_bytes(SMALL))
    for name in ("packed", "plain.gz"):
        np.testing.assert_array_equal(read_idx(tmp_path / name), SMALL)


HUGE = struct.pack(">BBBB4I", 0, 0, 8, 4, *[2**32 - 1] * 4)

MALFORMED = {
    "empty": (b"", "begins with nothing"),
    "text": (b"5.1,3.5,setosa", "begins with 35 2e 31 2c"),
    "unknown type": (b"\0\0\x07\x01\0\0\0\0", "is not an IDX file"),
    "no axes": (b"\0\0\x08\0", "is not an IDX file"),
    "cut off in the header": (idx_bytes(SMALL)[:11], "cut off within its header of 3 axes"),
    "cut off": (idx_bytes(SMALL)[:-1], r"cut off: expected 24 bytes for an array \(2, 3, 4\)"),
    "longer": (idx_bytes(SMALL) + b"\0", "longer than its header says: expected 24"),
    "lying": (idx_bytes(SMALL, (2, 3, 5)), "cut off: expected 30"),
    "lying beyond all memory": (HUGE + b"\0\0", "cut off: expected 340282366"),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_refused_with_its_path(tmp_path, pack, content, message):
    path = tmp_path / "some file"
    path.write_bytes(pack(content))
    with pytest.raises(DataError, match=message) as error:
        read_idx(path)
    assert str(error.value).startswith(str(path))


def test_a_cut_off_gzip_is_refused(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(idx_bytes(SMALL))[:-9])
    with pytest.raises(DataError, match="cannot be read: .* download it again"):
        read_idx(path)


def test_little_memory_is_used_for_what_expands_without_end(tmp_path):
    """Ten megabytes of zeros behind the header of a small array: the rest is not unpacked."""
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(idx_bytes(SMALL) + bytes(10**7)))
    with pytest.raises(DataError, match="longer than its header says"):
        read_idx(path)


@pytest.mark.parametrize("name", ["missing", "folder", "pipe"])
def test_what_is_no_file_is_refused_without_waiting(tmp_path, name):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="expected an IDX file"):
        read_idx(tmp_path / name)


@pytest.mark.parametrize("name", ["a", "a.gz"])
@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_other_content_than_was_published_is_refused(tmp_path, name, algorithm):
    path = write_idx(tmp_path / name, SMALL)
    known = f"{algorithm}:{hashlib.new(algorithm, idx_bytes(SMALL)).hexdigest()}"
    np.testing.assert_array_equal(read_idx(path, known), SMALL)
    write_idx(path, SMALL[::-1])
    with pytest.raises(DataError, match=f"has other content than was published: its {algorithm}"):
        read_idx(path, known)
