"""The rows of a comparison in columns: hundreds of thousands are judged and sorted at once, few are looked at.

Sums, noise rules and order need no row as an object; whoever asks for one gets it made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.diffreport import DiffRow, ModuleChange, NoiseRule, Presence, RunValues
from leakreport.analysis.matching import Matching
from leakreport.analysis.noise import are_significant
from leakreport.analysis.paths import PathTable
from leakreport.analysis.perwork import Work, rate_of
from leakreport.analysis.report import PathRow
from leakreport.analysis.stacks import Stacks
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column, exact_sum
from leakreport.model.metrics import LOST_KINDS, LeakKind
from leakreport.model.raw import small_path_count

UNKNOWN_MODULE = "(object not recorded)"
_ROWS_AT_ONCE = 1024
_Scalar = TypeVar("_Scalar", bound=np.generic)


class Half(NamedTuple):
    """One side."""

    rows: PathTable
    frame_index: Sequence[int]
    """Per frame of the run its index in the frames of both sides."""


class RunsOfRows(Protocol):
    """What every run holds of rows, made when it is looked at."""

    def of(self, unit: int, *, is_open: bool) -> RunValues:
        """The values of a number in `DiffTable.unit`."""


class About(NamedTuple):
    """What belongs together, and why; one for all rows of which there is nothing else to say."""

    matched_as: str | None
    confidence: str | None
    score: float | None
    evidence: str
    before: tuple[int, ...] = ()
    """Rows of the before side where there are several."""
    after: tuple[int, ...] = ()
    folded: int = 0
    """How many small paths it stands for, of which nobody knows which are which."""


@dataclass(frozen=True, slots=True, eq=False)
class DiffTable(Sequence[DiffRow]):
    """Rows of a comparison, one entry per row in each column."""

    halves: tuple[Half, Half]
    metrics: Sequence[str]
    """That both sides measure."""
    first: tuple[Int64Column, Int64Column]
    """Per side the row, of several the first; -1 where the path is on the other side only."""
    about: Int64Column
    abouts: Sequence[About]
    """What `about` means."""
    change: Mapping[str, Int64Column]
    """By metric after minus before."""
    weight: Int64Column
    """What a row is judged and sorted by: the change in retained bytes, or in what is measured instead."""
    error: Float64Column
    """The standard error of `weight`, 0 where both sides are exact."""
    is_significant: BoolColumn
    tie: Int64Column
    """One number for rows that could be each other, -1 for none."""
    is_open: BoolColumn
    """A change that would count, of which so few runs cannot tell whether it is chance."""
    unit: Int64Column
    """Which values of `runs` are of a row."""
    runs: RunsOfRows | None = None
    """Where the sides are repeats."""
    work: Work | None = None

    def __len__(self) -> int:
        return len(self.about)

    @overload
    def __getitem__(self, index: int) -> DiffRow: ...

    @overload
    def __getitem__(self, index: slice) -> DiffTable: ...

    def __getitem__(self, index: int | slice) -> DiffRow | DiffTable:
        if isinstance(index, slice):
            return self.taken(np.arange(*index.indices(len(self)), dtype=np.int64))
        place = range(len(self))[index]
        return self._made(place, place + 1)[0]

    def __iter__(self) -> Iterator[DiffRow]:
        for start in range(0, len(self), _ROWS_AT_ONCE):
            yield from self._made(start, min(start + _ROWS_AT_ONCE, len(self)))

    def with_texts(self, change: Callable[[Any], Any]) -> DiffTable:
        """The same rows with other texts: `change` gives what replaces the tables of the sides, and the evidence."""
        before, after = (half._replace(rows=change(half.rows)) for half in self.halves)
        return replace(self, halves=(before, after), abouts=change(self.abouts))

    def taken(self, indexes: Int64Column | BoolColumn) -> DiffTable:
        """Some of the rows, in the order of `indexes`, or those that a column of truth values says."""
        return replace(
            self,
            first=(self.first[0][indexes], self.first[1][indexes]),
            about=self.about[indexes],
            change={metric: column[indexes] for metric, column in self.change.items()},
            weight=self.weight[indexes],
            error=self.error[indexes],
            is_significant=self.is_significant[indexes],
            tie=self.tie[indexes],
            is_open=self.is_open[indexes],
            unit=self.unit[indexes],
        )

    def sorted(self) -> DiffTable:
        """Significant rows first, then open ones; what grew before what shrank, the largest change first."""
        kinds = self.kinds()[1]
        is_listed = self.is_significant | self.is_open
        keys = (kinds, self._ids(), -np.abs(self.weight), self.weight < 0, ~is_listed, ~self.is_significant)
        return self.taken(np.lexsort(keys))

    def kinds(self) -> tuple[Int64Column, Int64Column]:
        """The leak kinds before and after; the same where the path is on one side only."""
        kinds = [self.of_side(side, self.halves[side].rows.leak_kind) for side in (0, 1)]
        is_new, is_gone = self.first[0] < 0, self.first[1] < 0
        return np.where(is_new, kinds[1], kinds[0]), np.where(is_gone, kinds[0], kinds[1])

    def are(self, presence: Presence) -> BoolColumn:
        """Per row, whether it is there on these sides."""
        is_new, is_gone = self.first[0] < 0, self.first[1] < 0
        # Of small paths that were folded, nobody knows that they are on one side only.
        is_both = ~(is_new | is_gone) | self.is_folded
        return is_both if presence is Presence.BOTH else (is_new if presence is Presence.NEW else is_gone) & ~is_both

    @property
    def is_folded(self) -> BoolColumn:
        """Per row, whether it stands for small paths that a report had folded."""
        return np.fromiter((about.folded > 0 for about in self.abouts), np.bool_, len(self.abouts))[self.about]

    @property
    def is_shown_before(self) -> BoolColumn:
        """Per row, whether it is shown by its stack before: where there is none after, or only paths that may be folded."""
        found: BoolColumn = self.first[1] < 0
        for row in np.flatnonzero(self.is_folded & ~found & (self.first[0] >= 0)).tolist():
            found[row] = not self._is_small(1, int(self.first[1][row]))
        return found

    def _is_small(self, side: int, row: int) -> bool:
        """Whether a row of a side stands for small paths itself."""
        rows = self.halves[side].rows
        stack = rows.paths.stacks[int(rows.stack[row])]
        return bool(stack) and small_path_count(rows.frames[stack[-1]]) > 0

    def change_sums(self) -> dict[str, int]:
        """Per metric that any row has, the sum of the changes."""
        kinds = self.kinds()
        has = self.metrics_by_kinds(*kinds)
        found = {metric for metrics in has.values() for metric in metrics}
        return {metric: exact_sum(self.change[metric]) for metric in self.metrics if metric in found}

    def by_module(self, metric: str) -> tuple[ModuleChange, ...]:
        """Per allocating object the change of a metric, the largest first; rows without a change do not count."""
        if metric not in self.change:
            return ()
        numbers: dict[str, int] = {}
        modules = [self._modules(side, numbers) for side in (0, 1)]
        group = np.where(self.first[1] < 0, modules[0], modules[1])
        counts = np.bincount(group[self.change[metric] != 0], minlength=len(numbers)).tolist()
        held = [amounts_of(self, side, half.rows.column(metric)) for side, half in enumerate(self.halves)]
        groups = []
        for name, number in numbers.items():
            if counts[number]:
                before, after = (exact_sum(amounts[group == number]) for amounts in held)
                groups.append(ModuleChange(name, None, False, {metric: after - before}, counts[number], before, after))
        return tuple(sorted(groups, key=lambda found: (-abs(found.values[metric]), found.name)))

    def stacks(self) -> Stacks:
        """Per row its frames in the table of both sides, as `DiffRow.frames` has them."""
        sides = []
        for half, first in zip(self.halves, self.first, strict=True):
            stacks = half.rows.paths.stacks.taken(
                half.rows.stack[np.maximum(first, 0)] if len(half.rows) else first[:0]
            )
            index = np.asarray(half.frame_index, dtype=np.int32)
            sides.append(Stacks(index[stacks.flat] if len(index) else stacks.flat, stacks.offsets))
        both = Stacks(
            np.concatenate([side.flat for side in sides]),
            np.concatenate([sides[0].offsets, sides[1].offsets[1:] + sides[0].offsets[-1]]),
        )
        own = np.arange(len(self), dtype=np.int64)
        return both.taken(np.where(self.first[1] < 0, own, own + len(sides[0])))

    def _modules(self, side: int, numbers: dict[str, int]) -> Int64Column:
        rows = self.halves[side].rows
        frame = self.of_side(side, rows.frame_at(rows.paths.site))
        found, place = np.unique(np.where((self.first[side] < 0) | self.is_folded, -1, frame), return_inverse=True)
        names = [None if index < 0 else rows.frames[index].module_name for index in found.tolist()]
        of_frame = [numbers.setdefault(name or UNKNOWN_MODULE, len(numbers)) for name in names]
        return np.asarray(of_frame, dtype=np.int64)[place] if of_frame else place

    def _ids(self) -> Int64Column:
        """Per row a number in the order of ids."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        ids = [half.rows.paths.ids[half.rows.stack] for half in self.halves]
        shown = [self.of_side(side, found) for side, found in enumerate(ids)]
        _, order = np.unique(np.where(self.first[1] < 0, shown[0], shown[1]), return_inverse=True)
        return order.astype(np.int64)

    def of_side(self, side: int, column: NDArray[_Scalar]) -> NDArray[_Scalar]:
        """What a column of one side says per row; where the path is not there, some other entry."""
        return column[np.maximum(self.first[side], 0)] if len(column) else np.zeros(len(self), dtype=column.dtype)

    def metrics_by_kinds(self, before: Int64Column, after: Int64Column) -> dict[tuple[int, int], list[str]]:
        """Which metrics the rows of a pair of leak kinds have."""
        width = max(LeakKind) + 1
        found = {}
        for pair in np.unique(before * width + after).tolist():
            kinds = divmod(pair, width)
            known = {m for half, kind in zip(self.halves, kinds, strict=True) for m in _measured(half.rows, kind)}
            found[kinds] = [metric for metric in self.metrics if metric in known]
        return found

    def _made(self, start: int, stop: int) -> list[DiffRow]:
        """Rows as objects."""
        sides = []
        for half, first in zip(self.halves, self.first, strict=True):
            chosen = first[start:stop]
            wanted = {index for index in chosen.tolist() if index >= 0}
            for number in set(self.about[start:stop].tolist()):
                about = self.abouts[number]
                wanted.update(about.before if half is self.halves[0] else about.after)
            order = sorted(wanted)
            sides.append(dict(zip(order, half.rows.taken(np.asarray(order, dtype=np.int64)), strict=True)))
        found = []
        for index in range(start, stop):
            about = self.abouts[int(self.about[index])]
            ours = about.before or ((int(self.first[0][index]),) if self.first[0][index] >= 0 else ())
            theirs = about.after or ((int(self.first[1][index]),) if self.first[1][index] >= 0 else ())
            before, after = [sides[0][row] for row in ours], [sides[1][row] for row in theirs]
            found.append(self._row(index, about, before, after))
        return found

    def _row(self, index: int, about: About, before: Sequence[PathRow], after: Sequence[PathRow]) -> DiffRow:
        is_later = bool(after) and not (about.folded and before and not self._is_small(1, int(self.first[1][index])))
        shown, half = (after[0], self.halves[1]) if is_later else (before[0], self.halves[0])
        first_before = before[0] if before else shown
        values_before, values_after = _summed(before), _summed(after)
        known = [name for name in self.metrics if name in values_before or name in values_after]
        frames = tuple(half.frame_index[frame] for frame in shown.frames)
        is_both = bool(before and after) or about.folded > 0
        frames_before = (
            tuple(self.halves[0].frame_index[f] for f in first_before.frames) if before and after else frames
        )
        error = float(self.error[index])
        return DiffRow(
            id=shown.id,
            presence=Presence.BOTH if is_both else Presence.NEW if after else Presence.GONE,
            leak_kind=shown.leak_kind,
            leak_kind_before=first_before.leak_kind if before else shown.leak_kind,
            frames=frames,
            frames_before=frames_before if frames_before != frames and not about.folded else None,
            # Named by itself: that it goes through your code says little of what it is.
            responsible=None if about.folded else shown.responsible,
            named_by=None if about.folded else shown.named_by,
            site=shown.site,
            module=shown.module,
            owner=None if about.folded else shown.owner,
            before=values_before,
            after=values_after,
            change={name: values_after.get(name, 0) - values_before.get(name, 0) for name in known},
            is_significant=bool(self.is_significant[index]),
            matched_as=about.matched_as,
            confidence=about.confidence,
            score=about.score,
            evidence=about.evidence,
            id_before=first_before.id
            if before and after and first_before.id != shown.id and not about.folded
            else None,
            records_before=tuple(name for row in before for name in row.records),
            records_after=tuple(name for row in after for name in row.records),
            error=error or None,
            runs=None if self.runs is None else self.runs.of(int(self.unit[index]), is_open=bool(self.is_open[index])),
            folded=about.folded,
            rate=None if self.work is None else rate_of(values_before, values_after, self.work, is_estimate=error > 0),
        )


