"""The content of a file that may be compressed, which is seen from its first bytes; never more than memory can take."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from lossexp.errors import DataError

ENDINGS = (".gz", ".bz2", ".xz", ".zip")
"""What the name of a compressed file ends in, behind the ending of its format."""
UNPACKED_SHARE = 1 / 4
"""Of memory, that what is unpacked may take: while it is read it is there more than once."""


def uncompressed(path: Path) -> bytes:
    """Return the content of a file, unpacked where it is compressed: gzip, bzip2, xz, or a ZIP archive of one file.

    Raises:
        DataError: It is damaged, larger than memory, unpacks to too much, or holds several files.
    """
    memory = _memory()
    if (size := path.stat().st_size) > memory:
        raise DataError(
            f"{path} has {_gib(size)}, more than the {_gib(memory)} of memory, and text is read as a whole. {_INSTEAD}"
        )
    with path.open("rb") as file:
        start = file.read(8)
    kind, unpack = next((found for magic, found in _PACKED.items() if start.startswith(magic)), ("", None))
    if unpack is None:
        return path.read_bytes()
    most = int(memory * UNPACKED_SHARE)
    try:
        with unpack(path) as content:
            unpacked = content.read(most + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        raise DataError(
            f"{path} is {kind}, but cannot be unpacked: {error}. If it was copied, copy it again."
        ) from error
    if len(unpacked) > most:
        raise DataError(f"{path} is {kind}, and unpacks to more than {_gib(most)}, a quarter of memory. {_INSTEAD}")
    return unpacked


def refuse_large_members(path: Path) -> None:
    """Refuse a ZIP archive of arrays that unpack to more than memory has.

    Raises:
        DataError: It does, or it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        size, memory = sum(member.file_size for member in archive.infolist()), _memory()
    if size > memory:
        raise DataError(
            f"{path} unpacks to {_gib(size)}, more than the {_gib(memory)} of memory. Save its arrays as NPY files, "
            "which are streamed, and use dataset=npy."
        )


def _only_member(path: Path) -> IO[bytes]:
    """Open the one file in a ZIP archive.

    Raises:
        DataError: There are others, or it is a sheet of Excel.
    """
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if "[Content_Types].xml" in names:
            raise DataError(f"{path} is an Excel file, not text. Save the sheet as CSV.")
        if len(names) != 1:
            told = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
            raise DataError(f"{path} is a ZIP archive of {len(names)} files, expected one: {told}. Unpack it.")
        return archive.open(names[0])


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"


_INSTEAD = "Convert it to Parquet, which is streamed, and use dataset=parquet."
_PACKED: dict[bytes, tuple[str, Callable[[Path], Any]]] = {
    b"\x1f\x8b": ("gzipped", gzip.GzipFile),
    b"BZh": ("packed by bzip2", bz2.BZ2File),
    b"\xfd7zXZ\0": ("packed by xz", lzma.LZMAFile),
    b"PK\3\4": ("a ZIP archive", _only_member),
}
"""What a compressed file begins with, what it is in words, and what opens it."""
