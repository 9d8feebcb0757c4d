"""Addresses of two runs made comparable: code of one build lies elsewhere in each run, all of a module by one distance.

Formats that tell which file was mapped where give offsets already. For the others (heaptrack, logs of sanitizers) the
distance is found: loaders move whole pages, so the low twelve bits stay, and the distance that most pairs agree on wins.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from leakreport.analysis.sites import Paths

_PAGE = 4096
_AGREEING = 0.6
"""Share of the addresses of a module, on both sides, that must lie at one distance."""
_MOST_VOTES = 64
"""Addresses of a side with equal low bits that are tried; of more, the pairs would be too many."""

Places = Mapping[str, frozenset[int]]


def rebased(before: Paths, after: Paths) -> tuple[Paths, Paths]:
    """Both sides, with addresses as offsets in each module that was found again at another place; else as they are."""
    ours, theirs = _addresses(before), _addresses(after)
    bases: tuple[dict[str, int], dict[str, int]] = {}, {}
    for module in sorted(ours.keys() & theirs.keys()):
        distance = _distance(ours[module], theirs[module])
        if distance:
            start = min(a for a in ours[module] if a + distance in theirs[module]) // _PAGE * _PAGE
            bases[0][module], bases[1][module] = start, start + distance
    if not bases[0]:
        return before, after
    return _shifted(before, bases[0]), _shifted(after, bases[1])


def _addresses(side: Paths) -> Places:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for frame in side.frames:
        if frame.module is not None and frame.address is not None and frame.offset is None:
            found[frame.module].add(frame.address)
    return {module: frozenset(addresses) for module, addresses in found.items()}


def _distance(ours: frozenset[int], theirs: frozenset[int]) -> int:
    """How far theirs lie from ours; 0 where they do not, or no distance is agreed on."""
    by_low_bits: defaultdict[int, list[int]] = defaultdict(list)
    for address in theirs:
        by_low_bits[address % _PAGE].append(address)
    votes = Counter(
        other - address
        for address in ours
        if len(others := by_low_bits.get(address % _PAGE, ())) <= _MOST_VOTES
        for other in others
    )
    if not votes:
        return 0
    distance, agreeing = max(votes.items(), key=lambda vote: (vote[1], -abs(vote[0]), vote[0]))
    return distance if agreeing >= _AGREEING * max(len(ours), len(theirs)) else 0


def _shifted(side: Paths, bases: Mapping[str, int]) -> Paths:
    frames = [
        frame
        if frame.address is None or frame.offset is not None or (base := bases.get(frame.module or "")) is None
        else frame._replace(offset=frame.address - base)
        for frame in side.frames
    ]
    return replace(side, frames=frames)
