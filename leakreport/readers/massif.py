"""massif.out files of `valgrind --tool=massif`, and the massif format of --xtree-memory.

    desc: --time-unit=B                  options, or (none); may repeat
    cmd: ./a.out
    time_unit: B                         i instructions, ms, B bytes allocated and freed
    #-----------
    snapshot=3                           then time=, mem_heap_B=, mem_heap_extra_B=, mem_stacks_B=
    heap_tree=peak                       empty, detailed or peak; then the tree:
    n2: 5000 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
     n0: 4000 0x109190: xmalloc (a.c:10)
     n0: 1000 in 7 places, all below massif's threshold (1.00%)

A node is `nCHILDREN: BYTES TEXT`, indented by its depth. The root's children allocate, their children call them: a stack
is a way from a leaf up to the root. What its children do not explain is a node's own.

`retained_bytes` is mem_heap_B, `overhead_bytes` mem_heap_extra_B, `stack_bytes` mem_stacks_B. Lines are comments where they
start with `#`; ms_print cuts every line at a `#`, which spoils C++ lambdas and is not copied here.

The massif format of --xtree-memory (`desc: xtree.produce_report`) has one "snapshot" per quantity, all of the same moment:
only the one whose root says curB is read. The file has no end mark, so a cut between two snapshots leaves no trace.

Source: Valgrind `coregrind/m_xtree.c` (VG_(XT_massif_print)), `massif/ms_main.c`, `massif/ms_print.in`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from leakreport.errors import LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.raw import Note, RawSnapshot, SampleTable, SnapshotMeta, Truncation
from leakreport.readers._lines import lines
from leakreport.readers._massif_tree import HeapTrees, TreeShape
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_SIGNATURE = re.compile(
    rb"(?:\A|\n)(?:\xef\xbb\xbf)?desc:[^\n]*\n(?:desc:[^\n]*\n){0,20}cmd:[^\n]*\n[^\n]{0,4096}\n?time_unit: ?\w"
)
_TIME_UNITS = {"i": "instructions", "ms": "ms", "B": "bytes"}
_NUMBERS = ("time", "mem_heap_B", "mem_heap_extra_B", "mem_stacks_B")
_TREES = {"empty", "detailed", "peak"}
_XTREE = "xtree.produce_report"
_RECORD = "valgrind --tool=massif --massif-out-file=massif.out.%p ./program"


class MassifReader:
    """Reads the snapshots of a massif run, in order."""

    info = FormatInfo(
        name="massif",
        title="Valgrind massif profile",
        tool="valgrind massif",
        suffixes=(".massif", ".out", ".ms"),
        record_command=_RECORD,
        specification="Valgrind ms-manual, coregrind/m_xtree.c",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the three lines that begin every massif file."""
        del name
        match = _SIGNATURE.search(head.replace(b"\r\n", b"\n"))
        if match is None:
            return Confidence.NO
        return Confidence.CERTAIN if match.start() == 0 else Confidence.LIKELY

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """Every snapshot; of an xtree report, the one of the bytes still held.

        Raises:
            UnsupportedInput: an xtree report without the bytes still held.
            MalformedInput: there is no complete snapshot.
            LimitExceeded: a number does not fit in 64 bits.
        """
        profile = _Profile(stream.name, limits)
        profile.take_all(stream)
        yield from profile.snapshots()


@dataclass(slots=True)
class _Entry:
    """One snapshot while and after it is read."""

    number: str
    line: int
    values: dict[str, int] = field(default_factory=dict)
    tree: str | None = None
    shape: TreeShape | None = None
    is_damaged: bool = False

    @property
    def has_totals(self) -> bool:
        return self.tree is not None and all(key in self.values for key in _NUMBERS)

    @property
    def total(self) -> int:
        return sum(self.values[key] for key in _NUMBERS[1:])


