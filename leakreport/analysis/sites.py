"""Paths as the matching sees them: frames reduced to points, paths to chains of your points, equal paths to one site.

A site is the unit of matching: all rows of one run whose chain is equal in every known part. Leak kinds are no part of
it: the head and the tail of a list differ in kind. Recursion is folded: depth is data, not identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from leakreport.analysis.identity import LAMBDA, CanonicalName, canonical_name, module_stem
from leakreport.analysis.report import Report
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame

_DEEPEST = 64
"""Points of a chain that are compared, from the innermost."""
_STAND_INS = 12
"""Library frames that stand in where a path has none of yours."""
_LINES_NEEDED = 0.4
"""Below this share of own frames with a line, on either side, addresses are the positions."""
_FOLD_TRIES = 16
_MOST_LEAVES = 6


class Side(NamedTuple):
    """One row of a report, as far as matching needs it."""

    id: str
    leak_kind: LeakKind
    frames: tuple[int, ...]
    """Indexes into `Paths.frames`, outermost first."""
    family: str
    """What was called to allocate: `malloc`, `new[]` …"""
    bytes: int = 0
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class Paths:
    """One side of a comparison."""

    frames: Sequence[Frame]
    own: Sequence[bool]
    """Per frame, whether it is yours."""
    rows: Sequence[Side]

    @classmethod
    def of(cls, report: Report) -> Paths:
        """The paths of a report, in its order."""
        rows = [
            Side(
                id=row.id,
                leak_kind=row.leak_kind,
                frames=row.frames,
                family=row.family,
                bytes=row.values.get("retained_bytes", 0),
                blocks=row.values.get("retained_blocks", 0),
            )
            for row in report.paths
        ]
        return cls(report.frames, report.own, rows)


class Point(NamedTuple):
    """A frame without what builds change at will: clones, folders, versions."""

    name: CanonicalName
    file: str | None
    """Without its folder."""
    position: int | None
    """The line; in address mode the return address, or the offset in the module."""
    module: str


class Leaf(NamedTuple):
    """What a path does below your code: the allocator, and the library frames that call it, innermost first."""

    family: str
    library: tuple[int, ...]
    real: tuple[int, ...]
    """Those of `library` that are no inlined code: a build without debug information shows these only."""


@dataclass(slots=True)
class Site:
    """Rows of one side with one chain."""

    chain: tuple[int, ...]
    """Point numbers, innermost first, recursion folded."""
    leaves: list[Leaf]
    rows: list[int]
    kinds: set[LeakKind]
    has_own: bool
    bytes: int = 0
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """Both sides, ready to be matched."""

    points: Sequence[Point]
    """Of both sides, in an order that does not depend on which is which."""
    before: list[Site]
    after: list[Site]
    by_address: bool


def subject_of(before: Paths, after: Paths) -> Subject:
    """The sites of both sides, each list in the order of its content."""
    by_address = min(_share_with_lines(before), _share_with_lines(after)) < _LINES_NEEDED
    both = [[_point(frame, by_address=by_address) for frame in side.frames] for side in (before, after)]
    points = sorted({point for side in both for point in side}, key=repr)
    number = {point: index for index, point in enumerate(points)}
    sides = [
        _sites(side, points, [number[point] for point in found], by_address=by_address)
        for side, found in zip((before, after), both, strict=True)
    ]
    return Subject(points, sides[0], sides[1], by_address)


def content(site: Site) -> tuple[object, ...]:
    """What a site is, apart from its place in the input: sorts and compares."""
    leaves = site.leaves if len(site.leaves) == 1 else sorted(site.leaves)
    kinds = tuple(site.kinds) if len(site.kinds) == 1 else tuple(sorted(site.kinds))
    return site.chain, leaves, site.has_own, site.bytes, site.blocks, kinds


def address_of(frame: Frame) -> int | None:
    """Where the code of a frame stands: in its file if that is known, else in memory."""
    return frame.address if frame.offset is None else frame.offset


def _share_with_lines(side: Paths) -> float:
    counts = [0] * len(side.frames)
    for row in side.rows:
        for index in row.frames:
            counts[index] += 1
    of_own = [
        (count, frame.line is not None)
        for count, frame, own in zip(counts, side.frames, side.own, strict=True)
        if own and count
    ]
    return sum(count for count, has_line in of_own if has_line) / max(1, sum(count for count, _ in of_own))


def _point(frame: Frame, *, by_address: bool) -> Point:
    return Point(
        name=canonical_name(frame.function),
        file=None if frame.file is None else frame.file.rsplit("/", 1)[-1],
        position=address_of(frame) if by_address else frame.line,
        module=module_stem(frame.module),
    )


class _Reader:
    """Makes chains of the rows of one side."""

    def __init__(self, side: Paths, points: Sequence[Point], numbers: Sequence[int], *, by_address: bool) -> None:
        self._points = points
        self._number = numbers
        self._by_address = by_address
        self._own = side.own
        self._address = [address_of(frame) for frame in side.frames]
        self._base = [points[number].name.base for number in numbers]
        self._family = [(base or "").replace("operator_cv_", "") for base in self._base]
        # The Rust run-time is called by a C main that no source has.
        self._is_c_main = [frame.function == "main" and frame.line is None for frame in side.frames]
        self._starts_rust = [base == "lang_start" for base in self._base]

    def chain(self, row: Side) -> tuple[tuple[int, ...], Leaf, bool]:
        """The folded chain of a row, its leaf, and whether the chain is of own points."""
        inner_first = row.frames[::-1]
        stack = inner_first[self._allocator_frames(inner_first, row.family) :]
        is_rust = any(map(self._starts_rust.__getitem__, stack))
        dropped = self._inlined(stack) if self._by_address else set()
        own: list[int] = []
        library: list[int] = []
        real: list[int] = []
        outermost = -1
        for position, frame in enumerate(stack):
            if self._own[frame]:
                if position not in dropped:
                    own.append(self._number[frame])
                    outermost = frame
            elif not own:
                library.append(self._number[frame])
                if position not in dropped:
                    real.append(self._number[frame])
        if is_rust and len(own) > 1 and self._is_c_main[outermost]:
            own.pop()
        leaf = Leaf(row.family, tuple(library), tuple(real))
        chain = own or (real or library)[:_STAND_INS]
        return tuple(fold(chain, self._points)[:_DEEPEST]), leaf, bool(own)

    def _allocator_frames(self, inner_first: Sequence[int], family: str) -> int:
        """How many frames at the inner end are the allocator's own."""
        if not family:
            return 0
        for position, frame in enumerate(inner_first):
            if self._own[frame]:
                break
            if self._family[frame] == family:
                return position + 1
        return 0

    def _inlined(self, stack: Sequence[int]) -> set[int]:
        """Positions of inlined code that a build without debug information cannot show; your named functions stay."""
        address = self._address
        return {
            position
            for position in range(len(stack) - 1)
            if address[stack[position]] is not None
            and address[stack[position]] == address[stack[position + 1]]
            and not (self._own[stack[position]] and self._base[stack[position]] not in {None, LAMBDA})
        }


