"""How often the verdict is wrong: `python -m lossexp.verdict`.

Simulates runs whose validation loss is flat but for noise, and prints how often each rule calls that a rise.
"""

from __future__ import annotations

from lossexp.verdict.simulation import ALPHA, N_EPOCHS, RULES, false_alarms

N_RUNS = 400


def main() -> None:
    """Print a row as soon as it is known."""
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    table = Table(
        title=f"False alarms in {N_RUNS} runs of {N_EPOCHS} epochs that do not overfit (nominal {100 * ALPHA:g} %)"
    )
    for heading in ("examples", "noise", *RULES):
        table.add_column(heading, justify="left" if heading == "noise" else "right")
    with Live(table, console=Console()):
        for row in false_alarms(N_RUNS):
            table.add_row(str(row.n_val), row.noise, *(f"{100 * rate:.1f} %" for rate in row.rates.values()))


if __name__ == "__main__":
    main()
