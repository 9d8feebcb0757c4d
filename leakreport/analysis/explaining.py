"""What people read about a match: how the paths differ, how far it can be trusted, and one line of evidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from leakreport.analysis.groups import BY_AMOUNTS, Decision, Group
from leakreport.analysis.identity import canonical_name, module_stem
from leakreport.analysis.points import Point, address_of
from leakreport.analysis.settling import Settled
from leakreport.analysis.sites import Paths, Subject
from leakreport.analysis.tokens import Told
from leakreport.model.columns import Int64Column
from leakreport.model.raw import Frame

_LIKELY_SCORE, _LIKELY_LEAD = 0.7, 0.1
EQUAL_CODE = "the same frames at the same places: the machine code did not change"
_EQUAL = "equal names and positions"


class MatchedAs(StrEnum):
    """How the paths of a match differ. Source: `docs/json.md`."""

    EXACT = "exact"
    MOVED = "moved"
    RENAMED = "renamed"
    RESHAPED = "reshaped"
    SPLIT = "split"
    MERGED = "merged"


class Confidence(StrEnum):
    """How far a match can be trusted; measured in `docs/identity.md`."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"
    BY_AMOUNTS = "by-amounts"


class Match(NamedTuple):
    """Rows of both sides that are one leak."""

    before: tuple[int, ...]
    """Indexes into the rows of the before side."""
    after: tuple[int, ...]
    matched_as: MatchedAs
    score: float
    """From 0 to 1."""
    confidence: Confidence
    evidence: str


class Unmatched(NamedTuple):
    """A row of one side without a partner."""

    row: int
    tie: int | None
    """One number for all rows of both sides that could be each other: judge their sum."""
    evidence: str


class Unchanged(NamedTuple):
    """Matches of one row on each side whose frames are equal, in columns: exact, certain, with one evidence for all."""

    before: Int64Column
    after: Int64Column
    evidence: str

    def matches(self) -> Iterator[Match]:
        """One by one."""
        for one, other in zip(self.before.tolist(), self.after.tolist(), strict=True):
            yield Match((one,), (other,), MatchedAs.EXACT, 1.0, Confidence.CERTAIN, self.evidence)


class Explained(NamedTuple):
    """Every row of both sides, once."""

    unchanged: list[Unchanged]
    matches: list[Match]
    gone: list[Unmatched]
    new: list[Unmatched]


def explained(settled: Settled, subject: Subject, before: Paths, after: Paths, told: Told) -> Explained:
    """Matches, gone rows and new rows, sorted by their rows."""
    groups = list(settled.groups)
    unchanged = []
    for pairs in settled.pairs:
        is_plain = pairs.have_equal_chains(subject)
        for sites, chosen in ((subject.before, pairs.before), (subject.after, pairs.after)):
            is_plain &= sites.rows.lengths[chosen] == 1
        plain = pairs.taken(is_plain)
        ours, theirs = subject.before.first_rows(plain.before), subject.after.first_rows(plain.after)
        unchanged.append(Unchanged(ours, theirs, EQUAL_CODE if pairs.decision is Decision.CODE else _EQUAL))
        groups += [pairs.group(index, subject) for index in np.flatnonzero(~is_plain).tolist()]
    words = _Words(groups, subject, told)
    tied = Counter(group.tie for group in groups if group.tie is not None)
    matches: list[Match] = []
    gone: list[Unmatched] = []
    new: list[Unmatched] = []
    for group in groups:
        if group.before and group.after:
            matches += _matches(group, words, before, after)
            continue
        evidence = f"one of {tied[group.tie]} whose stacks do not tell them apart" if group.tie is not None else ""
        for side, unmatched in ((group.before, gone), (group.after, new)):
            unmatched += [Unmatched(row, group.tie, evidence) for site in side for row in site.rows]
    return Explained(unchanged, sorted(matches), sorted(gone), sorted(new))


def _matches(group: Group, words: _Words, before: Paths, after: Paths) -> list[Match]:
    ours = sorted(row for site in group.before for row in site.rows)
    theirs = sorted(row for site in group.after for row in site.rows)
    confidence = words.confidence(group)
    score = min(1.0, max(0.0, round(group.score, 4)))
    found = []
    for one, other in _separate(ours, theirs, before, after):
        how = MatchedAs.SPLIT if len(one) < len(other) else MatchedAs.MERGED
        if len(one) == len(other):
            how = words.matched_as(group)
        evidence = words.evidence(group, len(one), len(other))
        found.append(Match(tuple(one), tuple(other), how, score, confidence, evidence))
    return found


def _separate(ours: list[int], theirs: list[int], before: Paths, after: Paths) -> list[tuple[list[int], list[int]]]:
    """The rows of a group in pairs, where kinds and names below your code tell them apart; else all in one."""
    if len(ours) == 1 or len(ours) != len(theirs):
        return [(ours, theirs)]
    mine, other = _by_names(before, ours), _by_names(after, theirs)
    if mine.keys() != other.keys() or len(mine) < len(ours):
        return [(ours, theirs)]
    pairs = [(rows, other[key]) for key, rows in mine.items()]
    changed = any(_amount(before, one) != _amount(after, two) for one, two in pairs)
    if changed and _amount(before, ours) == _amount(after, theirs):
        # The same memory, spread over kinds in another way.
        return [(ours, theirs)]
    return pairs


def _amount(side: Paths, rows: Sequence[int]) -> tuple[int, int]:
    return sum(side.bytes[rows].tolist()), sum(side.blocks[rows].tolist())


