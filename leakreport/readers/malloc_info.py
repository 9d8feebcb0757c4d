"""malloc_info(3) of glibc: heaps in figures, one document or many one after the other.

    <malloc version="1">
    <heap nr="0">
    <sizes>  <size from="33" to="48" total="96" count="2"/>  </sizes>      free blocks by size
    <total type="fast" count="0" size="0"/>                                free: kept for the next malloc
    <total type="rest" count="64" size="1120335"/>                         free: all other, that at the heap's end too
    <system type="current" size="1187840"/>                                taken from the system
    </heap>
    <total .../> <total type="mmap" count="6" size="933888"/> <system .../>  the same of all heaps, and blocks with a mapping of their own
    </malloc>

In use is what was taken from the system less what is free; `retained` is that of all heaps and the mapped blocks. Blocks that
threads keep for themselves (tcache) count as in use, and so does the allocator's overhead. The rows of `sizes` are not read:
their bounds and counts are wrong in many versions, and the totals have their sums.

glibc before 2.20 does not tell the mapped blocks, older ones count the free end of a heap as in use.

Source: glibc `malloc/malloc.c`, __malloc_info; malloc_info(3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from leakreport.errors import LimitExceeded, UnsupportedInput
from leakreport.limits import Limits
from leakreport.model.raw import Frame, FrameKind, FrameTable, Note, RawSnapshot, SampleTableBuilder
from leakreport.readers._samples import SampleLog, number, recognised
from leakreport.readers._tags import Tag, tags_and_lines
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_SIGNATURE = re.compile(rb"<malloc\s+version\s*=\s*[\"'][\w.-]{1,40}[\"']\s*>")
_ROOT = Frame("[glibc malloc]", kind=FrameKind.CATEGORY)
_MAPPED = Frame("mapped blocks", kind=FrameKind.CATEGORY)
_METRICS = ("retained_bytes", "heap_free_bytes")
_FAST, _REST, _MMAP, _SYSTEM = ("total", "fast"), ("total", "rest"), ("total", "mmap"), ("system", "current")
_MOST_HEAPS = 100_000
"""glibc has eight per processor where it is not told otherwise."""
_TRIM = Note(
    "heap-top-in-use",
    "This glibc is old: the free end of each heap counts as in use. It is part of what grows when a heap is enlarged.",
)
_NO_MMAP = Note(
    "mapped-blocks-unknown",
    "This glibc is old: blocks of 128 KiB and more, which have mappings of their own, are not told and not in what is in use.",
)


@dataclass(slots=True)
class _Figures:
    """Sizes and counts of a heap, or of all, by tag and type."""

    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return _SYSTEM in self.sizes and _REST in self.sizes

    @property
    def system(self) -> int:
        return self.sizes.get(_SYSTEM, 0)

    @property
    def free(self) -> int:
        return self.sizes.get(_FAST, 0) + self.sizes.get(_REST, 0)

    @property
    def used(self) -> int:
        """At least 0: the flags in the sizes of free blocks are counted as bytes."""
        return max(self.system - self.free, 0)


class MallocInfoReader:
    """Reads one document, or all of a log, in order."""

    info = FormatInfo(
        name="malloc-info",
        title="heaps of glibc's malloc (malloc_info)",
        tool="glibc malloc_info",
        suffixes=(".malloc_info.xml",),
        record_command="gdb -p PID -batch -ex 'set $f = (void *) fopen(\"/tmp/001.malloc_info.xml\", \"w\")' -ex 'call (int) malloc_info(0, $f)' -ex 'call (int) fclose($f)'",
        specification="malloc_info(3)",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the first tag, wherever a log has it."""
        del name
        return recognised(head.replace(b"\r\n", b"\n"), _SIGNATURE)

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per document.

        Raises:
            UnsupportedInput: it is that of another C library.
            MalformedInput: there is no whole heap.
            LimitExceeded: a figure is beyond 2^63.
        """
        document = _Document(SampleLog(stream.name, limits, "malloc-info", "glibc malloc_info"), limits)
        for item, line in tags_and_lines(stream, limits):
            if isinstance(item, Tag):
                yield from document.take(item, line)
            else:
                document.take_text(item, line)
        yield from document.cut()
        if not document.log.count:
            raise document.log.nothing("heap of malloc")


class _Document:
    """One document while it is read."""

    def __init__(self, log: SampleLog, limits: Limits) -> None:
        self.log = log
        self._limits = limits
        self._frames = FrameTable()
        self._is_open = False
        self._start()

    def _start(self) -> None:
        self._heaps: dict[str, _Figures] = {}
        self._all = _Figures()
        self._heap: str | None = None

    def take_text(self, text: bytes, line: int) -> None:
        """What stands between tags: a moment, or other output."""
        self.log.line = line
        if not self._is_open and not self.log.take_stamp(text):
            self.log.take_unknown(text)

    def take(self, tag: Tag, line: int) -> Iterator[RawSnapshot]:
        """One tag; the snapshot of a document that ends."""
        self.log.line = line
        if tag.name == "malloc":
            if tag.is_end:
                if self._is_open:
                    yield from self._finish(None)
                return
            yield from self.cut()
            self._check_version(tag.attributes.get("version", "1"))
            self._is_open = True
        elif tag.name == "heap" and self._is_open:
            self._heap = None if tag.is_end else tag.attributes.get("nr", str(len(self._heaps)))[:20]
            if self._heap is not None:
                self._heaps[self._heap] = _Figures()
                if len(self._heaps) > _MOST_HEAPS:
                    raise LimitExceeded(f"more than {_MOST_HEAPS:,} heaps in one document", where=self.log.source)
        elif self._is_open and tag.name in {"total", "system"} and not tag.is_end:
            self._take_figures(tag)

    def _check_version(self, version: str) -> None:
        if not version.isdecimal():
            raise UnsupportedInput(
                f"{self.log.source} is malloc_info of another C library than glibc ({version[:40]})",
                advice="Its heaps have other figures. Give the mappings of the process: cat /proc/PID/smaps > 001.smaps",
            )

    def _take_figures(self, tag: Tag) -> None:
        target = self._all if self._heap is None else self._heaps[self._heap]
        key = tag.name, tag.attributes.get("type", "")
        for attribute, amounts in (("size", target.sizes), ("count", target.counts)):
            text = tag.attributes.get(attribute, "")
            if text.isascii() and text.isdecimal():
                amounts[key] = number(text, self.log.source)

    def cut(self) -> Iterator[RawSnapshot]:
        """The document that was begun and has no end: as far as it tells of whole heaps."""
        if self._is_open:
            yield from self._finish("a document ends early")

    def _finish(self, cut: str | None) -> Iterator[RawSnapshot]:
        self._is_open = False
        heaps = {name: figures for name, figures in self._heaps.items() if figures.is_whole}
        figures = self._all
        if not figures.is_whole:
            cut = cut or "a document has no totals"
            figures = _Figures(
                {key: sum(heap.sizes.get(key, 0) for heap in heaps.values()) for key in (_FAST, _REST, _SYSTEM)}
            )
        if len(heaps) < len(self._heaps):
            cut = cut or "a heap has no totals"
        if heaps or self._all.is_whole:
            self.log.start()
            yield self._snapshot(heaps, figures, cut)
        else:
            self.log.damaged += 1
        self._start()

    def _snapshot(self, heaps: dict[str, _Figures], figures: _Figures, cut: str | None) -> RawSnapshot:
        mapped = figures.sizes.get(_MMAP)
        totals = {
            "retained_bytes": figures.used + (mapped or 0),
            "heap_used_bytes": figures.used,
            "heap_free_bytes": figures.free,
            "heap_system_bytes": figures.system,
            "malloc_arenas": len(heaps) or 1,
        }
        builder = SampleTableBuilder(_METRICS, self._frames)
        for name, heap in heaps.items():
            # The innermost frame is what lists show, so it says the number again.
            of_heap, used, free = (
                Frame(text, kind=FrameKind.CATEGORY)
                for text in (f"heap {name}", f"in use in heap {name}", f"free in heap {name}")
            )
            builder.add((_ROOT, of_heap, used), (heap.used, 0), name=used.function or "")
            builder.add((_ROOT, of_heap, free), (0, heap.free), name=free.function or "")
        if mapped is not None:
            totals["mapped_block_bytes"] = mapped
            totals["mapped_blocks"] = figures.counts.get(_MMAP, 0)
        if mapped:
            builder.add((_ROOT, _MAPPED), (mapped, 0), name="mapped blocks")
        notes = []
        if mapped is None and cut is None:
            notes.append(_NO_MMAP)
        if any(heap.system and heap.counts.get(_REST) == 0 for heap in heaps.values()):
            notes.append(_TRIM)
        meta = self.log.meta(cut=cut, records=len(heaps), notes=tuple(notes))
        return RawSnapshot(meta, totals, builder.build())
