r"""heaptrack's data files, interpreted: what `heaptrack PROGRAM` writes, versions 1 to 3 of the format (0.9 to 1.5).

    v 10400 3                     version of heaptrack and of the format; all numbers are hexadecimal
    X /usr/bin/program -x         command      A  attached      I pagesize pages      S leak:PATTERN
    s LEN TEXT                    a text, from 1 on (before version 3: s TEXT)
    i IP MODULE [FUNC FILE LINE]  a place, with the innermost of its inlined calls first
    t PLACE PARENT                a stack: a place in another stack      a SIZE STACK  a kind of allocation, from 0 on
    + KIND        - KIND          allocated, freed      c MS  time      R PAGES  resident      # strings: N  at the end

`retained` is what was allocated and not freed, `peak` the state when the sum of all was highest, `allocated` everything,
`temporary_blocks` what was freed with no other allocation in between. Leaks that fit a suppression, of the program's own
or of heaptrack's built-in ones, go to `suppressed_bytes` and off the stacks, as heaptrack_print has it.
`operator new` itself is no caller. Raw files (`--raw`) have addresses only: heaptrack_interpret must run on the machine
that has the program.

Source: heaptrack `src/analyze/accumulatedtracedata.cpp`, `suppressions.cpp`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

import numpy as np

from leakreport.errors import LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.columns import Int64Column, checked_total, exact_sum
from leakreport.model.raw import (
    Frame,
    Moment,
    Note,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
    Truncation,
)
from leakreport.readers._heaptrack_costs import CostCounter
from leakreport.readers._heaptrack_stacks import SizedLines, StackTables, hex_numbers
from leakreport.readers._suppressions import Suppressions
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_HEAD = re.compile(rb"\Av ([0-9a-f]{1,8})(?: ([0-9a-f]{1,8}))?\n(?:[XxAIsSit#cRma+-] ?[^\n]*\n|\n|\Z)")
_BUILT_IN = (
    *("__nss_module_allocate", "__gconv_read_conf", "__new_exitfn", "tzset_internal"),
    *("dl_open_worker", "g_main_context_new", "g_thread_self"),
)
"""Source: heaptrack `src/analyze/suppressions.cpp`, builtinSuppressions."""
_METRICS = (
    *("retained_bytes", "retained_blocks", "peak_bytes", "peak_blocks"),
    *("allocated_bytes", "allocated_blocks", "temporary_blocks"),
)
_NEWEST = 3
_FLAT_FRAMES = 50_000_000
"""Entries of all stacks together: a file tells a deep stack in one line."""


class HeaptrackReader:
    """Reads what `heaptrack` writes."""

    info = FormatInfo(
        name="heaptrack",
        title="heaptrack data",
        tool="heaptrack",
        suffixes=(".zst", ".gz"),
        record_command="heaptrack ./program",
        specification="heaptrack src/analyze/accumulatedtracedata.cpp",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the version in the first line, and a record in the second."""
        del name
        return Confidence.CERTAIN if _HEAD.match(head) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot: the end of the recording.

        Raises:
            UnsupportedInput: the file is raw, or of a version not known.
            MalformedInput: it has no allocations.
        """
        book = _Book(stream.name, limits)
        lines = SizedLines(stream, limits)
        for line, number in lines:
            book.take(line, number)
            lines.has_sized_texts = book.stacks.has_sized_texts
        yield book.snapshot(lines)


class _Book:
    """The tables of a file while it is read."""

    def __init__(self, source: str, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._version: str | None = None
        self._command: tuple[str, ...] = ()
        self._is_attached = False
        self._has_trailer = False
        self._milliseconds = 0
        self._damaged = 0
        self.stacks = StackTables(source, limits)
        self._info_stack = array("i")
        self._first_line: dict[int, int] = {}
        self._costs = CostCounter(source)
        self._suppressions = Suppressions(_BUILT_IN)
        self._takers = {
            b"s": self.stacks.take_text,
            b"i": self.stacks.take_place,
            b"t": self.stacks.take_stack,
            b"v": self._take_version,
            b"S": self._take_suppression,
        }

    def take(self, line: bytes, number: int) -> None:
        """One record; what cannot be understood is counted as damaged."""
        mode, content = line[:1], line[2:]
        try:
            if mode == b"+":
                self._costs.add_event(self._info(content))
            elif mode == b"-":
                self._costs.add_event(~self._info(content))
            elif mode == b"a":
                self._take_info(content, number)
            elif (taker := self._takers.get(mode)) is not None:
                taker(content)
            elif mode == b"c":
                self._milliseconds = int(content, 16)
            elif mode == b"X":
                self._command = tuple(content.decode("utf-8", "replace")[: self._limits.name_characters].split())
            elif mode == b"A":
                self._is_attached = True
            elif mode == b"#":
                self._has_trailer = self._has_trailer or content.startswith(b"strings: ")
            elif mode in {b"x", b"m"}:
                self._refuse_raw()
            elif mode not in {b"", b"I", b"R"}:
                self._damaged += 1
        except (ValueError, IndexError, OverflowError):
            self._damaged += 1

    def _refuse_raw(self) -> None:
        raise UnsupportedInput(
            f"{self._source} is a raw heaptrack recording: it has addresses, but no names",
            advice="Where the program was recorded: zstd -dc FILE.raw.zst | /usr/lib/heaptrack/libexec/heaptrack_interpret | zstd > FILE.zst",
        )

    def _take_version(self, content: bytes) -> None:
        tool, *rest = hex_numbers(content)
        # 1.0.0 called itself 10200 and had no number for the format.
        version = rest[0] if rest else 1 if tool == 0x10200 else 0
        if not 1 <= version <= _NEWEST:
            raise UnsupportedInput(
                f"{self._source} is heaptrack data in version {version} of its format, not in 1 to {_NEWEST}",
                advice="Record again with heaptrack 1.0 to 1.5: heaptrack ./program",
            )
        self._version = f"{tool >> 16}.{tool >> 8 & 0xFF}.{tool & 0xFF}"
        self.stacks.has_sized_texts = version >= 3

    def _take_suppression(self, content: bytes) -> None:
        text = content.decode("utf-8", "replace").strip()
        if text.startswith("leak:"):
            self._suppressions.add(text.removeprefix("leak:")[: self._limits.name_characters])

    def _take_info(self, content: bytes, number: int) -> None:
        found = (0, -1)
        try:
            size, stack = hex_numbers(content)
            if size > INT64_MAX >> 2 or stack >= len(self.stacks):
                raise IndexError(stack)
            found = (size, stack)
        finally:
            if len(self._info_stack) >= self._limits.records:
                raise LimitExceeded(f"more than {self._limits.records:,} kinds of allocations", where=self._source)
            self._costs.add_info(found[0])
            self._info_stack.append(found[1])
            self._first_line.setdefault(found[1], number)

    def _info(self, content: bytes) -> int:
        index = int(content, 16)
        if not 0 <= index < len(self._info_stack) or self._info_stack[index] < 0:
            raise IndexError(index)
        return index

    def snapshot(self, lines: SizedLines) -> RawSnapshot:
        """The end of the recording, with everything that was read.

        Raises:
            MalformedInput: there are no allocations.
        """
        if not len(self._costs):
            raise MalformedInput(f"{self._source} has no allocations", where=f"{lines.count:,} lines")
        sizes, blocks = self._costs.finish()
        rows = _by_stack(np.array(self._info_stack, dtype=np.int64), sizes, blocks, len(self.stacks))
        self._damaged += int(sum((column < 0).sum() for column in rows.values()))
        rows = {metric: np.maximum(column, 0) for metric, column in rows.items()}
        totals = {metric: checked_total((exact_sum(rows[metric]),), metric) for metric in _METRICS}
        suppressed = [0, 0]
        table = SampleTableBuilder(_METRICS, self.stacks.frames)
        is_suppressed = [self._is_suppressed(frame) for frame in self.stacks.frames.frames()]
        flat_count = 0
        for stack in np.flatnonzero(rows["allocated_blocks"] + rows["retained_blocks"] + rows["peak_blocks"]).tolist():
            flat_count += self.stacks.depth(stack)
            if flat_count > _FLAT_FRAMES:
                raise LimitExceeded(f"the stacks have more than {_FLAT_FRAMES:,} frames together", where=self._source)
            if not self.stacks.is_whole(stack):
                # Its amounts stay in the totals, attributed to no path.
                self._damaged += 1
                continue
            frames = self.stacks.of(stack)
            values = [int(rows[metric][stack]) for metric in _METRICS]
            if values[0] and any(map(is_suppressed.__getitem__, frames)):
                suppressed = [suppressed[0] + values[0], suppressed[1] + values[1]]
                values[:2] = 0, 0
            table.add_indexes(frames, tuple(values), name=str(self._first_line[stack]))
        totals["retained_bytes"] -= suppressed[0]
        totals["retained_blocks"] -= suppressed[1]
        if suppressed[0]:
            totals["suppressed_bytes"], totals["suppressed_blocks"] = suppressed
        return RawSnapshot(self._meta(totals, lines), totals, table.build())

    def _is_suppressed(self, frame: Frame) -> bool:
        return any(map(self._suppressions.match, (frame.function, frame.path, frame.module)))

    def _meta(self, totals: dict[str, int], lines: SizedLines) -> SnapshotMeta:
        truncation = None
        if lines.is_cut or not self._has_trailer:
            what = "the data ends inside a record" if lines.is_cut else "the data ends before its last lines"
            truncation = Truncation(what, lines.count, len(self._info_stack))
        return SnapshotMeta(
            source=self._source,
            format="heaptrack",
            moment=Moment.EXIT,
            tool="heaptrack",
            tool_version=self._version,
            command=self._command,
            time=float(self._milliseconds),
            time_unit="ms",
            truncation=truncation,
            is_complete=truncation is None and not self._damaged,
            notes=tuple(self._notes(totals)),
        )

    def _notes(self, totals: dict[str, int]) -> Iterator[Note]:
        if self._damaged:
            yield Note(
                "damaged-records",
                f"{self._damaged:,} record{'s' if self._damaged > 1 else ''} could not be read and were left out.",
            )
        if self._is_attached:
            yield Note(
                "attached", "heaptrack was attached to a running program: what was allocated before is not known."
            )
        if "suppressed_bytes" in totals:
            yield Note(
                "suppressed",
                f"{totals['suppressed_bytes']:,} bytes in {totals['suppressed_blocks']:,} blocks were hidden by "
                "suppressions of the program or of heaptrack.",
            )


def _by_stack(
    stacks: Int64Column, sizes: Int64Column, blocks: dict[str, Int64Column], stack_count: int
) -> dict[str, Int64Column]:
    """By metric the sum of all kinds of allocations of each stack.

    Raises:
        LimitExceeded: a sum could be beyond 2^63.
    """
    found: dict[str, Int64Column] = {}
    known = stacks >= 0
    for word, counts in blocks.items():
        checked_total((int(float(np.sum(np.abs(counts).astype(np.float64) * sizes))),), word)
        for unit, column in (("blocks", counts), ("bytes", counts * sizes)):
            sums = np.zeros(stack_count, dtype=np.int64)
            np.add.at(sums, stacks[known], column[known])
            found[f"{word}_{unit}"] = sums
    return found