def _measured(rows: PathTable, kind: int) -> Sequence[str]:
    return rows.measured.get(LeakKind(kind), ())


def _summed(rows: Sequence[PathRow]) -> dict[str, int]:
    total: dict[str, int] = {}
    for row in rows:
        for metric, amount in row.values.items():
            total[metric] = total.get(metric, 0) + amount
    return total


@dataclass(slots=True)
class _Columns:
    """Rows as they are collected."""

    first: tuple[list[Int64Column], list[Int64Column]] = field(default_factory=lambda: ([], []))
    about: list[Int64Column] = field(default_factory=list)
    abouts: list[About] = field(default_factory=list)
    tie: list[Int64Column] = field(default_factory=list)

    def add(self, before: Int64Column, after: Int64Column, about: About, tie: int | None = None) -> None:
        """Rows of which the same is to be said."""
        for column, rows in zip(self.first, (before, after), strict=True):
            column.append(rows)
        self.about.append(np.full(len(before), len(self.abouts), dtype=np.int64))
        self.abouts.append(about)
        self.tie.append(np.full(len(before), -1 if tie is None else tie, dtype=np.int64))

    def add_one(self, before: Sequence[int], after: Sequence[int], about: About, tie: int | None = None) -> None:
        """One row."""
        several = about._replace(
            before=tuple(before) if len(before) > 1 else (), after=tuple(after) if len(after) > 1 else ()
        )
        self.add(_first(before), _first(after), several, tie)


