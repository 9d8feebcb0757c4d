"""Verdicts on hand-made series, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from leakreport.analysis.growth import choose_axis, judge_series
from leakreport.analysis.growth_bars import GrowthOptions
from leakreport.analysis.growth_results import WORDS, GrowthVerdicts, GrowthWord
from leakreport.model.columns import Int64Column

INT64 = np.iinfo(np.int64)
NOISE = np.random.default_rng(5).standard_normal(60)


def _rows(*rows: object) -> Int64Column:
    return np.array(rows, dtype=np.int64)


def _words(verdicts: GrowthVerdicts) -> list[str]:
    return [str(WORDS[code]) for code in verdicts.words]


def _noisy(shape: object, scale: float = 1.0) -> Int64Column:
    return (1_000_000 + 10_000 * (np.asarray(shape) + scale * NOISE)).astype(np.int64)


T = np.arange(60)
HAND_MADE = {
    "growing": _noisy(T * 1.0),
    "flat": _noisy(0 * T),
    "step": _noisy(50.0 * (T >= 20)),
    "plateau": _noisy(100 * (1 - np.exp(-T / 4))),
    "slowing": _noisy(100 * (1 - np.exp(-T / 18))),
    "sawtooth": _noisy(5.0 * (T % 9), 0.1),
    "shrinking": _noisy(-1.0 * T),
}


@pytest.mark.parametrize("word", HAND_MADE)
def test_each_shape_gets_its_word(word: str) -> None:
    assert _words(judge_series(HAND_MADE[word][None, :], quantum=16.0)) == [word]


def test_all_shapes_judged_together_keep_their_words() -> None:
    verdicts = judge_series(np.array(list(HAND_MADE.values())), quantum=16.0)
    assert _words(verdicts) == list(HAND_MADE)
    assert verdicts.family_size == len(HAND_MADE)


def test_the_interval_of_a_leak_holds_its_rate_nineteen_times_of_twenty() -> None:
    noise = np.random.default_rng(8).standard_normal((400, 60))
    verdicts = judge_series((10**6 + 10_000 * (noise + T)).astype(np.int64), quantum=16.0)
    held = (verdicts.low < 10_000) & (verdicts.high > 10_000)
    assert 370 <= np.count_nonzero(held) <= 392
    assert np.median(verdicts.smallest_leak) < 2_500


def test_one_block_a_snapshot_is_found_in_sixteen_exact_ones() -> None:
    assert _words(judge_series(_rows(np.arange(16) * 48), quantum=48.0)) == ["growing"]


@pytest.mark.parametrize(("snapshots", "word"), [(1, "too-few"), (2, "too-few"), (3, "too-few")])
def test_up_to_three_snapshots_are_never_growing(snapshots: int, word: str) -> None:
    verdicts = judge_series(_rows(np.arange(snapshots) * 10**9))
    assert _words(verdicts) == [word]
    assert verdicts[0].smallest_leak is None
    assert verdicts[0].more_runs == 4 - snapshots


def test_four_snapshots_show_an_exact_leak_but_no_noisy_one() -> None:
    exact, noisy = _rows([0, 100, 200, 300]), _rows([0, 150, 180, 300])
    assert _words(judge_series(exact)) == ["growing"]
    assert _words(judge_series(noisy, quantum=1.0)) == ["too-few"]
    assert _words(judge_series(_rows([7, 7, 90, 90]))) == ["step"]
    assert _words(judge_series(_rows([7, 7, 7, 7]))) == ["flat"]


def test_no_snapshots_and_no_series_are_judged_without_failing() -> None:
    assert _words(judge_series(np.zeros((2, 0), dtype=np.int64))) == ["too-few", "too-few"]
    assert len(judge_series(np.zeros((0, 9), dtype=np.int64))) == 0


def test_a_step_names_the_first_snapshot_after_it() -> None:
    verdict = judge_series(_rows([5000] * 7 + [9000] * 8), quantum=8.0)[0]
    assert verdict.word is GrowthWord.STEP
    assert verdict.change_points == (7,)
    assert verdict.rise == pytest.approx(4000)


def test_a_sawtooth_names_its_last_drops() -> None:
    verdict = judge_series(_rows([1000 * (i % 5) for i in range(25)]))[0]
    assert verdict.word is GrowthWord.SAWTOOTH
    assert verdict.change_points == (10, 15, 20)
    assert verdict.valleys == 4


def test_two_drops_cannot_show_a_leak() -> None:
    verdict = judge_series(_rows([1000 * (i % 5) for i in range(15)]))[0]
    assert verdict.word is GrowthWord.SAWTOOTH
    assert verdict.change_points == (5, 10)
    assert verdict.smallest_leak is None


def test_a_leak_under_a_sawtooth_shows_at_its_floor() -> None:
    times = np.arange(60)
    verdict = judge_series(_rows(40_000 * (times % 6) + 8_000 * times))[0]
    assert verdict.word is GrowthWord.GROWING
    assert verdict.low <= 8_000 <= verdict.high


def test_a_rise_in_the_last_snapshot_only_is_unclear() -> None:
    verdict = judge_series(_rows([*(1000 + np.rint(NOISE[:29] * 5)), 4000]))[0]
    assert verdict.word is GrowthWord.UNCLEAR
    assert verdict.is_last_step


def test_a_vector_that_doubles_is_growing() -> None:
    capacity = 2 ** np.ceil(np.log2(np.arange(1, 41))) * 64
    verdict = judge_series(_rows(5_000_000 + capacity))[0]
    assert verdict.word is GrowthWord.GROWING
    assert verdict.is_doubling
    assert verdict.low < 64 < verdict.high
    assert verdict.change_points == (8, 16, 32)


@pytest.mark.parametrize(
    "series",
    [
        # Full for long: the next jump is overdue.
        [0, 100, 300, 300, 700] + [700] * 30,
        # Jumps of one size.
        [0, 100, 100, 200, 200, 200, 200, 300, 300, 300, 300],
        # Doubles in size, but not after twice the time.
        [100] * 9 + [200] * 9 + [400] * 9 + [800] * 9,
    ],
)
def test_other_jumps_are_no_doubling(series: list[int]) -> None:
    assert not judge_series(_rows(series))[0].is_doubling


def test_slopes_are_per_unit_of_work_where_work_is_known() -> None:
    work = np.cumsum([100, 400, 150, 350, 220, 90, 410, 130, 260, 300, 180, 240])
    verdicts = judge_series(_rows(1_000_000 + 7 * work), work=work.tolist())
    assert verdicts.unit == "work"
    assert verdicts[0].slope == pytest.approx(7)
    assert verdicts.per_snapshot == pytest.approx((work[-1] - work[0]) / 11)


@pytest.mark.parametrize("numbers", [[1, 2, 2], [3, 2, 1], [1, 2], [0, float("nan"), 2], [0, 1, float("inf")]])
def test_work_that_does_not_rise_gives_way_to_times(numbers: list[float]) -> None:
    x, unit = choose_axis(3, work=numbers, times=[10, 20, 40])
    assert unit == "time"
    assert x.tolist() == [0, 10, 30]
    assert choose_axis(3, work=numbers)[1] == "snapshot"


def test_a_missing_snapshot_is_left_out_not_taken_as_zero() -> None:
    values = np.vstack([HAND_MADE["growing"], HAND_MADE["flat"], HAND_MADE["flat"]])
    is_missing = np.zeros(values.shape, dtype=np.bool_)
    is_missing[0, 17] = is_missing[1, 30:33] = True
    values[is_missing] = 0
    verdicts = judge_series(values, is_missing=is_missing, quantum=16.0)
    assert _words(verdicts) == ["growing", "flat", "flat"]
    assert verdicts.measured.tolist() == [59, 57, 60]
    assert verdicts.slope[0] == pytest.approx(10_000, rel=0.04)


def test_change_points_count_the_snapshots_that_are_missing() -> None:
    values = _rows([0] * 10 + [500] * 10)
    is_missing = np.zeros(values.shape, dtype=np.bool_)
    is_missing[0, [2, 3]] = True
    assert judge_series(values, is_missing=is_missing)[0].change_points == (10,)


def test_rows_with_too_many_patterns_of_missing_snapshots_are_too_few_not_wrong() -> None:
    generator = np.random.default_rng(3)
    is_missing = generator.random((300, 30)) < 0.5
    verdicts = judge_series(np.tile(np.arange(30) * 1000, (300, 1)), is_missing=is_missing)
    assert set(_words(verdicts)) <= {"growing", "too-few"}
    assert len(verdicts.rows_of(GrowthWord.TOO_FEW)) >= 200


def test_values_at_the_ends_of_the_range_neither_wrap_nor_warn() -> None:
    big = np.linspace(0, float(INT64.max) * 0.999, 20).astype(np.int64)
    alternating = np.array([INT64.min, INT64.max] * 10)
    verdicts = judge_series(np.array([big, alternating, INT64.max - np.arange(20)]))
    assert _words(verdicts) == ["growing", "flat", "shrinking"]
    assert np.isfinite(verdicts.slope).all()


def test_a_large_common_level_costs_no_precision() -> None:
    small = _rows(np.arange(20) * 3)
    assert _words(judge_series(small + 2**62)) == ["growing"]
    assert judge_series(small + 2**62)[0].slope == judge_series(small)[0].slope


def test_growth_below_the_least_is_flat() -> None:
    series = _rows(np.arange(40) * 100)
    assert _words(judge_series(series, options=GrowthOptions(min_growth=3_900))) == ["growing"]
    assert _words(judge_series(series, options=GrowthOptions(min_growth=3_901))) == ["flat"]


def test_random_arrivals_widen_the_interval() -> None:
    series = HAND_MADE["growing"][None, :]
    plain = judge_series(series, quantum=10_000.0)[0]
    counted = judge_series(series, quantum=10_000.0, options=GrowthOptions(is_random_arrival=True))[0]
    assert counted.high - counted.low > plain.high - plain.low


series_matrices = arrays.arrays(
    np.int64, st.tuples(st.integers(1, 5), st.integers(0, 24)), elements=st.integers(-(10**9), 10**9)
)
any_matrices = arrays.arrays(
    np.int64, st.tuples(st.integers(1, 4), st.integers(0, 14)), elements=st.integers(INT64.min, INT64.max)
)


@settings(deadline=None, max_examples=60)
@given(series_matrices, st.integers(-(10**12), 10**12))
def test_a_shift_changes_nothing(values: Int64Column, shift: int) -> None:
    before, after = judge_series(values), judge_series(values + shift)
    assert _words(before) == _words(after)
    np.testing.assert_array_equal(before.slope, after.slope)
    np.testing.assert_array_equal(before.smallest_leak, after.smallest_leak)


@settings(deadline=None, max_examples=60)
@given(series_matrices, st.integers(1, 20))
def test_a_scale_of_values_and_quantum_scales_the_slopes(values: Int64Column, power: int) -> None:
    factor = 2**power
    before, after = judge_series(values, quantum=4.0), judge_series(values * factor, quantum=4.0 * factor)
    assert _words(before) == _words(after)
    np.testing.assert_allclose(before.slope * factor, after.slope, rtol=1e-9)
    np.testing.assert_allclose(before.smallest_leak * factor, after.smallest_leak, rtol=1e-9)


@settings(deadline=None, max_examples=60)
@given(series_matrices, st.floats(0.001, 1000.0))
def test_the_unit_of_x_does_not_change_the_words(values: Int64Column, width: float) -> None:
    before = judge_series(values)
    after = judge_series(values, times=(np.arange(values.shape[1]) * width).tolist())
    if after.unit == "time":
        assert _words(before) == _words(after)
        np.testing.assert_allclose(before.slope, after.slope * width, rtol=1e-6, atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(series_matrices)
def test_the_order_of_the_series_does_not_matter(values: Int64Column) -> None:
    forward, backward = judge_series(values), judge_series(values[::-1])
    assert _words(forward) == _words(backward)[::-1]


@settings(deadline=None, max_examples=100)
@given(any_matrices, st.data())
def test_any_numbers_get_a_verdict(values: Int64Column, data: st.DataObject) -> None:
    is_missing = data.draw(arrays.arrays(np.bool_, values.shape))
    verdicts = judge_series(values, is_missing=is_missing)
    for row in range(len(verdicts)):
        verdict = verdicts[row]
        assert verdict.low <= verdict.slope <= verdict.high
        assert verdict.smallest_leak is None or verdict.smallest_leak > 0
        assert all(0 <= place < values.shape[1] for place in verdict.change_points)
        if verdict.measured < 4:
            assert verdict.word is GrowthWord.TOO_FEW
