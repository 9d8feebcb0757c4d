"""The wire format of protocol buffers, as far as profiles need it: fields one by one, and varints in bulk.

A message is a run of fields; a field is a tag (number * 8 + wire type) and a varint, 4 or 8 bytes, or a length and bytes.
Nothing here recurses: a message inside a message is a pair of offsets that the caller may look into.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MASK = (1 << 64) - 1


class WireError(Exception):
    """The bytes are no message."""


class CutError(WireError):
    """A field goes on behind the end of the bytes at hand."""


class Field(NamedTuple):
    """One field: a number in `number`, or bytes from `start` to `stop`."""

    tag: int
    """The number of the field in its message."""
    wire: int
    number: int
    start: int
    stop: int


def read_varint(buffer: bytes, position: int, stop: int) -> tuple[int, int]:
    """The unsigned number at a position, and the position behind it.

    Raises:
        CutError: it goes on behind `stop`.
        WireError: it has more than ten bytes.
    """
    if position < stop and (byte := buffer[position]) < 0x80:
        return byte, position + 1
    number = shift = 0
    while True:
        if position >= stop:
            raise CutError
        byte = buffer[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & _MASK, position
        shift += 7
        if shift >= 70:
            raise WireError


def read_field(buffer: bytes, position: int, stop: int) -> tuple[Field, int]:
    """The field at a position, and the position behind it.

    Raises:
        CutError: it goes on behind `stop`.
        WireError: there is no field.
    """
    key, position = read_varint(buffer, position, stop)
    tag, wire = key >> 3, key & 7
    if tag == 0 or tag >= 1 << 29:
        raise WireError
    if wire == VARINT:
        number, position = read_varint(buffer, position, stop)
        return Field(tag, wire, number, position, position), position
    if wire == BYTES:
        length, position = read_varint(buffer, position, stop)
    elif wire == FIXED64:
        length = 8
    elif wire == FIXED32:
        length = 4
    else:
        raise WireError
    if length > stop - position:
        raise CutError
    return Field(tag, wire, 0, position, position + length), position + length


def fields(buffer: bytes, start: int, stop: int) -> Iterator[Field]:
    """All fields of a message.

    Raises:
        WireError: it is not made of whole fields.
    """
    while start < stop:
        field, start = read_field(buffer, start, stop)
        yield field


def plain_numbers(buffer: bytes, start: int, stop: int) -> dict[int, int]:
    """The numbers of a message by their tags; of a tag that comes again the last one, bytes are passed over.

    Raises:
        WireError: it is not made of whole fields.
    """
    found: dict[int, int] = {}
    while start < stop:
        key = buffer[start]
        if key < 0x80 and key & 7 == VARINT and key:
            found[key >> 3], start = read_varint(buffer, start + 1, stop)
        else:
            field, start = read_field(buffer, start, stop)
            if field.wire == VARINT:
                found[field.tag] = field.number
    return found


def signed(number: int) -> int:
    """A number as the int64 that it stands for."""
    return number - (1 << 64) if number >> 63 else number


def is_packed(buffer: bytes) -> bool:
    """Whether bytes are whole varints."""
    position = 0
    try:
        while position < len(buffer):
            _, position = read_varint(buffer, position, len(buffer))
    except WireError:
        return False
    return True


class PackedRuns(NamedTuple):
    """Varints of many runs, decoded at once."""

    numbers: NDArray[np.uint64]
    counts: NDArray[np.int64]
    """How many each run has."""


def decode_runs(runs: list[bytes]) -> PackedRuns | None:
    """The numbers in many runs of varints; None where a run is not made of whole ones."""
    raw = np.frombuffer(b"".join(runs), dtype=np.uint8)
    lengths = np.fromiter(map(len, runs), np.int64, len(runs))
    ends = np.cumsum(lengths)
    is_last = raw < 0x80
    filled = ends[lengths > 0]
    if not is_last[filled - 1].all():
        return None
    last = np.flatnonzero(is_last)
    first = np.concatenate((np.zeros(min(1, len(last)), dtype=np.int64), last[:-1] + 1))
    sizes = last - first + 1
    if int(sizes.max(initial=0)) > 10:
        return None
    numbers = (raw[first] & 0x7F).astype(np.uint64)
    longer = np.flatnonzero(sizes > 1)
    for position in range(1, 10):
        if not len(longer):
            break
        numbers[longer] |= (raw[first[longer] + position] & 0x7F).astype(np.uint64) << np.uint64(7 * position)
        longer = longer[sizes[longer] > position + 1]
    before = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(is_last, dtype=np.int64)))
    return PackedRuns(numbers, before[ends] - before[ends - lengths])
