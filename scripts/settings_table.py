"""Write the table of settings in docs/config.md from the settings themselves: `make man`."""

from __future__ import annotations

import re
from pathlib import Path

from leakreport.config import SETTINGS, Setting

PAGE = Path(__file__).resolve().parent.parent / "docs" / "config.md"
_KINDS = {str: "text", int: "number", bool: "`true` or `false`", list: "list of texts", dict: "table"}
_TABLE = re.compile(r"(?<=\| setting \| value \| meaning \| default \|\n\|---\|---\|---\|---\|\n)(?:\| .*\n)+")


def table() -> str:
    """A row for each setting."""
    return "".join(_row(setting) for setting in SETTINGS)


def with_table(page: str) -> str:
    """The page with the table of today."""
    return _TABLE.sub(lambda _: table(), page, count=1)


def _row(setting: Setting) -> str:
    value, meaning = _KINDS[setting.kind], setting.help.replace("|", r"\|")
    return f"| `{setting.name}` | {value} | {meaning} | {setting.default or '–'} |\n"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
