"""Which pairs of sites are worth a comparison: those that share a telling function, or a file and line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from heapq import heappush, heappushpop, nlargest
from math import log

import numpy as np

from leakreport.analysis.learning import Learned
from leakreport.analysis.points import Point
from leakreport.analysis.sites import Site, Subject
from leakreport.model.columns import BoolColumn

_COMMON = 64
"""A function in more open sites than this, and in more than 1 % of them, tells nothing."""
_MOST_TOUCHED = 512
"""Entries that are looked at per site; the rarest names first."""
_MOST_CANDIDATES = 32
_FEWEST_CANDIDATES = 4
_MOST_PAIRS = 16_000
"""Pairs compared per round, about: the candidates per site become fewer when more sites are open."""
_MOST_IMAGES = 4
_FEW_PAIRS = 6_400
"""So many are simply all compared: what shares nothing but its shape may have been renamed throughout."""


def candidate_pairs(
    before: Sequence[Site], after: Sequence[Site], points: Sequence[Point], learned: Learned, *, by_address: bool
) -> list[tuple[int, int]]:
    """Pairs of indexes, sorted; bounded for each site and as a whole."""
    if len(before) * len(after) <= _FEW_PAIRS:
        return [(index, other) for index in range(len(before)) for other in range(len(after))]
    holders: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, site in enumerate(after):
        for key in site_keys(site, points, by_address=by_address):
            holders[key].append(index)
    most_holders = max(_COMMON, len(after) // 100)
    most = max(_FEWEST_CANDIDATES, min(_MOST_CANDIDATES, _MOST_PAIRS // max(1, len(before), len(after))))
    found: set[tuple[int, int]] = set()
    best_of_after: list[list[tuple[float, int]]] = [[] for _ in after]
    for index, site in enumerate(before):
        keys = with_images(site_keys(site, points, by_address=by_address), learned)
        weights = _shared(keys, holders, most_holders, len(after))
        for other in nlargest(most, weights, key=lambda other: (weights[other], -abs(other - index))):
            found.add((index, other))
        for other, weight in weights.items():
            heap = best_of_after[other]
            entry = (weight, -index)
            if len(heap) < most:
                heappush(heap, entry)
            elif entry > heap[0]:
                heappushpop(heap, entry)
    found.update((-negative, other) for other, heap in enumerate(best_of_after) for _, negative in heap)
    return sorted(found)


def site_keys(site: Site, points: Sequence[Point], *, by_address: bool) -> set[Hashable]:
    """What a site can be found by."""
    keys: set[Hashable] = set()
    for number in site.chain:
        point = points[number]
        if point.name.base is not None and point.name.base != "main":
            keys.add(point.name.base)
        if not by_address and point.position is not None:
            keys.add((point.file, point.position))
    if len(site.chain) == 1:
        keys.add(points[site.chain[0]].name.base)
    keys.add(tuple(points[number].name.base for number in site.chain))
    return keys


def with_images(keys: Iterable[Hashable], learned: Learned) -> set[Hashable]:
    """Keys of the before side with what their names became."""
    found = set(keys)
    for key in list(found):
        if isinstance(key, str):
            found.update(learned.images(key)[:_MOST_IMAGES])
    return found


def _shared(
    keys: Iterable[Hashable], holders: Mapping[Hashable, Sequence[int]], most_holders: int, whole: int
) -> dict[int, float]:
    """Per site of the after side, how much it shares with these keys; the rarest are looked at first."""
    lists = [entries for key in keys if (entries := holders.get(key)) and len(entries) <= most_holders]
    lists.sort(key=lambda entries: (len(entries), entries[0]))
    weights: dict[int, float] = {}
    touched = 0
    for entries in lists:
        touched += len(entries)
        if touched > _MOST_TOUCHED and weights:
            break
        telling = log(1 + whole / len(entries))
        for other in entries:
            weights[other] = weights.get(other, 0.0) + telling
    return weights


def further_pairs(
    subject: Subject, before: Sequence[int], after: Sequence[int], learned: Learned
) -> list[tuple[int, int]]:
    """Pairs of what is left on one side with anything of the other that shares a telling key; bounded as a whole."""
    found: set[tuple[int, int]] = set()
    for left, others, is_before in ((before, subject.after, True), (after, subject.before, False)):
        most = max(0, min(_MOST_CANDIDATES, _MOST_PAIRS // max(1, len(left))))
        if not left or not most:
            continue
        sites = subject.before if is_before else subject.after
        keys_of = [site_keys(sites[index], subject.points, by_address=subject.by_address) for index in left]
        if is_before:
            keys_of = [with_images(keys, learned) for keys in keys_of]
        wanted = set().union(*keys_of)
        told = _telling_points(wanted, subject, learned)
        holders: defaultdict[Hashable, list[int]] = defaultdict(list)
        for index in others.touching(told):
            keys = site_keys(others[index], subject.points, by_address=subject.by_address)
            for key in wanted & (keys if is_before else with_images(keys, learned)):
                holders[key].append(index)
        for index, keys in zip(left, keys_of, strict=True):
            weights = _shared(keys, holders, max(_COMMON, len(others) // 100), len(others))
            for other in nlargest(most, weights, key=lambda other: (weights[other], -other)):
                found.add((index, other) if is_before else (other, index))
    return sorted(found)


def _telling_points(wanted: set[Hashable], subject: Subject, learned: Learned) -> BoolColumn:
    """Points that alone give one of some keys: most sites have none, and need no keys of their own."""
    found = (
        point.name.base in wanted
        or (not subject.by_address and (point.file, point.position) in wanted)
        or not wanted.isdisjoint(learned.images(point.name.base))
        for point in subject.points
    )
    return np.fromiter(found, np.bool_, len(subject.points))
