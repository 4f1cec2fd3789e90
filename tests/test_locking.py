"""Locks that the kernel frees: one holder at a time, who does not have to say that it is gone."""

import subprocess
import sys

import pytest

from lossexp.errors import StorageError
from lossexp.locking import claimed

OTHER = """
import sys, time
from pathlib import Path
from lossexp.locking import claimed

with claimed(Path(sys.argv[1])) as is_ours:
    print(is_ours, flush=True)
    time.sleep(60)
"""


def test_a_file_is_claimed_once_until_its_holder_ends_however_that_is(tmp_path):
    file = tmp_path / "new" / "lock"
    with subprocess.Popen([sys.executable, "-c", OTHER, str(file)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "True\n"
        with claimed(file) as is_ours:
            assert not is_ours
        other.kill()
    with claimed(file) as first, claimed(file) as second:
        assert (first, second) == (True, False)
    with claimed(file) as again:
        assert again


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/lock cannot be written: "), claimed(tmp_path / "file" / "lock"):
        pass
