"""SVMLight: sparse features, also known as LIBSVM."""

from __future__ import annotations

from dataclasses import dataclass

from lossexp.datasets.file import FileDataset
from lossexp.datasets.reading.arrays import read_svmlight
from lossexp.datasets.reading.content import Reader


@dataclass(frozen=True, kw_only=True)
class SVMLight(FileDataset):
    """Lines such as `1 3:0.5 7:2`: a target, then the features that are not 0. They stay sparse, and are not centred.

    The target is called label, and the query, where lines have one, qid.
    """

    @property
    def reader(self) -> Reader:
        """What reads the file."""
        return read_svmlight
