"""Call-site maps: which call inside a function of one build is which call inside the same function of the other.

Lines drift, and neighbouring calls differ in lines only. The calls inside each function, known by what they call, are
aligned in order as `diff` aligns lines; calls that are added or taken away leave gaps, and the drift of neighbours
decides where the callees do not.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from leakreport.analysis.learning import MODULE, Learned
from leakreport.analysis.leaves import point_words
from leakreport.analysis.points import Point
from leakreport.analysis.sites import SiteTable, Subject
from leakreport.analysis.stacks import intern

_MOST_POSITIONS = 60
"""Positions of one function that are aligned at once."""
_LOOK_BACK = 8
_SKIPPED = 0.45
_DRIFT_CHANGE = 0.7
_AS_NEIGHBOUR, _NOT_AS_NEIGHBOUR = 0.8, -0.3
_SAME_CALLEE, _MAYBE_CALLEE, _OTHER_CALLEE = 3.0, 1.2, 0.3
_RELATED_CALLEE, _UNRELATED_CALLEE = 2.4, 0.6
_UNKNOWN = "?"
_FUTURE = 1 << 62
_NO_HINTS: frozenset[str] = frozenset()

Function = tuple[str | None, str]
"""The file (in address mode the module) and the canonical name without scope."""
Calls = dict[int, set[str]]
"""By position in a function, what is called there."""
Hints = dict[tuple[Function, int], frozenset[str]]
"""By function and position, words of names and files of library code: what tells a function that has no name."""


class _Call(NamedTuple):
    position: int
    callees: frozenset[str]
    hints: frozenset[str]

    def lacks_name(self, other: _Call) -> bool:
        """Whether names cannot tell the two apart, as one of them has a callee without a name."""
        return _UNKNOWN in self.callees or _UNKNOWN in other.callees

    def is_related(self, other: _Call) -> bool:
        """Whether a function without a name is about the same as a named one."""
        return self.lacks_name(other) and not self.hints.isdisjoint(other.hints)


class _Pair(NamedTuple):
    before: int
    after: int
    is_sure: bool


@dataclass(slots=True)
class CallMap:
    """Positions of the before side that are known to be positions of the after side, and back."""

    forward: dict[int, int] = field(default_factory=dict)
    """By place; see `CallSites.place`."""
    backward: dict[int, int] = field(default_factory=dict)
    anchors: defaultdict[tuple[str | None, str | None], list[tuple[int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By files (in address mode modules), mapped positions in order."""

    def fits_neighbours(self, units: tuple[str | None, str | None], before: int, after: int) -> bool:
        """Whether two unmapped positions are as far apart as mapped ones nearby; without any, whether they are equal."""
        anchors = self.anchors.get(units)
        if not anchors:
            return before == after
        near = bisect_left(anchors, (before, -1))
        return any(b - a == after - before for a, b in anchors[max(0, near - 2) : near + 2])


