"""Builds of one program after another through check and update; which leak is which is known from `truth.json`."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from lxml import etree

from leakreport.analysis.checkreport import State
from leakreport.analysis.diffreport import Presence
from leakreport.api import compare, load
from leakreport.baseline.file import written
from leakreport.model.metrics import LOST_KINDS
from leakreport.model.snapshot import Run
from tests.baseline.support import PLACES, baseline_of, check_of, options, states, stored, update_of
from tests.support import FIXTURES

FOLDER = FIXTURES / "identity"
PROGRAMS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
TRUTH = {program: json.loads((FOLDER / program / "truth.json").read_text()) for program in PROGRAMS}


@cache
def run_of(program: str, build: str) -> Run:
    return load(FOLDER / program / f"{build}.xml.gz")


def pairs() -> list[tuple[str, dict[str, Any]]]:
    return [(program, pair) for program in PROGRAMS for pair in TRUTH[program]["pairs"]]


def is_unchanged(pair: dict[str, Any]) -> bool:
    return all(leak["status"] == "same" for leak in pair["leaks"])


def pair_name(value: object) -> str:
    return f"{value['before']}-{value['after']}" if isinstance(value, dict) else str(value)


@pytest.mark.parametrize(("program", "pair"), pairs(), ids=pair_name)
def test_a_check_calls_new_and_fixed_what_a_comparison_does(program: str, pair: dict[str, Any], tmp_path: Path) -> None:
    before, after = run_of(program, pair["before"]), run_of(program, pair["after"])
    report = check_of(after, stored(baseline_of(before), tmp_path))
    difference = compare(before, after)
    lone: dict[Presence, set[str]] = {Presence.NEW: set(), Presence.GONE: set(), Presence.BOTH: set()}
    for row in difference.rows:
        if row.leak_kind in LOST_KINDS and row.confidence != "undecided":
            lone[row.presence].add(row.id)
    assert report.check is not None
    new = {key[0] for key, state in report.check.states.items() if state is State.NEW and key[1] in LOST_KINDS}
    assert new == lone[Presence.NEW] - lone[Presence.BOTH]
    fixed = {leak.id for leak in report.check.of(State.FIXED) if set(leak.kinds) & set(LOST_KINDS)}
    assert fixed == lone[Presence.GONE] - lone[Presence.BOTH]


@pytest.mark.parametrize(("program", "pair"), pairs(), ids=pair_name)
def test_a_rebuild_brings_nothing_new_and_a_new_or_larger_leak_is_not_missed(
    program: str, pair: dict[str, Any], tmp_path: Path
) -> None:
    report = check_of(run_of(program, pair["after"]), stored(baseline_of(run_of(program, pair["before"])), tmp_path))
    found = states(report)
    assert report.check is not None and not report.check.doubts
    if is_unchanged(pair):
        assert not found.keys() & {"new", "fixed"}
        # Another compiler leaves other pointers behind: memory that was reachable is lost, in as many bytes.
        assert all(leak.before == leak.after for leak in report.check.of(State.GREW))
    elif any(leak["status"] in {"new", "grew"} for leak in pair["leaks"]):
        assert found.keys() & {"new", "grew"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("program", PROGRAMS)
def test_twenty_builds_report_no_leak_twice(program: str, seed: int, tmp_path: Path) -> None:
    truth = TRUTH[program]
    builds = sorted(path.name.removesuffix(".xml.gz") for path in (FOLDER / program).glob("*.xml.gz"))
    order = Random(seed).choices(builds, k=20)
    baseline = baseline_of(run_of(program, order[0]))
    for previous, build in pairwise(order):
        run = run_of(program, build)
        report = check_of(run, baseline)
        assert report.check is not None and not report.check.doubts
        pair = next((one for one in truth["pairs"] if (one["before"], one["after"]) == (previous, build)), None)
        if previous == build or (pair is not None and is_unchanged(pair)):
            assert not report.check.of(State.NEW, State.FIXED), (previous, build)
        baseline = stored(update_of(run, baseline), tmp_path)
        again = check_of(run, baseline)
        assert states(again).keys() <= {"known"}, (previous, build)
        assert again.verdict.gate.value == "passed"
        assert written(update_of(run, baseline), PLACES) == written(baseline, PLACES)


def test_an_update_keeps_the_old_id_as_an_alias_and_age_and_reason(tmp_path: Path) -> None:
    before, after = run_of("tilecache", "base"), run_of("tilecache", "ns")
    baseline = baseline_of(before, options(today="2026-01-01"))
    moved = stored(update_of(after, baseline), tmp_path)
    assert set(baseline.leaks) != set(moved.leaks)
    assert {leak.first_seen for leak in moved.leaks.values()} == {"2026-01-01"}
    for name in baseline.leaks:
        assert moved.leak_called(name) is not None, name
    back = update_of(before, moved)
    assert set(back.leaks) == set(baseline.leaks)


def test_paths_below_the_folder_of_the_baseline_are_the_same_in_every_checkout() -> None:
    assert PLACES.told("/srv/checkout/src/a.c") == "./src/a.c"
    assert PLACES.told("/home/ann/x.c") == "~/x.c"
    for path in ("/srv/checkout/src/a.c", "./nptl/clone.c", "src/a.c", "/usr/include/x.h"):
        assert PLACES.restored(PLACES.told(path)) == path


WORDS = {"Leak_DefinitelyLost": "definite", "Leak_IndirectlyLost": "indirect", "Leak_PossiblyLost": "possible"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_baseline_has_every_byte_that_the_tool_says(program: str) -> None:
    expected: defaultdict[str, int] = defaultdict(int)
    for error in etree.fromstring(gzip.decompress((FOLDER / program / "base.xml.gz").read_bytes())).iter("error"):
        text = error.findtext("xwhat/text") or ""
        direct = re.search(r"\(([\d,]+) direct", text) or re.match(r"([\d,]+) bytes", text)
        assert direct is not None
        expected[WORDS.get(error.findtext("kind") or "", "reachable")] += int(direct[1].replace(",", ""))
    found: defaultdict[str, int] = defaultdict(int)
    for leak in baseline_of(run_of(program, "base")).leaks.values():
        for kind, amount in leak.last.items():
            found[kind.word] += amount.bytes
    assert found == expected
