"""Manual pages: made from the commands, up to date, and read without a warning by those who show them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from leakreport.cli import COMMANDS
from leakreport.cli.described import described
from leakreport.config import SETTINGS, variable_of

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "docs" / "man").glob("*.1"))


def _script(name: str = "manpages") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_settings_is_up_to_date() -> None:
    script = _script("settings_table")
    page = script.PAGE.read_text(encoding="utf-8")
    assert script.table() in page, "run make man"
    assert script.with_table(page) == page


def test_the_pages_are_up_to_date() -> None:
    made = _script().pages()
    assert {path.name for path in PAGES} == set(made), "run make man"
    for path in PAGES:
        assert path.read_text(encoding="utf-8") == made[path.name], f"run make man: {path.name}"


def test_there_is_a_page_for_each_command_with_its_options() -> None:
    assert {path.name for path in PAGES} >= {"leakreport.1", *(f"leakreport-{command}.1" for command in COMMANDS)}
    for command in described():
        text = (ROOT / "docs" / "man" / f"{'-'.join(('leakreport', *command.words))}.1").read_text(encoding="utf-8")
        for option in command.options:
            for name in option.names:
                assert f"\\fB{name}\\fR".replace("-", "\\-") in text
    front = (ROOT / "docs" / "man" / "leakreport.1").read_text(encoding="utf-8")
    assert all(variable_of(setting.name) in front for setting in SETTINGS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_man_shows_them_without_a_warning(path: Path) -> None:
    man = shutil.which("man")
    if man is None or shutil.which("groff") is None:
        pytest.skip("man and groff are missing")
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANPAGER": "cat", "MANWIDTH": "80"}
    done = subprocess.run(
        [man, "--warnings", "-l", str(path)], capture_output=True, text=True, check=False, timeout=60, env=environment
    )
    if "has been minimized" in done.stdout:
        pytest.skip("man is not the real one")
    assert (done.returncode, done.stderr) == (0, "")
    assert "EXIT STATUS" in done.stdout


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_mandoc_finds_nothing_wrong(path: Path) -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is missing")
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    # No date: the same commands make the same pages.
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


def test_texts_mean_themselves() -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is missing")
    texts = (".so /etc/passwd", "'br", "a\\fBb\\e", "it's `x` ~ ^ \" -- …", "\\", "…/{commit}/{path}#L{line}")
    page = ".TH X 1\n" + "\n.br\n".join(_script().roff(text) for text in texts)
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-P-c", "-Kutf8"],
        input=page,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    shown = done.stdout.replace("‐", "-").replace("−", "-")
    for text in texts:
        assert text.replace("…", "...") in shown, text
