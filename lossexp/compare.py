"""`python -m lossexp.compare`: what `experiment=compare_losses` does, with the arguments of `python -m lossexp`.

It is no experiment itself: Hydra takes one, and that may be the user's.
"""

from __future__ import annotations

import sys

from lossexp import cli

SETTINGS = ("hydra.mode=MULTIRUN", "sweep.protocol=compare")


def main() -> None:
    """Run the command line."""
    sys.argv[1:1] = SETTINGS
    cli.main()


if __name__ == "__main__":
    main()
