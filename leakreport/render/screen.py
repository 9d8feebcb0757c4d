"""Text in columns of a terminal: what takes how many, cut, padded, wrapped."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from leakreport.model.raw import Frame
from leakreport.render.names import shorten_name
from leakreport.render.phrases import frame_name, printable

Line = tuple[tuple[str, str], ...]
"""Pieces of one line: text and rich style; an empty style is plain."""


def columns_of(text: str) -> int:
    """Columns that a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def prefix(text: str, cells: int) -> str:
    """The start of a text that takes at most so many columns."""
    used = 0
    for position, sign in enumerate(text):
        used += columns_of(sign)
        if used > cells:
            return text[:position]
    return text


def fit(text: str, cells: int, *, keep_end: bool = False) -> str:
    """Exactly so many columns: padded, or cut with an ellipsis."""
    if columns_of(text) > cells:
        cut = f"…{prefix(text[::-1], cells - 1)[::-1]}" if keep_end else f"{prefix(text, cells - 1)}…"
        text = cut
    return text + " " * (cells - columns_of(text))


def fit_name(frame: Frame | None, cells: int) -> str:
    """A function in so many columns: C++ names lose what says least first."""
    return fit("" if frame is None else shorten_name(frame_name(frame), cells), cells)


def wrapped(text: str, cells: int) -> Iterator[str]:
    """Lines of at most so many columns; words longer than that are broken."""
    line = ""
    for word in text.split(" "):
        rest = word
        if line and columns_of(line) + 1 + columns_of(rest) <= cells:
            line += f" {rest}"
            continue
        if line:
            yield line
        while columns_of(rest) > cells:
            head = prefix(rest, cells)
            yield head
            rest = rest[len(head) :]
        line = rest
    if line:
        yield line


def paragraph(text: str, width: int, *, label: str = "  ", style: str = "") -> Iterator[Line]:
    """A label and text that hangs below its own start."""
    if columns_of(label) > width // 2:
        yield from (((line, ""),) for line in wrapped(label.rstrip(), width))
        label = "    "
    indent = columns_of(label)
    for number, line in enumerate(wrapped(printable(text), width - indent)):
        yield ((label if number == 0 else " " * indent, ""), (line, style))


def rule(width: int) -> Line:
    """A line from edge to edge."""
    return (("─" * width, "dim"),)
