"""The names in callgrind's syntax: `(N) name` defines a number, `(N)` refers to it, anything else is the name itself.

Source: Valgrind `callgrind/docs/cl-format.xml`, "Name compression".
"""

from __future__ import annotations

import re

from leakreport.limits import Limits
from leakreport.model.raw import Frame, FrameKind, FrameTable

_NUMBERED = re.compile(r"\((\d{1,9})\)(?: (.*))?\Z")


class NameTable:
    """Files and functions, each with numbers of their own, and the frames made of them."""

    def __init__(self, limits: Limits) -> None:
        """Start with no names."""
        self.table = FrameTable()
        self._limits = limits
        self._files: dict[str, str] = {}
        self._functions: dict[str, str] = {}
        self._frames: dict[tuple[str, str, bytes], int] = {}

    def file(self, value: bytes) -> str | None:
        """The path that stands here or is referred to; None where nothing defined it."""
        return self._named(self._files, value)

    def function(self, value: bytes) -> str | None:
        """The function that stands here or is referred to; None where nothing defined it."""
        return self._named(self._functions, value)

    def _named(self, known: dict[str, str], value: bytes) -> str | None:
        text = value.decode("utf-8", "replace")[: self._limits.name_characters]
        match = _NUMBERED.match(text)
        if match is None:
            return text
        if match[2] is not None:
            known[match[1]] = match[2]
        return known.get(match[1])

    def frame(self, path: str, function: str, line: bytes) -> int:
        """The index of a place's frame; valgrind writes `UnknownFile???`, `UnknownFn???` and line 0 for what it does not know."""
        key = (path, function, line)
        index = self._frames.get(key)
        if index is None:
            directory, _, file = path.rpartition("/")
            is_file = path not in {"UnknownFile???", ""}
            name = function if function not in {"UnknownFn???", "???", ""} else None
            number = int(line) if len(line) < 10 else 0
            frame = Frame(
                function=name,
                directory=directory or None if is_file else None,
                file=file if is_file else None,
                line=number if is_file and number else None,
                kind=FrameKind.ADDRESS if name is None else FrameKind.FUNCTION,
            )
            index = self._frames[key] = self.table.index(frame)
        return index
