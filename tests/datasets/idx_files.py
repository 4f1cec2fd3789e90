"""IDX files for tests, written without the reader."""

import gzip
import struct

import numpy as np

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array, shape=None):
    """Return the content of an IDX file; `shape` is what the header says, right or wrong."""
    shape = array.shape if shape is None else shape
    code = CODES[array.dtype.str[1:]]
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_idx(path, array):
    """Write an IDX file, gzipped where its name says so."""
    content = idx_bytes(np.asarray(array))
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path