class CallSites:
    """The calls of all functions on both sides."""

    def __init__(self, subject: Subject) -> None:
        """Collect them; linear in the length of all chains."""
        self._by_address = subject.by_address
        self._points = subject.points
        known: dict[tuple[Function, int], int] = {}
        self.place: list[int] = [
            -1
            if point.name.base is None or point.position is None
            else known.setdefault((self._function(point), point.position), len(known))
            for point in subject.points
        ]
        """Per point, one number for each position in a function; -1 where either is unknown."""
        self._place_of = known
        self._before = self._calls(subject.before)
        self._after = self._calls(subject.after)
        # Where every function has a name, nobody asks.
        has_nameless = any(point.name.base is None for point in subject.points)
        self._hints_before: Hints = self._hints(subject.before) if has_nameless else {}
        self._hints_after: Hints = self._hints(subject.after) if has_nameless else {}
        self._after_by_base: defaultdict[str, list[Function]] = defaultdict(list)
        for function in sorted(self._after, key=str):
            self._after_by_base[function[1]].append(function)

    def unit(self, point: Point) -> str | None:
        """Where positions of a point count from."""
        return point.module if self._by_address else point.file

    def _function(self, point: Point) -> Function:
        return self.unit(point), point.name.base or ""

    def _calls(self, sites: SiteTable) -> dict[Function, Calls]:
        found: dict[Function, Calls] = {}
        key_of_point, names = intern(point.name.base for point in self._points)
        for caller, callee in sites.edges(key_of_point):
            self._add(found, caller, _UNKNOWN if callee < 0 else names[callee])
        for caller, leaves in sites.ends():
            for leaf in leaves:
                base = self._points[leaf.library[-1]].name.base if leaf.library else leaf.family
                self._add(found, caller, base or _UNKNOWN)
        return found

    def _add(self, calls: dict[Function, Calls], caller: int, callee: str) -> None:
        point = self._points[caller]
        if point.name.base is not None and point.position is not None:
            calls.setdefault(self._function(point), {}).setdefault(point.position, set()).add(callee)

    def _hints(self, sites: SiteTable) -> Hints:
        found: Hints = {}
        ends = {(caller, leaf.library[-1]) for caller, leaves in sites.ends() for leaf in leaves if leaf.library}
        for caller, callee in ends:
            point = self._points[caller]
            if point.position is not None:
                key = self._function(point), point.position
                found[key] = found.get(key, frozenset()) | point_words(self._points[callee])
        return found

    def align(self, learned: Learned) -> CallMap:
        """The map, given what is known of renames."""
        pairs = self._function_pairs(learned)
        near: defaultdict[tuple[str | None, str | None], list[tuple[int, int]]] = defaultdict(list)
        for before, after in pairs:
            if len(self._before[before]) == len(self._after[after]):
                for pair in self._aligned(before, after, frozenset(), learned):
                    if pair.is_sure:
                        near[before[0], after[0]].append((pair.before, pair.after))
        for anchors in near.values():
            anchors.sort()
        found = CallMap()
        for before, after in pairs:
            drifts = _drifts_around(near.get((before[0], after[0]), ()), self._before[before])
            for pair in self._aligned(before, after, drifts, learned):
                if pair.is_sure:
                    one, other = self._place_of[before, pair.before], self._place_of[after, pair.after]
                    found.forward[one] = other
                    found.backward[other] = one
                    found.anchors[before[0], after[0]].append((pair.before, pair.after))
        for anchors in found.anchors.values():
            anchors.sort()
        return found

    def _function_pairs(self, learned: Learned) -> list[tuple[Function, Function]]:
        """Functions of both sides that are one, by name or by a learned rename; each once."""
        wanted = []
        for before in sorted(self._before, key=str):
            if before in self._after:
                # Nothing is more alike; and many functions may share a name.
                wanted.append((-1.0, False, before, before))
                continue
            for base in (before[1], *learned.images(before[1])[:2]):
                ranked = [(self._same_unit(before[0], after[0], learned), after) for after in self._after_by_base[base]]
                ranked = [(alike, after) for alike, after in ranked if alike > 0.3]
                if ranked:
                    alike, after = max(ranked, key=lambda entry: (entry[0], entry[1][0] == before[0]))
                    wanted.append((-alike, base != before[1], before, after))
                    break
        wanted.sort(key=str)
        taken: set[Function] = set()
        pairs = []
        for _, _, before, after in wanted:
            if after not in taken:
                taken.add(after)
                pairs.append((before, after))
        return pairs

    def _same_unit(self, before: str | None, after: str | None, learned: Learned) -> float:
        if not self._by_address:
            return learned.same_file(before, after)
        return 1.0 if before == after else 0.4 + learned.support(MODULE, before, after)

    def _aligned(self, before: Function, after: Function, drifts: frozenset[int], learned: Learned) -> list[_Pair]:
        ours = [
            _Call(
                position,
                frozenset(learned.with_images(callees)),
                self._hints_before.get((before, position), _NO_HINTS),
            )
            for position, callees in sorted(self._before[before].items())
        ]
        theirs = [
            _Call(position, frozenset(callees), self._hints_after.get((after, position), _NO_HINTS))
            for position, callees in sorted(self._after[after].items())
        ]
        accepts_unknown = self._by_address and len(ours) == len(theirs)
        pairs: list[tuple[_Call, _Call]] = []
        if drifts:
            # Calls that are one of a kind tell how far this function moved, and better than its neighbours do; one alone
            # may have been swapped with another.
            own = Counter(theirs[j].position - ours[i].position for i, j in _once_in_order(ours, theirs))
            drifts |= {drift for drift, count in own.items() if count > 1}
        for part, other in _windows(ours, theirs):
            pairs += _in_order(part, other, drifts)
        return [
            _Pair(
                one.position,
                other.position,
                bool(one.callees & other.callees)
                or one.is_related(other)
                or (accepts_unknown and one.lacks_name(other)),
            )
            for one, other in pairs
        ]


