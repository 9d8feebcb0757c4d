"""Which paths of successive builds are one series: by id, and where that does not do, by matching."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from leakreport.analysis.explaining import Confidence, Match, MatchedAs
from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.matching import match
from leakreport.analysis.paths import PathTable
from leakreport.analysis.sites import Paths
from leakreport.analysis.unions import Unions
from leakreport.model.columns import Int64Column
from leakreport.model.raw import Frame

_TRUSTED = frozenset((Confidence.CERTAIN, Confidence.LIKELY))
_JOINING = frozenset((MatchedAs.SPLIT, MatchedAs.MERGED))


class Build(NamedTuple):
    """Runs in a row of one program as it was built once."""

    rows: Int64Column
    """Rows that any of them has."""
    points: tuple[int, ...]
    """The runs, in order."""


class Joined(NamedTuple):
    """Series, numbered from 0."""

    series_of_row: Sequence[Int64Column]
    """Per build, the series of each of its rows."""
    representative: Int64Column
    """Per series the row of the last build that has it."""
    ids: Sequence[str]
    other_ids: Mapping[int, tuple[str, ...]]
    """By series, the ids in earlier builds that differ."""


Key = tuple[int, int, int]
"""Canonical text, ordinal among its twins, leak kind: what the id of a path stands for, with its kind."""


class _Member(NamedTuple):
    """What is asked of a build: one entry per row of it."""

    keys: Sequence[Key]
    ids: Sequence[str]
    twins: Mapping[int, int]
    """Per canonical text, how many stacks have it."""


def join_builds(
    rows: PathTable,
    builds: Sequence[Build],
    held: Sequence[Int64Column],
    frames: Sequence[Frame],
    columns: FrameColumns,
) -> Joined:
    """The series of all rows of all builds. Two rows of one build are in one series only if the matching joins them."""
    if len(builds) == 1:
        return Joined([np.arange(len(rows))], np.arange(len(rows)), rows.ids(), {})
    union_ids = _ids_by_key(rows)
    members = [_member(rows, build, union_ids) for build in builds]
    starts = np.cumsum([0, *(len(build.rows) for build in builds)]).tolist()
    unions = Unions(starts[-1])
    latest: dict[Key, int] = {}
    for number, member in enumerate(members):
        start = starts[number]
        if number:
            before = starts[number - 1]
            partner = _partners(member, members[number - 1], latest, before)
            partner = _without_taken(partner, unions, range(before, start))
            for row, other in partner.items():
                unions.join(other, start + row)
            two = slice(number - 1, number + 1)
            for one, other in _matched(rows, builds[two], partner, before, held, frames, columns):
                unions.join(before + one, start + other)
        latest.update((key, start + row) for row, key in enumerate(member.keys))
    return _numbered(builds, members, starts, unions, held)


def _ids_by_key(rows: PathTable) -> dict[tuple[int, int], str]:
    """The id of each canonical text and ordinal: twins of all builds together have all ordinals that those of one have."""
    paths = rows.paths
    ids = [identity.decode("ascii") for identity in paths.ids.tolist()]
    return dict(zip(zip(paths.text.tolist(), paths.ordinal.tolist(), strict=True), ids, strict=True))


def _member(rows: PathTable, build: Build, union_ids: Mapping[tuple[int, int], str]) -> _Member:
    paths = rows.paths
    stack_of_row = rows.stack[build.rows]
    stacks, place = np.unique(stack_of_row, return_inverse=True)
    text, ordinal = paths.text[stacks], paths.ordinal[stacks]
    order = np.lexsort((ordinal, text))
    is_first = np.concatenate([[True], np.diff(text[order]) != 0])[: len(order)]
    begins = np.flatnonzero(is_first)
    own = np.empty(len(stacks), dtype=np.int64)
    own[order] = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    texts, ordinals = text[place].tolist(), own[place].tolist()
    kinds = rows.leak_kind[build.rows].tolist()
    return _Member(
        keys=list(zip(texts, ordinals, kinds, strict=True)),
        ids=[union_ids[key] for key in zip(texts, ordinals, strict=True)],
        twins=Counter(text.tolist()),
    )


def _partners(member: _Member, earlier: _Member, latest: Mapping[Key, int], start: int) -> dict[int, int]:
    """Per row that has one, the last row before it with the same id and kind.

    Where a twin came or went, ordinals count other paths than before: such rows are left to the matching.
    """
    found = {}
    for row, key in enumerate(member.keys):
        other = latest.get(key)
        if other is None:
            continue
        twins = earlier.twins.get(key[0], 0)
        if twins == member.twins[key[0]] or (other < start and not twins):
            found[row] = other
    return found


def _without_taken(partner: dict[int, int], unions: Unions, before: range) -> dict[int, int]:
    """Partners of the build before, and older ones whose series no other path carries on."""
    if all(other >= before.start for other in partner.values()):
        return partner
    taken = {unions.of(number) for number in before}
    found = {}
    for row, other in partner.items():
        series = unions.of(other)
        if other >= before.start or series not in taken:
            found[row] = other
            taken.add(series)
    return found


def _matched(
    rows: PathTable,
    builds: Sequence[Build],
    partner: Mapping[int, int],
    start: int,
    held: Sequence[Int64Column],
    frames: Sequence[Frame],
    columns: FrameColumns,
) -> list[tuple[int, int]]:
    """Pairs of rows of two successive builds, by their places there, that the matching is sure of and ids do not tell."""
    before, after = builds
    taken = {other - start for other in partner.values() if other >= start}
    if len(taken) == len(before.rows) or len(partner) == len(after.rows):
        return []
    # The amounts at the change: the last run before it, the first one after.
    old, new = (
        _paths(rows, build, held[build.points[place]], frames, columns)
        for build, place in zip(builds, (-1, 0), strict=True)
    )
    found = []
    for one in match(old, new).all_matches():
        if one.confidence in _TRUSTED and _is_open(one, partner, taken, start):
            found += [(row, other) for row in one.before for other in one.after]
    return found


def _is_open(one: Match, partner: Mapping[int, int], taken: set[int], start: int) -> bool:
    if one.matched_as not in _JOINING:
        return not any(row in partner for row in one.after) and not any(row in taken for row in one.before)
    inside = set(one.before)
    is_within = all(partner[row] - start in inside for row in one.after if row in partner)
    known = {partner[row] - start for row in one.after if row in partner}
    return is_within and not any(row in taken and row not in known for row in one.before)


def _paths(
    rows: PathTable,
    build: Build,
    held: Int64Column,
    frames: Sequence[Frame],
    columns: FrameColumns,
) -> Paths:
    every = Paths(
        frames=[frame.actual for frame in frames],
        own=columns.is_own,
        stacks=rows.paths.stacks,
        families=rows.paths.families,
        stack=rows.stack,
        leak_kind=rows.leak_kind,
        bytes=held,
        blocks=np.zeros(len(rows), dtype=np.int64),
    )
    return every.taken(build.rows)


def _numbered(
    builds: Sequence[Build],
    members: Sequence[_Member],
    starts: Sequence[int],
    unions: Unions,
    held: Sequence[Int64Column],
) -> Joined:
    """Series in the order of their first rows; each is called as its largest row in the last build that has it."""
    names = np.fromiter((unions.of(number) for number in range(starts[-1])), np.int64, starts[-1])
    _, series = np.unique(names, return_inverse=True)
    every_row = np.concatenate([build.rows for build in builds])
    build_of = np.repeat(np.arange(len(builds)), [len(build.rows) for build in builds])
    amounts = np.concatenate([held[build.points[-1]][build.rows] for build in builds])
    order = np.lexsort((-np.arange(starts[-1]), amounts, build_of, series))
    last = order[np.append(np.diff(series[order]) != 0, True)] if len(order) else order
    ids = [identity for member in members for identity in member.ids]
    others: dict[int, list[str]] = {}
    for number, one in enumerate(series.tolist()):
        if ids[number] != ids[last[one]]:
            others.setdefault(one, []).append(ids[number])
    return Joined(
        series_of_row=[series[start:end] for start, end in pairwise(starts)],
        representative=every_row[last],
        ids=[ids[number] for number in last.tolist()],
        other_ids={one: tuple(dict.fromkeys(found)) for one, found in others.items()},
    )
