"""Amounts, last and only to settle what stacks leave open: twins, and records that a compiler or tool split or joined.

A sum never decides against names: only sites that are alike enough already are looked at, and only equality counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from leakreport.analysis.acceptance import LEAST_LEAD, LEAST_SCORE, Scores
from leakreport.analysis.groups import Decision, Group, SitePairs
from leakreport.analysis.points import Leaf
from leakreport.analysis.sites import SiteTable, Subject, amounts
from leakreport.model.columns import BoolColumn, Int64Column

_MOST_PARTS = 12
"""Records that one may have been split into."""
_MOST_SUBSETS = 200_000
"""Sums that are tried, all together."""

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


def settle(state: Open, groups: list[Group], pairs: Sequence[SitePairs]) -> Settled:
    """All groups: those that came in, some of them larger now, and those that amounts decided."""
    found = [*groups, *_twins(state)]
    found += _sums(state)
    decided = _Decided(state.subject, found, pairs)
    _join_groups(state, decided)
    found += [Group([state.sites[0][index]], [], Decision.SIMILAR, 0.0) for index in sorted(state.free[0])]
    found += [Group([], [state.sites[1][index]], Decision.SIMILAR, 0.0) for index in sorted(state.free[1])]
    return Settled(found, decided.left())


class _Decided:
    """What is decided, by number: first the groups, then the pairs, which become groups when one is asked for."""

    def __init__(self, subject: Subject, groups: list[Group], pairs: Sequence[SitePairs]) -> None:
        self._subject = subject
        self._groups = groups
        self._pairs = pairs
        self._made: dict[int, Group] = {}
        self._of = [np.full(len(sites), -1, dtype=np.int64) for sites in (subject.before, subject.after)]
        self._whole = len(groups)
        for number, group in enumerate(groups):
            for side, sites in enumerate((group.before, group.after)):
                self._of[side][[site.number for site in sites]] = number
        self._starts = []
        first = self._whole
        for found in pairs:
            self._starts.append(first)
            numbers = np.arange(first, first + len(found))
            self._of[0][found.before] = numbers
            self._of[1][found.after] = numbers
            first += len(found)

    def number(self, side: int, index: int) -> int | None:
        """Of the group that a site is in."""
        found = int(self._of[side][index])
        return None if found < 0 else found

    def group(self, number: int) -> Group:
        """The group of a number."""
        if number < self._whole:
            return self._groups[number]
        if number not in self._made:
            place = bisect_right(self._starts, number) - 1
            self._made[number] = self._pairs[place].group(number - self._starts[place], self._subject)
        return self._made[number]

    def left(self) -> list[SitePairs]:
        """The pairs that stayed as they were; what became larger is among the groups from now on."""
        larger = [number for number, group in self._made.items() if len(group.before) + len(group.after) > 2]
        self._groups += [self._made[number] for number in sorted(larger)]
        found = []
        for start, pairs in zip(self._starts, self._pairs, strict=True):
            stays = np.ones(len(pairs), dtype=np.bool_)
            stays[[number - start for number in larger if start <= number < start + len(pairs)]] = False
            found.append(pairs.taken(stays))
        return found


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


def _sums(state: Open) -> Iterator[Group]:
    """One free site against several that it is the best for, with exactly the same bytes and blocks together."""
    for side in (1, 0):
        for index in sorted(state.free[side]):
            parts = []
            for other, score in state.rivals(side, index).items():
                if score >= LEAST_SCORE and max(state.rivals(1 - side, other).values()) <= score + LEAST_LEAD:
                    parts.append((score, other))
            chosen = [other for _, other in parts]
            if not 2 <= len(parts) <= _MOST_PARTS or not any(state.amount(side, index)):
                continue
            if amounts(state.sites[1 - side][other] for other in chosen) == state.amount(side, index):
                score = max(score for score, _ in parts)
                ours, theirs = (chosen, [index]) if side == 1 else ([index], chosen)
                yield state.group(ours, theirs, Decision.SUMS, score)


def _join_groups(state: Open, decided: _Decided) -> None:
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
        have, want = amounts((group.before, group.after)[side]), amounts((group.after, group.before)[side])
        missing = want[0] - have[0], want[1] - have[1]
        if not any(missing) or left <= 0:
            continue
        held = {index: state.amount(side, index) for _, index in sorted(parts, reverse=True)[:_MOST_PARTS]}
        chosen, tried = _subset(held, missing)
        left -= tried
        if chosen:
            (group.before, group.after)[side].extend(state.sites[side][index] for index in chosen)
            group.decision = Decision.SUMS
            state.free[side].difference_update(chosen)


def _subset(held: Mapping[int, tuple[int, int]], wanted: tuple[int, int]) -> tuple[tuple[int, ...], int]:
    """The largest choice of parts whose amounts sum to what is wanted, and how many were tried."""
    tried = 0
    for count in range(len(held), 0, -1):
        for chosen in combinations(held, count):
            tried += 1
            if (sum(held[i][0] for i in chosen), sum(held[i][1] for i in chosen)) == wanted:
                return chosen, tried
    return (), tried


def regroup(settled: Settled, subject: Subject) -> Settled:
    """Groups at one allocation site that do not agree one by one, but do exactly together, as one group.

    What an inlined or unrolled caller does to records: other stacks, the same memory.
    """
    numbers: dict[Hashable, int] = {}
    ours, theirs = (_places(sites, subject, numbers) for sites in (subject.before, subject.after))
    image = _images(settled, ours, theirs, list(numbers))
    families: defaultdict[int, list[Group]] = defaultdict(list)
    for group in settled.groups:
        if group.before and group.after and amounts(group.before) == amounts(group.after):
            continue
        found = {int(image[ours[site.number]]) for site in group.before}
        found |= {int(theirs[site.number]) for site in group.after}
        if len(found) == 1:
            families[found.pop()].append(group)
    chosen = [_unequal(pairs, subject) & (image[ours[pairs.before]] == theirs[pairs.after]) for pairs in settled.pairs]
    places = [theirs[pairs.after] for pairs in settled.pairs]
    may_agree = _balanced(settled.pairs, chosen, places, families, len(numbers), subject)
    left = []
    gone: set[int] = set()
    joined = []
    for pairs, differs, place in zip(settled.pairs, chosen, places, strict=True):
        is_chosen = differs & may_agree[place]
        left.append(pairs.taken(~is_chosen))
        for index in np.flatnonzero(is_chosen).tolist():
            families[int(place[index])].append(pairs.group(index, subject))
    for number, family in families.items():
        if number < 0 or not may_agree[number]:
            continue
        mine = [site for group in family for site in group.before]
        others = [site for group in family for site in group.after]
        if mine and others:
            gone |= {id(group) for group in family}
            joined.append(Group(mine, others, Decision.REGROUPED, min(group.score for group in family), 0.0))
        else:
            joined += family
            gone |= {id(group) for group in family}
    return Settled([*(group for group in settled.groups if id(group) not in gone), *joined], left)


def _unequal(pairs: SitePairs, subject: Subject) -> BoolColumn:
    """Per pair, whether its amounts differ."""
    before, after = subject.before, subject.after
    differs: BoolColumn = before.bytes[pairs.before] != after.bytes[pairs.after]
    differs |= before.blocks[pairs.before] != after.blocks[pairs.after]
    return differs


def _balanced(
    all_pairs: Sequence[SitePairs],
    chosen: Sequence[BoolColumn],
    places: Sequence[Int64Column],
    families: Mapping[int, Sequence[Group]],
    count: int,
    subject: Subject,
) -> BoolColumn:
    """Per place, whether the chosen pairs and the groups there are several, and hold the same on both sides together."""
    bytes_left, blocks_left, weight, members = np.zeros((4, count), dtype=np.int64)
    for pairs, is_chosen, place in zip(all_pairs, chosen, places, strict=True):
        at, ours, theirs = place[is_chosen], pairs.before[is_chosen], pairs.after[is_chosen]
        np.add.at(members, at, 1)
        np.add.at(weight, at, subject.before.bytes[ours] + subject.before.blocks[ours])
        np.add.at(bytes_left, at, subject.before.bytes[ours] - subject.after.bytes[theirs])
        np.add.at(blocks_left, at, subject.before.blocks[ours] - subject.after.blocks[theirs])
    for number, family in families.items():
        if number < 0:
            continue
        for group in family:
            old, new = amounts(group.before), amounts(group.after)
            members[number] += 1
            weight[number] += old[0] + old[1]
            bytes_left[number] += old[0] - new[0]
            blocks_left[number] += old[1] - new[1]
    found: BoolColumn = (members > 1) & (weight > 0) & (bytes_left == 0) & (blocks_left == 0)
    return found


def _images(settled: Settled, ours: Int64Column, theirs: Int64Column, places: Sequence[Hashable]) -> Int64Column:
    """Per place of the before side the place of the after side that most sites went to; else a number of its own."""
    width = len(places) + 1
    votes = Counter(
        (int(ours[one.number]), int(theirs[other.number]))
        for group in settled.groups
        for one in group.before
        for other in group.after
    )
    for pairs in settled.pairs:
        found, counts = np.unique(ours[pairs.before] * width + theirs[pairs.after], return_counts=True)
        for pair, count in zip(found.tolist(), counts.tolist(), strict=True):
            votes[divmod(pair, width)] += count
    image = -1 - np.arange(len(places), dtype=np.int64)
    taken: set[int] = set()
    texts = [repr(place) for place in places]
    for (one, other), _ in sorted(votes.items(), key=lambda item: (-item[1], texts[item[0][0]], texts[item[0][1]])):
        if image[one] < 0 and other not in taken:
            image[one] = other
            taken.add(other)
    return image


def _places(sites: SiteTable, subject: Subject, numbers: dict[Hashable, int]) -> Int64Column:
    """Per site one number for where it allocates."""
    innermost = np.full(len(sites), -1, dtype=np.int64)
    chosen = np.flatnonzero(sites.chains.lengths)
    innermost[chosen] = sites.chains.flat[sites.chains.offsets[chosen]]
    width = len(sites.leaves) + 1
    found, place = np.unique((innermost + 1) * width + sites.leaf, return_inverse=True)
    of_each = [
        numbers.setdefault(_place(number // width - 1, sites.leaves[number % width][0], subject), len(numbers))
        for number in found.tolist()
    ]
    return np.asarray(of_each, dtype=np.int64)[place] if of_each else place


def _place(innermost: int, leaf: Leaf, subject: Subject) -> Hashable:
    """Where a site allocates."""
    if innermost < 0:
        return None
    point = subject.points[innermost]
    below = ()
    if subject.by_address or point.position is None:
        below = tuple(subject.points[p].name.base for p in leaf.library)  # type: ignore[assignment]
    return point.name.base, point.position, point.name.template_arguments, leaf.family, below
