"""Sawteeth: series that climb and fall again, whose floor is judged instead of their level."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.series_tests import row_products
from leakreport.analysis.slopes import Axis
from leakreport.model.columns import BoolColumn, Float64Column

LEAST_SNAPSHOTS = 8
LEAST_VALLEYS = 4
_DROP_SHARE = 0.4
_LEAST_RISING = 0.6
# Of the variance around a line, teeth leave under 5 % nearly always; noise that happens to fall sharply leaves 10 % or more
# of 10 snapshots, 20 % of 20 and 30 % of 60. Teeth of uneven height need the room.
_LEAST_LEFT_SHARE = 0.08
_MOST_LEFT_SHARE = 0.35
_LEFT_PER_SNAPSHOT = 0.01
# Drops that bound a period, and how much noise beside their height still lets them be called regular.
_LEAST_REGULAR = 3
_REGULAR_SHARE = 0.03
# Drops further apart than this many cycles say little more about the period, and looking at all is quadratic.
_MOST_LAGS = 64
_MOST_CORRELATION = 0.9
_ROUNDING = 1e-9


class Cycles(NamedTuple):
    """The sawteeth among some rows, one entry per sawtooth; `rows` says which rows they are."""

    rows: NDArray[np.int64]
    height: Float64Column
    """Range of what a line leaves."""
    valleys: NDArray[np.int64]
    """How many there are: the lowest value from a drop to the next; what comes before the first drop is not used."""
    slope: Float64Column
    """Of the floor, with its standard error."""
    error: Float64Column
    freedom: Float64Column
    least_rise: Float64Column
    """What the slope must reach at least: the phase of sampling alone moves valleys by the mean rise per snapshot."""
    phase_error: Float64Column
    """How far the slope may be off because nobody saw when exactly the drops were; 0 where valleys were fitted."""
    is_testable: BoolColumn
    drops: BoolColumn
    """Rows × changes: where it falls."""


def find_cycles(
    values: Float64Column, changes: Float64Column, axis: Axis, quantum: Float64Column, floor: Float64Column
) -> Cycles | None:
    """The rows that are sawteeth: at least two sharp drops, few jumps, mostly rising, and little else."""
    if axis.length < LEAST_SNAPSHOTS:
        return None
    rising = np.count_nonzero(changes > 0, axis=1)
    rows = np.flatnonzero(rising >= _LEAST_RISING * (axis.length - 1))
    if not rows.size:
        return None
    values, changes = values[rows], changes[rows]
    centred_x = axis.x - axis.x.mean()
    centred = values - values.mean(axis=1)[:, None]
    slope = (centred @ centred_x) / (centred_x @ centred_x)
    residuals = centred - slope[:, None] * centred_x
    height = np.ptp(residuals, axis=1)
    moves = changes - slope[:, None] * np.diff(axis.x)
    limit = (_DROP_SHARE * height)[:, None]
    # A rest beside a steep rise falls below the line without being a drop.
    drops = (moves < -limit) & (changes < 0)
    drop_count = drops.sum(axis=1)
    jumps = (moves > limit).sum(axis=1)
    is_cycle = (drop_count >= 2) & (jumps <= drop_count // 4) & (height >= floor[rows])
    is_cycle[is_cycle] = _are_teeth(centred[is_cycle], residuals[is_cycle], drops[is_cycle], axis)
    if not is_cycle.any():
        return None
    found = rows[is_cycle]
    cycles = _floors(
        found, values[is_cycle], changes[is_cycle], drops[is_cycle], height[is_cycle], quantum[found], axis
    )
    return with_regular_cycles(cycles, centred[is_cycle], quantum[found], axis)


def _are_teeth(centred: Float64Column, residuals: Float64Column, drops: BoolColumn, axis: Axis) -> BoolColumn:
    """Whether one slope with a level of its own for each cycle leaves far less than a line: noise falls sharply, too."""
    count, length = centred.shape
    cycle = np.hstack([np.zeros((count, 1), dtype=np.int64), np.cumsum(drops, axis=1)])
    key = (np.arange(count)[:, None] * length + cycle).ravel()
    sizes = np.maximum(np.bincount(key, minlength=count * length), 1)

    def within(columns: Float64Column) -> Float64Column:
        means = np.bincount(key, columns.ravel(), minlength=count * length) / sizes
        return np.asarray(columns - means[key].reshape(count, length))

    x, y = within(np.broadcast_to(axis.x, centred.shape)), within(centred)
    squares_x = row_products(x, x)
    slope = row_products(x, y) / np.where(squares_x > 0, squares_x, 1)
    y -= slope[:, None] * x
    freedom = np.maximum(length - 2 - cycle[:, -1], 1)
    left = row_products(y, y) / freedom
    share = min(_LEAST_LEFT_SHARE + _LEFT_PER_SNAPSHOT * (length - LEAST_SNAPSHOTS), _MOST_LEFT_SHARE)
    return np.asarray(left <= share * row_products(residuals, residuals) / (length - 2))


def _floors(
    rows: NDArray[np.int64],
    values: Float64Column,
    changes: Float64Column,
    drops: BoolColumn,
    height: Float64Column,
    quantum: Float64Column,
    axis: Axis,
) -> Cycles:
    owner, place = np.nonzero(drops)
    place = place + 1
    count = np.bincount(owner, minlength=len(rows))
    lows = _valley_values(values, owner, place)
    x = axis.x[place]
    x_mean = np.bincount(owner, x) / count
    low_mean = np.bincount(owner, lows) / count
    dx, dy = x - x_mean[owner], lows - low_mean[owner]
    sxx, sxy, syy = np.bincount(owner, dx * dx), np.bincount(owner, dx * dy), np.bincount(owner, dy * dy)
    slope = sxy / sxx
    freedom = np.maximum(count - 2, 1).astype(np.float64)
    variance = np.maximum(np.maximum(syy - slope * sxy, 0) / freedom, (quantum / 2) ** 2)
    error = np.sqrt(variance / sxx)
    is_testable = count >= LEAST_VALLEYS
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    ups = np.maximum(changes, 0).sum(axis=1) / np.maximum(1, (changes > 0).sum(axis=1))
    valley_span = np.maximum.reduceat(x, starts) - np.minimum.reduceat(x, starts)
    return Cycles(
        rows=rows,
        height=height,
        valleys=count,
        slope=slope,
        error=np.where(is_testable, error, np.maximum(error, height / axis.span)),
        freedom=freedom,
        least_rise=1.5 * ups / valley_span,
        phase_error=np.zeros(len(rows)),
        is_testable=is_testable,
        drops=drops,
    )


def _valley_values(values: Float64Column, owner: NDArray[np.int64], place: NDArray[np.int64]) -> Float64Column:
    """The lowest value from each drop to the next; after the last drop of a row, the value it fell to."""
    flat = values.ravel()
    at = owner * values.shape[1] + place
    lows = np.minimum.reduceat(flat, at)
    is_last = np.r_[owner[1:] != owner[:-1], True]
    return np.where(is_last, flat[at], lows)


def with_regular_cycles(cycles: Cycles, centred: Float64Column, quantum: Float64Column, axis: Axis) -> Cycles:
    """The same, where cycles of one length and height are judged by all their snapshots instead of their valleys.

    A regular sawtooth on a leak is y = a + (b + h/p)·x − h·(drops so far), with its height h and its period p: linear, so
    every snapshot helps. The drops bound p from both sides; what b moves between these bounds is the phase error, and it
    counts against growth.
    """
    length = axis.length
    drops_so_far = np.hstack([np.zeros((len(centred), 1)), np.cumsum(cycles.drops, axis=1)])
    k = drops_so_far - drops_so_far.mean(axis=1)[:, None]
    x = axis.x - axis.x.mean()
    xx, xk, kk, xy, ky = float(x @ x), k @ x, row_products(k, k), centred @ x, row_products(k, centred)
    determinant = xx * kk - xk * xk
    is_sound = determinant > _ROUNDING * xx * kk
    determinant = np.where(is_sound, determinant, 1)
    climb, height = (xy * kk - ky * xk) / determinant, (xy * xk - ky * xx) / determinant
    residuals = centred - climb[:, None] * x + height[:, None] * k
    squares = row_products(residuals, residuals)
    shortest, longest = _periods(cycles.drops, axis)
    is_regular = is_sound & (cycles.valleys >= _LEAST_REGULAR) & (shortest < longest) & (height > 0)
    deviation = np.sqrt(np.maximum(squares / (length - 3), (quantum / 2) ** 2))
    is_regular &= deviation <= _REGULAR_SHARE * height
    shortest, longest = np.where(is_regular, shortest, 1.0), np.where(is_regular, longest, 1.0)
    least, most = climb - height / shortest, climb - height / longest
    rate = (1 / shortest + 1 / longest) / 2
    neighbours = row_products(residuals[:, 1:], residuals[:, :-1])
    correlation = np.where(squares > 0, neighbours / np.where(squares > 0, squares, 1), 0)
    correlation = np.clip(correlation + 1 / np.sqrt(length), 0, _MOST_CORRELATION)
    spread = np.maximum(kk - 2 * xk * rate + xx * rate**2, 0) / determinant
    error = deviation * np.sqrt(np.maximum(spread, 1 / xx) * (1 + correlation) / (1 - correlation))
    return cycles._replace(
        slope=np.where(is_regular, (least + most) / 2, cycles.slope),
        error=np.where(is_regular, error, cycles.error),
        freedom=np.where(is_regular, float(length - 3), cycles.freedom),
        least_rise=np.where(is_regular, 0.0, cycles.least_rise),
        phase_error=np.where(is_regular, (most - least) / 2, 0.0),
        is_testable=cycles.is_testable | is_regular,
    )


def _periods(drops: BoolColumn, axis: Axis) -> tuple[Float64Column, Float64Column]:
    """Between which periods all drops of a row lie: each was between two snapshots."""
    count = drops.sum(axis=1)
    owner, place = np.nonzero(drops)
    column = np.arange(owner.size) - (np.cumsum(count) - count)[owner]
    before = np.full((len(drops), int(count.max())), np.nan)
    after = before.copy()
    before[owner, column], after[owner, column] = axis.x[place], axis.x[place + 1]
    shortest, longest = np.zeros(len(drops)), np.full(len(drops), np.inf)
    for lag in range(1, min(before.shape[1], _MOST_LAGS + 1)):
        shortest = np.fmax(shortest, np.fmax.reduce(before[:, lag:] - after[:, :-lag], axis=1) / lag)
        longest = np.fmin(longest, np.fmin.reduce(after[:, lag:] - before[:, :-lag], axis=1) / lag)
    return shortest, longest
