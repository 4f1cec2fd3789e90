"""Timings side by side, as ratios within one run. `python -m pytest -m benchmark -s` prints them."""
