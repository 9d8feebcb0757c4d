"""Several runs before against several after: means that sum, and no false alarm from what runs vary by."""

from __future__ import annotations

import math
from itertools import permutations
from random import Random

import pytest

from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport, DiffRow, Presence
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.processes import Grouping
from leakreport.analysis.report import GateResult, Status
from tests.analysis.runs_support import loaded, memcheck, repeated

GATED = AnalysisOptions(fail_on=("growth",))


def noisy(generator: Random, *, leak: int = 0, paths: int = 12, switches: int = 4) -> dict[str, int]:
    """One run: paths that vary, half of them together, paths that are there or not, paths that never change."""
    level = generator.gauss(0, 1)
    amounts = {
        f"work{p}": max(0, round(50_000 + 5_000 * (level * (p % 2) + generator.gauss(0, 1)))) for p in range(paths)
    }
    amounts |= {f"switch{p}": generator.randrange(2) * 64 for p in range(switches)}
    return amounts | {"fixed": 4096, "cache": 20_000 + generator.randrange(500) + leak}


def row_of(report: DiffReport, function: str) -> DiffRow:
    return next(row for row in report.rows if function in {report.frames[index].function for index in row.frames})


def assert_adds_up(report: DiffReport) -> None:
    for metric, change in report.change.items():
        assert report.after.totals[metric] - report.before.totals[metric] == change
        assert sum(row.change.get(metric, 0) for row in report.rows) + report.unattributed[metric] == change


def test_noise_alone_is_no_growth_but_in_one_of_a_hundred_reports() -> None:
    # The test is exact: 2 of 252 relabelings count, 0.8 %. More than 4 of 150 has a chance of 0.8 %.
    alarms = 0
    for seed in range(150):
        generator = Random(seed)
        before, after = ([noisy(generator) for _ in range(5)] for _ in range(2))
        report = compare(repeated(before), repeated(after), GATED)
        alarms += report.verdict.gate is GateResult.FAILED
        assert report.verdict.gate is not GateResult.INCONCLUSIVE
        assert (report.verdict.gate is GateResult.FAILED) == (report.verdict.status is Status.GROWTH)
    assert alarms <= 4


def test_a_leak_that_grew_in_a_noisy_program_fails_the_gate_and_is_the_one_row() -> None:
    others = 0
    for seed in range(30):
        generator = Random(seed)
        before, after = [noisy(generator) for _ in range(5)], [noisy(generator, leak=8_000) for _ in range(5)]
        report = compare(repeated(before), repeated(after), GATED)
        assert report.verdict.gate is GateResult.FAILED
        assert report.verdict.status is Status.GROWTH
        grown = [row for row in report.significant if row.change["retained_bytes"] > 0]
        cache = row_of(report, "cache")
        assert cache in grown
        others += len(grown) > 1
        assert cache.runs is not None
        assert cache.runs.before == tuple(run["cache"] for run in before)
        assert cache.runs.p_value == pytest.approx(1 / 252, abs=1e-6)
        assert cache.runs.text.startswith("5 of 5 runs after above all 5 before (p = 0.004")
    assert others <= 1


@pytest.mark.parametrize("counts", [(2, 2), (3, 3), (4, 4), (1, 5), (5, 1), (2, 4)])
def test_too_few_runs_of_a_noisy_program_are_no_pass_and_no_growth(counts: tuple[int, int]) -> None:
    generator = Random(sum(counts))
    before = [noisy(generator) for _ in range(counts[0])]
    after = [noisy(generator, leak=60_000) for _ in range(counts[1])]
    report = compare(repeated(before), repeated(after), GATED)
    assert report.verdict.status is Status.INCONCLUSIVE
    assert report.verdict.gate is GateResult.INCONCLUSIVE
    assert not report.significant
    row = row_of(report, "cache")
    assert row.runs is not None
    assert row.runs.is_undecided
    assert row in report.listed
    assert row.runs.text.endswith("5 runs a side can tell")
    assert "5 of each side" in report.verdict.reasons[0]
    assert "perhaps by chance" in report.verdict.sentence
    forced = compare(repeated(before), repeated(after), AnalysisOptions(fail_on=("growth",), force_compare=True))
    assert forced.verdict.gate is GateResult.FAILED
    limited = compare(
        repeated(before), repeated(after), AnalysisOptions(max_growth_bytes=2**30, max_growth_text="1GiB")
    )
    assert limited.verdict.gate is GateResult.PASSED


