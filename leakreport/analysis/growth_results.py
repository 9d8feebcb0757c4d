"""What a judged series is: its word, slope, smallest leak and change points; columns for many, a record for one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.series_groups import LAST_DROPS, Measured, SeriesGroup
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column, freeze

# Exact rounds that could tell at all; valleys that give more than an error bar.
_LEAST_SNAPSHOTS = 4
_WANTED_VALLEYS = 5
_MOST_MORE_RUNS = 1_000_000
# The smallest leak falls with the number of snapshots to this power.
_FALL = 1.5


class GrowthWord(StrEnum):
    """The verdict on a series, as in `docs/json.md`."""

    GROWING = "growing"
    STEP = "step"
    PLATEAU = "plateau"
    SAWTOOTH = "sawtooth"
    SLOWING = "slowing"
    FLAT = "flat"
    SHRINKING = "shrinking"
    UNCLEAR = "unclear"
    TOO_FEW = "too-few"


WORDS = tuple(GrowthWord)
CODES = {word: np.int8(code) for code, word in enumerate(WORDS)}


@dataclass(frozen=True, slots=True)
class SeriesVerdict:
    """The verdict on one series. Slopes are per unit of x, which is work, time or the snapshot."""

    word: GrowthWord
    first: int
    last: int
    measured: int
    """Snapshots in which it was measured."""
    slope: float
    low: float
    """95 % interval of the slope."""
    high: float
    smallest_leak: float | None
    """Slope that would have been called growing 95 times of 100; none: no leak could have been shown."""
    more_runs: int | None
    """About how many more snapshots would show its own slope (`unclear`) or a leak half as large (others)."""
    change_points: tuple[int, ...]
    """First snapshot after each change, from 0."""
    p_value: float
    rising: int
    """Changes upwards."""
    rise: float
    """Of the step, plateau or slowing shape; the height of a sawtooth."""
    last_share: float
    """Share of that rise in the last fifth."""
    valleys: int
    is_doubling: bool
    is_last_step: bool


@dataclass(frozen=True)
class GrowthVerdicts:
    """Verdicts on many series, as columns. Shape: one entry per series; slopes per unit of x."""

    words: NDArray[np.int8]
    """Positions in `WORDS`."""
    first: Int64Column
    last: Int64Column
    measured: Int64Column
    slope: Float64Column
    low: Float64Column
    high: Float64Column
    smallest_leak: Float64Column
    """Infinite where no leak could have been shown."""
    more_runs: Int64Column
    """-1 where more runs would not help or none are needed."""
    change_points: Int64Column
    """First snapshot after each change, from 0; -1 fills up. Shape: series × 3, the last ones where there are more."""
    p_values: Float64Column
    rising: Int64Column
    rise: Float64Column
    last_share: Float64Column
    valleys: Int64Column
    is_doubling: BoolColumn
    is_last_step: BoolColumn
    x: Float64Column
    """What slopes are per, one per snapshot."""
    unit: str
    """What x is: work, time or snapshot."""
    family_size: int
    """How many series varied enough to be tested together."""

    def __len__(self) -> int:
        return self.words.size

    @property
    def per_snapshot(self) -> float:
        """Units of x from one snapshot to the next, on average: a slope times this is per snapshot."""
        count = self.x.size
        return float(self.x[-1] - self.x[0]) / (count - 1) if count > 1 else 1.0

    def rows_of(self, word: GrowthWord) -> NDArray[np.int64]:
        """The series with a verdict."""
        return np.flatnonzero(self.words == CODES[word])

    def __getitem__(self, row: int) -> SeriesVerdict:
        smallest, more = float(self.smallest_leak[row]), int(self.more_runs[row])
        return SeriesVerdict(
            word=WORDS[self.words[row]],
            first=int(self.first[row]),
            last=int(self.last[row]),
            measured=int(self.measured[row]),
            slope=float(self.slope[row]),
            low=float(self.low[row]),
            high=float(self.high[row]),
            smallest_leak=smallest if np.isfinite(smallest) else None,
            more_runs=more if more >= 0 else None,
            change_points=tuple(int(place) for place in self.change_points[row] if place >= 0),
            p_value=float(self.p_values[row]),
            rising=int(self.rising[row]),
            rise=float(self.rise[row]),
            last_share=float(self.last_share[row]),
            valleys=int(self.valleys[row]),
            is_doubling=bool(self.is_doubling[row]),
            is_last_step=bool(self.is_last_step[row]),
        )


class SeriesFacts:
    """The verdicts while they are made: columns that groups of series write into."""

    def __init__(self, values: Int64Column, is_missing: BoolColumn | None, x: Float64Column, unit: str) -> None:
        """Columns in which every series has too few snapshots."""
        rows = len(values)
        self.x, self.unit = x, unit
        self.words = np.full(rows, CODES[GrowthWord.TOO_FEW])
        self.first, self.last, self.measured = _ends(values, is_missing)
        self.slope, self.low, self.high = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self.smallest_leak = np.full(rows, np.inf)
        self.more_runs = np.full(rows, -1, dtype=np.int64)
        self.change_points = np.full((rows, LAST_DROPS), -1, dtype=np.int64)
        self.p_values = np.ones(rows)
        self.rising = np.zeros(rows, dtype=np.int64)
        self.rise, self.last_share = np.zeros(rows), np.zeros(rows)
        self.valleys = np.zeros(rows, dtype=np.int64)
        self.is_doubling, self.is_last_step = np.zeros(rows, dtype=np.bool_), np.zeros(rows, dtype=np.bool_)
        self._floor_leak = np.zeros(rows)

    def store_quiet(self, group: SeriesGroup, smallest: Float64Column) -> None:
        """The rows of a group that hardly vary."""
        self.words[group.quiet] = CODES[GrowthWord.FLAT]
        self.smallest_leak[group.quiet] = self._floor_leak[group.quiet] = smallest

    def store(
        self,
        group: SeriesGroup,
        measured: Measured,
        words: NDArray[np.int8],
        shown: tuple[Float64Column, ...],
        smallest: Float64Column,
    ) -> None:
        """The rows of a group that were judged."""
        rows, shapes, doubling = group.rows, measured.shapes, measured.doubling
        self.words[rows] = words
        for column, figures, steady in zip(
            (self.slope, self.low, self.high), shown, (doubling.rate, doubling.low, doubling.high), strict=True
        ):
            column[rows] = np.where(doubling.is_doubling, steady, figures)
        self.smallest_leak[rows] = smallest
        self._floor_leak[rows] = group.floor / group.axis.span
        self.rising[rows] = measured.rising
        self.valleys[rows] = measured.valleys
        self.is_doubling[rows] = doubling.is_doubling
        is_step, is_cycle = words == CODES[GrowthWord.STEP], measured.is_cycle
        self.is_last_step[rows] = shapes.is_last_step & ~is_cycle
        self.rise[rows] = np.where(is_cycle, measured.cycle_height, np.where(is_step, shapes.step_rise, shapes.rise))
        self.last_share[rows] = shapes.last_share
        stops = (words == CODES[GrowthWord.PLATEAU]) | (words == CODES[GrowthWord.SLOWING])
        at = np.where(is_step, shapes.step_at, np.where(stops, shapes.knee, -1))
        self.change_points[rows, 0] = np.where(at >= 0, group.columns[np.maximum(at, 0)], -1)
        places = np.where(measured.last_drops >= 0, group.columns[np.maximum(measured.last_drops, 0)], -1)
        self.change_points[rows[is_cycle]] = places[is_cycle]
        jumps = np.where(doubling.last_jumps >= 0, group.columns[np.maximum(doubling.last_jumps, 0)], -1)
        self.change_points[rows[doubling.is_doubling]] = jumps[doubling.is_doubling]

    def estimate_more_runs(self) -> None:
        """About how many snapshots would be needed for a smaller leak."""
        count = self.measured.astype(np.float64)
        is_few = self.words == CODES[GrowthWord.TOO_FEW]
        leak = np.where(np.isfinite(self.smallest_leak), self.smallest_leak, 0.0)
        is_unclear = (self.words == CODES[GrowthWord.UNCLEAR]) & (np.abs(self.slope) > 0)
        wanted = np.where(is_unclear, np.minimum(np.abs(self.slope), leak), leak / 2)
        ratio = np.where(wanted > 0, leak / np.where(wanted > 0, wanted, 1), 1.0)
        # A floor in the unit of the values is crossed by length alone; noise also by averaging.
        power = np.where(leak <= self._floor_leak, 1.0, _FALL)
        more = np.ceil(count * (ratio ** (1 / power) - 1))
        few_valleys = np.ceil((_WANTED_VALLEYS - self.valleys) * count / np.maximum(self.valleys, 1))
        more = np.where((self.valleys > 0) & ~np.isfinite(self.smallest_leak), np.maximum(few_valleys, 1), more)
        more = np.where(is_few, np.maximum(_LEAST_SNAPSHOTS - count, 1), more)
        is_done = self.words == CODES[GrowthWord.GROWING]
        self.more_runs[:] = np.where(is_done | (more <= 0), -1, np.minimum(more, _MOST_MORE_RUNS)).astype(np.int64)

    def freeze(self, family_size: int) -> GrowthVerdicts:
        """The finished columns."""
        names = (
            "words first last measured slope low high smallest_leak more_runs change_points p_values rising rise last_share"
            " valleys is_doubling is_last_step x"
        ).split()
        return GrowthVerdicts(
            **{name: freeze(getattr(self, name)) for name in names}, unit=self.unit, family_size=family_size
        )


def _ends(values: Int64Column, is_missing: BoolColumn | None) -> tuple[Int64Column, Int64Column, Int64Column]:
    """First and last measured value of each row, and how many there are; 0 where there is none."""
    rows, snapshots = values.shape
    if is_missing is None or not snapshots:
        zeros = np.zeros(rows, dtype=np.int64)
        if not snapshots:
            return zeros, zeros.copy(), zeros.copy()
        return values[:, 0].copy(), values[:, -1].copy(), np.full(rows, snapshots)
    has = ~is_missing
    count = has.sum(axis=1).astype(np.int64)
    every = np.arange(rows)
    first = np.where(count > 0, values[every, has.argmax(axis=1)], 0)
    last = np.where(count > 0, values[every, snapshots - 1 - has[:, ::-1].argmax(axis=1)], 0)
    return first, last, count
