"""Records of one allocation site that agree together, not one by one: what an inlined or unrolled caller does to them.

Amounts alone decide here, so the sites that are most alike are tried first: those that differ in their outermost calls
only, then those whose callers have equal names, and a helper that allocates for everything at last.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from leakreport.analysis.groups import Decision, Group, SitePairs
from leakreport.analysis.settling import Settled
from leakreport.analysis.sites import Site, Subject, amounts
from leakreport.model.columns import BoolColumn


class _Likeness(NamedTuple):
    """What sites must share to be regrouped."""

    callers: int
    """How many callers, from the innermost; below zero, all but so many of the outermost."""
    wants_positions: bool


_TRIED = (
    *(_Likeness(callers, wants_positions=True) for callers in (-1, -2, 3, 2, 1)),
    *(_Likeness(callers, wants_positions=False) for callers in (64, 3, 2, 1, 0)),
)


_MOST_PAIRS = 20_000
"""Pairs with unequal amounts that are looked at. Where more differ, sums that agree are chance."""


def regroup(settled: Settled, subject: Subject) -> Settled:
    """Groups at one allocation site whose bytes and blocks agree exactly together, as one group; all others as they are."""
    open_pairs = _chosen(settled.pairs, [_unequal(pairs, subject) for pairs in settled.pairs], subject)
    found = [*settled.groups, *open_pairs.values()]
    known = [group for group in found if not _agrees(group)]
    if len(known) < 2:
        return settled
    bases = {_base(site, subject) for group in known for site in (*group.before, *group.after)}
    equal_pairs = _chosen(settled.pairs, [_among(pairs, bases, subject) for pairs in settled.pairs], subject)
    others = [group for place, group in equal_pairs.items() if place not in open_pairs]
    for likeness in _TRIED:
        known = [group for group in found if not _agrees(group)]
        if len(known) < 2:
            break
        near = [group for group in found if _is_among(group, bases, subject)]
        joined = _joined(known, _images([*near, *others], subject, likeness), subject, likeness)
        gone = {id(group) for _, family in joined for group in family}
        found = [*(group for group in found if id(group) not in gone), *(group for group, _ in joined)]
    kept = {id(group) for group in found}
    left = []
    for number, pairs in enumerate(settled.pairs):
        stays = np.ones(len(pairs), dtype=np.bool_)
        stays[[i for (place, i), group in open_pairs.items() if place == number and id(group) not in kept]] = False
        left.append(pairs.taken(stays))
    still_pairs = {id(group) for group in open_pairs.values()}
    return Settled([group for group in found if id(group) not in still_pairs], left)


def _chosen(
    all_pairs: Sequence[SitePairs], wanted: Sequence[BoolColumn], subject: Subject
) -> dict[tuple[int, int], Group]:
    """Some of the pairs as groups, by the number of their columns and their place in them; none where they are too many."""
    if sum(int(column.sum()) for column in wanted) > _MOST_PAIRS:
        return {}
    return {
        (number, index): pairs.group(index, subject)
        for number, (pairs, column) in enumerate(zip(all_pairs, wanted, strict=True))
        for index in np.flatnonzero(column).tolist()
    }


def _unequal(pairs: SitePairs, subject: Subject) -> BoolColumn:
    """Per pair, whether its amounts differ."""
    before, after = subject.before, subject.after
    differs: BoolColumn = before.bytes[pairs.before] != after.bytes[pairs.after]
    differs |= before.blocks[pairs.before] != after.blocks[pairs.after]
    return differs


def _among(pairs: SitePairs, bases: Container[str | None], subject: Subject) -> BoolColumn:
    """Per pair, whether one of the functions allocates on either side."""
    is_wanted = np.fromiter((point.name.base in bases for point in subject.points), np.bool_, len(subject.points))
    found = np.zeros(len(pairs), dtype=np.bool_)
    for sites, chosen in ((subject.before, pairs.before), (subject.after, pairs.after)):
        has_points = np.flatnonzero(sites.chains.lengths[chosen])
        innermost = sites.chains.flat[sites.chains.offsets[chosen[has_points]]]
        found[has_points] |= is_wanted[innermost]
    return found


def _is_among(group: Group, bases: Container[str | None], subject: Subject) -> bool:
    return any(_base(site, subject) in bases for site in (*group.before[:1], *group.after[:1]))


def _agrees(group: Group) -> bool:
    return bool(group.before and group.after) and amounts(group.before) == amounts(group.after)


def _base(site: Site, subject: Subject) -> str | None:
    return subject.points[site.chain[0]].name.base if site.chain else None


def _images(groups: Iterable[Group], subject: Subject, likeness: _Likeness) -> Mapping[Hashable, Hashable]:
    """Places of the before side with what they are on the after side, by the groups there are."""
    votes: Counter[tuple[Hashable, Hashable]] = Counter()
    for group in groups:
        votes.update(
            (_place(one, subject, likeness), _place(other, subject, likeness))
            for one in group.before
            for other in group.after
        )
    image: dict[Hashable, Hashable] = {}
    taken: set[Hashable] = set()
    for (ours, other), _ in sorted(votes.items(), key=lambda item: (-item[1], repr(item[0]))):
        if ours not in image and other not in taken:
            image[ours] = other
            taken.add(other)
    return image


def _joined(
    groups: Iterable[Group], image: Mapping[Hashable, Hashable], subject: Subject, likeness: _Likeness
) -> list[tuple[Group, list[Group]]]:
    """Groups that agree together, each with those it is made of."""
    families: defaultdict[Hashable, list[Group]] = defaultdict(list)
    for group in groups:
        ours = (_place(site, subject, likeness) for site in group.before)
        places = {image.get(place, ("gone", place)) for place in ours}
        places |= {_place(site, subject, likeness) for site in group.after}
        if len(places) == 1:
            families[places.pop()].append(group)
    found = []
    for family in families.values():
        before = [site for group in family for site in group.before]
        after = [site for group in family for site in group.after]
        if len(family) > 1 and before and after and amounts(before) == amounts(after) and any(amounts(before)):
            score = min(group.score for group in family)
            found.append((Group(before, after, Decision.REGROUPED, score, 0.0), family))
    return found


def _place(site: Site, subject: Subject, likeness: _Likeness) -> Hashable:
    """Where a site allocates, and by whom it is called."""
    if not site.chain:
        return None
    points = subject.points
    point = points[site.chain[0]]
    leaf = site.leaves[0]
    below: tuple[Hashable, ...] = ()
    if subject.by_address or point.position is None:
        below = tuple(points[p].name.base for p in leaf.library)
    end = likeness.callers + 1 if likeness.callers >= 0 else max(1, len(site.chain) + likeness.callers)
    callers = tuple(
        (points[p].name.base, points[p].position if likeness.wants_positions else None) for p in site.chain[1:end]
    )
    return point.name.base, point.position, point.name.template_arguments, leaf.family, below, callers