def fold(chain: Sequence[int], points: Sequence[Point]) -> list[int]:
    """A chain, innermost first, with each recursion reduced to its innermost round."""
    bases = [base for number in chain if (base := points[number].name.base) is not None]
    if len(set(bases)) == len(bases):
        return list(chain)
    places: dict[str, list[int]] = {}
    for position in range(len(chain) - 1, -1, -1):
        base = points[chain[position]].name.base
        if base is not None and base != LAMBDA:
            places.setdefault(base, []).append(position)
    folded = []
    position = 0
    while position < len(chain):
        point = points[chain[position]]
        folded.append(chain[position])
        outermost = position
        for other in places.get(point.name.base or "", ())[:_FOLD_TRIES]:
            if other <= position:
                break
            if _may_be_one_function(point, points[chain[other]]):
                outermost = other
                break
        position = outermost + 1
    return folded


def _may_be_one_function(one: Point, other: Point) -> bool:
    """Whether two points of one run can be the same function: no known part differs."""
    a, b = one.name, other.name
    return (
        one.module == other.module
        and not (a.arguments and b.arguments and a.arguments != b.arguments)
        and not (a.template_arguments and b.template_arguments and a.template_arguments != b.template_arguments)
        and not (a.scope is not None and b.scope is not None and a.scope != b.scope)
        and (one.file is None or other.file is None or one.file == other.file)
    )


def _sites(side: Paths, points: Sequence[Point], numbers: Sequence[int], *, by_address: bool) -> list[Site]:
    reader = _Reader(side, points, numbers, by_address=by_address)
    found: dict[tuple[object, ...], Site] = {}
    for index, row in enumerate(side.rows):
        chain, leaf, has_own = reader.chain(row)
        # Where lines do not tell neighbours apart, what they call does.
        is_vague = by_address or not has_own or not chain or points[chain[0]].position is None
        key = (chain, leaf if is_vague else None, has_own)
        site = found.get(key)
        if site is None:
            site = found[key] = Site(chain, [], [], set(), has_own)
        if leaf not in site.leaves and len(site.leaves) < _MOST_LEAVES:
            site.leaves.append(leaf)
        site.rows.append(index)
        site.kinds.add(row.leak_kind)
        site.bytes += row.bytes
        site.blocks += row.blocks
    return sorted(found.values(), key=content)


Amounts = tuple[int, int]
"""Bytes and blocks."""


def amounts(sites: Iterable[Site]) -> Amounts:
    """Bytes and blocks together."""
    found = list(sites)
    return sum(site.bytes for site in found), sum(site.blocks for site in found)
