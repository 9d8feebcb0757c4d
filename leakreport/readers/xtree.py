"""Execution trees of Valgrind: --xtree-leak=yes (xtleak.kcg.PID) and --xtree-memory=allocs|full (xtmemory.kcg.PID).

    # callgrind format
    version: 1
    creator: xtree-1
    events: RB  PB  IB  DB  DIB  RBk …   names of the columns; curB  curBk  totB … for memory
    fl=(1) /src/a.c                      `(N) name` defines, `(N)` refers; files and functions have numbers of their own
    fn=(1) main
    75                                   no amount of its own
    cfi=(1)
    cfn=(2) xmalloc
    calls=0 22
    75 0 0 0 1001                        what the callee has; missing values at the end are 0
    fl=(1)
    fn=(2)
    22 0 0 0 1001                        the last one has the amounts itself
                                         an empty line ends the stack
    totals: 0 0 0 1001

Each group is one stack, outermost function first, and repeats its amounts at every call: only its last line counts.
DB is direct plus indirect and DIB the indirect part; those bytes stand under IB once more, so definite is DB − DIB.

`retained_bytes` is the sum of the leak kinds, or curB; `allocated_bytes` is totB. Increases and decreases since an earlier
leak search (`iRB`, `dRB`, …) and freed bytes are not read. Callgrind's own profiles are of processor time and are refused.

Source: Valgrind `coregrind/m_xtree.c` (VG_(XT_callgrind_print)), `memcheck/mc_leakcheck.c`, `coregrind/m_xtmemory.c`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from leakreport.errors import LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.columns import checked_total
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS, LeakKind
from leakreport.model.raw import (
    LeakSearch,
    Moment,
    Note,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
    Truncation,
)
from leakreport.readers._lines import lines
from leakreport.readers._xtree_names import NameTable
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_CREATOR = re.compile(rb"(?:\A|\n)creator: xtree-\d")
_LEAK_COLUMNS = ("RB", "PB", "IB", "DB", "DIB", "RBk", "PBk", "IBk", "DBk")
_MEMORY_METRIC_OF = {
    "curB": "retained_bytes",
    "curBk": "retained_blocks",
    "totB": "allocated_bytes",
    "totBk": "allocated_blocks",
}
_LEAK_METRICS = ("retained_bytes", "retained_blocks", "dragged_bytes")
_FILE_KEYS = frozenset((b"cfi", b"cfl"))
_HEAD_KEYS = frozenset((b"pid", b"cmd", b"events"))
_RECORD = "valgrind --leak-check=full --xtree-leak=yes --xtree-leak-file=xtleak.kcg.%p ./program"


class XtreeReader:
    """Reads what was left at exit, by stack."""

    info = FormatInfo(
        name="xtree",
        title="Valgrind execution tree of memory",
        tool="valgrind --xtree-leak, --xtree-memory",
        suffixes=(".kcg",),
        record_command=_RECORD,
        specification="Valgrind manual, Execution Trees; coregrind/m_xtree.c",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the creator that the file names."""
        del name
        if not _CREATOR.search(head.replace(b"\r\n", b"\n")):
            return Confidence.NO
        is_first = head.removeprefix(b"\xef\xbb\xbf").startswith((b"# callgrind format", b"version:", b"creator:"))
        return Confidence.CERTAIN if is_first else Confidence.LIKELY

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot: the end of the run.

        Raises:
            UnsupportedInput: the columns are not of memory.
            MalformedInput: there is no whole stack in a file that is cut or damaged.
            LimitExceeded: a number does not fit in 64 bits, or there are too many stacks.
        """
        tree = _Tree(stream.name, limits)
        for number, (line, has_end) in enumerate(lines(stream, limits), 1):
            tree.take(line, number, has_end=has_end)
        yield tree.snapshot()


@dataclass(slots=True)
class _Group:
    """One stack while its lines are read."""

    line: int
    stack: list[int] = field(default_factory=list)
    file: str | None = None
    function: str | None = None
    next_function: str | None = None
    is_call: bool = False
    """The next line with amounts is of a call."""
    is_placed: bool = True
    """The function that was named last has its line."""
    amounts: bytes | None = None
    """Of the line that came last, if it is of a function itself."""
    is_damaged: bool = False


class _Tree:
    """One file."""

    def __init__(self, source: str, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._head: dict[bytes, str] = {}
        self._columns: tuple[str, ...] = ()
        self._positions: tuple[int, ...] = ()
        self._width = 0
        self._is_leak = False
        self._names = NameTable(limits)
        self._builder = SampleTableBuilder((), self._names.table)
        self._sums: list[int] = []
        self._stated: list[int] | None = None
        self._has_end = False
        """The line of the totals was there."""
        self._group: _Group | None = None
        self._groups = 0
        self._damaged = 0
        self._line = 0

    def take(self, line: bytes, number: int, *, has_end: bool) -> None:
        """One line of the file. One without its end may lack digits, so it never counts."""
        self._line = number
        if not has_end or self._has_end:
            return
        if not line:
            self._close()
        elif line.startswith(b"totals:"):
            self._close()
            self._has_end = True
            self._stated = self._amounts(line[7:])
        elif self._columns:
            if self._group is None:
                self._group = _Group(number)
            if not self._group.is_damaged:
                self._group.is_damaged = not self._group_line(self._group, line)
        elif not line.startswith(b"#"):
            self._head_line(line)

    def _head_line(self, line: bytes) -> None:
        key, _, value = line.removeprefix(b"\xef\xbb\xbf").partition(b": ")
        if key not in _HEAD_KEYS:
            return
        self._head[key] = value.decode("utf-8", "replace").strip()[: self._limits.name_characters]
        if key != b"events":
            return
        events = self._head[key].split()
        self._is_leak = set(_LEAK_COLUMNS) <= set(events)
        if not self._is_leak and "curB" not in events:
            raise UnsupportedInput(
                f"{self._source} is an execution tree without bytes held: its columns are {' '.join(events)[:80]}",
                advice=f"Record with {_RECORD}",
            )
        wanted = _LEAK_COLUMNS if self._is_leak else tuple(_MEMORY_METRIC_OF)
        self._columns = tuple(name for name in wanted if name in events)
        self._positions = tuple(events.index(name) for name in self._columns)
        self._width = len(events)
        self._sums = [0] * len(self._columns)
        metrics = _LEAK_METRICS if self._is_leak else tuple(_MEMORY_METRIC_OF[name] for name in self._columns)
        self._builder = SampleTableBuilder(metrics, self._names.table)

    def _group_line(self, group: _Group, line: bytes) -> bool:
        """Take a line of a stack; False where it does not fit behind those before it."""
        if line[:1].isdigit():
            return self._take_amounts(group, line)
        key, is_pair, value = line.partition(b"=")
        if not is_pair:
            return False
        group.amounts = None
        if key == b"calls":
            group.is_call = True
            return group.next_function is not None
        if key == b"fl":
            group.file = self._names.file(value)
            return group.file is not None
        if key in _FILE_KEYS:
            return self._names.file(value) is not None
        name = self._names.function(value)
        if key == b"cfn":
            group.next_function = name
            return name is not None
        # The callee that the last call named, or the outermost function.
        fits = name is not None and group.is_placed and group.next_function == (name if group.stack else None)
        group.function, group.next_function, group.is_placed = name, None, False
        return key == b"fn" and fits and group.file is not None

    def _take_amounts(self, group: _Group, line: bytes) -> bool:
        place, _, amounts = line.partition(b" ")
        if group.function is None or group.file is None or not place.isdigit():
            return False
        if group.is_call:
            group.is_call, group.amounts = False, None
            return True
        if group.is_placed:
            return False
        if len(group.stack) >= self._limits.stack_frames:
            raise LimitExceeded(
                f"a stack has more than {self._limits.stack_frames:,} frames",
                where=f"{self._source}:{group.line}",
                advice="Record with fewer callers (--num-callers).",
            )
        group.stack.append(self._names.frame(group.file, group.function, place))
        group.is_placed = True
        group.amounts = amounts
        return True

    def _amounts(self, text: bytes) -> list[int] | None:
        """The columns that count; None where something is no number."""
        words = text.split()
        if len(words) > self._width or not all(word.isdigit() for word in words):
            return None
        counted = [words[at] if at < len(words) else b"0" for at in self._positions]
        found = [int(word) if len(word) < 20 else INT64_MAX + 1 for word in counted]
        if max(found, default=0) > INT64_MAX:
            raise LimitExceeded(
                "a figure is beyond 2^63",
                where=f"{self._source}:{self._line}",
                advice="The input is damaged. Record again.",
            )
        return found

    def _close(self) -> None:
        """The empty line that ends a stack."""
        group, self._group = self._group, None
        if group is None:
            return
        amounts = None
        if group.stack and not group.is_damaged and group.is_placed and not group.is_call and group.amounts is not None:
            amounts = self._amounts(group.amounts)
        if amounts is None or not self._add(group, dict(zip(self._columns, amounts, strict=True))):
            self._damaged += 1
            return
        self._sums = [total + amount for total, amount in zip(self._sums, amounts, strict=True)]
        self._groups += 1
        if self._groups > self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} stacks", where=self._source)

    def _add(self, group: _Group, amounts: dict[str, int]) -> bool:
        name = str(group.line)
        if not self._is_leak:
            if any(amounts.values()):
                self._builder.add_indexes(group.stack, tuple(amounts.values()), name=name)
            return True
        if amounts["DB"] < amounts["DIB"]:
            return False
        for kind, byte_count, block_count in _by_kind(amounts):
            dragged = amounts["DIB"] if kind is LeakKind.DEFINITE else 0
            if byte_count or block_count or dragged:
                self._builder.add_indexes(group.stack, (byte_count, block_count, dragged), leak_kind=kind, name=name)
        return True

    def snapshot(self) -> RawSnapshot:
        """What the file says.

        Raises:
            MalformedInput: there is nothing whole.
        """
        if not self._columns or (not self._groups and (self._damaged or not self._has_end)):
            raise MalformedInput(f"{self._source} has not one whole stack", where=f"{self._source}:{self._line}")
        cut = None
        if not self._has_end:
            where = "inside a stack" if self._group is not None else "before its totals"
            cut = Truncation(f"the file ends {where}", self._line, self._groups)
        sums = self._totals(self._sums)
        totals = sums if self._stated is None else self._totals(self._stated)
        is_contradiction = self._has_end and (
            self._stated is None or (self._stated != self._sums and not self._damaged)
        )
        if any(totals[metric] < amount for metric, amount in sums.items()):
            totals, is_contradiction = sums, True
        notes = []
        if self._damaged:
            notes.append(Note("damaged-records", f"{self._damaged} stacks were left out: they are not whole."))
        if is_contradiction:
            notes.append(Note("totals-contradict", "The totals that the file states are not the sum of its stacks."))
        is_complete = cut is None and not self._damaged and not is_contradiction
        pid = self._head.get(b"pid", "")
        search = LeakSearch.NONE
        if self._is_leak:
            search = LeakSearch.COMPLETE if self._has_end else LeakSearch.CUT
        meta = SnapshotMeta(
            source=self._source,
            format="xtree",
            moment=Moment.EXIT,
            tool="memcheck" if self._is_leak else None,
            pid=int(pid) if pid.isascii() and pid.isdecimal() and len(pid) < 10 else None,
            command=tuple(self._head.get(b"cmd", "").split()),
            truncation=cut,
            is_complete=is_complete,
            leak_search=search,
            kinds_recorded=frozenset(LEAK_KINDS) if self._is_leak else frozenset(),
            notes=tuple(notes),
        )
        return RawSnapshot(meta, totals, self._builder.build())

    def _totals(self, amounts: list[int]) -> dict[str, int]:
        """The totals that amounts by column make."""
        by_column = dict(zip(self._columns, amounts, strict=True))
        if not self._is_leak:
            totals = {_MEMORY_METRIC_OF[name]: amount for name, amount in by_column.items()}
        else:
            totals = {}
            for kind, byte_count, block_count in _by_kind(by_column):
                totals |= {kind.bytes_metric: byte_count, kind.blocks_metric: block_count}
            for unit in ("bytes", "blocks"):
                totals[f"retained_{unit}"] = sum(totals[f"{kind.word}_{unit}"] for kind in LEAK_KINDS)
                totals[f"leaked_{unit}"] = sum(totals[f"{kind.word}_{unit}"] for kind in LOST_KINDS)
        return {metric: checked_total((amount,), metric) for metric, amount in totals.items()}


def _by_kind(amounts: dict[str, int]) -> tuple[tuple[LeakKind, int, int], ...]:
    """By leak kind its bytes and blocks: of definitely lost blocks the direct bytes only."""
    return (
        (LeakKind.DEFINITE, amounts["DB"] - amounts["DIB"], amounts["DBk"]),
        (LeakKind.INDIRECT, amounts["IB"], amounts["IBk"]),
        (LeakKind.POSSIBLE, amounts["PB"], amounts["PBk"]),
        (LeakKind.REACHABLE, amounts["RB"], amounts["RBk"]),
    )
