"""Java's old heapz text: bytes and objects per stack, then the names of the locations.

    --- heapz 1 ---
    format = java
    resolution = bytes
              7048     1 @ 0x00000003 0x00000004
     0x00000003 com.example.function003 (Source003.java:103)

The numbers behind @ are locations, not addresses, innermost first. Sampled every 512 KiB.

Source: google/pprof `profile/legacy_java_profile.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakreport.errors import MalformedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.columns import exact_sum
from leakreport.model.raw import (
    Frame,
    FrameKind,
    FrameTable,
    Note,
    RawSnapshot,
    Sampling,
    SnapshotMeta,
    Truncation,
)
from leakreport.readers._stacks import AddressStacks, unsample

_START = re.compile(rb"--- heapz? \d{1,9} ---\r?\n")
_SAMPLE = re.compile(rb" *(\d{1,19}) +(\d{1,19}) @")
_LOCATION = re.compile(rb"\s*0x([0-9a-f]{1,16})\s+(.*)\Z")
_PERIOD = 524288


def is_java_start(head: bytes) -> bool:
    """Whether this is how such a profile begins."""
    return _START.match(head) is not None


class JavaHeap:
    """Takes the lines behind the first."""

    def __init__(self, source: str, limits: Limits) -> None:
        """Start without samples."""
        self._source = source
        self._limits = limits
        self._stacks = AddressStacks(limits)
        self._names: dict[int, Frame] = {}
        self._damaged = 0
        self._truncation: Truncation | None = None
        self._format: bytes | None = None

    def take(self, line: bytes, number: int, *, has_end: bool) -> None:
        """One line."""
        if not has_end:
            self._truncation = Truncation("the profile ends inside a line", number, len(self._stacks))
        elif (match := _SAMPLE.match(line)) is not None:
            amount, blocks = int(match[1]), int(match[2])
            is_odd = max(amount, blocks) > INT64_MAX or (blocks == 0 != amount) or len(line) >= self._limits.line_bytes
            if is_odd or not self._stacks.add(line[match.end() :].split(), (blocks, amount), number):
                self._damaged += 1
        elif (match := _LOCATION.match(line)) is not None:
            self._names[int(match[1], 16)] = _frame(match[2].decode("utf-8", "replace").rstrip(), self._limits)
        elif b"=" in line:
            key, _, value = line.partition(b"=")
            if key.strip() == b"format":
                self._format = value.strip()
        elif line.strip():
            self._damaged += 1

    def snapshots(self, last_line: int) -> Iterator[RawSnapshot]:
        """The one snapshot.

        Raises:
            MalformedInput: it is not of Java.
        """
        if self._format != b"java":
            raise MalformedInput(
                f"{self._source} is a heapz page, but not of Java", advice="Only format = java is known."
            )
        unnamed = 0

        def resolve(location: int) -> tuple[Frame, ...]:
            nonlocal unnamed
            found = self._names.get(location)
            unnamed += found is None
            return (Frame(address=location, kind=FrameKind.ADDRESS) if found is None else found,)

        stacks = self._stacks.table(resolve, FrameTable())
        if unnamed and self._truncation is None:
            what = "the profile ends before all locations are named"
            self._truncation = Truncation(what, last_line, len(self._stacks))
        blocks, amounts = self._stacks.column("retained_blocks"), self._stacks.column("retained_bytes")
        found = unsample(blocks, amounts, _PERIOD)
        notes = [Note("damaged-records", f"{self._damaged} lines could not be read and were left out.")]
        meta = SnapshotMeta(
            source=self._source,
            format="gperftools",
            tool="Java heapz",
            truncation=self._truncation,
            is_complete=self._truncation is None and not self._damaged,
            sampling=Sampling(_PERIOD),
            notes=tuple(notes[: self._damaged]),
        )
        values = {"retained_blocks": found.blocks, "retained_bytes": found.amounts}
        variances = {"retained_blocks": found.blocks_variance, "retained_bytes": found.amounts_variance}
        yield RawSnapshot(
            meta=meta,
            totals={name: exact_sum(column) for name, column in values.items()},
            samples=stacks.sample_table(values, self._stacks.names(), variances=variances),
        )


def _frame(text: str, limits: Limits) -> Frame:
    """A frame from `function (file:line)`, `function (path)` or a name alone."""
    function, brace, place = text[: limits.name_characters].rpartition(" (")
    if not brace or not place.endswith(")"):
        return Frame(function=text[: limits.name_characters])
    path, colon, line = place[:-1].rpartition(":")
    if not colon or not line.isascii() or not line.isdigit():
        return Frame(function=function.strip(), module=place[:-1] or None)
    directory, _, file = path.rpartition("/")
    return Frame(function=function.strip(), directory=directory or None, file=file, line=int(line[:9]))
