"""Budgets, anchors and the ratchet: growth that every single step hides."""

from __future__ import annotations

import pytest

from leakreport.analysis.checkreport import State
from leakreport.analysis.report import GateResult, Report
from leakreport.baseline.budgets import Held, is_in_scope, parse_budget, with_whole_ids
from leakreport.baseline.entries import Baseline
from leakreport.errors import UsageError
from leakreport.model.snapshot import Run
from tests.analysis.runs_support import loaded, memcheck
from tests.baseline.support import baseline_of, check_of, options, states, svc, update_of

BASE = {"load": 100_000, "parse": 50_000}


def failed(report: Report) -> set[str]:
    return {line.gate for line in report.verdict.gate_lines if line.result is GateResult.FAILED}


def creep(*budgets: str, steps: int, share: float = 1.03) -> list[set[str]]:
    """What fails in each of so many builds, all of which are taken in."""
    check, held = options(*budgets), dict(BASE)
    known, found = baseline_of(svc(held)), []
    for _ in range(steps):
        held = {name: round(amount * share) for name, amount in held.items()}
        found.append(failed(check_of(svc(held), known, check)))
        known = update_of(svc(held), known, check)
    return found


def test_three_percent_a_change_fails_with_the_fourth() -> None:
    # 1.03³ is 1.093, 1.03⁴ is 1.126: beyond the 10 % that the anchor allows beside +5 %.
    assert creep("+5%", steps=4) == [set(), set(), set(), {"budget total=anchor+10%"}]


def test_an_anchor_that_is_given_replaces_the_guard() -> None:
    assert creep("+5%", "anchor+50%", steps=6) == [set()] * 6
    assert creep("+5%", "anchor+4%", steps=2) == [set(), {"budget total=anchor+4%"}]


def test_without_a_budget_every_growth_fails() -> None:
    assert creep(steps=2) == [{"grew"}, {"grew"}]


def test_an_update_that_moves_the_anchor_starts_anew() -> None:
    check, held = options("+5%"), dict(BASE)
    known = baseline_of(svc(held))
    for _ in range(8):
        held = {name: round(amount * 1.03) for name, amount in held.items()}
        assert not failed(check_of(svc(held), known, check))
        known = update_of(svc(held), known, check, moves_anchor=True)


def test_a_budget_lets_no_new_leak_pass() -> None:
    assert failed(check_of(svc(BASE | {"draw": 1}), baseline_of(svc(BASE)), options("+50%"))) == {"new"}


@pytest.mark.parametrize(
    ("budget", "now", "fails"),
    [
        ("total=150000", BASE, False),
        ("total=149999", BASE, True),
        ("149999B", BASE, True),
        ("total=+1000", {"load": 101_000, "parse": 50_000}, False),
        ("total=+1000", {"load": 101_001, "parse": 50_000}, True),
        ("+1%", {"load": 101_500, "parse": 50_000}, False),
        ("+1%", {"load": 101_501, "parse": 50_000}, True),
        ("lib:svc=+0%", {"load": 100_001, "parse": 50_000}, True),
        ("lib:sv?=149999", BASE, True),
        ("lib:other=0", BASE, False),
        ("dir:/src=149999", BASE, True),
        ("dir:/src/**=149999", BASE, True),
        ("dir:/sr=0", BASE, False),
        ("owner:team=0", BASE, False),
        ("total=anchor+0%", {"load": 100_001, "parse": 49_999}, False),
    ],
)
def test_a_limit_is_what_is_allowed(budget: str, now: dict[str, int], fails: bool) -> None:
    found = failed(check_of(svc(now), baseline_of(svc(BASE)), options(budget)))
    assert any(gate.startswith("budget") for gate in found) == fails


def test_a_budget_of_one_leak_goes_by_its_id() -> None:
    known = baseline_of(svc(BASE))
    name = next(leak.id for leak in known.leaks.values() if leak.function == "parse")
    report = check_of(svc(BASE | {"parse": 50_001}), known, options(f"path:{name}=+1B"))
    assert not failed(report)
    assert states(report) == {"known": 1, "grew": 1}
    assert failed(check_of(svc(BASE | {"parse": 50_002}), known, options(f"path:{name}=+1B"))) == {
        f"budget path:{name}=+1B"
    }
    assert failed(check_of(svc(BASE | {"load": 100_001}), known, options(f"path:{name}=+1B"))) == {"grew"}


