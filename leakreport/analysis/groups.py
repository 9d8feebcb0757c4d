"""What the matching decides: which sites of the one side are which of the other, and by what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from leakreport.analysis.sites import Site, Subject
from leakreport.analysis.stacks import Stacks
from leakreport.model.columns import BoolColumn, Int64Column


class Decision(StrEnum):
    """What paired a group."""

    CODE = "code"
    """The machine code did not change, and the addresses are equal."""
    MAPPED = "mapped"
    """Equal names, and every call is the mapped one."""
    SIMILAR = "similar"
    """Best for each other, with a lead over all others."""
    TWINS = "twins"
    """Alike as others are; equal amounts told them apart."""
    ORDER = "order"
    """Alike in stacks and amounts; as many on each side, so which is which changes no number: paired in their order."""
    SUMS = "sums"
    """Several records that are one on the other side: exactly the same bytes and blocks."""
    COUNTS = "counts"
    """The same, but the blocks became larger or smaller: as many blocks."""
    REGROUPED = "regrouped"
    """Records of one allocation site, other callers, the same bytes and blocks together."""

    NAMELESS = "nameless"
    """Frames of one side have no names; what names there are agree, and no other open site has these amounts."""


BY_AMOUNTS = frozenset(Decision) - {Decision.CODE, Decision.MAPPED, Decision.SIMILAR}


@dataclass(slots=True, eq=False)
class Group:
    """Sites that are one leak."""

    before: list[Site]
    after: list[Site]
    decision: Decision
    score: float
    lead: float = 1.0
    """How much more alike than the next best."""
    aligned: tuple[tuple[int, int], ...] = ()
    """Points of the first sites that stand for each other, innermost first; empty where all do, in order."""
    tie: int | None = None
    """One number for all one-sided groups that could be each other and that nothing tells apart."""

    def mirrored(self) -> Group:
        """The same with sides swapped."""
        aligned = tuple((other, one) for one, other in self.aligned)
        return replace(self, before=self.after, after=self.before, aligned=aligned)


@dataclass(frozen=True, slots=True, eq=False)
class SitePairs:
    """Many groups of one site on each side that one decision made, in columns: most paths of two runs."""

    before: Int64Column
    """Numbers of sites, each at most once."""
    after: Int64Column
    decision: Decision

    def __len__(self) -> int:
        return len(self.before)

    def taken(self, chosen: BoolColumn) -> SitePairs:
        """Some of them."""
        return SitePairs(self.before[chosen], self.after[chosen], self.decision)

    def mirrored(self) -> SitePairs:
        """The same with sides swapped."""
        return SitePairs(self.after, self.before, self.decision)

    def group(self, index: int, subject: Subject) -> Group:
        """One of them as a group of its own."""
        one, other = subject.before[int(self.before[index])], subject.after[int(self.after[index])]
        return Group([one], [other], self.decision, 1.0)

    def have_equal_chains(self, subject: Subject) -> BoolColumn:
        """Whether both sites have the same points."""
        ours, theirs = subject.before.chains, subject.after.chains
        return equal_stacks(ours, self.before, theirs, self.after)


def equal_stacks(ours: Stacks, before: Int64Column, theirs: Stacks, after: Int64Column) -> BoolColumn:
    """Per pair of stacks, whether their entries are equal."""
    is_equal: BoolColumn = ours.lengths[before] == theirs.lengths[after]
    chosen = np.flatnonzero(is_equal)
    mine = ours.taken(before[chosen])
    differs = mine.flat != theirs.taken(after[chosen]).flat
    is_equal[chosen[np.unique(mine.owner[differs])]] = False
    return is_equal


End = tuple[int, int]
"""0 for the before side or 1 for the after side, and an index there."""


def connected(pairs: Iterable[tuple[int, int]]) -> list[list[End]]:
    """Indexes of both sides that pairs connect, directly or through others; all in order.

    >>> connected([(1, 5), (2, 5), (7, 8)])
    [[(0, 1), (0, 2), (1, 5)], [(0, 7), (1, 8)]]
    """
    neighbours: defaultdict[End, set[End]] = defaultdict(set)
    for before, after in pairs:
        neighbours[0, before].add((1, after))
        neighbours[1, after].add((0, before))
    found = []
    seen: set[End] = set()
    for start in sorted(neighbours):
        if start in seen:
            continue
        seen.add(start)
        members = [start]
        # The list grows while it is walked.
        for member in members:
            members.extend(fresh := neighbours[member] - seen)
            seen |= fresh
        found.append(sorted(members))
    return found
