"""What a drawing of a trend needs beyond its verdicts: the fitted line, what could have hidden, what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from leakreport.analysis.growth_results import GrowthWord, SeriesVerdict
from leakreport.analysis.processes import exit_dumps_of, processes_of
from leakreport.analysis.slopes import Axis
from leakreport.analysis.trendreport import FittedLine, HiddenLeaks, Point, TrendRow
from leakreport.model.metrics import LeakKind
from leakreport.model.snapshot import Run
from leakreport.units import plural


def fitted_line(places: Sequence[float], series: Sequence[int | None], verdict: SeriesVerdict) -> FittedLine | None:
    """The slope of a growing series as a line through the middle of the snapshots that it was fitted to.

    Args:
        places: what the slope is per, one per snapshot.
        series: the values; None where nothing was measured.
        verdict: on this series.

    Returns:
        None where the series does not grow, or by jumps that double, to which no line was fitted.
    """
    if verdict.word is not GrowthWord.GROWING or verdict.is_doubling:
        return None
    known = [(x, y) for x, y in zip(places, series, strict=True) if y is not None]
    start = Axis(np.asarray([x for x, _ in known])).tail_start
    x, y = np.asarray(known[start:], dtype=np.float64).T
    return FittedLine(
        float(x[0]), float(x[-1]), float(x.mean()), float(y.mean()), verdict.slope, verdict.low, verdict.high
    )


def fits_of(places: Sequence[float], rows: Iterable[TrendRow]) -> dict[tuple[str, LeakKind], FittedLine]:
    """The lines of all rows that have one, by path and kind."""
    lines = ((row, fitted_line(places, row.series, row.verdict)) for row in rows)
    return {(row.path.id, row.path.leak_kind): line for row, line in lines if line is not None}


def hidden_leaks(rows: Sequence[TrendRow], per_snapshot: float) -> HiddenLeaks:
    """How large a leak could have stayed unseen in the paths that hold something and are not growing.

    Args:
        rows: all paths of a trend.
        per_snapshot: units that slopes are per, from one snapshot to the next.
    """
    others = [row.verdict for row in rows if row.verdict.word is not GrowthWord.GROWING and any(row.series)]
    told = sorted(verdict.smallest_leak * per_snapshot for verdict in others if verdict.smallest_leak is not None)
    return HiddenLeaks(
        told=len(told),
        untold=len(others) - len(told),
        median=told[len(told) // 2] if told else None,
        largest=told[-1] if told else None,
    )


def left_out(run: Run, points: Sequence[Point]) -> tuple[str, ...]:
    """One sentence for each reason why something that was read is not in the series."""
    found = []
    exit_dumps = exit_dumps_of(run.snapshots, processes_of(run.snapshots))
    used = {member for point in points for member in point.members}
    endings = sorted(run.snapshots[index].meta.source for index in exit_dumps - used)
    if endings:
        more = f" and {len(endings) - 1:,} more" if len(endings) > 1 else ""
        found.append(f"{endings[0]}{more}: written while the process ended, when memory is given back.")
    others = len(run.snapshots) - len(used) - len(endings)
    if others:
        found.append(f"{plural(others, 'snapshot')} of runs of which another one is judged.")
    without = sum(not point.is_detailed for point in points)
    if without:
        found.append(f"{plural(without, 'snapshot')} without call paths: counted in the total only.")
    return tuple(found)
