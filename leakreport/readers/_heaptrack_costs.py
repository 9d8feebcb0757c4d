"""What allocations and frees add up to, counted in blocks of events: in use at the end, at the peak, since the start."""

from __future__ import annotations

from array import array

import numpy as np

from leakreport.errors import LimitExceeded
from leakreport.model.columns import Int64Column

_BLOCK = 1 << 18


class CostCounter:
    """Counts per allocation info: a size and a trace. Events are kept for one block only.

    Source: heaptrack `src/analyze/accumulatedtracedata.cpp`, the branches for `+` and `-`.
    """

    def __init__(self, source: str) -> None:
        """Start with nothing allocated."""
        self._source = source
        self._sizes = array("q")
        self._events = array("i")
        self._live = _zeros(0)
        self._allocated = _zeros(0)
        self._temporary = _zeros(0)
        self._at_peak = _zeros(0)
        self._total = 0
        self._peak = 0
        self._last = 0

    def __len__(self) -> int:
        return len(self._sizes)

    def add_info(self, size: int) -> None:
        """Take the next allocation info."""
        self._sizes.append(size)

    def add_event(self, event: int) -> None:
        """Take an allocation, by the index of its info, or a free, by the complement of that index."""
        self._events.append(event)
        if len(self._events) >= _BLOCK:
            self._count()

    def _count(self) -> None:
        events = np.array(self._events, dtype=np.int64)
        del self._events[:]
        sizes = np.array(self._sizes, dtype=np.int64)
        count = len(sizes)
        if not len(events):
            self._grow(count)
            return
        is_free = events < 0
        infos = np.where(is_free, ~events, events)
        if float(np.sum(sizes[infos], dtype=np.float64)) + self._total > 2.0**62:
            raise LimitExceeded(
                f"{self._source}: the sum of its allocations is beyond 2^62",
                advice="No machine has that much memory: the input is damaged. Record again.",
            )
        self._grow(count)
        # heaptrack compares a free with the event before it, and with info 0 where that was a free, too.
        before = np.concatenate((np.array([self._last]), events[:-1]))
        is_temporary = is_free & (np.where(before < 0, 0, before) == infos)
        self._last = int(events[-1])
        totals = self._total + np.cumsum(np.where(is_free, -sizes[infos], sizes[infos]))
        highest = int(np.argmax(totals))
        if totals[highest] > self._peak:
            self._peak = int(totals[highest])
            until = slice(0, highest + 1)
            self._at_peak = self._live + _balance(infos[until], is_free[until], count)
        self._live = self._live + _balance(infos, is_free, count)
        self._allocated += np.bincount(infos[~is_free], minlength=count)
        self._temporary += np.bincount(infos[is_temporary], minlength=count)
        self._total = int(totals[-1])

    def _grow(self, count: int) -> None:
        self._live, self._allocated, self._temporary, self._at_peak = (
            np.concatenate((column, _zeros(count - len(column))))
            for column in (self._live, self._allocated, self._temporary, self._at_peak)
        )

    def finish(self) -> tuple[Int64Column, dict[str, Int64Column]]:
        """The size of each info, and by metric's beginning how many blocks: retained, peak, allocated, temporary."""
        self._count()
        return np.array(self._sizes, dtype=np.int64), {
            "retained": self._live,
            "peak": self._at_peak,
            "allocated": self._allocated,
            "temporary": self._temporary,
        }


def _zeros(count: int) -> Int64Column:
    return np.zeros(count, dtype=np.int64)


def _balance(infos: Int64Column, is_free: np.ndarray[tuple[int], np.dtype[np.bool_]], count: int) -> Int64Column:
    return np.bincount(infos[~is_free], minlength=count) - np.bincount(infos[is_free], minlength=count)
