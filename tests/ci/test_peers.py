"""Beside other tools: what they printed of our recordings (fixtures/ci-peers) is in what we say of them."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, NamedTuple

import pytest

from leakreport.api import analyze, load_inputs
from scripts.side_by_side_ci import FILES, PAGE, PEERS, RECORDED, SITUATIONS, ours, page
from tests.render.pipeline_support import written
from tests.support import FIXTURES

KINDS = {
    "Leak_DefinitelyLost": "definite",
    "Leak_IndirectlyLost": "indirect",
    "Leak_PossiblyLost": "possible",
    "Leak_StillReachable": "reachable",
}


class Named(NamedTuple):
    """What a tool names: an error at a place. Folders differ by where a project is, so the file is its base name."""

    kind: str
    file: str
    line: int


def _by_valgrind_ci(case: str) -> set[Named]:
    found, file, line = set(), "", 0
    for text in (RECORDED / case / "valgrind-ci.txt").read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"(\S.*):", text):
            file = match[1].rsplit("/", 1)[-1]
        elif match := re.fullmatch(r"\s+(?:line (\d+): )?(\w+)\s+\(\d+ errors\)", text):
            line = int(match[1] or line)
            found.add(Named(match[2], file, line))
    return found


def _by_codequality(case: str) -> set[Named]:
    issues = json.loads((RECORDED / case / "valgrind-codequality.json").read_text(encoding="utf-8"))
    places = [(issue["description"].partition(":")[0], issue["location"]) for issue in issues]
    return {Named(kind, place["path"].rsplit("/", 1)[-1], place["lines"]["begin"]) for kind, place in places}


@cache
def _report(path: str) -> Any:
    run = load_inputs([path]).run
    assert run is not None
    return analyze(run)


def _path(case: str) -> str:
    return str(FIXTURES / "memcheck-xml" / case / "input.xml")


def _ours(case: str) -> set[Named]:
    """Every kind at every place of its stacks."""
    document = json.loads(written("json", _report(_path(case))))
    frames, found = document["frames"], set()
    kind_of = {kind: name for name, kind in KINDS.items()}
    stacks = [(kind_of[row["leak_kind"]], row["frames"]) for row in document["paths"]]
    stacks += [
        (finding["rule"].partition(".")[2], finding["frames"])
        for finding in document["findings"]
        if finding["rule"].startswith(("error.", "signal.", "descriptor."))
    ]
    for kind, stack in stacks:
        for frame in (frames[index] for index in stack or ()):
            if frame["file"] and frame["line"]:
                found.add(Named(kind, frame["file"].rsplit("/", 1)[-1], frame["line"]))
    return found


@pytest.mark.parametrize("case", FILES)
def test_every_place_and_kind_that_they_name_is_in_our_json(case: str) -> None:
    theirs = _by_valgrind_ci(case) | _by_codequality(case)
    assert theirs
    assert sorted(theirs - _ours(case)) == []


@pytest.mark.parametrize("case", FILES)
def test_every_kind_that_they_name_is_in_our_code_quality(case: str) -> None:
    theirs = {named.kind for named in _by_codequality(case) | _by_valgrind_ci(case)}
    names = {
        issue["check_name"].partition(".")[2] for issue in json.loads(written("codequality", _report(_path(case))))
    }
    assert {KINDS.get(kind, kind) for kind in theirs} - names == set()


def test_what_pytest_memray_names_is_in_the_recording_of_valgrind() -> None:
    text = (RECORDED / "pytest" / "memray-100000.txt").read_text(encoding="utf-8")
    (place,) = re.findall(r"^lose:PROJECT/lose\.c:(\d+)$", text, re.MULTILINE)
    document = json.loads(written("json", _report(str(RECORDED / "pytest" / "memcheck-100000.xml"))))
    (row,) = document["paths"]
    places = [(frame["function"], frame["line"]) for frame in (document["frames"][index] for index in row["frames"])]
    assert ("lose", int(place)) in places
    assert row["values"]["definite_bytes"] == 100_000


def test_a_leak_below_its_limit_is_green_there_and_red_here() -> None:
    assert (RECORDED / "pytest" / "memray-1000.txt").read_text(encoding="utf-8") == ""
    assert ours()["pytest-1000"] == 1


def test_the_page_is_that_of_the_recorded_outcomes_and_of_ours_now() -> None:
    recorded = json.loads((RECORDED / "recorded.json").read_text(encoding="utf-8"))
    codes = ours()
    assert PAGE.read_text(encoding="utf-8") == page(recorded, codes)
    assert {
        f"{name}=={recorded['versions'][name]}" for name in ("ValgrindCI", "valgrind-codequality", "pytest-memray")
    } == set(PEERS)
    # The one that is green here: all of it is known, and the run is whole.
    assert [situation.name for situation in SITUATIONS if codes[situation.name] == 0] == ["known"]
