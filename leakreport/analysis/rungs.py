"""The rungs that pair most paths without comparing any: equal machine code, and equal names at mapped positions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

from leakreport.analysis.callsites import CallMap, CallSites
from leakreport.analysis.groups import Decision, Group, connected
from leakreport.analysis.identity import canonical_name, module_stem
from leakreport.analysis.learning import BASE, FILE, MODULE, SCOPE, Learned
from leakreport.analysis.sites import Paths, Site, Subject, address_of

_SAME_CODE = 0.6
"""Share of rows on both sides that must have a partner with equal addresses."""
_SURE = 0.9
"""Support from which a rename counts as known."""

CodeKey = tuple[Hashable, ...]


def same_code(before: Paths, after: Paths, subject: Subject) -> list[Group]:
    """Groups of sites whose rows stand at equal addresses, if that holds for most rows: the code did not change.

    In address mode only: where lines are known, two statements that were swapped keep every address. Whole stacks come
    first: they also tell apart what differs in libraries only, and programs that have no code of yours.
    """
    whole = _shared(_rows_by_stack(before), _rows_by_stack(after), before, after)
    pairs = [(ours[0], theirs[0]) for ours, theirs in whole]
    done = {row for ours, _ in whole for row in ours}, {row for _, theirs in whole for row in theirs}
    pairs += [
        (ours[0], theirs[0])
        for ours, theirs in _shared(_rows_by_code(before), _rows_by_code(after), before, after)
        if len(ours) == len(theirs) == 1
        and ours[0] not in done[0]
        and theirs[0] not in done[1]
        and _names_agree(_names_by_place(before, ours[0]), _names_by_place(after, theirs[0]))
    ]
    return _joined(pairs, subject)


def _shared(
    ours: Mapping[CodeKey, list[int]], theirs: Mapping[CodeKey, list[int]], before: Paths, after: Paths
) -> list[tuple[list[int], list[int]]]:
    """Rows of both sides with equal keys; none unless most rows of each side are among them."""
    shared = [key for key in ours if key in theirs and len(key) > 1]
    for rows, side in ((ours, before), (theirs, after)):
        if sum(len(rows[key]) for key in shared) < _SAME_CODE * max(1, len(side.rows)):
            return []
    return [(ours[key], theirs[key]) for key in shared]


def _rows_by_stack(side: Paths) -> dict[CodeKey, list[int]]:
    """Rows by allocator and all frames with what is known of each; no rows with a frame of which nothing is known."""
    what = [
        (module_stem(frame.module), address_of(frame), frame.function, frame.file, frame.line) for frame in side.frames
    ]
    found: defaultdict[CodeKey, list[int]] = defaultdict(list)
    is_known = [address is not None or function is not None for _, address, function, *_ in what]
    for index, row in enumerate(side.rows):
        if all(is_known[frame] for frame in row.frames):
            found[(row.family, *(what[frame] for frame in row.frames))].append(index)
    return found


def _own_modules(side: Paths) -> set[str | None]:
    return {frame.module for frame, own in zip(side.frames, side.own, strict=True) if own}


def _rows_by_code(side: Paths) -> dict[CodeKey, list[int]]:
    """Rows by allocator and addresses in the modules that hold your code; inlined frames share theirs."""
    modules = _own_modules(side)
    where = [
        (module_stem(frame.module), address) if frame.module in modules and (address := address_of(frame)) else None
        for frame in side.frames
    ]
    found: defaultdict[CodeKey, list[int]] = defaultdict(list)
    for index, row in enumerate(side.rows):
        key: list[Hashable] = [row.family]
        for frame in row.frames:
            place = where[frame]
            if place is not None and place != key[-1]:
                key.append(place)
        found[tuple(key)].append(index)
    return found


def _names_by_place(side: Paths, row: int) -> dict[int, set[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    for index in side.rows[row].frames:
        frame = side.frames[index]
        address = address_of(frame)
        if side.own[index] and frame.function is not None and address is not None:
            found[address].add(canonical_name(frame.function).base or "")
    return found


def _names_agree(ours: Mapping[int, set[str]], theirs: Mapping[int, set[str]]) -> bool:
    return all(names & theirs[address] for address, names in ours.items() if address in theirs)


def _joined(pairs: Sequence[tuple[int, int]], subject: Subject) -> list[Group]:
    """The sites of paired rows; sites that share one become one group."""
    site_of: tuple[dict[int, int], dict[int, int]] = (
        {row: number for number, site in enumerate(subject.before) for row in site.rows},
        {row: number for number, site in enumerate(subject.after) for row in site.rows},
    )
    groups = []
    for members in connected((site_of[0][one], site_of[1][other]) for one, other in pairs):
        before = [subject.before[number] for side, number in members if side == 0]
        after = [subject.after[number] for side, number in members if side == 1]
        groups.append(Group(before, after, Decision.CODE, 1.0))
    return groups


class MappedRung:
    """Pairs the sites whose names are equal, or surely renamed, and whose calls are all mapped. Linear."""

    def __init__(self, subject: Subject, calls: CallSites) -> None:
        """Prepare what does not change from round to round."""
        self._points = subject.points
        self._calls = calls
        self._by_address = subject.by_address

    def pairs(
        self, before: Sequence[Site], after: Sequence[Site], learned: Learned, call_map: CallMap
    ) -> list[tuple[Site, Site]]:
        """Pairs whose key is there once on each side."""
        known: dict[Hashable, int] = {}
        renames = {part: learned.best_image(part, _SURE) for part in (BASE, SCOPE, FILE, MODULE)}
        ours = [self._code(p, known, renames, call_map) for p in range(len(self._points))]
        theirs = [self._code(p, known, None, call_map) for p in range(len(self._points))]
        mine, other = self._by_key(before, ours), self._by_key(after, theirs)
        return [
            (sites[0], other[key][0]) for key, sites in mine.items() if len(sites) == 1 and len(other.get(key, ())) == 1
        ]

    def _code(
        self,
        number: int,
        known: dict[Hashable, int],
        renames: Mapping[str, Mapping[Hashable, Hashable]] | None,
        call_map: CallMap,
    ) -> int:
        """One number for the same name and position on the after side; -1 where that is not known."""
        point = self._points[number]
        name = point.name
        if name.base is None:
            return -1
        place = self._calls.place[number]
        if place >= 0:
            place = call_map.forward.get(place, -2) if renames is not None else place
            if place not in call_map.backward:
                return -1
        label = (name.base, name.scope, None if self._by_address else point.file, point.module)
        if renames is not None:
            label = tuple(  # type: ignore[assignment]
                renames[part].get(value, value) for part, value in zip((BASE, SCOPE, FILE, MODULE), label, strict=True)
            )
        return known.setdefault((label, name.template_arguments, name.arguments, place), len(known))

    def _by_key(self, sites: Sequence[Site], codes: Sequence[int]) -> dict[Hashable, list[Site]]:
        found: dict[Hashable, list[Site]] = {}
        for site in sites:
            chain = tuple([codes[p] for p in site.chain])
            if site.has_own and -1 not in chain:
                found.setdefault((chain, self._leaf(site)), []).append(site)
        return found

    def _leaf(self, site: Site) -> Hashable:
        points = self._points
        found = [(leaf.family, tuple([points[p].name.base or "" for p in leaf.library])) for leaf in site.leaves]
        return found[0] if len(found) == 1 else tuple(sorted(found))
