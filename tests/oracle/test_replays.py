"""A program built again and again, checked against a baseline each time: what a pipeline reports is what changed.

The programs and the truth are those of `fixtures/replays/origin.md`.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tests.replay_support import builds_of, checked, replay, run
from tests.support import FIXTURES, fixture_bytes

PROGRAMS = sorted(path.name for path in (FIXTURES / "replays").iterdir() if path.is_dir())
# Names, sizes, clones and callers change at once there; the sum of the leak falls while a part of it grows.
ARGUABLE = re.compile(r"resized -> release: .* false alarm: grew$")


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_leak_is_missed_and_none_is_new_twice(program: str, tmp_path: Path) -> None:
    score = replay(builds_of(FIXTURES / "replays" / program), tmp_path / "baseline.json")
    assert score.steps >= 20
    assert score.leaks >= 150
    assert [miss for miss in score.misses if not ARGUABLE.search(miss)] == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_baseline_that_nobody_updates_knows_its_leaks_in_every_build(program: str, tmp_path: Path) -> None:
    first, *later = builds_of(FIXTURES / "replays" / program)
    baseline = tmp_path / "baseline.json"
    assert run("baseline", "write", str(first.path), "--baseline", str(baseline))[0] == 0
    misses = [miss for build in later for miss in checked(first, build, baseline).misses]
    assert misses == []


def grown(content: bytes, factor: float) -> bytes:
    """A recording in which every leak holds more blocks of its size."""

    def more(found: re.Match[bytes]) -> bytes:
        return found[1] + str(round(int(found[2]) * factor)).encode() + found[3]

    content = re.sub(rb"(<leakedbytes>)(\d+)(</leakedbytes>)", more, content)
    return re.sub(rb"(<leakedblocks>)(\d+)(</leakedblocks>)", more, content)


def test_a_creep_that_each_change_hides_is_caught_by_the_fourth(tmp_path: Path) -> None:
    """3 % per change stays below 5 % each time, and the anchor sees the sum. Source: 1.03^3 < 1.1 < 1.03^4."""
    content = re.sub(rb" \([\d,]+ direct, [\d,]+ indirect\)", b"", fixture_bytes("memcheck-xml", "svc-v1"))
    path, baseline = tmp_path / "memcheck.xml", tmp_path / "baseline.json"
    path.write_bytes(grown(content, 100))
    assert run("baseline", "write", str(path), "--baseline", str(baseline))[0] == 0
    codes = []
    for change in range(1, 5):
        path.write_bytes(grown(content, 100 * 1.03**change))
        budgets = ("--budget", "total=+5%", "--fail-on", "any")
        codes.append(run("check", str(path), "--baseline", str(baseline), *budgets)[0])
        if codes[-1] == 0:
            assert run("baseline", "update", str(path), "--baseline", str(baseline))[0] == 0
    assert codes == [0, 0, 0, 1]


def test_without_a_budget_the_first_step_of_it_fails(tmp_path: Path) -> None:
    content = gzip.decompress((FIXTURES / "replays" / PROGRAMS[0] / "base.xml.gz").read_bytes())
    path, baseline = tmp_path / "memcheck.xml", tmp_path / "baseline.json"
    path.write_bytes(content)
    assert run("baseline", "write", str(path), "--baseline", str(baseline))[0] == 0
    path.write_bytes(re.sub(rb" \([\d,]+ direct, [\d,]+ indirect\)", b"", grown(content, 3)))
    assert run("check", str(path), "--baseline", str(baseline), "--fail-on", "any")[0] == 1
