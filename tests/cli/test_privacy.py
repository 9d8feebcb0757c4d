"""`--redact`, `--include-host` and `--no-source` of every command, and of the configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leakreport.cli import main
from leakreport.errors import EXIT_GATE_FAILED, EXIT_OK
from tests.html_support import static_part
from tests.privacy_support import text_of
from tests.support import FIXTURES

BEFORE, AFTER = (FIXTURES / "memcheck-xml" / case / "input.xml" for case in ("svc-v1", "svc-v2"))
SOURCE = FIXTURES / "demo" / "svc.c"
NAMES = ("session_open", "name_dup", "legacy_table", "svc.c", "vgpreload")
COMMANDS = {
    "analyze": ["analyze", str(AFTER)],
    "diff": ["diff", str(BEFORE), str(AFTER)],
    "trend": ["trend", str(BEFORE), str(AFTER), "--as", "runs"],
    "convert": ["convert", str(AFTER)],
}


def output(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*arguments, "-q"]) == EXIT_OK
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_redact(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    plain = output(*COMMANDS[command], "--to", "json", capsys=capsys)
    shown = output(*COMMANDS[command], "--to", "json", "--redact", capsys=capsys)
    assert all(name in plain for name in NAMES)
    assert not [name for name in NAMES if name in shown]
    before, after = json.loads(plain), json.loads(shown)
    assert after["privacy"]["redacted"]
    assert not before["privacy"]["redacted"]
    assert [row["id"] for row in before["paths"]] == [row["id"] for row in after["paths"]]
    assert after["inputs"][0]["source"] == "input-1"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_redacted_by_the_configuration(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "leakreport.toml"
    settings.write_text("redact = true\n", encoding="utf-8")
    shown = output(*COMMANDS[command], "--to", "json", "--config", str(settings), capsys=capsys)
    assert not [name for name in NAMES if name in shown]


@pytest.mark.parametrize("command", ["analyze", "diff", "trend"])
def test_a_terminal_that_redacts_suggests_nothing_and_files_say_nothing(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = [tmp_path / name for name in ("report.html", "report.md", "report.json", "report.txt")]
    outputs = [part for target in targets for part in ("-o", str(target))]
    gate = ["--fail-on", "any" if command == "analyze" else "growth"]
    assert main([*COMMANDS[command], *outputs, *gate, "--redact"]) in {EXIT_OK, EXIT_GATE_FAILED, 5}
    texts = [capsys.readouterr().out, *(text_of(target.read_text(encoding="utf-8")) for target in targets)]
    for text in texts:
        assert not [name for name in (*NAMES, "svc-v1", "input.xml", str(tmp_path)) if name in text]
        assert "Next" not in static_part(text)


@pytest.mark.parametrize("to", ["pprof", "folded", "speedscope", "csv"])
def test_other_tools_get_tokens(to: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    assert main(["convert", str(AFTER), "--to", to, "-o", str(target), "--redact", "-q"]) == EXIT_OK
    text = text_of(target.read_bytes()) if to == "pprof" else target.read_text(encoding="utf-8")
    assert "fn-" in text
    assert not [name for name in (*NAMES, "svc-v2") if name in text]


@pytest.mark.parametrize("command", ["analyze", "diff", "trend"])
def test_no_source_leaves_snippets_out(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.strip() for line in SOURCE.read_text(encoding="utf-8").splitlines() if len(line.strip()) > 24]
    for option in ("--no-source", "--redact"):
        for suffix in ("html", "md", "json"):
            target = tmp_path / f"report.{suffix}"
            output(*COMMANDS[command], "--source-root", str(SOURCE.parent), option, "-o", str(target), capsys=capsys)
            text = text_of(target.read_text(encoding="utf-8"))
            assert not [line for line in lines if line in text]


def test_two_redacted_reports_name_one_function_alike(capsys: pytest.CaptureFixture[str]) -> None:
    shown = [
        json.loads(output("analyze", str(path), "--to", "json", "--redact", capsys=capsys)) for path in (BEFORE, AFTER)
    ]
    functions = [{frame["function"] for frame in document["frames"]} for document in shown]
    assert len(functions[0] & functions[1]) >= 8


def test_the_command_that_made_it_keeps_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.md"
    arguments = ["analyze", str(AFTER), "--max-leaked=1GiB", "--redact", "-o", str(target)]
    monkeypatch.setattr("sys.argv", ["leakreport", *arguments])
    main([*arguments, "-q"])
    text = target.read_text(encoding="utf-8")
    assert "leakreport analyze '‹redacted›' --max-leaked=1GiB --redact\n" in text
