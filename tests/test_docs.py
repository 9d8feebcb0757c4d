"""The documents know every option, command, exit code, format, setting and message, and no tracked file knows a machine."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from leakreport import errors
from leakreport.analysis.options import FAIL_ON
from leakreport.analysis.reason_text import RULES
from leakreport.cli import COMMANDS, app
from leakreport.config import SETTINGS
from leakreport.errors import LeakreportError
from leakreport.readers import reader_names
from leakreport.render import SUFFIXES, renderer_names

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = "\n".join([README, *(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md")))])
MESSAGES = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## (\S+)$", MESSAGES, re.MULTILINE)
# Raised by no class of their own: the guard of the command line.
GUARD_SLUGS = {"bug", "interrupted"}
# In a form that does not find itself.
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(?:(?:work|farm)/(?:main|shared)|root/|tmp/bash[_]jobs)")
# Not looked into: no text, or kept byte for byte from elsewhere.
NOT_OURS = re.compile(r"^(fixtures/.*/public-.*/input|fixtures/.*\.(gz|xz|bz2|zst)$|.*\.png$)")


def _options(command: str) -> Iterator[str]:
    group = typer.main.get_command(app)
    found = getattr(group, "commands", {})[command]
    for parameter in found.params:
        yield from parameter.opts


OPTIONS = sorted({(command, option) for command in COMMANDS for option in _options(command) if option.startswith("-")})


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=" ".join)
def test_every_option_is_documented(command: str, option: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", README), f"{command} {option}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    assert f"leakreport {command}" in README


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
def test_every_setting_is_documented(name: str) -> None:
    # A key of the file is the long option without its dashes.
    assert re.search(rf"(?<![\w-])(--)?{re.escape(name)}(?![\w-])", README)


@pytest.mark.parametrize("code", sorted({value for name, value in vars(errors).items() if re.match("EXIT_[A-Z]+$", name)
                                         and isinstance(value, int)}))  # fmt: skip
def test_every_exit_code_is_documented(code: int) -> None:
    assert re.search(rf"^\| {code} \|", README, re.MULTILINE)


@pytest.mark.parametrize("name", sorted({*reader_names(), *renderer_names()}))
def test_every_format_is_documented(name: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", README)


@pytest.mark.parametrize("name", reader_names())
def test_every_format_that_is_read_has_a_page(name: str) -> None:
    page = ROOT / "docs" / "formats" / f"{name}.md"
    assert re.search(r"^## .*[Rr]ecord", page.read_text(encoding="utf-8"), re.MULTILINE)


# `.htm` is there for those who mistype; nobody needs to read about it.
@pytest.mark.parametrize("suffix", sorted(set(SUFFIXES) - {".htm"}))
def test_every_suffix_is_documented(suffix: str) -> None:
    assert re.search(rf"{re.escape(suffix)}\b", DOCS)


def _error_slugs() -> set[str]:
    found, waiting = set(), [LeakreportError]
    while waiting:
        current = waiting.pop()
        found.add(current.slug)
        waiting.extend(current.__subclasses__())
    return found


def _note_slugs() -> set[str]:
    """The first argument of each call of something named ...note or ...Note, where it is a text."""
    found = set()
    for path in (ROOT / "leakreport").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name.lower().endswith("note") and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return found


def test_every_message_has_a_section() -> None:
    slugs = _error_slugs() | _note_slugs() | GUARD_SLUGS
    assert _note_slugs()
    assert sorted(slugs - set(SECTIONS)) == []


def _rules_of_outputs() -> set[str]:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "leakreport" / "render").glob("*.py"))
    notices = {*re.findall(r"Notice\(\s*\"([a-z-]+)\"", code), "verdict", "selection", "note"}
    return {"new", "grown", "growing", "growing.total", *(f"report.{slug}" for slug in notices)}


def test_every_section_is_of_a_message() -> None:
    slugs = _error_slugs() | _note_slugs() | GUARD_SLUGS | _rules_of_outputs()
    assert sorted(set(SECTIONS) - slugs) == []
    assert len(SECTIONS) == len(set(SECTIONS))


@pytest.mark.parametrize("slug", SECTIONS)
def test_every_section_says_something(slug: str) -> None:
    text = MESSAGES.partition(f"\n## {slug}\n")[2].partition("\n#")[0].strip()
    assert len(text) > 40


@pytest.mark.parametrize("word", FAIL_ON)
def test_every_gate_is_documented(word: str) -> None:
    assert re.search(rf"`{word}`|--fail-on \S*{word}", DOCS)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_of_a_comparison_is_documented(rule: str) -> None:
    assert f"| `{rule}` |" in (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")


def _tracked_files() -> list[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_holds_a_path_of_the_machine_it_was_written_on() -> None:
    found = []
    for name in _tracked_files():
        if NOT_OURS.match(name):
            continue
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        found += [f"{name}: {match[0]}" for match in MACHINE_PATHS.finditer(text)]
    assert found == []


def test_links_between_documents_lead_somewhere() -> None:
    found = []
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                found.append(f"{path.relative_to(ROOT)}: {target}")
    assert found == []