class _Profile:
    """One file."""

    def __init__(self, source: str, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._trees = HeapTrees(source, limits)
        self._entries: list[_Entry] = []
        self._desc: list[str] = []
        self._command = ""
        self._time_unit: str | None = None
        self._line = 0
        self._cut: str | None = None
        self._damaged_heads = 0
        self._is_xtree = False
        self._has_heap = True
        self._has_stacks = False

    def take_all(self, stream: InputStream) -> None:
        """Read the file to its end."""
        entry: _Entry | None = None
        shape: TreeShape | None = None
        add = self._trees.add
        number = 0
        line, has_end = b"", True
        for number, (line, has_end) in enumerate(lines(stream, self._limits), 1):
            if not line:
                continue
            first = line[0]
            if first == 0x20 or (first == 0x6E and line[1:2].isdigit()):
                # A line of a tree. One without its end may lack part of its text.
                if shape is not None and has_end and not add(shape, line, number):
                    shape.is_broken = True
                    shape = None
                continue
            if first == 0x23:
                shape = None if line.startswith(b"#--") else shape
                continue
            if line.startswith(b"snapshot="):
                entry = _Entry(line[9:40].decode("ascii", "replace"), number)
                shape = None
                self._start(entry)
            elif entry is None:
                self._head_line(line, has_end=has_end)
            elif line.startswith(b"desc:"):
                self._refuse_heaptrack(line)
                self._cut = "a second profile follows in the same file"
                break
            elif self._entry_line(entry, line, has_end=has_end):
                shape = entry.shape
        self._line = number
        self._note_cut(line, has_end=has_end or line == b"heap_tree=empty")

    def _refuse_heaptrack(self, line: bytes) -> None:
        if line.removeprefix(b"desc:").strip() == b"heaptrack":
            raise UnsupportedInput(
                f"{self._source} was written by heaptrack_print, which leaves the paths out of massif files",
                advice="Give the file that heaptrack recorded: heaptrack.PROGRAM.PID.zst",
            )

    def _start(self, entry: _Entry) -> None:
        if len(self._entries) >= self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} snapshots", where=self._source)
        self._entries.append(entry)

    def _head_line(self, line: bytes, *, has_end: bool) -> None:
        key, _, value = line.removeprefix(b"\xef\xbb\xbf").partition(b":")
        text = value.decode("utf-8", "replace").strip()[: self._limits.name_characters]
        if not has_end:
            return
        self._refuse_heaptrack(line)
        if key == b"desc" and len(self._desc) < 100:
            self._desc.append(text)
        elif key == b"cmd":
            self._command = text
        elif key == b"time_unit":
            self._time_unit = text[:20]

    def _entry_line(self, entry: _Entry, line: bytes, *, has_end: bool) -> bool:
        """A `key=value` of a snapshot; whether a tree begins behind it."""
        key, is_pair, value = line.partition(b"=")
        name = key.decode("ascii", "replace")
        if name == "heap_tree" and entry.tree is None:
            word = value.decode("ascii", "replace")
            if word in _TREES and (has_end or word == "empty"):
                entry.tree = word
                if word != "empty":
                    entry.shape = TreeShape()
                    return True
        elif name in _NUMBERS and is_pair and has_end and name not in entry.values and entry.tree is None:
            if value.isdigit() and (len(value) > 19 or int(value) > INT64_MAX):
                raise LimitExceeded(
                    f"{name} is beyond 2^63",
                    where=f"{self._source}:{entry.line}",
                    advice="The input is damaged. Record again.",
                )
            if value.isdigit():
                entry.values[name] = int(value)
        return False

    def _note_cut(self, last_line: bytes, *, has_end: bool) -> None:
        """Whether the file ends inside something, and inside what."""
        if not self._entries or self._cut is not None:
            return
        last = self._entries[-1]
        if not last.has_totals:
            self._cut = f"the file ends inside the head of snapshot {last.number}"
        elif last.shape is not None and not last.shape.is_broken and not self._trees.is_whole(last.shape):
            self._cut = f"the file ends inside the tree of snapshot {last.number}"
        elif last_line.startswith(b"#-"):
            self._cut = f"the file ends before the head of the snapshot behind {last.number}"
        elif not has_end:
            self._cut = "the last line has no end"

    def snapshots(self) -> Iterator[RawSnapshot]:
        """The snapshots that are whole as far as their totals go."""
        whole = [entry for entry in self._entries if entry.has_totals]
        if not whole:
            raise MalformedInput(
                f"{self._source} holds no complete massif snapshot",
                where=f"{self._source}:{self._line}",
                advice="massif writes only when the program ends: let it end, or ask with vgdb. Then record again.",
            )
        self._damaged_heads = len(self._entries) - len(whole) - (not self._entries[-1].has_totals)
        self._is_xtree = _XTREE in self._desc
        if self._is_xtree:
            whole = [self._held_now(whole)]
        self._has_heap = not self._says("--heap=no") or any(entry.values["mem_heap_B"] for entry in whole)
        self._has_stacks = self._says("--stacks=yes") or any(entry.values["mem_stacks_B"] for entry in whole)
        tables = [self._table(entry) for entry in whole]
        notes = self._notes(whole)
        is_complete = self._cut is None and not self._damaged_heads and not any(entry.is_damaged for entry in whole)
        for entry, table in zip(whole, tables, strict=True):
            yield self._raw(entry, table, notes, is_complete=is_complete)

    def _held_now(self, whole: list[_Entry]) -> _Entry:
        for entry in whole:
            if entry.shape is not None and entry.shape.root_text.startswith(b"curB "):
                return entry
        raise UnsupportedInput(
            f"{self._source} is a Valgrind xtree in massif format without the bytes still held (curB)",
            advice="Record with --xtree-memory=full, or --xtree-leak=yes --xtree-leak-file=xtleak.kcg.%p",
        )

    def _table(self, entry: _Entry) -> SampleTable | None:
        """The paths of a snapshot; None where it has no tree or its tree contradicts itself."""
        if entry.shape is None:
            return None
        table = self._trees.table(entry.shape, entry.values["mem_heap_B"])
        is_cut_here = self._cut is not None and entry is self._entries[-1]
        if not is_cut_here and (table is None or not self._trees.is_whole(entry.shape)):
            entry.is_damaged = True
        return table

    def _says(self, option: str) -> bool:
        return any(option in text.split() for text in self._desc)

    def _notes(self, whole: list[_Entry]) -> tuple[Note, ...]:
        notes = []
        if self._damaged_heads:
            notes.append(Note("damaged-records", f"{self._damaged_heads} snapshots were left out: they lack figures."))
        damaged = [entry.number for entry in whole if entry.is_damaged]
        if damaged:
            listed = ", ".join(damaged[:5]) + (", …" if len(damaged) > 5 else "")
            notes.append(
                Note("damaged-tree", f"The tree of snapshot {listed} contradicts itself; only its sound part is used.")
            )
        if not self._has_heap:
            notes.append(Note("heap-not-measured", "The heap was not measured (--heap=no)."))
        if self._says("--pages-as-heap=yes"):
            notes.append(
                Note("pages-as-heap", "--pages-as-heap=yes counts all mapped pages, those of code and stacks too.")
            )
        if self._is_xtree:
            notes.append(
                Note(
                    "not-a-timeline",
                    "This is the state at one moment; the file's other snapshots are other quantities.",
                )
            )
            return tuple(notes)
        peak = next((entry for entry in whole if entry.tree == "peak"), None)
        greatest = max(whole, key=lambda entry: entry.total)
        if peak is None and greatest.values["mem_heap_B"] and self._cut is None:
            notes.append(
                Note("no-marked-peak", "massif marked no snapshot as the peak: it takes one only when memory is freed.")
            )
        elif peak is not None and greatest.total > peak.total:
            notes.append(
                Note(
                    "peak-is-inaccurate",
                    f"Snapshot {greatest.number} has {greatest.total:,} bytes, more than the {peak.total:,} of the one that"
                    " massif marked as the peak (--peak-inaccuracy).",
                )
            )
        return tuple(notes)

    def _raw(
        self, entry: _Entry, table: SampleTable | None, notes: tuple[Note, ...], *, is_complete: bool
    ) -> RawSnapshot:
        is_xtree = self._is_xtree
        totals = {}
        if self._has_heap:
            totals["retained_bytes"] = entry.values["mem_heap_B"]
            if not is_xtree:
                totals["overhead_bytes"] = entry.values["mem_heap_extra_B"]
        if self._has_stacks:
            totals["stack_bytes"] = entry.values["mem_stacks_B"]
        cut = None if self._cut is None else Truncation(self._cut, self._line, self._trees.line_count)
        meta = SnapshotMeta(
            source=self._source,
            format="massif",
            tool=None if is_xtree else "massif",
            command=tuple(self._command.split()),
            tool_options=() if is_xtree else self._options(),
            label=None if is_xtree else f"snapshot {entry.number}",
            time=None if is_xtree else float(entry.values["time"]),
            time_unit=None if is_xtree else _TIME_UNITS.get(self._time_unit or "", self._time_unit),
            truncation=cut,
            is_complete=is_complete,
            is_peak=entry.tree == "peak",
            judges_peak=not is_xtree,
            notes=notes,
        )
        return RawSnapshot(meta, totals, table)

    def _options(self) -> tuple[str, ...]:
        """The options given to massif; only a blank before `--` divides them, as --alloc-fn may hold blanks."""
        return tuple(
            option for text in self._desc if text != "(none)" for option in text.replace(" --", "\n--").split("\n")
        )