def _heaviest_first(half: Half, rows: Sequence[int]) -> Sequence[int]:
    """What belongs together is shown as the row that holds most."""
    if len(rows) == 1:
        return rows
    held = half.rows.column("retained_bytes")
    return sorted(rows, key=lambda row: (-int(held[row]), row))


def _first(rows: Sequence[int]) -> Int64Column:
    return np.asarray([*rows, -1][:1], dtype=np.int64)


def diff_table(halves: tuple[Half, Half], found: Matching, metrics: Sequence[str], rule: NoiseRule) -> DiffTable:
    """All rows of both sides, each once, judged by the noise rule, in the order of reports.

    Args:
        halves: The sides.
        found: Which of their rows belong together.
        metrics: What both sides measure.
        rule: What counts as a change.
    """
    columns = _Columns()
    for unchanged in found.unchanged:
        match = next(unchanged.matches(), None)
        if match is not None:
            about = About(match.matched_as.value, match.confidence.value, match.score, match.evidence)
            columns.add(unchanged.before, unchanged.after, about)
    for one in found.matches:
        about = About(one.matched_as.value, one.confidence.value, one.score, one.evidence)
        before, after = (
            _heaviest_first(half, rows) for half, rows in zip(halves, (one.before, one.after), strict=True)
        )
        columns.add_one(before, after, about)
    for folded in found.folded:
        about = About(None, None, None, folded.evidence, folded=folded.path_count)
        columns.add_one(folded.before, folded.after, about)
    for side, lone in enumerate((found.gone, found.new)):
        for other in lone:
            about = About(None, None if other.tie is None else "undecided", None, other.evidence)
            rows: tuple[Sequence[int], Sequence[int]] = ((), (other.row,)) if side else ((other.row,), ())
            columns.add_one(*rows, about, other.tie)
    nothing = np.zeros(0, dtype=np.int64)
    table = DiffTable(
        halves=halves,
        metrics=metrics,
        first=(np.concatenate([nothing, *columns.first[0]]), np.concatenate([nothing, *columns.first[1]])),
        about=np.concatenate([nothing, *columns.about]),
        abouts=columns.abouts,
        change={},
        weight=nothing,
        error=np.zeros(0),
        is_significant=np.zeros(0, dtype=np.bool_),
        tie=np.concatenate([nothing, *columns.tie]),
        is_open=np.zeros(0, dtype=np.bool_),
        unit=nothing,
    )
    return _judged(_withamounts_of(table), rule).sorted()


