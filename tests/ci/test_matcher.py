"""The problem matcher, on what the program prints of real recordings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ci.runner_support import ROOT
from tests.support import fixture_path

MATCHERS: list[dict[str, Any]] = json.loads((ROOT / ".github" / "leakreport-matcher.json").read_text())[
    "problemMatcher"
]


def _found(path: Path) -> dict[str, list[dict[str, str]]]:
    """What each matcher makes of the text: its named parts, by owner. The patterns mean the same in JavaScript."""
    command = [sys.executable, "-m", "leakreport", "analyze", str(path), "-v"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60).stdout
    found: dict[str, list[dict[str, str]]] = {}
    for matcher in MATCHERS:
        (pattern,) = matcher["pattern"]
        parts = {name: group for name, group in pattern.items() if name != "regexp"}
        matches = [re.search(pattern["regexp"], line) for line in text.splitlines()]
        found[matcher["owner"]] = [{name: match[group] for name, group in parts.items()} for match in matches if match]
    return found


def test_every_path_with_a_line_is_found() -> None:
    path = ROOT / "fixtures" / "demo" / "memcheck.xml"
    found = _found(path)["leakreport"]
    source = path.read_text()
    # By the recording itself: the frames below the allocator.
    places = set(re.findall(r"<file>svc\.c</file>\s*<line>(\d+)</line>", source))
    assert {row["line"] for row in found} == {"66", "50", "75", "36", "45"}
    assert {row["line"] for row in found} <= places
    assert {row["file"] for row in found} == {"build/svc.c"}
    assert all(re.fullmatch(r"p1-[0-9a-f]{16}", row["code"]) and "blocks" in row["message"] for row in found)


def test_errors_of_the_tool_are_found() -> None:
    path = fixture_path("memcheck-xml", "errors")
    found = _found(path)["leakreport-errors"]
    kinds = set(re.findall(r"<kind>(?!Leak_)(\w+)</kind>", path.read_text()))
    assert found
    assert {row["code"] for row in found} <= kinds
    assert {row["file"].rsplit("/", 1)[-1] for row in found} == {"errors.c"}


@pytest.mark.parametrize("matcher", MATCHERS, ids=lambda matcher: matcher["owner"])
def test_the_matcher_has_what_github_asks_for(matcher: dict[str, Any]) -> None:
    assert set(matcher) == {"owner", "severity", "pattern"}
    (pattern,) = matcher["pattern"]
    assert {"regexp", "message", "file", "line"} <= set(pattern)
    groups = re.compile(pattern["regexp"]).groups
    assert sorted(value for name, value in pattern.items() if name != "regexp") == list(range(1, groups + 1))


def test_owners_differ() -> None:
    assert len({matcher["owner"] for matcher in MATCHERS}) == len(MATCHERS)
