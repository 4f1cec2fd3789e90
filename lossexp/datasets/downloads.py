"""Published files: those of a folder of the user's, those of the cache, or downloaded into the cache."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lossexp.errors import DataError

SECONDS_TO_CONNECT, SECONDS_TO_ANSWER = 5.0, 30.0
"""How long a server may take to be reached, and to say something."""


@dataclass(frozen=True)
class Publication:
    """Files that others publish.

    Attributes:
        name: Of the dataset, and of its folder in the cache.
        mirrors: Addresses that each have all of the files, tried in this order.
        digests: Of each file as it is downloaded, such as `sha256:3aed...`, by name; None where mirrors differ in the
            compression and what counts is the content.
    """

    name: str
    mirrors: Sequence[str]
    digests: Mapping[str, str | None]

    def files(self, root: str | None) -> list[Path]:
        """Return where each file is, gzipped or not, in the order of `digests`.

        Args:
            root: A folder that has them; None for the cache, where missing ones are downloaded to.

        Raises:
            DataError: Some are missing, and cannot be downloaded or are not to be.
        """
        folder = Path(root).expanduser().absolute() if root is not None else cache() / self.name
        problem = f"are not in dataset.root={root}"
        if root is None:
            try:
                self._download(folder)
            except (OSError, ValueError) as error:  # requests' errors are OSErrors; ValueError: another digest
                problem = f"cannot be downloaded ({reason(error)})"
        found = {name: _there(folder, name) for name in self.digests}
        missing = [name for name, path in found.items() if path is None]
        if missing:
            raise DataError(
                f"dataset={self.name}: these files {problem}:\n  "
                + "\n  ".join(missing)
                + f"\nGet them from {self.mirrors[0]} on a machine that can, and put them, gzipped or not, into\n  "
                f"{folder}\nor into another folder and say which: dataset.root=PATH"
            )
        return [path for path in found.values() if path]

    def _download(self, folder: Path) -> None:
        """Bring the missing files into a folder, from the first mirror that has the first of them."""
        missing = [name for name in self.digests if not _there(folder, name)]
        if not missing:
            return
        import pooch

        pooch.get_logger().setLevel("WARNING")
        print(f"Downloading {self.name} to {folder} ...", file=sys.stderr)
        downloader = pooch.HTTPDownloader(timeout=(SECONDS_TO_CONNECT, SECONDS_TO_ANSWER))
        for number, mirror in enumerate(self.mirrors, start=1):
            try:
                for name in missing:
                    pooch.retrieve(mirror + name, self.digests[name], name, folder, downloader=downloader)
                return
            except (OSError, ValueError):
                if number == len(self.mirrors):
                    raise


def cache() -> Path:
    """Return the folder for what was downloaded."""
    import pooch

    return Path(pooch.os_cache("lossexp"))


def _there(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / name.removesuffix(".gz")) if path.is_file()), None)


def reason(error: Exception) -> str:
    """Return why a download failed: the innermost cause, in one line."""
    cause: BaseException = error
    while nested := (cause.__cause__ or cause.__context__):
        cause = nested
    return f"{cause}".splitlines()[0] if str(cause) else type(cause).__name__
