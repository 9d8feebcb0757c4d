"""What the command mtrace prints of a log: the blocks that were not freed, each with its caller.

    - 0x0000000008064cc8 Free 2 was never alloc'd 0x8048209
    + 0x0000000008064cd8 Alloc 9 duplicate: /src/server.c:50 ./server:[0x250a]

    Memory not freed:
    -----------------
               Address     Size     Caller
    0x000055670c8442f0     0xf8  at /src/server.c:50

Without such blocks it says `No memory leaks.` Nothing tells its end, so a report is whole where its last line is.

Source: glibc `malloc/mtrace.pl`.
"""

from __future__ import annotations

import re

from leakreport.errors import LimitExceeded
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.raw import Moment, Note, RawSnapshot, SampleTableBuilder, SnapshotMeta, Truncation
from leakreport.readers._counts import counted
from leakreport.readers._mtrace_callers import caller_in_report

REPORT = re.compile(
    rb"(?:\A|\n)(?:Memory not freed:\r?\n-{5,}\r?\n +Address +Size +Caller|[-+] 0x[0-9a-f]{8,16} (?:Free|Realloc|Alloc) \d+ (?:was never alloc'd|duplicate:) )"
    rb"|\A\s*No memory leaks\.\s*\Z"
)
"""How a report is known."""
_BLOCK = re.compile(rb"(?P<address>0x[0-9a-f]{8,16}) +(?P<size>0|0x[0-9a-f]{1,16})  at ?(?P<caller>.*)", re.DOTALL)
_COMPLAINT = re.compile(rb"[-+] 0x[0-9a-f]{8,16} (?:Free|Realloc|Alloc) \d+ (?P<what>was never alloc'd|duplicate:)")
_TITLES = re.compile(rb"\s*|-{5,}|\s*Address +Size +Caller")
_HEADING = b"Memory not freed:"
_NONE = b"No memory leaks."


class MtraceReport:
    """What the command printed, while it is read."""

    def __init__(self, source: str, limits: Limits) -> None:
        """Start with nothing known."""
        self.is_found = False
        self._source = source
        self._limits = limits
        self._line = 0
        self._foreign = 0
        self._is_cut = False
        self._is_below_titles = False
        self._blocks: dict[bytes, tuple[int, list[int]]] = {}
        self._bytes = 0
        self._unknown_frees = 0
        self._reused = 0

    def take(self, line: bytes, *, has_end: bool) -> bool:
        """Whether a line is of the report."""
        self._line += 1
        complaint = _COMPLAINT.match(line)
        if complaint is not None:
            self.is_found = True
            is_free = complaint["what"] != b"duplicate:"
            self._unknown_frees += is_free
            self._reused += not is_free
            self._is_cut = self._is_cut or not has_end
            return True
        if line in (_NONE, _HEADING):
            self.is_found = True
            self._is_below_titles = line != _NONE
            return True
        if not self._is_below_titles:
            return False
        match = _BLOCK.fullmatch(line)
        self._is_cut = self._is_cut or not has_end
        if match is not None and has_end:
            self._take_block(int(match["size"], 16), match["caller"])
        elif has_end and _TITLES.fullmatch(line) is None:
            self._foreign += 1
        return True

    def _take_block(self, size: int, caller: bytes) -> None:
        self._bytes += size
        if self._bytes > INT64_MAX:
            raise LimitExceeded(
                "the sizes add up to more than 2^63", where=self._source, advice="The input is damaged. Record again."
            )
        _, sums = self._blocks.setdefault(caller, (self._line, [0, 0]))
        sums[0] += size
        sums[1] += 1

    def snapshot(self, foreign: int) -> RawSnapshot:
        """What was not freed."""
        table = SampleTableBuilder(("retained_bytes", "retained_blocks"))
        for text, (line, (amount, count)) in self._blocks.items():
            frame = caller_in_report(text.decode("utf-8", "backslashreplace"), self._limits)
            table.add((frame,), (amount, count), name=str(line))
        blocks = sum(sums[1] for _, sums in self._blocks.values())
        notes = []
        if self._unknown_frees:
            notes.append(unknown_frees(self._unknown_frees))
        if self._reused:
            notes.append(unseen_frees(self._reused))
        if foreign + self._foreign:
            notes.append(other_output(foreign + self._foreign))
        meta = SnapshotMeta(
            source=self._source,
            format="mtrace",
            tool="glibc mtrace",
            truncation=Truncation("the report ends inside a line", self._line, blocks) if self._is_cut else None,
            is_complete=not self._is_cut,
            moment=Moment.EXIT,
            notes=tuple(notes),
        )
        return RawSnapshot(meta, {"retained_bytes": self._bytes, "retained_blocks": blocks}, table.build())


def unknown_frees(count: int) -> Note:
    """Frees of blocks that were not seen before."""
    return Note("attached", f"{counted(count, 'free', 'not counted')}: of memory from before mtrace() was called.")


def unseen_frees(count: int) -> Note:
    """Addresses with two blocks."""
    text = f"{counted(count, 'address', 'handed out again without a free in between', 'addresses')}: the block before counts as freed."
    return Note("unseen-frees", text)


def other_output(count: int) -> Note:
    """Lines of somebody else."""
    return Note("invalid-lines", f"{counted(count, 'line', 'passed over')}: other output.")
