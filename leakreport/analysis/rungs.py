"""The rungs that pair most paths without comparing any: equal machine code, and equal names at mapped positions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.callsites import CallMap, CallSites
from leakreport.analysis.groups import Decision, Group, SitePairs, connected, equal_stacks
from leakreport.analysis.identity import canonical_name, module_stem
from leakreport.analysis.learning import BASE, FILE, MODULE, SCOPE, Learned
from leakreport.analysis.points import address_of
from leakreport.analysis.sites import Paths, SiteTable, Subject
from leakreport.analysis.stacks import Stacks
from leakreport.model.columns import BoolColumn, Int32Column, Int64Column

_SAME_CODE = 0.6
"""Share of rows on both sides that must have a partner with equal addresses."""
_SURE = 0.9
"""Support from which a rename counts as known."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio, as in Knuth's multiplicative hashing."""

CodeKey = tuple[str, bytes]


class SameCode(NamedTuple):
    """What equal machine code pairs."""

    pairs: SitePairs
    groups: list[Group]
    """Where several sites of a side belong together."""


_NOTHING = np.zeros(0, dtype=np.int64)
NO_CODE = SameCode(SitePairs(_NOTHING, _NOTHING, Decision.CODE), [])


class CodePairs(NamedTuple):
    """Rows at equal addresses."""

    before: Int64Column
    after: Int64Column
    has_equal_names: BoolColumn
    """Whether your code has the same names at them, or none on either side."""


def same_code(before: Paths, after: Paths, subject: Subject) -> SameCode:
    """Pairs of sites whose rows stand at equal addresses, if that holds for most rows: the code did not change.

    In address mode only: where lines are known, two statements that were swapped keep every address. Whole stacks come
    first: they also tell apart what differs in libraries only, and programs that have no code of yours.
    """
    found = code_pairs(before, after)
    return _joined(np.stack([found.before, found.after], axis=1), subject) if len(found.before) else NO_CODE


def code_pairs(before: Paths, after: Paths) -> CodePairs:
    """Pairs of rows at equal addresses, if that holds for most rows; none otherwise."""
    places: dict[Hashable, int] = {}
    known: dict[CodeKey, int] = {}
    ours, theirs = (_Code(side, places, known) for side in (before, after))
    counts = [np.bincount(code.own_code, minlength=len(known)) for code in (ours, theirs)]
    is_shared = (counts[0] > 0) & (counts[1] > 0)
    is_shared[[number for (_, text), number in known.items() if not text]] = False
    for code, side in ((ours, before), (theirs, after)):
        if int(is_shared[code.own_code].sum()) < _SAME_CODE * max(1, len(side)):
            return CodePairs(_NOTHING, _NOTHING, np.zeros(0, dtype=np.bool_))
    is_single = is_shared & (counts[0] == 1) & (counts[1] == 1)
    pairs = [np.stack([code.rows_of(is_single) for code in (ours, theirs)], axis=1)]
    # What is the same in your code may differ in library code.
    several = [code.grouped(is_shared & ~is_single) for code in (ours, theirs)]
    for number, rows in several[0].items():
        mine, others = ours.by_whole_code(rows), theirs.by_whole_code(several[1][number])
        same = [(mine[text], others[text]) for text in mine if text in others]
        # Of one stack there is a row per leak kind, in the order of kinds; several stacks without a difference tell nothing.
        told = [
            pair
            for one, two in same
            if len(one) == len(two) and len({int(before.stack[row]) for row in one}) == 1
            for pair in zip(one, two, strict=True)
        ]
        pairs.append(np.asarray(told).reshape(-1, 2))
    found = np.concatenate(pairs).astype(np.int64)
    names: dict[Hashable, int] = {}
    is_equal = equal_stacks(
        _named(before, names), before.stack[found[:, 0]], _named(after, names), after.stack[found[:, 1]]
    )
    agrees = is_equal.copy()
    for index in np.flatnonzero(~is_equal).tolist():
        row, other = found[index].tolist()
        one, two = _names_by_place(before, row), _names_by_place(after, other)
        agrees[index] = all(some & two[address] for address, some in one.items() if address in two)
    return CodePairs(found[agrees, 0], found[agrees, 1], is_equal[agrees])


