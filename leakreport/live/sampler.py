"""Samples of one process: figures at each tick, mappings and descriptors one by one only as often as the overhead allows.

A tick reads /proc/PID/stat and status and counts descriptors: well below a millisecond. Details are the mappings
(/proc/PID/smaps), the links of all descriptors, and the tables of sockets. smaps walks the page tables, about 25 ms for each GiB
that is resident, and holds a lock that mmap and munmap of the process wait for; so details are taken only at every n-th tick,
with n such that reading them stays below half of the overhead that was allowed.

Source: measurements in `docs/watch.md`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from leakreport.errors import InputError
from leakreport.limits import DEFAULT_LIMITS
from leakreport.live.files import NotPermitted, ProcessGone
from leakreport.live.process import ProcessHandle, ProcessState, Program
from leakreport.model.raw import RawSnapshot
from leakreport.readers import get_reader
from leakreport.readers.interface import Reader
from leakreport.readers.pieces import MemoryStream
from leakreport.readers.smaps import SmapsReader

DEFAULT_INTERVAL = 10.0
DEFAULT_OVERHEAD = 0.01
_SHARE = 0.5
"""Of the overhead that is for details; ticks and the verdict need the rest."""
_NET_TABLES = ("tcp", "tcp6", "udp", "udp6", "unix")
STATUS, MAPPINGS, DESCRIPTORS = "proc-status", "smaps", "fd"


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a process."""

    state: ProcessState
    seconds: float
    """Since the first sample, by a clock that nobody sets."""
    at: str
    """The time of day, UTC, as ISO 8601."""
    parts: Mapping[str, RawSnapshot] = field(default_factory=dict)
    """By format what was read; none where the process has ended."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """What could not be read and why, told once: at the first sample without."""
    program: Program | None = None
    """What it runs from now on, where it has begun another program."""

    @property
    def has_details(self) -> bool:
        """Whether mappings are in it."""
        return MAPPINGS in self.parts

    def total(self, metric: str) -> int | None:
        """A figure of the whole process, the exact one where there are two; None where it was not measured."""
        for name in (MAPPINGS, STATUS, DESCRIPTORS):
            if name in self.parts and metric in self.parts[name].totals:
                return self.parts[name].totals[metric]
        return None


class Sampler:
    """Samples of one process, one after the other."""

    def __init__(
        self,
        handle: ProcessHandle,
        *,
        interval: float = DEFAULT_INTERVAL,
        max_overhead: float = DEFAULT_OVERHEAD,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is read yet.

        Args:
            handle: of the process.
            interval: about how many seconds lie between two samples.
            max_overhead: the share of the time that reading may take.
            clock: seconds, by a clock that nobody sets.
            wall: seconds since 1970.
        """
        self.handle = handle
        self.every = 1
        """Details are taken at every n-th sample."""
        self.detail_seconds = 0.0
        """How long they took last."""
        self._interval = interval
        self._max_overhead = max_overhead
        self._clock = clock
        self._wall = wall
        self._start: float | None = None
        self._since_details: int | None = None
        self._refused: dict[str, str] = {}
        self._told: set[str] = set()

    def sample(self, *, wants_details: bool = False) -> Sample:
        """Look at the process now.

        Args:
            wants_details: take mappings and descriptors whatever they cost: at the end, for example.
        """
        now = self._clock()
        self._start = now if self._start is None else self._start
        seconds = now - self._start
        at = datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        state = self.handle.look()
        if not self.handle.is_alive:
            return Sample(state, seconds, at)
        parts: dict[str, RawSnapshot] = {}
        try:
            parts[STATUS] = _read(STATUS, self.handle.status)
        except InputError:
            return Sample(ProcessState.ENDED, seconds, at)
        is_due = self._since_details is None or self._since_details + 1 >= self.every or state is ProcessState.EXEC
        try:
            if is_due or wants_details:
                self._take_details(parts)
                self._since_details = 0
            elif self._since_details is not None:
                self._since_details += 1
            if DESCRIPTORS not in parts:
                self._count_descriptors(parts)
        except ProcessGone:
            # It ended while it was looked at: what was read before is a sample still.
            pass
        missing = {name: why for name, why in self._refused.items() if name not in self._told}
        self._told.update(missing)
        program = self.handle.program if state is ProcessState.EXEC else None
        return Sample(state, seconds, at, parts, missing, program)

    def _take_details(self, parts: dict[str, RawSnapshot]) -> None:
        began = self._clock()
        try:
            self._take_mappings(parts)
            self._take_descriptors(parts)
        finally:
            self.detail_seconds = self._clock() - began
            allowed = self._interval * self._max_overhead * _SHARE
            self.every = max(1, math.ceil(self.detail_seconds / allowed)) if allowed > 0 else 1_000_000

    def _take_mappings(self, parts: dict[str, RawSnapshot]) -> None:
        if MAPPINGS in self._refused:
            return
        try:
            content = self.handle.files.read("smaps")
            if content:
                parts[MAPPINGS] = _read(MAPPINGS, content, self.handle.program.command)
            elif self._lives():
                self._refused[MAPPINGS] = "it opens, and reads empty: not permitted"
        except NotPermitted as error:
            self._refused[MAPPINGS] = str(error)
        except InputError as error:
            self._refused[MAPPINGS] = error.what

    def _take_descriptors(self, parts: dict[str, RawSnapshot]) -> None:
        if DESCRIPTORS in self._refused:
            return
        try:
            names = self.handle.files.names("fd")
        except NotPermitted as error:
            self._refused[DESCRIPTORS] = str(error)
            return
        rows: list[str] = []
        for name in sorted(names, key=len):
            try:
                target = self.handle.files.link(f"fd/{name}")
            except NotPermitted:
                # Closed since the folder was listed.
                continue
            rows.append(f"{name} -> {target.translate(_LINE_ENDS)}")
        if not rows:
            if names:
                self._refused[DESCRIPTORS] = "their links may not be read"
            return
        has_sockets = any("-> socket:[" in row for row in rows)
        content = "\n".join(rows).encode() + b"\n" + (self._sockets() if has_sockets else b"")
        try:
            parts[DESCRIPTORS] = _read(DESCRIPTORS, content)
        except InputError as error:
            self._refused[DESCRIPTORS] = error.what

    def _sockets(self) -> bytes:
        tables = []
        for name in _NET_TABLES:
            try:
                tables.append(self.handle.files.read(f"net/{name}"))
            except NotPermitted:
                continue
        return b"".join(tables)

    def _count_descriptors(self, parts: dict[str, RawSnapshot]) -> None:
        count = self.handle.files.descriptor_count()
        if count is not None:
            meta = parts[STATUS].meta
            parts[DESCRIPTORS] = RawSnapshot(replace(meta, format=DESCRIPTORS), {"open_fds": count})

    def _lives(self) -> bool:
        return self.handle.look() not in {ProcessState.ENDED, ProcessState.REUSED}


_LINE_ENDS = str.maketrans({"\n": "\\n", "\r": "\\r"})


def _read(format_name: str, content: bytes, command: tuple[str, ...] = ()) -> RawSnapshot:
    """The one snapshot of some content; the command line tells how large a Java heap can be.

    Raises:
        InputError: there is none.
    """
    stream = MemoryStream(format_name, content)
    reader: Reader = SmapsReader(command) if format_name == MAPPINGS else get_reader(format_name)
    return list(reader.read(stream, DEFAULT_LIMITS))[-1]
