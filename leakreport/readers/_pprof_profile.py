"""The messages of profile.proto as tables, read piece by piece.

Samples stand before the locations, functions and texts they point to, so that nothing is looked up here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.readers._pprof_samples import SampleRuns
from leakreport.readers._protobuf import (
    BYTES,
    VARINT,
    CutError,
    WireError,
    plain_numbers,
    read_field,
    read_varint,
    signed,
)
from leakreport.readers.interface import InputStream

_CHUNK = 1 << 20
_Thing = TypeVar("_Thing")


class Location(NamedTuple):
    """A place in the code; `lines` are (function id, line), innermost first."""

    mapping: int
    address: int
    lines: tuple[tuple[int, int], ...]


class Function(NamedTuple):
    """Indexes of texts."""

    name: int
    system_name: int
    file: int


class MappedFile(NamedTuple):
    """A file in memory; `path` and `build_id` are indexes of texts."""

    start: int
    limit: int
    offset: int
    path: int
    build_id: int


class Profile:
    """One profile as it was written: everything by id or index."""

    def __init__(self, limits: Limits) -> None:
        """Start with nothing."""
        self.sample_types: list[tuple[int, int]] = []
        """Indexes of the texts of type and unit."""
        self.samples = SampleRuns(limits)
        self.mappings: dict[int, MappedFile] = {}
        self.locations: dict[int, Location] = {}
        self.functions: dict[int, Function] = {}
        self.texts: list[bytes] = []
        self.numbers: dict[int, int] = {}
        """The plain numbers of the profile, by tag."""
        self.period_type = (0, 0)
        self.damaged = 0
        """Messages other than samples that could not be read."""
        self.damage: str | None = None
        """What stopped the reading before the end of the input."""
        self.repeated_id: int | None = None
        """An id that two different things bear: two profiles follow each other."""
        self._count = 0
        self._most = limits.records
        self._takers: dict[int, Callable[[bytes, int, int], None]] = {
            1: self._take_sample_type,
            2: self.samples.take,
            3: self._take_mapping,
            4: self._take_location,
            5: self._take_function,
            6: self._take_text,
            11: self._take_period_type,
        }

    def take(self, buffer: bytes) -> int:
        """Take all whole fields of a piece up to damage; gives how many bytes they have."""
        position, stop = 0, len(buffer)
        while position < stop:
            # Nearly all fields: bytes, fewer than 128.
            key = buffer[position]
            if key < 0x80 and key & 7 == BYTES and key > BYTES and position + 1 < stop:
                length = buffer[position + 1]
                end = position + 2 + length
                if length < 0x80 and end <= stop:
                    self._take_message(key >> 3, buffer, position + 2, end)
                    position = end
                    continue
            try:
                field, end = read_field(buffer, position, stop)
            except CutError:
                break
            except WireError:
                self.damage = "something that is no field stands"
                break
            if field.wire == VARINT:
                self.numbers[field.tag] = field.number
            elif field.wire == BYTES:
                self._take_message(field.tag, buffer, field.start, field.stop)
            position = end
        return position

    def _take_message(self, tag: int, buffer: bytes, start: int, stop: int) -> None:
        taker = self._takers.get(tag)
        if taker is not None:
            self._count += 1
            if self._count > self._most:
                raise LimitExceeded(f"more than {self._most:,} entries in one profile")
            try:
                taker(buffer, start, stop)
            except WireError:
                self.damaged += 1

    def _take_sample_type(self, buffer: bytes, start: int, stop: int) -> None:
        found = plain_numbers(buffer, start, stop)
        self.sample_types.append((found.get(1, 0), found.get(2, 0)))

    def _take_period_type(self, buffer: bytes, start: int, stop: int) -> None:
        found = plain_numbers(buffer, start, stop)
        self.period_type = (found.get(1, 0), found.get(2, 0))

    def _take_mapping(self, buffer: bytes, start: int, stop: int) -> None:
        found = plain_numbers(buffer, start, stop)
        mapping = MappedFile(*(found.get(tag, 0) for tag in (2, 3, 4, 5, 6)))
        self._put(self.mappings, found.get(1, 0), mapping)

    def _take_function(self, buffer: bytes, start: int, stop: int) -> None:
        found = plain_numbers(buffer, start, stop)
        self._put(self.functions, found.get(1, 0), Function(*(found.get(tag, 0) for tag in (2, 3, 4))))

    def _take_location(self, buffer: bytes, start: int, stop: int) -> None:
        found: dict[int, int] = {}
        lines: list[tuple[int, int]] = []
        while start < stop:
            key = buffer[start]
            if key < 0x80 and key & 7 == VARINT and key:
                found[key >> 3], start = read_varint(buffer, start + 1, stop)
                continue
            field, start = read_field(buffer, start, stop)
            if field.tag == 4 and field.wire == BYTES:
                line = plain_numbers(buffer, field.start, field.stop)
                lines.append((line.get(1, 0), signed(line.get(2, 0))))
        self._put(self.locations, found.get(1, 0), Location(found.get(2, 0), found.get(3, 0), tuple(lines)))

    def _take_text(self, buffer: bytes, start: int, stop: int) -> None:
        self.texts.append(buffer[start:stop])

    def _put(self, table: dict[int, _Thing], number: int, thing: _Thing) -> None:
        if table.setdefault(number, thing) != thing:
            self.repeated_id = number


def read_profile(stream: InputStream, limits: Limits) -> Profile:
    """All whole fields of a stream; where a field is not whole, those before it, with `damage` set.

    Raises:
        LimitExceeded: a single field is too large.
    """
    profile = Profile(limits)
    buffer = b""
    offset = 0
    while profile.damage is None and (chunk := stream.read(max(_CHUNK, len(buffer)))):
        buffer += chunk
        taken = profile.take(buffer)
        offset += taken
        buffer = buffer[taken:]
        if len(buffer) > limits.element_bytes and profile.damage is None:
            raise LimitExceeded(
                f"{stream.name} has a field of more than {limits.element_bytes:,} bytes",
                where=f"at byte {offset:,}",
                advice="No profiler writes that: the input is damaged. Record again.",
            )
    if buffer:
        profile.damage = f"{profile.damage or 'a field is cut'} at byte {offset:,}"
    profile.samples.flush()
    return profile
