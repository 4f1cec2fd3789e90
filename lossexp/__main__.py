"""`python -m lossexp`."""

from lossexp.cli import main

if __name__ == "__main__":
    main()
