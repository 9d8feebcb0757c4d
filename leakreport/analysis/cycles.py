"""Sawteeth: series that climb and fall again, whose floor is judged instead of their level."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.slopes import Axis
from leakreport.model.columns import BoolColumn, Float64Column

LEAST_SNAPSHOTS = 8
LEAST_VALLEYS = 4
_DROP_SHARE = 0.4
_LEAST_RISING = 0.6


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
    z_error: Float64Column
    """The error for the test: the same, but also for fewer valleys than can be tested."""
    freedom: Float64Column
    valley_span: Float64Column
    """x from the first to the last valley used."""
    least_rise: Float64Column
    """What the floor must rise at least: the phase of sampling alone moves valleys by the mean rise per snapshot."""
    drops: BoolColumn
    """Rows × changes: where it falls."""


def find_cycles(
    values: Float64Column, changes: Float64Column, axis: Axis, quantum: Float64Column, floor: Float64Column
) -> Cycles | None:
    """The rows that are sawteeth: at least two sharp drops, few jumps, mostly rising."""
    if axis.length < LEAST_SNAPSHOTS:
        return None
    rising = np.count_nonzero(changes > 0, axis=1)
    rows = np.flatnonzero(rising >= _LEAST_RISING * (axis.length - 1))
    if not rows.size:
        return None
    values, changes = values[rows], changes[rows]
    centred_x = axis.x - axis.x.mean()
    slope = ((values - values.mean(axis=1)[:, None]) @ centred_x) / (centred_x @ centred_x)
    residuals = values - slope[:, None] * centred_x
    height = np.ptp(residuals, axis=1)
    moves = changes - slope[:, None] * np.diff(axis.x)
    limit = (_DROP_SHARE * height)[:, None]
    drops = moves < -limit
    drop_count = drops.sum(axis=1)
    jumps = (moves > limit).sum(axis=1)
    is_cycle = (drop_count >= 2) & (jumps <= drop_count // 4) & (height >= floor[rows])
    if not is_cycle.any():
        return None
    rows = rows[is_cycle]
    return _floors(rows, values[is_cycle], changes[is_cycle], drops[is_cycle], height[is_cycle], quantum[rows], axis)


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
    can_test = count >= LEAST_VALLEYS
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    ups = np.maximum(changes, 0).sum(axis=1) / np.maximum(1, (changes > 0).sum(axis=1))
    return Cycles(
        rows=rows,
        height=height,
        valleys=count,
        slope=slope,
        error=np.where(can_test, error, np.maximum(error, height / axis.span)),
        z_error=error,
        freedom=freedom,
        valley_span=np.maximum.reduceat(x, starts) - np.minimum.reduceat(x, starts),
        least_rise=1.5 * ups,
        drops=drops,
    )


def _valley_values(values: Float64Column, owner: NDArray[np.int64], place: NDArray[np.int64]) -> Float64Column:
    """The lowest value from each drop to the next; after the last drop of a row, the value it fell to."""
    flat = values.ravel()
    at = owner * values.shape[1] + place
    lows = np.minimum.reduceat(flat, at)
    is_last = np.r_[owner[1:] != owner[:-1], True]
    return np.where(is_last, flat[at], lows)
