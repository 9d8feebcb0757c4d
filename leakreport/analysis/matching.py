"""Which paths of one run are which of another: the same leak in two builds.

Source: the rules and what they were measured on are in `docs/identity.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from leakreport.analysis.acceptance import LEAST_LEAD, LEAST_SCORE, Accepted, accept
from leakreport.analysis.callsites import CallSites
from leakreport.analysis.candidates import candidate_pairs, further_pairs
from leakreport.analysis.explaining import EQUAL_CODE, Match, Unchanged, Unmatched, explained
from leakreport.analysis.groups import Decision, Group, SitePairs, connected
from leakreport.analysis.learning import Learned
from leakreport.analysis.leaves import Leaves
from leakreport.analysis.rebasing import rebased
from leakreport.analysis.regrouping import regroup
from leakreport.analysis.rungs import NO_CODE, MappedRung, code_pairs, same_code
from leakreport.analysis.settling import Open, Settled, settle
from leakreport.analysis.similarity import Similarity
from leakreport.analysis.sites import Paths, SiteTable, Subject, is_by_address, subject_of
from leakreport.analysis.tokens import BY_NAME, Told
from leakreport.analysis.vocabulary import Vocabulary
from leakreport.model.columns import BoolColumn, Int64Column

_MOST_ROUNDS = 5
_FIRST_LESSON = 2_000
"""Sites of the before side that the first renames are learned from: after them, far fewer are open."""
_SAME_BUILD = 0.95
"""From this share of rows at equal addresses on, both sides are one build."""
MOST_OPEN = 20_000
"""Sites per side that are compared one by one; of more, the largest."""


class Folded(NamedTuple):
    """Rows of both sides of which nobody knows which are which; only their sums can be compared."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    path_count: int
    evidence: str


class Matching(NamedTuple):
    """Every row of both sides, exactly once."""

    unchanged: list[Unchanged]
    """Most rows of two similar runs, in columns."""
    matches: list[Match]
    """All other pairs."""
    gone: list[Unmatched]
    """Rows of the before side without a partner."""
    new: list[Unmatched]
    """Rows of the after side without a partner."""
    uncompared: int
    """Sites that were too many to be compared one by one; they are among `gone` and `new`."""
    folded: Sequence[Folded] = ()
    """Small paths that a report had folded, with what may be among them on the other side."""

    def renumbered(self, before: Int64Column, after: Int64Column) -> Matching:
        """The same with other numbers for the rows: number i becomes the i-th."""
        return Matching(
            [Unchanged(before[one.before], after[one.after], one.evidence) for one in self.unchanged],
            [
                one._replace(
                    before=tuple(before[list(one.before)].tolist()), after=tuple(after[list(one.after)].tolist())
                )
                for one in self.matches
            ],
            [one._replace(row=int(before[one.row])) for one in self.gone],
            [one._replace(row=int(after[one.row])) for one in self.new],
            self.uncompared,
        )

    def all_matches(self) -> list[Match]:
        """Those in columns, too, sorted by their rows."""
        return sorted([*self.matches, *(match for found in self.unchanged for match in found.matches())])


def match(before: Paths, after: Paths, told: Told = BY_NAME) -> Matching:
    """Pair the paths of two runs; `told` says how evidence calls names.

    Deterministic, whatever the order of rows; swapped sides give the mirrored result. Linear but for what is open after
    the rungs, and that is bounded.
    """
    if not len(before) or not len(after):
        gone, new = ([Unmatched(row, None, "") for row in range(len(side))] for side in (before, after))
        return Matching([], [], gone, new, 0)
    before, after = rebased(before, after)
    same = code_pairs(before, after) if is_by_address(before, after) else None
    if same is None or int(same.has_equal_names.sum()) < _SAME_BUILD * max(len(before), len(after)):
        return _matched(before, after, told)
    # One build: what is left is new, gone, or differs in library code, and the rest tells nothing about it.
    ours, theirs = same.before[same.has_equal_names], same.after[same.has_equal_names]
    left = [np.setdiff1d(np.arange(len(side)), rows) for side, rows in ((before, ours), (after, theirs))]
    found = _matched(before.taken(left[0]), after.taken(left[1]), told).renumbered(left[0], left[1])
    return found._replace(unchanged=[*found.unchanged, Unchanged(ours, theirs, EQUAL_CODE)])


def _matched(before: Paths, after: Paths, told: Told) -> Matching:
    subject, order = subject_of(before, after)
    uncompared = 0
    if order == 0:
        every = np.arange(len(subject.before), dtype=np.int64)
        settled = Settled([], [SitePairs(every, every, Decision.MAPPED)])
    elif order < 0:
        settled, uncompared = _Matching(before, after, subject).settled()
    else:
        # The work is always done in one order, that of the content: so swapped sides mirror exactly, ties included.
        mirrored, uncompared = _Matching(after, before, subject.swapped()).settled()
        settled = Settled([one.mirrored() for one in mirrored.groups], [one.mirrored() for one in mirrored.pairs])
    return Matching(*explained(settled, subject, before, after, told), uncompared)


