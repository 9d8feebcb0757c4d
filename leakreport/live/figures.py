"""What a person sees of each sample: figures, how they change, and which group grows most. Nothing here is a verdict."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import NamedTuple

from leakreport.live.sampler import MAPPINGS, STATUS, Sample
from leakreport.model.raw import SampleTable

_RETAINED = "retained_bytes"
_HOUR = 3600.0
_SHOWN = 32
_LEAST_FOR_SLOPE = 3


class Figures(NamedTuple):
    """One sample in figures; None for what is not known."""

    seconds: float
    at: str
    resident: int | None
    retained: int | None
    is_estimate: bool
    """What is retained was not measured by mappings at this sample."""
    change: int | None
    """Of what is retained, since the sample before."""
    per_hour: float | None
    """The slope of the line through all samples, in bytes: a figure, no verdict."""
    fds: int | None
    threads: int | None
    top: tuple[str, int] | None
    """The group that grew most since the first sample with mappings, and by how much."""


class FigureTracker:
    """Sample by sample, in constant memory."""

    def __init__(self) -> None:
        """Before the first sample."""
        self.recent: deque[int] = deque(maxlen=_SHOWN)
        """What was retained, the latest last."""
        self._start()

    def _start(self) -> None:
        self.recent.clear()
        self._beside = 0
        self._before: int | None = None
        self._first: dict[str, int] | None = None
        self._top: tuple[str, int] | None = None
        self._count = 0
        self._sums = [0.0] * 4
        self._origin = (0.0, 0)

    def take(self, sample: Sample) -> Figures:
        """One more sample."""
        if sample.program is not None:
            self._start()
        retained, is_estimate = self._retained(sample)
        change = None if retained is None or self._before is None else retained - self._before
        if retained is not None:
            self._before = retained
            self.recent.append(retained)
            self._add(sample.seconds, retained)
        table = sample.parts[MAPPINGS].samples if sample.has_details else None
        if table is not None:
            self._compare(_by_group(table))
        return Figures(
            sample.seconds,
            sample.at,
            sample.total("resident_bytes") if STATUS not in sample.parts else sample.parts[STATUS].totals.get("resident_bytes"),
            retained,
            is_estimate,
            change,
            self._slope(),
            sample.total("open_fds"),
            sample.total("threads"),
            self._top,
        )  # fmt: skip

    def _retained(self, sample: Sample) -> tuple[int | None, bool]:
        """By mappings; between two of those, the status less what it counted too much at the last one."""
        by_status = sample.parts[STATUS].totals.get(_RETAINED) if STATUS in sample.parts else None
        if sample.has_details and (exact := sample.parts[MAPPINGS].totals.get(_RETAINED)) is not None:
            self._beside = 0 if by_status is None else by_status - exact
            return exact, False
        return None if by_status is None else max(by_status - self._beside, 0), True

    def _compare(self, groups: dict[str, int]) -> None:
        if self._first is None:
            self._first = groups
            return
        name = max(groups, key=lambda one: groups[one] - self._first_of(one), default=None)
        growth = 0 if name is None else groups[name] - self._first_of(name)
        self._top = (name, growth) if name is not None and growth > 0 else None

    def _first_of(self, name: str) -> int:
        return 0 if self._first is None else self._first.get(name, 0)

    def _add(self, seconds: float, amount: int) -> None:
        if not self._count:
            self._origin = (seconds, amount)
        x, y = seconds - self._origin[0], float(amount - self._origin[1])
        self._count += 1
        self._sums = [total + more for total, more in zip(self._sums, (x, y, x * x, x * y), strict=True)]

    def _slope(self) -> float | None:
        x, y, squares, products = self._sums
        spread = self._count * squares - x * x
        if self._count < _LEAST_FOR_SLOPE or spread <= 0:
            return None
        return (self._count * products - x * y) / spread * _HOUR


def _by_group(table: SampleTable) -> dict[str, int]:
    """What each group retains; of mapped files and shared memory their address space, which is what leaks there."""
    found: dict[str, int] = {}
    flat, offsets = table.flat.tolist(), table.offsets.tolist()
    held = table.values.get(_RETAINED)
    files = table.values.get("mapped_file_bytes")
    for row, (start, stop) in enumerate(pairwise(offsets)):
        name = " ".join(table.frames[index].function or "" for index in flat[start:stop])
        amount = 0 if held is None else int(held[row])
        found[name] = found.get(name, 0) + max(amount, 0 if files is None else int(files[row]))
    return found
