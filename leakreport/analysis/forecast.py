"""What follows from a rate: when a limit is reached, what was there before the first unit of work, and whether work drives it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from leakreport.analysis.growth_results import GrowthVerdicts, GrowthWord
from leakreport.analysis.series_groups import to_floats
from leakreport.analysis.series_tests import row_products
from leakreport.analysis.slopes import Axis
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column

_LEAST_SNAPSHOTS = 4


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a limit is reached, in units of x after the last snapshot."""

    when: float
    low: float
    high: float | None
    """None where it may never be reached: "not before" `low` is all that can be said."""


def time_to_limit(series: Int64Column, limit: int, verdicts: GrowthVerdicts, row: int = 0) -> Forecast | None:
    """When a growing series reaches a limit, if it goes on as it did; none where it is not growing.

    Args:
        series: The values of the series in all snapshots.
        limit: In the unit of the values.
        verdicts: What was said about it.
        row: Which of the verdicts is its own.
    """
    verdict = verdicts[row]
    if verdict.word is not GrowthWord.GROWING or verdict.slope <= 0:
        return None
    floats, _ = to_floats(series[None, :], np.array([0]), np.arange(series.size))
    axis = Axis(verdicts.x)
    tail = floats[0, axis.tail_start :]
    residuals = tail - tail.mean() - verdict.slope * axis.centred
    deviation = math.sqrt(float(residuals @ residuals) / max(1, tail.size - 2))
    level = float(tail.mean() + verdict.slope * axis.centred[-1])
    left = float(limit - int(series[0])) - level
    when = max(0.0, left / verdict.slope)
    low = max(0.0, (left - 2 * deviation) / verdict.high) if verdict.high > 0 else when
    high = max(0.0, (left + 2 * deviation) / verdict.low) if verdict.low > 0 else None
    return Forecast(when, min(low, when), None if high is None else max(high, when))


def initial_amounts(
    values: Int64Column, work: Float64Column, verdicts: GrowthVerdicts
) -> tuple[Float64Column, Float64Column]:
    """What was there before any work was done, and half of its 95 % interval: the cost of initialisation, per series.

    Args:
        values: Paths × snapshots, none missing.
        work: Cumulative units of work per snapshot, counted from the start of the program.
        verdicts: Of the same series, judged by this work.
    """
    axis = Axis(np.asarray(work, dtype=np.float64))
    start = axis.tail_start
    floats, _ = to_floats(values, np.arange(len(values)), np.arange(axis.length))
    tail = floats[:, start:]
    middle, centre = tail.mean(axis=1), float(axis.tail.mean())
    residuals = tail - middle[:, None] - verdicts.slope[:, None] * axis.centred
    deviation = np.sqrt(row_products(residuals, residuals) / max(1, tail.shape[1] - 2))
    half = (verdicts.high - verdicts.low) / 2
    error = np.hypot(half * centre, 2 * deviation / math.sqrt(tail.shape[1]))
    return values[:, 0].astype(np.float64) + middle - verdicts.slope * centre, error


def follows_time(values: Int64Column, work: Float64Column, times: Float64Column) -> BoolColumn:
    """Which series grow with time and not with work: a line in time leaves less than half the squares of one in work."""
    rows, snapshots = values.shape
    if snapshots < _LEAST_SNAPSHOTS:
        return np.zeros(rows, dtype=np.bool_)
    floats, _ = to_floats(values, np.arange(rows), np.arange(snapshots))
    left = []
    for x in (np.asarray(work, dtype=np.float64), np.asarray(times, dtype=np.float64)):
        axis = Axis(x)
        tail = floats[:, axis.tail_start :]
        residuals = tail - tail.mean(axis=1)[:, None]
        residuals -= (residuals @ axis.centred / axis.sum_of_squares)[:, None] * axis.centred
        left.append(row_products(residuals, residuals))
    return np.asarray(left[1] < left[0] / 2)
