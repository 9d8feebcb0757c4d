"""Nothing goes green because nothing was seen: every reason for which a check does not judge."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from leakreport.api import load
from leakreport.baseline.entries import Baseline
from tests.analysis.runs_support import loaded, memcheck
from tests.baseline.heap_support import heap_run
from tests.baseline.support import baseline_of, check_of, options, stored, svc
from tests.support import fixture_path

BASE = {"load": 4096, "parse": 64}


def doubts(report: object) -> list[str]:
    check = report.check  # type: ignore[attr-defined]  # a report
    return [doubt.slug for doubt in check.doubts]


def known(folder: Path) -> Baseline:
    return stored(baseline_of(svc(BASE)), folder)


@pytest.mark.parametrize("program", ["ctest", "/usr/bin/make", "bash", "/bin/sh", "lt-ctest"])
@pytest.mark.parametrize("found", [{}, {"leak": 5}])
def test_a_launcher_is_not_the_program(program: str, found: dict[str, int], tmp_path: Path) -> None:
    run = svc(found, command=program)
    for baseline in (known(tmp_path), None):
        report = check_of(run, baseline)
        assert doubts(report) == ["wrong-program"]
        assert report.verdict.gate == "inconclusive"
        assert report.verdict.status == "inconclusive"
        assert "--trace-children=yes" in report.verdict.gate_lines[0].text


@pytest.mark.parametrize("program", ["/usr/bin/python3", "python3.11", "/usr/bin/perl", "node"])
def test_an_interpreter_that_lost_nothing_is_not_the_program(program: str) -> None:
    run = svc({}, command=program)
    report = check_of(run, None)
    assert doubts(report) == ["wrong-program"]
    assert report.verdict.gate == "inconclusive"
    assert "baseline write --force" in report.verdict.gate_lines[0].text
    # Whoever wrote a baseline of it has said that it is the program.
    assert check_of(run, baseline_of(run)).verdict.gate == "passed"


def test_an_interpreter_with_a_frame_of_yours_is_the_program() -> None:
    assert not doubts(check_of(svc(BASE, command="python3"), None))
    assert check_of(svc({}), None).verdict.gate == "passed"


def test_a_launcher_beside_its_program_is_no_harm(tmp_path: Path) -> None:
    both = [memcheck({}, pid=1, command="/usr/bin/ctest"), memcheck(BASE, pid=2, parent=1)]
    assert check_of(loaded(both), known(tmp_path)).verdict.gate == "passed"


def test_a_program_that_is_known_as_a_launcher_is_the_program() -> None:
    run = svc(BASE, command="make")
    assert check_of(run, baseline_of(run)).verdict.gate == "passed"


def test_another_program_is_not_judged(tmp_path: Path) -> None:
    for found in ({}, {"other": 5}):
        assert doubts(check_of(svc(found, command="./other"), known(tmp_path))) == ["wrong-program"]
    # A program without leaks has nothing that it is known by.
    assert doubts(check_of(svc({}, command="./other"), baseline_of(svc({})))) == ["wrong-program"]


def test_a_renamed_program_is_known_by_its_leaks(tmp_path: Path) -> None:
    report = check_of(svc(BASE | {"draw": 5}, command="./svc2"), known(tmp_path))
    assert not doubts(report)
    assert report.verdict.gate == "failed"


def test_fewer_processes_are_no_pass(tmp_path: Path) -> None:
    three = [memcheck(BASE, pid=pid) for pid in (1, 2, 3)]
    baseline = stored(baseline_of(loaded(three)), tmp_path)
    assert check_of(loaded(three), baseline).verdict.gate == "passed"
    report = check_of(loaded(three[:2]), baseline)
    assert doubts(report) == ["fewer-processes"]
    assert report.verdict.gate == "inconclusive"
    assert "2 of 3 of svc" in report.verdict.gate_lines[0].text
    worse = [memcheck(BASE | {"draw": 3}, pid=1), three[1]]
    assert check_of(loaded(worse), baseline).verdict.gate == "failed"


def test_a_program_that_is_missing_is_told(tmp_path: Path) -> None:
    two = [memcheck(BASE, pid=1), memcheck({}, pid=2, command="./worker")]
    baseline = stored(baseline_of(loaded(two)), tmp_path)
    report = check_of(loaded(two[:1]), baseline)
    assert doubts(report) == ["fewer-processes"]
    assert "0 of 1 of worker" in report.verdict.gate_lines[0].text


def edited(change: Callable[[str], str]) -> bytes:
    text = memcheck(BASE, pid=100).decode()
    after = change(text)
    assert after != text
    return after.encode()


def cut_after_records(text: str) -> str:
    return text[: text.index("<errorcounts>")]


def without_leaks(text: str) -> str:
    return re.sub(r"<error>.*</error>", "", text, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        (cut_after_records, "incomplete"),
        (lambda text: without_leaks(text).replace("<status><state>FINISHED</state><time>00:00:00:00.711</time></status>", "").replace("<errorcounts></errorcounts>\n<suppcounts></suppcounts>\n</valgrindoutput>\n", ""), "no-leak-check"),
        (lambda text: text.replace("--show-leak-kinds=all", "--show-leak-kinds=definite"), "kinds-not-recorded"),
        (lambda text: text.replace("--leak-check=full", "--leak-check=full</arg><arg>--num-callers=40"), "not-comparable"),
        (lambda text: text.replace("<fn>load</fn>", "").replace("<fn>parse</fn>", "").replace("<fn>main</fn>", "").replace("/src/svc<", "/usr/lib/libz.so.1<"), "no-user-frames"),
    ],
)  # fmt: skip
def test_a_recording_that_says_less_is_no_pass(change: Callable[[str], str], slug: str, tmp_path: Path) -> None:
    report = check_of(loaded([edited(change)]), known(tmp_path))
    assert slug in doubts(report)
    assert report.verdict.gate != "passed"
    assert report.check is not None
    assert slug == "kinds-not-recorded" or not report.check.of() or report.verdict.gate == "inconclusive"


def test_a_kind_that_is_asked_for_must_be_recorded() -> None:
    text = memcheck({}, pid=100).decode().replace("--show-leak-kinds=all", "--show-leak-kinds=definite")
    run = loaded([text.encode()])
    assert check_of(run, None).verdict.gate == "passed"
    assert doubts(check_of(run, None, options(fail_on=["possible"]))) == ["kinds-not-recorded"]


def test_nothing_is_called_fixed_where_the_run_is_no_evidence(tmp_path: Path) -> None:
    report = check_of(svc({}, command="ctest"), known(tmp_path))
    assert report.check is not None
    assert report.check.counts["fixed"] == 0


@pytest.mark.parametrize("case", ["crash-segv", "crash-abort"])
def test_a_program_that_was_killed_by_a_signal_has_not_passed(case: str) -> None:
    run = load(fixture_path("memcheck-xml", case))
    report = check_of(run, baseline_of(run))
    assert "killed" in doubts(report)
    assert report.verdict.gate == "inconclusive"


def test_totals_without_paths_name_no_leak() -> None:
    run = svc(BASE)
    bare = replace(run, snapshots=tuple(replace(one, records=None, columns={}) for one in run.snapshots))
    report = check_of(bare, None)
    assert doubts(report) == ["no-call-paths"]
    # The source is no reason: the headline has both.
    assert report.verdict.sentence.startswith("Not judged: ")
    assert report.verdict.sentence.endswith(": memory is held, and no call path is recorded")


def test_other_formats_and_dumps_at_exit_do_not_compare(tmp_path: Path) -> None:
    heap = heap_run({"cache": 1 << 20})
    assert "not-comparable" in doubts(check_of(heap, known(tmp_path)))
    ending = replace(
        heap, snapshots=tuple(replace(one, meta=replace(one.meta, is_exit_dump=True)) for one in heap.snapshots)
    )
    assert doubts(check_of(ending, baseline_of(heap))) == ["not-comparable"]
    assert doubts(check_of(ending, stored(baseline_of(ending), tmp_path))) == []


def test_a_profile_of_nothing_that_is_held_is_no_pass() -> None:
    heap = heap_run({"cache": 1 << 20})
    bare = replace(heap, snapshots=tuple(replace(one, totals={"allocated_bytes": 5}) for one in heap.snapshots))
    assert "nothing-measured" in doubts(check_of(bare, None))


def test_lost_bytes_without_a_path_are_not_passed_over() -> None:
    run = svc(BASE)
    more = replace(
        run,
        snapshots=tuple(
            replace(one, totals={**one.totals, "indirect_bytes": one.totals.get("indirect_bytes", 0) + 160})
            for one in run.snapshots
        ),
    )
    report = check_of(more, baseline_of(run))
    assert report.verdict.gate == "failed"
    assert "160 B indirectly lost on no recorded path" in report.verdict.gate_lines[0].text
    assert check_of(more, baseline_of(more)).verdict.gate == "passed"