def _drifts_around(anchors: Sequence[tuple[int, int]], calls: Mapping[int, object]) -> frozenset[int]:
    """How far mapped positions just before and just behind a function moved."""
    if not anchors:
        return frozenset()
    first = bisect_left(anchors, (min(calls), -1))
    last = bisect_right(anchors, (max(calls), _FUTURE))
    near = [*anchors[max(0, first - 1) : first], *anchors[last : last + 1]]
    return frozenset(after - before for before, after in near)


def _windows(ours: list[_Call], theirs: list[_Call]) -> list[tuple[list[_Call], list[_Call]]]:
    """The calls in pieces that are small enough to be aligned; pieces end at callees that each side has once."""
    if max(len(ours), len(theirs)) <= _MOST_POSITIONS:
        return [(ours, theirs)]
    cuts = [(0, 0), *_once_in_order(ours, theirs), (len(ours), len(theirs))]
    windows = []
    for (start, other_start), (stop, other_stop) in pairwise(cuts):
        # What is longer still is compared by rank, piece by piece.
        for step in range(0, max(stop - start, other_stop - other_start), _MOST_POSITIONS):
            part = ours[start + step : min(stop, start + step + _MOST_POSITIONS)]
            other = theirs[other_start + step : min(other_stop, other_start + step + _MOST_POSITIONS)]
            if part and other:
                windows.append((part, other))
    return windows


def _once_in_order(ours: list[_Call], theirs: list[_Call]) -> list[tuple[int, int]]:
    """Indexes of calls whose callees are once on each side, as many as keep their order (patience)."""
    counts: dict[frozenset[str], list[list[int]]] = {}
    for side, calls in enumerate((ours, theirs)):
        for index, call in enumerate(calls):
            counts.setdefault(call.callees, [[], []])[side].append(index)
    shared = sorted((mine[0], other[0]) for mine, other in counts.values() if len(mine) == len(other) == 1)
    tails: list[int] = []
    ends: list[int] = []
    previous = [-1] * len(shared)
    for index, (_, after) in enumerate(shared):
        slot = bisect_left(tails, after)
        previous[index] = ends[slot - 1] if slot else -1
        tails[slot : slot + 1] = [after]
        ends[slot : slot + 1] = [index]
    kept = []
    index = ends[-1] if ends else -1
    while index >= 0:
        kept.append(shared[index])
        index = previous[index]
    return kept[::-1]


def _in_order(ours: list[_Call], theirs: list[_Call], drifts: frozenset[int]) -> list[tuple[_Call, _Call]]:
    """The best alignment of two lists of calls that keeps their order."""
    if len(ours) == len(theirs):
        moved = {b.position - a.position for a, b in zip(ours, theirs, strict=True)}
        if len(moved) == 1 and all(a.callees & b.callees for a, b in zip(ours, theirs, strict=True)):
            return list(zip(ours, theirs, strict=True))
    best: list[list[float]] = []
    origin: list[list[tuple[int, int] | None]] = []
    top, end = -_FUTURE * 1.0, (0, 0)
    for i, ours_call in enumerate(ours):
        best.append([])
        origin.append([])
        for j, their_call in enumerate(theirs):
            drift = their_call.position - ours_call.position
            value = _callee_value(ours_call, their_call)
            if drifts:
                value += _AS_NEIGHBOUR if drift in drifts else _NOT_AS_NEIGHBOUR
            most, source = value - _SKIPPED * (i + j), None
            for a in range(max(0, i - _LOOK_BACK), i):
                earlier = best[a]
                position = ours[a].position
                for b in range(max(0, j - _LOOK_BACK), j):
                    reached = earlier[b] + value - _SKIPPED * (i - a + j - b - 2)
                    if theirs[b].position - position != drift:
                        reached -= _DRIFT_CHANGE
                    if reached > most:
                        most, source = reached, (a, b)
            best[i].append(most)
            origin[i].append(source)
            whole = most - _SKIPPED * (len(ours) - 1 - i + len(theirs) - 1 - j)
            if whole > top:
                top, end = whole, (i, j)
    pairs = []
    at: tuple[int, int] | None = end
    while at is not None:
        pairs.append((ours[at[0]], theirs[at[1]]))
        at = origin[at[0]][at[1]]
    return pairs[::-1]


def _callee_value(ours: _Call, theirs: _Call) -> float:
    shared = ours.callees & theirs.callees
    if shared and (len(shared) > 1 or _UNKNOWN not in shared):
        return _SAME_CALLEE
    if ours.is_related(theirs):
        return _RELATED_CALLEE
    if shared:
        return _SAME_CALLEE
    if ours.lacks_name(theirs):
        return _UNRELATED_CALLEE if ours.hints and theirs.hints else _MAYBE_CALLEE
    return _OTHER_CALLEE
