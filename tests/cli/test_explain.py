"""`leakreport explain` as a user meets it: ids, rules, slugs, functions, unknown names, and the three ways it is written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leakreport import errors
from leakreport.analysis.advice import LEAK_TEXTS
from leakreport.analysis.findings import CHECKS
from leakreport.cli import main
from leakreport.explain.answer import HEADINGS
from leakreport.explain.messages import messages
from leakreport.explain.topics import explain_topic, rules
from leakreport.suppressions.audit import Fault
from tests.support import fixture_path

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = fixture_path("memcheck-xml", "kinds")
FDS = fixture_path("memcheck-xml", "fds")


def said(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    assert main(["explain", *map(str, arguments)]) == code
    found = capsys.readouterr()
    return found.out, found.err


def document(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> dict[str, object]:
    found: dict[str, object] = json.loads(said(capsys, *arguments, "--to", "json", code=code)[0])
    return found


def test_a_path_is_explained_under_six_headings(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys, "p1-6cda521ce5a2f928", KINDS)
    assert [line for line in out.splitlines() if line in HEADINGS] == list(HEADINGS)
    # 1,234,567 bytes is what the program loses there (fixtures/programs/valgrind/kinds.c).
    assert "1.18 MiB" in out
    assert "released by free" in out
    assert "lose_big (kinds.c:30)" in out


def test_four_digits_are_enough_and_three_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert document(capsys, "p1-6cda", KINDS)["id"] == "p1-6cda521ce5a2f928"
    assert "at least 4 digits" in said(capsys, "p1-6cd", KINDS, code=2)[1]


def test_an_unknown_id_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    _, error = said(capsys, "p1-6cda99999", KINDS, code=2)
    assert error.startswith("error[usage]: no path or finding has the id p1-6cda99999. Nearest: p1-6cda521ce5a2f928")


def test_a_descriptor_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(FDS), "--to", "json"]) == 0
    ids = re.findall(r'"(e1-[0-9a-f]{16})"', capsys.readouterr().out)
    found = document(capsys, ids[0], FDS)
    assert found["rule"] == "descriptor.FdNotClosed"
    assert [section["heading"] for section in found["sections"]] == list(HEADINGS)  # type: ignore[attr-defined]  # a list of objects


def test_the_report_of_the_working_directory_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no input is given" in said(capsys, "p1-6cda", code=2)[1]
    assert main(["analyze", str(KINDS), "-q", "-o", "report.html"]) == 0
    capsys.readouterr()
    found = document(capsys, "p1-6cda")
    assert found["patterns"] == ["heap-block", "allocation-wrapper"]


def test_an_incomplete_input_is_explained_with_less_trust(capsys: pytest.CaptureFixture[str]) -> None:
    cut = fixture_path("memcheck-xml", "trunc-mid-tag")
    assert main(["analyze", str(cut), "--to", "json", "--partial"]) == 0
    first = json.loads(capsys.readouterr().out)["paths"][0]["id"]
    out, error = said(capsys, first, cut, code=3)
    assert "Less sure: the recording of" in out
    assert "truncated-input" in error
    assert "Less sure" in said(capsys, first, cut, "--partial")[0]


def test_a_sample_says_how_far_it_can_be_off(capsys: pytest.CaptureFixture[str]) -> None:
    sampled = fixture_path("gperftools", "sampled")
    assert main(["analyze", str(sampled), "--to", "json"]) == 0
    row = json.loads(capsys.readouterr().out)["paths"][0]
    out, _ = said(capsys, row["id"], sampled)
    assert re.search(r"give or take\s+\d+%", out)


def test_stacks_that_were_cut_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    deep = fixture_path("memcheck-xml", "deep-default")
    assert main(["analyze", str(deep), "--to", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["paths"]
    assert "The stack was cut at 12 frames" in " ".join(said(capsys, rows[0]["id"], deep)[0].split())


@pytest.mark.parametrize("rule", rules())
def test_every_rule_has_six_headings(rule: str) -> None:
    assert [section.heading for section in explain_topic(rule).sections] == list(HEADINGS)


def test_every_check_of_the_analysis_is_a_rule() -> None:
    known = set(rules())
    for check in CHECKS:
        assert {check, f"error.{check}", f"descriptor.{check}"} & known, check


def test_a_rule_can_be_given_without_its_family() -> None:
    assert explain_topic("definite").title == explain_topic("leak.definite").title
    assert explain_topic("InvalidRead").title.startswith("error.InvalidRead")


def _in_source(folder: str, pattern: str) -> set[str]:
    """What stands as text in the code of a room."""
    files = (ROOT / "leakreport" / folder).glob("*.py")
    return {found for file in files for found in re.findall(pattern, file.read_text(encoding="utf-8"))}


def _rules_of_outputs() -> set[str]:
    notices = _in_source("render", r"Notice\(\s*\"([a-z-]+)\"") | {"verdict", "selection", "note"}
    assert len(notices) > 8
    families = _in_source("render", r"leak_rule\([^()]*\"([a-z]+)\" if") | {"new", "grown", "growing", "leak"}
    slugs = (slug for slug, message in messages().items() if not message.is_of_outputs)
    return {
        *(f"report.{slug}" for slug in (*notices, *slugs)),
        *(f"{family}.{kind.word}" for family in families for kind in LEAK_TEXTS),
        *_in_source("render", r"Rule\(\n    \"([a-z]+\.[a-z]+)\",\n"),
        *rules(),
    }


@pytest.mark.parametrize("rule", sorted(_rules_of_outputs()))
def test_every_rule_of_the_formats_for_pipelines_is_explained(rule: str) -> None:
    assert all(section.lines for section in explain_topic(rule).sections)


@pytest.mark.parametrize("case", ["kinds", "fds", "svc-v2", "kinds-supp"])
def test_what_a_sarif_file_says_can_be_asked_for(case: str, tmp_path: Path) -> None:
    output = tmp_path / "leaks.sarif"
    main(["analyze", str(fixture_path("memcheck-xml", case)), "-q", "-o", str(output)])
    text = output.read_text(encoding="utf-8")
    (run,) = json.loads(text)["runs"]
    names = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert names
    for name in names:
        assert explain_topic(name).sections


DOUBTS = sorted(_in_source("baseline", r"Doubt\(\s*\"([a-z-]+)\""))


@pytest.mark.parametrize("word", [*DOUBTS, *(fault.value for fault in Fault)])
def test_reasons_and_faults_are_explained_in_the_words_of_their_tables(word: str) -> None:
    assert len(DOUBTS) > 8
    pages = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("check.md", "suppressions.md"))
    rows = re.findall(rf"^\| `{word}` \| (.*) \|$", pages, re.MULTILINE)
    assert rows
    said = " ".join(line for section in explain_topic(word).sections for line in section.lines)
    for cell in (cell for row in rows for cell in row.split(" | ")):
        assert cell.replace("`", "") in said


@pytest.mark.parametrize("slug", sorted(messages()))
def test_every_error_and_note_is_explained_in_the_words_of_its_page(slug: str) -> None:
    answer = explain_topic(slug)
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)|`", r"\1", page.partition(f"\n## {slug}\n")[2].partition("\n#")[0])
    assert " ".join(answer.sections[0].lines).split() == words.split()


def test_errors_and_notes_are_told_apart() -> None:
    found = messages()
    assert found["truncated-input"].is_error
    assert not found["sampled"].is_error
    slugs = {value.slug for value in vars(errors).values() if isinstance(value, type) and hasattr(value, "slug")}
    assert slugs <= {slug for slug, message in found.items() if message.is_error}


@pytest.mark.parametrize(
    ("given", "nearest"),
    [("fopne", "fopen"), ("truncated-inptu", "truncated-input"), ("leak.definitely", "leak.definite")],
)
def test_an_unknown_name_names_the_nearest(given: str, nearest: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, error = said(capsys, given, code=2)
    assert "Nearest: " in error
    assert nearest in error


def test_a_kind_that_only_the_tool_knows_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys, "error.wild-goose-chase")
    assert "The tool calls it wild-goose-chase." in " ".join(out.split())
    _, error = said(capsys, "error.InvalidReed", code=2)
    assert "error.InvalidRead" in error


def test_a_function_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "sqlite3_prepare_v2")
    assert found["release"] == "sqlite3_finalize"


def test_everything_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys)
    for word in ("leak.definite", "truncated-input", "sampled", "stdio-stream"):
        assert word in out


def test_markdown_of_hostile_names_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = KINDS.read_text(encoding="utf-8").replace("<fn>lose_big</fn>", "<fn>&lt;img src=x&gt; @team</fn>")
    (tmp_path / "hostile.xml").write_text(text, encoding="utf-8")
    assert main(["analyze", str(tmp_path / "hostile.xml"), "--to", "json"]) == 0
    first = json.loads(capsys.readouterr().out)["paths"][0]["id"]
    out, _ = said(capsys, first, tmp_path / "hostile.xml", "--to", "markdown")
    outside_code = re.sub(r"(`+).*?\1", "", out, flags=re.DOTALL)
    assert "<img" not in outside_code
    assert "@team" not in outside_code


def test_with_redact_no_name_of_the_input_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(KINDS), "--redact", "--to", "json"]) == 0
    first = json.loads(capsys.readouterr().out)["paths"][0]["id"]
    out, _ = said(capsys, first, KINDS, "--redact")
    assert "lose_" not in out
    assert "kinds" not in out.replace("leak kinds", "")
    assert "released by free" in out


def test_an_unknown_way_of_writing_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Choose one of terminal, json, markdown" in said(capsys, "definite", "--to", "html", code=2)[1]


def test_the_page_lists_the_table() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "patterns.py", "--check"],
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, "run scripts/patterns.py"


def test_rules_need_no_heavy_package() -> None:
    code = "from leakreport.cli import main; main(['explain', 'definite']); import sys; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'networkx'" not in done.stdout
    assert "'lxml'" not in done.stdout
