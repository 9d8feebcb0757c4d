"""A small, seeded version of the promises of docs/verdict.md, as counts."""

from __future__ import annotations

import numpy as np
import pytest

from leakreport.analysis.growth import judge_series
from leakreport.analysis.growth_bars import GrowthOptions
from leakreport.analysis.growth_results import CODES, GrowthWord
from leakreport.analysis.series_tests import holm, normal_tail, t_to_normal, upper_normal, upper_t, walk_quantile
from leakreport.analysis.slopes import Axis
from leakreport.model.columns import Float64Column, Int64Column

ALONE = GrowthOptions(is_family=False)


def _noise(seed: int, rows: int, n: int, correlation: float) -> Float64Column:
    fresh = np.random.default_rng(seed).standard_normal((rows, n))
    if correlation == 1:
        return np.asarray(np.cumsum(fresh, axis=1))
    for i in range(1, n):
        fresh[:, i] = correlation * fresh[:, i - 1] + np.sqrt(1 - correlation**2) * fresh[:, i]
    return fresh


def _bytes(sigmas: Float64Column) -> Int64Column:
    return np.rint(2_621_440 + 6400 * sigmas).astype(np.int64) * 16


def test_one_report_of_noise_in_a_hundred_at_most_has_a_growing_path() -> None:
    alarms = 0
    for seed in range(20):
        for correlation in (0.0, 0.5, 0.8, 0.95, 1.0):
            verdicts = judge_series(_bytes(_noise(seed, 1000, (8, 10, 30, 60)[seed % 4], correlation)), quantum=16.0)
            alarms += bool(verdicts.rows_of(GrowthWord.GROWING).size)
    assert alarms <= 1


@pytest.mark.parametrize("n", [8, 20, 60])
def test_no_report_of_what_stops_has_a_growing_path(n: int) -> None:
    generator = np.random.default_rng(n)
    times, noise = np.arange(n), _noise(2, 1500, n, 0.0)
    height = generator.uniform(10, 300, (1500, 1))
    warm_up = height * (1 - np.exp(-times / (n * generator.uniform(0.03, 0.3, (1500, 1)))))
    fills = height * np.minimum(1, times / (n * generator.uniform(0.2, 0.65, (1500, 1))))
    step = height * (times >= n * generator.uniform(0.1, 0.9, (1500, 1)))
    verdicts = judge_series(_bytes(np.vstack([warm_up + noise, fills + noise, step + noise, step])), quantum=16.0)
    assert not len(verdicts.rows_of(GrowthWord.GROWING))


@pytest.mark.parametrize("n", [6, 10, 30, 60, 100])
def test_a_leak_as_large_as_the_smallest_one_is_found_nineteen_times_of_twenty(n: int) -> None:
    rise = np.exp(np.random.default_rng(n).uniform(np.log(5), np.log(500), (2000, 1)))
    slopes = rise[:, 0] * 6400 * 16 / (n - 1)
    verdicts = judge_series(
        _bytes(rise * np.arange(n) / (n - 1) + _noise(3, 2000, n, 0.0)), quantum=16.0, options=ALONE
    )
    is_promised = slopes >= verdicts.smallest_leak
    kept = verdicts.words[is_promised] == CODES[GrowthWord.GROWING]
    assert is_promised.sum() >= 500
    assert kept.mean() >= 0.95
    assert np.mean((verdicts.low <= slopes) & (slopes <= verdicts.high)) >= 0.92


@pytest.mark.parametrize(("n", "most"), [(30, 0.6), (60, 0.25)])
def test_the_smallest_leak_of_white_noise_is_small(n: int, most: float) -> None:
    verdicts = judge_series(_bytes(_noise(4, 2000, n, 0.0)), quantum=16.0, options=ALONE)
    assert np.median(verdicts.smallest_leak) <= most * 6400 * 16


def test_a_leak_far_below_a_regular_sawtooth_is_found_among_many() -> None:
    times = np.arange(60)
    generator = np.random.default_rng(9)
    period = generator.uniform(4, 12, (2000, 1))
    teeth = 40 * ((times / period + generator.uniform(0, 1, (2000, 1))) % 1)
    leak = np.where(np.arange(2000)[:, None] < 20, 20.0, 0.0) * times / 59
    verdicts = judge_series(_bytes(teeth + leak + _noise(5, 2000, 60, 0.0) * 0.3), quantum=16.0)
    growing = verdicts.rows_of(GrowthWord.GROWING)
    assert growing.size >= 15
    assert (growing < 20).all()


def test_quantiles_agree_with_tables_of_t() -> None:
    # Upper 2.5 % and 0.05 % of t: printed in every table.
    freedom = np.array([4.0, 10.0, 30.0])
    np.testing.assert_allclose(upper_t(0.025, freedom), [2.776, 2.228, 2.042], rtol=0.01)
    np.testing.assert_allclose(upper_t(0.0005, freedom), [8.610, 4.587, 3.646], rtol=0.04)
    np.testing.assert_allclose(t_to_normal(upper_t(0.001, freedom), freedom), upper_normal(0.001))
    np.testing.assert_allclose(normal_tail(np.array([0.0, 1.959964, 8.0])), [0.5, 0.025, 6.22096e-16], rtol=1e-5)


def test_holm_steps_down_and_stops_at_the_first_that_fails() -> None:
    tails = np.array([0.03, 0.001, 0.04, 0.011])
    assert holm(tails, 0.05, 4).tolist() == [False, True, False, True]
    assert holm(tails, 0.05, 50).tolist() == [False, True, False, False]
    assert holm(np.array([0.001, 0.002]), 0.05, 2).all()


def test_walk_quantiles_are_those_of_simulated_walks() -> None:
    walks = _noise(6, 40_000, 30, 1.0)
    x = np.arange(30) - 14.5
    left = walks - walks.mean(axis=1)[:, None]
    left -= (left @ x / (x @ x))[:, None] * x
    correlation = (left[:, 1:] * left[:, :-1]).sum(axis=1) / (left * left).sum(axis=1)
    assert np.quantile(correlation, 0.05) == pytest.approx(walk_quantile(30, 0.05), abs=0.01)
    assert np.quantile(correlation, 0.01) == pytest.approx(walk_quantile(30, 0.01), abs=0.02)
    assert walk_quantile(30, 1e-9) < walk_quantile(30, 1e-5)
    assert walk_quantile(300, 0.05) > walk_quantile(150, 0.05)


def test_the_variance_of_a_slope_is_that_of_the_matrix() -> None:
    x = np.array([0.0, 1.0, 2.5, 3.0, 4.5, 6.0])
    axis = Axis(x)
    weights = axis.centred / axis.sum_of_squares
    rho = 0.9
    lags = np.abs(np.subtract.outer(np.arange(axis.centred.size), np.arange(axis.centred.size)))
    expected = weights @ (rho**lags / (1 - rho**2)) @ weights
    assert axis.slope_error(np.array([rho]), np.array([1.0]))[0] ** 2 == pytest.approx(expected, rel=1e-6)