@pytest.mark.parametrize("counts", [(2, 2), (2, 3), (3, 3)])
def test_a_program_that_never_varies_is_judged_with_two_runs(counts: tuple[int, int]) -> None:
    before = [{"fixed": 4096, "leak": 640}] * counts[0]
    after = [{"fixed": 4096, "leak": 1280, "fresh": 10}] * counts[1]
    report = compare(repeated(before), repeated(after), GATED)
    assert report.verdict.gate is GateResult.FAILED
    assert {row.change["retained_bytes"] for row in report.significant} == {640, 10}
    assert [row.presence for row in report.significant] == [Presence.BOTH, Presence.NEW]
    assert report.change["leaked_bytes"] == 650
    runs = row_of(report, "leak").runs
    assert runs is not None
    assert runs.is_exact


def test_a_path_that_comes_and_goes_makes_few_equal_runs_no_proof() -> None:
    before = [{"fixed": 4096, "switch": 64}, {"fixed": 4096}]
    after = [{"fixed": 4096, "other": 64}, {"fixed": 4096, "other": 64}]
    report = compare(repeated(before), repeated(after), GATED)
    assert report.verdict.gate is GateResult.INCONCLUSIVE


def test_a_leak_that_changes_its_kind_in_every_run_is_a_change() -> None:
    before, after = (
        loaded(memcheck({"leak": 100}, pid=100 + number, kind=kind) for number in range(3))
        for kind in ("Leak_PossiblyLost", "Leak_DefinitelyLost")
    )
    report = compare(before, after)
    assert len(report.significant) == 1
    assert report.significant[0].leak_kind is not report.significant[0].leak_kind_before


@pytest.mark.parametrize("seed", range(30))
def test_means_are_whole_and_sum_whatever_the_numbers_of_runs(seed: int) -> None:
    generator = Random(seed)
    counts = generator.randint(2, 6), generator.randint(2, 6)
    before, after = ([noisy(generator) for _ in range(count)] for count in counts)
    report = compare(repeated(before), repeated(after))
    assert_adds_up(report)
    for runs, side in ((before, report.before), (after, report.after)):
        total = sum(sum(run.values()) for run in runs)
        assert side.totals["definite_bytes"] == math.floor(total / len(runs) + 0.5)
        assert side.totals["leaked_bytes"] == side.totals["retained_bytes"] == side.totals["definite_bytes"]
    assert report.unattributed["leaked_bytes"] == 0
    assert row_of(report, "fixed").before["retained_bytes"] == 4096
    for row in report.rows:
        assert row.runs is not None
        for values, mean in ((row.runs.before, row.before), (row.runs.after, row.after)):
            assert abs(mean.get("retained_bytes", 0) - sum(values) / len(values)) < 1


@pytest.mark.parametrize("counts", [(5, 5), (3, 4), (8, 8)])
def test_neither_side_nor_order_matters(counts: tuple[int, int]) -> None:
    generator = Random(7)
    before = [noisy(generator) for _ in range(counts[0])]
    after = [noisy(generator, leak=9_000) for _ in range(counts[1])]
    there, back = compare(repeated(before), repeated(after)), compare(repeated(after), repeated(before))
    shuffled = compare(repeated(before[::-1]), repeated([*after[2:], *after[:2]]))
    assert {metric: -change for metric, change in back.change.items()} == dict(there.change)

    def facts(report: DiffReport, sign: int) -> list[tuple[object, ...]]:
        assert all(row.runs is not None for row in report.rows)
        return sorted(
            (
                row.id,
                sign * row.change["retained_bytes"],
                row.is_significant,
                row.is_listed,
                row.runs.p_value,
                row.runs.family_p_value,
            )
            for row in report.rows
            if row.runs is not None
        )

    assert facts(there, 1) == facts(back, -1) == facts(shuffled, 1)
    assert there.verdict.sentence == shuffled.verdict.sentence
    assert dict(there.before.totals) == dict(shuffled.before.totals)


