"""Amounts, last and only to settle what stacks leave open: twins, and records that a compiler or tool split or joined.

A sum never decides against names: only sites that are alike enough already are looked at, and only equality counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from leakreport.analysis.acceptance import LEAST_LEAD, LEAST_SCORE, Scores
from leakreport.analysis.groups import Decision, Group, SitePairs
from leakreport.analysis.nameless import nameless_pairs
from leakreport.analysis.sites import Amounts, Subject, amounts

_MOST_PARTS = 12
"""Records that one may have been split into."""
_MOST_SUBSETS = 200_000
"""Sums that are tried, all together."""


class _Measure(NamedTuple):
    """What must agree for records to be one."""

    decision: Decision
    of: Callable[[Amounts], tuple[int, ...]]
    may_choose: bool
    """Whether some of the records that could belong together will do: small numbers add up by chance."""


_MEASURES = (
    _Measure(Decision.SUMS, lambda amount: amount, may_choose=True),
    # Where a leak was split and its blocks became larger as well, the number of blocks is still the same.
    _Measure(Decision.COUNTS, lambda amount: amount[1:], may_choose=False),
)

Sites = set[int]
"""Indexes into the sites of one side."""


class Open:
    """What no stack decided yet, with the scores there are."""

    def __init__(self, subject: Subject, scores: Scores, before: Iterable[int], after: Iterable[int]) -> None:
        """Scores may be of pairs that are decided, too."""
        self.subject = subject
        self.sites = (subject.before, subject.after)
        self.free: tuple[Sites, Sites] = (set(before), set(after))
        self._scores: tuple[defaultdict[int, dict[int, float]], defaultdict[int, dict[int, float]]] = (
            defaultdict(dict),
            defaultdict(dict),
        )
        for (one, other), score in scores.items():
            self._scores[0][one][other] = score
            self._scores[1][other][one] = score

    def rivals(self, side: int, index: int) -> dict[int, float]:
        """The free sites of the other side that a site was compared with."""
        free = self.free[1 - side]
        return {other: score for other, score in self._scores[side][index].items() if other in free}

    def alike(self, side: int, index: int) -> dict[int, float]:
        """All sites of the other side that are alike enough, decided or not."""
        return {other: score for other, score in self._scores[side][index].items() if score >= LEAST_SCORE}

    def amount(self, side: int, index: int) -> tuple[int, int]:
        """Bytes and blocks of a site."""
        site = self.sites[side][index]
        return site.bytes, site.blocks

    def in_order(self, side: int, indexes: Iterable[int]) -> list[int]:
        """Some sites by where their calls stand, from the outermost to the innermost."""

        def place(index: int) -> list[int]:
            return [self.subject.points[number].position or 0 for number in reversed(self.sites[side][index].chain)]

        return sorted(indexes, key=lambda index: (place(index), index))

    def group(self, before: Iterable[int], after: Iterable[int], decision: Decision, score: float) -> Group:
        """Close some sites as one leak."""
        ours, theirs = sorted(before), sorted(after)
        self.free[0].difference_update(ours)
        self.free[1].difference_update(theirs)
        return Group(
            [self.sites[0][index] for index in ours], [self.sites[1][index] for index in theirs], decision, score, 0.0
        )


class Settled(NamedTuple):
    """All sites of both sides in groups; those of one site on each side that nothing joined, in columns."""

    groups: list[Group]
    pairs: list[SitePairs]


def settle(state: Open, groups: Iterable[Group], pairs: Sequence[SitePairs]) -> Settled:
    """All groups: those that came in, some of them larger now, and those that amounts decided."""
    decided = _Decided(state.subject, pairs)
    decided.add(groups)
    decided.add(_twins(state))
    for measure in _MEASURES:
        decided.add(_sums(state, measure))
        _join_groups(state, decided, measure)
    nameless = nameless_pairs(state.subject, *state.free)
    decided.add(state.group([one], [other], Decision.NAMELESS, 0.0) for one, other in nameless)
    decided.add(_equal_twins(state))
    decided.add(Group([state.sites[0][index]], [], Decision.SIMILAR, 0.0) for index in sorted(state.free[0]))
    decided.add(Group([], [state.sites[1][index]], Decision.SIMILAR, 0.0) for index in sorted(state.free[1]))
    return decided.settled()


class _Decided:
    """What is decided, by number: first the pairs, which become groups when one is asked for, then the groups."""

    def __init__(self, subject: Subject, pairs: Sequence[SitePairs]) -> None:
        self._subject = subject
        self._groups: list[Group] = []
        self._pairs = pairs
        self._made: dict[int, Group] = {}
        self._of = [np.full(len(sites), -1, dtype=np.int64) for sites in (subject.before, subject.after)]
        self._starts = []
        self._whole = 0
        for found in pairs:
            self._starts.append(self._whole)
            numbers = np.arange(self._whole, self._whole + len(found))
            self._of[0][found.before] = numbers
            self._of[1][found.after] = numbers
            self._whole += len(found)

    def add(self, groups: Iterable[Group]) -> None:
        """More groups."""
        for group in groups:
            for side, sites in enumerate((group.before, group.after)):
                self._of[side][[site.number for site in sites]] = self._whole + len(self._groups)
            self._groups.append(group)

    def number(self, side: int, index: int) -> int | None:
        """Of the group that a site is in."""
        found = int(self._of[side][index])
        return None if found < 0 else found

    def group(self, number: int) -> Group:
        """The group of a number."""
        if number >= self._whole:
            return self._groups[number - self._whole]
        if number not in self._made:
            place = bisect_right(self._starts, number) - 1
            self._made[number] = self._pairs[place].group(number - self._starts[place], self._subject)
        return self._made[number]

    def settled(self) -> Settled:
        """All groups, and the pairs that stayed as they were; what became larger is among the groups."""
        larger = sorted(number for number, group in self._made.items() if len(group.before) + len(group.after) > 2)
        left = []
        for start, pairs in zip(self._starts, self._pairs, strict=True):
            stays = np.ones(len(pairs), dtype=np.bool_)
            stays[[number - start for number in larger if start <= number < start + len(pairs)]] = False
            left.append(pairs.taken(stays))
        return Settled([*self._groups, *(self._made[number] for number in larger)], left)


def _twins(state: Open) -> Iterator[Group]:
    """Sites alike as others are, where exactly one of each side has these amounts."""

    def equal(side: int, index: int) -> list[int]:
        amount = state.amount(side, index)
        return [
            other
            for other, score in state.rivals(side, index).items()
            if score >= LEAST_SCORE and any(amount) and state.amount(1 - side, other) == amount
        ]

    for index in sorted(state.free[0]):
        found = equal(0, index)
        if len(found) != 1 or equal(1, found[0]) != [index]:
            continue
        ours, theirs = state.rivals(0, index), state.rivals(1, found[0])
        if ours[found[0]] >= max(*ours.values(), *theirs.values()) - LEAST_LEAD:
            yield state.group([index], found, Decision.TWINS, ours[found[0]])


def _equal_twins(state: Open) -> Iterator[Group]:
    """As many sites of either side, alike and with equal amounts: which is which changes no number, so their order decides."""
    alike = {
        index: sorted(other for other, score in state.rivals(0, index).items() if score >= LEAST_SCORE)
        for index in sorted(state.free[0])
    }
    classes: defaultdict[tuple[tuple[int, int], tuple[int, ...]], list[int]] = defaultdict(list)
    for index, others in alike.items():
        amount = state.amount(0, index)
        equal = tuple(other for other in others if state.amount(1, other) == amount)
        if any(amount) and equal:
            classes[amount, equal].append(index)
    for (_, equal), indexes in classes.items():
        if len(indexes) == len(equal) and state.free[1].issuperset(equal):
            for one, other in zip(state.in_order(0, indexes), state.in_order(1, equal), strict=True):
                yield state.group([one], [other], Decision.ORDER, state.rivals(0, one)[other])


def _sums(state: Open, measure: _Measure) -> Iterator[Group]:
    """One free site against several that it is the best for, with exactly the same amounts together."""
    for side in (1, 0):
        for index in sorted(state.free[side]):
            parts = []
            for other, score in state.rivals(side, index).items():
                if score >= LEAST_SCORE and max(state.rivals(1 - side, other).values()) <= score + LEAST_LEAD:
                    parts.append((score, other))
            chosen = [other for _, other in parts]
            if not 2 <= len(parts) <= _MOST_PARTS or not any(state.amount(side, index)):
                continue
            whole = amounts(state.sites[1 - side][other] for other in chosen)
            if measure.of(whole) == measure.of(state.amount(side, index)):
                score = max(score for score, _ in parts)
                ours, theirs = (chosen, [index]) if side == 1 else ([index], chosen)
                yield state.group(ours, theirs, measure.decision, score)


def _join_groups(state: Open, decided: _Decided, measure: _Measure) -> None:
    """Free sites join the decided group that they are most alike, if that makes its sums agree."""
    waiting: defaultdict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)
    for side in (0, 1):
        for index in sorted(state.free[side]):
            alike = [
                (score, number)
                for other, score in state.alike(side, index).items()
                if (number := decided.number(1 - side, other)) is not None
            ]
            if alike:
                score, number = max(alike)
                waiting[side, number].append((score, index))
    left = _MOST_SUBSETS
    for (side, number), parts in sorted(waiting.items()):
        group = decided.group(number)
        have, want = (
            measure.of(amounts(sites)) for sites in ((group.before, group.after), (group.after, group.before))[side]
        )
        missing = tuple(wanted - had for wanted, had in zip(want, have, strict=True))
        if not any(missing) or left <= 0:
            continue
        held = {index: measure.of(state.amount(side, index)) for _, index in sorted(parts, reverse=True)[:_MOST_PARTS]}
        chosen, tried = _subset(held, missing, fewest=1 if measure.may_choose else len(parts))
        left -= tried
        if chosen:
            (group.before, group.after)[side].extend(state.sites[side][index] for index in chosen)
            group.decision = measure.decision
            state.free[side].difference_update(chosen)


def _subset(held: Mapping[int, tuple[int, ...]], wanted: tuple[int, ...], fewest: int) -> tuple[tuple[int, ...], int]:
    """The largest choice of parts whose amounts sum to what is wanted, and how many were tried."""
    tried = 0
    for count in range(len(held), fewest - 1, -1):
        for chosen in combinations(held, count):
            tried += 1
            if tuple(map(sum, zip(*(held[i] for i in chosen), strict=True))) == wanted:
                return chosen, tried
    return (), tried
