"""What gperftools' heap checker prints for people.

    Leak check _main_ detected leaks of 3006409 bytes in 54 objects
    The 6 largest leaks:
    Leak of 1000003 bytes in 1 objects allocated from:
    \t@ 55dc2cd7919b lose_big
    \t@ 55dc2cd792e5 main

Each check is one snapshot. A record counts when the line behind it is there. Bytes are printed as 32-bit numbers.

Source: gperftools 2.10 `src/heap-checker.cc`, `src/heap-profile-table.cc`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from leakreport.limits import INT64_MAX, Limits
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import (
    Frame,
    FrameKind,
    FrameTable,
    LeakSearch,
    Moment,
    Note,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
    Truncation,
)

HEADLINE = re.compile(rb"Leak check (\S{1,200}) detected leaks of (-?\d{1,19}) bytes in (\d{1,19}) objects")
_LEAK = re.compile(rb"Leak of (-?\d{1,19}) bytes in (\d{1,19}) objects allocated from:")
_FRAME = re.compile(rb"\t@ (?:0x)?([0-9a-f]{1,16}) ?(.*)\Z")
_SKIPPING = b"Skipping leaks numbered "


@dataclass(slots=True)
class _Check:
    """One leak check while it is read."""

    name: str
    amount: int
    blocks: int
    samples: SampleTableBuilder
    leak: tuple[int, int, int] | None = None
    """Bytes, blocks and line of the record that is open."""
    frames: list[Frame] = field(default_factory=list)
    summed: int = 0
    damaged: int = 0
    is_skipping: bool = False


class HeapChecker:
    """Takes the lines of a log."""

    def __init__(self, source: str, limits: Limits) -> None:
        """Start before the first check."""
        self._source = source
        self._limits = limits
        self._frames = FrameTable()
        self._checks: list[_Check] = []

    def take(self, line: bytes, number: int, *, has_end: bool) -> None:
        """One line of the log."""
        check = self._checks[-1] if self._checks else None
        if check is not None and (match := _FRAME.search(line)) is not None:
            if has_end and check.leak is not None:
                check.frames.append(self._frame(match))
            return
        if not has_end:
            return
        if check is not None and check.leak is not None:
            self._close(check, check.leak)
        if (match := HEADLINE.search(line)) is not None:
            builder = SampleTableBuilder(("retained_bytes", "retained_blocks"), self._frames)
            name = match[1].decode("utf-8", "replace")
            self._checks.append(_Check(name, int(match[2]), int(match[3]), builder))
        elif check is not None and (match := _LEAK.search(line)) is not None:
            amount, blocks = int(match[1]), int(match[2])
            if amount < 0 or max(amount, blocks) > INT64_MAX:
                check.damaged += 1
            else:
                check.leak = (amount, blocks, number)
        elif check is not None and _SKIPPING in line:
            check.is_skipping = True

    def _close(self, check: _Check, leak: tuple[int, int, int]) -> None:
        amount, blocks, number = leak
        frames = reversed(check.frames)
        check.samples.add(frames, (amount, blocks), leak_kind=LeakKind.DEFINITE, name=str(number))
        check.summed += amount
        check.leak = None
        check.frames = []

    def _frame(self, match: re.Match[bytes]) -> Frame:
        name = match[2].decode("utf-8", "replace").strip()[: self._limits.name_characters]
        if name:
            return Frame(function=name)
        return Frame(address=max(int(match[1], 16) - 1, 0), kind=FrameKind.ADDRESS)

    def snapshots(self, last_line: int) -> Iterator[RawSnapshot]:
        """One per check."""
        for check in self._checks:
            yield self._snapshot(check, last_line)

    def _snapshot(self, check: _Check, last_line: int) -> RawSnapshot:
        table = check.samples.build()
        amount = max(check.amount, check.summed)
        blocks = max(check.blocks, sum(table.values["retained_blocks"].tolist()))
        totals = {f"{kind}_bytes": amount for kind in ("retained", "definite", "leaked")}
        totals |= {f"{kind}_blocks": blocks for kind in ("retained", "definite", "leaked")}
        notes = []
        if check.is_skipping:
            notes.append(
                Note(
                    "leaks-omitted",
                    "Only the largest leaks are listed: set HEAP_CHECK_MAX_LEAKS=-1 to see all of them.",
                )
            )
        if check.damaged:
            notes.append(Note("damaged-records", f"{check.damaged} leaks could not be read and were left out."))
        is_missing = check.summed < amount and not check.is_skipping and not check.damaged
        is_cut = check.leak is not None or is_missing
        truncation = (
            Truncation("the report ends before all leaks are listed", last_line, len(table)) if is_cut else None
        )
        meta = SnapshotMeta(
            source=self._source,
            format="gperftools",
            moment=Moment.EXIT,
            tool="gperftools",
            label=check.name,
            truncation=truncation,
            is_complete=not is_cut and not check.damaged,
            leak_search=LeakSearch.CUT if is_cut else LeakSearch.COMPLETE,
            kinds_recorded=frozenset({LeakKind.DEFINITE}),
            notes=tuple(notes),
        )
        return RawSnapshot(meta=meta, totals=totals, samples=table)
