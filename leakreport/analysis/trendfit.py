"""What a drawing of a trend needs beyond its verdicts: the fitted line, and what could have hidden."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from leakreport.analysis.growth_results import CODES, GrowthVerdicts, GrowthWord, SeriesVerdict
from leakreport.analysis.slopes import Axis
from leakreport.analysis.trendreport import FittedLine, HiddenLeaks, TrendRow
from leakreport.model.columns import Int64Column
from leakreport.model.metrics import LeakKind


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


def hidden_leaks(values: Int64Column, verdicts: GrowthVerdicts) -> HiddenLeaks:
    """How large a leak could have stayed unseen in the paths that hold something and are not growing.

    Args:
        values: paths × points.
        verdicts: on these.
    """
    is_other = (verdicts.words != CODES[GrowthWord.GROWING]) & (values != 0).any(axis=1)
    smallest = verdicts.smallest_leak[is_other]
    told = np.sort(smallest[np.isfinite(smallest)]) * verdicts.per_snapshot
    return HiddenLeaks(
        told=len(told),
        untold=len(smallest) - len(told),
        median=float(told[len(told) // 2]) if len(told) else None,
        largest=float(told[-1]) if len(told) else None,
    )


def places_of(verdicts: GrowthVerdicts, points: int) -> tuple[float, ...]:
    """What slopes are per, one for each point; where that is the number, from 1."""
    if verdicts.unit == "snapshot" or verdicts.x.size != points:
        return tuple(float(number + 1) for number in range(points))
    return tuple(verdicts.x.tolist())
