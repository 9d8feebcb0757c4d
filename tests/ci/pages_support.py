"""What stands in docs/ci is what the tests run: fenced blocks behind a marker.

<!-- file: NAME -->     the block is a file, or the end of one that the project has
<!-- run -->            the block is what a person types; `<!-- run: NAME -->` where a page has several
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.ci.runner_support import ROOT

FOLDER = ROOT / "docs" / "ci"
_BLOCK = re.compile(
    r"^<!-- (?P<what>file|run)(?:: (?P<name>\S+))? -->\n```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_MARKER = re.compile(r"^<!-- (?:file|run)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """The blocks of a page by name."""

    files: Mapping[str, str]
    runs: Mapping[str, str]

    def write(self, folder: Path, name: str, to: str | None = None) -> Path:
        """Append a file to what the folder has; where `to` is given, under that name."""
        path = folder / (to or name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(self.files[name])
        return path


def page(name: str) -> Page:
    """A page of docs/ci."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    found = list(_BLOCK.finditer(text))
    assert len(found) == len(_MARKER.findall(text)), f"{name}: a marker without its block"
    blocks = [(match["what"], match["name"] or "", match["text"]) for match in found]
    assert len({block[:2] for block in blocks}) == len(blocks), f"{name}: two blocks of one name"
    return Page(*({name: text for what, name, text in blocks if what == wanted} for wanted in ("file", "run")))


def shell(script: str, folder: Path, path: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run lines as CI does: bash ends at the first that fails."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": path, "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
