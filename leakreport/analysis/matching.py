"""Which paths of one run are which of another: the same leak in two builds.

Source: the rules and what they were measured on are in `docs/identity.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from leakreport.analysis.acceptance import LEAST_LEAD, LEAST_SCORE, Accepted, accept
from leakreport.analysis.callsites import CallSites
from leakreport.analysis.candidates import candidate_pairs, further_pairs
from leakreport.analysis.explaining import Match, Unmatched, explained
from leakreport.analysis.groups import Decision, Group, connected
from leakreport.analysis.learning import Learned
from leakreport.analysis.leaves import Leaves
from leakreport.analysis.rebasing import rebased
from leakreport.analysis.regrouping import regroup
from leakreport.analysis.rungs import MappedRung, same_code
from leakreport.analysis.settling import Open, settle
from leakreport.analysis.similarity import Similarity
from leakreport.analysis.sites import Paths, Site, Subject, content, subject_of
from leakreport.analysis.vocabulary import Vocabulary

_MOST_ROUNDS = 5
_FIRST_LESSON = 2_000
"""Sites of the before side that the first renames are learned from: after them, far fewer are open."""
MOST_OPEN = 20_000
"""Sites per side that are compared one by one; of more, the largest."""


class Grouping(NamedTuple):
    """All sites of both sides in groups, and how many were too many to be compared."""

    groups: list[Group]
    subject: Subject
    uncompared: int


class Matching(NamedTuple):
    """Every row of both sides, exactly once."""

    matches: list[Match]
    gone: list[Unmatched]
    """Rows of the before side without a partner."""
    new: list[Unmatched]
    """Rows of the after side without a partner."""
    uncompared: int
    """Sites that were too many to be compared one by one; they are among `gone` and `new`."""


def match(before: Paths, after: Paths) -> Matching:
    """Pair the paths of two runs.

    Deterministic, whatever the order of rows; swapped sides give the mirrored result. Linear but for what is open after
    the rungs, and that is bounded.
    """
    grouping = group_sites(before, after)
    matches, gone, new = explained(grouping.groups, grouping.subject, before, after)
    return Matching(matches, gone, new, grouping.uncompared)


def group_sites(before: Paths, after: Paths) -> Grouping:
    """Decide which sites are one leak."""
    before, after = rebased(before, after)
    subject = subject_of(before, after)
    ours, theirs = (list(map(content, sites)) for sites in (subject.before, subject.after))
    if ours == theirs:
        pairs = zip(subject.before, subject.after, strict=True)
        return Grouping([_identical(one, other) for one, other in pairs], subject, 0)
    # The work is always done in one order, that of the content: so swapped sides mirror exactly, ties included.
    if theirs < ours:
        mirrored = Subject(subject.points, subject.after, subject.before, subject.by_address)
        groups, uncompared = _Matching(after, before, mirrored).groups()
        return Grouping([group.mirrored() for group in groups], subject, uncompared)
    groups, uncompared = _Matching(before, after, subject).groups()
    return Grouping(groups, subject, uncompared)


def _identical(one: Site, other: Site) -> Group:
    return Group([one], [other], Decision.MAPPED, 1.0)


class _Matching:
    """One comparison, in rounds: map calls, pair, learn from the pairs; from scratch until nothing changes."""

    def __init__(self, before: Paths, after: Paths, subject: Subject) -> None:
        self._subject = subject
        self._calls = CallSites(subject)
        self._rung = MappedRung(subject, self._calls)
        vocabularies = (
            Vocabulary.of(subject.before, subject.points),
            Vocabulary.of(subject.after, subject.points),
        )
        leaves = Leaves(subject.points, by_address=subject.by_address)
        self._similarity = Similarity(subject, self._calls, leaves, vocabularies)
        self._code = same_code(before, after, subject) if subject.by_address else []
        self._number = (
            {id(site): index for index, site in enumerate(subject.before)},
            {id(site): index for index, site in enumerate(subject.after)},
        )
        self._uncompared = 0

    def groups(self) -> tuple[list[Group], int]:
        """All groups, and how many sites were not compared because there were too many."""
        learned = Learned()
        last: set[tuple[int, int]] | None = None
        for _ in range(_MOST_ROUNDS):
            mapped, accepted, scores = self._round(learned, _FIRST_LESSON if last is None else MOST_OPEN)
            pairs = mapped | {(pair.before, pair.after) for pair in accepted}
            if pairs == last:
                break
            last = pairs
            learned = self._learned(mapped, accepted)
        before, after = self._subject.before, self._subject.after
        groups = [*self._code]
        groups += [_identical(before[one], after[other]) for one, other in sorted(mapped)]
        groups += [self._similar(pair) for pair in accepted]
        ours, theirs = self._left(groups)
        scores |= self._further_scores(ours, theirs, learned)
        groups = settle(Open(self._subject, scores, ours, theirs), groups)
        groups = regroup(groups, self._subject)
        self._number_ties(groups, scores)
        return groups, self._uncompared

    def _similar(self, pair: Accepted) -> Group:
        one, other = self._subject.before[pair.before], self._subject.after[pair.after]
        aligned = tuple(self._similarity.aligned(one, other))
        return Group([one], [other], Decision.SIMILAR, pair.score, pair.lead, aligned)

    def _number_ties(self, groups: Sequence[Group], scores: Mapping[tuple[int, int], float]) -> None:
        """Mark what stays open because several are equally alike."""
        gone = {self._number[0][id(group.before[0])]: group for group in groups if not group.after}
        new = {self._number[1][id(group.after[0])]: group for group in groups if not group.before}
        alike = [pair for pair, score in sorted(scores.items()) if score >= LEAST_SCORE]
        for number, members in enumerate(
            connected((one, other) for one, other in alike if one in gone and other in new)
        ):
            for side, index in members:
                (new if side else gone)[index].tie = number

    def _left(self, groups: Iterable[Group]) -> tuple[list[int], list[int]]:
        """Indexes of the sites that are in no group."""
        grouped = {id(site) for group in groups for site in (*group.before, *group.after)}
        ours, theirs = (
            [index for index, site in enumerate(sites) if id(site) not in grouped]
            for sites in (self._subject.before, self._subject.after)
        )
        return ours, theirs

    def _round(
        self, learned: Learned, most_before: int
    ) -> tuple[set[tuple[int, int]], list[Accepted], dict[tuple[int, int], float]]:
        """Pairs by position, pairs by similarity, and the scores of all that were compared."""
        subject = self._subject
        call_map = self._calls.align(learned)
        self._similarity.know(learned, call_map)
        ours, theirs = self._left(self._code)
        mapped = {
            (self._number[0][id(one)], self._number[1][id(other)])
            for one, other in self._rung.pairs(
                [subject.before[i] for i in ours], [subject.after[i] for i in theirs], learned, call_map
            )
        }
        done = {before for before, _ in mapped}, {after for _, after in mapped}
        ours, theirs = [i for i in ours if i not in done[0]], [i for i in theirs if i not in done[1]]
        self._uncompared = max(0, len(ours) - most_before) + max(0, len(theirs) - MOST_OPEN)
        ours = _largest(ours, subject.before, most_before)
        theirs = _largest(theirs, subject.after, MOST_OPEN)
        scores = self._scores(ours, theirs, learned)
        return mapped, accept(scores), scores

    def _scores(self, ours: list[int], theirs: list[int], learned: Learned) -> dict[tuple[int, int], float]:
        before, after = self._subject.before, self._subject.after
        pairs = candidate_pairs(
            [before[i] for i in ours],
            [after[i] for i in theirs],
            self._subject.points,
            learned,
            by_address=self._subject.by_address,
        )
        return self._scored((ours[i], theirs[j]) for i, j in pairs)

    def _scored(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], float]:
        """Scores of the pairs that can be accepted, or take the lead from one that is."""
        before, after = self._subject.before, self._subject.after
        return {
            (i, j): self._similarity.of(before[i], after[j])
            for i, j in pairs
            if self._similarity.bound(before[i], after[j]) >= LEAST_SCORE - LEAST_LEAD
        }

    def _further_scores(self, ours: list[int], theirs: list[int], learned: Learned) -> dict[tuple[int, int], float]:
        """Of what is left, against what is paired already: it may be a part of it."""
        subject = self._subject
        pairs = further_pairs(subject, ours, theirs, learned)
        return self._scored(pairs)

    def _learned(self, mapped: set[tuple[int, int]], accepted: Sequence[Accepted]) -> Learned:
        before, after = self._subject.before, self._subject.after
        aligned: Counter[tuple[int, int]] = Counter()
        for one, other in mapped:
            aligned.update(zip(before[one].chain, after[other].chain, strict=True))
        for pair in accepted:
            aligned.update(self._similarity.aligned(before[pair.before], after[pair.after]))
        for group in self._code:
            aligned.update(self._similarity.aligned(group.before[0], group.after[0]))
        return Learned(self._subject.points, sorted(aligned.items()))


def _largest(open_sites: list[int], sites: Sequence[Site], most: int) -> list[int]:
    """So many of some sites, in order."""
    if len(open_sites) <= most:
        return open_sites
    return sorted(sorted(open_sites, key=lambda index: (-sites[index].bytes, index))[:most])
