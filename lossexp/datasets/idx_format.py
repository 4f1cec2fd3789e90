"""IDX, the format of MNIST: arrays of any shape behind a short header, gzipped or not."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np

from lossexp.components import Array
from lossexp.errors import DataError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP = b"\x1f\x8b"
_MOST_EXPANSION = 1032
"""Deflate, the compression of gzip, makes nothing smaller than by this factor: 258 bytes from 2 bits."""


def read_idx(path: Path, digest: str | None = None) -> Array:
    """Return the array of one file, read-only, its numbers in the byte order of the machine.

    The file is two zero bytes, the type of the numbers, the number of axes, the length of each axis as a big-endian
    whole number of four bytes, then the numbers, big-endian, the last axis varying fastest.

    Args:
        path: The file; whether it is gzipped is seen from its first bytes.
        digest: What the uncompressed content must have, such as `sha256:ba89...`; None for any content.

    Raises:
        DataError: It cannot be read, is not in this format, is shorter or longer than it says, or has other content.

    Source: LeCun, Cortes and Burges (1998), the MNIST database.
    """
    if not path.is_file():
        raise DataError(f"{path} is {'not a file' if path.exists() else 'not there'}: expected an IDX file.")
    try:
        with path.open("rb") as file:
            is_gzipped = file.read(2) == _GZIP
        largest = path.stat().st_size * (_MOST_EXPANSION if is_gzipped else 1)
        with gzip.open(path) if is_gzipped else path.open("rb") as content:
            start = content.read(4)
            axes = content.read(4 * start[3]) if len(start) == 4 else b""
            dtype, shape = _header(path, start, axes)
            expected = math.prod(shape) * dtype.itemsize
            # What the header promises is believed only where the file can hold it; one byte more tells a longer one.
            numbers = content.read(min(expected, largest) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}. If it was downloaded, download it again.") from error
    if len(numbers) != expected:
        fault = "is cut off" if len(numbers) < expected else "is longer than its header says"
        raise DataError(f"{path} {fault}: expected {expected} bytes for an array {shape}. Download it again.")
    if digest:
        algorithm, _, published = digest.partition(":")
        found = hashlib.new(algorithm, start + axes, usedforsecurity=False)
        found.update(numbers)
        if found.hexdigest() != published:
            raise DataError(
                f"{path} has other content than was published: its {algorithm}, uncompressed, is not {published}."
            )
    array = np.frombuffer(numbers, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
    array.setflags(write=False)
    return array


def _header(path: Path, start: bytes, axes: bytes) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    """Return the type and the shape that a header states."""
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES or not start[3]:
        raise DataError(
            f"{path} is not an IDX file: it begins with {start.hex(' ') or 'nothing'}; expected two zero bytes, a type "
            "(08 for bytes) and the number of axes (03 for images, 01 for labels)."
        )
    if len(axes) < 4 * start[3]:
        raise DataError(f"{path} is cut off within its header of {start[3]} axes. Download it again.")
    return np.dtype(_TYPES[start[2]]), tuple(np.frombuffer(axes, ">u4").tolist())
