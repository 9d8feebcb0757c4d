"""The fewest sets that cover enough of what there is: the question behind "which few calls explain the growth".

That is weighted partial set cover, which is NP-hard in general; what programs do is mostly small once equal sets and
equal elements are one. A branch and bound proves the smallest number within a bound on work, counted and not timed, so
that the same input gives the same answer everywhere. Past the bound the answer is the greedy one, and says so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from leakreport.model.columns import Int64Column

MOST_SETS = 16
"""A longer list explains nothing to anybody."""
WORK = 30_000_000
"""Entries looked at, some tenths of a second."""
_WORK_OF_A_STEP = 2_000


class Cover(NamedTuple):
    """Some sets, the best for their number."""

    chosen: tuple[int, ...]
    """Indexes of the sets, in the order of what they cover, the largest first."""
    covered: int
    """What they cover together."""
    is_enough: bool
    is_fewest: bool
    """Whether it is proven that no smaller number is enough."""


class Memberships(NamedTuple):
    """Which elements are in which sets: a pair per membership, each once.

    Shape: `set_` and `element` have an entry per membership; `amounts`, not negative, one per element; `costs` one per
    set, the cheapest is the one to show among sets that do the same.
    """

    set_: Int64Column
    element: Int64Column
    amounts: Int64Column
    costs: Int64Column


def fewest_sets(given: Memberships, least: int, *, work: int = WORK) -> Cover:
    """The smallest number of sets that cover at least so much; of all such choices the one with the lowest costs.

    Choices of equal costs: the one that covers more, then the one whose sets come first. Where even 16 sets are not
    enough, those that a greedy choice takes.
    """
    if not len(given.set_) or least <= 0:
        return Cover((), 0, is_enough=least <= 0, is_fewest=least <= 0)
    sets = _Sets.of(given)
    greedy = _greedy(sets, least)
    if sets.covered_by(greedy) < least:
        return _cover(sets, greedy, least, is_fewest=False)
    search = _Search(sets, work, sets.cheaper(greedy, least))
    count = sets.fewest_thinkable(least)
    try:
        while not search.is_found(count, least):
            count += 1
    except _OutOfWork:
        # Smaller numbers were looked through.
        return _cover(sets, search.best, least, is_fewest=count == len(search.best))
    return _cover(sets, search.best, least, is_fewest=True)


class _Sets(NamedTuple):
    """The same with equal elements and equal sets as one, sets in the order of their costs."""

    number: Int64Column
    """Per set the index under which it was given."""
    costs: Int64Column
    members: Int64Column
    starts: Int64Column
    """Where the members of each set start; no set is empty."""
    amounts: Int64Column

    @classmethod
    def of(cls, given: Memberships) -> _Sets:
        preferred = np.lexsort((np.arange(len(given.costs)), given.costs))
        rank = np.empty(len(preferred), dtype=np.int64)
        rank[preferred] = np.arange(len(preferred))
        elements, group = _equal_ones(given.element, rank[given.set_])
        amounts = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.int64)
        np.add.at(amounts, group, given.amounts[elements])
        group_of = np.full(len(given.amounts), -1, dtype=np.int64)
        group_of[elements] = group
        width = max(len(amounts), 1)
        # np.unique would hash first, which takes ten times as long.
        pairs = np.sort(rank[given.set_] * width + group_of[given.element])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        set_, element = pairs // width, pairs % width
        ranks, twin = _equal_ones(set_, element)
        kept = ranks[np.unique(twin, return_index=True)[1]]
        is_kept = np.isin(set_, kept)
        starts = np.flatnonzero(np.diff(set_[is_kept], prepend=-1))
        return cls(preferred[kept], given.costs[preferred[kept]], element[is_kept], starts, amounts)

    def gains(self, left: Int64Column) -> Int64Column:
        """Per set what it would cover of what is left."""
        found: Int64Column = np.add.reduceat(left[self.members], self.starts)
        return found

    def without(self, left: Int64Column, chosen: int) -> Int64Column:
        """What is left behind a set."""
        stop = self.starts[chosen + 1] if chosen + 1 < len(self.starts) else len(self.members)
        rest = left.copy()
        rest[self.members[self.starts[chosen] : stop]] = 0
        return rest

    def left_by(self, chosen: tuple[int, ...]) -> Int64Column:
        left = self.amounts
        for one in chosen:
            left = self.without(left, one)
        return left

    def covered_by(self, chosen: tuple[int, ...]) -> int:
        return int(self.amounts.sum() - self.left_by(chosen).sum())

    def cheaper(self, chosen: tuple[int, ...], least: int) -> tuple[int, ...]:
        """The same choice with each set replaced by the cheapest that is enough in its place, or by none."""
        for one in chosen:
            others = tuple(other for other in chosen if other != one)
            missing = least - self.covered_by(others)
            if missing <= 0:
                chosen = others
                continue
            fits = np.flatnonzero(self.gains(self.left_by(others)) >= missing)
            chosen = (*others, int(fits[0]))
        return chosen

    def fewest_thinkable(self, least: int) -> int:
        """No smaller number of sets is enough: even the largest, had they nothing in common, would not be."""
        missing = least
        for count, amount in enumerate(np.sort(self.gains(self.amounts))[::-1].tolist(), 1):
            missing -= amount
            if missing <= 0:
                return count
        return len(self.costs)


def _equal_ones(owner: Int64Column, item: Int64Column) -> tuple[Int64Column, Int64Column]:
    """The owners in order, and per owner the number of its group: those with the same items."""
    order = np.lexsort((item, owner))
    owner, item = owner[order], item[order]
    owners, starts = np.unique(owner, return_index=True)
    stops = [*starts[1:].tolist(), len(owner)]
    known: dict[bytes, int] = {}
    groups = [
        known.setdefault(item[start:stop].tobytes(), len(known))
        for start, stop in zip(starts.tolist(), stops, strict=True)
    ]
    return owners, np.asarray(groups, dtype=np.int64)


def _greedy(sets: _Sets, least: int) -> tuple[int, ...]:
    """The set with the most of what is left, again and again."""
    chosen: list[int] = []
    left, missing = sets.amounts, least
    while missing > 0 and len(chosen) < MOST_SETS:
        gains = sets.gains(left)
        best = int(np.argmax(gains))
        if not gains[best]:
            break
        chosen.append(best)
        missing -= int(gains[best])
        left = sets.without(left, best)
    return tuple(chosen)


def _cover(sets: _Sets, chosen: tuple[int, ...], least: int, *, is_fewest: bool) -> Cover:
    alone = sets.gains(sets.amounts)
    order = sorted(chosen, key=lambda one: (-int(alone[one]), one))
    covered = sets.covered_by(chosen)
    return Cover(tuple(int(sets.number[one]) for one in order), covered, covered >= least, is_fewest)


class _OutOfWork(Exception):
    """The bound is reached."""


class _Search:
    """Looks through choices of so many sets, the cheap ones first; leaves out what cannot be enough or is no better."""

    def __init__(self, sets: _Sets, work: int, best: tuple[int, ...]) -> None:
        self._sets = sets
        self._work = work
        self.best = best
        self._best_key = self._key(best)

    def _key(self, chosen: tuple[int, ...]) -> tuple[int, int, int, tuple[int, ...]]:
        cost = int(self._sets.costs[list(chosen)].sum())
        return len(chosen), cost, -self._sets.covered_by(chosen), tuple(sorted(chosen))

    def is_found(self, count: int, least: int) -> bool:
        """Whether `count` sets can be enough; then `best` is the best choice of so many.

        Raises:
            _OutOfWork: the bound on work is reached; `best` may still have become better.
        """
        self._look((), self._sets.amounts, least, count)
        return len(self.best) == count

    def _look(self, chosen: tuple[int, ...], left: Int64Column, missing: int, count: int) -> None:
        """Try what can follow `chosen`: `count` sets behind the last of it."""
        self._work -= len(self._sets.members) + _WORK_OF_A_STEP
        if self._work < 0:
            raise _OutOfWork
        gains, costs = self._sets.gains(left), self._sets.costs
        gains[: chosen[-1] + 1 if chosen else 0] = 0
        if count == 1:
            fits = np.flatnonzero(gains >= missing)
            if len(fits):
                same = fits[costs[fits] == costs[fits[0]]]
                self._offer((*chosen, int(same[np.argmax(gains[same])])))
            return
        most = sum(np.sort(gains)[::-1][: count - 1].tolist())
        cost = int(costs[list(chosen)].sum())
        for one in np.flatnonzero(gains >= max(missing - most, 1)).tolist():
            number, cheapest = len(chosen) + count, cost + int(costs[one]) * count
            # Sets behind this one cost as much or more.
            if (number, cheapest) > self._best_key[:2]:
                return
            self._look((*chosen, one), self._sets.without(left, one), missing - int(gains[one]), count - 1)

    def _offer(self, chosen: tuple[int, ...]) -> None:
        key = self._key(chosen)
        if key < self._best_key:
            self.best, self._best_key = chosen, key
