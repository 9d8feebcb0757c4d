"""/proc/PID/smaps: every mapping of a process with what the kernel counts in it; one sample, or a log of many.

    7fcb1e4a4000-7fcb1e527000 rw-p 00000000 00:00 0      [heap]      as in maps
    Size:                524 kB                                     kB are 1024 bytes
    Rss:                 524 kB
    Anonymous:           524 kB                                     the set and order of fields depends on the kernel
    VmFlags: rd wr mr mw me ac                                      no figure: passed over, as is all without kB

Mappings are put in groups (`leakreport/mappings.py`). `retained_bytes` is Anonymous − LazyFree + Swap + Private_Hugetlb, of
shared memory Rss + Swap; the Java heap stands apart in `java_heap_bytes`. `private_bytes` is Private_Clean + Private_Dirty.

In a log, a sample begins where addresses start again below, or behind a line with a time. The kernel writes mapping by mapping
while the process goes on: sums may differ a little from smaps_rollup of the same moment.

Source: proc_pid_smaps(5); Linux `Documentation/filesystems/proc.rst`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.mappings import KIB, Vma
from leakreport.model.raw import FrameTable, RawSnapshot
from leakreport.readers._lines import lines
from leakreport.readers._memory_map import snapshot_of
from leakreport.readers._samples import SampleLog, number, recognised
from leakreport.readers._vma_lines import HEAD, ROLLUP, vma_of
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_FIELD = re.compile(rb"([A-Z]\w{1,39}):[ \t]*(\d{1,20})(?: kB)?[ \t]*")
_NO_BYTES = frozenset(("thpeligible", "protectionkey"))
_SIGNATURE = re.compile(rb"(?:\A|\n)" + HEAD + rb"Size:[ \t]+\d+ kB")
_MOST_MAPPINGS = 5_000_000


class SmapsReader:
    """Reads one sample, or all samples of a log, in order."""

    info = FormatInfo(
        name="smaps",
        title="list of mappings (/proc/PID/smaps)",
        tool="Linux /proc",
        suffixes=(".smaps",),
        record_command="cat /proc/PID/smaps > 001.smaps",
        specification="proc_pid_smaps(5)",
    )

    def __init__(self, command: tuple[str, ...] = ()) -> None:
        """With the command line of the process where it is known: it says how large a Java heap can be."""
        self._command = command

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By a mapping with its size behind it."""
        del name
        return recognised(head, _SIGNATURE)

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per sample.

        Raises:
            UnreadableInput: nobody was permitted to read the mappings.
            MalformedInput: there is no mapping.
            LimitExceeded: a figure is beyond 2^63.
        """
        log = SampleLog(stream.name, limits, "smaps", "Linux /proc")
        frames = FrameTable()
        vmas: list[Vma] = []
        fields: dict[str, int] = {}
        is_marked = False
        has_end = True
        for line, has_end in lines(stream, limits):
            log.line += 1
            # Fields are by far the most lines, and begin with a capital letter.
            match = _FIELD.fullmatch(line) if line[:1].isupper() else None
            if match is not None and vmas:
                word = match[1].decode("ascii").lower()
                if has_end and word not in _NO_BYTES:
                    fields[word] = number(match[2], stream.name) * KIB
                continue
            vma = vma_of(line)
            if vma is None or vma.path.encode() == ROLLUP:
                if line.startswith(b"VmFlags:") or not line:
                    continue
                if log.take_stamp(line):
                    is_marked = True
                else:
                    log.take_unknown(line)
                continue
            if vmas and (is_marked or vma.start <= vmas[-1].start):
                yield snapshot_of(vmas, log.meta(command=self._command), frames)
                vmas = []
            if not vmas:
                log.start()
            is_marked = False
            fields = {}
            vmas.append(vma._replace(fields=fields))
            if len(vmas) > _MOST_MAPPINGS:
                raise LimitExceeded(f"a process with more than {_MOST_MAPPINGS:,} mappings", where=stream.name)
        if not vmas:
            raise log.nothing("mappings")
        cut = _cut(vmas, has_end=has_end)
        yield snapshot_of(vmas, log.meta(command=self._command, cut=cut, records=len(vmas) - 1), frames)


def _cut(vmas: list[Vma], *, has_end: bool) -> str | None:
    """Where the last sample ends early: mappings of one kernel all have the same fields."""
    if not has_end or (len(vmas) > 1 and len(vmas[-1].fields) < len(vmas[-2].fields)):
        return "the list ends inside a mapping"
    return None if vmas[-1].fields else "the list ends behind the head of a mapping"