def test_kinds_that_do_not_count_are_in_no_budget() -> None:
    report = check_of(svc({"cache": 500}, kind="Leak_StillReachable"), baseline_of(svc({})), options("total=0"))
    assert not failed(report)
    asked = options("total=0", fail_on=["reachable"])
    assert failed(check_of(svc({"cache": 500}, kind="Leak_StillReachable"), baseline_of(svc({})), asked)) == {
        "new",
        "budget total=0",
    }


@pytest.mark.parametrize(
    "text", ["", "5", "x=5", "lib:=5", "total=", "+", "5%", "total=5%", "anchor", "anchor5%", "total=+x", "owner=3"]
)
def test_what_is_no_budget(text: str) -> None:
    if text == "5":
        assert parse_budget(text).amount_bytes == 5
        return
    with pytest.raises(UsageError, match="--budget"):
        parse_budget(text)


def ratcheted(known: Baseline, now: dict[str, int], *budgets: str) -> Baseline:
    return update_of(svc(now), known, options(*budgets), is_ratchet=True)


def last(known: Baseline) -> dict[str, int]:
    return {
        str(leak.function): sum(amount.bytes for amount in leak.last.values())
        for leak in known.leaks.values()
        if leak.last
    }


def test_a_ratchet_only_goes_down() -> None:
    known = ratcheted(baseline_of(svc(BASE)), {"load": 90_000, "parse": 60_000, "draw": 5})
    assert last(known) == {"load": 90_000, "parse": 50_000}
    assert last(ratcheted(known, BASE)) == {"load": 90_000, "parse": 50_000}
    assert failed(check_of(svc({"load": 90_001}), known)) == {"grew"}
    assert failed(check_of(svc({"draw": 5}), known)) == {"new"}
    assert all(leak.anchor == leak.last for leak in known.leaks.values() if leak.last)


def test_a_ratchet_tightens_budgets() -> None:
    known = ratcheted(baseline_of(svc(BASE)), {"load": 90_000}, "total=1MiB", "lib:svc=+5%")
    assert known.budgets == {"total": 90_000}
    report = check_of(svc({"load": 90_000, "draw": 1}), known)
    assert failed(report) == {"new", "budget total=90000B"}
    assert ratcheted(known, BASE, "total=1MiB").budgets == {"total": 90_000}


def test_a_folder_that_is_clean_stays_clean() -> None:
    known = ratcheted(baseline_of(svc({"load": 5})), {})
    assert known.clean == ("/src",)
    reachable = svc({"load": 5}, kind="Leak_StillReachable")
    assert failed(check_of(reachable, known)) == {"new"}
    assert not failed(check_of(reachable, update_of(svc({}), baseline_of(svc({"load": 5})))))


def test_an_id_may_be_cut_where_it_stays_the_only_one() -> None:
    known = baseline_of(svc(BASE))
    name = next(leak.id for leak in known.leaks.values() if leak.function == "parse")
    cut = name[:7]
    assert failed(check_of(svc(BASE), known, options(f"path:{cut}=49999"))) == {f"budget path:{cut}=49999"}
    assert not failed(check_of(svc(BASE | {"parse": 50_001}), known, options(f"path:{cut}=+1")))
    assert ratcheted(known, BASE, f"path:{cut}=1MiB").budgets == {f"path:{name}": 50_000}
    assert not failed(check_of(svc({}), known, options(f"path:{name}=0")))
    for wrong in (name[:6], "p1-nope", f"{name}0", "p1-"):
        with pytest.raises(UsageError, match="no leak of the run or the baseline"):
            check_of(svc(BASE), known, options(f"path:{wrong}=1"))


def test_a_beginning_that_several_ids_have_is_exit_2() -> None:
    ids = {"p1-abcd1": "p1-abcd1", "p1-abcd2": "p1-abcd2", "p1-abcde": "p1-abcd2"}
    with pytest.raises(UsageError, match="2 leaks") as caught:
        with_whole_ids([parse_budget("path:p1-abcd=1")], ids)
    assert "p1-abcd1 or p1-abcd2" in str(caught.value.advice)
    assert with_whole_ids([parse_budget("path:p1-abcd1=1"), parse_budget("1MiB")], ids)[0].scope == "path:p1-abcd1"