def _withamounts_of(table: DiffTable) -> DiffTable:
    """The same with the changes, and what rows are judged by."""
    change: dict[str, Int64Column] = {}
    for metric in table.metrics:
        ours, theirs = (amounts_of(table, side, half.rows.column(metric)) for side, half in enumerate(table.halves))
        change[metric] = theirs - ours
    table = replace(table, change=change)
    weight, error = np.zeros(len(table), dtype=np.int64), np.zeros(len(table))
    before, after = table.kinds()
    for kinds, metrics in table.metrics_by_kinds(before, after).items():
        judged = _judged_by(metrics)
        if judged is not None:
            chosen = (before == kinds[0]) & (after == kinds[1])
            weight[chosen] = change[judged][chosen]
            variances = [_variance(table, side, judged) for side in (0, 1)]
            error[chosen] = np.sqrt(variances[0] + variances[1])[chosen]
    nothing = np.zeros(len(table), dtype=np.bool_)
    unit = np.arange(len(table), dtype=np.int64)
    return replace(table, weight=weight, error=error, is_significant=nothing, is_open=nothing, unit=unit)


def _judged_by(metrics: Sequence[str]) -> str | None:
    return "retained_bytes" if "retained_bytes" in metrics else next(iter(metrics), None)


def amounts_of(table: DiffTable, side: int, column: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Per row the sum of a column of one side over what belongs together."""
    found = np.where(table.first[side] < 0, 0, table.of_side(side, column))
    for index in np.flatnonzero(_is_several(table, side)[table.about]).tolist():
        about = table.abouts[int(table.about[index])]
        rows = about.after if side else about.before
        found[index] = column[list(rows)].sum()
    return found


def _is_several(table: DiffTable, side: int) -> BoolColumn:
    return np.fromiter(
        (bool(about.after if side else about.before) for about in table.abouts), np.bool_, len(table.abouts)
    )


def _variance(table: DiffTable, side: int, metric: str) -> Float64Column:
    rows = table.halves[side].rows
    errors = rows.errors.get(metric)
    if errors is None:
        return np.zeros(len(table))
    return amounts_of(table, side, (np.nan_to_num(errors) * rows.column(metric)) ** 2)


def _judged(table: DiffTable, rule: NoiseRule) -> DiffTable:
    """The same with what is significant."""
    before, after = table.kinds()
    blocks = np.zeros(len(table), dtype=np.int64)
    for kinds, metrics in table.metrics_by_kinds(before, after).items():
        counted = (_judged_by(metrics) or "").replace("bytes", "blocks")
        if counted in table.change:
            chosen = (before == kinds[0]) & (after == kinds[1])
            blocks[chosen] = table.change[counted][chosen]
    is_lost = _is_lost(before) | _is_lost(after)
    found = are_significant(rule, is_lost, before != after, table.weight, blocks, table.error)
    for number in np.unique(table.tie[table.tie >= 0]).tolist():
        # Rows that could be each other are judged by their sum: which of them changed is not known.
        rows = np.flatnonzero(table.tie == number)
        found[rows] = are_significant(
            rule,
            np.asarray([is_lost[rows].any()]),
            np.zeros(1, dtype=np.bool_),
            table.weight[rows].sum(keepdims=True),
            blocks[rows].sum(keepdims=True),
            np.zeros(1),
        )
    return replace(table, is_significant=found)


def _is_lost(kinds: Int64Column) -> BoolColumn:
    found: BoolColumn = np.isin(kinds, sorted(LOST_KINDS))
    return found
