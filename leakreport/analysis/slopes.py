"""How fast each of many series rises, and how sure that is: least squares with correlated errors, and differences.

Both look at the tail of the series only (its last three quarters), where a warm-up is over. The level test is sharp but
believes that what is left of the series returns to its line; the difference test also holds for random walks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from leakreport.analysis.series_tests import (
    autoregressive_variance,
    row_products,
    t_to_normal,
    upper_t,
    walk_quantile,
)
from leakreport.model.columns import BoolColumn, Float64Column

_MOST_CORRELATION = 0.995
_CORRELATIONS = np.concatenate([np.linspace(0, 0.9, 40), np.linspace(0.905, _MOST_CORRELATION, 40)])
_INTERVAL_SHARE = 0.025
_LEAST_TO_REJECT_WALKS = 15
_WALK_SHARE = 0.6
# Added to the correlation for the interval, in 1/√snapshots of the tail; the test adds 1.
_INTERVAL_WIDENING = 0.5


@dataclass(frozen=True)
class Axis:
    """What the series are plotted against: cumulative work, time or the number of the snapshot.

    Shape: one float per snapshot, strictly rising.
    """

    x: Float64Column

    @property
    def length(self) -> int:
        """Snapshots."""
        return int(self.x.size)

    @property
    def tail_start(self) -> int:
        """The first snapshot of the tail."""
        if self.length >= 8:
            return self.length // 4
        return 1 if self.length >= 6 else 0

    @property
    def span(self) -> float:
        """Last x minus first."""
        return float(self.x[-1] - self.x[0])

    @cached_property
    def tail(self) -> Float64Column:
        """The x of the tail."""
        return self.x[self.tail_start :]

    @property
    def tail_span(self) -> float:
        """Last x minus first of the tail."""
        return float(self.tail[-1] - self.tail[0])

    @cached_property
    def centred(self) -> Float64Column:
        """The x of the tail minus their mean."""
        return np.asarray(self.tail - self.tail.mean())

    @cached_property
    def sum_of_squares(self) -> float:
        """Of `centred`."""
        return float(self.centred @ self.centred)

    @cached_property
    def slope_variances(self) -> Float64Column:
        """Of the slope over the tail, per correlation of the grid."""
        return autoregressive_variance(self.centred, _CORRELATIONS)

    def slope_error(self, correlation: Float64Column, innovation: Float64Column) -> Float64Column:
        """Standard error of the slope from the correlation and the variance of the innovations."""
        return np.asarray(np.sqrt(innovation * np.interp(correlation, _CORRELATIONS, self.slope_variances)))


class Slopes(NamedTuple):
    """Figures of the tail, one entry per series."""

    slope: Float64Column
    error: Float64Column
    """Standard error for the test: wider than the likely one, so that an underestimated correlation does no harm."""
    interval_error: Float64Column
    freedom: Float64Column
    z: Float64Column
    """The level test as a normal deviate."""
    residual_squares: Float64Column
    correlation: Float64Column
    """Lag-1 correlation of the residuals; -1 where the data is exact."""
    safe_correlation: Float64Column
    is_noisy: BoolColumn
    difference_slope: Float64Column
    difference_error: Float64Column
    difference_z: Float64Column
    middle: Float64Column
    """Mean of the tail: the level at the mean x of the tail."""


def fit_slopes(values: Float64Column, changes: Float64Column, axis: Axis, quantum: Float64Column) -> Slopes:
    """Fit the tail of each row.

    Args:
        values: Rows of floats, one per snapshot.
        changes: The same rows as differences from snapshot to snapshot.
        axis: What they are plotted against.
        quantum: Per row, the smallest change that means one event: no error is taken to be below half of it.
    """
    start, length = axis.tail_start, axis.length - axis.tail_start
    tail = values[:, start:]
    middle = tail.mean(axis=1)
    centred = tail - middle[:, None]
    slope = (centred @ axis.centred) / axis.sum_of_squares
    residuals = centred
    residuals -= slope[:, None] * axis.centred
    squares = row_products(residuals, residuals)
    neighbours = row_products(residuals[:, 1:], residuals[:, :-1])
    is_noisy = squares > length * (quantum / 2) ** 2 / 4
    correlation = np.where(is_noisy, neighbours / np.where(squares > 0, squares, 1), -1.0)
    corrected = (length * correlation + 2) / (length - 4) if length > 5 else correlation
    first, last = residuals[:, 0] ** 2, residuals[:, -1] ** 2
    freedom = length - 2

    def error_with(widening: float) -> tuple[Float64Column, Float64Column]:
        rho = np.where(is_noisy, np.clip(corrected + widening / np.sqrt(length), 0, _MOST_CORRELATION), 0)
        innovations = (squares - first) + rho * rho * (squares - last) - 2 * rho * neighbours + (1 - rho * rho) * first
        return rho, axis.slope_error(rho, np.maximum(innovations / freedom, (quantum / 2) ** 2))

    safe, error = error_with(1.0)
    freedoms = np.full(len(values), float(freedom))
    steps = changes[:, start:]
    difference_slope, difference_error = _differences(steps, axis, quantum)
    return Slopes(
        slope=slope,
        error=error,
        interval_error=error_with(_INTERVAL_WIDENING)[1],
        freedom=freedoms,
        z=t_to_normal(slope / error, freedoms),
        residual_squares=squares,
        correlation=correlation,
        safe_correlation=safe,
        is_noisy=is_noisy,
        difference_slope=difference_slope,
        difference_error=difference_error,
        difference_z=t_to_normal(difference_slope / difference_error, np.full(len(values), float(max(1, length - 2)))),
        middle=middle,
    )


def _differences(steps: Float64Column, axis: Axis, quantum: Float64Column) -> tuple[Float64Column, Float64Column]:
    """Mean rate from snapshot to snapshot, and its standard error."""
    widths = np.diff(axis.tail)
    count = widths.size
    rates = steps / widths
    mean = rates.mean(axis=1)
    rates -= mean[:, None]
    squares = row_products(rates, rates)
    least = count * (quantum / 2) ** 2 / np.mean(widths) ** 2
    return mean, np.sqrt(np.maximum(squares, least) / max(1, count - 1) / count)


def intervals(fits: Slopes, axis: Axis, arrivals: Float64Column, is_cycle: BoolColumn) -> tuple[Float64Column, ...]:
    """The shown slope, and the lower and upper end of its 95 % interval.

    Args:
        fits: The figures of the rows.
        axis: What they are plotted against.
        arrivals: Per row, the quantum where events arrive at random (counts, sampled profiles), else 0.
        is_cycle: Rows whose slope is that of the floor of a sawtooth.
    """
    length = axis.length - axis.tail_start
    error = np.sqrt(fits.interval_error**2 + 1.2 * arrivals * np.abs(fits.slope) / axis.tail_span)
    by_differences = (
        ~is_cycle & fits.is_noisy & (fits.correlation > walk_quantile(length, 0.05)) & (fits.difference_error > error)
    )
    slope = np.where(by_differences, fits.difference_slope, fits.slope)
    # A short tail rejects a random walk hardly ever, so that most noise would get the width of a walk.
    share = _WALK_SHARE if length < _LEAST_TO_REJECT_WALKS else 1.0
    wide = error ** (1 - share) * fits.difference_error**share
    half = upper_t(_INTERVAL_SHARE, fits.freedom) * np.where(by_differences, wide, error)
    return slope, slope - half, slope + half
