"""How alike two paths are below your code: the allocator and the library frames that call it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import eq
from typing import TypeVar

from leakreport.analysis.points import Leaf, Point
from leakreport.analysis.sites import Site
from leakreport.analysis.wording import words

_T = TypeVar("_T")

_LIBRARY, _ALLOCATOR = 0.6, 0.4
_LONGEST = 24
"""Library frames that are compared, from the innermost: template chains of deep libraries repeat."""
_STOP_WORDS = frozenset(
    "m std stl bits h new alloc allocator traits gnu cxx cpp tcc basic base detail rs mod core ext".split()
)


class Leaves:
    """Compares leaves; remembers what it has seen."""

    def __init__(self, points: Sequence[Point], *, by_address: bool) -> None:
        """Start with nothing remembered."""
        self._points = points
        self._by_address = by_address
        self._known: dict[tuple[Leaf, Leaf], float] = {}

    def similarity(self, before: Site, after: Site) -> float:
        """From -1 to 1, of the leaves that are most alike. Symmetric."""
        return max((self._of(a, b) for a in before.leaves for b in after.leaves), default=0.0)

    def _of(self, before: Leaf, after: Leaf) -> float:
        known = self._known.get((before, after))
        if known is None:
            compare = self._compare_real if self._by_address else self._compare
            same_names = self._same_names(before, after)
            known = self._known[before, after] = 2 * (compare(before, after) + 0.05 * same_names) - 1
        return known

    def _same_names(self, before: Leaf, after: Leaf) -> float:
        a, b = ({self._points[p].name for p in leaf.library if self._points[p].name.base} for leaf in (before, after))
        return len(a & b) / max(len(a), len(b)) if a and b else 0.0

    def _compare(self, before: Leaf, after: Leaf) -> float:
        """From 0 to 1."""
        allocator = _ALLOCATOR * (before.family == after.family)
        a, b = before.library[:_LONGEST], after.library[:_LONGEST]
        if not a and not b:
            return _LIBRARY + allocator
        if not a or not b:
            return 0.15 / _ALLOCATOR * allocator
        points = self._points
        one, other = points[a[0]], points[b[0]]
        is_nameless = any(all(points[p].name.base is None for p in side) for side in (a, b))
        if is_nameless and (one.file is None or other.file is None):
            return 0.35 + allocator
        shared = _common([points[p] for p in a], [points[p] for p in b], _is_alike)
        return _LIBRARY * (shared / (len(a) + len(b)) + 0.5 * shared / min(len(a), len(b))) + allocator

    def _compare_real(self, before: Leaf, after: Leaf) -> float:
        """The same where one side shows no inlined frames: a missing chain is weak evidence."""
        allocator = _ALLOCATOR * (before.family == after.family)
        a, b = (
            [base for p in leaf.real[:_LONGEST] if (base := self._points[p].name.base) is not None]
            for leaf in (before, after)
        )
        if not a and not b and (not before.library) == (not after.library):
            return _LIBRARY + allocator
        if a and b and (shared := _common(a, b, eq)):
            return _LIBRARY * (0.4 + 0.6 * shared / max(len(a), len(b))) + allocator
        x, y = self._words(before), self._words(after)
        if x & y:
            return _LIBRARY * (0.55 + 0.35 * len(x & y) / min(len(x), len(y))) + allocator
        if not a and not b:
            return _LIBRARY * 0.6 + allocator
        return _LIBRARY * (0.25 if before.library and after.library else 0.2) + allocator

    def _words(self, leaf: Leaf) -> set[str]:
        return {word for number in leaf.library[:_LONGEST] for word in point_words(self._points[number])}


@lru_cache(maxsize=1 << 13)
def point_words(point: Point) -> frozenset[str]:
    """What the names and the file of library code are about: `std::list<int>::push_back` and a frame in `stl_list.h`."""
    found: set[str] = set()
    if point.name.base is not None:
        found.update(words(point.name.base))
        if point.name.scope:
            found.update(words(point.name.scope[-1]))
    if point.file is not None:
        found.update(words(point.file.rsplit(".", 1)[0]))
    return frozenset(found - _STOP_WORDS)


def _is_alike(one: Point, other: Point) -> bool:
    """By name; where one has none, by file."""
    if one.name.base is not None and other.name.base is not None:
        return one.name.base == other.name.base
    return one.file == other.file


def _common(a: Sequence[_T], b: Sequence[_T], is_alike: Callable[[_T, _T], bool]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], diagonal + 1 if is_alike(x, y) else max(row[j], row[j - 1])
    return row[-1]
