"""What rules hide leaves every figure of held memory, is counted, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from leakreport.api import analyze, load, render, suppress
from leakreport.cli import main
from leakreport.errors import EXIT_GATE_FAILED, EXIT_OK, EXIT_USAGE, LeakreportError
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run
from leakreport.render.interface import RenderOptions
from leakreport.suppressions.parse import parse_rules
from tests.support import FAMILIES, FIXTURES, cases, fixture_path

KINDS = FIXTURES / "memcheck-xml" / "kinds" / "input.xml"
DEMO = """{
   list-is-known
   Memcheck:Leak
   match-leak-kinds: definite,indirect
   fun:malloc
   fun:xmalloc
   fun:lose_list
   ...
   fun:main
}
{
   keep-is-fine
   Memcheck:Leak
   match-leak-kinds: reachable
   ...
   fun:keep_*
}
{
   never-used
   Memcheck:Param
   write(buf)
   obj:*/libc.so.?
   fun:w??te
}
"""
EVERYTHING = "{\n all\n Memcheck:Leak\n obj:*\n}\n"


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    path = tmp_path / "demo.supp"
    path.write_text(DEMO, encoding="utf-8")
    return path


def _document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--to", "json"]) == EXIT_OK
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_totals_are_those_of_valgrind_with_the_same_rules(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Valgrind's own run with these rules: fixtures/memcheck-xml/expected.json, kinds-supp.
    answers = json.loads((FIXTURES / "memcheck-xml" / "expected.json").read_text(encoding="utf-8"))["kinds-supp"][0]
    totals = _document(capsys, "analyze", str(KINDS), "--suppressions", str(demo))["totals"]
    found = {kind: [totals[f"{kind}_bytes"], totals[f"{kind}_blocks"]] for kind in answers}
    assert found == answers
    assert len(found) == 4
    assert (totals["suppressed_bytes"], totals["suppressed_blocks"]) == (3233, 9)
    assert totals["leaked_bytes"] == sum(totals[f"{kind}_bytes"] for kind in ("definite", "indirect", "possible"))


def test_every_rule_is_told_with_what_it_hid(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = _document(capsys, "analyze", str(KINDS), "--suppressions", str(demo))
    rows = [(row["name"], row["line"], row["records"], row["bytes"], row["blocks"]) for row in document["suppressions"]]
    assert rows == [("list-is-known", 2, 2, 200, 5), ("keep-is-fine", 12, 2, 3033, 4), ("never-used", 19, 0, 0, 0)]
    assert [row["name"] for row in document["inputs"][0]["suppressions"]] == ["list-is-known", "keep-is-fine"]


def test_a_run_without_anything_left_says_what_was_hidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "all.supp"
    rules.write_text(EVERYTHING, encoding="utf-8")
    document = _document(capsys, "analyze", str(KINDS), "--suppressions", str(rules))
    assert document["verdict"]["status"] == "clean"
    assert "suppressions hid" in document["verdict"]["sentence"]
    assert document["paths"] == []


def test_a_leak_says_what_was_hidden_beside_it(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = _document(capsys, "analyze", str(KINDS), "--suppressions", str(demo))
    assert any(text.startswith("Suppressions hide another") for text in document["verdict"]["lead"])


def test_the_gate_judges_what_is_left(tmp_path: Path) -> None:
    rules = tmp_path / "all.supp"
    rules.write_text(EVERYTHING, encoding="utf-8")
    gate = ["analyze", str(KINDS), "-q", "--fail-on", "definite"]
    assert main(gate) == EXIT_GATE_FAILED
    assert main([*gate, "--suppressions", str(rules)]) == EXIT_OK


@pytest.mark.parametrize("command", ["diff", "trend", "convert"])
def test_all_commands_that_read_have_it(command: str, demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = [str(KINDS)] if command == "convert" else [str(KINDS), str(KINDS)]
    document = _document(capsys, command, *inputs, "--suppressions", str(demo))
    assert all(entry["totals"]["suppressed_bytes"] == 3233 for entry in document["inputs"])


def test_a_broken_file_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "broken.supp"
    rules.write_text("{\n n\n", encoding="utf-8")
    assert main(["analyze", str(KINDS), "--suppressions", str(rules)]) == EXIT_USAGE
    message = capsys.readouterr().err
    assert message.startswith("error[suppressions]: unexpected end-of-file")
    assert f"{rules}:2" in message


def test_rules_that_hid_nothing_are_told_when_asked(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(KINDS), "--suppressions", str(demo)]) == EXIT_OK
    assert "never-used" not in capsys.readouterr().out
    assert main(["analyze", str(KINDS), "--suppressions", str(demo), "-v"]) == EXIT_OK
    assert f"UNUSED {demo}:19 never-used" in capsys.readouterr().out


@pytest.mark.parametrize("to", ["terminal", "markdown", "json", "html"])
def test_names_of_rules_are_tokens_where_names_are(
    to: str, demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["analyze", str(KINDS), "--suppressions", str(demo), "--redact", "-v", "-o", f"{to}:{tmp_path / 'x'}"]
    assert main(arguments) == EXIT_OK
    text = (tmp_path / "x").read_text(encoding="utf-8")
    for name in ("list-is-known", "keep-is-fine", "never-used", "demo.supp"):
        assert name not in text


@pytest.mark.parametrize("to", ["terminal", "markdown", "html"])
def test_people_see_what_is_hidden(to: str, demo: Path) -> None:
    report = analyze(suppress(load(KINDS), parse_rules(DEMO, "demo.supp")))
    text = render(report, to=to, options=RenderOptions(is_terminal=True, width=100))
    assert isinstance(text, str)
    assert "3,233" in text
    assert "Suppress" in text


def _all_hidden(run: Run) -> Run:
    rules = parse_rules(EVERYTHING, "a") + parse_rules("leak:*\nleak:e\nleak:a\n", "b")
    return suppress(run, rules)


@pytest.mark.parametrize("family", FAMILIES)
def test_sums_stay_exact_in_every_format(family: str) -> None:
    seen = 0
    for case in cases(family)[:12]:
        try:
            run = load(fixture_path(family, case), unit="bytes")
        except LeakreportError:
            continue
        hidden = _all_hidden(run)
        check(hidden)
        for before, after in zip(run.snapshots, hidden.snapshots, strict=True):
            taken = after.totals.get("suppressed_bytes", 0) - before.totals.get("suppressed_bytes", 0)
            assert taken == sum(use.bytes for use in after.meta.suppressions)
            held, left = before.totals.get("retained_bytes"), after.totals.get("retained_bytes")
            assert held is None or left is None or held - left == taken or left == 0
            for metric in ("allocated_bytes", "allocated_blocks"):
                assert before.totals.get(metric) == after.totals.get(metric)
                if metric in before.columns:
                    assert before.columns[metric].sum() == after.columns[metric].sum()
            seen += taken > 0
    # The fixtures of the first two hold nothing by path; the others are counts of the whole process.
    assert seen or family in {"leakreport", "speedscope", "maps", "fd", "proc-status", "smaps-rollup"}


def _run_of(kind: LeakKind) -> Run:
    table = SampleTableBuilder(("retained_bytes", "retained_blocks", "allocated_bytes"))
    stack = (Frame("main"), Frame("f"), Frame("malloc"))
    table.add(stack, (10, 1, 50), leak_kind=kind, name="one")
    table.add(stack[:2], (20, 2, 60), leak_kind=kind, name="two")
    totals = {"retained_bytes": 33, "retained_blocks": 3, "allocated_bytes": 110}
    return build_run([RawSnapshot(SnapshotMeta("x", "folded"), totals, table.build())])


def test_what_was_only_allocated_stays() -> None:
    rules = parse_rules("{\n n\n Memcheck:Leak\n fun:malloc\n}\n", "f")
    snapshot = suppress(_run_of(LeakKind.NONE), rules).snapshots[0]
    assert snapshot.totals == {
        "retained_bytes": 23,
        "retained_blocks": 2,
        "allocated_bytes": 110,
        "suppressed_bytes": 10,
        "suppressed_blocks": 1,
    }
    assert snapshot.records is not None
    assert snapshot.records.values["retained_bytes"].tolist() == [0, 20]


def test_kinds_that_the_input_does_not_have_decide_nothing() -> None:
    rules = parse_rules("{\n n\n Memcheck:Leak\n match-leak-kinds: definite\n fun:malloc\n}\n", "f")
    snapshot = suppress(_run_of(LeakKind.NONE), rules).snapshots[0]
    assert snapshot.totals["retained_bytes"] == 33
    assert [note.slug for note in snapshot.meta.notes] == ["suppressions-undecided"]


def test_of_several_rules_the_last_of_valgrind_and_the_first_of_others_counts() -> None:
    one = "{\n %s\n Memcheck:Leak\n fun:malloc\n}\n"
    uses = suppress(_run_of(LeakKind.NONE), parse_rules(one % "a" + one % "b", "f")).snapshots[0].meta.suppressions
    assert [(use.name, use.bytes) for use in uses] == [("a", 0), ("b", 10)]
    uses = suppress(_run_of(LeakKind.NONE), parse_rules("leak:malloc\nleak:main\n", "f")).snapshots[0].meta.suppressions
    assert [(use.name, use.bytes) for use in uses] == [("malloc", 10), ("main", 20)]


def test_kinds_of_which_only_the_sum_is_known_are_said() -> None:
    run = load(FIXTURES / "memcheck-text" / "svc-v2-defaults" / "input.log")
    snapshot = suppress(run, parse_rules(EVERYTHING, "f")).snapshots[0]
    assert any(note.slug == "suppressions-unseen" for note in snapshot.meta.notes)
    assert snapshot.totals["indirect_bytes"] == run.snapshots[0].totals["indirect_bytes"]


def test_nothing_changes_without_rules() -> None:
    run = load(KINDS)
    assert suppress(run, ()) is run
