"""Fixtures that several tests share."""

import os
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def _one_blas_thread():
    """The matrices are small: more threads only add noise, to the time and to the last digit."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the published data sets that are too large to be in the repository; without it a test is skipped."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("LOSSEXP_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no published data in {folder}; set LOSSEXP_TEST_DATA to their folder")
    return folder
