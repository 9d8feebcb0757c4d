"""Heap profiles of gperftools (tcmalloc), of older servers, of Go's debug=1 and of Java's old heapz, all text.

    heap profile:   854:  4343120 [  2159:  5653344] @ heapprofile
       144:  2359296 [   144:  2359296] @ 0x7f2ffde653ef 0x7f2ffde65453 …
    MAPPED_LIBRARIES:
    56022a696000-56022a69b000 r-xp 00002000 00:00 1908785     /src/shopd/v2/demo

Objects and bytes in use, [those allocated since the start], and return addresses, innermost first. What follows the
header's @ says how the sample was taken: `heapprofile` counts everything, `heap_v2/N` and `heapz_v2/N` sample with a
mean distance of N bytes, `heap/N` (Go) of N/2; `growth` and `fragmentation` tell the allocator's requests and waste.
Sampled lines are scaled up one by one, as pprof does. Also read: the heap checker's dumps and its text, `--- symbol`
wrappers of `pprof --raw`, and `--- heapz 1 ---` of Java.

retained_* is what is in use, allocated_* what was ever allocated, where the header tells it apart.

Source: gperftools `src/heap-profile-table.cc`; google/pprof `profile/legacy_profile.go`, `profile/legacy_java_profile.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakreport.errors import MalformedInput
from leakreport.limits import Limits
from leakreport.model.raw import RawSnapshot
from leakreport.readers._heap_checker import HEADLINE, HeapChecker
from leakreport.readers._heap_java import JavaHeap, is_java_start
from leakreport.readers._heap_text import HeapText
from leakreport.readers._lines import line_blocks
from leakreport.readers._raw_symbolized import read_raw_symbolized
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_HEADER = re.compile(rb"heap profile: *\d{1,30}: *\d{1,30} *\[ *\d{1,30}: *\d{1,30} *\] *@")
_WRAPPED = re.compile(rb"(?:\A|\n)---\r?\n--- profile\r?\n")


class _CountedStream:
    """An input that knows how much of it was read."""

    def __init__(self, stream: InputStream) -> None:
        self._stream = stream
        self.size = 0

    @property
    def name(self) -> str:
        return self._stream.name

    def read(self, size: int = -1, /) -> bytes:
        piece = self._stream.read(size)
        self.size += len(piece)
        return piece

    def rewind(self) -> None:
        self._stream.rewind()
        self.size = 0


class GperftoolsReader:
    """Reads the `heap profile:` family."""

    info = FormatInfo(
        name="gperftools",
        title="gperftools heap profile",
        tool="gperftools",
        suffixes=(".heap",),
        record_command="HEAPPROFILE=/tmp/program LD_PRELOAD=libtcmalloc.so.4 ./program",
        specification="gperftools heap-profile-table.cc, google/pprof profile/legacy_profile.go",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the header, which names the format; the heap checker by its headline."""
        del name
        if head.startswith(b"heap profile:") and _HEADER.match(head):
            return Confidence.CERTAIN
        if is_java_start(head) or (_WRAPPED.search(head) and b"--- symbol" in head[:4096]):
            return Confidence.CERTAIN
        if _HEADER.search(head):
            return Confidence.LIKELY
        return Confidence.LIKELY if HEADLINE.search(head) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per profile; most inputs hold one.

        Raises:
            UnsupportedInput: a profile of something else than memory.
            MalformedInput: there is no profile.
        """
        counted = _CountedStream(stream)
        text = HeapText(stream.name, limits)
        other: HeapChecker | JavaHeap | None = None
        number = 0
        for block, has_end in line_blocks(counted, limits):
            if other is None and has_end and text.take_samples(block, number + 1):
                number += len(block)
                continue
            for line in block:
                number += 1
                if other is not None:
                    other.take(line, number, has_end=has_end)
                    continue
                text.take(line, number, has_end=has_end)
                if text.has_profile:
                    continue
                if line == b"--- profile" and text.symbols.by_address:
                    yield read_raw_symbolized(stream, text.symbols, limits)
                    return
                if is_java_start(line + b"\n"):
                    other = JavaHeap(stream.name, limits)
                elif HEADLINE.search(line):
                    other = HeapChecker(stream.name, limits)
                    other.take(line, number, has_end=has_end)
        if other is not None:
            yield from other.snapshots(number)
        elif text.has_profile:
            yield from text.snapshots(counted.size, number)
        else:
            raise MalformedInput(f"{stream.name} holds no heap profile")
