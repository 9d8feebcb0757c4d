"""The output of pmap: plain, -x, -X, -XX, -d and -q of procps, that of BusyBox and toybox; one sample, a log, several processes.

    24721:   ./server --port 80
    Address           Kbytes     RSS   Dirty Mode  Mapping
    0000558aa4564000     132      12      12 rw---   [ anon ]
    ---------------- ------- ------- -------
    total kB            2616    1552     128

The header decides what a column is. `retained_bytes` is Anonymous − LazyFree + Swap + Private_Hugetlb with -X and -XX; with -x it
is Dirty of anonymous memory, and swap is not in it. The plain form, -q and -d have sizes only: nothing in them says what is
in memory. The heap has no name but in -X: it is the first anonymous mapping above the program (see `leakreport/mappings.py`).

Lines of one sample may stand in any order, as after `sort`. A log is cut where a process, a header or a total comes again.

Source: procps `src/pmap.c` (3.2 to 4.0), BusyBox `procps/pmap.c`, toybox `toys/other/pmap.c`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.mappings import KIB, Vma
from leakreport.model.raw import FrameTable, Note, RawSnapshot
from leakreport.readers._lines import lines
from leakreport.readers._memory_map import snapshot_of
from leakreport.readers._pmap_rows import Columns, columns_of, row_of
from leakreport.readers._samples import SampleLog, number, recognised
from leakreport.readers.interface import Confidence, FormatInfo, InputStream
from leakreport.readers.maps import ONLY_SIZES

_PROCESS = re.compile(rb"(\d{1,10}):(?:[ \t]+(.*))?")
_TOTAL = re.compile(rb"\s*total(?: kB)?\s+\d{1,16}K?(?:\s.*)?|mapped: \d{1,16}K\s*")
_D_TOTAL = re.compile(rb"mapped: (\d{1,16})K\s+writeable/private: (\d{1,16})K\s+shared: \d{1,16}K\s*")
_X_TOTAL = re.compile(rb"\s*\d{1,16} [ \d]* KB\s*")
_RULE = re.compile(rb"[ =-]+")
_HEADER = rb" *Address +(?:Kbytes|Perm) [^\n]{0,600}Mapping *\r?\n"
_ROW = rb"[0-9a-f]{8,16} +\d{1,12}(?:K +[rwxspR-]{4,5}\b[^\n]*| +(?:\d+|-) +(?:\d+|-) +(?:\d+ +)?[rwxspR-]{4,5} [^\n]*|K +[rwxspR-]{5} [^\n]*)\r?\n"
_SIGNATURES = (
    re.compile(rb"(?:\A|\n)" + _HEADER),
    re.compile(rb"(?:\A|\n)(?:\d{1,10}: [^\n]{0,2000}\r?\n)?" + _ROW + _ROW),
    re.compile(rb"(?:\A|\n)mapped: \d+K +writeable/private: \d+K"),
    re.compile(rb"\A\d{1,10}: +[^\n]{0,2000}\r?\n\s*(?:total +0K\s*)?\Z"),
)
_FOREIGN = re.compile(rb"Mode +Mapped File|\[ heap \]")
_MOST_MAPPINGS = 5_000_000


class PmapReader:
    """Reads one sample, or all samples of a log, in order."""

    info = FormatInfo(
        name="pmap",
        title="pmap listing",
        tool="pmap",
        suffixes=(".pmap",),
        record_command="pmap -X PID > 001.pmap",
        specification="pmap(1)",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By a header, two rows, or a footer; Solaris prints another one under the same name."""
        del name
        if _FOREIGN.search(head):
            return Confidence.NO
        return recognised(head, *_SIGNATURES)

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per sample and process.

        Raises:
            MalformedInput: there is no mapping; an unreadable process has only its first line.
            LimitExceeded: a figure is beyond 2^63.
        """
        shape = _shape_of(stream, limits)
        stream.rewind()
        log = SampleLog(stream.name, limits, "pmap", "pmap")
        yield from _read(stream, limits, shape, log)
        if not log.count:
            why = f" of process {shape.first_pid}" if shape.first_pid else ""
            error = log.nothing(f"mappings{why}")
            error.advice = (
                "pmap prints nothing more for a process that it may not read, of a thread of the kernel, or of one that has"
                " ended: record as root or as the owner of the process."
            )
            raise error


@dataclass(slots=True)
class _Shape:
    """What stands in a file beside rows, counted: of one sample the parts may stand in any order."""

    processes: int = 0
    headers: int = 0
    totals: int = 0
    columns: Columns | None = None
    first_pid: int | None = None

    @property
    def is_one(self) -> bool:
        return max(self.processes, self.headers, self.totals) <= 1


def _shape_of(stream: InputStream, limits: Limits) -> _Shape:
    shape = _Shape()
    for line, _ in lines(stream, limits):
        if (columns := columns_of(line)) is not None:
            shape.headers += 1
            shape.columns = shape.columns or columns
        elif match := _PROCESS.fullmatch(line):
            shape.processes += 1
            shape.first_pid = shape.first_pid or int(match[1])
        elif _is_total(line):
            shape.totals += 1
    return shape


def _is_total(line: bytes) -> bool:
    return bool(_TOTAL.fullmatch(line) or _D_TOTAL.fullmatch(line) or _X_TOTAL.fullmatch(line))


@dataclass(slots=True)
class _Sample:
    """One process at one moment."""

    pid: int | None = None
    command: tuple[str, ...] = ()
    columns: Columns | None = None
    vmas: list[Vma] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)
    has_total: bool = False
    is_begun: bool = False


def _read(stream: InputStream, limits: Limits, shape: _Shape, log: SampleLog) -> Iterator[RawSnapshot]:
    frames = FrameTable()
    sample = _Sample(columns=shape.columns)
    is_last_damaged = False
    is_last_cut = False
    for line, has_end in lines(stream, limits):
        log.line += 1
        is_last_cut = not has_end
        columns = columns_of(line)
        match = None if columns is not None else _PROCESS.fullmatch(line)
        is_boundary = not shape.is_one and (
            match is not None
            or (columns is not None and not shape.processes)
            or (sample.has_total and not (shape.processes or shape.headers) and bool(line.strip()))
        )
        if is_boundary and (sample.vmas or sample.totals):
            yield _snapshot(sample, log, frames)
        if is_boundary:
            sample = _Sample(columns=sample.columns)
        if columns is not None:
            sample.columns = columns
        elif match is not None:
            sample.pid = int(match[1])
            sample.command = tuple(
                (match[2] or b"")[: limits.name_characters].decode("utf-8", "backslashreplace").split()
            )
        elif _is_total(line):
            _take_total(line, sample, log)
        else:
            row = row_of(line, sample.columns, log.source)
            is_last_damaged = (row is None or not row.is_whole) and not _RULE.fullmatch(line) and bool(line)
            if row is not None:
                _begin(sample, log)
                sample.vmas.append(row.vma)
                if len(sample.vmas) > _MOST_MAPPINGS:
                    raise LimitExceeded(f"a process with more than {_MOST_MAPPINGS:,} mappings", where=log.source)
            elif is_last_damaged and not log.take_stamp(line):
                log.take_unknown(line)
    if sample.vmas or sample.totals:
        is_cut = is_last_damaged or is_last_cut or (sample.columns is not None and not sample.has_total)
        yield _snapshot(sample, log, frames, cut="the list ends before its total" if is_cut else None)


def _begin(sample: _Sample, log: SampleLog) -> None:
    if not sample.is_begun:
        sample.is_begun = True
        log.start()


def _take_total(line: bytes, sample: _Sample, log: SampleLog) -> None:
    sample.has_total = True
    match = _D_TOTAL.fullmatch(line)
    if match is not None:
        _begin(sample, log)
        sample.totals = {
            "size_bytes": number(match[1], log.source) * KIB,
            "writable_bytes": number(match[2], log.source) * KIB,
        }


def _snapshot(sample: _Sample, log: SampleLog, frames: FrameTable, cut: str | None = None) -> RawSnapshot:
    is_sized_only = not any(vma.fields.get("rss", vma.fields.get("pss")) is not None for vma in sample.vmas)
    notes: tuple[Note, ...] = (ONLY_SIZES,) if is_sized_only else ()
    meta = log.meta(pid=sample.pid, command=sample.command, cut=cut, records=len(sample.vmas), notes=notes)
    if not sample.vmas:
        return RawSnapshot(meta, sample.totals)
    knows_heap = sample.columns is not None and sample.columns.knows_heap
    return snapshot_of(sample.vmas, meta, frames, knows_heap=knows_heap, totals=sample.totals)
