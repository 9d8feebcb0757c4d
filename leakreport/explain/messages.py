"""The words for errors and notes: the sections of `docs/messages.md`, which stands in the wheel as well.

One place for them: the page that people read is the data.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from leakreport.errors import BrokenInstall

_SECTION = re.compile(r"^# (?P<part>Errors|Notes|Outputs)$|^## (?P<slug>\S+)\n(?P<text>(?:(?!^#).*\n?)*)", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


class Message(NamedTuple):
    """One section of the page."""

    slug: str
    is_error: bool
    is_of_outputs: bool
    """A rule that only formats for pipelines have."""
    text: tuple[str, ...]
    """Paragraphs, without links."""


@cache
def messages() -> dict[str, Message]:
    """All of them by slug.

    Raises:
        BrokenInstall: the page is missing.
    """
    found = {}
    part = ""
    for match in _SECTION.finditer(page("messages.md")):
        part = match["part"] or part
        if match["slug"]:
            text = tuple(plain(" ".join(text.split())) for text in match["text"].strip().split("\n\n"))
            found[match["slug"]] = Message(match["slug"], part == "Errors", part == "Outputs", text)
    return found


def plain(text: str) -> str:
    """A text of a page without links and marks."""
    return _LINK.sub(r"\1", text).replace("`", "")


def page(name: str) -> str:
    """A page of the documentation that stands in the wheel as well.

    Raises:
        BrokenInstall: it is missing.
    """
    package = files("leakreport")
    candidates: list[Traversable] = [package / "_words" / name]
    if isinstance(package, Path):
        candidates.append(package.parent / "docs" / name)
    for found in candidates:
        if found.is_file():
            return found.read_text(encoding="utf-8")
    raise BrokenInstall(f"the words of {name} are missing", where=str(package))
