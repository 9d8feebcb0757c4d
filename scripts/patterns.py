"""Writes the table of patterns into docs/explain.md, between its two marks; with --check it only says whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from leakreport.advice import c_library, cpp, known, libraries, own_code, runtimes
from leakreport.advice.pattern import Pattern

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explain.md"
BEGIN, END = "<!-- patterns: scripts/patterns.py writes what follows -->\n", "<!-- end of patterns -->\n"
_MOST_CALLS = 4
PARTS = (
    ("The C library", c_library.PATTERNS),
    ("C++", cpp.PATTERNS),
    ("Libraries", libraries.PATTERNS),
    ("Other run-times", runtimes.PATTERNS),
    ("Known habits of libraries", known.PATTERNS),
    ("Your own code, and shapes of stacks", own_code.PATTERNS),
)


def table() -> str:
    """The part of the page that lists every pattern."""
    lines = []
    for title, patterns in PARTS:
        lines += [f"### {title}", "", "| pattern | recognised by | it is | released by |", "|---|---|---|---|"]
        lines += [f"| `{one.slug}` | {_calls(one)} | {one.noun} | {one.release or '-'} |" for one in patterns]
        lines.append("")
    return "\n".join(lines)


def _calls(pattern: Pattern) -> str:
    shown = ", ".join(f"`{name}`" for name in pattern.calls[:_MOST_CALLS])
    more = len(pattern.calls) - _MOST_CALLS
    return (f"{shown} and {more} more" if more > 0 else shown) or "the shape of the stack"


def page(text: str) -> str:
    """The page with the table in it."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the page, or check it."""
    text = PAGE.read_text(encoding="utf-8")
    if "--check" not in sys.argv:
        PAGE.write_text(page(text), encoding="utf-8")
        return 0
    return 0 if page(text) == text else 1


if __name__ == "__main__":
    sys.exit(main())