@pytest.mark.parametrize("scope", ["lib:zzz", "dir:nosuch", "owner:zzz"])
def test_a_scope_that_is_of_nothing_says_so(scope: str) -> None:
    report = check_of(svc(BASE), baseline_of(svc(BASE)), options(f"{scope}=1"))
    assert report.check is not None
    assert [(line.title, line.is_matched) for line in report.check.budgets] == [
        (f"{scope}=1 (matches nothing here)", False)
    ]
    assert any("matches nothing here" in line.text for line in report.verdict.gate_lines)


@pytest.mark.parametrize("scope", ["total", "lib:svc", "dir:/src/"])
def test_a_scope_that_is_of_something_is_matched(scope: str) -> None:
    for run, known in ((BASE, {}), ({}, BASE)):
        report = check_of(svc(run), baseline_of(svc(known)), options(f"{scope}=1"))
        assert report.check is not None
        assert all(line.is_matched for line in report.check.budgets)


@pytest.mark.parametrize(
    ("pattern", "folder"), [("./", "."), (".", "."), ("src/", "src/net"), ("./src//", "src"), ("/", "/")]
)
def test_a_slash_at_the_end_changes_nothing(pattern: str, folder: str) -> None:
    held = Held((), None, None, folder, None, 1, 1, 1)
    assert is_in_scope(held, f"dir:{pattern}")


def mixed(definite: dict[str, int], indirect: dict[str, int]) -> Run:
    """One run with leaks of two kinds."""
    lost, dragged = memcheck(definite, pid=100), memcheck(indirect, pid=100, kind="Leak_IndirectlyLost")
    _, *errors = dragged.partition(b"<errorcounts>")[0].split(b"<error>")
    return loaded([lost.replace(b"<errorcounts>", b"".join(b"<error>" + error for error in errors) + b"<errorcounts>")])


BEFORE = mixed({"old": 400_000, "load": 1_000}, {"item": 50_000})
AFTER = mixed({"old": 400_000, "load": 1_200}, {"item": 60_000})


def test_a_headline_says_which_budget_is_exceeded_by_how_much_and_not_the_kinds() -> None:
    report = check_of(AFTER, baseline_of(BEFORE), options("total=anchor+1KiB"))
    assert failed(report) == {"budget total=anchor+1KiB"}
    assert report.verdict.sentence == (
        "Budget total=anchor+1KiB exceeded by 8.96 KiB: 450.4 KiB, allowed are 441.4 KiB; 2 grew, covered by a budget; 1 known"
    )
    report = check_of(AFTER, baseline_of(BEFORE), options("total=anchor+1KiB", "lib:svc=anchor+2KiB"))
    assert "; 1 more budget exceeded; 2 grew, covered by a budget;" in report.verdict.sentence


def test_growth_that_a_budget_allows_is_told_so_in_headline_and_gate() -> None:
    report = check_of(AFTER, baseline_of(BEFORE), options("+50%"))
    assert report.verdict.sentence == "2 grew, covered by a budget; 1 known"
    assert [line.text for line in report.verdict.gate_lines if line.gate == "baseline"] == [
        "nothing new and nothing that grew is counted: 1 leak known; 2 grew, covered by a budget"
    ]
    assert report.check is not None
    assert {leak.why_not_counted for leak in report.check.leaks} == {"covered by a budget", ""}


def test_a_definite_leak_is_listed_before_what_it_drags_along() -> None:
    report = check_of(AFTER, baseline_of(BEFORE))
    assert report.check is not None
    assert [leak.function for leak in report.check.of(State.GREW)] == ["load", "item"]


def test_the_reading_list_of_a_check_begins_with_what_is_new_and_grew() -> None:
    run = mixed({"old": 400_000, "load": 1_200, "draw": 1}, {"item": 50_000})
    report = check_of(run, baseline_of(BEFORE))
    assert [report.frames[report.paths[finding.rows[0]].frames[1]].function for finding in report.leaks] == [
        "draw", "load", "old", "item",
    ]  # fmt: skip
    largest = check_of(run, None)
    assert (largest.leaks[0].values or {})["retained_bytes"] == 400_000
