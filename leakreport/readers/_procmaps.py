"""The list of mappings behind a heap profile, and which file an address belongs to.

Two grammars, line by line: that of /proc/PID/maps (`start-end perm offset dev inode path`) and the brief one of old
servers (`start-end: path (@offset) build-id`). `name=value` lines define `$name` for the lines below. A path is the
rest of its line, as it may hold blanks. Only executable mappings are kept; names like `[vdso]` and `X (deleted)` stay
as they are: labels, never files to open.

Source: google/pprof `profile/legacy_profile.go`, parseMappingEntry; `profile/profile.go`, massageMappings.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from leakreport.limits import Limits
from leakreport.model.raw import Frame, FrameKind, Mapping

_LOG_PREFIX = re.compile(r"[^\[\]]{1,4096}:[0-9]+\]\s")
_RANGE = re.compile(r"\s*(?:0x)?([0-9a-f]{1,16})(?:-|\s)\s*(?:0x)?([0-9a-f]{1,16}):?(?=\s|\Z)")
_PROC = re.compile(r"\s+([-rwxsp]{3,5})\s+([0-9a-f]{1,16})\s+[0-9a-f]+:[0-9a-f]+\s+\d+(?:\s+(.*))?\Z")
_BRIEF = re.compile(r"(?:\s+([-rwxp]{3,4})(?=\s|\Z))?(?:\s+(.*))?\Z")
_AT_OFFSET = re.compile(r"\s\(@([0-9a-f]{1,16})\)(?:\s+([0-9a-f]{2,128}))?\Z")
_BUILD_ID = re.compile(r"\s([0-9a-f]{16,128})\Z")
_VARIABLE = re.compile(r"\$(\w+)")
_LINE_CHARACTERS = 16384
_VARIABLES = 1000
_SUBSTITUTIONS = 8


class MappingParser:
    """Takes the lines behind MAPPED_LIBRARIES one by one."""

    def __init__(self, limits: Limits) -> None:
        """Start with none."""
        self._limits = limits
        self._variables: dict[str, str] = {}
        self._found: list[Mapping] = []

    def take(self, raw: bytes) -> bool:
        """One line; False if it is neither empty nor of the grammar."""
        if b"\0" in raw:
            # A hole that a crash or a full disk left.
            return False
        line = raw[:_LINE_CHARACTERS].decode("utf-8", "replace").rstrip()
        if not line:
            return True
        prefix = _LOG_PREFIX.match(line)
        if prefix is not None:
            line = line[prefix.end() :]
        place = _RANGE.match(line)
        if place is None:
            return self._define(line)
        rest = line[place.end() :]
        proc = _PROC.match(rest)
        brief = None if proc is not None else _BRIEF.match(rest)
        if proc is not None:
            self._add(place, proc[1], int(proc[2], 16), proc[3] or "", None)
        elif brief is not None:
            path, offset, build_id = _brief_path(brief[2] or "")
            self._add(place, brief[1] or "x", offset, path, build_id)
        else:
            return False
        return True

    def _define(self, line: str) -> bool:
        name, sign, text = line.partition("=")
        if not sign:
            return False
        if len(self._variables) < _VARIABLES:
            self._variables[name.strip()] = text.strip()[:4096]
        return True

    def _add(self, place: re.Match[str], permissions: str, offset: int, path: str, build_id: str | None) -> None:
        start, end = int(place[1], 16), int(place[2], 16)
        if "x" not in permissions or not path or end <= start:
            return
        if "$" in path:
            known = self._variables
            path = _VARIABLE.sub(lambda match: known.get(match[1], match[0]), path, count=_SUBSTITUTIONS)
        path = path[: self._limits.name_characters]
        before = self._found[-1] if self._found else None
        continued = (start, path, offset)
        if before is not None and (before.end, before.path, before.offset + before.end - before.start) == continued:
            self._found[-1] = before._replace(end=end)
            return
        self._found.append(Mapping(start, end, offset, path, build_id))

    def mappings(self) -> tuple[Mapping, ...]:
        """The executable ones, by address."""
        return tuple(sorted(self._found))


def _brief_path(text: str) -> tuple[str, int, str | None]:
    match = _AT_OFFSET.search(text)
    if match is not None:
        return text[: match.start()].rstrip(), int(match[1], 16), match[2]
    match = _BUILD_ID.search(text)
    if match is not None:
        return text[: match.start()].rstrip(), 0, match[1]
    return text, 0, None


class AddressSpace:
    """Which mapping an address belongs to."""

    def __init__(self, mappings: tuple[Mapping, ...]) -> None:
        """Keep the mappings, by address."""
        self._mappings = mappings
        self._starts = [mapping.start for mapping in mappings]

    def find(self, address: int) -> Mapping | None:
        """The mapping of an address, if one is known."""
        index = bisect_right(self._starts, address)
        if index and address < self._mappings[index - 1].end:
            return self._mappings[index - 1]
        if index < len(self._mappings):
            # Some lists tell only the upper part of a file.
            after = self._mappings[index]
            if after.offset and address >= after.start - after.offset:
                return after
        return None

    def frame(self, address: int) -> Frame:
        """An address without a name: by file and offset where the file is known, which is the same in every run."""
        mapping = self.find(address)
        if mapping is None:
            return Frame(address=address, kind=FrameKind.ADDRESS)
        return Frame(module=mapping.path, offset=address - mapping.start + mapping.offset, kind=FrameKind.ADDRESS)