def _by_names(side: Paths, rows: Sequence[int]) -> dict[Hashable, list[int]]:
    found: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index in rows:
        row = side.row(index)
        names = tuple(_name_of(side.frames[frame]) for frame in row.frames)
        found[row.leak_kind, row.family, names].append(index)
    return found


def _name_of(frame: Frame) -> Hashable:
    name = canonical_name(frame.function)
    return (module_stem(frame.module), address_of(frame)) if name.base is None else name.key


class _Words:
    """Says how the sites of a group differ."""

    def __init__(self, groups: Sequence[Group], subject: Subject, told: Told) -> None:
        self._told = told
        self._points = subject.points
        self._keys = [point.name.key for point in subject.points]
        # What a build without debug information does not tell is not different.
        self._where = [(None if subject.by_address else point.file, point.module) for point in subject.points]
        self._by_address = subject.by_address
        # How many groups saw a rename: one that many saw is no accident.
        self._renames: Counter[tuple[str, str]] = Counter()
        for group in groups:
            self._renames.update(set(self._renamed(group)))

    def _aligned(self, group: Group) -> Sequence[tuple[int, int]]:
        if group.decision is Decision.MAPPED:
            return list(zip(group.before[0].chain, group.after[0].chain, strict=True))
        return group.aligned

    def _renamed(self, group: Group) -> list[tuple[str, str]]:
        keys = self._keys
        return [
            (keys[a], keys[b])
            for a, b in self._aligned(group)
            if keys[a] != keys[b] and self._points[a].name.base and self._points[b].name.base
        ]

    def matched_as(self, group: Group) -> MatchedAs:
        """For as many rows on each side."""
        if len(group.before) > 1 or len(group.after) > 1:
            return MatchedAs.RESHAPED
        one, other = group.before[0].chain, group.after[0].chain
        if [self._keys[p] for p in one] == [self._keys[p] for p in other]:
            is_same = [self._where[p] for p in one] == [self._where[p] for p in other]
            return MatchedAs.EXACT if is_same else MatchedAs.MOVED
        if len(one) != len(other) or len(self._aligned(group)) != len(one):
            return MatchedAs.RESHAPED
        return MatchedAs.RENAMED

    def confidence(self, group: Group) -> Confidence:
        """The word for how a group was decided."""
        if group.decision in BY_AMOUNTS:
            return Confidence.BY_AMOUNTS
        if group.decision in {Decision.CODE, Decision.MAPPED}:
            return Confidence.CERTAIN
        is_likely = group.score >= _LIKELY_SCORE and group.lead >= _LIKELY_LEAD
        return Confidence.LIKELY if is_likely else Confidence.POSSIBLE

    def evidence(self, group: Group, ours: int, theirs: int) -> str:
        """One line: renames, moved lines, frames that came or went; or the sums."""
        if group.decision is Decision.TWINS:
            return "stacks do not tell it from others; bytes and blocks do"
        if group.decision is Decision.ORDER:
            return "one of several that are alike, with the same bytes and blocks; paired in their order"
        if group.decision is Decision.NAMELESS:
            return "frames without names; the names there are, bytes and blocks agree"
        if group.decision is Decision.COUNTS:
            return f"{_records(ours)} before, {_records(theirs)} after; as many blocks, of another size"
        if group.decision in BY_AMOUNTS:
            return f"{_records(ours)} before, {_records(theirs)} after; bytes and blocks agree"
        if group.decision is Decision.CODE:
            return EQUAL_CODE
        told = [*self._rename_words(group), *self._place_words(group), *self._frame_words(group)]
        return ", ".join(told) or _EQUAL

    def _rename_words(self, group: Group) -> list[str]:
        renamed = list(dict.fromkeys(self._renamed(group)))
        if not renamed:
            return []
        one, other = renamed[0]
        text = f"{self._told.function(one)} → {self._told.function(other)}"
        if (others := self._renames[renamed[0]] - 1) > 0:
            text += f" (as in {others} other {'paths' if others > 1 else 'path'})"
        if len(renamed) > 1:
            text += f" and {len(renamed) - 1} more"
        return [text]

    def _place_words(self, group: Group) -> list[str]:
        pairs = [(self._points[a], self._points[b]) for a, b in self._aligned(group) if a != b]
        found = []
        for title, told, values in (
            ("file", self._told.file, [(a.file, b.file) for a, b in pairs if a.file and b.file]),
            ("module", self._told.module, [(a.module, b.module) for a, b in pairs]),
        ):
            changed = next(((a, b) for a, b in values if a != b), None)
            if changed is not None:
                found.append(f"{title} {told(changed[0])} → {told(changed[1])}")
        if not self._by_address:
            found += _line_words(pairs)
        return found

    def _frame_words(self, group: Group) -> list[str]:
        told = []
        for word, site in (("gone", group.before[0]), ("inserted", group.after[0])):
            count = len(site.chain) - len(self._aligned(group))
            if count > 0 and group.decision is not Decision.CODE:
                told.append(f"{count} {'frames' if count > 1 else 'frame'} {word}")
        return told


def _line_words(pairs: Sequence[tuple[Point, Point]]) -> list[str]:
    moved = {b.position - a.position for a, b in pairs if a.position is not None and b.position is not None} - {0}
    if not moved:
        return []
    return [f"lines {min(moved):+d}" if len(moved) == 1 else f"lines {min(moved):+d} to {max(moved):+d}"]


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"
