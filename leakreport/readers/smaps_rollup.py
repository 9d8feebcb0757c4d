"""/proc/PID/smaps_rollup: what smaps counts, summed over all mappings; one sample, or a log of many.

    558a8202e000-7fffb5f89000 ---p 00000000 00:00 0          [rollup]
    Rss:                3704 kB
    Anonymous:          2260 kB

There are no groups in it, so the Java heap cannot be set apart. `retained_bytes` is Anonymous − LazyFree + Swap +
Private_Hugetlb + Pss_Shmem, which stands for shared memory (Linux 5.3 and later; before, shared memory is missing, and a note says so).

Source: proc_pid_smaps(5); Linux `fs/proc/task_mmu.c` (show_smaps_rollup).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from leakreport.limits import Limits
from leakreport.mappings import KIB, anonymous_bytes
from leakreport.model.raw import Note, RawSnapshot
from leakreport.readers._lines import lines
from leakreport.readers._samples import SampleLog, number, recognised
from leakreport.readers._vma_lines import LINE
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_HEAD = re.compile(rb"[0-9a-f]{1,16}-[0-9a-f]{1,16} ---p 0+ 00:00 0 +\[rollup\]\s*")
_SIGNATURE = re.compile(rb"(?:\A|\n)[0-9a-f]{1,16}-[0-9a-f]{1,16} ---p 0+ 00:00 0 +\[rollup\]")
_FIELD = re.compile(rb"([A-Z]\w{1,39}):[ \t]*(\d{1,20}) kB[ \t]*")
_WORDS = {"resident_bytes": ("rss",), "proportional_bytes": ("pss",), "swapped_bytes": ("swap",)}
_NO_SHARED = Note(
    "shared-memory-not-counted",
    "This kernel does not say how much shared memory there is: it is not in what is retained.",
)


class SmapsRollupReader:
    """Reads one sample, or all samples of a log, in order."""

    info = FormatInfo(
        name="smaps-rollup",
        title="sum of mappings (/proc/PID/smaps_rollup)",
        tool="Linux /proc",
        suffixes=(".smaps_rollup",),
        record_command="cat /proc/PID/smaps_rollup > 001.smaps_rollup",
        specification="proc_pid_smaps(5)",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By its head."""
        del name
        return recognised(head, _SIGNATURE)

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per sample, with totals only.

        Raises:
            UnreadableInput: nobody was permitted to read the file.
            MalformedInput: there is no sum.
            LimitExceeded: a figure is beyond 2^63.
        """
        log = SampleLog(stream.name, limits, "smaps-rollup", "Linux /proc")
        fields: dict[str, int] | None = None
        count = 0
        has_end = True
        for line, has_end in lines(stream, limits):
            log.line += 1
            if _HEAD.fullmatch(line):
                if fields:
                    count = len(fields)
                    yield _snapshot(fields, log)
                log.start()
                fields = {}
            elif fields is not None and (match := _FIELD.fullmatch(line)):
                if has_end:
                    fields[match[1].decode("ascii").lower()] = number(match[2], stream.name) * KIB
            elif not log.take_stamp(line) and not LINE.fullmatch(line.rstrip()):
                log.take_unknown(line)
        if not fields:
            raise log.nothing("sum of mappings")
        is_cut = not has_end or len(fields) < count or "anonymous" not in fields
        yield _snapshot(fields, log, cut="the sum ends early" if is_cut else None)


def _snapshot(fields: Mapping[str, int], log: SampleLog, cut: str | None = None) -> RawSnapshot:
    totals = {metric: sum(fields[word] for word in words) for metric, words in _WORDS.items() if words[0] in fields}
    if "private_clean" in fields and "private_dirty" in fields:
        totals["private_bytes"] = fields["private_clean"] + fields["private_dirty"]
    notes: tuple[Note, ...] = ()
    held = anonymous_bytes(fields)
    if held is not None:
        totals["retained_bytes"] = held + fields.get("pss_shmem", 0)
        if "pss_shmem" not in fields:
            notes = (_NO_SHARED,)
    return RawSnapshot(log.meta(cut=cut, records=len(fields), notes=notes), totals)
