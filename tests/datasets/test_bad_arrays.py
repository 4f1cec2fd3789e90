"""Files of arrays and tables that lie, are damaged, or are something else: one message each, nothing is executed."""

import contextlib
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossexp.datasets import NPY, NPZ, Feather, Parquet, SVMLight
from lossexp.errors import ConfigError, DataError

pytestmark = pytest.mark.usefixtures("here")

N = 40


class Canary:
    def __reduce__(self):
        return os.mkdir, ("canary",)


def test_python_objects_are_not_executed():
    objects = np.array([Canary()] * 3, dtype=object)
    np.save("objects.npy", objects, allow_pickle=True)
    np.savez("objects.npz", X=objects, y=np.arange(3))
    Path("pickle.npy").write_bytes(pickle.dumps(Canary()))
    for dataset in (NPY(path="objects.npy", target=0), NPZ(path="objects.npz"), NPY(path="pickle.npy", target=0)):
        with pytest.raises(DataError, match="Python objects, which are not loaded since they could execute anything"):
            dataset.load(0)
    assert not Path("canary").exists()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


X, Y = np.random.default_rng(0).standard_normal((N, 3)), np.arange(N) % 2
LYING = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 3), }".ljust(117) + b"\n"
HUGE = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + LYING + b"0" * 100
NEGATIVE, FAR, OPEN = (
    HUGE.replace(b"(99999999999, 3)", shape) for shape in (b"(-9999999999, 3)", b"(9999**99999, 3)", 16 * b"(")
)


@pytest.mark.parametrize(
    "content",
    [npy(X)[:-1], npy(X)[:100], npy(X)[:20], HUGE, NEGATIVE, FAR, OPEN, b"hello", b"PK\3\4hello"],
)
def test_an_array_that_is_cut_off_or_lies_about_its_shape(content):
    for path, dataset in (("a.npy", NPY(path="a.npy", target=0)), ("a.npz", NPZ(path="a.npz"))):
        Path(path).write_bytes(content)
        with pytest.raises(DataError, match=r"a\.np[yz] (cannot be read|is an NPY file)"):
            dataset.load(0)


def test_a_member_of_an_archive_that_lies_or_points_elsewhere(here):
    before = sorted(here.rglob("*"))
    archive(X=HUGE, y=npy(Y))
    with pytest.raises(DataError, match=r"a\.npz cannot be read"):
        NPZ(path="a.npz").load(0)
    archive(X=npy(X), y=npy(Y), **{"../../x": npy(X)})
    assert NPZ(path="a.npz").load(0).n_features == 3
    assert sorted(here.rglob("*")) == sorted([*before, here / "here" / "a.npz"])


def archive(**members):
    with zipfile.ZipFile("a.npz", "w") as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)


def test_arrays_that_do_not_fit():
    np.savez("a.npz", X=X, y=Y, short=Y[1:])
    np.save("X.npy", X)
    np.save("short.npy", Y[1:])
    np.save("text.npy", np.array(["a", "b"]))
    for dataset, message in (
        (NPZ(path="a.npz", features="Z"), r"has no array 'Z'\..* It has X, y, short\. .*dataset\.features=NAME"),
        (
            NPZ(path="a.npz", target="short"),
            r"no column 'short'.* short is left out: its shape is \(39,\), not \(40,\)",
        ),
        (NPY(path="X.npy"), r"dataset\.target is not set.*Columns: 0, 1, 2"),
        (NPY(path="X.npy", target_path="short.npy"), r"has 40 rows, but .*short\.npy has the shape \(39,\)"),
        (NPY(path="text.npy", target=0), "features of type <U1 and shape"),
        (NPY(path="a.npz", target=0), r"Use dataset=npz"),
    ):
        with pytest.raises(DataError, match=message):
            dataset.load(0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_arrays_with_numbers_that_are_not_finite(value):
    spoilt = X.copy()
    spoilt[7, 1] = value
    np.savez("a.npz", X=spoilt, y=Y)
    with pytest.raises(DataError, match="column 'x1' has 1 missing or infinite values, the first in row 7"):
        NPZ(path="a.npz", missing="error").load(0)


def test_formats_that_are_something_else():
    Path("hello").write_text("hello world, nothing else\n")
    pd.DataFrame({"a": [[1]] * 9, "y": [0, 1, 2] * 3}).to_parquet("lists.parquet")
    Path("wide.svm").write_text("0 1:1\n1 2000000000:1\n" * 9)
    Path("comment.svm").write_text("# nothing\n")
    Path("infinite.svm").write_text("0 1:1\n1 2:inf\n" * 9)
    for dataset, message in (
        (Parquet(path="hello", target="y"), "hello cannot be read as Parquet"),
        (Feather(path="hello", target="y"), "hello cannot be read as Feather"),
        (SVMLight(path="hello"), "hello cannot be read as SVMLight"),
        (Parquet(path="lists.parquet", target="y"), r"no column is left .* a is left out: it holds list<"),
        (Parquet(path="lists.parquet", target="a"), r"no column 'a' .* Columns: y; a is left out: it holds list<"),
        (SVMLight(path="wide.svm"), r"wide\.svm has features up to number 2000000000; expected at most 2097152"),
        (SVMLight(path="comment.svm"), r"comment\.svm has no rows"),
        (SVMLight(path="infinite.svm"), r"infinite\.svm: column 'x1' has 9 missing or infinite .* in row 1 "),
    ):
        with pytest.raises(DataError, match=message):
            dataset.load(0)


def test_numbers_of_another_machine():
    for name, array in (("X.npy", X), ("both.npy", np.column_stack([Y, X]))):
        np.save(name, array.astype(">f4"))
    np.savez("a.npz", X=X.astype(">f4"), y=Y.astype(">i8"))
    expected = NPZ(path="a.npz").load(0).train
    np.save("y.npy", Y)
    for dataset in (NPY(path="both.npy", target=0), NPY(path="X.npy", target_path="y.npy")):
        np.testing.assert_allclose(dataset.load(0).train.X, expected.X, atol=1e-6)


def test_members_of_an_archive_that_are_no_columns_are_left_out():
    content = {"X": npy(X), "y": npy(Y), "w": npy(Y * 1j), "t": npy(Y.astype("m8[D]")), "v": npy(np.zeros(N, "V4"))}
    archive(**content)
    with zipfile.ZipFile("a.npz", "a") as file:
        file.writestr("README.txt", "hello")
    for name in "wtv":
        with pytest.raises(DataError, match=f"no column '{name}'.* {name} is left out: it holds .*, no numbers"):
            NPZ(path="a.npz", target=name).load(0)
    assert NPZ(path="a.npz").load(0).n_features == 3


def test_an_archive_that_needs_a_password_or_another_program():
    archive(X=npy(X), y=npy(Y))
    content = Path("a.npz").read_bytes()
    local, central = b"PK\3\4\x14\0", b"PK\1\2\x14\3\x14\0"
    assert content.count(local) == content.count(central) == 2
    encrypted = content.replace(local + b"\0", local + b"\1").replace(central + b"\0", central + b"\1")
    unknown = content.replace(local + b"\0\0\0", local + b"\0\0\x63").replace(
        central + b"\0\0\0", central + b"\0\0\x63"
    )
    for spoilt, message in ((encrypted, "is encrypted"), (unknown, "compression method is not supported")):
        Path("a.npz").write_bytes(spoilt)
        with pytest.raises(DataError, match=rf"a\.npz cannot be read: .*{message}"):
            NPZ(path="a.npz").load(0)


def test_text_of_bytes_is_text():
    np.savez("a.npz", X=X, y=np.array([b"no", b"yes"])[Y])
    assert NPZ(path="a.npz").load(0).class_names == ("no", "yes")


def test_a_target_that_is_infinite_is_no_class():
    np.savez("a.npz", X=X, y=np.where(np.arange(N) == 3, np.inf, Y))
    with pytest.raises(DataError, match="column 'y' has 1 missing or infinite values, the first in row 3"):
        NPZ(path="a.npz").load(0)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 3", "unpack"),
        ("a 1:1", "could not convert"),
        ("0 2:1 1:1", "sorted and unique"),
        ("1 -1:2", "-1"),
    ],
)
def test_the_line_that_is_no_svmlight_is_named(line, message):
    Path("a.svm").write_text("0 1:1\n1 2:1\n" * 9 + f"{line}\n" + "0 1:1\n")
    with pytest.raises(DataError, match=rf"a\.svm cannot be read as SVMLight, in line 19: .*{message}.*Expected lines"):
        SVMLight(path="a.svm").load(0)


