"""Real valgrind's answers: which records a rule hides. One run holds one rule against every stack of the program."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from leakreport.api import load
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from leakreport.model.snapshot import RecordTable, Run
from leakreport.suppressions.match import Matcher, Recorded
from leakreport.suppressions.names import Answer
from leakreport.suppressions.rules import Rule
from leakreport.symbols.demangle import demangle
from tests.support import FIXTURES

FOLDER = FIXTURES / "suppressions"
NEUTRAL = "/build"
"""Stands for the folder of the program in what is kept."""
EXACT = ("--demangle=no",)
"""Options with which a report has the names that rules are held against."""
CONFIGURATIONS = {
    "deep": ("--num-callers=40", "--show-below-main=yes"),
    "usual": (),
    "flat": ("--read-inline-info=no",),
}


class Record(NamedTuple):
    """One loss record; its size tells it from all others.

    Its kind may differ between two runs: a word that was left on the stack can look like a pointer.
    """

    kind: LeakKind
    size: int
    stack: tuple[Frame, ...]
    """Outermost first."""


def build(folder: Path) -> None:
    """The program, in a folder."""
    done = subprocess.run(
        [str(FOLDER / "program" / "build.sh"), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def record(
    valgrind: str,
    program: Path,
    report: Path,
    options: Sequence[str],
    rules: str | None = None,
    *,
    as_text: bool = False,
) -> None:
    """Run a program under memcheck, with the text of some rules or none."""
    chosen = list(options)
    if rules is not None:
        path = report.with_suffix(".supp")
        path.write_text(rules, encoding="utf-8", errors="surrogateescape")
        chosen.append(f"--suppressions={path}")
    output = [f"--log-file={report}"] if as_text else ["--xml=yes", f"--xml-file={report}"]
    command = [valgrind, "--leak-check=full", "--show-leak-kinds=all", "--default-suppressions=no", *chosen, *output]
    done = subprocess.run(
        [*command, str(program)], cwd=program.parent, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def records(run: Run) -> list[Record]:
    """The records of a run with one snapshot, in order."""
    table = run.snapshots[0].records
    assert table is not None
    return list(_records(run, table))


def _records(run: Run, table: RecordTable) -> Iterator[Record]:
    sizes = table.values["retained_bytes"]
    for node, kind, size in zip(table.node.tolist(), table.leak_kind.tolist(), sizes.tolist(), strict=True):
        yield Record(LeakKind(kind), size, tuple(run.frames[index] for index in run.tree.path(node)))


def kept_by_valgrind(report: Path) -> set[int]:
    """The sizes of what a run with rules still reported."""
    return {found.size for found in records(load(report))}


def our_answers(run: Run, rule: Rule) -> list[Answer]:
    """Ours for each record of a run."""
    matcher, recorded = Matcher(demangle), Recorded.of(run.snapshots[0].meta)
    return [matcher.record(rule, found.kind, found.stack, recorded) for found in records(run)]


def rule_text(rule: Rule) -> str:
    """A rule as a file has it."""
    lines = [rule.name, f"{','.join(rule.tools)}:{rule.kind}"]
    if rule.extra is not None:
        lines.append(rule.extra)
    if rule.kinds is not None:
        words = ",".join(kind.word for kind in sorted(rule.kinds)) or "none"
        lines.append(f"match-leak-kinds: {words}")
    lines += [pattern.text for pattern in rule.frames]
    return "{\n" + "".join(f"   {line}\n" for line in lines) + "}\n"