class _Round(NamedTuple):
    """What one state of knowledge pairs."""

    mapped: SitePairs
    accepted: list[Accepted]
    scores: dict[tuple[int, int], float]
    """Of all that were compared."""


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
        code = same_code(before, after, subject) if subject.by_address else NO_CODE
        self._code, self._code_groups = code
        self._uncompared = 0

    def settled(self) -> tuple[Settled, int]:
        """All groups, and how many sites were not compared because there were too many."""
        learned = Learned()
        last: Int64Column | None = None
        for _ in range(_MOST_ROUNDS):
            found = self._round(learned, _FIRST_LESSON if last is None else MOST_OPEN)
            pairs = self._numbered(found)
            if last is not None and np.array_equal(pairs, last):
                break
            last = pairs
            learned = self._learned(found)
        groups = [*self._code_groups, *(self._similar(pair) for pair in found.accepted)]
        free = self._free(found.mapped, groups)
        ours, theirs = (np.flatnonzero(column).tolist() for column in free)
        scores = found.scores | self._scored(further_pairs(self._subject, ours, theirs, learned))
        settled = settle(Open(self._subject, scores, ours, theirs), groups, [self._code, found.mapped])
        settled = regroup(settled, self._subject)
        _number_ties(settled.groups, scores)
        return settled, self._uncompared

    def _numbered(self, found: _Round) -> Int64Column:
        """All pairs of a round, one number each."""
        width = len(self._subject.after) + 1
        accepted = np.asarray([pair.before * width + pair.after for pair in found.accepted], dtype=np.int64)
        return np.sort(np.concatenate([found.mapped.before * width + found.mapped.after, accepted]))

    def _similar(self, pair: Accepted) -> Group:
        one, other = self._subject.before[pair.before], self._subject.after[pair.after]
        aligned = tuple(self._similarity.aligned(one, other))
        return Group([one], [other], Decision.SIMILAR, pair.score, pair.lead, aligned)

    def _free(self, mapped: SitePairs | None, groups: Iterable[Group]) -> tuple[BoolColumn, BoolColumn]:
        """Per site of each side, whether it is in no group."""
        before, after = (np.ones(len(sites), dtype=np.bool_) for sites in (self._subject.before, self._subject.after))
        for pairs in (self._code, mapped):
            if pairs is not None:
                before[pairs.before] = False
                after[pairs.after] = False
        for group in groups:
            before[[site.number for site in group.before]] = False
            after[[site.number for site in group.after]] = False
        return before, after

    def _round(self, learned: Learned, most_before: int) -> _Round:
        """Pairs by position, and pairs by similarity."""
        subject = self._subject
        call_map = self._calls.align(learned)
        self._similarity.know(learned, call_map)
        mapped = self._rung.pairs(self._free(None, self._code_groups), learned, call_map)
        ours, theirs = (np.flatnonzero(column) for column in self._free(mapped, self._code_groups))
        self._uncompared = max(0, len(ours) - most_before) + max(0, len(theirs) - MOST_OPEN)
        scores = self._scores(
            _largest(ours, subject.before, most_before), _largest(theirs, subject.after, MOST_OPEN), learned
        )
        return _Round(mapped, accept(scores), scores)

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

    def _learned(self, found: _Round) -> Learned:
        subject = self._subject
        aligned: Counter[tuple[int, int]] = Counter()
        aligned.update(_aligned(found.mapped, subject))
        is_equal = self._code.have_equal_chains(subject)
        aligned.update(_aligned(self._code.taken(is_equal), subject))
        others = self._code.taken(~is_equal)
        groups = [*self._code_groups, *(others.group(index, subject) for index in range(len(others)))]
        for group in groups:
            aligned.update(self._similarity.aligned(group.before[0], group.after[0]))
        for pair in found.accepted:
            aligned.update(self._similarity.aligned(subject.before[pair.before], subject.after[pair.after]))
        return Learned(subject.points, sorted(aligned.items()))


def _aligned(pairs: SitePairs, subject: Subject) -> dict[tuple[int, int], int]:
    """How often points stand for each other in pairs of equally long chains."""
    ours = subject.before.chains.taken(pairs.before).flat.astype(np.int64)
    theirs = subject.after.chains.taken(pairs.after).flat
    is_same = ours == theirs
    counts = np.bincount(ours[is_same])
    found = {(point, point): int(counts[point]) for point in np.flatnonzero(counts).tolist()}
    width = len(subject.points)
    moved, times = np.unique((ours * width + theirs)[~is_same], return_counts=True)
    found |= {divmod(pair, width): count for pair, count in zip(moved.tolist(), times.tolist(), strict=True)}
    return found


def _number_ties(groups: Sequence[Group], scores: Mapping[tuple[int, int], float]) -> None:
    """Mark what stays open because several are equally alike."""
    gone = {group.before[0].number: group for group in groups if not group.after}
    new = {group.after[0].number: group for group in groups if not group.before}
    alike = [pair for pair, score in sorted(scores.items()) if score >= LEAST_SCORE]
    for number, members in enumerate(connected((one, other) for one, other in alike if one in gone and other in new)):
        for side, index in members:
            (new if side else gone)[index].tie = number


def _largest(open_sites: Int64Column, sites: SiteTable, most: int) -> list[int]:
    """So many of some sites, in order."""
    if len(open_sites) > most:
        order = np.lexsort([open_sites, -sites.bytes[open_sites]])
        open_sites = np.sort(open_sites[order[:most]])
    found: list[int] = open_sites.tolist()
    return found
