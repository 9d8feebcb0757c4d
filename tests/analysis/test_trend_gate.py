"""Thresholds on a trend: only growing fails, and what the data could not have shown never passes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pytest

from leakreport.analysis.growth_results import GrowthWord
from leakreport.analysis.options import AnalysisOptions, GrowthLimit, WorkDone
from leakreport.analysis.report import GateLine, GateResult, Status
from leakreport.analysis.trend import trend
from leakreport.analysis.trendreport import TrendReport
from leakreport.errors import UsageError
from leakreport.model.builder import build_run
from leakreport.model.raw import Note, Sampling
from tests.analysis.trend_support import dumps, runs, snapshot, steady

LOAD, PARSE = "main@m.c:5 load@l.c:10", "main@m.c:6 parse@p.c:20"
LEAK = [800 * number for number in range(1, 13)]
"""800 bytes a snapshot: 8,800 from the first to the last."""
FLAT = [4096] * 12
SAWTOOTH = [100_000 * (number % 4) for number in range(12)]


def judged(*amounts: Sequence[int], **options: Any) -> TrendReport:
    """Paths by load and parse over dumps of one process."""
    stacks = (LOAD, PARSE)[: len(amounts)]
    states = [dict(zip(stacks, held, strict=True)) for held in zip(*amounts, strict=True)]
    if "max_growth_bytes" in options:
        options["max_growth_text"] = str(options["max_growth_bytes"])
    return trend(dumps(*states), AnalysisOptions(**options))


def only_line(report: TrendReport) -> GateLine:
    (line,) = report.verdict.gate_lines
    return line


def test_without_a_threshold_there_is_no_gate() -> None:
    report = judged(LEAK)
    assert report.verdict.gate is GateResult.NOT_ASKED
    assert report.verdict.status is Status.GROWTH


@pytest.mark.parametrize("options", [{"fail_on": ("growth",)}, {"fail_on": ("any",)}, {"max_growth_bytes": 0}])
def test_growth_fails(options: dict[str, Any]) -> None:
    report = judged(LEAK, FLAT, **options)
    assert report.verdict.gate is GateResult.FAILED
    assert "1 path grew by 8.59 KiB" in only_line(report).text


@pytest.mark.parametrize(("limit", "result"), [(8799, GateResult.FAILED), (8800, GateResult.PASSED)])
def test_the_threshold_is_what_grew_from_the_first_point_to_the_last(limit: int, result: GateResult) -> None:
    assert judged(LEAK, FLAT, max_growth_bytes=limit).verdict.gate is result


def test_no_growth_passes_and_says_what_would_have_been_found() -> None:
    report = judged(FLAT, fail_on=("growth",))
    assert report.verdict.gate is GateResult.PASSED
    assert report.verdict.status is Status.NO_GROWTH
    assert "would have been found" in only_line(report).text
    assert report.total is not None
    assert report.total.verdict.smallest_leak is not None
    assert "4.00 KiB → 4.00 KiB" in report.total.evidence


@pytest.mark.parametrize("points", [2, 3])
def test_two_or_three_points_are_no_pass_and_no_failure(points: int) -> None:
    for amounts in (LEAK, FLAT):
        report = judged(amounts[:points], fail_on=("growth",))
        assert report.verdict.gate is GateResult.INCONCLUSIVE
        assert report.verdict.status is Status.INCONCLUSIVE
    assert "larger by" in judged(LEAK[:points]).verdict.sentence


def test_a_total_that_may_rise_is_no_pass() -> None:
    slowing = [int(100_000 * (1 - 0.9**number)) for number in range(20)]
    report = judged(slowing, fail_on=("growth",))
    assert report.total is not None
    assert report.total.verdict.word in {GrowthWord.SLOWING, GrowthWord.UNCLEAR}
    assert report.verdict.gate is GateResult.INCONCLUSIVE
    # A limit above everything that could have hidden is kept.
    assert judged(slowing, max_growth_bytes=10**9).verdict.gate is GateResult.PASSED


def test_a_path_in_which_no_leak_could_be_seen_is_no_pass() -> None:
    report = judged(FLAT, SAWTOOTH, fail_on=("growth",))
    cycles = next(row for row in report.rows if row.series == tuple(SAWTOOTH))
    assert cycles.verdict.word is GrowthWord.SAWTOOTH
    assert cycles.verdict.smallest_leak is None
    assert report.verdict.gate is GateResult.INCONCLUSIVE
    # It cannot have grown by more than it moved at all.
    assert judged(FLAT, SAWTOOTH, max_growth_bytes=300_000).verdict.gate is GateResult.PASSED


def part(pattern: str, limit: int) -> GrowthLimit:
    return GrowthLimit(pattern, limit, f"{pattern}={limit}")


@pytest.mark.parametrize(
    ("pattern", "limit", "result"),
    [
        ("load", 100, GateResult.FAILED),
        ("l?ad", 100_000, GateResult.PASSED),
        ("parse", 0, GateResult.PASSED),
        ("app", 100, GateResult.FAILED),
        ("a*", 100_000, GateResult.PASSED),
        ("libz*", 100_000, GateResult.INCONCLUSIVE),
        ("LOAD", 100_000, GateResult.INCONCLUSIVE),
    ],
)
def test_thresholds_for_some_paths(pattern: str, limit: int, result: GateResult) -> None:
    report = judged(LEAK, FLAT, max_growth_of=(part(pattern, limit),))
    assert only_line(report).result is result
    assert only_line(report).gate == f"--max-growth {pattern}={limit}"
    assert report.verdict.gate is result
    # They are no totals of the report.
    assert [resource.name for resource in report.resources] == ["retained_bytes", "retained_blocks"]


def test_a_leak_that_is_spread_over_paths_is_seen_in_their_sum() -> None:
    half = [400 * number for number in range(1, 13)]
    assert judged(half, half, max_growth_of=(part("app", 5000),)).verdict.gate is GateResult.FAILED
    assert judged(half, half, max_growth_of=(part("load", 5000),)).verdict.gate is GateResult.PASSED


def test_the_deciding_line_stands_first() -> None:
    report = judged(LEAK, FLAT, max_growth_of=(part("parse", 0), part("load", 100)))
    assert [line.result for line in report.verdict.gate_lines] == [GateResult.FAILED, GateResult.PASSED]


def test_a_pass_on_incomplete_inputs_is_none() -> None:
    report = trend(
        dumps(
            *steady(FLAT), notes=(Note("damaged-records", "One."), Note("unreadable-inputs", "Two.")), is_complete=False
        ),
        AnalysisOptions(fail_on=("growth",)),
    )
    assert report.verdict.gate is GateResult.INCONCLUSIVE
    assert "incomplete" in only_line(report).text


def test_small_ranges_are_flat_where_the_user_says_so() -> None:
    assert judged(LEAK).growing == 1
    quiet = judged(LEAK, min_growth=10_000)
    assert quiet.growing == 0
    assert quiet.total is not None
    assert quiet.total.verdict.word is GrowthWord.FLAT


def test_paths_and_totals_share_the_chance_of_a_false_alarm() -> None:
    # Two families: a path has half of one in a hundred, whatever the totals do.
    report = judged(LEAK, FLAT)
    assert report.family_size == 1
    assert "1 chance in 100" in report.family_sentence


def test_another_metric_is_judged_in_its_own_unit() -> None:
    report = judged(LEAK, FLAT, metric="retained_blocks")
    assert report.metric_unit == "blocks"
    assert report.rows[0].series == tuple(amount // 8 for amount in LEAK)
    assert "100 per snapshot" in report.rows[0].evidence
    with pytest.raises(UsageError, match="not measured"):
        judged(LEAK, metric="open_fds")


def test_a_limit_is_dated_where_the_total_grows() -> None:
    report = judged(LEAK, limit=9600 + 80_000)
    assert report.forecast is not None
    assert report.forecast.when == pytest.approx(100, rel=0.01)
    assert report.forecast.low is not None
    assert report.forecast.high is not None
    assert report.forecast.low <= 100 <= report.forecast.high
    assert "100 snapshots" in report.forecast.sentence
    flat = judged(FLAT, limit=10**6).forecast
    assert flat is not None
    assert flat.when is None
    assert "flat" in flat.sentence
    reached = judged(LEAK, limit=100).forecast
    assert reached is not None
    assert (reached.when, "already" in reached.sentence) == (0.0, True)


def test_work_takes_the_initialisation_apart() -> None:
    # 50,000 bytes at the start and 10 for each request.
    requests = (1000.0, 1500.0, 4000.0, 4100.0, 7000.0, 9000.0, 12_000.0, 12_500.0)
    held = [50_000 + 10 * int(count) for count in requests]
    report = judged([amount // 8 * 8 for amount in held], work=WorkDone("requests", requests))
    assert report.rows[0].verdict.word is GrowthWord.GROWING
    assert report.rows[0].verdict.low <= 10 <= report.rows[0].verdict.high
    assert report.work is not None
    assert report.work.initial is not None
    assert report.work.initial_error is not None
    assert abs(report.work.initial - 50_000) <= report.work.initial_error + 8


def test_what_grows_with_time_and_not_with_work_is_told() -> None:
    # 800 bytes every ten seconds, whatever the load was.
    done = list(
        accumulate([120, 120, 60, 100, 140, 120, 120, 100, 120, 100, 140, 80, 140, 80, 100, 80, 60, 140, 100, 140])
    )
    raws = [
        snapshot(f"app.{number:04}.heap", {LOAD: 800 * number}, pid=7, time=10.0 * number, time_unit="s")
        for number in range(1, len(done) + 1)
    ]
    report = trend(build_run(raws), AnalysisOptions(work=WorkDone("requests", tuple(map(float, done)))))
    assert report.rows[0].verdict.word is GrowthWord.GROWING
    assert report.rows[0].follows_time
    assert "follows time" in report.rows[0].evidence
    assert report.work is not None
    assert report.work.sentence == "The total grows with time, not with requests."
    assert report.work.initial is None
    by_time = trend(build_run(raws))
    assert (by_time.unit, by_time.per) == ("time", "minute")
    assert not by_time.rows[0].follows_time
    assert "4.69 KiB per minute" in by_time.rows[0].evidence


@pytest.mark.parametrize(
    ("amounts", "text"),
    [((1.0, 2.0), "2 amounts for 12 snapshots"), (tuple(float(n) for n in (*range(11), 5)), "does not rise")],
)
def test_work_that_does_not_fit_is_refused(amounts: tuple[float, ...], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        judged(LEAK, work=WorkDone("requests", amounts))


def test_one_sampled_block_more_is_no_growth() -> None:
    # A sample of one in 512 KiB: each block that is hit stands for about as much.
    period = 512 << 10
    states = steady([period * (1 + number // 6) for number in range(12)])
    run = dumps(*states, sampling=Sampling(period))
    assert trend(run).growing == 0
    assert trend(run).rows[0].verdict.word is GrowthWord.FLAT


def test_separate_runs_are_judged_like_snapshots() -> None:
    states = steady([800 * number for number in range(1, 9)])
    assert trend(runs(*states)).rows[0].series == trend(dumps(*states)).rows[0].series
    assert trend(runs(*states)).growing == trend(dumps(*states)).growing == 1
