"""`python -m lossexp.compare`: the experiment `compare_losses`, with the overrides of `python -m lossexp`."""

from __future__ import annotations

import sys

from lossexp import cli


def main() -> None:
    """Run the command line."""
    sys.argv.insert(1, "experiment=compare_losses")
    cli.main()


if __name__ == "__main__":
    main()