def test_runs_are_no_different_from_themselves() -> None:
    generator = Random(3)
    runs = [noisy(generator) for _ in range(5)]
    for count in (2, 5):
        report = compare(repeated(runs[:count]), repeated(runs[:count]), AnalysisOptions(fail_on=("growth", "new")))
        assert report.verdict.status is Status.NO_GROWTH
        assert report.verdict.gate is GateResult.PASSED
        assert not any(change for row in report.rows for change in row.change.values())


def test_a_test_suite_is_a_sum_and_one_leak_in_one_of_its_programs_is_growth() -> None:
    def suite(leak: int) -> list[bytes]:
        amounts = [{"work": 100 * number, "leak": leak if number == 3 else 0} for number in range(1, 7)]
        return [memcheck(one, pid=200 + number, command=f"./test{number}") for number, one in enumerate(amounts)]

    report = compare(loaded(suite(0)), loaded(suite(64)), GATED)
    assert report.runs is None
    assert report.before.totals["leaked_bytes"] == 2_100
    assert report.change["leaked_bytes"] == 64
    assert report.verdict.gate is GateResult.FAILED
    forced = compare(loaded(suite(0)), loaded(suite(64)), AnalysisOptions(grouping=Grouping.RUNS))
    assert forced.runs is not None
    assert (forced.runs.before, forced.runs.after) == (6, 6)


def test_runs_in_containers_share_a_pid_and_are_runs_if_the_user_says_so() -> None:
    before, after = ([memcheck({"leak": amount}, pid=7)] * 3 for amount in (100, 200))
    report = compare(loaded(before), loaded(after), AnalysisOptions(grouping=Grouping.RUNS))
    assert report.runs is not None
    assert (report.runs.before, report.runs.after) == (3, 3)
    assert report.change["leaked_bytes"] == 100
    assert compare(loaded(before), loaded(after)).runs is None


def test_a_process_tree_is_one_run() -> None:
    def trees(leak: int) -> list[bytes]:
        return [
            content
            for number in range(3)
            for content in (
                memcheck({"own": 1000}, pid=100 + 10 * number, command="./svc"),
                memcheck({"child": leak}, pid=101 + 10 * number, parent=100 + 10 * number, command="./worker"),
            )
        ]

    report = compare(loaded(trees(50)), loaded(trees(80)))
    assert report.runs is not None
    assert (report.runs.before, report.runs.after) == (3, 3)
    assert report.runs.total.before == (1050, 1050, 1050)
    assert report.change["leaked_bytes"] == 30
    assert_adds_up(report)


def test_more_against_fewer_runs_of_the_same_program_is_no_change() -> None:
    report = compare(repeated([{"leak": 100}] * 5), repeated([{"leak": 100}] * 2), GATED)
    assert report.change["leaked_bytes"] == 0
    assert report.verdict.gate is GateResult.PASSED


def test_p_values_are_those_of_counting_relabelings() -> None:
    generator = Random(11)
    before, after = ([noisy(generator, paths=3, switches=0) for _ in range(3)] for _ in range(2))
    report = compare(repeated(before), repeated(after))
    for row in report.rows:
        assert row.runs is not None
        values = [*row.runs.before, *row.runs.after]
        measured = sum(row.runs.after) - sum(row.runs.before)
        sign = 1 if measured >= 0 else -1
        orders = list(permutations(range(6)))
        reached = sum(
            sign * (sum(values[i] for i in order[3:]) - sum(values[i] for i in order[:3])) >= sign * measured
            for order in orders
        )
        assert row.runs.p_value == pytest.approx(reached / len(orders), abs=1e-6)
        assert row.runs.family_p_value >= row.runs.p_value - 1e-6
