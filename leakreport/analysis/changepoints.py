"""Shapes that rise without leaking: one step, a ramp that stops, a warm-up. Where they are, and whether they fit as well.

The best single step at every place and all other shapes are found with one cumulative sum and one matrix product, and the
correlation of what each of them leaves follows from sums, so that no residuals are formed.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.series_tests import row_products
from leakreport.analysis.slopes import Axis
from leakreport.model.columns import BoolColumn, Float64Column

_STOPS = (0.20, 0.35, 0.50, 0.65, 0.75)
_WARM_UPS = (1 / 16, 1 / 8, 1 / 4)
_WHOLE_STOPS = (0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75)
_WHOLE_WARM_UPS = (1 / 30, 1 / 20, 1 / 12, 1 / 8, 1 / 5, 1 / 3, 1 / 2)
# Information gained over "flat" before another shape is believed; a step has as many places as there are snapshots.
_LEAST_GAIN = 6.0
_LEAST_STEP_GAIN = 10.0
_PLATEAU_SHARE = 0.02
# Beside the squares of the series, what a shape leaves is rounding below this.
_ROUNDING = 1e-12


class Shape(IntEnum):
    """What describes a whole series best."""

    FLAT = 0
    LINE = 1
    STEP = 2
    SATURATION = 3


class Shapes(NamedTuple):
    """The best description of each whole series. One entry per series."""

    shape: NDArray[np.int8]
    step_at: NDArray[np.int64]
    """The first snapshot after the best single step."""
    step_rise: Float64Column
    is_exact_step: BoolColumn
    is_last_step: BoolColumn
    """The rise is in the last snapshot only."""
    knee: NDArray[np.int64]
    """About where the best saturation has stopped."""
    rise: Float64Column
    """What the best saturation has brought; negative where it fell."""
    is_over: BoolColumn
    """The last fifth brought less than 2 % of it."""
    last_share: Float64Column
    """Share of the rise that the last fifth brought."""


class Rivals(NamedTuple):
    """What the best of the shapes that stop leaves of each tail."""

    squares: Float64Column
    correlation: Float64Column
    """Lag-1 correlation of what the best of them and the line leaves."""


def _stopping_shapes(x: Float64Column, stops: tuple[float, ...], times: tuple[float, ...]) -> Float64Column:
    place = (x - x[0]) / (x[-1] - x[0])
    columns = [np.minimum(place, stop) for stop in stops] + [1 - np.exp(-place / time) for time in times]
    return _normalised(np.array(columns).T)


def _normalised(columns: Float64Column) -> Float64Column:
    centred = columns - columns.mean(axis=0)
    return np.asarray(centred / np.sqrt((centred * centred).sum(axis=0)))


def _neighbour_sums(columns: Float64Column) -> Float64Column:
    """Per snapshot, the value before plus the value after: y · this = Σ (y_i z_(i-1) + z_i y_(i-1))."""
    sums = np.zeros_like(columns)
    sums[1:] += columns[:-1]
    sums[:-1] += columns[1:]
    return sums


class _Fitted(NamedTuple):
    """Squares and lag-1 correlation left by a family of shapes, the best per row."""

    best: NDArray[np.int64]
    amplitude: Float64Column
    squares: Float64Column
    correlation: Float64Column


class _Sums(NamedTuple):
    """What every fit of centred rows needs."""

    centred: Float64Column
    squares: Float64Column
    neighbours: Float64Column


def _sums(values: Float64Column) -> _Sums:
    centred = values - values.mean(axis=1)[:, None]
    return _Sums(centred, row_products(centred, centred), row_products(centred[:, 1:], centred[:, :-1]))


def _correlation(sums: _Sums, left: Float64Column, neighbours: Float64Column) -> Float64Column:
    is_real = left > _ROUNDING * sums.squares
    return np.where(is_real, neighbours / np.where(is_real, left, 1), 0.0)


def _best_column(sums: _Sums, columns: Float64Column) -> _Fitted:
    rows = np.arange(len(sums.centred))
    width = columns.shape[1]
    products = sums.centred @ np.hstack([columns, _neighbour_sums(columns)])
    best = np.abs(products[:, :width]).argmax(axis=1)
    amplitude, mixed = products[rows, best], products[rows, best + width]
    own = (columns[1:] * columns[:-1]).sum(axis=0)[best]
    left = np.maximum(sums.squares - amplitude * amplitude, 0)
    neighbours = sums.neighbours - amplitude * mixed + amplitude * amplitude * own
    return _Fitted(best, amplitude, left, _correlation(sums, left, neighbours))


def _best_step(sums: _Sums) -> tuple[_Fitted, Float64Column]:
    """The best single step: `best` is the last snapshot before it, `amplitude` how far it goes; and the square it takes."""
    centred, length = sums.centred, sums.centred.shape[1]
    rows = np.arange(len(centred))
    below = np.cumsum(centred[:, :-1], axis=1)
    before = np.arange(1, length)
    gains = below * below
    gains *= length / (before * (length - before))
    best = gains.argmax(axis=1)
    taken, total = gains[rows, best], below[rows, best]
    left_mean, right_mean = total / (best + 1), -total / (length - best - 1)
    last_low, first_high = centred[rows, best], centred[rows, best + 1]
    mixed = left_mean * (2 * total - centred[:, 0] + first_high - last_low)
    mixed += right_mean * (-2 * total - first_high + last_low - centred[:, -1])
    own = left_mean**2 * best + left_mean * right_mean + right_mean**2 * (length - 2 - best)
    left = np.maximum(sums.squares - taken, 0)
    correlation = _correlation(sums, left, sums.neighbours - mixed + own)
    return _Fitted(best, right_mean - left_mean, left, correlation), taken


def tail_rivals(values: Float64Column, axis: Axis) -> Rivals:
    """The best step, stop or warm-up of the tail of each row, against the line."""
    sums = _sums(values[:, axis.tail_start :])
    step, _ = _best_step(sums)
    stop = _best_column(sums, _stopping_shapes(axis.tail, _STOPS, _WARM_UPS))
    line = _best_column(sums, _normalised(axis.tail[:, None]))
    squares = np.minimum(step.squares, stop.squares)
    correlation = np.where(stop.squares < step.squares, stop.correlation, step.correlation)
    return Rivals(squares, np.where(line.squares <= squares, line.correlation, correlation))


def difference_rivals(changes: Float64Column, axis: Axis) -> tuple[Float64Column, Float64Column]:
    """Squares of the rates of the tail that one big step, a stop or a warm-up leave, and that a constant rate leaves."""
    rates = changes[:, axis.tail_start :] / np.diff(axis.tail)
    count = rates.shape[1]
    squares = row_products(rates, rates)
    place = (np.arange(count) + 0.5) / count
    shapes = [(place < stop) * 1.0 for stop in _STOPS[:4]] + [np.exp(-place / time) for time in _WARM_UPS]
    columns = np.array([shape for shape in shapes if shape.any()]).T
    columns /= np.sqrt((columns * columns).sum(axis=0))
    largest = (rates * rates).max(axis=1)
    taken = np.maximum(largest, ((rates @ columns) ** 2).max(axis=1))
    rates -= rates.mean(axis=1)[:, None]
    return np.maximum(squares - taken, 0), row_products(rates, rates)


def describe(values: Float64Column, axis: Axis, quantum: Float64Column) -> Shapes:
    """Which of flat, line, step and saturation describes each whole row best, and where it changes."""
    length = axis.length
    sums = _sums(values)
    line = _best_column(sums, _normalised(axis.x[:, None]))
    step, _ = _best_step(sums)
    shapes = _stopping_shapes(axis.x, _WHOLE_STOPS, _WHOLE_WARM_UPS)
    saturation = _best_column(sums, shapes)
    rounding = length * (quantum / 2) ** 2
    shape = _cheapest(sums, (line, step, saturation), rounding)
    is_early, is_late = step.best < 1, step.best > length - 3
    is_edge = (shape == Shape.STEP) & (is_early | is_late) & (step.squares > rounding)
    shape = np.where(is_edge, np.where(is_late, Shape.LINE, Shape.FLAT), shape)
    curve = shapes[:, saturation.best]
    rise = saturation.amplitude * (curve[-1] - curve[0])
    last = saturation.amplitude * (curve[-1] - curve[length - 1 - max(1, length // 5)])
    share = np.abs(last) / np.where(rise != 0, np.abs(rise), 1)
    return Shapes(
        shape=shape.astype(np.int8),
        step_at=step.best + 1,
        step_rise=step.amplitude,
        is_exact_step=step.squares < np.maximum(rounding, _ROUNDING * sums.squares),
        is_last_step=is_edge & is_late & (step.amplitude > 0),
        knee=_knees(axis)[saturation.best],
        rise=rise,
        is_over=share < _PLATEAU_SHARE,
        last_share=share,
    )


def _cheapest(sums: _Sums, fits: tuple[_Fitted, ...], rounding: Float64Column) -> NDArray[np.int64]:
    """The shape with the least information, BIC with the number of snapshots that correlation leaves."""
    length = sums.centred.shape[1]
    correlation = np.minimum.reduce([fit.correlation for fit in fits])
    corrected = np.clip((length * correlation + 2) / (length - 4) if length > 5 else correlation, 0, 0.98)
    effective = np.maximum(2.0, length * (1 - corrected) / (1 + corrected))
    information = np.array(
        [
            effective * np.log(left + rounding) + parameters * math.log(length)
            for left, parameters in zip((sums.squares, *(fit.squares for fit in fits)), (1, 2, 3, 3), strict=True)
        ]
    )
    best = information.argmin(axis=0)
    gain = information[Shape.FLAT] - information.min(axis=0)
    return np.where(gain < np.where(best == Shape.STEP, _LEAST_STEP_GAIN, _LEAST_GAIN), Shape.FLAT, best)


def _knees(axis: Axis) -> NDArray[np.int64]:
    """Per stopping shape of the whole series, the snapshot by which it has (nearly) stopped."""
    place = (axis.x - axis.x[0]) / axis.span
    stops = (*_WHOLE_STOPS, *(3 * time for time in _WHOLE_WARM_UPS))
    return np.minimum(np.searchsorted(place, stops), axis.length - 1)
