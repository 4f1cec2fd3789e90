"""Fixtures that the tests of files share."""

import pytest


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return the folder above the current one, which is empty."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path
