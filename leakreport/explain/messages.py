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

_PAGE = "messages.md"
_SECTION = re.compile(r"^# (?P<part>Errors|Notes)$|^## (?P<slug>\S+)\n(?P<text>(?:(?!^#).*\n?)*)", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


class Message(NamedTuple):
    """One section of the page."""

    slug: str
    is_error: bool
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
    for match in _SECTION.finditer(_page().read_text(encoding="utf-8")):
        part = match["part"] or part
        if match["slug"]:
            paragraphs = [" ".join(text.split()) for text in match["text"].strip().split("\n\n")]
            text = tuple(_LINK.sub(r"\1", text).replace("`", "") for text in paragraphs)
            found[match["slug"]] = Message(match["slug"], part == "Errors", text)
    return found


def _page() -> Traversable:
    package = files("leakreport")
    candidates: list[Traversable] = [package / "_words" / _PAGE]
    if isinstance(package, Path):
        candidates.append(package.parent / "docs" / _PAGE)
    for page in candidates:
        if page.is_file():
            return page
    raise BrokenInstall("the words for errors and notes are missing", where=str(package))
