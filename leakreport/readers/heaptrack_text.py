"""The text that heaptrack_print makes of a recording, of one (`-f FILE`) or of the difference of two (`-d BASE`).

    reading file "build-b.zst" - please wait, this might take some time...
    Debuggee command was: ./server --port 80            in a difference twice: that of the base first
    MEMORY LEAKS                                        one of up to five sections, this one with `-l 1` only
    496.00K leaked over 2000 calls from                 a place, with all its stacks
    session_new
      at /src/server.c:50
      in /src/server
    488.00K leaked over 1990 calls from:                a stack, from the caller of the place outwards
        handle_login
          at /src/server.c:61
      and 8.00K from 12 other places                    the stacks below the limit (`-s`)
    total memory leaked: 1.00M                          the last of the totals

With `-m 0` there are stacks only. Each section shows the first ten places (`-n`). Each metric is taken from the section that is
sorted by it, else from the first that has it, so that nothing counts twice. Amounts are rounded; the sum of the stacks is the
total where the rounded total leaves that open, as it is the more exact one. Differences are read as two snapshots, with what is
larger in each of them.

Source: heaptrack `src/analyze/print/heaptrack_print.cpp`, versions 1.0 to 1.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakreport.errors import MalformedInput
from leakreport.limits import Limits
from leakreport.model.raw import RawSnapshot
from leakreport.readers._heaptrack_places import Places
from leakreport.readers._heaptrack_text import (
    SECTIONS,
    FrameLines,
    frames_of,
    parse_entry,
    parse_others,
    parse_runtime,
    parse_trailer,
)
from leakreport.readers._lines import lines
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_SIGNATURE = re.compile(
    rb"(?:\A|\n)(?:reading file \"[^\n]{1,4096}\" - please wait, this might take some time"
    rb"|MOST CALLS TO ALLOCATION FUNCTIONS\r?\n|MOST TEMPORARY ALLOCATIONS\r?\n|PEAK MEMORY CONSUMERS\r?\n|MEMORY LEAKS\r?\n-?[\d.]+[KMGT]?B? leaked over "
    rb"|peak heap memory consumption: -?[\d.]+[KMGT]?B?\r?\n|total memory leaked: -?[\d.]+[KMGT]?B?\s*(?:\n|\Z))"
)
_READING = re.compile(r"reading (diff )?file \"(.*)\" - please wait.*")
_COMMAND = "Debuggee command was: "
_LAST = "retained_bytes"
"""What the last total is about."""


class HeaptrackTextReader:
    """Reads what heaptrack_print prints."""

    info = FormatInfo(
        name="heaptrack-text",
        title="text of heaptrack_print",
        tool="heaptrack_print",
        suffixes=(".txt",),
        record_command="heaptrack_print -l 1 -n 1000 -s 1000 -f heaptrack.program.1.zst > heaptrack.txt",
        specification="heaptrack src/analyze/print/heaptrack_print.cpp",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By its first line, the titles of its sections, or its totals."""
        del name
        match = _SIGNATURE.search(head)
        if match is None:
            return Confidence.NO
        return Confidence.CERTAIN if not head[: match.start()].strip() else Confidence.LIKELY

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot of each text; of a difference two.

        Raises:
            MalformedInput: there is neither a place nor a total.
            LimitExceeded: a figure is beyond 2^62, or there are too many stacks.
        """
        text = _Text(stream.name, limits)
        for number, (line, has_end) in enumerate(lines(stream, limits), 1):
            is_long = len(line) >= limits.line_bytes
            yield from text.take(line.decode("utf-8", "backslashreplace"), number, has_end=has_end and not is_long)
        yield from text.finish()
        if not text.count:
            raise MalformedInput(
                f"{stream.name} has no place and no total of heaptrack_print", where=f"{text.line:,} lines"
            )


class _Text:
    """The text while it is read: where it is, and the stack that is being told."""

    def __init__(self, source: str, limits: Limits) -> None:
        self.line = 0
        self.count = 0
        self._source = source
        self._limits = limits
        self._start()

    def _start(self) -> None:
        self._places = Places(self._source, self._limits)
        self._section: str | None = None
        # The place, and the stack below it where one is being told: its headline is kept by `_places`.
        self._leaf: list[FrameLines] = []
        self._stack: list[FrameLines] = []
        self._is_below = False
        self._indent: int | None = None

    def take(self, line: str, number: int, *, has_end: bool) -> Iterator[RawSnapshot]:
        """One line; the snapshots of a text that another one follows."""
        self.line = number
        reading = _READING.match(line)
        if (reading is not None and not reading[1]) or (line in SECTIONS and self._places.is_whole):
            yield from self.finish()
        if reading is not None:
            self._places.is_difference |= bool(reading[1])
        elif line.startswith(_COMMAND):
            self._places.commands.append(line.removeprefix(_COMMAND)[: self._limits.name_characters])
        elif line in SECTIONS:
            self._end_place()
            self._section = SECTIONS[line]
            self._places.sections.append(self._section)
        else:
            self._take_inside(line, has_end=has_end)

    def _take_inside(self, line: str, *, has_end: bool) -> None:
        total = parse_trailer(line, self._source)
        if total is not None and (has_end or line[-1] in "BKMGT"):
            self._end_place()
            self._section = None
            self._places.take_total(*total, is_last=total[0] == _LAST)
            return
        runtime = parse_runtime(line)
        if runtime is not None:
            self._end_place()
            self._section, self._places.seconds = None, runtime
        elif not has_end:
            self._places.is_cut = True
        elif self._section is not None:
            self._take_of_section(self._section, line)

    def _take_of_section(self, section: str, line: str) -> None:
        if not line.strip():
            self._end_place()
            return
        entry = parse_entry(section, line, self._source)
        if entry is not None:
            if entry.is_below:
                self._end_stack()
                self._is_below = True
            else:
                self._end_place()
            self._places.begin(section, entry, self.line)
            self._stack, self._indent = [], None
            return
        others = parse_others(section, line, self._source)
        if others is not None:
            self._end_stack()
            self._places.add_others(section, frames_of(self._leaf), *others, self.line)
        elif not self._take_frame(line):
            self._places.damaged += 1

    def _take_frame(self, line: str) -> bool:
        """Whether a line is of a frame of the stack that was begun."""
        if not self._places.is_begun or line == "  ??":
            return line == "  ??"
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        if self._indent is None:
            self._indent = indent
        frames = self._stack if self._is_below else self._leaf
        if indent == self._indent + 2 and frames:
            return frames[-1].take(text[: self._limits.name_characters])
        if indent != self._indent:
            return False
        if len(frames) < self._limits.stack_frames:
            frames.append(FrameLines(text[: self._limits.name_characters]))
        return True

    def _end_stack(self) -> None:
        """What was told of a stack below a place is whole."""
        if self._is_below:
            self._places.end(frames_of(self._leaf), frames_of(self._stack))
        self._is_below = False

    def _end_place(self) -> None:
        """Nothing more comes of a place; without stacks below it is one itself."""
        if self._is_below:
            self._end_stack()
        elif self._places.is_begun:
            self._places.end(frames_of(self._leaf), [])
        self._leaf, self._stack, self._indent = [], [], None

    def finish(self) -> Iterator[RawSnapshot]:
        """All that was read of the text."""
        if self._places.is_cut:
            # The stack that the text ends in is not known to its end.
            self._places.drop()
        self._end_place()
        if self._places.is_found:
            for raw in self._places.snapshots(self.line):
                self.count += 1
                yield raw
        self._start()
