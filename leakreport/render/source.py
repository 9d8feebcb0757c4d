"""Source lines around a frame, read only where the user said that source lies.

File names come from the input and are hostile: they choose among files below the allowed folders, by their last parts,
and never lead out of them. Nothing here raises; what cannot be shown is not shown.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from leakreport.model.raw import Frame
from leakreport.render.phrases import printable
from leakreport.repository.paths import suffixes

MOST_BYTES = 2 * 1024 * 1024
LONGEST_LINE = 240
CONTEXT = 5

# A working directory can be a home folder: keys and settings there are not source, whatever a profile says.
_SUFFIXES = frozenset(
    ".c .cc .cpp .cxx .c++ .h .hh .hpp .hxx .h++ .inc .inl .ipp .tcc .tpp .cu .cuh .m .mm .s .asm .rs .go .d .zig .nim "
    ".f .f90 .f95 .for .pas .adb .ads .ada .java .kt .scala .swift .cs .py .pyx .pxd .rb .lua .pl .y .l .ll .yy .vala".split()
)


class SourceLine(NamedTuple):
    """One line of a snippet."""

    number: int
    text: str
    is_call: bool
    """Whether it is the line the frame stands at."""


class Snippet(NamedTuple):
    """The lines around a call."""

    path: str
    """Below which name it was found, relative to its folder."""
    lines: tuple[SourceLine, ...]


@dataclass(slots=True)
class SourceReader:
    """Finds and reads snippets below some folders; every file is read once."""

    roots: Sequence[Path]
    """Resolved folders; nothing outside is opened."""
    _lines: dict[Path, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def below(cls, source_roots: Sequence[str]) -> SourceReader:
        """A reader for the working directory and further folders. Folders that do not exist are left out."""
        roots: dict[Path, None] = {}
        for name in (".", *source_roots):
            try:
                folder = Path(name).resolve(strict=True)
            except (OSError, ValueError, RuntimeError):
                continue
            if folder.is_dir():
                roots.setdefault(folder)
        return cls(tuple(roots))

    def snippet(self, frame: Frame, context: int = CONTEXT) -> Snippet | None:
        """The lines around a frame's line, or None where its file is not found or has no such line."""
        if frame.path is None or frame.line is None or frame.line < 1:
            return None
        found = self._find(frame.path)
        if found is None:
            return None
        file, name = found
        lines = self._read(file)
        if frame.line > len(lines):
            return None
        start = max(frame.line - context, 1)
        numbers = range(start, min(frame.line + context, len(lines)) + 1)
        shown = tuple(SourceLine(number, lines[number - 1], number == frame.line) for number in numbers)
        return Snippet(name, shown)

    def _find(self, path: str) -> tuple[Path, str] | None:
        """The file a path of the input means: the longest suffix of it that one root has. Several roots: nobody knows."""
        if len(path) > 4096 or "\0" in path:
            return None
        for suffix in _suffixes(path):
            found = {file for root in self.roots if (file := _inside(root, suffix)) is not None}
            if found:
                return (found.pop(), suffix) if len(found) == 1 else None
        return None

    def _read(self, file: Path) -> tuple[str, ...]:
        if file not in self._lines:
            text = _text_of(file)
            self._lines[file] = tuple(_shown(line) for line in text.splitlines())
        return self._lines[file]


class SourceFinder:
    """Snippets as plain lines; none where source is not wanted."""

    def __init__(self, source_roots: Sequence[str], *, is_on: bool = True) -> None:
        """Look below the working directory and the given folders."""
        self._reader = SourceReader.below(source_roots) if is_on else None

    def snippet(self, frame: Frame) -> tuple[SourceLine, ...]:
        """The lines around a frame's line; empty where they are not found."""
        found = self._reader.snippet(frame) if self._reader is not None else None
        return found.lines if found is not None else ()


def _suffixes(path: str) -> Iterator[str]:
    """The ends of a path, the longest first, where it is one of source and no part of it is hidden."""
    is_source = PurePosixPath(path).suffix.lower() in _SUFFIXES
    if is_source and not any(part.startswith(".") for part in next(suffixes(path), "").split("/")):
        yield from suffixes(path)


def _inside(root: Path, suffix: str) -> Path | None:
    """The file below a root with that name, links resolved; None where it is elsewhere or no regular file."""
    try:
        file = (root / suffix).resolve(strict=True)
        if not file.is_relative_to(root) or not stat.S_ISREG(file.stat().st_mode):
            return None
    except (OSError, ValueError, RuntimeError):
        return None
    relative = file.relative_to(root)
    is_source = file.suffix.lower() in _SUFFIXES and not any(part.startswith(".") for part in relative.parts)
    return file if is_source else None


def _text_of(file: Path) -> str:
    """The text of a resolved file; empty where it is too large or has turned into something else meanwhile."""
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
                return ""
            return stream.read(MOST_BYTES + 1).decode("utf-8", "replace")
    except OSError:
        return ""


def _shown(line: str) -> str:
    text = printable(line.expandtabs(4).rstrip())
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"
