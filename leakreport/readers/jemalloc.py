"""Heap profiles of jemalloc 4 and later, text.

    heap_v2/524288                      mean distance between samples in bytes; 1: every allocation
      t*: 28106: 56637512 [0: 0]        the whole process; t0, t1 … are its threads
    @ 0x5f86da8 0x5f5a1dc …             a stack, innermost return address first
      t*: 13: 6688 [0: 0]               its objects and bytes in use, [and allocated so far]
      t0: 12: 6496 [0: 0]               the share of a thread
    MAPPED_LIBRARIES:                   /proc/PID/maps

Per stack the `t*` line counts; the thread lines are a breakdown of it and are passed over. Each is scaled up by the
mean size of its objects. The totals at the top are adjusted by jemalloc so that they fit no sum (5.3): never used.

retained_* is what is in use, in usable sizes; allocated_* what was ever allocated, where prof_accum was on. The frames
of the allocator itself are taken off the inner end of each stack.

Source: jemalloc `src/prof_data.c` prof_dump_gctx, `src/prof_sys.c`; `bin/jeprof.in` AdjustSamples.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from leakreport.errors import LimitExceeded, MalformedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.columns import Float64Column, Int64Column, exact_sum
from leakreport.model.raw import Frame, FrameTable, Note, RawSnapshot, Sampling, SnapshotMeta, Truncation
from leakreport.readers._lines import lines
from leakreport.readers._procmaps import AddressSpace, MappingParser
from leakreport.readers._stacks import COLUMNS, AddressStacks, Symbols, unsample
from leakreport.readers._symbols import SymbolSection
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_HEADER = re.compile(rb"heap_v2/(\d{1,30})\Z")
_START = re.compile(rb"heap_v2/\d{1,30}\r?\n")
_WRAPPED = re.compile(rb"(?:\A|\n)--- heap\r?\nheap_v2/\d{1,30}\r?\n")
_ALL = re.compile(rb"\s+t\*: (\d{1,30}): (\d{1,30}) \[(\d{1,30}): (\d{1,30})\]\s*\Z")
_THREAD = re.compile(rb"\s+t\d{1,20}: \d{1,30}: \d{1,30} \[\d{1,30}: \d{1,30}\]")
# PREFIX.PID.SEQUENCE.KIND: f final, i interval, m manual, u growth.
_DUMP_NAME = re.compile(r"\.(\d{1,10})\.\d{1,10}\.[fimu]\d{0,10}\.heap(?:\.\w{1,4})?\Z")
_FINAL_NAME = re.compile(r"\.f\.heap(?:\.\w{1,4})?\Z")
_ALLOCATOR = re.compile(
    r"(?:prof_backtrace\w*|prof_alloc_prep\w*|imalloc\w*|je_\w+|do_rallocx|(?:m|c|re)alloc|aligned_alloc"
    r"|operator new\b.*)\Z"
)


class JemallocReader:
    """Reads `heap_v2/` dumps, also behind jeprof's `--- symbol` section."""

    info = FormatInfo(
        name="jemalloc",
        title="jemalloc heap profile",
        tool="jemalloc",
        suffixes=(".heap",),
        record_command="MALLOC_CONF=prof:true,prof_final:true,prof_prefix:jeprof LD_PRELOAD=libjemalloc.so.2 ./program",
        specification="jemalloc src/prof_data.c, prof_dump_gctx",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the first line, or that line behind a section of symbols."""
        del name
        return Confidence.CERTAIN if _START.match(head) or _WRAPPED.search(head) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot.

        Raises:
            MalformedInput: there is no profile.
        """
        dump = _Dump(stream.name, limits)
        number = 0
        for number, (line, has_end) in enumerate(lines(stream, limits), 1):
            dump.take(line, number, has_end=has_end)
        yield dump.snapshot(number)


class _Dump:
    """One dump while it is read."""

    def __init__(self, source: str, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._period: int | None = None
        self._symbols = SymbolSection(limits)
        self._is_in_symbols = False
        self._stacks = AddressStacks(limits)
        self._open: tuple[list[bytes], int] | None = None
        """The addresses and line of a stack whose values are still to come."""
        self._has_stack = False
        self._mappings: MappingParser | None = None
        self._damaged = 0
        self._truncation: Truncation | None = None

    def take(self, line: bytes, number: int, *, has_end: bool) -> None:
        """One line."""
        if self._period is None:
            self._before(line, has_end=has_end)
        elif self._mappings is not None:
            if not has_end and not line.rstrip().endswith(b"]"):
                what = "the profile ends inside its list of mappings"
                self._truncation = Truncation(what, number, len(self._stacks))
            elif not self._mappings.take(line):
                self._damaged += 1
        elif not has_end:
            self._truncation = Truncation("the profile ends inside a line", number, len(self._stacks))
        elif line.startswith(b"@"):
            self._damaged += self._open is not None
            self._open = (line[1:].split(), number)
            self._has_stack = True
            if len(line) >= self._limits.line_bytes:
                self._damaged += 1
                self._open = None
        elif (match := _ALL.match(line)) is not None:
            self._values([int(value) for value in match.groups()])
        elif b"MAPPED_LIBRARIES:" in line:
            self._mappings = MappingParser(self._limits)
        elif line.strip() and _THREAD.match(line) is None:
            self._damaged += 1
            self._open = None

    def _before(self, line: bytes, *, has_end: bool) -> None:
        """Lines above the profile: jeprof's symbols, if anything."""
        match = _HEADER.match(line)
        if match is not None and has_end:
            self._period = int(match[1])
            if self._period > INT64_MAX:
                raise LimitExceeded("the sampling distance is beyond 2^63", where=self._source, advice="Record again.")
        elif line == b"--- symbol":
            self._is_in_symbols = True
        elif line == b"---":
            self._is_in_symbols = False
        elif self._is_in_symbols and has_end:
            self._symbols.take(line)

    def _values(self, values: list[int]) -> None:
        """What a stack holds. The line above the first stack has the totals, which fit no sum."""
        stack, self._open = self._open, None
        if stack is None:
            self._damaged += self._has_stack
            return
        is_odd = max(values) > INT64_MAX or any(values[at] == 0 != values[at + 1] for at in (0, 2))
        if is_odd or not self._stacks.add(stack[0], values, stack[1]):
            self._damaged += 1

    def snapshot(self, last_line: int) -> RawSnapshot:
        """The dump as read.

        Raises:
            MalformedInput: there is none.
        """
        if self._period is None:
            raise MalformedInput(f"{self._source} holds no jemalloc profile")
        if self._mappings is None and self._truncation is None:
            what = "the profile ends before its list of mappings"
            self._truncation = Truncation(what, last_line, len(self._stacks))
        mappings = () if self._mappings is None else self._mappings.mappings()
        symbols = Symbols(AddressSpace(mappings), self._symbols.by_address)
        stacks = self._stacks.table(symbols.resolve, FrameTable())
        stacks.drop_innermost(_is_allocator)
        values: dict[str, Int64Column] = {}
        variances: dict[str, Float64Column] = {}
        for blocks, amounts in (COLUMNS[:2], COLUMNS[2:]):
            raw = self._stacks.column(amounts)
            if amounts == "allocated_bytes" and not raw.any():
                continue
            found = unsample(self._stacks.column(blocks), raw, self._period, is_rounded=True)
            values |= {blocks: found.blocks, amounts: found.amounts}
            variances |= {blocks: found.blocks_variance, amounts: found.amounts_variance}
        is_sampled = self._period > 1
        name = os.path.basename(self._source)
        dump = _DUMP_NAME.search(name)
        meta = SnapshotMeta(
            source=self._source,
            format="jemalloc",
            tool="jemalloc",
            pid=None if dump is None else int(dump[1]),
            is_exit_dump=_FINAL_NAME.search(name) is not None,
            sampling=Sampling(self._period) if is_sampled else None,
            mappings=mappings,
            truncation=self._truncation,
            is_complete=self._truncation is None and not self._damaged,
            notes=tuple(self._notes()),
        )
        return RawSnapshot(
            meta=meta,
            totals={metric: exact_sum(column) for metric, column in values.items()},
            samples=stacks.sample_table(values, self._stacks.names(), variances=variances if is_sampled else None),
        )

    def _notes(self) -> Iterator[Note]:
        if not self._period:
            yield Note(
                "unknown-sampling", "The header does not say how the sample was taken: values are not scaled up."
            )
        if self._damaged:
            yield Note("damaged-records", f"{self._damaged} lines could not be read and were left out.")


def _is_allocator(frame: Frame) -> bool:
    """Whether a frame is of the allocator: by its library, or by its name where it is linked into the program."""
    if (frame.module_name or "").startswith(("libjemalloc", "libtcmalloc")):
        return True
    return frame.function is not None and _ALLOCATOR.match(frame.function) is not None
