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
_ENDS = 64
"""Addresses at either end of a module that distances are taken from: loaders keep the order."""
_MOST_DISTANCES = 16

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
    votes = Counter(
        other - address for address in _ends(ours) for other in _ends(theirs) if (other - address) % _PAGE == 0
    )
    found = sorted(votes.items(), key=lambda vote: (-vote[1], abs(vote[0]), vote[0]))[:_MOST_DISTANCES]
    agreeing = [(sum(address + distance in theirs for address in ours), distance) for distance, _ in found]
    most, distance = max(agreeing, default=(0, 0), key=lambda entry: (entry[0], -abs(entry[1]), entry[1]))
    return distance if most >= _AGREEING * max(len(ours), len(theirs)) else 0


def _ends(addresses: frozenset[int]) -> list[int]:
    ordered = sorted(addresses)
    return ordered if len(ordered) <= 2 * _ENDS else [*ordered[:_ENDS], *ordered[-_ENDS:]]


def _shifted(side: Paths, bases: Mapping[str, int]) -> Paths:
    frames = [
        frame
        if frame.address is None or frame.offset is not None or (base := bases.get(frame.module or "")) is None
        else frame._replace(offset=frame.address - base)
        for frame in side.frames
    ]
    return replace(side, frames=frames)
