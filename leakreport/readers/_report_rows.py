"""The path rows of a report in columns, and the samples that are made of them.

A report can have hundreds of thousands of rows: as objects they would take more memory than the model.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.model.columns import Int64Column, exact_sum, freeze
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import Frame, SampleTable, small_path_count
from leakreport.readers._report_values import DamagedReport

DERIVED = frozenset(
    (*(f"{kind.word}_{unit}" for kind in LEAK_KINDS for unit in ("bytes", "blocks")), "leaked_bytes", "leaked_blocks")
)
"""Metrics that the model makes of what is retained, where rows have kinds."""


Key = str | tuple[str, int]
"""A metric, or a metric and the number of a snapshot."""


class Rows:
    """Stacks with a leak kind and values under keys; what a row does not have is 0."""

    def __init__(self, limits: Limits) -> None:
        """Start with none."""
        self._limits = limits
        self._flat = array("i")
        self._offsets = array("q", (0,))
        self._kinds = array("b")
        self._counts = array("q")
        self._names: dict[int, list[str]] = {}
        self._columns: dict[Key, array[int]] = {}
        self._variances: dict[Key, array[float]] = {}
        self._records = 0
        self._folded: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    @property
    def has_kinds(self) -> bool:
        """Whether any row has a leak kind."""
        return any(self._kinds)

    def add(
        self,
        stack: Sequence[int],
        kind: LeakKind,
        values: Mapping[str, int],
        *,
        series: Iterable[tuple[Key, int]] = (),
        names: Sequence[str] = (),
        record_count: int = 1,
        variances: Mapping[str, float] | None = None,
        folded: int = 0,
    ) -> None:
        """Add a row: `stack` has indexes into a frame table, outermost first; `folded` is how many paths it sums up.

        Raises:
            LimitExceeded: there are too many rows, or frames on the stack.
        """
        place = len(self._kinds)
        count = max(record_count, len(names), 1)
        self._records += count
        if self._records > self._limits.records:
            raise LimitExceeded(f"the report has more than {self._limits.records:,} records")
        if len(stack) > self._limits.stack_frames:
            raise LimitExceeded(f"a stack has {len(stack):,} frames, more than {self._limits.stack_frames:,}")
        self._flat.extend(stack)
        self._offsets.append(len(self._flat))
        self._kinds.append(kind)
        self._counts.append(count)
        if folded:
            self._folded[place] = folded
        if names:
            self._names[place] = list(names)
        for key, amount in chain(values.items(), series):
            if amount:
                _column(self._columns, key, "q", place).append(amount)
            else:
                self._columns.setdefault(key, array("q"))
        for key, variance in (variances or {}).items():
            _column(self._variances, key, "d", place).append(variance)

    def column(self, key: Key) -> Int64Column:
        """The values under a key."""
        return _whole(self._columns.get(key, array("q")), len(self))

    def sum(self, key: Key) -> int:
        """What the values under a key add up to."""
        return exact_sum(self.column(key))

    def folded(self, frames: Sequence[Frame], key: Key) -> tuple[int, int]:
        """Of rows whose stack is known in part only: how many paths they are, and what they have under a key."""
        small = {index: count for index, frame in enumerate(frames) if (count := small_path_count(frame))}
        if not small:
            return 0, 0
        ends = zip(self._offsets[:-1], self._offsets[1:], strict=True)
        rows = [row for row, (start, end) in enumerate(ends) if end > start and self._flat[end - 1] in small]
        count = sum(self._folded.get(row) or small[self._flat[self._offsets[row + 1] - 1]] for row in rows)
        return count, exact_sum(self.column(key)[rows])

    def has(self, key: Key) -> bool:
        """Whether any row has something under a key."""
        return bool(self._columns.get(key))

    def add_split(self, stack: Sequence[int], values: Mapping[str, int], *, folded: int) -> None:
        """Add the sum of several paths: one row per leak kind that `values` has metrics of, one for the rest."""
        rest = {metric: amount for metric, amount in values.items() if metric not in DERIVED}
        for kind in LEAK_KINDS:
            held = {
                f"retained_{unit}": values.get(f"{kind.word}_{unit}", 0)
                for unit in ("bytes", "blocks")
                if f"retained_{unit}" in rest
            }
            if not any(held.values()):
                continue
            for metric, amount in held.items():
                rest[metric] = max(rest[metric] - amount, 0)
            self.add(stack, kind, held, folded=folded)
            folded = 0
        if any(rest.values()):
            self.add(stack, LeakKind.NONE, rest, folded=folded)

    def check_frames(self, count: int) -> None:
        """See that all stacks are of the first `count` frames.

        Raises:
            DamagedReport: one is not.
        """
        if self._flat and (min(self._flat) < 0 or max(self._flat) >= count):
            raise DamagedReport(f"a path has a frame that is none of the {count:,}")

    def table(
        self, frames: tuple[Frame, ...], metric_of: Callable[[Key], str | None], *, only_held: bool = False
    ) -> SampleTable:
        """Samples of the rows: one per record, the first of which has the values of its row.

        Args:
            frames: what stacks are indexes into.
            metric_of: the metric of a key, None for what is left out.
            only_held: leave out rows that hold nothing.
        """
        keys = {metric: key for key in self._columns if (metric := metric_of(key)) is not None}
        if self.has_kinds:
            keys = {metric: key for metric, key in keys.items() if metric not in DERIVED}
        columns = {metric: self.column(key) for metric, key in keys.items()}
        if not columns:
            columns = {"retained_bytes": np.zeros(len(self), dtype=np.int64)}
        chosen = np.arange(len(self), dtype=np.int64)
        if only_held:
            chosen = np.flatnonzero(np.any([column != 0 for column in columns.values()], axis=0))
        counts = np.asarray(self._counts, dtype=np.int64)[chosen]
        if only_held:
            counts = np.ones(len(chosen), dtype=np.int64)
        place = np.repeat(chosen, counts)
        is_first = np.ones(len(place), dtype=np.bool_)
        is_first[1:] = place[1:] != place[:-1]
        offsets = np.asarray(self._offsets, dtype=np.int64)
        lengths = np.diff(offsets)[place]
        ends = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        entries = np.arange(int(ends[-1]), dtype=np.int64) + np.repeat(offsets[:-1][place] - ends[:-1], lengths)
        kinds = np.asarray(self._kinds, dtype=np.int8)[place]
        variances = {
            metric: freeze(np.where(is_first, _whole_float(self._variances[key], len(self))[place], 0.0))
            for metric, key in keys.items()
            if key in self._variances
        }
        return SampleTable(
            frames=frames,
            flat=freeze(np.asarray(self._flat, dtype=np.int32)[entries]),
            offsets=freeze(ends),
            values={metric: freeze(np.where(is_first, column[place], 0)) for metric, column in columns.items()},
            leak_kinds=freeze(kinds) if kinds.any() else None,
            names=self._record_names(place.tolist()) if self._names else None,
            variances=variances or None,
        )

    def _record_names(self, rows: Sequence[int]) -> tuple[str, ...]:
        left = {row: iter(names) for row, names in self._names.items()}
        return tuple(next(left[row], "") if row in left else "" for row in rows)


def _column(columns: dict[Key, array], key: Key, code: str, place: int) -> array:  # type: ignore[type-arg]
    """The column of a key, filled with 0 up to a row."""
    column = columns.get(key)
    if column is None:
        column = columns[key] = array(code)
    missing = place - len(column)
    if missing:
        column.frombytes(bytes(missing * column.itemsize))
    return column


def _whole(column: array[int], length: int) -> Int64Column:
    found = np.zeros(length, dtype=np.int64)
    found[: len(column)] = column
    return found


def _whole_float(column: array[float], length: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = np.zeros(length, dtype=np.float64)
    found[: len(column)] = column
    return found
