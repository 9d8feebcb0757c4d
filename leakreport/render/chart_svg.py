"""A series as a line: a chart with axes, or a sparkline. Places in pixels; what is drawn stands in the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import ceil, floor, log10
from typing import NamedTuple

from leakreport.analysis.trendreport import FittedLine
from leakreport.units import MINUS, format_bytes

_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 24, 30, 28
LETTER = 7.2
SPARK_WIDTH, SPARK_HEIGHT = 92, 24
_MOST_LIFT = 30
_MOST_DOTS = 60
MOST_POINTS = 400
_UNITS = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1))
_THOUSANDS = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))


class Tick(NamedTuple):
    """A mark of an axis."""

    at: float
    label: str


class Label(NamedTuple):
    """The value of an end of the line, where it is on it, and how high its text stands: above what it would cover."""

    x: float
    y: float
    text: str
    text_y: float


class Change(NamedTuple):
    """Where a series changes; no text where that of another one stands."""

    at: float
    label: str
    label_at: float


class Wedge(NamedTuple):
    """A fitted line and what the interval of its slope covers, as points of SVG shapes."""

    line: str
    area: str


class Chart(NamedTuple):
    """A drawing `width` by `height`."""

    width: int
    height: int
    left: float
    right: float
    base: float
    points: str
    dots: list[tuple[float, float, str]]
    across: list[Tick]
    up: list[Tick]
    first: Label
    last: Label
    changes: list[Change]
    wedge: Wedge | None
    areas: list[str]
    """What is below the line: everything else, then the part that is drawn on top; empty where no part is drawn."""


class Plot(NamedTuple):
    """What a chart shows: places, values (None where nothing was measured), where changes are, a fitted line."""

    places: Sequence[float]
    values: Sequence[int | None]
    names: Sequence[str]
    """Of each place, in words."""
    is_whole: bool
    """Whether places are numbers of snapshots."""
    changes: Sequence[int] = ()
    """Indexes of the first point after each change."""
    fit: FittedLine | None = None
    part: Sequence[int | None] = ()
    """Of each value the part that one library holds."""


def chart(plot: Plot, width: int, height: int) -> Chart | None:
    """The drawing, or None without two measured points."""
    known = [(x, y, name) for x, y, name in zip(plot.places, plot.values, plot.names, strict=True) if y is not None]
    if len(known) < 2:
        return None
    first_x, last_x = plot.places[0], plot.places[-1]
    values = [y for _, y, _ in known]
    ticks = byte_ticks(min(0, *values), max(0, *values))
    low, high = ticks[0][0], max(ticks[-1][0], *values)
    plot_width, plot_height = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM

    def at_x(x: float) -> float:
        return round(_LEFT + (x - first_x) / ((last_x - first_x) or 1) * plot_width, 1)

    def at_y(y: float) -> float:
        share = (y - low) / ((high - low) or 1)
        return round(_TOP + (1 - min(max(share, 0.0), 1.0)) * plot_height, 1)

    shown = thinned([(x, y) for x, y, _ in known], MOST_POINTS)
    line = [(at_x(x), at_y(y)) for x, y in shown]
    dots = (
        [(at_x(x), at_y(y), f"{name}: {format_bytes(y)}") for x, y, name in known] if len(known) <= _MOST_DOTS else []
    )
    changes = [plot.places[index] for index in plot.changes if 0 < index < len(plot.places)]
    unit = _unit_of(first_x, last_x)
    return Chart(
        width=width,
        height=height,
        left=_LEFT,
        right=width - _RIGHT,
        base=at_y(low),
        points=" ".join(f"{x},{y}" for x, y in line),
        dots=dots,
        across=[Tick(at_x(x), label) for x, label in place_ticks(first_x, last_x, is_whole=plot.is_whole)],
        up=[Tick(at_y(y), label) for y, label in ticks],
        first=_label(line, line[0], format_bytes(values[0]), is_first=True),
        last=_label(line, line[-1], format_bytes(values[-1]), is_first=False),
        changes=_changes([(at_x(x), f"change at {_place_label(x, unit)}") for x in changes], width),
        wedge=None if plot.fit is None else _wedge(plot.fit, at_x, at_y),
        areas=_areas(plot, at_x, at_y),
    )


def _areas(plot: Plot, at_x: Callable[[float], float], at_y: Callable[[float], float]) -> list[str]:
    known = [
        (x, (y, part))
        for x, y, part in zip(plot.places, plot.values, plot.part or plot.values, strict=True)
        if y is not None and part is not None and 0 <= part <= y
    ]
    if not plot.part or len(known) < len(plot.values):
        return []
    totals = {x: y for x, (y, _) in known}
    xs = [x for x, _ in thinned(list(totals.items()), MOST_POINTS)]
    rests = {x: y - part for x, (y, part) in known}
    edges = [
        [f"{at_x(x)},{at_y(height)}" for x, height in ((x, heights[x]) for x in xs)]
        for heights in (dict.fromkeys(xs, 0), rests, totals)
    ]
    return [" ".join((*upper, *reversed(lower))) for lower, upper in pairwise(edges)]


def _changes(changes: Sequence[tuple[float, str]], width: int) -> list[Change]:
    found: list[Change] = []
    free = 0.0
    for at, label in changes:
        half = len(label) * LETTER / 2
        place = round(min(max(at, half), width - half), 1)
        found.append(Change(at, label if place - half >= free else "", place))
        free = place + half if found[-1].label else free
    return found


def _label(line: Sequence[tuple[float, float]], end: tuple[float, float], text: str, *, is_first: bool) -> Label:
    x, y = end
    width = len(text) * LETTER + 8
    start, stop = (x, x + width) if is_first else (x - width, x)
    covered = [at for place, at in line if start <= place <= stop]
    for (x0, y0), (x1, y1) in pairwise(line):
        # Where the line enters or leaves the room of the text.
        covered.extend(y0 + (y1 - y0) * (edge - x0) / (x1 - x0) for edge in (start, stop) if x0 < edge < x1)
    highest = min(y, *covered)
    # Where the line is steep the text stays near its point, and over the line.
    return Label(x, y, text, round(max(highest if highest >= y - _MOST_LIFT else y, 20.0) - 9, 1))


class Spark(NamedTuple):
    """A small line and where it ends, `SPARK_WIDTH` by `SPARK_HEIGHT`."""

    points: str
    end: tuple[float, float]


def sparkline(values: Sequence[int | None]) -> Spark | None:
    """A small line from zero up (or from the least value, where that is below); None without two values."""
    known = [(float(number), value) for number, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return None
    low, high = min(0, *(y for _, y in known)), max(0, *(y for _, y in known))
    span = (len(values) - 1) or 1
    margin = 3
    points = [
        (
            round(margin + x / span * (SPARK_WIDTH - 2 * margin), 1),
            round(SPARK_HEIGHT - margin - (y - low) / ((high - low) or 1) * (SPARK_HEIGHT - 2 * margin), 1),
        )
        for x, y in thinned(known, SPARK_WIDTH)
    ]
    return Spark(" ".join(f"{x},{y}" for x, y in points), points[-1])


def byte_ticks(low: int, high: int) -> list[tuple[float, str]]:
    """Round numbers of one unit from below `low` to above `high`, both included.

    >>> [label for _, label in byte_ticks(0, 4343120)]
    ['0', '1 MiB', '2 MiB', '3 MiB', '4 MiB', '5 MiB']
    >>> [label for _, label in byte_ticks(0, 0)]
    ['0', '1 B']
    """
    name, factor = next(((name, unit) for name, unit in _UNITS if max(high, -low) >= unit), _UNITS[-1])
    step = max(_round_step((high - low) / factor / 5), 1 / factor if factor == 1 else 0.0)
    first, last = floor(low / factor / step), max(ceil(high / factor / step), floor(low / factor / step) + 1)
    return [(number * step * factor, _tick_label(number * step, name)) for number in range(first, last + 1)]


def _tick_label(amount: float, unit: str) -> str:
    return "0" if amount == 0 else f"{MINUS if amount < 0 else ''}{abs(amount):,g} {unit}"


def _round_step(raw: float) -> float:
    """1, 2 or 5 times a power of ten, at least `raw`."""
    if raw <= 0:
        return 1.0
    power = 10.0 ** floor(log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999999)


def place_ticks(first: float, last: float, *, is_whole: bool) -> list[tuple[float, str]]:
    """Round places of an axis."""
    step = _round_step((last - first) / 8)
    step = max(step, 1.0) if is_whole else step
    numbers = range(ceil(first / step), floor(last / step) + 1)
    found = [number * step for number in numbers]
    unit = _unit_of(first, last)
    return [(x, _place_label(x, unit)) for x in ([first, last] if len(found) < 2 else found)]


def _unit_of(first: float, last: float) -> tuple[str, float]:
    """In what the places of an axis are told: the largest power of a thousand of which there are ten."""
    largest = max(abs(first), abs(last))
    return next((unit for unit in _THOUSANDS if largest >= unit[1] * 10), ("", 1.0))


def _place_label(x: float, unit: tuple[str, float]) -> str:
    name, factor = unit
    return f"{MINUS if x < 0 else ''}{abs(x) / factor:,.6g}{' ' if name and x else ''}{name if x else ''}"


def thinned(points: Sequence[tuple[float, int]], most: int) -> list[tuple[float, int]]:
    """The points, or the lowest and highest of each part of them, in order, with both ends."""
    if len(points) <= most:
        return list(points)
    part = len(points) / (most // 2)
    found: set[int] = {0, len(points) - 1}
    for number in range(most // 2):
        indexes = range(int(number * part), int((number + 1) * part))
        found.add(min(indexes, key=lambda index: points[index][1]))
        found.add(max(indexes, key=lambda index: points[index][1]))
    return [points[index] for index in sorted(found)]


def _wedge(fit: FittedLine, at_x: Callable[[float], float], at_y: Callable[[float], float]) -> Wedge:
    def point(x: float, slope: float) -> str:
        return f"{at_x(x)},{at_y(fit.at(x, slope))}"

    middle = f"{at_x(fit.middle_x)},{at_y(fit.middle_y)}"
    area = (point(fit.start, fit.low), middle, point(fit.end, fit.low), point(fit.end, fit.high), middle, point(fit.start, fit.high))  # fmt: skip
    return Wedge(f"{point(fit.start, fit.slope)} {point(fit.end, fit.slope)}", " ".join(area))
