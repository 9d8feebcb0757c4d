"""The fewest sets, against trying every choice of sets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.analysis.covering import MOST_SETS, Cover, Memberships, fewest_sets

Given = tuple[list[frozenset[int]], list[int], list[int]]


def memberships(sets: list[frozenset[int]], amounts: list[int], costs: list[int]) -> Memberships:
    pairs = [(number, element) for number, elements in enumerate(sets) for element in sorted(elements)]
    columns = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Memberships(columns[:, 0], columns[:, 1], np.array(amounts, dtype=np.int64), np.array(costs, dtype=np.int64))


def covered(sets: list[frozenset[int]], amounts: list[int], chosen: tuple[int, ...]) -> int:
    return sum(amounts[element] for element in frozenset().union(*(sets[one] for one in chosen)))


def best_by_trying(
    sets: list[frozenset[int]], amounts: list[int], costs: list[int], least: int
) -> list[tuple[int, int]]:
    """Number, cost and amount of the best choice, every one looked at."""
    for count in range(len(sets) + 1):
        found = [
            (sum(costs[one] for one in chosen), -covered(sets, amounts, chosen))
            for chosen in combinations(range(len(sets)), count)
            if covered(sets, amounts, chosen) >= least
        ]
        if found:
            return [(count, 0), min(found)]
    return []


@st.composite
def problems(draw: st.DrawFn) -> Given:
    elements = draw(st.integers(1, 7))
    amounts = draw(st.lists(st.integers(1, 40), min_size=elements, max_size=elements))
    one_set = st.frozensets(st.integers(0, elements - 1), min_size=1)
    sets = draw(st.lists(one_set, min_size=1, max_size=8))
    costs = draw(st.lists(st.integers(0, 5), min_size=len(sets), max_size=len(sets)))
    return sets, amounts, costs


@given(problems(), st.integers(1, 100))
def test_no_choice_is_smaller_cheaper_or_larger(problem: Given, percent: int) -> None:
    sets, amounts, costs = problem
    least = -(-sum(amounts) * percent // 100)
    found = fewest_sets(memberships(*problem), least)
    best = best_by_trying(sets, amounts, costs, least)
    assert found.covered == covered(sets, amounts, found.chosen)
    assert found.is_enough == (found.covered >= least) == bool(best)
    if best:
        assert found.is_fewest
        assert best == [(len(found.chosen), 0), (sum(costs[one] for one in found.chosen), -found.covered)]


@given(problems(), st.integers(1, 100))
def test_amounts_a_thousand_times_as_large_change_nothing(problem: Given, percent: int) -> None:
    sets, amounts, costs = problem
    least = -(-sum(amounts) * percent // 100)
    large = -(-1000 * sum(amounts) * percent // 100)
    found = fewest_sets(memberships(*problem), least)
    assert fewest_sets(memberships(sets, [1000 * amount for amount in amounts], costs), large) == found._replace(
        covered=1000 * found.covered
    )


@given(problems(), st.integers(1, 100), st.integers(0, 30_000))
def test_too_little_work_is_said_and_the_choice_is_still_enough(problem: Given, percent: int, work: int) -> None:
    sets, amounts, _ = problem
    least = -(-sum(amounts) * percent // 100)
    hasty, patient = (fewest_sets(memberships(*problem), least, work=amount) for amount in (work, 10**9))
    assert hasty.is_enough == patient.is_enough
    assert len(hasty.chosen) >= len(patient.chosen)
    if hasty.is_fewest:
        assert len(hasty.chosen) == len(patient.chosen)
    assert hasty.covered == covered(sets, amounts, hasty.chosen)


def test_the_greedy_choice_is_not_taken_for_the_fewest() -> None:
    # The largest set takes a part of each of the two that are enough; what it leaves takes two more.
    sets = [frozenset({0, 1, 2}), frozenset({3, 4, 5}), frozenset({0, 1, 3, 4}), frozenset({2}), frozenset({5})]
    problem = memberships(sets, [1] * 6, [1, 1, 1, 0, 0])
    assert fewest_sets(problem, 6) == Cover((0, 1), 6, is_enough=True, is_fewest=True)
    assert fewest_sets(problem, 6, work=0) == Cover((2, 3, 4), 6, is_enough=True, is_fewest=False)


def test_what_is_spread_widely_has_no_short_answer() -> None:
    count = 10 * MOST_SETS
    found = fewest_sets(memberships([frozenset({one}) for one in range(count)], [1] * count, [0] * count), count)
    assert found == Cover(tuple(range(MOST_SETS)), MOST_SETS, is_enough=False, is_fewest=False)


@pytest.mark.parametrize("least", [0, 1])
def test_nothing_to_choose_from(least: int) -> None:
    assert fewest_sets(memberships([], [3], []), least) == Cover((), 0, is_enough=not least, is_fewest=not least)
