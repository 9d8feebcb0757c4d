"""What the judged process held over time: the total as a line, and below it what the largest paths held of it.

Many profiles record call paths in some snapshots only. Between two of those only the total is known: there the areas are
drawn by the shares that the paths had on both sides, and nothing is drawn before the first and behind the last of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from leakreport.analysis.report import PathRow, Report, SnapshotSummary
from leakreport.render.chart_svg import MOST_POINTS, Tick, byte_ticks, place_ticks, thinned
from leakreport.render.names import shorten_name
from leakreport.render.phrases import frame_name, title_frame
from leakreport.units import format_bytes, format_exact_bytes

WIDTH, HEIGHT = 1120, 300
_LEFT, _TOP, _BOTTOM = 68, 26, 34
_NAMES = 210
"""Room for the names of the areas behind the right edge."""
_RIGHT = 20
_MOST_SERIES = 9
_LONGEST_NAME = 28
_LINE = 14
_MOST_ROWS = 40
OTHER = "everything else"
_SHADES = (("a1", "#ebe8e2"), ("a2", "#d3cec4"), ("a3", "#b9b3a7"))
_UNITS = {"ms": "ms", "bytes": "B allocated", "instructions": "i (instructions)", "s": "s"}


class Area(NamedTuple):
    """What one series holds, stacked on those before it."""

    points: str
    shade: str
    fill: str
    name: str


class Name(NamedTuple):
    """The name of an area, beside its right edge: `at` is the middle of the area there, `y` where the text stands."""

    at: float
    y: float
    text: str
    title: str


class TimeRow(NamedTuple):
    """A snapshot with call paths, as a row of the table."""

    number: int
    time: str
    mark: str
    total: str
    total_exact: str
    parts: list[str]


class Timeline(NamedTuple):
    """A drawing `WIDTH` by `HEIGHT`."""

    points: str
    judged: tuple[float, float]
    judged_label: str
    judged_at: float
    detailed: str
    """Small marks on the axis, as an SVG path; empty where every snapshot has call paths."""
    areas: list[Area]
    names: list[Name]
    up: list[Tick]
    across: list[Tick]
    left: float
    right: float
    unit: str
    steps: str
    """Where each snapshot is from left to right, for the script."""
    summary: str
    is_estimated: bool
    """Whether areas are drawn between snapshots with call paths."""
    columns: list[str]
    rows: list[TimeRow]
    hidden_rows: int
    width: int = WIDTH
    height: int = HEIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


class _Series(NamedTuple):
    name: str
    amounts: tuple[int | None, ...]


def timeline(report: Report) -> Timeline | None:
    """The drawing, or None where there are not two snapshots to draw."""
    chosen = [report.snapshots[index] for index in report.timeline]
    held = [snapshot.totals.get("retained_bytes") for snapshot in chosen]
    if len(chosen) < 2 or any(amount is None or amount < 0 for amount in held):
        return None
    totals = [amount or 0 for amount in held]
    places, unit = _places(chosen)
    series = _series(report, len(chosen), _judged_number(report, chosen))
    detailed = [number for number, amount in enumerate(series[0].amounts) if amount is not None] if series else []
    right = WIDTH - (_NAMES if detailed else _RIGHT)
    bottom = HEIGHT - _BOTTOM
    ticks = byte_ticks(0, max(totals))

    def at_x(place: float) -> float:
        return round(_LEFT + (place - places[0]) / ((places[-1] - places[0]) or 1) * (right - _LEFT), 1)

    def at_y(amount: float) -> float:
        return round(bottom - amount / (ticks[-1][0] or 1) * (bottom - _TOP), 1)

    xs = [at_x(place) for place in places]
    areas, tops = _areas(series, detailed, totals, xs, at_y=at_y)
    judged = _judged_number(report, chosen)
    label = f"{'peak' if totals[judged] == max(totals) else 'judged'} {format_bytes(totals[judged])}"
    half = len(label) * 3.6
    is_partly = bool(detailed) and len(detailed) < len(chosen)
    return Timeline(
        points=" ".join(
            f"{at_x(x)},{at_y(y)}" for x, y in thinned(list(zip(places, totals, strict=True)), MOST_POINTS)
        ),
        judged=(xs[judged], at_y(totals[judged])),
        judged_label=label,
        judged_at=round(min(max(xs[judged], _LEFT + half), right - half), 1),
        detailed=" ".join(f"M{xs[number]} {bottom}v5" for number in detailed) if is_partly else "",
        areas=areas,
        names=_names(areas, tops, bottom),
        up=[Tick(at_y(y), text) for y, text in ticks],
        across=[Tick(at_x(x), text) for x, text in place_ticks(places[0], places[-1], is_whole=unit != "ms")],
        left=_LEFT,
        right=right,
        unit=unit,
        steps=" ".join(f"{x:g}" for x in xs),
        summary=f"{format_bytes(totals[0])} at first, {format_bytes(max(totals))} at most, {format_bytes(totals[-1])} at last",
        is_estimated=is_partly and len(detailed) > 1,
        columns=[one.name for one in series],
        rows=_rows(chosen, series, detailed, judged),
        hidden_rows=max(len(detailed) - _MOST_ROWS, 0),
    )


def _places(chosen: Sequence[SnapshotSummary]) -> tuple[list[float], str]:
    """Where the snapshots are and in what; without a time of their own they stand side by side."""
    known = [snapshot.time for snapshot in chosen if snapshot.time is not None]
    if len(known) == len(chosen) and known == sorted(known) and known[-1] > known[0]:
        unit = chosen[0].time_unit or "time"
        return known, _UNITS.get(unit, unit)
    return [float(number) for number in range(len(chosen))], "number of the snapshot"


def _judged_number(report: Report, chosen: Sequence[SnapshotSummary]) -> int:
    return next((number for number, one in enumerate(chosen) if one.index == report.judged), len(chosen) - 1)


def _series(report: Report, count: int, judged: int) -> list[_Series]:
    """The largest paths at the judged snapshot, by the functions they are named by, and the rest; the first below."""
    sums: dict[str, list[int | None]] = {}
    for row in report.paths:
        amounts = (row.series or {}).get("retained_bytes", ())
        if len(amounts) != count:
            return []
        name = _name(report, row)
        before = sums.get(name)
        sums[name] = list(amounts) if before is None else [_sum(one, other) for one, other in zip(before, amounts, strict=True)]  # fmt: skip
    ordered = sorted(sums.items(), key=lambda item: (-(item[1][judged] or 0), item[0]))
    found = [_Series(name, tuple(amounts)) for name, amounts in ordered[:_MOST_SERIES]]
    if not found:
        return []
    totals = [report.snapshots[index].totals.get("retained_bytes", 0) for index in report.timeline]
    rest = tuple(
        None if found[0].amounts[number] is None else max(total - sum(one.amounts[number] or 0 for one in found), 0)
        for number, total in enumerate(totals)
    )
    return [*found, _Series(OTHER, rest)] if any(rest) else found


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _name(report: Report, row: PathRow) -> str:
    frame = title_frame(report, row)
    return "[no stack]" if frame is None else frame_name(frame)


def _areas(
    series: Sequence[_Series], detailed: Sequence[int], totals: Sequence[int], xs: Sequence[float], *, at_y: object
) -> tuple[list[Area], list[float]]:
    """The areas from the bottom up, and the edges between them at the last snapshot with call paths."""
    assert callable(at_y)
    if len(detailed) < 2:
        return [], []
    drawn = _thinned_numbers(detailed[0], detailed[-1], totals)
    shares = {number: _shares(series, detailed, number) for number in drawn}
    edges = [at_y(0.0)]
    lower = dict.fromkeys(drawn, 0.0)
    found = []
    for place, one in enumerate(series):
        upper = {number: lower[number] + shares[number][place] * totals[number] for number in drawn}
        there = " ".join(f"{xs[number]},{at_y(upper[number])}" for number in drawn)
        back = " ".join(f"{xs[number]},{at_y(lower[number])}" for number in reversed(drawn))
        found.append(Area(f"{there} {back}", *_SHADES[place % len(_SHADES)], one.name))
        edges.append(at_y(upper[drawn[-1]]))
        lower = upper
    return found, edges


def _thinned_numbers(first: int, last: int, totals: Sequence[int]) -> list[int]:
    points = [(float(number), totals[number]) for number in range(first, last + 1)]
    return [int(number) for number, _ in thinned(points, MOST_POINTS)]


def _shares(series: Sequence[_Series], detailed: Sequence[int], number: int) -> list[float]:
    """The parts of the total, between two snapshots with call paths on the line from one to the other."""
    place = bisect_right(detailed, number)
    left, right = detailed[place - 1], detailed[min(place, len(detailed) - 1)]
    weight = 0.0 if left == right else (number - left) / (right - left)
    ends = [[one.amounts[end] or 0 for one in series] for end in (left, right)]
    sums = [sum(amounts) or 1 for amounts in ends]
    return [(1 - weight) * before / sums[0] + weight * after / sums[1] for before, after in zip(*ends, strict=True)]


def _names(areas: Sequence[Area], edges: Sequence[float], bottom: int) -> list[Name]:
    """The names, each beside its area, moved apart where areas are thin."""
    middles = [(edges[place] + edges[place + 1]) / 2 for place in range(len(areas))]
    found: list[Name] = []
    free = float(bottom)
    for area, middle in zip(areas, middles, strict=True):
        y = min(middle, free)
        free = y - _LINE
        text = shorten_name(area.name, _LONGEST_NAME)
        found.append(Name(round(middle, 1), round(y, 1), text, area.name))
    lift = max(_TOP - (found[-1].y if found else _TOP), 0)
    return [name._replace(y=round(name.y + lift, 1)) for name in found]


def _rows(
    chosen: Sequence[SnapshotSummary], series: Sequence[_Series], detailed: Sequence[int], judged: int
) -> list[TimeRow]:
    """The snapshots with call paths; of many, the first, the last and those around the judged one."""
    near = sorted(detailed, key=lambda number: (number != judged, number not in {detailed[0], detailed[-1]}, number))
    found = []
    for number in sorted(near[:_MOST_ROWS]):
        snapshot = chosen[number]
        total = snapshot.totals.get("retained_bytes", 0)
        found.append(
            TimeRow(
                number=number,
                time="" if snapshot.time is None else f"{snapshot.time:,.6g}",
                mark="judged" if number == judged else "",
                total=format_bytes(total),
                total_exact=format_exact_bytes(total),
                parts=[format_bytes(one.amounts[number] or 0) for one in series],
            )
        )
    return found
