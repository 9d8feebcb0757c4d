"""Some runs before against some runs after: an exact permutation test per path, and over all paths at once.

Under "nothing changed" every way to call some of the runs "before" is as likely as the one that was measured. So the share
of relabelings under which a path differs at least as much is its exact p-value, whatever its noise looks like. The share
under which *any* path has so large a t is the one that holds for a whole report.

A path that is there in some runs and not in others (two values, no more) has no spread where the relabeling puts all of one value
on one side, and so an endless t: a few such paths would hide a leak of fifty standard deviations in another. Their t counts no
more than one that chance gives noise once in a million. Which paths these are does not depend on the labels, so the test stays exact.
Source: Westfall and Young, "Resampling-based multiple testing", 1993 (single-step max-T).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.series_groups import to_floats
from leakreport.analysis.series_tests import upper_t
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column, freeze

# All relabelings of 7 against 7 runs; of more runs so many are drawn.
MOST_RELABELINGS = 3_432
_PIECE_VALUES = 400_000
# Sums of the same values in another order are equal but for rounding.
_ROUNDING = 1e-9
_RAREST = 1e-6
"""The tail of t that two values prove at most."""


@dataclass(frozen=True, slots=True)
class RunComparison:
    """What the runs after have more than those before. Columns with one entry per path."""

    change: Float64Column
    """Mean after minus mean before, in the unit of the values."""
    p_value: Float64Column
    """Share of relabelings whose change is at least as large, of this path alone; the measured one counts."""
    family_p_value: Float64Column
    """Share of relabelings under which any path has at least its t: holds for all paths together."""
    is_exact: BoolColumn
    """All runs before are equal, all runs after are equal, and they differ: two runs on each side, or more."""
    relabelings: int
    """How many ways to call runs "before" were tried: no p-value is below 1 over this."""


def compare_runs(before: Int64Column, after: Int64Column, *, seed: int = 1) -> RunComparison:
    """Test every path for growth from the runs before to the runs after.

    Args:
        before: Paths × runs; at least one run on each side.
        after: Paths × runs, the same paths.
        seed: For the choice of relabelings where there are more than can be tried.

    Raises:
        ValueError: the two have different paths, or one has no run.
    """
    if len(before) != len(after) or not before.shape[1] or not after.shape[1]:
        raise ValueError("runs before and after need the same paths and at least one run each")
    values = np.hstack([before, after]).astype(np.int64, copy=False)
    paths, runs = values.shape
    first_runs = before.shape[1]
    choices = _relabelings(runs, first_runs, seed)
    change = np.zeros(paths)
    p_value = np.ones(paths)
    own_t = np.full(paths, -np.inf)
    largest = np.full(len(choices), -np.inf)
    varies = np.flatnonzero(values.max(axis=1) != values.min(axis=1))
    every = np.arange(runs)
    most = float(upper_t(_RAREST, np.array([max(1.0, runs - 2.0)]))[0])
    size = max(1, _PIECE_VALUES // max(len(choices), runs))
    for start in range(0, varies.size, size):
        rows = varies[start : start + size]
        floats, _ = to_floats(values, rows, every)
        changes, t = _differences(floats, choices, first_runs)
        has_two = _has_two_values(values[rows])
        t[has_two] = np.minimum(t[has_two], most)
        change[rows] = changes[:, 0]
        own_t[rows] = t[:, 0]
        tolerance = _ROUNDING * np.abs(floats).max(axis=1)[:, None]
        p_value[rows] = (changes >= changes[:, :1] - tolerance).mean(axis=1)
        np.maximum(largest, t.max(axis=0), out=largest)
    is_exact = _is_exact(before) & _is_exact(after) & (before[:, 0] != after[:, 0])
    return RunComparison(
        freeze(change), freeze(p_value), freeze(_shares(largest, own_t)), freeze(is_exact), len(choices)
    )


def _relabelings(runs: int, first_runs: int, seed: int) -> NDArray[np.float64]:
    """Rows of 0 and 1: which runs are called "before". The first row is the measured one."""
    measured = np.zeros(runs)
    measured[:first_runs] = 1
    if math.comb(runs, first_runs) <= MOST_RELABELINGS:
        chosen = np.array(list(combinations(range(runs), first_runs)))
        choices = np.zeros((len(chosen), runs))
        np.put_along_axis(choices, chosen, 1.0, axis=1)
        # Combinations come in order, so the first is the measured one.
        return choices
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(measured) for _ in range(MOST_RELABELINGS - 1)]
    return np.array([measured, *drawn])


def _differences(
    floats: Float64Column, choices: NDArray[np.float64], first_runs: int
) -> tuple[Float64Column, Float64Column]:
    """Change of the mean and pooled t, per path and relabeling."""
    runs = floats.shape[1]
    last_runs = runs - first_runs
    centred = floats - floats.mean(axis=1)[:, None]
    # Rows of one scale: squares of large values neither overflow nor swamp the tolerance.
    scale = np.abs(centred).max(axis=1)[:, None]
    centred /= scale
    below = centred @ choices.T
    changes = -below * (1 / first_runs + 1 / last_runs)
    total = np.einsum("ij,ij->i", centred, centred)[:, None]
    between = below * below * (1 / first_runs + 1 / last_runs)
    within = np.maximum(total - between, _ROUNDING * total)
    t = np.sign(changes) * np.sqrt(between / within * max(1, runs - 2))
    return changes * scale, t


def _shares(largest: Float64Column, own: Float64Column) -> Float64Column:
    """Per own t, the share of relabelings whose largest reaches it."""
    ordered = np.sort(largest)
    reached = ordered.size - np.searchsorted(ordered, own - _ROUNDING * np.abs(np.where(np.isfinite(own), own, 0)))
    return np.where(np.isfinite(own), reached / ordered.size, 1.0)


def _has_two_values(values: Int64Column) -> BoolColumn:
    """Rows in which every value is the least or the greatest."""
    lowest, highest = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    return np.asarray(((values == lowest) | (values == highest)).all(axis=1))


def _is_exact(values: Int64Column) -> BoolColumn:
    """Rows of at least two equal values."""
    if values.shape[1] < 2:
        return np.zeros(len(values), dtype=np.bool_)
    return np.asarray(values.max(axis=1) == values.min(axis=1))
