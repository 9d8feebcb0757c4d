"""Ids of errors: of kind and stack, whatever line or word changed, and the same where names are hidden."""

from __future__ import annotations

from dataclasses import replace

from leakreport.analysis.options import AnalysisOptions
from leakreport.api import analyze
from leakreport.model.builder import build_run
from leakreport.model.raw import (
    CaptionedStack,
    Frame,
    ProblemKind,
    RawProblem,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
)
from leakreport.model.snapshot import Run

STACK = (
    Frame("main", "/opt/app/tiles", "/src", "main.c", 3),
    Frame("load_tiles", "/opt/app/tiles", "/src", "tiles.c", 7),
    Frame("memcpy", "/usr/lib/libc.so.6"),
)


def run_of(*problems: RawProblem) -> Run:
    meta = SnapshotMeta(source="tiles.xml", format="memcheck-xml", tool="memcheck", command=("/opt/app/tiles",))
    return build_run([RawSnapshot(meta, {}, SampleTableBuilder(()).build(), problems)])


def problem(kind: str = "InvalidRead", line: int = 7, times: int = 1, message: str = "Invalid read") -> RawProblem:
    walk = (STACK[0], STACK[1]._replace(line=line), STACK[2])
    return RawProblem(ProblemKind.ERROR, kind, message, times, (CaptionedStack("", walk),))


def ids(*problems: RawProblem, redact: bool = False) -> dict[str, list[str]]:
    """By the count of the problem, which no option hides."""
    found: dict[str, list[str]] = {}
    for finding in analyze(run_of(*problems), config=AnalysisOptions(redact=redact)).findings:
        if finding.id:
            found.setdefault(str(finding.count), []).append(finding.id)
    return found


def test_a_line_and_the_words_do_not_count() -> None:
    assert ids(problem()) == ids(problem(line=99, message="Invalid read of size 8"))


def test_the_kind_and_the_stack_do() -> None:
    other = replace(problem(), stacks=(CaptionedStack("", (STACK[0], STACK[2])),))
    assert len({*ids(problem())["1"], *ids(problem("InvalidWrite"))["1"], *ids(other)["1"]}) == 3


def test_equal_ones_are_told_apart() -> None:
    first, second = ids(problem(line=7), problem(line=8))["1"]
    assert [first] == ids(problem())["1"]
    assert second != first


def test_hidden_names_keep_their_ids() -> None:
    # A kind that is no plain word is hidden, too: it could be a name, and must not change ids or their order.
    found = (problem("zz tiles", times=2), problem("tiles of x", times=3), problem(times=4), problem("zz tiles", 8, 5))
    plain, hidden = ids(*found), ids(*found, redact=True)
    assert plain == hidden
    assert len({one for ids_of in plain.values() for one in ids_of}) == 4
