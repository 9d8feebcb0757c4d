"""Paths as the matching sees them: equal paths are one site, and all sites of a side are one table.

A site is the unit of matching: all rows of one run whose chain is equal in every known part. Leak kinds are no part of
it: the head and the tail of a list differ in kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, overload

import numpy as np

from leakreport.analysis.chains import Chains, chains_of
from leakreport.analysis.points import Leaf, Point, point_of
from leakreport.analysis.report import Report
from leakreport.analysis.stacks import Stacks
from leakreport.model.columns import BoolColumn, Int32Column, Int64Column, sums_at
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame

_LINES_NEEDED = 0.4
"""Below this share of own frames with a line, on either side, addresses are the positions."""
_MOST_LEAVES = 6


class Side(NamedTuple):
    """One row of a report, as far as matching needs it."""

    leak_kind: LeakKind
    frames: tuple[int, ...]
    """Indexes into `Paths.frames`, outermost first."""
    family: str
    """What was called to allocate: `malloc`, `new[]` …"""
    bytes: int = 0
    blocks: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """One side of a comparison, in columns."""

    frames: Sequence[Frame]
    own: BoolColumn
    """Per frame, whether it is yours."""
    stacks: Stacks
    """Outermost first; rows of several leak kinds may share one."""
    families: Sequence[str]
    """Per stack what was called to allocate."""
    stack: Int64Column
    """Per row its stack."""
    leak_kind: Int64Column
    bytes: Int64Column
    blocks: Int64Column

    def __len__(self) -> int:
        return len(self.stack)

    @classmethod
    def of_rows(cls, frames: Sequence[Frame], own: Sequence[bool], rows: Sequence[Side]) -> Paths:
        """Rows that are given one by one."""
        count = len(rows)
        return cls(
            frames=frames,
            own=np.asarray(own, dtype=np.bool_),
            stacks=Stacks.of([row.frames for row in rows]),
            families=[row.family for row in rows],
            stack=np.arange(count, dtype=np.int64),
            leak_kind=np.fromiter((row.leak_kind for row in rows), np.int64, count),
            bytes=np.fromiter((row.bytes for row in rows), np.int64, count),
            blocks=np.fromiter((row.blocks for row in rows), np.int64, count),
        )

    @classmethod
    def of(cls, report: Report) -> Paths:
        """The paths of a report, in its order."""
        rows = [
            Side(
                leak_kind=row.leak_kind,
                frames=row.frames,
                family=row.family,
                bytes=row.values.get("retained_bytes", 0),
                blocks=row.values.get("retained_blocks", 0),
            )
            for row in report.paths
        ]
        return cls.of_rows(report.frames, report.own, rows)

    def taken(self, rows: Int64Column) -> Paths:
        """Some of the rows, with the stacks they are on."""
        chosen, place = np.unique(self.stack[rows], return_inverse=True)
        return Paths(
            frames=self.frames,
            own=self.own,
            stacks=self.stacks.taken(chosen),
            families=[self.families[stack] for stack in chosen.tolist()],
            stack=place,
            leak_kind=self.leak_kind[rows],
            bytes=self.bytes[rows],
            blocks=self.blocks[rows],
        )

    def row(self, index: int) -> Side:
        """One row."""
        stack = int(self.stack[index])
        return Side(
            leak_kind=LeakKind(int(self.leak_kind[index])),
            frames=tuple(self.stacks[stack]),
            family=self.families[stack],
            bytes=int(self.bytes[index]),
            blocks=int(self.blocks[index]),
        )


@dataclass(slots=True, eq=False)
class Site:
    """Rows of one side with one chain."""

    number: int
    """Its place in the table."""
    chain: tuple[int, ...]
    """Point numbers, innermost first, recursion folded."""
    leaves: tuple[Leaf, ...]
    rows: list[int]
    kinds: frozenset[LeakKind]
    has_own: bool
    bytes: int
    blocks: int


@cache
def _kinds_of(bits: int) -> frozenset[LeakKind]:
    return frozenset(kind for kind in LeakKind if bits >> kind & 1)


@dataclass(slots=True, eq=False)
class SiteTable(Sequence[Site]):
    """All sites of one side, in the order of their content."""

    chains: Stacks
    """Per site its point numbers, innermost first."""
    has_own: BoolColumn
    bytes: Int64Column
    blocks: Int64Column
    kinds: Int64Column
    """Per site the bits of the leak kinds of its rows."""
    leaf: Int64Column
    """Per site a number for what its rows do below your code; equal numbers are equal."""
    leaves: Sequence[tuple[Leaf, ...]]
    """What `leaf` means."""
    rows: Stacks
    """Per site its rows."""
    made: dict[int, Site]
    """Those that were asked for: one object per site."""

    def __len__(self) -> int:
        return len(self.has_own)

    @overload
    def __getitem__(self, index: int) -> Site: ...

    @overload
    def __getitem__(self, index: slice) -> list[Site]: ...

    def __getitem__(self, index: int | slice) -> Site | list[Site]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        found = self.made.get(number)
        if found is None:
            found = self.made[number] = Site(
                number=number,
                chain=tuple(self.chains[number]),
                leaves=self.leaves[int(self.leaf[number])],
                rows=self.rows[number],
                kinds=_kinds_of(int(self.kinds[number])),
                has_own=bool(self.has_own[number]),
                bytes=int(self.bytes[number]),
                blocks=int(self.blocks[number]),
            )
        return found

    def __iter__(self) -> Iterator[Site]:
        return map(self.__getitem__, range(len(self)))

    def first_rows(self, sites: Int64Column) -> Int64Column:
        """The first row of some sites."""
        return self.rows.flat[self.rows.offsets[sites]].astype(np.int64)

    def touching(self, is_wanted: BoolColumn) -> list[int]:
        """The sites with any of some points; one truth value per point."""
        found: list[int] = np.flatnonzero(self.chains.count(is_wanted[self.chains.flat])).tolist()
        return found

    def edges(self, key_of_point: Int32Column) -> Iterable[tuple[int, int]]:
        """Each pair of a caller and the key of what it calls, once; keys are numbers from -1 on, one per point."""
        flat, owner = self.chains.flat.astype(np.int64), self.chains.owner
        width = int(key_of_point.max(initial=0)) + 2
        pairs = np.sort((flat[1:] * width + key_of_point[flat[:-1]] + 1)[owner[1:] == owner[:-1]])
        is_first = np.ones(len(pairs), dtype=np.bool_)
        is_first[1:] = pairs[1:] != pairs[:-1]
        pairs = pairs[is_first]
        return zip((pairs // width).tolist(), (pairs % width - 1).tolist(), strict=True)

    def ends(self) -> Iterable[tuple[int, tuple[Leaf, ...]]]:
        """Each pair of an innermost point and what is below it, once."""
        chosen = np.flatnonzero(self.chains.lengths)
        width = len(self.leaves) + 1
        inner = self.chains.flat[self.chains.offsets[chosen]].astype(np.int64)
        pairs = np.unique(inner * width + self.leaf[chosen]).tolist()
        return ((pair // width, self.leaves[pair % width]) for pair in pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """Both sides, ready to be matched."""

    points: Sequence[Point]
    """Of both sides, in an order that does not depend on which is which."""
    before: SiteTable
    after: SiteTable
    by_address: bool

    def swapped(self) -> Subject:
        """The same with before and after changed about."""
        return Subject(self.points, self.after, self.before, self.by_address)


class Ordered(NamedTuple):
    """A subject, and which side comes first by its content."""

    subject: Subject
    order: int
    """-1 where the before side is first, 0 where both are equal, 1 where the after side is."""


def subject_of(before: Paths, after: Paths) -> Ordered:
    """The sites of both sides."""
    by_address = is_by_address(before, after)
    sides = (before, after)
    both = [[point_of(frame, by_address=by_address) for frame in side.frames] for side in sides]
    points = sorted({point for side in both for point in side}, key=repr)
    number = {point: index for index, point in enumerate(points)}
    numbers = [np.fromiter((number[point] for point in found), np.int32, len(found)) for found in both]
    chains = [_chains(side, points, found, by_address=by_address) for side, found in zip(sides, numbers, strict=True)]
    rank = {leaf: index for index, leaf in enumerate(sorted({leaf for found in chains for leaf in set(found.leaves)}))}
    is_vague = np.fromiter((by_address or point.position is None for point in points), np.bool_, len(points))
    ours, theirs = (
        _sites(side, found, is_vague, rank, by_address=by_address) for side, found in zip(sides, chains, strict=True)
    )
    subject = Subject(points, ours[0], theirs[0], by_address)
    return Ordered(subject, (ours[1] > theirs[1]) - (ours[1] < theirs[1]))


def _chains(side: Paths, points: Sequence[Point], numbers: Int32Column, *, by_address: bool) -> Chains:
    return chains_of(side.frames, side.own, side.stacks, side.families, points, numbers, by_address=by_address)


def is_by_address(before: Paths, after: Paths) -> bool:
    """Whether addresses are the positions, as lines are too rare on a side."""
    return min(_share_with_lines(before), _share_with_lines(after)) < _LINES_NEEDED


def _share_with_lines(side: Paths) -> float:
    counts = np.bincount(side.stacks.flat, minlength=len(side.frames))
    has_line = np.fromiter((frame.line is not None for frame in side.frames), np.bool_, len(side.frames))
    return int(counts[side.own & has_line].sum()) / max(1, int(counts[side.own].sum()))


_Content = tuple[bytes, tuple[int, ...], bool, int, int, int]
"""What a site is, apart from its place in the input: sorts and compares."""


def _sites(
    side: Paths, chains: Chains, is_vague: BoolColumn, rank: dict[Leaf, int], *, by_address: bool
) -> tuple[SiteTable, list[_Content]]:
    site_of_stack, leaf_ranks = _equal_chains(chains, is_vague, rank, by_address=by_address)
    site = site_of_stack[side.stack]
    used, site = np.unique(site, return_inverse=True)
    count = len(used)
    first_stack = np.full(count, -1, dtype=np.int64)
    first_stack[site[::-1]] = side.stack[::-1]
    held, blocks = (sums_at(site, column, count, "all paths") for column in (side.bytes, side.blocks))
    kinds = np.zeros(count, dtype=np.int64)
    np.bitwise_or.at(kinds, site, np.int64(1) << side.leak_kind)
    texts, ends = chains.points.flat.astype(">u4").tobytes(), (chains.points.offsets * 4).tolist()
    contents: list[_Content] = [
        (texts[ends[stack] : ends[stack + 1]], leaf_ranks[number], has_own, amount, number_of_blocks, bits)
        for number, stack, has_own, amount, number_of_blocks, bits in zip(
            used.tolist(),
            first_stack.tolist(),
            chains.has_own[first_stack].tolist(),
            held.tolist(),
            blocks.tolist(),
            kinds.tolist(),
            strict=True,
        )
    ]
    order = np.asarray(sorted(range(count), key=contents.__getitem__), dtype=np.int64)
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    rows = np.argsort(place[site], kind="stable")
    offsets = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(place[site], minlength=count), out=offsets[1:])
    leaf, leaves = _numbered([leaf_ranks[number] for number in used[order].tolist()], list(rank))
    table = SiteTable(
        chains=chains.points.taken(first_stack[order]),
        has_own=chains.has_own[first_stack[order]],
        bytes=held[order],
        blocks=blocks[order],
        kinds=kinds[order],
        leaf=leaf,
        leaves=leaves,
        rows=Stacks(rows.astype(np.int32), offsets),
        made={},
    )
    return table, [contents[number] for number in order.tolist()]


def _equal_chains(
    chains: Chains, is_vague: BoolColumn, rank: dict[Leaf, int], *, by_address: bool
) -> tuple[Int64Column, list[tuple[int, ...]]]:
    """Per stack its site, and per site the ranks of its leaves."""
    texts, ends = chains.points.flat.tobytes(), (chains.points.offsets * chains.points.flat.itemsize).tolist()
    lengths = chains.points.lengths
    # Where lines do not tell neighbours apart, what they call does.
    vague = ~chains.has_own | (lengths == 0)
    chosen = np.flatnonzero(lengths)
    vague[chosen] |= is_vague[chains.points.flat[chains.points.offsets[chosen]]]
    ranks = [rank[leaf] for leaf in chains.leaves]
    known: dict[tuple[bytes, int, bool], int] = {}
    found: list[int] = []
    others: defaultdict[int, set[int]] = defaultdict(set)
    site = []
    for index, (leaf, has_own, tells_leaf) in enumerate(
        zip(ranks, chains.has_own.tolist(), (vague | by_address).tolist(), strict=True)
    ):
        key = (texts[ends[index] : ends[index + 1]], leaf if tells_leaf else -1, has_own)
        number = known.setdefault(key, len(known))
        if number == len(found):
            found.append(leaf)
        elif leaf != found[number]:
            others[number].add(leaf)
        site.append(number)
    all_leaves: list[tuple[int, ...]] = [(leaf,) for leaf in found]
    for number, more in others.items():
        all_leaves[number] = tuple(sorted((found[number], *more))[:_MOST_LEAVES])
    return np.asarray(site, dtype=np.int64), all_leaves


def _numbered(
    leaf_ranks: Sequence[tuple[int, ...]], leaves: Sequence[Leaf]
) -> tuple[Int64Column, list[tuple[Leaf, ...]]]:
    known: dict[tuple[int, ...], int] = {}
    numbers = np.fromiter((known.setdefault(ranks, len(known)) for ranks in leaf_ranks), np.int64, len(leaf_ranks))
    return numbers, [tuple(leaves[rank] for rank in ranks) for ranks in known]


Amounts = tuple[int, int]
"""Bytes and blocks."""


def amounts(sites: Iterable[Site]) -> Amounts:
    """Bytes and blocks together."""
    found = list(sites)
    return sum(site.bytes for site in found), sum(site.blocks for site in found)
