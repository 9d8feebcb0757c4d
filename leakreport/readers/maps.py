"""/proc/PID/maps: every mapping of a process with its addresses, permissions and file; one sample, or a log of many.

    558a8202e000-558a82030000 r--p 00000000 fe:00 1482757    /usr/bin/server

Nothing in it says what is in memory: there is no `retained_bytes`. It has `size_bytes`, `mappings`, `writable_bytes` (writable
and private, what pmap -d calls so) and the address space of mapped files.

Source: proc_pid_maps(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakreport.limits import Limits
from leakreport.mappings import Vma
from leakreport.model.raw import FrameTable, Note, RawSnapshot
from leakreport.readers._lines import lines
from leakreport.readers._memory_map import snapshot_of
from leakreport.readers._samples import SampleLog
from leakreport.readers._vma_lines import HEAD, vma_of
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

ONLY_SIZES = Note(
    "only-address-space", "The input has sizes of mappings only: address space, not what of it is in memory."
)
_TWO = re.compile(rb"(?:[^\n]{0,200}\n){0,2}" + HEAD + HEAD)


class MapsReader:
    """Reads one sample, or all samples of a log, in order."""

    info = FormatInfo(
        name="maps",
        title="list of mappings (/proc/PID/maps)",
        tool="Linux /proc",
        suffixes=(".maps",),
        record_command="cat /proc/PID/maps > 001.maps",
        specification="proc_pid_maps(5)",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By two mappings without anything between them, at the beginning."""
        del name
        return Confidence.CERTAIN if _TWO.match(head) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per sample.

        Raises:
            UnreadableInput: nobody was permitted to read the mappings.
            MalformedInput: there is no mapping.
        """
        log = SampleLog(stream.name, limits, "maps", "Linux /proc")
        frames = FrameTable()
        vmas: list[Vma] = []
        is_marked = False
        has_end = True
        for line, has_end in lines(stream, limits):
            log.line += 1
            vma = vma_of(line) if has_end else None
            if vma is None:
                if log.take_stamp(line):
                    is_marked = True
                elif has_end:
                    log.take_unknown(line)
                continue
            if vmas and (is_marked or vma.start <= vmas[-1].start):
                yield snapshot_of(vmas, log.meta(notes=(ONLY_SIZES,)), frames)
                vmas = []
            if not vmas:
                log.start()
            is_marked = False
            vmas.append(vma)
        if not vmas:
            raise log.nothing("mappings")
        cut = None if has_end else "the last line has no end"
        yield snapshot_of(vmas, log.meta(cut=cut, records=len(vmas), notes=(ONLY_SIZES,)), frames)
