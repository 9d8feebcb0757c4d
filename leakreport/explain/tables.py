"""The words that tables of the documentation explain: why a check cannot judge, what it says of a leak, what an audit finds in rules."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from leakreport.explain.answer import Section
from leakreport.explain.messages import page, plain


class _Table(NamedTuple):
    page: str
    heading: str
    """Of the section that the table stands in."""
    about: str
    """What its words are."""


_TABLES = (
    _Table("check.md", "States", "What leakreport check says of a leak"),
    _Table("check.md", "When it cannot judge", "Why leakreport check cannot judge (exit 5)"),
    _Table("suppressions.md", "audit", "What leakreport suppress audit finds in a rule"),
)
_WORD = re.compile(r"`([a-z-]+)`\Z")


@cache
def table_words() -> dict[str, tuple[Section, ...]]:
    """By word what each of the tables says of it: a line for each column, with its heading.

    Raises:
        BrokenInstall: a page is missing.
    """
    found: dict[str, tuple[Section, ...]] = {}
    for table in _TABLES:
        text = page(table.page).partition(f"\n## {table.heading}\n")[2].partition("\n## ")[0]
        rows = [
            [cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines() if line[:1] == "|"
        ]
        for first, *cells in rows:
            if match := _WORD.match(first):
                lines = (f"{head}: {plain(cell)}." for head, cell in zip(rows[0][1:], cells, strict=True))
                found[match[1]] = (*found.get(match[1], ()), Section(table.about, tuple(lines)))
    return found
