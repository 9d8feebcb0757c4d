"""Series cut into groups with the same snapshots, and what is measured of each: in pieces that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.changepoints import Shapes, describe
from leakreport.analysis.cycles import Cycles, find_cycles
from leakreport.analysis.doubling import Doubling, find_doubling
from leakreport.analysis.series_tests import t_to_normal
from leakreport.analysis.slopes import Axis, Slopes, fit_slopes
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column

# A piece of 1,500 rows of 100 snapshots takes 1.2 MB: with what is computed from it, about a second-level cache.
_PIECE_VALUES = 150_000
# Each pattern of missing snapshots is judged on an axis of its own; inputs with more patterns are not what tools write.
MOST_PATTERNS = 64
LAST_DROPS = 3
_NORMAL_95 = 1.96


class Measured(NamedTuple):
    """What is known of each row of a group before the family is looked at."""

    slopes: Slopes
    shapes: Shapes
    doubling: Doubling
    is_cycle: BoolColumn
    is_untestable_cycle: BoolColumn
    least_floor_slope: Float64Column
    """What the floor of a sawtooth must rise by at least, per unit of x; 0 for others."""
    phase_error: Float64Column
    """How far the slope of a regular sawtooth may be off because nobody saw its drops; 0 for others."""
    valleys: Int64Column
    cycle_height: Float64Column
    rising: Int64Column
    """Changes upwards."""
    last_drops: Int64Column
    """First snapshot after each of the last three drops of a sawtooth. Shape: rows × 3, -1 fills up."""


@dataclass(frozen=True)
class SeriesGroup:
    """Rows that are measured in the same snapshots."""

    columns: NDArray[np.int64]
    """Their snapshots."""
    axis: Axis
    rows: NDArray[np.int64]
    """Rows of the matrix that vary enough to be judged."""
    quiet: NDArray[np.int64]
    """Rows of the matrix that do not."""
    quantum: Float64Column
    """Of `rows`, as is `floor`."""
    floor: Float64Column
    measured: Measured | None

    @property
    def tail_length(self) -> int:
        """Snapshots of the tail."""
        return self.axis.length - self.axis.tail_start

    def chunks(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Some rows of the group, in pieces."""
        size = max(1, _PIECE_VALUES // self.axis.length)
        for start in range(0, rows.size, size):
            yield rows[start : start + size]

    def floats(self, values: Int64Column, rows: NDArray[np.int64]) -> tuple[Float64Column, Float64Column]:
        """Rows of the group as floats that begin with 0, and their changes."""
        return to_floats(values, self.rows[rows], self.columns)


def to_floats(
    values: Int64Column, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[Float64Column, Float64Column]:
    """Rows of the matrix less their first value, and their changes.

    Holds: differences are taken before anything is rounded, so that a large common level costs no precision.
    """
    taken = values[rows]
    if columns.size != values.shape[1]:
        taken = taken[:, columns]
    # Unsigned differences from the least value cannot wrap, wherever between the ends of int64 the values are.
    unsigned = taken.view(np.uint64)
    unsigned -= taken.min(axis=1).view(np.uint64)[:, None]
    floats = unsigned.astype(np.float64)
    floats -= floats[:, :1].copy()
    return floats, np.diff(floats, axis=1)


def measure_groups(
    values: Int64Column,
    is_missing: BoolColumn | None,
    x: Float64Column,
    quantum: Float64Column,
    floor: Float64Column,
    *,
    least: int,
) -> list[SeriesGroup]:
    """The groups with at least so many snapshots, each row measured."""
    groups = []
    for rows, columns in _patterns(values.shape, is_missing):
        if columns.size < least or not rows.size:
            continue
        varies = _ranges(values, rows, columns) >= floor[rows]
        loud = rows[varies]
        axis = Axis(x[columns])
        group = SeriesGroup(columns, axis, loud, rows[~varies], quantum[loud], floor[loud], None)
        measured = _joined([_measure(group, values, part) for part in group.chunks(np.arange(loud.size))])
        groups.append(SeriesGroup(columns, axis, loud, group.quiet, group.quantum, group.floor, measured))
    return groups


def _patterns(
    shape: tuple[int, ...], is_missing: BoolColumn | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows and the snapshots in which they are measured; the commonest patterns first, the rarest past the most left out."""
    paths, snapshots = shape
    if is_missing is None or not is_missing.any():
        yield np.arange(paths), np.arange(snapshots)
        return
    packed = np.packbits(is_missing, axis=1)
    _, first, place, counts = np.unique(packed, axis=0, return_index=True, return_inverse=True, return_counts=True)
    for pattern in np.argsort(-counts, kind="stable")[:MOST_PATTERNS]:
        yield np.flatnonzero(place.ravel() == pattern), np.flatnonzero(~is_missing[first[pattern]])


def _ranges(values: Int64Column, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Float64Column:
    taken = values if rows.size == len(values) else values[rows]
    if columns.size != values.shape[1]:
        taken = taken[:, columns]
    unsigned = taken.max(axis=1).view(np.uint64) - taken.min(axis=1).view(np.uint64)
    return np.asarray(unsigned, dtype=np.float64)


def _measure(group: SeriesGroup, values: Int64Column, part: NDArray[np.int64]) -> Measured:
    floats, changes = group.floats(values, part)
    quantum, floor = group.quantum[part], group.floor[part]
    slopes = fit_slopes(floats, changes, group.axis, quantum)
    cycles = find_cycles(floats, changes, group.axis, quantum, floor)
    count = part.size
    measured = Measured(
        slopes=slopes,
        shapes=describe(floats, group.axis, quantum),
        doubling=find_doubling(changes, group.axis, quantum),
        is_cycle=np.zeros(count, dtype=np.bool_),
        is_untestable_cycle=np.zeros(count, dtype=np.bool_),
        least_floor_slope=np.zeros(count),
        phase_error=np.zeros(count),
        valleys=np.zeros(count, dtype=np.int64),
        cycle_height=np.zeros(count),
        rising=np.count_nonzero(changes > 0, axis=1).astype(np.int64),
        last_drops=np.full((count, LAST_DROPS), -1),
    )
    if cycles is not None:
        _put_cycles(measured, cycles)
    return measured


def _put_cycles(measured: Measured, cycles: Cycles) -> None:
    """The floor of a sawtooth takes the place of its level."""
    rows, slopes = cycles.rows, measured.slopes
    slopes.slope[rows] = cycles.slope
    slopes.error[rows] = cycles.error
    slopes.interval_error[rows] = cycles.error + cycles.phase_error / _NORMAL_95
    slopes.freedom[rows] = cycles.freedom
    slopes.safe_correlation[rows] = 0
    least = cycles.slope - cycles.phase_error
    slopes.z[rows] = np.where(cycles.is_testable, t_to_normal(least / cycles.error, cycles.freedom), -np.inf)
    slopes.difference_z[rows] = -np.inf
    measured.is_cycle[rows] = True
    measured.is_untestable_cycle[rows] = ~cycles.is_testable
    measured.least_floor_slope[rows] = cycles.least_rise
    measured.phase_error[rows] = cycles.phase_error
    measured.valleys[rows] = cycles.valleys
    measured.cycle_height[rows] = cycles.height
    owner, place = np.nonzero(cycles.drops)
    from_end = np.cumsum(cycles.valleys)[owner] - 1 - np.arange(owner.size)
    is_last = from_end < LAST_DROPS
    measured.last_drops[rows[owner[is_last]], LAST_DROPS - 1 - from_end[is_last]] = place[is_last] + 1


def _joined(parts: Sequence[Measured]) -> Measured | None:
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    slopes = Slopes(*(np.concatenate(columns) for columns in zip(*(part.slopes for part in parts), strict=True)))
    shapes = Shapes(*(np.concatenate(columns) for columns in zip(*(part.shapes for part in parts), strict=True)))
    doubling = Doubling(*(np.concatenate(columns) for columns in zip(*(part.doubling for part in parts), strict=True)))
    rest = (np.concatenate(columns) for columns in zip(*(part[3:] for part in parts), strict=True))
    return Measured(slopes, shapes, doubling, *rest)
