"""The samples of a pprof profile: taken one by one as bytes, decoded in bulk."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.readers._protobuf import BYTES, Field, WireError, decode_runs, fields, is_packed, plain_numbers

_BATCH = 20_000
_IRREGULAR = -1
_Scalar = TypeVar("_Scalar", bound=np.unsignedinteger | np.signedinteger)


class SampleRuns:
    """The samples of a profile, as long columns."""

    def __init__(self, limits: Limits) -> None:
        """Start without samples."""
        self.damaged = 0
        """Samples that are no message."""
        self.label_groups: dict[tuple[tuple[int, int], ...], int] = {(): 0}
        """Sets of (key, text) that samples bear as labels, by number."""
        self._limits = limits
        self._tails: dict[bytes, int] = {b"": 0}
        self._location_runs: list[bytes] = []
        self._value_runs: list[bytes] = []
        self._groups = array("i")
        self._numbers = array("q")
        self._seen = 0
        self._locations: list[NDArray[np.unsignedinteger]] = []
        self._values: list[NDArray[np.uint64]] = []
        self._location_counts: list[NDArray[np.int64]] = []
        self._value_counts: list[NDArray[np.int64]] = []

    def __len__(self) -> int:
        return len(self._groups)

    def take(self, buffer: bytes, start: int, stop: int) -> None:
        """Take one sample: quickly where its numbers are packed and stand first, as all known writers do it."""
        self._seen += 1
        try:
            middle = _run_end(buffer, start, 0x0A)
            end = _run_end(buffer, middle[1], 0x12)
        except IndexError:
            middle = end = (0, stop + 1)
        if end[1] <= stop:
            group = self._group(buffer[end[1] : stop])
            if group != _IRREGULAR:
                self._append(buffer[middle[0] : middle[1]], buffer[end[0] : end[1]], group)
                return
        self._take_slowly(buffer, start, stop)

    def _append(self, location_run: bytes, value_run: bytes, group: int) -> None:
        if len(self._groups) >= self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} samples")
        self._location_runs.append(location_run)
        self._value_runs.append(value_run)
        self._groups.append(group)
        self._numbers.append(self._seen - 1)
        if len(self._location_runs) >= _BATCH:
            self.flush()

    def _group(self, tail: bytes) -> int:
        """The number of the labels in what follows the numbers of a sample."""
        known = self._tails.get(tail)
        if known is None:
            labels: list[tuple[int, int]] = []
            try:
                for field in fields(tail, 0, len(tail)):
                    if field.tag < 3:
                        return _IRREGULAR
                    _add_label(labels, tail, field)
            except WireError:
                return _IRREGULAR
            known = self._tails[tail] = self._group_number(labels)
        return known

    def _group_number(self, labels: list[tuple[int, int]]) -> int:
        return self.label_groups.setdefault(tuple(sorted(labels)), len(self.label_groups))

    def _take_slowly(self, buffer: bytes, start: int, stop: int) -> None:
        """A sample with its fields in any order, packed or not."""
        runs: dict[int, list[bytes]] = {1: [], 2: []}
        labels: list[tuple[int, int]] = []
        try:
            for field in fields(buffer, start, stop):
                if field.tag not in runs:
                    _add_label(labels, buffer, field)
                elif field.wire == BYTES:
                    runs[field.tag].append(buffer[field.start : field.stop])
                else:
                    runs[field.tag].append(_varint(field.number))
        except WireError:
            self.damaged += 1
            return
        self._append(b"".join(runs[1]), b"".join(runs[2]), self._group_number(labels))

    def flush(self) -> None:
        """Decode what was taken so far."""
        if not self._location_runs:
            return
        locations, values = decode_runs(self._location_runs), decode_runs(self._value_runs)
        if locations is None or values is None:
            self._drop_damaged()
            locations, values = decode_runs(self._location_runs), decode_runs(self._value_runs)
            assert locations is not None and values is not None
        # Leaf first in the file, outermost first here; each batch by itself needs little memory.
        ends = np.cumsum(locations.counts)
        mirror = np.repeat(ends + ends - locations.counts - 1, locations.counts)
        reversed_ids = locations.numbers[mirror - np.arange(len(mirror), dtype=np.int64)]
        is_small = int(locations.numbers.max(initial=0)) < 1 << 32
        self._locations.append(reversed_ids.astype(np.uint32) if is_small else reversed_ids)
        self._values.append(values.numbers)
        self._location_counts.append(locations.counts)
        self._value_counts.append(values.counts)
        self._location_runs, self._value_runs = [], []

    def _drop_damaged(self) -> None:
        first = len(self._groups) - len(self._location_runs)
        kept = [
            index
            for index, runs in enumerate(zip(self._location_runs, self._value_runs, strict=True))
            if all(map(is_packed, runs))
        ]
        self.damaged += len(self._location_runs) - len(kept)
        self._location_runs = [self._location_runs[index] for index in kept]
        self._value_runs = [self._value_runs[index] for index in kept]
        self._groups[first:] = array("i", [self._groups[first + index] for index in kept])
        self._numbers[first:] = array("q", [self._numbers[first + index] for index in kept])

    def release(self) -> None:
        """Forget the columns, once they were taken over: they are most of the memory of a profile."""
        self._locations, self._values = [], []

    def locations(self) -> tuple[NDArray[np.unsignedinteger], NDArray[np.int64]]:
        """The ids of all locations, outermost first, and how many each sample has."""
        return _joined(self._locations), _joined(self._location_counts).astype(np.int64)

    def values(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All values, and how many each sample has."""
        return _joined(self._values).astype(np.int64), _joined(self._value_counts).astype(np.int64)

    def groups(self) -> NDArray[np.int32]:
        """Per sample the number of its labels."""
        return np.array(self._groups, dtype=np.int32)

    def numbers(self) -> NDArray[np.int64]:
        """The place of each sample in the file, from 0, damaged ones counted too."""
        return np.array(self._numbers, dtype=np.int64)


def _run_end(buffer: bytes, position: int, key: int) -> tuple[int, int]:
    """Where the run of a packed field begins and ends; an impossible end where there is no such field."""
    if buffer[position] != key:
        return 0, len(buffer) + 1
    length = buffer[position + 1]
    position += 2
    if length >= 0x80:
        high = buffer[position]
        if high >= 0x80:
            return 0, len(buffer) + 1
        length += (high << 7) - 0x80
        position += 1
    return position, position + length


def _joined(parts: Sequence[NDArray[_Scalar]]) -> NDArray[_Scalar] | NDArray[np.uint32]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint32)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _add_label(labels: list[tuple[int, int]], buffer: bytes, field: Field) -> None:
    if field.tag == 3 and field.wire == BYTES:
        found = plain_numbers(buffer, field.start, field.stop)
        if 2 in found:
            labels.append((found.get(1, 0), found[2]))
