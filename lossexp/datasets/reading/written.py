"""Columns of text that are numbers or dates in another way of writing: 1,234.50 and $5 and 7 %, or 31/12/2024.

What can be read in one way only is read, and told. What could be meant in two ways stays as it is, or is refused.
"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lossexp.components import Array
from lossexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

THOUSANDS_NOTES = {
    ",": "numbers have commas between thousands (dataset.thousands)",
    ".": "numbers have points between thousands (dataset.thousands)",
}
DAY_NOTES = {
    True: "dates have the day before the month (dataset.day_first)",
    False: "dates have the month before the day (dataset.day_first)",
}
_MONEY = "$€£¥₹"
_SIGNS = _MONEY + "%"
_SPACES = " '’\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
"""What is between thousands and cannot be a decimal point."""
_COMMA_NUMBER = re.compile(r"[-+]?\d*,\d+")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}[,.]\d{3}")
_YEAR = re.compile(r"\b\d{4}\b")
_DATES = {
    True: [f"%d{mark}%m{mark}%Y" for mark in "/.-"],
    False: [f"%m{mark}%d{mark}%Y" for mark in "/.-"],
    None: ["%Y/%m/%d", "%Y.%m.%d", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"],
}
"""How dates are written, by whether the day is before the month; None where that is no question."""
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_MOSTLY = 0.9
_LOOKED_AT = 10_000
_FIRST = 100


@dataclass(frozen=True)
class Writing:
    """How numbers and dates are written in a file.

    Attributes:
        decimal: What is before the fraction of a number.
        thousands: What is between its thousands; None to see for itself.
        day_first: Whether the day is before the month in dates such as 01/02/2024; None to see for itself.
    """

    decimal: str = "."
    thousands: str | None = None
    day_first: bool | None = None

    def read(self, columns: pd.DataFrame, names: Sequence[str], path: Path) -> tuple[dict[str, pd.Series], list[str]]:
        """Return the columns of text that are numbers or dates, as such, and what was decided.

        Args:
            columns: All columns of a file.
            names: Which of them are to be looked at.
            path: The file, for messages.

        Raises:
            DataError: One is text for the sake of a few values, or its numbers could be meant in two ways.
        """
        found: dict[str, pd.Series] = {}
        notes: list[str] = []
        open_dates = {}
        for name in names:
            values = columns[name]
            if (numbers := self._numbers(values)) is not None:
                found[name] = numbers
                notes += self._told(values)
            elif dates := _date_formats(values):
                open_dates[name] = dates
            else:
                self._refuse_almost(values, path)
        for name, dates in open_dates.items():
            self._decide(columns[name], dates, open_dates, found, notes)
        return found, list(dict.fromkeys(notes))

    @property
    def _mark(self) -> str:
        """What may be between thousands without being a space."""
        return "," if self.decimal == "." else "."

    def _numbers(self, values: pd.Series) -> pd.Series | None:
        """Return the numbers that texts are; None where they are none, or could be others."""
        import pandas as pd

        mark, point = re.escape(self._mark), re.escape(self.decimal)
        sign = f"[-+][{_SIGNS}] ?|[{_SIGNS}]? ?[-+]?"
        whole = f"[0-9]+|[1-9][0-9]{{0,2}}(?:[{mark}{_SPACES}][0-9]{{3}})+"
        number = f"(?:{sign})(?:(?:{whole})(?:{point}[0-9]*)?|{point}[0-9]+) ?[{_SIGNS}]?"
        # The first ones decide about most columns.
        if not all(values[:_FIRST].str.fullmatch(number, na=True)) or not values.str.fullmatch(number, na=True).all():
            return None
        beside = f"[{mark}{_SPACES}{_SIGNS}]"
        if not values.str.contains(beside, na=False).any():
            return None
        # Of money there are no three decimals.
        is_sure = f"[{_MONEY}]|{mark}.*[{mark}{point}]"
        if not self.thousands and self._has(values, self._mark) and not values.str.contains(is_sure, na=False).any():
            return None
        bare = values.str.replace(beside, "", regex=True).str.replace(self.decimal, ".", regex=False)
        return pd.to_numeric(bare).astype("float64")

    def _told(self, values: pd.Series) -> Iterator[str]:
        """Yield what texts were that are read as numbers."""
        if signs := [sign for sign in _SIGNS if self._has(values, sign)]:
            yield f"{values.name} is read as numbers without the {' and '.join(signs)} beside them"
        elif any(self._has(values, space) for space in _SPACES):
            yield f"{values.name} is read as numbers without the spaces between thousands"
        if self._has(values, self._mark):
            yield THOUSANDS_NOTES[self._mark]

    @staticmethod
    def _has(values: pd.Series, mark: str) -> bool:
        return bool(values.str.contains(mark, na=False, regex=False).any())

    def _decide(
        self,
        values: pd.Series,
        formats: dict[bool | None, str],
        others: dict[str, dict[bool | None, str]],
        found: dict[str, pd.Series],
        notes: list[str],
    ) -> None:
        """Read a column of dates if it is clear which is the day."""
        import pandas as pd

        orders = list(formats)
        if len(orders) > 1:
            # A file writes all of its dates alike.
            clear = {next(iter(one)) for one in others.values() if len(one) == 1} - {None}
            orders = [order for order in orders if order in (clear if self.day_first is None else {self.day_first})]
        if len(orders) == 1:
            codes, different = pd.factorize(values)  # a date comes often, and a missing one has the code -1
            dates = pd.to_datetime(pd.Series(different), format=formats[orders[0]]).astype("datetime64[us]")
            found[str(values.name)] = dates.reindex(codes).set_axis(values.index)
            if orders[0] is not None:
                notes.append(DAY_NOTES[orders[0]])
        else:
            notes.append(
                f"{values.name} stays text: of dates such as {values.dropna().iloc[0]!r} the day or the month may be "
                "first. If it is the day: dataset.day_first=true, else false"
            )

    def _refuse_almost(self, values: pd.Series, path: Path) -> None:
        """Refuse a column of numbers or dates that is text for the sake of a few values or of its decimal points.

        Raises:
            DataError: It is one.
        """
        import pandas as pd

        different: Array = values.dropna().unique()[:_LOOKED_AT]
        if len(different) < 2:
            return
        commas = [value for value in different if _COMMA_NUMBER.fullmatch(value)]
        is_grouped = all(map(_THOUSANDS.fullmatch, commas or different))
        grouping = f"; if it is between thousands: dataset.thousands='{self._mark}'" if is_grouped else ""
        if len(commas) >= _MOSTLY * len(different):
            raise DataError(
                f"{path}: column {values.name!r} has numbers with a comma, such as {commas[0]!r}. "
                f"If it is the decimal point: dataset.decimal=','{grouping}"
            )
        text = pd.Series(different, dtype="str")
        is_number = pd.to_numeric(text, errors="coerce").notna()
        if is_number.all():
            raise DataError(
                f"{path}: column {values.name!r} has numbers such as {different[0]!r}, which "
                f"dataset.decimal={self.decimal!r} does not fit{grouping}."
            )
        days = text.where(text.str.match(r"\d{4}-\d\d-\d\d"))
        is_date = pd.to_datetime(days, errors="coerce", format="ISO8601", utc=True).notna()
        for _, written in _candidates(different[0]):
            is_date |= pd.to_datetime(text, format=written, errors="coerce").notna()
        for what, known in (("numbers", is_number), ("dates", is_date)):
            if _MOSTLY <= known.mean() < 1:
                stranger = different[int(known.to_numpy().argmin())]
                row = int((values == stranger).to_numpy().argmax())
                raise DataError(
                    f"{path}: column {values.name!r} has {what}, but also {stranger!r}, first in row {row} (counted "
                    f"from 0). Mend it, or if it stands for a missing value: 'dataset.missing_values=[\"{stranger}\"]'"
                )


def _date_formats(values: pd.Series) -> dict[bool | None, str]:
    """Return in which format all texts are dates, by whether the day is before the month in it."""
    import pandas as pd

    found, first = {}, values[values.first_valid_index()]
    candidates = list(_candidates(first))
    different = values.dropna().unique() if candidates else ()
    for order, written in candidates:
        if pd.to_datetime(pd.Series(different), format=written, errors="coerce").notna().all():
            found[order] = written
    return found


def _candidates(text: str) -> Iterator[tuple[bool | None, str]]:
    """Yield the formats in which one text is a date."""
    for order, days in _DATES.items() if _YEAR.search(text) else ():
        for day, time in itertools.product(days, _TIMES):
            try:
                datetime.datetime.strptime(text, day + time)
            except ValueError:
                continue
            yield order, day + time
