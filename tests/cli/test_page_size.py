"""How large a page may be: `--max-nodes`, and the sizes at which the command warns and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakreport.cli import main, shared
from tests.support import FIXTURES

DEMO = str(FIXTURES / "demo" / "memcheck.xml")
DUMPS = sorted(str(path) for path in (FIXTURES / "massif").glob("svc-v[12]/input*"))
COMMANDS = {"analyze": (DEMO,), "diff": (DEMO, DEMO), "trend": tuple(DUMPS)}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("nodes", ["1", "20000", "all"])
def test_nodes_are_a_number_or_all(command: str, nodes: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert main([command, *COMMANDS[command], "-q", "--max-nodes", nodes, "-o", str(page)]) == 0
    assert page.stat().st_size > 1000


@pytest.mark.parametrize("nodes", ["0", "-1", "some", "1.5", "\u0661", "2000001", ""])
def test_other_words_are_refused(nodes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", DEMO, f"--max-nodes={nodes}"]) == 2
    assert "from 1 to 2,000,000, or all" in capsys.readouterr().err


def test_the_file_knows_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for nodes, code in (("300", 0), ('"all"', 0), ('"many"', 2), ("0", 2)):
        Path("leakreport.toml").write_text(f"max-nodes = {nodes}\n")
        assert main(["analyze", DEMO, "-q"]) == code


@pytest.mark.parametrize("command", COMMANDS)
def test_a_large_page_is_warned_of_and_a_very_large_one_refused(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    arguments = [command, *COMMANDS[command], "-q", "-o", str(page)]
    monkeypatch.setattr(shared, "_LARGE_PAGE", 1000)
    assert main(arguments) == 0
    assert "warning[large-report]: " in capsys.readouterr().err
    page.unlink()
    monkeypatch.setattr(shared, "_LARGEST_PAGE", 2000)
    assert main(arguments) == 4
    error = capsys.readouterr().err
    assert "error[large-report]: " in error
    assert "--force" in error
    assert not page.exists()
    assert main([*arguments, "--force"]) == 0
    assert "warning[large-report]: " in capsys.readouterr().err
    assert page.exists()


def test_other_formats_may_be_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_LARGE_PAGE", 10)
    monkeypatch.setattr(shared, "_LARGEST_PAGE", 20)
    assert main(["analyze", DEMO, "-q", "-o", str(tmp_path / "report.json")]) == 0
