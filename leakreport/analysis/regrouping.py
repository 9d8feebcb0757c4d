"""Records of one allocation site that agree together, not one by one: what an inlined or unrolled caller does to them.

Amounts alone decide here, so the sites that are most alike are tried first: those that differ in their outermost calls
only, then those whose callers have equal names, and a helper that allocates for everything at last.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
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
    *(_Likeness(callers, wants_positions=True) for callers in (-1, -2, 3, 1)),
    *(_Likeness(callers, wants_positions=False) for callers in (64, 3, 1, 0)),
)


class _Place(NamedTuple):
    """Where a site allocates, and by whom it is called; numbers of points that are alike enough."""

    innermost: int
    family: str
    below: tuple[int, ...]
    callers: tuple[int, ...]
    is_gone: bool = False
    """A place of the before side that is none of the after side."""


_MOST_PAIRS = 20_000
"""Pairs that are looked at. Where the amounts of more differ, sums that agree are chance."""


def regroup(settled: Settled, subject: Subject) -> Settled:
    """Groups at one allocation site whose bytes and blocks agree exactly together, as one group; all others as they are."""
    open_pairs = _chosen(settled.pairs, [_unequal(pairs, subject) for pairs in settled.pairs], subject)
    known = [group for group in (*settled.groups, *open_pairs.values()) if not _agrees(group)]
    if len(known) < 2:
        return settled
    bases = {_base(site, subject) for group in known for site in (*group.before, *group.after)}
    equal_pairs = _chosen(settled.pairs, [_among(pairs, bases, subject) for pairs in settled.pairs], subject)
    others = [group for place, group in equal_pairs.items() if place not in open_pairs]
    gone, joined = _regrouped([*settled.groups, *open_pairs.values(), *others], known, subject)
    left = []
    for number, pairs in enumerate(settled.pairs):
        stays = np.ones(len(pairs), dtype=np.bool_)
        stays[[i for (place, i), group in open_pairs.items() if place == number and id(group) in gone]] = False
        left.append(pairs.taken(stays))
    return Settled([*(group for group in settled.groups if id(group) not in gone), *joined], left)


def _regrouped(groups: Sequence[Group], known: list[Group], subject: Subject) -> tuple[set[int], list[Group]]:
    """Identities of the groups that are joined, and what they become; `known` are those that do not agree one by one."""
    places = _Places(subject)
    # Whatever is joined shares its allocation site at least: most groups are alone at theirs.
    anywhere = _TRIED[-1]
    families = _families(known, _images(groups, places, anywhere), places, anywhere)
    known = [group for family in families for group in family]
    innermost = {places.innermost(site) for group in known for site in (*group.before, *group.after)}
    near = [group for group in groups if any(places.innermost(site) in innermost for site in _first(group))]
    joined: list[Group] = []
    gone: set[int] = set()
    for likeness in _TRIED:
        for family in _families(known, _images([*near, *joined], places, likeness), places, likeness):
            if (one := _together(family)) is not None:
                joined.append(one)
                gone |= {id(group) for group in family}
        known = [group for group in known if id(group) not in gone]
        near = [group for group in near if id(group) not in gone]
    return gone, joined


def _first(group: Group) -> tuple[Site, ...]:
    return *group.before[:1], *group.after[:1]


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


def _agrees(group: Group) -> bool:
    return bool(group.before and group.after) and amounts(group.before) == amounts(group.after)


def _base(site: Site, subject: Subject) -> str | None:
    return subject.points[site.chain[0]].name.base if site.chain else None


class _Places:
    """Places of sites, from numbers that points with equal parts share."""

    def __init__(self, subject: Subject) -> None:
        bases: dict[object, int] = {}
        positions: dict[object, int] = {}
        self._base = [bases.setdefault(point.name.base, len(bases)) for point in subject.points]
        self._where = [
            positions.setdefault((point.name.base, point.position), len(positions)) for point in subject.points
        ]
        self._site = [
            positions.setdefault((point.name.base, point.position, point.name.template_arguments), len(positions))
            for point in subject.points
        ]
        self._is_vague = [subject.by_address or point.position is None for point in subject.points]

    def innermost(self, site: Site) -> int:
        """The call that allocates; below zero for none."""
        return self._site[site.chain[0]] if site.chain else -1

    def of(self, site: Site, likeness: _Likeness) -> _Place:
        """The place of a site."""
        if not site.chain:
            return _Place(-1, "", (), ())
        innermost, leaf = site.chain[0], site.leaves[0]
        below = tuple([self._base[p] for p in leaf.library]) if self._is_vague[innermost] else ()
        numbers = self._where if likeness.wants_positions else self._base
        end = likeness.callers + 1 if likeness.callers >= 0 else max(1, len(site.chain) + likeness.callers)
        callers = tuple([numbers[p] for p in site.chain[1:end]])
        return _Place(self._site[innermost], leaf.family, below, callers)


def _images(groups: Iterable[Group], places: _Places, likeness: _Likeness) -> Mapping[_Place, _Place]:
    """Places of the before side with what they are on the after side, by the groups there are."""
    votes: Counter[tuple[_Place, _Place]] = Counter()
    for group in groups:
        if group.before and group.after:
            theirs = [places.of(site, likeness) for site in group.after]
            votes.update((places.of(site, likeness), other) for site in group.before for other in theirs)
    image: dict[_Place, _Place] = {}
    taken: set[_Place] = set()
    for (ours, other), _ in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
        if ours not in image and other not in taken:
            image[ours] = other
            taken.add(other)
    return image


def _families(
    groups: Iterable[Group], image: Mapping[_Place, _Place], places: _Places, likeness: _Likeness
) -> list[list[Group]]:
    """Groups of one place each, as far as they are several and both sides are there."""
    families: defaultdict[_Place, list[Group]] = defaultdict(list)
    for group in groups:
        ours = {places.of(site, likeness) for site in group.before}
        found = {image.get(place, place._replace(is_gone=True)) for place in ours}
        found |= {places.of(site, likeness) for site in group.after}
        if len(found) == 1:
            families[found.pop()].append(group)
    return [
        family
        for family in families.values()
        if len(family) > 1 and any(group.before for group in family) and any(group.after for group in family)
    ]


def _together(family: Sequence[Group]) -> Group | None:
    """A family as one group, if its sums agree."""
    before = [site for group in family for site in group.before]
    after = [site for group in family for site in group.after]
    if amounts(before) != amounts(after) or not any(amounts(before)):
        return None
    return Group(before, after, Decision.REGROUPED, min(group.score for group in family), 0.0)
