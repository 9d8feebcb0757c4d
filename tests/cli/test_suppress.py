"""`leakreport suppress`: what it writes, finds and explains, and how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from leakreport.cli import main
from tests.support import FIXTURES

KINDS = str(FIXTURES / "memcheck-xml" / "kinds" / "input.xml")
SVC = str(FIXTURES / "memcheck-xml" / "svc-v2" / "input.xml")
SUPPRESSED = str(FIXTURES / "memcheck-xml" / "kinds-supp" / "input.xml")
GOOD = "{\n known\n Memcheck:Leak\n match-leak-kinds: definite\n fun:malloc\n ...\n fun:lose_big\n}\n"


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third of November 2026."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1793664000")


@pytest.fixture
def ids(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """By the function that leaks, the id of its path in KINDS."""
    assert main(["analyze", KINDS, "--to", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    functions = [frame["function"] for frame in document["frames"]]
    return {functions[row["frames"][1]]: row["id"] for row in document["paths"]}


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_written_rule_stands_with_its_comment(ids: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["suppress", "write", KINDS, "--id", ids["lose_big"], "--reason", "known\nbug", "--until", "2027-01-31"]
    )
    printed = capsys.readouterr()
    assert code == 0
    assert printed.out == (
        f"# {ids['lose_big']}: 1,234,567 bytes definitely lost in 1 block, allocated by lose_big\n"
        "# recorded: memcheck 3.19.0, input.xml\n"
        "# reason: known bug\n"
        "# expires: 2027-01-31\n"
        "{\n"
        f"   {ids['lose_big']} lose_big\n"
        "   Memcheck:Leak\n"
        "   match-leak-kinds: definite\n"
        "   fun:malloc\n"
        "   ...\n"
        "   fun:lose_big\n"
        "}\n"
    )
    assert "and nothing else of the inputs" in printed.err


def test_a_written_rule_hides_its_leak_from_a_report(
    ids: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = str(tmp_path / "known.supp")
    assert main(["suppress", "write", KINDS, "--id", ids["lose_list"], "--id", ids["keep_one"], "-o", rules, "-q"]) == 0
    assert main(["analyze", KINDS, "--suppressions", rules, "--to", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    left = {row["id"] for row in document["paths"]}
    assert left >= set(ids.values()) - {ids["lose_list"], ids["keep_one"]}
    assert not left & {ids["lose_list"], ids["keep_one"]}
    assert document["totals"]["suppressed_bytes"] == 200 + 3003


def test_a_file_of_rules_is_replaced_by_force_alone(
    ids: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = write(tmp_path / "known.supp", GOOD)
    arguments = ["suppress", "write", KINDS, "--id", ids["keep_one"], "-q", "-o"]
    assert main([*arguments, kept]) == 2
    assert f"{kept} exists and is not empty. Leave -o out and append with >> {kept}" in capsys.readouterr().err
    assert Path(kept).read_text() == GOOD
    assert main([*arguments, kept, "--force"]) == 0
    assert "keep_one" in Path(kept).read_text()
    assert "lose_big" not in Path(kept).read_text()
    assert main([*arguments, write(tmp_path / "empty.supp", "")]) == 0


@pytest.mark.parametrize("dialect", ["lsan", "heaptrack"])
def test_other_dialects_have_one_pattern(dialect: str, ids: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suppress", "write", KINDS, "--id", ids["lose_big"], "--dialect", dialect, "-q"]) == 0
    assert capsys.readouterr().out.endswith("\nleak:^lose_big$\n")


def test_the_beginning_of_an_id_is_enough(ids: dict[str, str]) -> None:
    assert main(["suppress", "write", KINDS, "--id", ids["lose_big"][:8], "-q"]) == 0
    assert main(["suppress", "write", KINDS, "--id", ids["lose_big"][3:11], "-q"]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--id", "p1-0000000000000000"], "no leak has the id"),
        (["--id", "p1-"], "p1- is too short. Give at least 4 digits of the id."),
        (["--id", "p1"], "p1 is too short. Give at least 4 digits of the id."),
        (["--id", "p1-847"], "p1-847 is too short. Give at least 4 digits of the id."),
        (["--id", ""], "'' is too short. Give at least 4 digits of the id."),
        (["--id", "p1-8", "--until", "soon"], "is no date"),
        (["--id", "p1-8", "--until", "2026-11-02"], "--until 2026-11-02 has passed. Give a day to come."),
        (["--id", "p1-8", "--dialect", "valgrynd"], "Did you mean valgrind"),
    ],
)
def test_what_cannot_be_written_is_said(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suppress", "write", KINDS, *arguments]) == 2
    assert words in capsys.readouterr().err


def test_other_inputs_in_which_a_rule_hides_more_are_named(
    ids: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["suppress", "write", KINDS, SVC, "--id", ids["lose_big"]]) == 0
    told = capsys.readouterr().err
    assert KINDS in told
    assert SVC not in told


def test_an_audit_of_good_rules_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suppress", "audit", write(tmp_path / "a.supp", GOOD), KINDS, "--fail-on", "any"]) == 0
    assert "nothing to find fault with" in capsys.readouterr().out


@pytest.mark.parametrize(("fault", "code"), [("dead", 1), ("broad", 0), ("dead,broad", 1), ("any", 1)])
def test_the_gate_of_an_audit(fault: str, code: int, tmp_path: Path) -> None:
    rules = write(tmp_path / "rules", GOOD + GOOD.replace("lose_big", "gone"))
    assert main(["suppress", "audit", rules, KINDS, "--fail-on", fault]) == code


@pytest.mark.parametrize("fault", ["dead", "broad", "any"])
@pytest.mark.parametrize(
    ("inputs", "why"),
    [([SUPPRESSED], "suppressions were in force"), ([], "no input was given"), (["EMPTY"], "no path")],
)
def test_an_audit_that_cannot_judge_is_inconclusive(
    fault: str, inputs: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = write(tmp_path / "a.supp", GOOD.replace("lose_big", "gone"))
    empty = write(tmp_path / "empty.xml", _without_leaks(KINDS))
    given = [empty if text == "EMPTY" else text for text in inputs]
    assert main(["suppress", "audit", rules, *given, "-q", "--fail-on", fault]) == 5
    printed = capsys.readouterr()
    assert f"inconclusive: 1 rule not judged: {why}" in printed.err.replace("the inputs hold ", "")
    assert "nothing to find fault with" not in printed.out
    assert main(["suppress", "audit", rules, *given, "-q", "--fail-on", "never,expired,duplicate,shadowed"]) == 0


def _without_leaks(path: str) -> str:
    text = Path(path).read_text(encoding="utf-8")
    return re.sub(r"<error>(?:(?!</error>).)*<kind>Leak_.*?</error>", "", text, flags=re.DOTALL)


def test_rules_without_an_input_are_not_called_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suppress", "audit", write(tmp_path / "a.supp", GOOD)]) == 0
    assert "no input was given: dead and broad were not judged" in capsys.readouterr().out
    assert main(["suppress", "audit", write(tmp_path / "b.supp", GOOD + GOOD)]) == 0
    assert "1 duplicate; no input was given: dead and broad" in capsys.readouterr().out


def test_rules_are_not_dead_where_there_is_no_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = write(tmp_path / "empty.xml", _without_leaks(KINDS))
    assert main(["suppress", "audit", write(tmp_path / "a.supp", GOOD), empty]) == 0
    printed = capsys.readouterr().out
    assert "not judged: 1 rule: the inputs hold no path" in printed
    assert "dead" not in printed


def test_an_audit_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = write(tmp_path / "a.supp", GOOD + GOOD)
    output = tmp_path / "audit.json"
    assert main(["suppress", "audit", KINDS, rules, "--to", "json", "-o", str(output)]) == 0
    assert capsys.readouterr().out == ""
    document = json.loads(output.read_text(encoding="utf-8"))
    assert document["schema"] == "leakreport-audit/1"
    assert document["counts"]["duplicate"] == 1
    (finding,) = document["findings"]
    assert (finding["file"], finding["line"]) == (rules, 10)
    assert finding["other"] == {"file": rules, "line": 2}


def test_an_audit_goes_on_behind_a_rule_that_valgrind_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = write(tmp_path / "a.supp", GOOD.replace("definite", "sometimes") + GOOD.replace("lose_big", "gone"))
    assert main(["suppress", "audit", rules, KINDS]) == 0
    printed = capsys.readouterr().out
    assert f"{rules}:4: never: known: the tool refuses the whole file" in printed
    assert f"{rules}:10: dead: known" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([KINDS], "no file of rules"),
        (["no-such.supp", KINDS], "cannot open"),
        ([KINDS, "--rules", "no-such-file"], "cannot open"),
        (["RULES", KINDS, "--fail-on", "deadd"], "Did you mean dead"),
        (["RULES", KINDS, "--to", "html"], "--to"),
    ],
)
def test_usage_errors_of_an_audit(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = write(tmp_path / "a.supp", GOOD)
    assert main(["suppress", "audit", *(rules if text == "RULES" else text for text in arguments)]) == 2
    assert words in capsys.readouterr().err


def test_an_input_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    rules = write(tmp_path / "a.supp", GOOD)
    assert main(["suppress", "audit", rules, str(tmp_path / "gone.xml")]) == 3


def test_the_rule_that_hides_a_leak_is_named(
    ids: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = write(tmp_path / "a.supp", GOOD)
    assert main(["suppress", "explain", rules, KINDS, "--id", ids["lose_big"]]) == 0
    assert f"rule known at {rules}:2 hides it." in capsys.readouterr().out


def test_the_nearest_miss_is_explained(ids: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = write(tmp_path / "a.supp", GOOD + GOOD.replace("...\n fun:lose_big", "fun:lose_one"))
    assert main(["suppress", "explain", rules, KINDS, "--id", ids["lose_one"], "--top", "1"]) == 0
    printed = capsys.readouterr().out
    assert "frame 2 is `xmalloc` in kinds, the rule wants `fun:lose_one`" in printed
    assert "put ... before fun:lose_one" in printed
    assert "No rule of 2 hides it." in printed
    assert main(["suppress", "explain", rules, KINDS, "--id", ids["lose_one"], "--to", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "leakreport-nearest/1"
    assert document["leaks"][0]["hidden"] is False
    assert [found["hides"] for found in document["leaks"][0]["rules"]] == [False, False]


def test_explain_needs_an_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suppress", "explain", write(tmp_path / "a.supp", GOOD), "--id", "p1-1234"]) == 2
    assert "no input" in capsys.readouterr().err
