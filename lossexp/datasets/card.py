"""The data card: what a person should know about a file before believing any number that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

SHOWN = 6
"""How many of many names a line spells out."""


@dataclass(frozen=True)
class DataCard:
    """What a file holds, and what was decided about it.

    Attributes:
        source: The file, or the files.
        rows: Number of rows.
        target: Name of the target, and what it is.
        classes: Rows of each class; empty for a continuous target.
        columns: Names of the input columns of each kind.
        decisions: What was decided without being asked, each with the setting that decides otherwise.
        missing: Missing values of each input column that has any.
        constant: Input columns with one value only.
        duplicates: Rows that are equal to an earlier one, target included; None where they were not counted.
        suspects: Columns that may give the target away, each with the reason.
        groups: How many groups or times the rows are of, by which column; empty where they are independent.
    """

    source: str
    rows: int
    target: str
    classes: Mapping[str, int]
    columns: Mapping[str, Sequence[str]]
    decisions: Sequence[str]
    missing: Mapping[str, int] = field(default_factory=dict)
    constant: Sequence[str] = ()
    duplicates: int | None = None
    suspects: Sequence[str] = ()
    groups: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON can hold them."""
        return asdict(self)

    def lines(self) -> list[tuple[str, str]]:
        """Return what it says, a heading and a text each; headings with nothing to say are left out."""
        kinds = (f"{len(names)} {kind} ({_some(names)})" for kind, names in self.columns.items() if names)
        classes = _some([f"{name} {count}" for name, count in self.classes.items()])
        told = [
            ("data", f"{self.source}: {self.rows} rows{', ' if self.groups else ''}{self.groups}"),
            ("target", f"{self.target}{': ' if classes else ''}{classes}"),
            ("columns", ", ".join(kinds)),
            ("missing", _some([f"{name} {count}" for name, count in self.missing.items()])),
            ("constant", _some(self.constant)),
            ("duplicates", f"{self.duplicates} rows repeat an earlier one" if self.duplicates else ""),
            *(("suspect", reason) for reason in self.suspects),
            *(("decided", decision) for decision in self.decisions),
        ]
        return [(heading, text) for heading, text in told if text]

    def text(self) -> str:
        """Return it as text, a line for each thing it says."""
        return "".join(f"{heading:<11}{text}\n" for heading, text in self.lines())


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f", ... {len(names) - SHOWN} more" if len(names) > SHOWN else "")
