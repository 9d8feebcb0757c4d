"""Builds of one program, one after the other through `leakreport check`, against what is known of their leaks.

The truth is that of `fixtures/replays`: every record of every build has the tags of the allocation sites that made it. Tags
that a careful person could not tell apart in a pair are left out, by the same rules as in the scoring of comparisons.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from leakreport.cli import main

ALARMS = frozenset(("new", "grew", "expired"))


@dataclass(slots=True)
class Score:
    """What a replay got right; each miss is one line."""

    steps: int = 0
    leaks: int = 0
    """Leaks with a known state, over all steps."""
    misses: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Sum up."""
        self.steps += other.steps
        self.leaks += other.leaks
        self.misses += other.misses


@dataclass(frozen=True, slots=True)
class Build:
    """One recording with the tags of its records."""

    name: str
    path: Path
    tags: Mapping[str, str]
    """By the tool's own name of a record; records with several tags or none are not in it."""
    sizes: Mapping[str, tuple[int, int]]
    """Bytes and blocks by tag."""
    mixed: frozenset[str]
    """Tags that share a record with another one, or that nobody could tell from another in this build."""


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    out, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        code = main(arguments)
    return code, out.getvalue(), complaints.getvalue()


def build_of(entry: Mapping[str, Any], folder: Path) -> Build:
    """A build from its entry in a truth file: `records` are [name, tag or tags, bytes, blocks]."""
    tags: dict[str, str] = {}
    sizes: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    mixed: set[str] = set(entry["ambiguous"])
    for name, tag, size, blocks in entry["records"]:
        if isinstance(tag, list):
            mixed.update(tag)
        elif tag:
            tags[name] = tag
            sizes[tag] = (sizes[tag][0] + size, sizes[tag][1] + blocks)
    return Build(entry["build"], folder / f"{entry['build']}.xml.gz", tags, sizes, frozenset(mixed))


def builds_of(folder: Path) -> list[Build]:
    """All builds of a program, in the order of their making."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return [build_of(entry, folder) for entry in truth["builds"]]


def replay(builds: Sequence[Build], baseline: Path) -> Score:
    """Write a baseline of the first build; check every later one against it and take it over, as a pipeline would.

    Args:
        builds: in the order of their making.
        baseline: where the file is written.
    """
    score = Score()
    first = builds[0]
    code, _, complaints = run("baseline", "write", str(first.path), "--baseline", str(baseline))
    assert code == 0, complaints
    for before, after in pairwise(builds):
        score.add(checked(before, after, baseline))
        code, _, complaints = run("baseline", "update", str(after.path), "--baseline", str(baseline))
        assert code == 0, f"{first.path.parent.name} {after.name}: {complaints}"
    return score


def checked(before: Build, after: Build, baseline: Path) -> Score:
    """One build against the baseline of another one."""
    score, left_out = Score(steps=1), before.mixed | after.mixed
    where = f"{after.path.parent.name} {before.name} -> {after.name}"
    code, out, complaints = run(
        "check", str(after.path), "--baseline", str(baseline), "--to", "json", "--records", "--fail-on", "any"
    )
    if code not in {0, 1}:
        score.misses.append(f"{where}: exit {code}: {complaints.strip()}")
        return score
    document = json.loads(out)
    states: dict[str, set[str]] = defaultdict(set)
    for row in document["paths"]:
        for record in row["records"]:
            if record in after.tags:
                states[after.tags[record]].add(str(row["state"]))
    for tag in sorted(before.sizes.keys() | after.sizes.keys()):
        if tag in left_out:
            continue
        score.leaks += 1
        old, new = before.sizes.get(tag), after.sizes.get(tag)
        alarms = states[tag] & ALARMS
        if new is None:
            if not document["check"]["counts"]["fixed"]:
                score.misses.append(f"{where}: {tag} is gone, and nothing is told to be fixed")
        elif old is None or new[0] > old[0] or new[1] > old[1]:
            if not alarms:
                score.misses.append(f"{where}: {tag} {old} -> {new} is missed: {'/'.join(sorted(states[tag]))}")
        elif alarms:
            score.misses.append(f"{where}: {tag} {old} -> {new} is a false alarm: {'/'.join(sorted(alarms))}")
    return score
