"""Every option, command, exit code, format and message is documented, and no machine shows through."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from leakreport import errors
from leakreport.cli import COMMANDS
from leakreport.config import SETTINGS
from leakreport.readers import reader_names
from leakreport.render import renderer_names

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MESSAGES = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")


def test_every_option_is_in_the_readme() -> None:
    source = (ROOT / "leakreport" / "cli" / "analyze.py").read_text(encoding="utf-8")
    options = set(re.findall(r'"(--[a-z-]+)"', source))
    assert len(options) > 20
    assert [option for option in sorted(options) if option not in README] == []
    assert [one.name for one in SETTINGS if f"--{one.name}" not in README] == []


def test_commands_formats_and_exit_codes_are_in_the_readme() -> None:
    for word in (*COMMANDS, *reader_names(), *renderer_names()):
        assert word in README
    for name in dir(errors):
        if name.startswith("EXIT_") and isinstance(getattr(errors, name), int):
            assert f"| {getattr(errors, name)} |" in README, name


def test_every_slug_has_a_section() -> None:
    slugs = {
        one.slug for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.LeakreportError)
    }
    for path in (ROOT / "leakreport").rglob("*.py"):
        slugs |= set(re.findall(r'(?:add_note|_note|Note)\(\s*"([a-z-]+)"', path.read_text(encoding="utf-8")))
    missing = [slug for slug in sorted(slugs - {"error", "input"}) if slug not in MESSAGES]
    assert missing == []


def test_no_path_of_a_machine_is_in_the_tree() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    found = subprocess.run(
        ["git", "grep", "-lIE", "/(work|farm)/(main|shared)|/tmp/bash_jobs", "--", ".", ":!tests/test_docs.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
