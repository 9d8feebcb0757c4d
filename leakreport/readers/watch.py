r"""The series that `leakreport watch` and `leakreport run` write: one line of JSON per sample of a process.

    {"leakreport":"watch/1","pid":4242,"start_ticks":81234,"boot_id":"…","executable":"/usr/bin/server","command":["server"],…}
    {"t":0.0,"at":"2026-01-02T03:04:05.000Z","parts":{"proc-status":{"totals":{…}},"smaps":{"totals":{…},"metrics":[…],"paths":[…]}}}
    {"t":10.1,"at":"…","event":"exec","executable":"…","command":[…]}

The parts of a line are one moment and make one snapshot. Where two of them tell the same figure in different ways, one way is taken
for the whole series: what is retained is that of smaps where enough samples have it. Samples before an exec are those of another
program: the longest stretch of one program is read. A writer that was killed leaves a last line without its end: it is passed over.

Source: `leakreport/live/lines.py`, `docs/formats/watch.md`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from leakreport.errors import InputError, LimitExceeded, MalformedInput
from leakreport.limits import Limits
from leakreport.model.raw import FrameTable, Note, RawSnapshot, SnapshotMeta
from leakreport.model.recorded import BadRecord, snapshot_from, strings_of
from leakreport.model.samples import joined_moments
from leakreport.readers import BUILTIN
from leakreport.readers._lines import lines
from leakreport.readers.interface import Confidence, FormatInfo, InputStream
from leakreport.readers.pieces import read_piece

_HEAD = b'{"leakreport":"watch/1",'
_WITH_VALUES = ("proc-status", "smaps", "fd")
_WITH_TEXT = tuple(name for name in ("nmt",) if name in BUILTIN)
_RETAINED = "retained_bytes"
_ENOUGH = 12
"""Samples with mappings from which on they are judged alone: they know memory given back lazily, and the Java heap."""
_MOST_ARGUMENTS = 10_000


@dataclass(slots=True)
class _Stretch:
    """The samples of one program."""

    pid: int | None
    parent: int | None
    command: tuple[str, ...]
    start: float | None
    """When the series began, in seconds since 1970."""
    moments: list[list[RawSnapshot]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


class WatchReader:
    """Reads all samples of a series, in order."""

    info = FormatInfo(
        name="watch",
        title="series of samples (leakreport watch)",
        tool="leakreport watch",
        suffixes=(".jsonl",),
        record_command="leakreport watch PID -o series.jsonl",
        specification="docs/formats/watch.md",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By its first line."""
        del name
        return Confidence.CERTAIN if head.startswith(_HEAD) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per sample.

        Raises:
            MalformedInput: there is no sample.
            LimitExceeded: there are too many, or a figure is beyond 2^63.
        """
        series = _Series(stream.name, limits)
        for line, has_end in lines(stream, limits):
            series.take(line, has_end=has_end)
        yield from series.snapshots()


class _Series:
    """One input, line by line."""

    def __init__(self, source: str, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._frames = FrameTable()
        self._stretches: list[_Stretch] = []
        self._line = 0
        self._samples = 0
        self._damaged = 0
        self._is_cut = False

    def take(self, line: bytes, *, has_end: bool) -> None:
        """One line."""
        self._line += 1
        if not line.strip():
            return
        try:
            values = json.loads(line)
            if not isinstance(values, dict):
                raise BadRecord("no object")
            self._take(values)
        except (ValueError, RecursionError) as error:
            if not has_end:
                self._is_cut = True
                return
            self._damaged += 1
            if self._damaged > self._limits.damaged_records:
                raise MalformedInput(
                    f"{self._source} has more than {self._limits.damaged_records:,} lines that are no samples",
                    where=f"line {self._line:,}",
                ) from error

    def _take(self, values: dict[str, Any]) -> None:
        if "leakreport" in values:
            pid, parent = _pid(values.get("pid")), _pid(values.get("parent"))
            self._stretches.append(_Stretch(pid, parent, _command(values), _seconds(values.get("at"))))
        elif not self._stretches:
            raise BadRecord("a sample of no process")
        elif "parts" in values:
            self._take_sample(values)
        elif values.get("event") == "exec":
            before = self._stretches[-1]
            self._stretches.append(_Stretch(before.pid, before.parent, _command(values), before.start))
        elif values.get("event") == "missing":
            self._stretches[-1].notes.extend(_missing(values.get("what")))

    def _take_sample(self, values: dict[str, Any]) -> None:
        stretch, parts = self._stretches[-1], values["parts"]
        if not isinstance(parts, Mapping) or not parts:
            raise BadRecord("no parts")
        label, seconds = values.get("at"), _moment(stretch.start, values.get("t"))
        meta = SnapshotMeta(
            source=self._source,
            format="watch",
            tool="leakreport watch",
            pid=stretch.pid,
            parent_pid=stretch.parent,
            command=stretch.command,
            label=label if isinstance(label, str) else None,
            time=seconds,
            time_unit=None if seconds is None else "s",
        )
        found = [part for name, content in parts.items() for part in self._part(name, content, meta)]
        if not found:
            raise BadRecord("nothing that is known in its parts")
        self._samples += 1
        if self._samples > self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} samples", where=self._source)
        stretch.moments.append(found)

    def _part(self, name: str, content: object, meta: SnapshotMeta) -> list[RawSnapshot]:
        if name in _WITH_VALUES:
            return [snapshot_from(content, replace(meta, format=name), self._frames)]
        if name in _WITH_TEXT and isinstance(content, Mapping) and isinstance(content.get("text"), str):
            try:
                found = read_piece(name, content["text"].encode(), name=self._source, limits=self._limits)
            except InputError:
                return []
            return [replace(raw, meta=replace(meta, format=name, notes=raw.meta.notes)) for raw in found[-1:]]
        return []

    def snapshots(self) -> Iterator[RawSnapshot]:
        """Those of the program with most samples, the later of two.

        Raises:
            MalformedInput: there are none.
        """
        if not self._samples:
            raise MalformedInput(
                f"{self._source} holds no samples",
                where=f"{self._line:,} lines",
                advice="The process ended before the first, or the file was cut. Record again.",
            )
        longest = max(self._stretches, key=lambda one: (len(one.moments), self._stretches.index(one)))
        notes = [*longest.notes, *self._notes(longest)]
        found = [raw for raw in joined_moments(_one_way(longest.moments)) if raw is not None]
        for number, raw in enumerate(found):
            meta = replace(raw.meta, format="watch", command=longest.command)
            more = tuple(notes) if number == len(found) - 1 else ()
            yield replace(raw, meta=replace(meta, notes=(*meta.notes, *more)))

    def _notes(self, longest: _Stretch) -> Iterator[Note]:
        others = sum(len(one.moments) for one in self._stretches if one is not longest)
        if others:
            are = "1 sample is" if others == 1 else f"{others:,} samples are"
            yield Note("other-program", f"{are} of another program that ran under this pid, and left out.")
        if self._is_cut:
            yield Note("cut-line", "The last line has no end: whoever wrote it was killed. It was passed over.")
        if self._damaged:
            what = "1 line was" if self._damaged == 1 else f"{self._damaged:,} lines were"
            yield Note("damaged-lines", f"{what} passed over: they are no samples.")


def _one_way(moments: list[list[RawSnapshot]]) -> list[list[RawSnapshot]]:
    """Where enough moments have mappings, what is retained is told by these alone."""
    exact = sum(any(raw.meta.format == "smaps" for raw in parts) for parts in moments)
    if exact < _ENOUGH:
        return moments
    return [
        [
            replace(raw, totals={name: amount for name, amount in raw.totals.items() if name != _RETAINED})
            if raw.meta.format == "proc-status"
            else raw
            for raw in parts
        ]
        for parts in moments
    ]


def _pid(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31 else None


def _command(values: Mapping[str, Any]) -> tuple[str, ...]:
    found = tuple(strings_of(values.get("command"), _MOST_ARGUMENTS))
    name = values.get("name")
    return found or ((name,) if isinstance(name, str) and name else ())


def _seconds(label: object) -> float | None:
    """Since 1970."""
    if not isinstance(label, str):
        return None
    try:
        return datetime.fromisoformat(label).timestamp()
    except (ValueError, OverflowError):
        return None


def _moment(start: float | None, since: object) -> float | None:
    """By the clock that nobody sets; that of the day may jump."""
    if start is None or isinstance(since, bool) or not isinstance(since, int | float) or not 0 <= since < 1e12:
        return None
    return start + since


def _missing(what: object) -> Iterator[Note]:
    if isinstance(what, Mapping):
        for name, why in what.items():
            if name in _UNREAD and isinstance(why, str):
                yield Note("not-permitted", f"{_UNREAD[name]} ({why[:200]}).")


_UNREAD = {
    "smaps": "The mappings could not be read: there are no groups, and what is retained is taken from /proc/PID/status",
    "fd": "The links of descriptors could not be read: they are counted, and not told apart",
}
