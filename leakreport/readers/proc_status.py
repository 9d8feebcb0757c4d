"""/proc/PID/status: the process in figures, cheap to read and readable by everybody; one sample, or a log of many.

    Name:   server
    Pid:    24721
    VmRSS:      3704 kB       RssAnon + RssFile + RssShmem
    RssAnon:    2260 kB       Linux 4.5 and later
    Threads:    1

`retained_bytes` is RssAnon + RssShmem + VmSwap + HugetlbPages: pages given back with MADV_FREE and the Java heap are in it.
`peak_resident_bytes` is VmHWM. On old kernels the figures may lag by some pages per thread.

Source: proc_pid_status(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from leakreport.errors import MalformedInput
from leakreport.limits import Limits
from leakreport.mappings import KIB
from leakreport.model.raw import Note, RawSnapshot
from leakreport.readers._lines import lines
from leakreport.readers._samples import SampleLog, number, recognised
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_FIELD = re.compile(rb"([A-Za-z]\w{1,39}):[ \t]*(.*)")
_AMOUNT = re.compile(r"(\d{1,20}) kB")
_SIGNATURE = re.compile(rb"(?:\A|\n)Name:\t[^\n]{0,64}\n(?:[A-Z]\w+:[^\n]{0,200}\n){0,8}(?:Pid|Tgid):\t\d+")
_WORDS = {
    "resident_bytes": "VmRSS",
    "peak_resident_bytes": "VmHWM",
    "size_bytes": "VmSize",
    "swapped_bytes": "VmSwap",
}
_RETAINED = ("RssAnon", "RssShmem", "VmSwap", "HugetlbPages")
_APPROXIMATE = Note(
    "retained-by-status",
    "What is retained is taken from /proc/PID/status: memory given back lazily and a Java heap are in it.",
)


class ProcStatusReader:
    """Reads one sample, or all samples of a log, in order."""

    info = FormatInfo(
        name="proc-status",
        title="process status (/proc/PID/status)",
        tool="Linux /proc",
        suffixes=(".status",),
        record_command="cat /proc/PID/status > 001.status",
        specification="proc_pid_status(5)",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By name and pid, each with its tab."""
        del name
        return recognised(head.replace(b"\r\n", b"\n"), _SIGNATURE)

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per sample, with totals only.

        Raises:
            MalformedInput: no sample has memory: a kernel thread, or a process that has ended.
            LimitExceeded: a figure is beyond 2^63.
        """
        log = SampleLog(stream.name, limits, "proc-status", "Linux /proc")
        fields: dict[str, str] = {}
        without = ""
        count = 0
        has_end = True
        for line, has_end in lines(stream, limits):
            log.line += 1
            match = _FIELD.fullmatch(line)
            if match is None:
                if not log.take_stamp(line):
                    log.take_unknown(line)
                continue
            word = match[1].decode("ascii")
            if word == "Name":
                if "VmRSS" in fields:
                    count = len(fields)
                    yield _snapshot(fields, log)
                else:
                    without = without or _why_without(fields)
                fields = {}
                log.start()
            if has_end:
                fields[word] = match[2][:200].decode("utf-8", "backslashreplace").strip()
        if "VmRSS" in fields:
            is_cut = not has_end or len(fields) < count or "Threads" not in fields
            yield _snapshot(fields, log, cut="the status ends early" if is_cut else None)
        elif not count:
            why = without or _why_without(fields)
            raise MalformedInput(f"{stream.name} holds no memory of a process{why}", where=f"{log.line:,} lines")


def _why_without(fields: Mapping[str, str]) -> str:
    state = fields.get("State", "")
    if state[:1] in {"Z", "X"}:
        return f": {fields.get('Name', 'it')} had ended ({state})"
    return f": {fields.get('Name', 'it')} is a thread of the kernel" if "Threads" in fields else ""


def _snapshot(fields: Mapping[str, str], log: SampleLog, cut: str | None = None) -> RawSnapshot:
    amounts = {
        word: number(match[1], log.source) * KIB
        for word, text in fields.items()
        if (match := _AMOUNT.fullmatch(text)) is not None
    }
    totals = {metric: amounts[word] for metric, word in _WORDS.items() if word in amounts}
    notes: tuple[Note, ...] = ()
    if "RssAnon" in amounts:
        totals["retained_bytes"] = sum(amounts.get(word, 0) for word in _RETAINED)
        notes = (_APPROXIMATE,)
    if fields.get("Threads", "").isdecimal():
        totals["threads"] = number(fields["Threads"], log.source)
    ids = {
        word: int(text)
        for word in ("Pid", "Tgid", "PPid")
        if (text := fields.get(word, "")).isdecimal() and len(text) < 12
    }
    meta = log.meta(
        pid=ids.get("Tgid", ids.get("Pid")),
        command=(fields["Name"],) if fields.get("Name") else (),
        cut=cut,
        records=len(fields),
        notes=notes,
    )
    return RawSnapshot(meta, totals)
