"""Comparing with a report that folded its small paths: what they are is not known, what they hold in sum is.

A folded row has no partner by its name. Paths of the other side that lie below the place where it was folded, that
nothing matched and that are small enough, may be among what was folded: they are compared with it as one sum, so
that none of them is called new or gone for having been folded. A path that holds more than any that was folded is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from leakreport.analysis.explaining import EQUAL_CODE, Unchanged
from leakreport.analysis.matching import Folded, Matching, match
from leakreport.analysis.paths import PathTable
from leakreport.analysis.sites import Paths
from leakreport.analysis.tokens import BY_NAME, Told
from leakreport.analysis.unions import Unions
from leakreport.model.columns import BoolColumn, Int64Column, exact_sum, freeze
from leakreport.model.raw import Note, small_path_count
from leakreport.model.snapshot import Run, Snapshot
from leakreport.units import format_bytes, format_count

_EVIDENCE = "small paths that a report folded, and what may be among them: which are which is not known"

_SAME_BUILD = 0.95
"""From this share of equal stacks on, of the side that has fewer, both sides are one build."""
Place = tuple[tuple[object, ...], int]
"""What the frames above what was folded are known by, and the leak kind."""


class Foldable(NamedTuple):
    """One side."""

    rows: PathTable
    paths: Paths
    keys: Sequence[str]
    """Per frame of the run its canonical name."""
    places: Sequence[object]
    """Per frame of the run what it is without its folders, which a report may have shortened."""
    largest_bytes: int | None
    """No folded path of this side retains more; None where that is not known."""


def folded_counts(rows: PathTable) -> Int64Column:
    """Per row how many paths it stands for, 0 for a path of its own."""
    counts = np.fromiter((small_path_count(frame) for frame in rows.frames), np.int64, len(rows.frames))
    stacks = rows.paths.stacks
    of_stack = np.zeros(len(stacks), dtype=np.int64)
    filled = np.flatnonzero(stacks.lengths)
    if counts.any():
        of_stack[filled] = counts[stacks.flat[stacks.offsets[filled + 1] - 1]]
    return of_stack[rows.stack]


def folded_bytes(before: PathTable, after: PathTable) -> tuple[int, int] | None:
    """What the folded rows of both sides retain; None where neither has any."""
    found = [(folded_counts(rows) > 0) for rows in (before, after)]
    if not any(is_folded.any() for is_folded in found):
        return None
    first, second = (
        exact_sum(rows.column("retained_bytes")[is_folded])
        for rows, is_folded in zip((before, after), found, strict=True)
    )
    return first, second


def folded_notes(before: PathTable, after: PathTable) -> list[Note]:
    """That a side is a report with folded paths, and how much they hold."""
    amounts = folded_bytes(before, after)
    if amounts is None:
        return []
    counts = [format_count(int(folded_counts(rows).sum())) for rows in (before, after)]
    return [
        Note(
            "folded-paths",
            f"Folded in reports are {counts[0]} small paths with {format_bytes(amounts[0])} before, {counts[1]} with "
            f"{format_bytes(amounts[1])} after: these are compared in sums, by the place where they were folded.",
        )
    ]


def matched_beside_folded(before: Foldable, after: Foldable, told: Told = BY_NAME) -> Matching:
    """The matching of all rows; folded ones only in sums. `told` says how evidence calls names."""
    sides = (before, after)
    counts = [folded_counts(side.rows) for side in sides]
    if not any(column.any() for column in counts):
        return match(before.paths, after.paths, told)
    others = [np.flatnonzero(column == 0) for column in counts]
    equal = _equal_stacks(sides, others)
    others = [np.setdiff1d(rows, taken) for rows, taken in zip(others, equal, strict=True)]
    ours, theirs = before.paths.taken(others[0]), after.paths.taken(others[1])
    found = match(ours, theirs, told).renumbered(others[0], others[1])
    is_one_build = len(equal[0]) > 0
    if is_one_build:
        found = found._replace(unchanged=[*found.unchanged, Unchanged(*equal, EQUAL_CODE)])
    folds = _Folds(sides, counts, is_one_build=is_one_build)
    for number, lone in enumerate((found.gone, found.new)):
        folds.absorb(number, [one.row for one in lone])
    return found._replace(
        gone=[one for one in found.gone if one.row not in folds.absorbed[0]],
        new=[one for one in found.new if one.row not in folds.absorbed[1]],
        folded=[
            Folded(tuple(ours), tuple(theirs), max(_count(counts[0], ours), _count(counts[1], theirs)), _EVIDENCE)
            for ours, theirs in folds.groups()
        ],
    )


def _equal_stacks(sides: Sequence[Foldable], rows: Sequence[Int64Column]) -> tuple[Int64Column, Int64Column]:
    """Rows of both sides whose frames are equal in all that is known, where both sides are of one build.

    Without the paths that were folded, those of one recursion could no longer be told apart by their number.
    """
    found: list[dict[tuple[object, ...], int]] = []
    for side, chosen in zip(sides, rows, strict=True):
        stacks, places = side.rows.paths.stacks, side.places
        kinds, stack = side.rows.leak_kind.tolist(), side.rows.stack.tolist()
        found.append({(kinds[row], *(places[f] for f in stacks[stack[row]])): row for row in chosen.tolist()})
    shared = [(row, found[1][key]) for key, row in found[0].items() if key in found[1]]
    if len(shared) < _SAME_BUILD * min(map(len, rows)):
        shared = []
    pairs = np.asarray(shared, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _count(counts: Int64Column, rows: Sequence[int]) -> int:
    return int(np.maximum(counts[list(rows)], 1).sum()) if rows else 0


class _Folds:
    """The folded rows of both sides, and what may be among them.

    In one build a place is where it is. In two, places are known by names only, and one name stands for several: then all
    places below each other are one.
    """

    def __init__(self, sides: Sequence[Foldable], counts: Sequence[Int64Column], *, is_one_build: bool) -> None:
        self._sides = sides
        self._is_one_build = is_one_build
        self._rows: tuple[defaultdict[Place, list[int]], ...] = (defaultdict(list), defaultdict(list))
        self.absorbed: tuple[set[int], set[int]] = (set(), set())
        for number, column in enumerate(counts):
            for row in np.flatnonzero(column).tolist():
                place = self._stack(number, row)[:-1], int(sides[number].rows.leak_kind[row])
                self._rows[number][place].append(row)
        self._number = {place: index for index, place in enumerate(dict.fromkeys([*self._rows[0], *self._rows[1]]))}
        self._unions = Unions(len(self._number))
        for number, rows in enumerate(self._rows):
            for stack, kind in rows:
                for other in (1 - number,) if is_one_build else (0, 1):
                    self._join((stack, kind), self._above(other, stack[: len(stack) - (other == number)], kind))
        self._members: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        by_length = sorted(self._number, key=lambda place: (len(place[0]), self._number[place]))
        for number, rows in enumerate(self._rows):
            for place in by_length:
                # The outermost first: a sum is named by it.
                self._members[self._group(place)][number].extend(rows.get(place, ()))

    def _stack(self, number: int, row: int) -> tuple[object, ...]:
        side = self._sides[number]
        names: Sequence[object] = side.places if self._is_one_build else side.keys
        return tuple(names[frame] for frame in side.rows.paths.stacks[int(side.rows.stack[row])])

    def _above(self, number: int, stack: tuple[object, ...], kind: int) -> Place | None:
        """The innermost place of a side on the way to a stack."""
        rows = self._rows[number]
        return next((place for end in range(len(stack), -1, -1) if (place := (stack[:end], kind)) in rows), None)

    def _join(self, one: Place, other: Place | None) -> None:
        if other is not None:
            self._unions.join(self._number[one], self._number[other])

    def _group(self, place: Place) -> int:
        return self._unions.of(self._number[place])

    def absorb(self, number: int, lone: Sequence[int]) -> None:
        """Take those rows of a side without a partner that may be among what the other side folded."""
        side, other = self._sides[number], self._sides[1 - number]
        if not self._rows[1 - number]:
            return
        held = other.rows.column("retained_bytes")
        most = {group: exact_sum(held[rows[1 - number]]) for group, rows in self._members.items()}
        if other.largest_bytes is not None:
            most = {group: min(amount, other.largest_bytes) for group, amount in most.items()}
        amounts, kinds = side.rows.column("retained_bytes"), side.rows.leak_kind
        for row in lone:
            place = self._above(1 - number, self._stack(number, row), int(kinds[row]))
            if place is not None and amounts[row] <= most[group := self._group(place)]:
                self._members[group][number].append(row)
                self.absorbed[number].add(row)

    def groups(self) -> Iterator[tuple[list[int], list[int]]]:
        """Rows before and after that are compared in one sum."""
        for group in sorted(self._members):
            yield self._members[group]


def without_folded(run: Run) -> tuple[Run, Note | None]:
    """The run without folded rows, whose bytes are then on no path, and a note that says so where there were any.

    A series of sums that were folded anew for each report says nothing about any path.
    """
    is_small = np.fromiter((small_path_count(frame) > 0 for frame in run.frames), np.bool_, len(run.frames))
    if not is_small.any():
        return run, None
    nodes = np.concatenate([np.zeros(1, dtype=np.bool_), is_small[run.tree.frame[1:]]])
    last = run.snapshots[-1].columns.get("retained_bytes")
    amount = 0 if last is None else exact_sum(last[nodes])
    note = Note(
        "folded-paths",
        f"Small paths that reports folded ({format_bytes(amount)} in the last input) are no series: they count in the "
        "totals only. Recordings or JSON reports have them all.",
    )
    return Run(run.frames, run.tree, tuple(_without(snapshot, nodes) for snapshot in run.snapshots)), note


def _without(snapshot: Snapshot, nodes: BoolColumn) -> Snapshot:
    records = snapshot.records
    if records is None:
        return snapshot
    is_kept = ~nodes[records.node]
    names = records.names
    kept = np.flatnonzero(is_kept)
    return Snapshot(
        meta=snapshot.meta,
        totals=snapshot.totals,
        columns={metric: freeze(np.where(nodes, 0, column)) for metric, column in snapshot.columns.items()},
        variances={metric: freeze(np.where(nodes, 0.0, column)) for metric, column in snapshot.variances.items()},
        records=type(records)(
            node=freeze(records.node[is_kept]),
            leak_kind=freeze(records.leak_kind[is_kept]),
            values={metric: freeze(column[is_kept]) for metric, column in records.values.items()},
            names=None if names is None else [names[index] for index in kept.tolist()],
        ),
        problems=snapshot.problems,
    )
