"""glibc's mtrace: the log that mtrace(3) writes, and what the command mtrace makes of it.

    = Start                                        mtrace() was called
    @ ./server:[0x250a] + 0x55670c8442f0 0xf8      allocated; sizes of 0 are `0`, a malloc that failed has `(nil)`
    @ ./server:[0x2d79] - 0x55670c8434a0           freed
    @ ./server:[0x2e75] < 0x55e19481ca20           moved by realloc: from here,
    @ ./server:[0x2e75] > 0x7f87fbba8010 0x40000   to here; always the next line
    @ ./server:[0x2e75] ! 0x55e19481ca20 0xfff     a realloc that failed: the block stays
    = End                                          muntrace() was called

    Memory not freed:                              the report of the command
    -----------------
               Address     Size     Caller
    0x000055670c8442f0     0xf8  at /src/server.c:50

`retained` are the blocks that were allocated and not freed, `allocated` everything, a realloc as one more allocation of its
whole size. Each is known by its caller only. Tracing that is switched on several times gives one snapshot each time; what
was allocated before stays. The report has no cumulative figures. Complaints in it about frees of unknown blocks are counted.

Source: glibc `malloc/mtrace-impl.c`, `malloc/mtrace.pl`; mtrace(3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakreport.errors import LimitExceeded, MalformedInput
from leakreport.limits import Limits
from leakreport.model.raw import (
    FrameTable,
    Moment,
    Note,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
    Truncation,
)
from leakreport.readers._counts import counted
from leakreport.readers._lines import lines
from leakreport.readers._mtrace_blocks import Blocks
from leakreport.readers._mtrace_callers import UNKNOWN_CALLER, caller_in_log
from leakreport.readers._mtrace_report import REPORT, MtraceReport, other_output, unknown_frees, unseen_frees
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_EVENT = re.compile(rb"(?:@ (?P<caller>.*) )?(?P<sign>[-+<>!]) (?P<address>0x[0-9a-f]{1,16}|\(nil\))(?: (?P<size>0|0x[0-9a-f]{1,16}))? ?", re.DOTALL)  # fmt: skip
_WITHOUT_SIZE = frozenset((b"-", b"<"))
_START, _END = b"= Start", b"= End"
_LOG = re.compile(
    rb"(?:\A|\n)(?:= Start\r?\n|@ [^\n]{0,4096}?\[0x[0-9a-f]{1,16}\]:? [-+<] 0x[0-9a-f]{1,16}(?: |\r?\n))"
)
_METRICS = ("retained_bytes", "retained_blocks", "allocated_bytes", "allocated_blocks")


class MtraceReader:
    """Reads the log and the report."""

    info = FormatInfo(
        name="mtrace",
        title="mtrace log or report",
        tool="glibc mtrace",
        suffixes=(".mtrace",),
        record_command="MALLOC_TRACE=program.mtrace LD_PRELOAD=libc_malloc_debug.so.0 ./program",
        specification="glibc malloc/mtrace-impl.c, malloc/mtrace.pl",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the line it starts with, its events, or the headings of the report."""
        del name
        starts = [match.start() for pattern in (_LOG, REPORT) if (match := pattern.search(head))]
        if not starts:
            return Confidence.NO
        return Confidence.CERTAIN if not head[: min(starts)].strip() else Confidence.LIKELY

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per time that tracing was switched on; of a report one.

        Raises:
            MalformedInput: there is no event and no block.
            LimitExceeded: sizes add up to more than 2^63.
        """
        log, report = _Log(stream.name, limits), MtraceReport(stream.name, limits)
        for line, has_end in lines(stream, limits):
            is_whole = has_end and len(line) < limits.line_bytes
            if log.is_found or not report.take(line, has_end=is_whole):
                yield from log.take(line, has_end=is_whole)
        if log.is_found:
            yield log.last()
        elif report.is_found:
            yield report.snapshot(log.foreign)
        else:
            raise MalformedInput(f"{stream.name} has no allocation of mtrace in it", where=f"{log.line:,} lines")


class _Callers:
    """Callers by their text: each is looked at once."""

    def __init__(self, limits: Limits) -> None:
        self.frames = FrameTable()
        self._limits = limits
        self._numbers: dict[bytes | None, int] = {}
        self.indexes: list[int] = []
        """Per caller its frame."""

    def number(self, text: bytes | None) -> int:
        """The number of a caller, from 0 at first sight."""
        number = self._numbers.get(text)
        if number is None:
            frame = UNKNOWN_CALLER
            if text:
                frame = caller_in_log(text.decode("utf-8", "backslashreplace"), self._limits)
            number = self._numbers[text] = len(self.indexes)
            self.indexes.append(self.frames.index(frame))
        return number


class _Log:
    """The events of a log while it is read."""

    def __init__(self, source: str, limits: Limits) -> None:
        self.is_found = False
        self.line = 0
        self.foreign = 0
        self._source = source
        self._limits = limits
        self._blocks = Blocks(source, limits)
        self._callers = _Callers(limits)
        self._moved: tuple[bytes, tuple[int, int] | None] | None = None
        self._events = 0
        self._damaged = 0
        self._failed = 0
        self._sections = 0
        self._rows = 0
        self._is_open = False
        self._is_cut = False
        self._waiting: RawSnapshot | None = None

    def take(self, line: bytes, *, has_end: bool) -> Iterator[RawSnapshot]:
        """One line; the snapshot of a section that is followed by another one."""
        self.line += 1
        self._is_cut = self._is_cut or not has_end
        if line in (_START, _END) and (has_end or line == _END):
            yield from self._take_mark(is_start=line == _START)
            return
        match = _EVENT.fullmatch(line) if has_end else None
        if match is None or (match["size"] is None) != (match["sign"] in _WITHOUT_SIZE):
            self._take_other(line, has_end=has_end)
            return
        if self._waiting is not None:
            # Events after the end are of nobody's section: of another process that writes to the same file.
            self._waiting, self._is_open = None, True
        self.is_found = True
        self._is_open = True
        self._events += 1
        self._take_event(match)

    def _take_mark(self, *, is_start: bool) -> Iterator[RawSnapshot]:
        self._settle()
        self.is_found = True
        if is_start:
            if self._waiting is not None:
                yield self._waiting
            elif self._is_open:
                yield self._snapshot("the log has no = End before the next = Start")
            self._waiting = None
            self._sections += 1
            self._rows += len(self._blocks)
            if self._sections > self._limits.processes or self._rows > self._limits.records:
                raise LimitExceeded("= Start stands in it too often", where=f"{self._source}, line {self.line:,}")
            self._is_open = True
        elif self._is_open:
            self._is_open = False
            self._waiting = self._snapshot(None)

    def _take_other(self, line: bytes, *, has_end: bool) -> None:
        """What is no event: the rest of a cut one, damage, or output of the program between."""
        if not has_end or not line.strip():
            return
        if line.startswith(b"@ ") or b"\0" in line or line[:2] in {b"+ ", b"- ", b"< ", b"> "}:
            self._damaged += 1
            if self._damaged > self._limits.damaged_records:
                raise MalformedInput(
                    f"{self._source} has more than {self._limits.damaged_records:,} damaged lines",
                    where=f"line {self.line:,}",
                )
        else:
            self.foreign += 1

    def _take_event(self, match: re.Match[bytes]) -> None:
        sign, address = match["sign"], match["address"]
        if sign == b">" and self._moved is not None:
            self._moved = None
        else:
            self._settle()
        if address == b"(nil)":
            self._failed += sign == b"+"
        elif sign == b"!":
            self._failed += 1
        elif sign in _WITHOUT_SIZE:
            block = self._blocks.release(address)
            if sign == b"<":
                self._moved = address, block
        else:
            caller = self._callers.number(match["caller"])
            self._blocks.allocate(address, int(match["size"], 16), caller, self.line)

    def _settle(self) -> None:
        """A realloc without its second line: the block counts as it was."""
        if self._moved is not None:
            address, block = self._moved
            self._moved = None
            self._damaged += 1
            if block is not None:
                self._blocks.restore(address, block)

    def last(self) -> RawSnapshot:
        """The last section."""
        if self._is_cut and self._moved is not None:
            # Where the log was cut between both lines, nothing is damaged.
            self._damaged -= 1
        self._settle()
        if self._waiting is not None:
            return self._waiting
        if self._is_cut:
            return self._snapshot("the log ends inside a line: the program was killed, or the file was cut")
        return self._snapshot("the log has no = End: the program was killed, or did not call muntrace()")

    def _snapshot(self, cut: str | None) -> RawSnapshot:
        table = SampleTableBuilder(_METRICS, self._callers.frames)
        totals = dict.fromkeys(_METRICS, 0)
        for sums in self._blocks.sums():
            values = (sums.held_bytes, sums.held_blocks, sums.allocated_bytes, sums.allocated_blocks)
            for metric, value in zip(_METRICS, values, strict=True):
                totals[metric] += value
            table.add_indexes((self._callers.indexes[sums.caller],), values, name=str(sums.line))
        meta = SnapshotMeta(
            source=self._source,
            format="mtrace",
            tool="glibc mtrace",
            label=str(self._sections) if self._sections > 1 else None,
            truncation=None if cut is None else Truncation(cut, self.line, self._events),
            is_complete=cut is None and not self._damaged,
            moment=Moment.EXIT if cut is None else Moment.DUMP,
            notes=tuple(self._notes()),
        )
        return RawSnapshot(meta, totals, table.build())

    def _notes(self) -> Iterator[Note]:
        blocks = self._blocks
        if self._damaged:
            yield Note("damaged-records", f"{counted(self._damaged, 'line', 'damaged and left out')}.")
        if blocks.unknown_frees:
            yield unknown_frees(blocks.unknown_frees)
        if blocks.reused:
            yield unseen_frees(blocks.reused)
        if self._failed:
            yield Note("failed-allocations", f"{counted(self._failed, 'allocation', 'refused')}: malloc returned NULL.")
        if self._sections > 1:
            yield Note(
                "several-starts",
                f"Tracing was switched on {self._sections:,} times in this log. It is read as the log of one process: what was "
                "allocated before stays, and frees in between were not seen.",
            )
        if self.foreign:
            yield other_output(self.foreign)
