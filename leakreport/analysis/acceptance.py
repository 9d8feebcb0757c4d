"""Which scored pairs are accepted: the best for both, good enough, and ahead of every rival that is still free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

LEAST_SCORE = 0.45
LEAST_LEAD = 0.02
_NO_RIVAL = -1.0

Scores = Mapping[tuple[int, int], float]


class Accepted(NamedTuple):
    """A pair, and how it won."""

    before: int
    after: int
    score: float
    lead: float


def accept(scores: Scores, least_score: float = LEAST_SCORE, least_lead: float = LEAST_LEAD) -> list[Accepted]:
    """Pairs, each index once. What is accepted takes rivals away, so others may lead then; a tie stays open.

    Work is bounded by the candidates of candidates: only sites whose rivals changed are looked at again.
    """
    ours: dict[int, list[tuple[float, int]]] = {}
    theirs: dict[int, list[tuple[float, int]]] = {}
    for (before, after), score in scores.items():
        ours.setdefault(before, []).append((score, after))
        theirs.setdefault(after, []).append((score, before))
    for ranked in (*ours.values(), *theirs.values()):
        # The worst first: what is not free any more is taken off the end.
        ranked.sort()
    free_before, free_after = set(ours), set(theirs)
    found: list[Accepted] = []
    waiting: Iterable[int] = sorted(free_before)
    while True:
        won = []
        for before in waiting:
            score, after, second = _two_best(ours[before], free_after)
            if score < least_score:
                continue
            _, winner, other_second = _two_best(theirs[after], free_before)
            lead = score - max(second, other_second)
            if winner == before and lead >= least_lead:
                won.append(Accepted(before, after, score, lead))
        if not won:
            return found
        found += won
        free_before -= {pair.before for pair in won}
        free_after -= {pair.after for pair in won}
        touched = {after for pair in won for _, after in ours[pair.before]} | {pair.after for pair in won}
        waiting = sorted({before for after in touched for _, before in theirs[after]} & free_before)


def _two_best(ranked: list[tuple[float, int]], free: set[int]) -> tuple[float, int, float]:
    """Score and index of the best that is free (-1 for none), and the score of the next."""
    while ranked and ranked[-1][1] not in free:
        ranked.pop()
    if not ranked:
        return _NO_RIVAL, -1, _NO_RIVAL
    for score, other in reversed(ranked[:-1]):
        if other in free:
            return *ranked[-1], score
    return *ranked[-1], _NO_RIVAL
