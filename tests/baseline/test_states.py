"""What is new, what grew, what is known, fixed or expired, and which of it the gate counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from leakreport.analysis.checkreport import State
from leakreport.analysis.report import GateResult, Report
from leakreport.baseline.record import accepted, pruned
from leakreport.errors import BaselineError
from leakreport.model.builder import build_run
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run
from leakreport.render.check_text import check_lines
from leakreport.render.interface import RenderOptions
from tests.analysis.runs_support import loaded, memcheck
from tests.baseline.heap_support import heap_run
from tests.baseline.support import baseline_of, check_of, comparison, options, states, stored, svc, update_of

REACHABLE, POSSIBLE = "Leak_StillReachable", "Leak_PossiblyLost"
BASE = {"load": 4096, "parse": 64}


def gate(report: Report) -> str:
    return report.verdict.gate.value


def only_id(report: Report, state: State) -> str:
    assert report.check is not None
    (leak,) = report.check.of(state)
    return leak.id


def test_without_a_baseline_every_leak_is_new() -> None:
    report = check_of(svc(BASE), None)
    assert states(report) == {"new": 2}
    assert gate(report) == "failed"
    assert gate(check_of(svc({}), None)) == "passed"


@pytest.mark.parametrize(
    ("now", "found", "result"),
    [
        (BASE, {"known": 2}, "passed"),
        (BASE | {"draw": 1}, {"known": 2, "new": 1}, "failed"),
        (BASE | {"parse": 65}, {"known": 1, "grew": 1}, "failed"),
        (BASE | {"parse": 63}, {"known": 2}, "passed"),
        ({"load": 4096}, {"known": 1, "fixed": 1}, "passed"),
        ({}, {"fixed": 2}, "passed"),
        ({"load": 4097, "draw": 5}, {"grew": 1, "new": 1, "fixed": 1}, "failed"),
    ],
)
def test_states_and_gate(now: dict[str, int], found: dict[str, int], result: str, tmp_path: Path) -> None:
    report = check_of(svc(now), stored(baseline_of(svc(BASE)), tmp_path))
    assert states(report) == found
    assert gate(report) == result
    assert {line.result for line in report.verdict.gate_lines} == {GateResult(result)}


def test_every_failing_leak_is_named_by_its_id() -> None:
    report = check_of(svc(BASE | {"draw": 1, "parse": 65}), baseline_of(svc(BASE)))
    lines = {line.gate: line.text for line in report.verdict.gate_lines}
    assert only_id(report, State.NEW) in lines["new"]
    assert only_id(report, State.GREW) in lines["grew"]


@pytest.mark.parametrize(
    ("kind", "fail_on", "result"),
    [
        (REACHABLE, (), "passed"),
        (REACHABLE, ("reachable",), "failed"),
        (REACHABLE, ("any",), "failed"),
        (REACHABLE, ("definite",), "passed"),
        (POSSIBLE, (), "failed"),
        (POSSIBLE, ("definite",), "passed"),
        ("Leak_IndirectlyLost", (), "failed"),
    ],
)
def test_which_new_leaks_count(kind: str, fail_on: tuple[str, ...], result: str) -> None:
    report = check_of(svc({"load": 9}, kind=kind), baseline_of(svc({})), options(fail_on=fail_on))
    assert states(report) == {"new": 1}
    assert gate(report) == result


def test_reachable_memory_counts_when_it_grows() -> None:
    baseline = baseline_of(svc({"cache": 100}, kind=REACHABLE))
    assert gate(check_of(svc({"cache": 101}, kind=REACHABLE), baseline)) == "failed"
    assert gate(check_of(svc({"cache": 101}, kind=REACHABLE), baseline, options(fail_on=["definite"]))) == "passed"


def test_memory_that_was_reachable_and_is_lost_has_grown_worse() -> None:
    report = check_of(svc({"cache": 100}), baseline_of(svc({"cache": 100}, kind=REACHABLE)))
    assert states(report) == {"grew": 1}
    assert gate(report) == "failed"
    assert report.check is not None
    assert report.check.leaks[0].evidence == "was still reachable, is now definitely lost"
    assert report.verdict.sentence == "1 leak became lost; 0 known"
    assert report.verdict.gate_lines[0].text.startswith(
        "1 leak became lost (was still reachable, is now definitely lost): p1-"
    )
    (line,) = (one for one in check_lines(report, RenderOptions()) if one.startswith("STATE "))
    assert line.endswith(" became lost: was still reachable, is now definitely lost")
    larger = check_of(svc({"cache": 101}), baseline_of(svc({"cache": 100}, kind=REACHABLE)))
    assert larger.verdict.sentence == "1 leak grew; 0 known"


def test_memory_that_was_possibly_lost_is_worse_only_where_definite_losses_alone_count() -> None:
    baseline = baseline_of(svc({"cache": 100}, kind=POSSIBLE))
    assert states(check_of(svc({"cache": 100}), baseline)) == {"known": 1}
    assert states(check_of(svc({"cache": 100}), baseline, options(fail_on=["definite"]))) == {"grew": 1}
    assert states(check_of(svc({"cache": 100}, kind=POSSIBLE), baseline_of(svc({"cache": 100})))) == {"known": 1}


@pytest.mark.parametrize(("word", "result"), [("new", "passed"), ("growth", "failed")])
def test_one_state_can_be_asked_for(word: str, result: str) -> None:
    report = check_of(svc(BASE | {"parse": 65}), baseline_of(svc(BASE)), options(fail_on=[word]))
    assert gate(report) == result


def test_an_acceptance_expires_on_the_day_after_its_last(tmp_path: Path) -> None:
    known = baseline_of(svc(BASE))
    name = next(iter(known.leaks))
    known = stored(accepted(known, None, name, options(), reason="known", until="2026-11-03"), tmp_path)
    assert states(check_of(svc(BASE), known, options(today="2026-11-03"))) == {"known": 2}
    report = check_of(svc(BASE), known, options(today="2026-11-04"))
    assert states(report) == {"known": 1, "expired": 1}
    assert gate(report) == "failed"
    assert only_id(report, State.EXPIRED) == name
    assert gate(check_of(svc({}), known, options(today="2026-11-04"))) == "passed"


def test_a_new_leak_is_accepted_with_the_run_it_was_found_in() -> None:
    run, known = svc(BASE | {"draw": 7}), baseline_of(svc(BASE))
    name = only_id(check_of(run, known), State.NEW)
    with pytest.raises(BaselineError, match="no leak"):
        accepted(known, None, name, options(), reason="x", until=None)
    found = accepted(known, comparison(run, known, options()), name, options(), reason="x", until=None)
    assert gate(check_of(run, found)) == "passed"
    assert gate(check_of(svc(BASE | {"draw": 8}), found)) == "failed"


def test_what_is_fixed_is_remembered_until_it_is_pruned() -> None:
    known = update_of(svc({"load": 4096}), baseline_of(svc(BASE), options(today="2026-01-01")))
    (fixed,) = (leak for leak in known.leaks.values() if not leak.last)
    assert fixed.function == "parse"
    assert fixed.fixed == "2026-11-03"
    assert states(check_of(svc({"load": 4096}), known)) == {"known": 1}
    back = check_of(svc(BASE), known)
    assert states(back) == {"known": 1, "new": 1}
    assert back.check is not None
    assert "it was fixed on 2026-11-03, and is back" in {leak.evidence for leak in back.check.leaks}
    fewer, gone = pruned(known, None)
    assert [leak.id for leak in gone] == [fixed.id]
    assert states(check_of(svc(BASE), fewer)) == {"known": 1, "new": 1}
    taken_in = update_of(svc(BASE), known)
    assert taken_in.leaks[fixed.id].first_seen == "2026-01-01"


def test_several_processes_are_judged_together() -> None:
    both = [memcheck({"load": 10}, pid=1), memcheck({"load": 20}, pid=2, command="./other")]
    baseline = baseline_of(loaded(both))
    assert baseline.recording.programs == {"svc": 1, "other": 1}
    assert gate(check_of(loaded(both), baseline)) == "passed"
    more = [both[0], memcheck({"load": 21}, pid=2, command="./other")]
    assert states(check_of(loaded(more), baseline)) == {"grew": 1}


def heap(amounts: dict[str, int]) -> Run:
    return heap_run(amounts)


def test_heap_profiles_are_judged_by_the_noise_rules() -> None:
    base = {"cache": 1 << 20, "pool": 1 << 18}
    known = baseline_of(heap(base))
    assert states(check_of(heap(base | {"cache": (1 << 20) + 60_000}), known)) == {"known": 2}
    assert states(check_of(heap(base | {"cache": (1 << 20) + 70_000}), known)) == {"known": 1, "grew": 1}
    assert states(check_of(heap(base | {"other": 60_000}), known)) == {"known": 2}
    report = check_of(heap(base | {"other": 70_000}), known)
    assert states(report) == {"known": 2, "new": 1}
    assert gate(report) == "failed"


def test_what_creeps_below_the_noise_is_seen_against_the_anchor() -> None:
    held, known = 1 << 20, baseline_of(heap({"cache": 1 << 20}))
    results = []
    for _ in range(4):
        held = round(held * 1.03)
        results.append(gate(check_of(heap({"cache": held}), known)))
        known = update_of(heap({"cache": held}), known)
    assert results[0] == "passed"
    assert "failed" in results


def test_small_paths_of_a_large_profile_are_summed_up() -> None:
    amounts = {f"function_{number}": 300 + number for number in range(1_500)} | {"cache": 1 << 20}
    known = baseline_of(heap(amounts))
    assert [leak.function for leak in known.leaks.values()] == ["cache"]
    assert known.folded_bytes == 16_384
    assert sum(amount.bytes for amount in known.unattributed.values()) == sum(amounts.values()) - (1 << 20)
    assert gate(check_of(heap(amounts), known)) == "passed"
    # It may have held 16 KiB before.
    assert gate(check_of(heap(amounts | {"function_1": 66_000}), known)) == "passed"
    assert gate(check_of(heap(amounts | {"function_1": 90_000}), known)) == "failed"


def test_other_lines_of_the_gate_stay() -> None:
    report = check_of(svc(BASE), baseline_of(svc(BASE)))
    assert report.check is not None
    assert report.verdict.sentence == "Nothing is new and nothing grew; 2 known"
    assert replace(report.check, leaks=()).counts["known"] == 0


def nameless(base: int, *amounts: int) -> Run:
    """A heap profile of a build without names, in which only addresses tell the paths apart."""
    builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    for number, held in enumerate(amounts):
        frames = [Frame(None, "/src/svc", address=address + number * 64) for address in (base, base + 0x4000)]
        builder.add(frames, (held, int(held > 0)))
    totals = {"retained_bytes": sum(amounts), "retained_blocks": sum(held > 0 for held in amounts)}
    meta = SnapshotMeta("svc.heap", "gperftools", command=("./svc",))
    return build_run([RawSnapshot(meta, totals, builder.build())])


def test_paths_that_nothing_tells_apart_are_one_leak_with_their_sums() -> None:
    known = baseline_of(nameless(0x1000, 300_000, 70_000))
    report = check_of(nameless(0x2000, 500_000, 0, 2_000, 0), known)
    assert report.check is not None
    assert states(report) == {"grew": 1}
    (leak,) = report.check.leaks
    assert (leak.before["bytes"], leak.after["bytes"]) == (370_000, 502_000)
    assert "2 paths before, 2 now" in leak.evidence
    empty = [row for row in report.paths if not row.values["retained_bytes"]]
    assert len(empty) == 2
    assert {report.check.state_of(row) for row in empty} == {None}
    assert "1 leak grew, by 128.9 KiB" in report.verdict.gate_lines[0].text
    assert states(check_of(nameless(0x2000, 250_000, 0, 110_000, 0), known)) == {"known": 1}


def test_of_paths_that_nothing_tells_apart_all_are_accepted() -> None:
    known = baseline_of(nameless(0x1000, 300_000, 70_000))
    run = nameless(0x2000, 500_000, 0, 2_000, 0)
    name = only_id(check_of(run, known), State.GREW)
    found = accepted(known, comparison(run, known, options()), name, options(), reason="x", until=None)
    assert {leak.last[LeakKind.NONE].bytes for leak in found.leaks.values()} == {500_000, 2_000}
    assert gate(check_of(run, found)) == "passed"


def test_what_is_new_and_not_counted_is_told_so_in_headline_and_gate() -> None:
    report = check_of(svc({"cache": 9}, kind=REACHABLE), None)
    assert report.verdict.sentence == "1 new, still reachable: not counted (there is no baseline); 0 known"
    assert report.verdict.gate_lines == (
        ("new", GateResult.PASSED, "1 new, still reachable: not counted (there is no baseline)", None),
    )
    report = check_of(svc({"cache": 9}, kind=REACHABLE), baseline_of(svc({})))
    assert report.verdict.sentence == "1 new, still reachable: not counted; 0 known"
    (line,) = report.verdict.gate_lines
    assert line.gate == "baseline"
    assert line.text.endswith("0 leaks known; 1 new, still reachable: not counted")
    (clean,) = check_of(svc({}), None).verdict.gate_lines
    assert (clean.gate, clean.text) == ("new", "no leak (there is no baseline)")


def test_a_ratchet_lets_the_sum_of_what_nothing_tells_apart_not_rise() -> None:
    known = baseline_of(nameless(0x1000, 300_000, 70_000))
    found = update_of(nameless(0x2000, 500_000, 0, 2_000, 0), known, is_ratchet=True)
    assert sum(leak.last[LeakKind.NONE].bytes for leak in found.leaks.values() if leak.last) <= 370_000
    assert gate(check_of(nameless(0x2000, 500_000, 0, 2_000, 0), found)) == "failed"
