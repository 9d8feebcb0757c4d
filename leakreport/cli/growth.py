"""Options of growth: thresholds for everything or for some paths, and how much work was done at each point."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from leakreport.errors import UsageError
from leakreport.units import parse_size

if TYPE_CHECKING:
    from leakreport.analysis.options import GrowthLimit, WorkDone

_MOST_BYTES = 16 << 20
"""Of a file with amounts of work: one number a line is far less."""


def growth_limits(texts: Sequence[str]) -> tuple[GrowthLimit | None, tuple[GrowthLimit, ...]]:
    """The threshold of everything, None for none, and those of patterns.

    Raises:
        UsageError: a size is none, a pattern is empty, or the same is limited twice.
    """
    from leakreport.analysis.options import GrowthLimit

    whole: GrowthLimit | None = None
    parts: dict[str, GrowthLimit] = {}
    for text in texts:
        pattern, equals, size = text.rpartition("=")
        limit = GrowthLimit(pattern, parse_size(size), text)
        if not equals:
            if whole is not None:
                raise UsageError(
                    f"--max-growth is given twice: {whole.text} and {text}", advice="Give one size for everything."
                )
            whole = limit
        elif not pattern:
            raise UsageError(f"--max-growth {text} names nothing", advice="Write a library or function before the =.")
        elif pattern in parts:
            raise UsageError(f"--max-growth limits {pattern} twice", advice="Give one size for each.")
        else:
            parts[pattern] = limit
    return whole, tuple(parts.values())


def work_done(text: str) -> WorkDone:
    """The amounts of `--per UNIT=1000,2000,…`, `UNIT=FILE` or `UNIT=FILE:COLUMN`.

    Raises:
        UsageError: there are none, or one is not a number.
    """
    from leakreport.analysis.options import WorkDone

    unit, equals, rest = text.partition("=")
    unit = unit.strip()
    if not unit or not equals or not rest.strip():
        raise UsageError(
            f"--per {text!r} names no work",
            advice="Write --per requests=1000,2000,3000 or --per requests=FILE:COLUMN.",
        )
    parts = [part.strip() for part in rest.split(",")]
    if all(_number(part) is not None for part in parts):
        amounts = parts
    else:
        amounts = _from_file(unit, rest)
    return WorkDone(unit, tuple(_checked(unit, place, amount) for place, amount in enumerate(amounts, 1)))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _checked(unit: str, place: int, text: str) -> float:
    amount = _number(text)
    if amount is None or not math.isfinite(amount) or amount < 0:
        raise UsageError(
            f"--per {unit}: {text!r} at place {place} is no amount of work", advice="Give finite numbers from 0 on."
        )
    return amount


def _from_file(unit: str, given: str) -> list[str]:
    """The numbers of a file: one a line, or a column by name or number."""
    lines = _lines(given)
    path, column = given, ""
    if lines is None:
        path, _, column = given.rpartition(":")
        lines = _lines(path) if path and column else None
    if lines is None:
        raise UsageError(
            f"--per {unit}: {given!r} is neither a list of numbers nor a file that can be read",
            advice="Write numbers with commas, FILE with one number a line, or FILE:COLUMN.",
        )
    if not column:
        if any(_number(line) is None for line in lines):
            raise UsageError(
                f"--per {unit}: {path} has more than one number a line",
                advice=f"Name a column: --per {unit}={path}:COLUMN.",
            )
        return lines
    return _column(unit, path, lines, column)


def _lines(path: str) -> list[str] | None:
    """The lines that are not empty; None where there is no such file."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return [line.strip() for line in file.read(_MOST_BYTES).splitlines() if line.strip()]
    except OSError:
        return None


def _column(unit: str, path: str, lines: Sequence[str], name: str) -> list[str]:
    """One column of comma- or tab-separated lines below a header."""
    header = lines[0] if lines else ""
    delimiter = max("\t,;", key=header.count)
    rows = list(csv.reader(lines, delimiter=delimiter))
    names = [field.strip() for field in rows[0]] if rows else []
    if name not in names:
        raise UsageError(
            f"--per {unit}: {path} has no column {name!r}", advice=f"Its columns: {', '.join(names) or 'none'}."
        )
    place = names.index(name)
    return [row[place].strip() if place < len(row) else "" for row in rows[1:]]
