"""New, grown, known, fixed: the rows of a comparison between a baseline and a run, put together by leak.

What belongs together is what the comparison paired, what it cannot tell apart, and rows of one path: a leak whose
blocks are of several kinds is one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from leakreport.analysis.checkreport import State
from leakreport.analysis.compare import Aligned
from leakreport.analysis.difftable import amounts_of
from leakreport.analysis.noise import STANDARD_ERRORS
from leakreport.analysis.unions import joined
from leakreport.baseline.entries import Baseline, total_bytes
from leakreport.model.columns import BoolColumn, Int8Column, Int64Column
from leakreport.model.metrics import LeakKind
from leakreport.units import plural

_NONE, _NEW, _GREW, _KNOWN, _FIXED = range(5)
BEFORE, AFTER = 0, 1


@dataclass(slots=True)
class FoundLeak:
    """One leak, as far as the comparison tells."""

    state: State | None
    """None where it is within the noise."""
    stored: tuple[str, ...]
    """Ids in the baseline, of the heaviest first."""
    rows: tuple[int, ...]
    """Rows of the run: indexes into the rows of the after side, the heaviest first."""
    kinds: dict[LeakKind, State] = field(default_factory=dict)
    """Per kind in the run what became of it; only kinds that are new or grew."""
    before_bytes: int = 0
    before_blocks: int = 0
    after_bytes: int = 0
    after_blocks: int = 0
    evidence: str = ""
    is_now_lost: bool = False
    """No larger, but of a kind that counts, and it was of another."""


def found_leaks(aligned: Aligned, baseline: Baseline, counted: frozenset[LeakKind]) -> list[FoundLeak]:
    """All leaks of a baseline and a run.

    Where the tool is exact, the first byte counts, whatever the kind of a leak; else the noise rule of comparisons.

    Args:
        aligned: the baseline as a run, and the run.
        baseline: the same baseline.
        counted: kinds that count when they are new. What was of another kind and is of one of these is worse.
    """
    judged = _Judged(aligned, baseline, counted)
    return [leak for leak in map(judged.leak, judged.groups()) if leak.stored or leak.rows]


class _Judged:
    """The rows of a comparison, each with what it says by itself."""

    def __init__(self, aligned: Aligned, baseline: Baseline, counted: frozenset[LeakKind]) -> None:
        table = self._table = aligned.rows
        self._aligned, self._baseline = aligned, baseline
        self._kinds = table.kinds()
        self._is_new, self._is_gone = table.first[0] < 0, table.first[1] < 0
        self._blocks = table.change.get("retained_blocks", np.zeros(len(table), dtype=np.int64))
        self._amounts = [
            [amounts_of(table, side, half.rows.column(f"retained_{unit}")) for unit in ("bytes", "blocks")]
            for side, half in enumerate(table.halves)
        ]
        self._names: tuple[Sequence[str], Sequence[str]] = (self._stored_names(), aligned.after.rows.ids())
        is_counted = [np.isin(column, sorted(counted)) for column in self._kinds]
        self._is_worse: BoolColumn = ~is_counted[0] & is_counted[1]
        self._is_exact = aligned.rule.is_exact_for_lost
        self._significant = table.is_significant
        if self._is_exact:
            self._significant = (table.weight != 0) | (self._blocks != 0) | self._is_worse
        self._state = self._states()

    def _stored_names(self) -> Sequence[str]:
        """Per row of the baseline side the id under which it is stored."""
        rows = self._aligned.before.rows
        names, order = rows.records.names, rows.records.order
        return [names[index] for index in order[rows.first_record].tolist()] if len(rows) else []

    def _states(self) -> Int8Column:
        table = self._table
        found = np.full(len(table), _NONE, dtype=np.int8)
        least = self._aligned.rule.min_change_bytes + self._baseline.folded_bytes
        is_seen = self._significant & (~np.bool_(self._baseline.folded_bytes > 0) | (table.weight >= least))
        found[self._is_new & (is_seen | self._is_exact)] = _NEW
        found[self._is_gone & (self._significant | self._is_exact)] = _FIXED
        is_both = ~self._is_new & ~self._is_gone
        found[is_both] = _KNOWN
        found[is_both & self._significant & self._is_more()] = _GREW
        found[is_both & self._creeps()] = _GREW
        for number in np.unique(table.tie[table.tie >= 0]).tolist():
            # Nobody knows which of them is which: the sum decides.
            found[table.tie == number] = self._state_of_sum(np.flatnonzero(table.tie == number))
        return found

    def _state_of_sum(self, rows: Int64Column) -> int:
        """What became of paths that could be each other, together."""
        if self._is_sum_more(rows):
            return _NEW if bool(self._is_new[rows].all()) else _GREW
        has_held = any(int(column[rows].any()) for amounts in self._amounts for column in amounts)
        return _KNOWN if has_held and not self._is_new[rows].all() else _NONE

    def _is_sum_more(self, rows: Int64Column) -> bool:
        held, blocks = (int(column[rows].sum()) for column in (self._table.weight, self._blocks))
        if self._is_exact:
            return held > 0 or blocks > 0
        return held > 0 and bool(self._table.is_significant[rows].any())

    def _is_more(self) -> BoolColumn:
        """More bytes; of exact tools more blocks, too, or memory that is lost now and was not."""
        is_more: BoolColumn = self._table.weight > 0
        return is_more | (self._blocks > 0) | self._is_worse if self._is_exact else is_more

    def _creeps(self) -> BoolColumn:
        """What is larger than when it was pinned by more than the noise, in steps that were within it."""
        table, rule = self._table, self._aligned.rule
        found = np.zeros(len(table), dtype=np.bool_)
        rows = np.flatnonzero((table.weight > 0) & ~self._significant & ~self._is_new & ~self._is_gone)
        for row in rows.tolist():
            stored = [self._baseline.leaks[name] for name in self._names_of(BEFORE, row)]
            kind = LeakKind(int(self._kinds[0][row]))
            pinned = sum(leak.anchor[kind].bytes for leak in stored if kind in leak.anchor)
            last = sum(total_bytes(leak.last, frozenset({kind})) for leak in stored)
            now = last + int(table.weight[row])
            is_far = now - pinned >= rule.min_change_bytes and now - pinned > STANDARD_ERRORS * float(table.error[row])
            found[row] = is_far and last - pinned < rule.min_change_bytes
        return found

    def _rows_of(self, side: int, row: int) -> tuple[int, ...]:
        """The rows of a side that a row of the comparison stands for, the heaviest first."""
        about = self._table.abouts[int(self._table.about[row])]
        several = about.after if side else about.before
        first = int(self._table.first[side][row])
        return several or ((first,) if first >= 0 else ())

    def _names_of(self, side: int, row: int) -> list[str]:
        return [self._names[side][index] for index in self._rows_of(side, row)]

    def groups(self) -> list[list[int]]:
        """Rows of the comparison that are of one leak, in their order."""
        numbers: dict[tuple[int, str], int] = {}
        pairs: list[tuple[int, int]] = []
        of_row: list[int] = []
        of_tie: dict[int, int] = {}
        ties = self._table.tie.tolist()
        for row in range(len(self._table)):
            nodes = [
                numbers.setdefault((side, name), len(numbers))
                for side in (BEFORE, AFTER)
                for name in self._names_of(side, row)
            ]
            of_row.append(nodes[0])
            pairs.extend((nodes[0], other) for other in nodes[1:])
            if ties[row] >= 0:
                pairs.append((of_tie.setdefault(ties[row], nodes[0]), nodes[0]))
        root = joined(len(numbers), pairs)
        found: defaultdict[int, list[int]] = defaultdict(list)
        for row, node in enumerate(of_row):
            found[root[node]].append(row)
        return list(found.values())

    def leak(self, rows: Sequence[int]) -> FoundLeak:
        """What the rows of one leak say together."""
        stored = dict.fromkeys(name for row in rows for name in self._names_of(BEFORE, row))
        after = [index for row in rows for index in self._rows_of(AFTER, row)]
        held = self._aligned.after.rows.column("retained_bytes")
        states = {int(self._state[row]) for row in rows}
        worse = [row for row in rows if self._state[row] in (_NEW, _GREW)]
        sums = [[self._sum(side, unit, rows) for unit in (0, 1)] for side in (BEFORE, AFTER)]
        is_larger = any(now > before for before, now in zip(*sums, strict=True))
        return FoundLeak(
            state=_together(states, has_before=bool(stored), has_after=bool(after)),
            stored=tuple(stored),
            rows=tuple(sorted(dict.fromkeys(after), key=lambda index: (-int(held[index]), index))),
            kinds={
                LeakKind(int(self._kinds[1][row])): State.NEW if self._state[row] == _NEW else State.GREW
                for row in worse
            },
            before_bytes=sums[BEFORE][0],
            before_blocks=sums[BEFORE][1],
            after_bytes=sums[AFTER][0],
            after_blocks=sums[AFTER][1],
            is_now_lost=bool(stored) and not is_larger and any(self._is_worse[row] for row in worse),
            evidence=self._tie_words(rows)
            or next((text for row in (*worse, *rows) if (text := self._evidence(row))), ""),
        )

    def _sum(self, side: int, unit: int, rows: Iterable[int]) -> int:
        column = self._amounts[side][unit]
        return sum(int(column[row]) for row in rows)

    def _tie_words(self, rows: Sequence[int]) -> str:
        if not (self._table.tie[rows] >= 0).any():
            return ""
        before, now = (
            sum(bool(self._amounts[side][0][row] or self._amounts[side][1][row]) for row in rows)
            for side in (BEFORE, AFTER)
        )
        return f"{plural(before, 'path')} before, {now:,} now, whose stacks do not tell them apart: judged by their sum"

    def _evidence(self, row: int) -> str:
        before, after = (LeakKind(int(column[row])) for column in self._kinds)
        if before is not after and self._table.first[0][row] >= 0:
            return f"was {before.title}, is now {after.title}"
        return self._table.abouts[int(self._table.about[row])].evidence


def _together(states: set[int], *, has_before: bool, has_after: bool) -> State | None:
    if has_before and has_after:
        if states & {_NEW, _GREW}:
            return State.GREW
        return State.KNOWN
    if has_after:
        return State.NEW if _NEW in states else None
    return State.FIXED if _FIXED in states else None
