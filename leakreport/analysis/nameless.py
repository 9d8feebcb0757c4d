"""Sites whose frames lost their names in one build: what names are left agree, and the amounts are one of a kind.

Link-time optimisation and missing debug information leave inlined frames without names. Such stacks contradict nothing
and prove nothing; equal bytes and blocks that no other open site has are then the best witness there is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from leakreport.analysis.sites import Amounts, Site, Subject


def nameless_pairs(subject: Subject, before: Iterable[int], after: Iterable[int]) -> list[tuple[int, int]]:
    """Indexes of open sites that may be one for all their names tell, and that alone have their bytes and blocks."""
    ours, theirs = _by_amounts(subject.before, before), _by_amounts(subject.after, after)
    return [
        (index, other[0])
        for amount, (index, *more) in sorted(ours.items())
        if not more and len(other := theirs.get(amount, ())) == 1 and _may_be_one(subject, index, other[0])
    ]


def _by_amounts(sites: Sequence[Site], wanted: Iterable[int]) -> Mapping[Amounts, Sequence[int]]:
    found: defaultdict[Amounts, list[int]] = defaultdict(list)
    for index in sorted(wanted):
        if sites[index].bytes and sites[index].blocks:
            found[sites[index].bytes, sites[index].blocks].append(index)
    return found


def _may_be_one(subject: Subject, before: int, after: int) -> bool:
    one, other = subject.before[before], subject.after[after]
    if {leaf.family for leaf in one.leaves}.isdisjoint(leaf.family for leaf in other.leaves):
        return False
    return any(
        _lacks_names(blind, subject) and _is_within(_names(blind, subject), _names(seen, subject))
        for blind, seen in ((one, other), (other, one))
    )


def _lacks_names(site: Site, subject: Subject) -> bool:
    if subject.by_address:
        # One build shows no inlined frames, so those without names were left out of both.
        return True
    shown = (*site.chain, *(number for leaf in site.leaves for number in leaf.library))
    return any(subject.points[number].name.base is None for number in shown)


def _names(site: Site, subject: Subject) -> Iterator[str]:
    return (base for number in site.chain if (base := subject.points[number].name.base) is not None)


def _is_within(part: Iterable[str], whole: Iterator[str]) -> bool:
    """Whether all of one occurs in the other, in order."""
    return all(name in whole for name in part)
