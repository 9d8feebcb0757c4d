"""Leak reports of LeakSanitizer, alone or in AddressSanitizer, of gcc and clang, as they stand in a log.

    ==14741==ERROR: LeakSanitizer: detected memory leaks
    Direct leak of 1000003 byte(s) in 1 object(s) allocated from:
        #0 0x7fa4cee13545 in __interceptor_malloc …
        #1 0x561c2c94718a in lose_big src/leaks.c:18
    Suppressions used:                        count, bytes and template, between dashes
    SUMMARY: LeakSanitizer: 3006409 byte(s) leaked in 54 allocation(s).

Bytes are those of all objects of a group. Direct is definitely lost, indirect hangs on a direct one. Colours, prefixes
of a CI system and the program's own output do not matter. One snapshot per process; of repeated reports of one process
the last counts, as each repeats the ones before. A group counts when the line that closes it is there.

retained_* and leaked_* are the SUMMARY's. Memory that is reachable is never told.

Source: LLVM `compiler-rt/lib/lsan/lsan_common.cpp`, LeakReport.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from leakreport.errors import LimitExceeded, MalformedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import (
    FrameTable,
    LeakSearch,
    Moment,
    Note,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
    Truncation,
)
from leakreport.readers._lines import lines
from leakreport.readers._sanitizer_frames import FRAME_LINE, PlacedFrame, finish_stack, parse_frame
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_HEADLINE = re.compile(rb"==(\d{1,10})==ERROR: \w{0,20}Sanitizer: detected memory leaks")
_FATAL = re.compile(rb"==\d{1,10}==LeakSanitizer has encountered a fatal error")
_LEAK = re.compile(rb"(Direct|Indirect) leak of (\d{1,30}) byte\(s\) in (\d{1,30}) object\(s\) allocated from:")
_SUMMARY = re.compile(rb"SUMMARY: (\w{0,20}Sanitizer): (\d{1,30}) byte\(s\) leaked in (\d{1,30}) allocation\(s\)")
_OMITTED = re.compile(rb"Omitting \d{1,20} more leak\(s\)|Too many leaks! Only the first")
_SUPPRESSED = re.compile(rb"\s(\d{1,19})\s+(\d{1,19})\s+\S")
_COLOUR = re.compile(rb"\x1b\[[0-9;]{0,20}[A-Za-z]")
_CLOSERS = (b"Objects leaked above:", b"Suppressions used:", b"-----")
_KINDS = {b"Direct": LeakKind.DEFINITE, b"Indirect": LeakKind.INDIRECT}
_RECORD = "LSAN_OPTIONS=exitcode=0 ./program 2> leaks.txt    (built with -fsanitize=leak or -fsanitize=address)"


class SanitizerReader:
    """Reads the sanitizers' leak reports."""

    info = FormatInfo(
        name="sanitizer",
        title="LeakSanitizer report",
        tool="LeakSanitizer",
        suffixes=(".txt", ".log"),
        record_command=_RECORD,
        specification="LLVM compiler-rt/lib/lsan/lsan_common.cpp",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the headline, wherever it stands."""
        del name
        return Confidence.CERTAIN if _HEADLINE.search(head) or _FATAL.search(head) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per process, in the order in which they first report.

        Raises:
            MalformedInput: there is no report.
        """
        log = _Log(stream.name, limits)
        number = 0
        for number, (line, has_end) in enumerate(lines(stream, limits), 1):
            log.take(_COLOUR.sub(b"", line) if b"\x1b" in line else line, number, has_end=has_end)
        yield from log.snapshots(number)


@dataclass(slots=True)
class _Report:
    """One leak report while it is read."""

    pid: int
    samples: SampleTableBuilder
    tool: str = "LeakSanitizer"
    is_repeated: bool = False
    sums: dict[LeakKind, list[int]] = field(
        default_factory=lambda: {LeakKind.DEFINITE: [0, 0], LeakKind.INDIRECT: [0, 0]}
    )
    """Bytes and blocks by kind."""
    summary: tuple[int, int] | None = None
    suppressed: list[int] | None = None
    """Blocks and bytes."""
    is_in_suppressions: bool = False
    is_omitting: bool = False
    damaged: int = 0
    leak: tuple[LeakKind, int, int, int] | None = None
    """Kind, bytes, blocks and line of the group that is open."""
    frames: list[PlacedFrame] = field(default_factory=list)


class _Log:
    """All reports of one input."""

    def __init__(self, source: str, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._table = FrameTable()
        self._known: dict[bytes, PlacedFrame] = {}
        self._build_ids: set[tuple[str, str]] = set()
        self._reports: dict[int, _Report] = {}
        self._current: _Report | None = None
        self._is_fatal = False

    def take(self, line: bytes, number: int, *, has_end: bool) -> None:
        """One line; without its end it tells nothing for certain."""
        report = self._current
        if not has_end:
            return
        if b"Sanitizer" in line and self._headline(line):
            return
        if report is None:
            return
        if report.leak is not None and b"#" in line and (match := FRAME_LINE.search(line)) is not None:
            if int(match[1]) == len(report.frames):
                report.frames.append(self._frame(match))
        elif (match := _LEAK.search(line)) is not None:
            self._close(report)
            kind, amount, blocks = _KINDS[match[1]], int(match[2]), int(match[3])
            if max(amount, blocks) > INT64_MAX or len(line) >= self._limits.line_bytes:
                report.damaged += 1
            else:
                report.leak = (kind, amount, blocks, number)
        elif b"Sanitizer" in line and (match := _SUMMARY.search(line)) is not None:
            self._summary(report, match)
        elif _OMITTED.search(line) is not None:
            self._close(report)
            report.is_omitting = True
        elif not line.strip() or any(words in line for words in _CLOSERS):
            self._close(report)
            self._suppressions_border(report, line)
        elif report.is_in_suppressions and (match := _SUPPRESSED.search(b" " + line)) is not None:
            counted = report.suppressed or [0, 0]
            report.suppressed = [counted[0] + int(match[1]), counted[1] + int(match[2])]

    def _headline(self, line: bytes) -> bool:
        if (match := _HEADLINE.search(line)) is None:
            self._is_fatal = self._is_fatal or _FATAL.search(line) is not None
            return False
        if self._current is not None:
            self._close(self._current)
        pid = int(match[1])
        builder = SampleTableBuilder(("retained_bytes", "retained_blocks"), self._table)
        self._current = _Report(pid, builder, is_repeated=pid in self._reports)
        self._reports[pid] = self._current
        return True

    def _summary(self, report: _Report, match: re.Match[bytes]) -> None:
        self._close(report)
        amount, blocks = int(match[2]), int(match[3])
        if max(amount, blocks) > INT64_MAX:
            report.damaged += 1
        report.summary = (min(amount, INT64_MAX), min(blocks, INT64_MAX))
        report.tool = match[1].decode("ascii")
        self._current = None

    @staticmethod
    def _suppressions_border(report: _Report, line: bytes) -> None:
        if b"Suppressions used:" in line:
            report.is_in_suppressions = True
        elif b"-----" in line:
            report.is_in_suppressions = False

    def _frame(self, match: re.Match[bytes]) -> PlacedFrame:
        text = match[2] + b" " + (match[3] or b"")
        known = self._known.get(text)
        if known is None:
            rest = (match[3] or b"").decode("utf-8", "replace")
            known = self._known[text] = parse_frame(int(match[2], 16), rest, self._limits)
            if known.frame.module is not None and known.build_id is not None:
                self._build_ids.add((known.frame.module, known.build_id))
        return known

    def _close(self, report: _Report) -> None:
        if report.leak is None:
            return
        if len(report.samples) >= self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} leaks", where=self._source)
        kind, amount, blocks, number = report.leak
        report.samples.add(finish_stack(report.frames), (amount, blocks), leak_kind=kind, name=str(number))
        sums = report.sums[kind]
        report.sums[kind] = [sums[0] + amount, sums[1] + blocks]
        report.leak = None
        report.frames = []

    def snapshots(self, last_line: int) -> Iterator[RawSnapshot]:
        """One per process.

        Raises:
            MalformedInput: there is no report.
        """
        if not self._reports:
            what = "LeakSanitizer could not search for leaks" if self._is_fatal else "there is no leak report"
            advice = "It cannot run under a debugger, strace, or without ptrace." if self._is_fatal else ""
            raise MalformedInput(f"{self._source}: {what}", advice=advice)
        for report in self._reports.values():
            yield self._snapshot(report, last_line)

    def _snapshot(self, report: _Report, last_line: int) -> RawSnapshot:
        table = report.samples.build()
        listed = [sum(sums[index] for sums in report.sums.values()) for index in (0, 1)]
        stated = report.summary or (0, 0)
        totals: dict[str, int] = {}
        for index, unit in enumerate(("bytes", "blocks")):
            totals[f"retained_{unit}"] = totals[f"leaked_{unit}"] = max(stated[index], listed[index])
            for kind, sums in report.sums.items():
                totals[f"{kind.word}_{unit}"] = sums[index]
        if report.suppressed is not None:
            totals["suppressed_blocks"], totals["suppressed_bytes"] = report.suppressed
        is_cut = report.summary is None
        is_missing = not is_cut and (list(stated) != listed) and not report.is_omitting
        truncation = Truncation("the report ends before SUMMARY", last_line, len(table)) if is_cut else None
        meta = SnapshotMeta(
            source=self._source,
            format="sanitizer",
            moment=Moment.EXIT,
            tool=report.tool,
            pid=report.pid,
            truncation=truncation,
            is_complete=not is_cut and not is_missing and not report.damaged,
            leak_search=LeakSearch.CUT if is_cut else LeakSearch.COMPLETE,
            kinds_recorded=frozenset({LeakKind.DEFINITE, LeakKind.INDIRECT}),
            build_ids=tuple(sorted(self._build_ids)),
            notes=tuple(_notes(report, listed[0], is_missing=is_missing)),
        )
        return RawSnapshot(meta=meta, totals=totals, samples=table)


def _notes(report: _Report, listed: int, *, is_missing: bool) -> Iterator[Note]:
    if report.suppressed is not None:
        blocks, amount = report.suppressed
        yield Note("suppressed", f"{amount:,} bytes in {blocks:,} blocks were hidden by suppressions.")
    if report.is_omitting:
        yield Note(
            "leaks-omitted", "Only the largest leaks are listed: set LSAN_OPTIONS=max_leaks=0 to see all of them."
        )
    if is_missing and report.summary is not None:
        yield Note("summary-mismatch", f"SUMMARY says {report.summary[0]:,} bytes, the leaks add up to {listed:,}.")
    if report.is_repeated:
        yield Note("earlier-leak-searches", "The process reported several times; the last report has all of them.")
    if report.damaged:
        yield Note("damaged-records", f"{report.damaged} leaks could not be read and were left out.")
