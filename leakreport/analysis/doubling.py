"""A container that doubles its capacity: few exact jumps, each twice the one before, each after twice the time.

Under a steady arrival of items that is what a growing vector or hash table does, and no test of a line or of differences
sees it: most snapshots are level and one of them holds half of the rise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.slopes import Axis
from leakreport.model.columns import BoolColumn, Float64Column

LEAST_JUMPS = 3
# More jumps than that would be a factor of 2^40 in one series.
_MOST_JUMPS = 40
_LEAST_LAST_SHARE = 0.4
# A jump is seen up to one snapshot late: once in a gap, twice in twice the gap before.
_GAP_TOLERANCE = 3


class Doubling(NamedTuple):
    """Which rows double, and the steady rate of items behind it. One entry per row."""

    is_doubling: BoolColumn
    rate: Float64Column
    """Half of the last jump, over the time it took."""
    low: Float64Column
    high: Float64Column
    last_jumps: NDArray[np.int64]
    """First snapshot after each of the last three jumps. Shape: rows × 3; -1 where it does not double."""


def find_doubling(changes: Float64Column, axis: Axis, quantum: Float64Column) -> Doubling:
    """The rows whose every change is a jump that doubles.

    Heuristic: the shape is exact or it is not; no error rate stands behind it. It errs on a table that is filled in ever
    doubling portions and is full by now.
    """
    rows = len(changes)
    found = Doubling(
        np.zeros(rows, dtype=np.bool_), np.zeros(rows), np.zeros(rows), np.zeros(rows), np.full((rows, LEAST_JUMPS), -1)
    )
    is_jump = changes > quantum[:, None]
    count = np.count_nonzero(is_jump, axis=1)
    is_likely = (count >= LEAST_JUMPS) & (count <= _MOST_JUMPS) & (changes.min(axis=1) >= -quantum)
    # The last jump is about half of all: few other series need a look at each jump.
    is_likely &= changes.max(axis=1) >= _LEAST_LAST_SHARE * changes.sum(axis=1)
    for row in np.flatnonzero(is_likely).tolist():
        places = np.flatnonzero(is_jump[row])
        if not _doubles(changes[row, places], places, axis.length, 3 * float(quantum[row])):
            continue
        before, last = axis.x[places[-2] + 1], axis.x[places[-1] + 1]
        width = (axis.x[-1] - axis.x[0]) / (axis.length - 1)
        half = float(changes[row, places[-1]]) / 2
        found.is_doubling[row] = True
        found.rate[row] = half / (last - before)
        found.low[row] = half / (last - before + width)
        found.high[row] = half / max(last - before - width, width / 2)
        found.last_jumps[row] = places[-LEAST_JUMPS:] + 1
    return found


def _doubles(jumps: Float64Column, places: NDArray[np.int64], length: int, tolerance: float) -> bool:
    is_twice = np.abs(jumps[1:] - 2 * jumps[:-1]) <= tolerance
    # The first jump may have been several at once.
    if not (is_twice.all() or (jumps.size > LEAST_JUMPS and is_twice[1:].all() and jumps[0] <= jumps[1] + tolerance)):
        return False
    # A tolerance as wide as the jumps would see doubling in anything.
    if jumps[0] <= 2 * tolerance:
        return False
    gaps = np.diff(places)
    is_in_time = np.abs(gaps[1:] - 2 * gaps[:-1]) <= _GAP_TOLERANCE
    since = length - 2 - int(places[-1])
    return bool(is_in_time.all() and since <= 2 * gaps[-1] + _GAP_TOLERANCE)
