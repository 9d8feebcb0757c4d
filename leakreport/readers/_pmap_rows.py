"""The rows of pmap, of any form: where a header stands, it says what the columns are; else the shape of the row does.

    00007f10afbfe000      52      20      20 rw---   [ anon ]        -x; BusyBox and toybox have PSS in column 3
    0000558b03892000    128K rw---   [ anon ]                        plain, -q
    558b03892000 rw-p 00000000  00:00  0  128  4  4 … [heap]         -X: columns of that kernel's smaps; the name may be empty

Only -X and -XX call the heap by its name, and only -p gives folders.

Source: procps `src/pmap.c`; BusyBox `procps/pmap.c`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from leakreport.mappings import KIB, Vma
from leakreport.readers._samples import number

_ADDRESS = re.compile(rb"[0-9a-f]{4,16}")
_PLAIN = re.compile(rb"([0-9a-f]{8,16}) +(\d{1,16})K ([rwxspSR-]{4,5})(?: +(.*))?")
_MODE = re.compile(rb"[r-][w-][xs-][sSp-][R-]?|[r-][w-][x-][sp-]")
_FLAGS = re.compile(rb"(?:[a-z]{2}(?: +|\Z))*")
_LONGEST_PATH = 4096
_MODES = {b"Mode", b"Perm"}
_SIZES = {b"Kbytes", b"Size"}
_PLACES = {b"Address", b"Offset", b"Device", b"Inode"}
EXTENDED = (b"Address", b"Kbytes", b"RSS", b"Dirty", b"Mode", b"Mapping")
"""The columns of -x, for rows without a header."""


class Columns(NamedTuple):
    """What a header says."""

    words: tuple[bytes, ...]
    flags_end: int
    """Where the column VmFlags ends; 0 without one. It holds blanks."""

    @property
    def knows_heap(self) -> bool:
        """Whether the heap is called by its name."""
        return b"Perm" in self.words


def columns_of(line: bytes) -> Columns | None:
    """The columns, where a line is a header."""
    words = tuple(line.split())
    if not words or words[0] != b"Address" or words[-1] != b"Mapping" or not _SIZES & set(words):
        return None
    flags = re.search(rb"\bVmFlags\b", line)
    return Columns(words, flags.end() if flags else 0)


class Row(NamedTuple):
    """One mapping, and whether all of its row was there."""

    vma: Vma
    is_whole: bool


def row_of(line: bytes, columns: Columns | None, source: str) -> Row | None:
    """The mapping of a row; None where it is none, or cut before its size is told.

    Raises:
        LimitExceeded: a figure is beyond 2^63.
    """
    match = _PLAIN.fullmatch(line.rstrip())
    if match is not None:
        return Row(_made(match[1], number(match[2], source), match[3], match[4] or b"", {}), is_whole=True)
    words = EXTENDED if columns is None else columns.words
    has_flags = columns is not None and columns.flags_end > 0
    figures = words[: len(words) - (2 if has_flags else 1)]
    cells = line.split(None, len(figures))
    is_whole = len(cells) >= len(figures)
    if not cells or not _ADDRESS.fullmatch(cells[0]):
        return None
    name = cells.pop() if len(cells) > len(figures) else b""
    if not is_whole:
        # Of a cut row the last cell may be cut, too.
        cells.pop()
    if columns is not None and has_flags:
        name = _behind_flags(line, name, columns.flags_end)
    found = _cells(figures, cells, source)
    if found is None:
        return None
    kilobytes, mode, fields = found
    return Row(_made(cells[0], kilobytes, mode, name, fields), is_whole)


def _cells(words: tuple[bytes, ...], cells: list[bytes], source: str) -> tuple[int, bytes, dict[str, int]] | None:
    """Size in KiB, permissions and figures in bytes; None where a cell is not what its column says, or these are missing."""
    mode = b""
    kilobytes = None
    fields: dict[str, int] = {}
    for word, cell in zip(words, cells, strict=False):
        if word in _MODES:
            mode = cell
        elif word in _SIZES and cell.isdigit():
            kilobytes = number(cell, source)
        elif word in _SIZES:
            return None
        elif word not in _PLACES:
            if cell.isdigit():
                fields[word.decode("ascii", "replace").lower()] = number(cell, source) * KIB
            elif cell != b"-":
                # A dash stands for what an old kernel did not say.
                return None
    return None if kilobytes is None or not _MODE.fullmatch(mode) else (kilobytes, mode, fields)


def _behind_flags(line: bytes, rest: bytes, flags_end: int) -> bytes:
    """The name behind VmFlags, by the place of the column; by its words where figures pushed it aside."""
    name = line[flags_end + 1 :].strip()
    flags = rest[: len(rest) - len(name)].strip() if name else rest.strip()
    if line[flags_end : flags_end + 1] in {b" ", b""} and all(len(word) == 2 for word in flags.split()):
        return name
    match = _FLAGS.match(rest)
    return rest[match.end() :] if match else rest


def _made(start: bytes, kilobytes: int, mode: bytes, name: bytes, fields: dict[str, int]) -> Vma:
    text = mode.decode("ascii")
    is_shared = "s" in text[3:4].lower()
    path = name.strip()[:_LONGEST_PATH].decode("utf-8", "backslashreplace")
    if path.startswith("[ ") and path.endswith(" ]"):
        path = "" if path == "[ anon ]" else f"[{path[2:-2]}]" if "=" not in path else path
    elif path.startswith(("memfd:", "SYSV")):
        path = f"/{path}"
    elif path == "zero (deleted)":
        path = "/dev/zero"
    first = int(start, 16)
    return Vma(first, first + kilobytes * KIB, text[:3] + ("s" if is_shared else "p"), path, fields)
