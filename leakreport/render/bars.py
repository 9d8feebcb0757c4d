"""Bars of a table on one scale: growth to the right of zero, shrinkage to the left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leakreport.units import LEAST_BASE_BYTES, MINUS, format_ratio

WIDTH = 128
_LEAST = 1.5


class Bar(NamedTuple):
    """A bar in a drawing `WIDTH` wide; `zero` is where it starts from."""

    start: float
    width: float
    zero: float
    shade: str
    fill: str


def bars(changes: Sequence[float]) -> list[Bar]:
    """One per change. Without a change there is no bar, but its zero."""
    highest, lowest = max(0.0, *changes, 0.0), min(0.0, *changes, 0.0)
    scale = WIDTH / ((highest - lowest) or 1)
    zero = round(-lowest * scale, 1)
    found = []
    for change in changes:
        width = round(max(abs(change) * scale, _LEAST), 1) if change else 0.0
        start = min(zero, WIDTH - width) if change >= 0 else max(zero - width, 0.0)
        shade, fill = ("g5", "#a8460a") if change > 0 else ("s5", "#1c5fa8")
        found.append(Bar(round(start, 1), width, zero, shade, fill))
    return found


def lengths(amounts: Sequence[int]) -> list[Bar]:
    """Bars of amounts that are no changes: from zero, in ink."""
    most = max(amounts, default=0) or 1
    return [Bar(0.0, round(max(amount, 0) / most * WIDTH, 1), 0.0, "p", "#8a857b") for amount in amounts]


def mark_of(change: float) -> str:
    """The sign that stands for growth or shrinkage where colour is not seen."""
    return "▲" if change > 0 else "▼" if change < 0 else ""


def tone_of(change: float) -> str:
    """The class of a change."""
    return "up" if change > 0 else "down" if change < 0 else ""


def percent(before: int, after: int) -> str:
    """The change in percent; nothing where the base is too small for it to mean anything.

    >>> percent(10000, 30000), percent(0, 50), percent(4096, 4096)
    ('+200%', '', '')
    """
    if before < LEAST_BASE_BYTES or after == before:
        return ""
    return format_ratio(before, after).replace("-", MINUS)
