"""Code places as valgrind's tools write them for people: `0x109170: xmalloc (kinds.c:22)`.

The forms behind the address: `fn (a.c:20)`, `fn (in /obj)`, `fn (in ???)`, `??? (in /obj)`, `??? (a.c:20)`, `???`; Rust's
dhat adds a column: `fn (src/main.rs:6:35)`. Names may hold blanks and parentheses, so the place is taken from the right.

Source: Valgrind `coregrind/m_debuginfo/debuginfo.c` (describe_IP); nnethercote/dhat-rs `src/lib.rs`.
"""

from __future__ import annotations

import re

from leakreport.limits import Limits
from leakreport.model.raw import Frame, FrameKind

_ADDRESS = re.compile(r"0x([0-9A-Fa-f]{1,16}): ")
_SYMBOL_OFFSET = re.compile(r"\+0x[0-9a-f]+\Z|\+\d+\Z")


def parse_described(text: str, limits: Limits) -> Frame:
    """The frame of a text with or without an address in front."""
    match = _ADDRESS.match(text)
    if match is None:
        return frame_of_place(None, text, limits)
    return frame_of_place(int(match[1], 16), text[match.end() :], limits)


def frame_of_place(address: int | None, text: str, limits: Limits) -> Frame:
    """The frame of what stands behind an address."""
    text = text[: limits.name_characters].strip()
    function, place = _split_place(text)
    module = directory = file = None
    line = None
    if place.startswith("in "):
        module = place.removeprefix("in ")
        if module == "???":
            module = None
    elif place:
        path, line = _file_and_line(place)
        directory, _, file = path.rpartition("/")
        directory = directory or None
    function = _SYMBOL_OFFSET.sub("", function)
    name = function if function not in {"???", ""} else None
    kind = FrameKind.FUNCTION if name is not None else FrameKind.ADDRESS
    return Frame(name, module, directory, file, line, address, kind)


def _split_place(text: str) -> tuple[str, str]:
    """The function, and what the last parentheses hold where that is a place; else all of it and nothing."""
    if not text.endswith(")"):
        return text, ""
    depth = 0
    for position in range(len(text) - 1, 0, -1):
        character = text[position]
        depth += (character == ")") - (character == "(")
        if depth == 0:
            inner = text[position + 1 : -1]
            is_place = inner.startswith("in ") or _file_and_line(inner)[1] is not None
            if text[position - 1] == " " and is_place:
                return text[: position - 1], inner
            break
    # A path with a single parenthesis in it.
    position = text.find(" (in ")
    return (text, "") if position < 0 else (text[:position], text[position + 2 : -1])


def _file_and_line(place: str) -> tuple[str, int | None]:
    path, _, number = place.rpartition(":")
    if not path or not _is_line(number):
        return place, None
    shorter, _, first = path.rpartition(":")
    if shorter and _is_line(first):
        return shorter, int(first)
    return path, int(number)


def _is_line(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 9
