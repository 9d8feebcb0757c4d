"""Logs in which one sample follows the other: when each was taken, and the sentence where nothing can be read."""

from __future__ import annotations

import re

from leakreport.errors import InputError, LimitExceeded, MalformedInput, UnreadableInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.raw import Moment, Note, SnapshotMeta, Truncation
from leakreport.readers._timestamps import Clock, stamp_of
from leakreport.readers.interface import Confidence

_DENIED = re.compile(rb"Permission denied|Operation not permitted", re.IGNORECASE)
_GONE = re.compile(rb"No such (?:file|process)", re.IGNORECASE)
_MOST_DIGITS = 19
DENIED_ADVICE = (
    "Only the owner of a process and root may read its mappings and descriptors: record as one of them "
    "(sudo), or give /proc/PID/status, which everybody may read."
)


def recognised(head: bytes, *signatures: re.Pattern[bytes]) -> Confidence:
    """Certain where a signature stands at the beginning, below a line or two of a log; likely further down."""
    starts = [match.start() for signature in signatures if (match := signature.search(head))]
    if not starts:
        return Confidence.NO
    return Confidence.CERTAIN if head.count(b"\n", 0, min(starts) + 1) <= 2 else Confidence.LIKELY


def number(text: str | bytes, source: str) -> int:
    """A number of an input.

    Raises:
        LimitExceeded: it does not fit in 64 bits.
    """
    value = int(text) if len(text) <= _MOST_DIGITS else INT64_MAX + 1
    if value > INT64_MAX // 1024:
        raise LimitExceeded("a figure is beyond 2^63", where=source, advice="The input is damaged. Record again.")
    return value


class SampleLog:
    """What is known of a log beside its figures: the moments, complaints of the commands, damage."""

    def __init__(self, source: str, limits: Limits, format_name: str, tool: str | None) -> None:
        """Start before the first line."""
        self.source = source
        self.damaged = 0
        self.line = 0
        self.count = 0
        self._limits = limits
        self._format = format_name
        self._tool = tool
        self._clock = Clock()
        self._next: tuple[float, str] | None = None
        self._current: tuple[float, str] | None = None
        self._denied = False
        self._gone = False

    def take_stamp(self, line: bytes) -> bool:
        """Whether a line says when the next sample was taken, and nothing else."""
        stamp = stamp_of(line)
        if stamp is None:
            return False
        self._next = (self._clock.seconds(stamp), stamp.text)
        return True

    def take_unknown(self, line: bytes) -> None:
        """A line that is no part of a sample: what a command complained about, or damage."""
        if _DENIED.search(line):
            self._denied = True
        elif _GONE.search(line):
            self._gone = True
        elif line.strip(b" \t\r=-#*"):
            self.damaged += 1
            if self.damaged > self._limits.damaged_records:
                raise MalformedInput(
                    f"{self.source} has more than {self._limits.damaged_records:,} lines that belong to no sample",
                    where=f"line {self.line:,}",
                )

    def start(self) -> None:
        """A sample begins: the last moment told is its own.

        Raises:
            LimitExceeded: there are too many.
        """
        self._current, self._next = self._next, None
        self.count += 1
        if self.count > self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} samples", where=self.source)

    def meta(
        self,
        *,
        pid: int | None = None,
        parent_pid: int | None = None,
        command: tuple[str, ...] = (),
        cut: str | None = None,
        records: int = 0,
        notes: tuple[Note, ...] = (),
    ) -> SnapshotMeta:
        """Of the sample that was begun last; `cut` says in words where it ends early."""
        moment = self._current
        if self.damaged:
            lines = "1 line was" if self.damaged == 1 else f"{self.damaged:,} lines were"
            notes = (*notes, Note("damaged-lines", f"{lines} passed over: they are no part of a sample."))
        return SnapshotMeta(
            source=self.source,
            format=self._format,
            tool=self._tool,
            pid=pid,
            parent_pid=parent_pid,
            command=command,
            label=None if moment is None else moment[1],
            time=None if moment is None else moment[0],
            time_unit=None if moment is None else "s",
            truncation=None if cut is None else Truncation(cut, self.line, records),
            is_complete=cut is None,
            moment=Moment.DUMP,
            notes=notes,
        )

    def nothing(self, what: str) -> InputError:
        """The error where not one sample could be read; `what` names what was looked for."""
        if self._denied:
            return UnreadableInput(
                f"{self.source} holds no {what}: whoever recorded it was not permitted to", advice=DENIED_ADVICE
            )
        if self._gone:
            return UnreadableInput(
                f"{self.source} holds no {what}: the process was gone", advice="Record while it runs."
            )
        return MalformedInput(f"{self.source} holds no {what}", where=f"{self.line:,} lines")
