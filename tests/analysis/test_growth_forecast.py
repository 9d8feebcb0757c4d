"""When a limit is reached, what was there at the start, and whether work drives the growth."""

from __future__ import annotations

import numpy as np
import pytest

from leakreport.analysis.forecast import follows_time, initial_amounts, time_to_limit
from leakreport.analysis.growth import judge_series

GENERATOR = np.random.default_rng(11)


def test_the_time_to_a_limit_lies_in_its_interval() -> None:
    held = 0
    for _ in range(100):
        series = (10**6 + 1000 * np.arange(40) + 1000 * GENERATOR.standard_normal(40)).astype(np.int64)
        verdicts = judge_series(series[None, :], quantum=16.0)
        forecast = time_to_limit(series, 1_139_000, verdicts)
        assert forecast is not None and forecast.high is not None
        held += forecast.low <= 100 <= forecast.high
    assert held >= 94


def test_an_exact_leak_reaches_its_limit_exactly() -> None:
    series = np.arange(20) * 4096
    verdicts = judge_series(series[None, :], times=[60.0 * i for i in range(20)])
    forecast = time_to_limit(series, 4096 * 29, verdicts)
    assert forecast is not None
    assert forecast.when == pytest.approx(600)


def test_a_limit_that_is_behind_is_now() -> None:
    series = np.arange(20) * 4096
    forecast = time_to_limit(series, 4096, judge_series(series[None, :]))
    assert forecast is not None
    assert (forecast.when, forecast.low, forecast.high) == (0, 0, 0)


def test_what_does_not_grow_reaches_no_limit() -> None:
    series = np.full(20, 4096)
    assert time_to_limit(series, 8192, judge_series(series[None, :])) is None


def test_the_initial_amount_is_told_from_the_amount_per_request() -> None:
    work = np.cumsum(GENERATOR.integers(500, 2000, 40)).astype(np.float64)
    noise = 3000 * GENERATOR.standard_normal((200, 40))
    values = np.rint(5_000_000 + 12 * work + noise).astype(np.int64)
    verdicts = judge_series(values, work=work.tolist(), quantum=16.0)
    amounts, errors = initial_amounts(values, work, verdicts)
    assert np.count_nonzero(np.abs(amounts - 5_000_000) <= errors) >= 188
    assert np.median(errors) < 10_000


def test_growth_with_time_is_told_from_growth_with_work() -> None:
    work = np.cumsum(GENERATOR.integers(1, 2000, 30)).astype(np.float64)
    times = np.linspace(0, 1740, 30)
    values = np.array([10_000 * np.arange(30), 10 * work]).astype(np.int64)
    assert follows_time(values, work, times).tolist() == [True, False]
    assert not follows_time(values[:, :3], work[:3], times[:3]).any()
