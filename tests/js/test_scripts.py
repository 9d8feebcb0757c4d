"""The script inside the report: its pure parts under node, and what it must never contain."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from leakreport.render.resources import assets_text, script_text, style_text, template_folder

HERE = Path(__file__).resolve().parent
FORBIDDEN = (
    "http:",
    "https:",
    "eval(",
    "new Function",
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "fetch(",
    "XMLHttpRequest",
    "import(",
    "</script",
    "<!--",
)
MOST_BYTES = 80_000
MOST_BYTES_WITH_STYLE = 80_000


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.js")))
def test_script_units(tool: Callable[[str], str], name: str) -> None:
    done = subprocess.run(
        [tool("node"), "--test", "--test-reporter=tap", name], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None and int(passed[1]) > 0, "no test ran"


@pytest.mark.parametrize("kind", ["css", "js"])
def test_what_assets_must_not_contain(kind: str) -> None:
    text = assets_text(kind)
    assert text.isascii()
    assert [word for word in FORBIDDEN if word in text] == []


def test_script_and_style_stay_small() -> None:
    assert len(script_text()) <= MOST_BYTES
    assert len(style_text()) + len(script_text()) <= MOST_BYTES_WITH_STYLE


def test_only_comments_and_blanks_are_taken_away(tool: Callable[[str], str], tmp_path: Path) -> None:
    """By the scanner of TypeScript: the page's script has the words of the files, in their order."""
    files = {
        "page.js": script_text(),
        "files.js": f'(function () {{\n"use strict";\n{assets_text("js")}\nmain();\n}})();',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [tool("node"), "words.js", *(str(tmp_path / name) for name in files)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) > 5000


def test_every_asset_is_in_the_manifest_once() -> None:
    folder = template_folder() / "assets"
    listed = re.findall(r'"([^"]+\.(?:css|js))"', (folder / "manifest.toml").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(path.name for path in folder.iterdir() if path.suffix in {".css", ".js"})


def test_packages_are_pinned_without_a_registry() -> None:
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all("integrity" in entry and "resolved" not in entry for path, entry in locked.items() if path)