def test_svmlight_without_features():
    Path("a.svm").write_text("0\n1\n" * 9)
    with pytest.raises(DataError, match=r"a\.svm has no features that are not 0"):
        SVMLight(path="a.svm").load(0)


TABLE = pd.DataFrame(X, columns=list("abc")).assign(text=list("uv") * (N // 2), y=Y)


def arrow(table):
    file = io.BytesIO()
    table.to_feather(file, compression="uncompressed")
    return file.getvalue()


def zipped(compress):
    file = io.BytesIO()
    compress(file, X=X, y=Y)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "dataset"),
    [
        (arrow(TABLE), Feather(path="a", target="y")),
        (TABLE.to_parquet(), Parquet(path="a", target="y")),
        (zipped(np.savez_compressed), NPZ(path="a")),
        (npy(np.column_stack([X, Y])), NPY(path="a", target=3)),
    ],
    ids=["feather", "parquet", "npz", "npy"],
)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoilt=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4))
def test_bytes_that_are_spoilt_are_read_or_refused(content, dataset, spoilt):
    """Nothing else: neither another error nor the end of the process."""
    changed = bytearray(content)
    for place, value in spoilt:
        changed[int(place * len(changed))] = value
    Path("a").write_bytes(changed)
    with contextlib.suppress(DataError):
        dataset.load(0)


def test_arrow_that_lies_about_where_its_text_is():
    """It would be read from somewhere else in memory, or end the process."""
    where, elsewhere = (np.array(offsets, dtype=np.int64).tobytes() for offsets in ([0, 1, 2, 3], [0, 1, 2**40, 3]))
    content = arrow(pd.DataFrame({"text": ["a", "b", "c"]})).replace(where, elsewhere)
    assert elsewhere in content
    Path("a.arrow").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.arrow cannot be read as Feather"):
        Feather(path="a.arrow", target="text").load(0)


def test_text_that_is_no_utf_8():
    pa.feather.write_feather(pa.table({"text": pa.array([b"\xff", b"ok"] * 20).view(pa.string()), "y": Y}), "a.feather")
    with pytest.raises(DataError, match=r"a\.feather cannot be read as Feather: .*UTF8"):
        Feather(path="a.feather", target="y").load(0)


def test_columns_of_an_array_cannot_be_dropped_and_the_card_does_not_say_so():
    y = np.arange(N) % 2
    np.savez("data.npz", X=np.column_stack([np.random.default_rng(0).normal(size=N), 10.0 * y]), y=y)
    with pytest.raises(ConfigError, match=r"dataset\.drop=\['x1'\] does not fit data\.npz.*out of the array"):
        NPZ(path="data.npz", drop=("x1",)).load(0)
    assert NPZ(path="data.npz").load(0).card.suspects == [
        "x1 alone tells the target. If it is not known beforehand: leave it out of the array"
    ]
