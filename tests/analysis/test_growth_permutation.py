"""Runs before against runs after: against counting relabelings by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from leakreport.analysis.permutation import MOST_RELABELINGS, compare_runs


def _by_hand(before: list[int], after: list[int]) -> float:
    values = before + after
    count = len(before)

    def change(chosen: tuple[int, ...]) -> float:
        first = [values[i] for i in chosen]
        second = [value for i, value in enumerate(values) if i not in chosen]
        return sum(second) / len(second) - sum(first) / len(first)

    measured = change(tuple(range(count)))
    every = [change(chosen) for chosen in combinations(range(len(values)), count)]
    return sum(one >= measured - 1e-9 for one in every) / len(every)


def test_all_after_above_all_before_is_one_of_all_ways() -> None:
    found = compare_runs(np.array([[1, 3, 2, 5, 4]]), np.array([[9, 7, 8, 11, 6]]))
    assert found.relabelings == 252
    assert found.p_value[0] == pytest.approx(1 / 252)
    assert found.family_p_value[0] == pytest.approx(1 / 252)
    assert found.change[0] == pytest.approx(5.2)


@pytest.mark.parametrize("seed", range(8))
def test_p_values_are_those_counted_by_hand(seed: int) -> None:
    generator = np.random.default_rng(seed)
    # Few distinct values, so that ties are frequent.
    before, after = generator.integers(0, 6, (5, 4)), generator.integers(1, 7, (5, 3))
    found = compare_runs(before, after)
    for row in range(5):
        assert found.p_value[row] == pytest.approx(_by_hand(before[row].tolist(), after[row].tolist()))
    assert (found.family_p_value >= 1 / found.relabelings).all()


def test_what_does_not_change_is_never_significant() -> None:
    found = compare_runs(np.full((2, 5), 7), np.full((2, 5), 7))
    assert found.p_value.tolist() == found.family_p_value.tolist() == [1.0, 1.0]
    assert not found.is_exact.any()


def test_two_equal_runs_on_each_side_that_differ_are_exact() -> None:
    before, after = np.array([[5, 5], [5, 5], [5, 6]]), np.array([[8, 8], [5, 5], [8, 8]])
    assert compare_runs(before, after).is_exact.tolist() == [True, False, False]
    assert not compare_runs(before[:, :1], after[:, :1]).is_exact.any()


def test_scale_and_level_do_not_matter() -> None:
    generator = np.random.default_rng(2)
    before, after = generator.integers(0, 1000, (20, 4)), generator.integers(200, 1200, (20, 4))
    plain, moved = compare_runs(before, after), compare_runs(before * 4096 + 2**61, after * 4096 + 2**61)
    np.testing.assert_array_equal(plain.p_value, moved.p_value)
    np.testing.assert_allclose(plain.family_p_value, moved.family_p_value)
    np.testing.assert_allclose(plain.change * 4096, moved.change)


def test_many_runs_are_drawn_and_the_answer_is_repeatable() -> None:
    generator = np.random.default_rng(4)
    before, after = generator.normal(0, 1, (50, 10)) * 1000, generator.normal(0, 1, (50, 10)) * 1000
    after[0] += 20_000
    first = compare_runs(before.astype(np.int64), after.astype(np.int64))
    again = compare_runs(before.astype(np.int64), after.astype(np.int64))
    assert first.relabelings == MOST_RELABELINGS
    np.testing.assert_array_equal(first.family_p_value, again.family_p_value)
    assert first.family_p_value[0] == pytest.approx(1 / MOST_RELABELINGS, abs=2 / MOST_RELABELINGS)
    assert first.family_p_value[1:].min() > 0.01


def test_one_path_among_many_that_changed_is_found_and_few_others() -> None:
    alarms = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        before, after = generator.normal(0, 1000, (300, 5)), generator.normal(0, 1000, (300, 5))
        alarms += int(compare_runs(before.astype(np.int64), after.astype(np.int64)).family_p_value.min() <= 0.05)
    assert alarms <= 6


@pytest.mark.parametrize(("before", "after"), [((2, 3), (3, 3)), ((2, 0), (2, 3)), ((2, 3), (2, 0))])
def test_sides_that_do_not_fit_are_refused(before: tuple[int, int], after: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="same paths"):
        compare_runs(np.zeros(before, dtype=np.int64), np.zeros(after, dtype=np.int64))


def test_paths_that_come_and_go_do_not_hide_a_leak_of_many_deviations() -> None:
    generator = np.random.default_rng(6)
    before, after = generator.normal(20_000, 100, (1, 5)), generator.normal(28_000, 100, (1, 5))
    # Each is there in five of the ten runs: some relabeling puts all of them on one side.
    switches = np.array([generator.permutation([0] * 5 + [64] * 5) for _ in range(20)])
    found = compare_runs(
        np.vstack([before.astype(np.int64), switches[:, :5]]), np.vstack([after.astype(np.int64), switches[:, 5:]])
    )
    assert found.family_p_value[0] == pytest.approx(1 / 252)
    assert found.family_p_value[1:].min() > 0.05
