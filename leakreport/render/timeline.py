"""What the judged process held over time, as a line: one point per snapshot, the judged one marked."""

from __future__ import annotations

from typing import NamedTuple

from leakreport.analysis.report import Report, SnapshotSummary
from leakreport.units import format_bytes

WIDTH = 1120
HEIGHT = 96
_MARGIN = 6
_MOST_POINTS = 2_000


class Timeline(NamedTuple):
    """A line in a drawing `WIDTH` by `HEIGHT`; `judged` is the marked point."""

    points: str
    judged: tuple[float, float]
    first: str
    last: str
    highest: str
    unit: str
    steps: str
    """Where each snapshot is from left to right, for the script."""
    width: int = WIDTH
    height: int = HEIGHT
    top: int = _MARGIN
    bottom: int = HEIGHT - _MARGIN


def timeline(report: Report) -> Timeline | None:
    """The line, or None where there are not two snapshots to draw."""
    chosen = [report.snapshots[index] for index in report.timeline if _held(report.snapshots[index]) is not None]
    if len(chosen) < 2:
        return None
    times = [snapshot.time for snapshot in chosen]
    known = [time for time in times if time is not None]
    has_time = len(known) == len(chosen) and known == sorted(known) and known[-1] > known[0]
    # Without a time of their own, snapshots stand side by side.
    places = known if has_time else [float(number) for number in range(len(chosen))]
    held = [_held(snapshot) or 0 for snapshot in chosen]
    top = max(held) or 1
    across = (WIDTH - 2 * _MARGIN) / (places[-1] - places[0])

    def point(number: int) -> tuple[float, float]:
        x = _MARGIN + (places[number] - places[0]) * across
        return round(x, 1), round(HEIGHT - _MARGIN - held[number] / top * (HEIGHT - 2 * _MARGIN), 1)

    step = max(len(chosen) // _MOST_POINTS, 1)
    shown = sorted({*range(0, len(chosen), step), held.index(max(held)), len(chosen) - 1})
    judged = next(
        (number for number, snapshot in enumerate(chosen) if snapshot.index == report.judged), len(chosen) - 1
    )
    return Timeline(
        points=" ".join(f"{x},{y}" for x, y in map(point, shown)),
        judged=point(judged),
        first=format_bytes(held[0]),
        last=format_bytes(held[-1]),
        highest=format_bytes(max(held)),
        unit=(chosen[0].time_unit or "time") if has_time else "number of the snapshot",
        steps=" ".join(f"{point(number)[0]:g}" for number in range(len(chosen))),
    )


def _held(snapshot: SnapshotSummary) -> int | None:
    return snapshot.totals.get("retained_bytes")
