"""The sections of a `heap profile:` text: header, samples, mappings; with the symbols that may stand around them.

Shared by the variants of gperftools, old tcmalloc servers and Go's debug=1. See `gperftools.py` for a sketch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from leakreport.limits import INT64_MAX, Limits
from leakreport.model.raw import FrameTable, RawSnapshot, SnapshotMeta, Truncation
from leakreport.readers._heap_figures import Figures, Header, parse_header
from leakreport.readers._procmaps import AddressSpace, MappingParser
from leakreport.readers._stacks import AddressStacks, Symbols
from leakreport.readers._symbols import GoComments, SymbolSection

HEADER = re.compile(
    rb"heap profile: *(\d{1,30}): *(\d{1,30}) *\[ *(\d{1,30}): *(\d{1,30}) *\] *@[ \t]*([^\r\n]{0,200})"
)
_SAMPLE = re.compile(rb"\s*(-?\d{1,19}): *(-?\d{1,19}) *\[ *(\d{1,19}): *(\d{1,19}) *\] @")


_BEHIND_FIGURES = b"] @ "
_FIGURES = re.compile(rb"(?: *\d{1,18}: *\d{1,18} *\[ *\d{1,18}: *\d{1,18})*")
_ONLY_NUMBERS = bytes.maketrans(b":[", b"  ")


class _State(Enum):
    BEFORE = auto()
    SYMBOLS = auto()
    SAMPLES = auto()
    MAPPINGS = auto()
    STATISTICS = auto()


@dataclass(slots=True)
class _Section:
    """One profile while it is read."""

    header: Header
    mappings: MappingParser
    stacks: AddressStacks
    comments: GoComments = field(default_factory=GoComments)
    has_mappings: bool = False
    has_statistics: bool = False
    damaged: int = 0
    truncation: Truncation | None = None


class HeapText:
    """Takes the lines of an input; gives one snapshot for each profile in it."""

    def __init__(self, source: str, limits: Limits) -> None:
        """Start before the first line."""
        self._source = source
        self._limits = limits
        self._frames = FrameTable()
        self._state = _State.BEFORE
        self._section: _Section | None = None
        self._done: list[_Section] = []
        self.symbols = SymbolSection(limits)

    def take(self, line: bytes, number: int, *, has_end: bool) -> None:
        """One line of the input."""
        section = self._section
        if section is not None and self._state is _State.SAMPLES:
            match = _SAMPLE.match(line)
            if match is not None:
                if has_end:
                    self._sample(section, match, line, number)
                else:
                    section.truncation = Truncation("the profile ends inside a sample", number, len(section.stacks))
                return
        if b"heap profile:" in line and (match := HEADER.search(line)) is not None and has_end:
            self._begin(match)
        elif section is not None:
            self._other(section, line, number, has_end=has_end)
        elif self._state is _State.SYMBOLS:
            if line == b"---":
                self._state = _State.BEFORE
            elif has_end:
                self.symbols.take(line)
        elif line.strip() == b"--- symbol":
            self._state = _State.SYMBOLS

    def take_samples(self, block: Sequence[bytes], number: int) -> bool:
        """Many lines in one go, of which the first has this number; False, and nothing is taken, if one is no plain sample."""
        section = self._section
        # Go's samples are followed by comments.
        if section is None or self._state is not _State.SAMPLES or section.header.kind == "heap":
            return False
        if max(map(len, block)) >= self._limits.line_bytes:
            return False
        parts = [line.split(_BEHIND_FIGURES, 1) for line in block]
        if min(map(len, parts)) < 2:
            return False
        figures = b" ".join([part[0] for part in parts])
        if _FIGURES.fullmatch(figures) is None:
            return False
        values = np.fromstring(figures.translate(_ONLY_NUMBERS), dtype=np.int64, sep=" ").reshape(-1, 4)
        if len(values) != len(block) or bool(((values[:, 0] == 0) & (values[:, 1] != 0)).any()):
            return False
        return section.stacks.add_many([part[1] for part in parts], values, number)

    def _begin(self, match: re.Match[bytes]) -> None:
        self._section = _Section(
            parse_header(match, self._source), MappingParser(self._limits), AddressStacks(self._limits)
        )
        self._done.append(self._section)
        self._state = _State.SAMPLES

    def _sample(self, section: _Section, match: re.Match[bytes], line: bytes, number: int) -> None:
        section.comments.flush()
        values = [int(value) for value in match.groups()]
        addresses = line[match.end() :].split()
        is_odd = values[0] == 0 != values[1] or max(map(abs, values)) > INT64_MAX
        if is_odd or len(line) >= self._limits.line_bytes or not section.stacks.add(addresses, values, number):
            section.damaged += 1
        elif section.header.kind == "heap":
            section.comments.begin(addresses)

    def _other(self, section: _Section, line: bytes, number: int, *, has_end: bool) -> None:
        """A line that is no sample."""
        if self._state is _State.MAPPINGS:
            if not has_end and not line.rstrip().endswith(b"]"):
                what = "the profile ends inside its list of mappings"
                section.truncation = Truncation(what, number, len(section.stacks))
            elif not section.mappings.take(line):
                section.damaged += 1
        elif self._state is _State.STATISTICS or not line.strip():
            return
        elif b"MAPPED_LIBRARIES:" in line or b"--- Memory map: ---" in line:
            section.has_mappings = True
            self._state = _State.MAPPINGS
        elif line.startswith(b"# runtime.MemStats") and has_end:
            section.has_statistics = True
            self._state = _State.STATISTICS
        elif not has_end:
            section.truncation = Truncation("the profile ends inside a line", number, len(section.stacks))
        elif line.startswith(b"#"):
            section.comments.take(line, self._limits)
        else:
            section.damaged += 1

    @property
    def has_profile(self) -> bool:
        """Whether a header was found."""
        return bool(self._done)

    def snapshots(self, size: int, last_line: int) -> list[RawSnapshot]:
        """One for each profile; `size` is that of the whole input in bytes."""
        only = size if len(self._done) == 1 else None
        return [self._finish(section, only, last_line) for section in self._done]

    def _finish(self, section: _Section, size: int | None, last_line: int) -> RawSnapshot:
        section.comments.flush()
        is_whole = section.has_mappings or section.has_statistics
        if section.truncation is None and not is_whole:
            what = "the profile ends before its list of mappings"
            section.truncation = Truncation(what, last_line, len(section.stacks))
        mappings = section.mappings.mappings()
        known = {**self.symbols.by_address, **section.comments.by_address}
        stacks = section.stacks.table(Symbols(AddressSpace(mappings), known).resolve, self._frames)
        meta = SnapshotMeta(
            source=self._source,
            format="gperftools",
            tool="Go" if section.has_statistics else "gperftools",
            mappings=mappings,
            truncation=section.truncation,
            is_complete=section.truncation is None and not section.damaged,
        )
        return Figures(
            section.header,
            section.stacks,
            stacks,
            meta,
            size=size if section.has_mappings else None,
            damaged=section.damaged,
        ).snapshot()
