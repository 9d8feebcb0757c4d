"""What a family of series demands of each member before it is called growing, and the smallest leak that would meet it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.series_groups import Measured, SeriesGroup
from leakreport.analysis.series_tests import upper_t
from leakreport.model.columns import BoolColumn, Float64Column

# How much likelier (natural logarithm) the line must be than the best shape that stops.
_LEAST_RATIO = 1.5
_MISSED_SHARE = 0.05
_MOST_EXPONENT = 50.0


@dataclass(frozen=True, slots=True)
class GrowthOptions:
    """How strictly series are judged."""

    alpha: float = 0.01
    """The chance that any series of the family is falsely called growing."""
    min_growth: int = 0
    """Ranges below this are flat, in the unit of the values; never below two quanta."""
    is_random_arrival: bool = False
    """Values count events that come at random, or are sampled: the interval is wider."""
    is_family: bool = True
    """Whether all series share one alpha; else each is judged as if it were the only one."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What the family demands of each of its members."""

    options: GrowthOptions
    family_size: int
    walks: float
    level_passed: int
    difference_passed: int

    @property
    def level_ratio(self) -> float:
        """How much likelier the line must be, natural logarithm: more where many rows passed the level test."""
        return _LEAST_RATIO + math.log(max(1, self.level_passed))

    @property
    def difference_ratio(self) -> float:
        """The same for rows that passed the difference test."""
        return _LEAST_RATIO + math.log(max(1, self.difference_passed))

    @property
    def share(self) -> float:
        """Of false alarms per test and series: level and difference test halve the alpha."""
        return self.options.alpha / 2 / self.family_size


def half_quanta(group: SeriesGroup, rows: NDArray[np.int64]) -> Float64Column:
    """Squares of the tail that half a quantum of error in each snapshot makes."""
    return np.asarray(group.tail_length * (group.quantum[rows] / 2) ** 2)


def effective_snapshots(group: SeriesGroup, correlation: Float64Column) -> Float64Column:
    """Independent snapshots that the tail is worth."""
    return np.maximum(2.0, group.tail_length * (1 - correlation) / (1 + correlation))


def smallest_leaks(group: SeriesGroup, measured: Measured, believed: BoolColumn, bar: Bar) -> Float64Column:
    """The smallest slope that would have been called growing with 95 %; infinite where none would have been."""
    slopes = measured.slopes
    quantiles = upper_t(bar.share, slopes.freedom) + upper_t(_MISSED_SHARE, slopes.freedom)
    by_test = quantiles * slopes.error
    effective = effective_snapshots(group, slopes.safe_correlation)
    left = slopes.residual_squares + half_quanta(group, np.arange(group.rows.size))
    ratio = effective * np.expm1(np.minimum(2 * bar.level_ratio / effective, _MOST_EXPONENT))
    by_ratio = 2.4 * (1.645 + np.sqrt(2.7 + ratio)) * np.sqrt(left / effective / group.axis.sum_of_squares)
    by_floor = measured.least_floor_slope + 1.645 * slopes.error
    level = np.maximum(by_test, np.where(measured.is_cycle, by_floor, by_ratio)) + 2 * measured.phase_error
    count = group.tail_length - 1
    one = np.array([float(max(1, count - 1))])
    tested = float((upper_t(bar.share, one) + upper_t(_MISSED_SHARE, one))[0])
    exponent = min(2 * bar.difference_ratio / count, _MOST_EXPONENT)
    factor = max(tested, 2.47 + math.sqrt(2.7 + 2.9 * count * math.expm1(exponent)))
    difference = np.where(measured.is_cycle, np.inf, factor * slopes.difference_error)
    least = np.minimum(np.where(believed, level, np.inf), difference)
    least = np.maximum(least, group.floor / group.axis.span)
    return np.asarray(np.where(measured.is_untestable_cycle, np.inf, least))