class _Code:
    """The addresses on the stacks of one side."""

    def __init__(self, side: Paths, places: dict[Hashable, int], known: dict[CodeKey, int]) -> None:
        self._side = side
        found = [
            -1
            if address is None or (address == 0 and frame.offset is None)
            else places.setdefault((module_stem(frame.module), address), len(places))
            for frame, address in ((frame, address_of(frame)) for frame in side.frames)
        ]
        self._place = np.asarray(found, dtype=np.int32)
        # Inlined code has its caller's address, and in some formats none.
        whole = [
            -1
            if place < 0 and frame.function is None
            else places.setdefault((place, frame.function, frame.file, frame.line), len(places))
            for place, frame in zip(found, side.frames, strict=True)
        ]
        self._whole = np.asarray(whole, dtype=np.int32)
        texts = _texts(self._own_places())
        for stack in [number for number, text in enumerate(texts) if not text]:
            # Where a stack has no address of yours, all that is known of all its frames.
            texts[stack] = self._whole_text(stack)
        numbers = [known.setdefault(key, len(known)) for key in zip(side.families, texts, strict=True)]
        self.own_code = np.asarray(numbers, dtype=np.int64)[side.stack]
        """Per row one number for its allocator and the addresses in the modules that hold your code."""

    def _own_places(self) -> Stacks:
        """Inlined frames share a place."""
        side, stacks = self._side, self._side.stacks
        modules = {frame.module for frame, own in zip(side.frames, side.own.tolist(), strict=True) if own}
        is_own = np.fromiter((frame.module in modules for frame in side.frames), np.bool_, len(side.frames))
        inside = stacks.kept(((self._place >= 0) & is_own)[stacks.flat])
        codes = self._place[inside.flat]
        is_other = np.ones(len(codes), dtype=np.bool_)
        is_other[1:] = (codes[1:] != codes[:-1]) | (inside.owner[1:] != inside.owner[:-1])
        return Stacks(codes, inside.offsets).kept(is_other)

    def rows_of(self, is_wanted: BoolColumn) -> Int64Column:
        """The rows with some codes, in the order of the codes; each has one."""
        rows = np.flatnonzero(is_wanted[self.own_code])
        return rows[np.argsort(self.own_code[rows])]

    def grouped(self, is_wanted: BoolColumn) -> dict[int, list[int]]:
        """The rows with some codes, by code."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for row in np.flatnonzero(is_wanted[self.own_code]).tolist():
            found[int(self.own_code[row])].append(row)
        return found

    def by_whole_code(self, rows: Sequence[int]) -> dict[bytes, list[int]]:
        """Some rows by all that is known of all their frames; no rows with a frame of which nothing is known."""
        found: defaultdict[bytes, list[int]] = defaultdict(list)
        for row in rows:
            if text := self._whole_text(int(self._side.stack[row])):
                found[text].append(row)
        return found

    def _whole_text(self, stack: int) -> bytes:
        whole = self._whole[self._side.stacks[stack]]
        return whole.tobytes() if (whole >= 0).all() else b""


def _texts(stacks: Stacks) -> list[bytes]:
    """Each stack as one text: equal stacks have equal texts."""
    content = stacks.flat.tobytes()
    return [content[start:stop] for start, stop in pairwise((stacks.offsets * stacks.flat.itemsize).tolist())]


def _named(side: Paths, names: dict[Hashable, int]) -> Stacks:
    """Your names with their addresses, on each stack: where these are equal, names agree."""
    code = np.fromiter(
        (
            names.setdefault((canonical_name(frame.function).base, address), len(names))
            if own and frame.function is not None and (address := address_of(frame)) is not None
            else -1
            for frame, own in zip(side.frames, side.own.tolist(), strict=True)
        ),
        np.int32,
        len(side.frames),
    )
    kept = side.stacks.kept(code[side.stacks.flat] >= 0)
    return Stacks(code[kept.flat], kept.offsets)


def _names_by_place(side: Paths, row: int) -> dict[int, set[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    for index in side.row(row).frames:
        frame = side.frames[index]
        address = address_of(frame)
        if side.own[index] and frame.function is not None and address is not None:
            found[address].add(canonical_name(frame.function).base or "")
    return found


def _joined(rows: Int64Column, subject: Subject) -> SameCode:
    """The sites of paired rows; sites that share one become one group."""
    sites = np.unique(
        np.stack([_site_of_rows(subject.before)[rows[:, 0]], _site_of_rows(subject.after)[rows[:, 1]]], axis=1), axis=0
    )
    is_alone = np.ones(len(sites), dtype=np.bool_)
    for side in (0, 1):
        is_alone &= np.bincount(sites[:, side], minlength=1)[sites[:, side]] == 1
    groups = []
    for members in connected([(one, other) for one, other in sites[~is_alone].tolist()]):
        before = [subject.before[number] for side, number in members if side == 0]
        after = [subject.after[number] for side, number in members if side == 1]
        groups.append(Group(before, after, Decision.CODE, 1.0))
    return SameCode(SitePairs(sites[is_alone, 0], sites[is_alone, 1], Decision.CODE), groups)


def _site_of_rows(sites: SiteTable) -> Int64Column:
    found = np.empty(len(sites.rows.flat), dtype=np.int64)
    found[sites.rows.flat] = sites.rows.owner
    return found


class MappedRung:
    """Pairs the sites whose names are equal, or surely renamed, and whose calls are all mapped. Linear."""

    def __init__(self, subject: Subject, calls: CallSites) -> None:
        """Prepare what does not change from round to round."""
        self._subject = subject
        self._calls = calls
        below: dict[Hashable, int] = {}
        self._leaf = [self._leaf_numbers(sites, below) for sites in (subject.before, subject.after)]

    def pairs(self, free: tuple[BoolColumn, BoolColumn], learned: Learned, call_map: CallMap) -> SitePairs:
        """Pairs whose key is there once on each side, among the sites that are free."""
        known: dict[Hashable, int] = {}
        renames = {part: learned.best_image(part, _SURE) for part in (BASE, SCOPE, FILE, MODULE)}
        count = range(len(self._subject.points))
        codes = [
            np.fromiter((self._code(p, known, images, call_map) for p in count), np.int32, len(count))
            for images in (renames, None)
        ]
        sides = (self._subject.before, self._subject.after)
        ours, theirs = (
            _once(sites, np.flatnonzero(is_free & sites.has_own), code, leaf)
            for sites, is_free, code, leaf in zip(sides, free, codes, self._leaf, strict=True)
        )
        _, mine, other = np.intersect1d(ours.keys, theirs.keys, assume_unique=True, return_indices=True)
        order = np.argsort(ours.sites[mine])
        mine, other = mine[order], other[order]
        is_equal = equal_stacks(ours.codes, mine, theirs.codes, other)
        return SitePairs(ours.sites[mine][is_equal], theirs.sites[other][is_equal], Decision.MAPPED)

    def _code(
        self,
        number: int,
        known: dict[Hashable, int],
        renames: Mapping[str, Mapping[Hashable, Hashable]] | None,
        call_map: CallMap,
    ) -> int:
        """One number for the same name and position on the after side; -1 where that is not known."""
        point = self._subject.points[number]
        name = point.name
        if name.base is None:
            return -1
        place = self._calls.place[number]
        if place >= 0:
            place = call_map.forward.get(place, -2) if renames is not None else place
            if place not in call_map.backward:
                return -1
        label = (name.base, name.scope, None if self._subject.by_address else point.file, point.module)
        if renames is not None:
            label = tuple(  # type: ignore[assignment]
                renames[part].get(value, value) for part, value in zip((BASE, SCOPE, FILE, MODULE), label, strict=True)
            )
        return known.setdefault((label, name.template_arguments, name.arguments, place), len(known))

    def _leaf_numbers(self, sites: SiteTable, below: dict[Hashable, int]) -> Int64Column:
        """Per site one number for the same names below your code."""
        points = self._subject.points
        names: list[Sequence[Hashable]] = [
            [(leaf.family, tuple([points[p].name.base or "" for p in leaf.library])) for leaf in leaves]
            for leaves in sites.leaves
        ]
        numbers = [below.setdefault(tuple(sorted(found, key=repr)), len(below)) for found in names]
        return np.asarray(numbers, dtype=np.int64)[sites.leaf] if numbers else np.zeros(0, dtype=np.int64)


class _Once(NamedTuple):
    """Sites whose key no other site has."""

    keys: NDArray[np.uint64]
    """In order."""
    sites: Int64Column
    codes: Stacks
    """Per site the codes of its points."""


def _once(sites: SiteTable, chosen: Int64Column, code: Int32Column, leaf: Int64Column) -> _Once:
    """Of the chosen sites those whose points all have a code, and whose key is there once."""
    codes = sites.chains.taken(chosen)
    codes = Stacks(code[codes.flat], codes.offsets)
    coded = np.flatnonzero(codes.count(codes.flat < 0) == 0)
    codes, chosen = codes.taken(coded), chosen[coded]
    keys, first, counts = np.unique(_keys(codes, leaf[chosen]), return_index=True, return_counts=True)
    single = first[counts == 1]
    return _Once(keys[counts == 1], chosen[single], codes.taken(single))


def _keys(codes: Stacks, leaf: Int64Column) -> NDArray[np.uint64]:
    """Per site a hash of the codes of its points, in order, and of what is below."""
    place = (np.arange(len(codes.flat), dtype=np.int64) - codes.offsets[codes.owner]).astype(np.uint64)
    mixed = _mixed(codes.flat.astype(np.uint64) + (place << np.uint64(32)))
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(mixed, dtype=np.uint64)])
    return _mixed(sums[codes.offsets[1:]] - sums[codes.offsets[:-1]] + _mixed(leaf.astype(np.uint64)))


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread over all bits. Source: the finaliser of splitmix64 (Steele, Lea, Flood, 2014)."""
    z = (numbers + np.uint64(1)) * _FACTOR
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
