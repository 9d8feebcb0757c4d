"""From the ids of a pprof profile to frames and stacks, for all samples at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.model.columns import BoolColumn, Int32Column, Int64Column, freeze
from leakreport.model.raw import Frame, FrameKind, FrameTable, Mapping
from leakreport.readers._pprof_profile import Location, MappedFile, Profile

_FLAT_FRAMES = 100_000_000
"""Entries of all stacks together; inlined calls multiply what the file holds."""
_BATCH = 1 << 16
_BUILD_ID = frozenset("0123456789abcdef")


class Texts:
    """The texts of a profile, decoded when they are asked for."""

    def __init__(self, raw: list[bytes], limits: Limits) -> None:
        """Take the texts as they stand in the file."""
        self._raw = raw
        self._limit = limits.name_characters
        self._known: dict[int, str] = {}

    def get(self, index: int) -> str | None:
        """The text at an index; None where the file does not hold it."""
        if index >= len(self._raw):
            return None
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = self._raw[index][: 4 * self._limit].decode("utf-8", "replace")[: self._limit]
        return known


@dataclass(frozen=True, slots=True)
class StackColumns:
    """The samples whose stacks are whole.

    Holds: `places` has the index of a chain per location, outermost first, `offsets` where each sample begins in it.
    """

    frames: tuple[Frame, ...]
    chain_flat: Int32Column
    """Indexes of frames: the inlined calls of each location, outermost first."""
    chain_offsets: Int64Column
    places: Int32Column
    offsets: Int64Column
    values: Int64Column
    """One row per sample, one column per sample type."""
    groups: Int32Column
    """The labels of each sample."""
    numbers: Int64Column
    """The place of each sample in the file, from 0."""
    lost: int
    """Samples left out, because something they point to is not there."""

    def __len__(self) -> int:
        return len(self.numbers)

    def of(self, rows: Int64Column) -> tuple[tuple[Frame, ...], Int32Column, Int64Column]:
        """Frames, flat stacks and offsets of some samples."""
        places, offsets = _taken(self.places, self.offsets, rows)
        if len(self.chain_flat) == len(self.chain_offsets) - 1 and (np.diff(self.chain_offsets) == 1).all():
            flat = self.chain_flat[places]
        else:
            flat, starts = _taken(self.chain_flat, self.chain_offsets, places)
            offsets = starts[offsets]
        is_used = np.zeros(len(self.frames), dtype=np.bool_)
        is_used[flat] = True
        used = np.flatnonzero(is_used)
        renumbered = (np.cumsum(is_used, dtype=np.int32) - 1).astype(np.int32)
        return tuple(self.frames[index] for index in used.tolist()), freeze(renumbered[flat]), freeze(offsets.copy())


def _taken(flat: Int32Column, offsets: Int64Column, rows: NDArray[np.integer]) -> tuple[Int32Column, Int64Column]:
    """The runs of some rows, one after the other, and their offsets."""
    if len(rows) == len(offsets) - 1 and bool((rows[1:] > rows[:-1]).all()):
        return flat, offsets
    lengths = np.diff(offsets)[rows]
    starts = _offsets(lengths)
    if int(starts[-1]) > _FLAT_FRAMES:
        raise LimitExceeded(f"the stacks have more than {_FLAT_FRAMES:,} frames together")
    found = np.empty(int(starts[-1]), dtype=np.int32)
    # In batches, so that the indexes, twice as wide as the numbers, are never there for all at once.
    for first in range(0, len(rows), _BATCH):
        last = min(first + _BATCH, len(rows))
        begin, end = int(starts[first]), int(starts[last])
        index = np.arange(begin, end, dtype=np.int64)
        index += np.repeat(offsets[rows[first:last]] - starts[first:last], lengths[first:last])
        found[begin:end] = flat[index]
    return found, starts


def build_stacks(profile: Profile, texts: Texts, limits: Limits) -> StackColumns:
    """The samples that are whole, with the frames of their stacks.

    Raises:
        LimitExceeded: a stack is too deep, or all together are.
    """
    frame_table = FrameTable()
    ids, chain_flat, chain_offsets = _chains(profile, texts, frame_table)
    locations, location_counts = profile.samples.locations()
    values, value_counts = profile.samples.values()
    groups = profile.samples.groups()
    profile.samples.release()
    offsets = _offsets(location_counts)
    places, is_known = _places(ids, locations)
    del locations
    is_whole = value_counts == len(profile.sample_types)
    if not is_known.all():
        unknown = _offsets((~is_known).astype(np.int64))
        is_whole &= unknown[offsets[1:]] == unknown[offsets[:-1]]
    is_whole &= np.isin(groups, _known_groups(profile, texts))
    rows = np.flatnonzero(is_whole)
    places, starts = _taken(places, offsets, rows)
    _check_depth(places, starts, np.diff(chain_offsets), limits)
    firsts = _offsets(value_counts)[:-1][rows]
    width = len(profile.sample_types)
    return StackColumns(
        frames=frame_table.frames(),
        chain_flat=chain_flat,
        chain_offsets=chain_offsets,
        places=places,
        offsets=starts,
        values=values[firsts[:, None] + np.arange(width)] if len(rows) else np.zeros((0, width), dtype=np.int64),
        groups=groups[rows],
        numbers=profile.samples.numbers()[rows],
        lost=len(is_whole) - len(rows) + profile.samples.damaged,
    )


def _offsets(counts: Int64Column) -> Int64Column:
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))


def _check_depth(places: Int32Column, offsets: Int64Column, chain_lengths: Int64Column, limits: Limits) -> None:
    longest = int(chain_lengths.max(initial=0)) * int(np.diff(offsets).max(initial=0))
    if longest > limits.stack_frames:
        deepest = int(np.diff(_offsets(chain_lengths[places])[offsets]).max(initial=0))
        if deepest > limits.stack_frames:
            raise LimitExceeded(f"a stack has {deepest:,} frames, more than {limits.stack_frames:,}")


def _known_groups(profile: Profile, texts: Texts) -> list[int]:
    """The sets of labels that can be read."""
    return [
        number
        for labels, number in profile.samples.label_groups.items()
        if all(texts.get(key) is not None and texts.get(text) is not None for key, text in labels)
    ]


def _places(ids: list[int], locations: NDArray[np.unsignedinteger]) -> tuple[Int32Column, BoolColumn]:
    """For each location id its index in `ids`, and whether it is there."""
    if not ids:
        return np.zeros(len(locations), dtype=np.int32), np.zeros(len(locations), dtype=np.bool_)
    if max(ids) <= 8 * len(ids) + 1024:
        # Nearly all writers count from 1: a table is faster than a search.
        table = np.full(max(ids) + 2, -1, dtype=np.int32)
        table[ids] = np.arange(len(ids), dtype=np.int32)
        places = table[np.minimum(locations, len(table) - 1)]
        return places, places >= 0
    known = np.array(ids, dtype=np.uint64)
    order = np.argsort(known)
    found = np.minimum(np.searchsorted(known[order], locations), len(ids) - 1)
    places = order[found].astype(np.int32)
    return places, known[places] == locations


def _chains(profile: Profile, texts: Texts, frame_table: FrameTable) -> tuple[list[int], Int32Column, Int64Column]:
    """The ids of all whole locations, and the frames of each, outermost first."""
    ids: list[int] = []
    flat: list[int] = []
    offsets = [0]
    for number, location in profile.locations.items():
        frames = _frames(location, profile, texts)
        if frames is None or not number:
            continue
        ids.append(number)
        flat.extend(map(frame_table.index, frames))
        offsets.append(len(flat))
    return ids, np.array(flat, dtype=np.int32), np.array(offsets, dtype=np.int64)


def _frames(location: Location, profile: Profile, texts: Texts) -> list[Frame] | None:
    """The frames of a location, outermost first; None where something it points to is missing."""
    mapping = profile.mappings.get(location.mapping)
    path = texts.get(mapping.path) if mapping is not None else ""
    if path is None or (mapping is None and location.mapping):
        return None
    frames: list[Frame] = []
    for depth, (function_id, line) in enumerate(location.lines):
        function = profile.functions.get(function_id)
        if function is None:
            return None
        name, system_name, file_path = map(texts.get, function)
        if name is None or system_name is None or file_path is None:
            return None
        if not (name or system_name):
            continue
        directory, slash, file = file_path.rpartition("/")
        frames.append(
            Frame(
                function=name or system_name,
                module=path or None,
                directory=(directory or slash) or None,
                file=file or None,
                line=line if 0 < line < 1 << 31 else None,
                is_inlined=depth < len(location.lines) - 1,
            )
        )
    return frames[::-1] or [_address_frame(location, mapping, path)]


def _address_frame(location: Location, mapping: MappedFile | None, path: str) -> Frame:
    if mapping is None or not path:
        return Frame(address=location.address, kind=FrameKind.ADDRESS)
    if not mapping.start <= location.address < max(mapping.limit, mapping.start + 1) and mapping.limit:
        return Frame(module=path, address=location.address, kind=FrameKind.ADDRESS)
    return Frame(module=path, offset=location.address - mapping.start + mapping.offset, kind=FrameKind.ADDRESS)


def mappings_of(profile: Profile, texts: Texts) -> tuple[Mapping, ...]:
    """The files that were mapped, in the order of the input."""
    found = []
    for mapping in profile.mappings.values():
        path, build_id = texts.get(mapping.path), (texts.get(mapping.build_id) or "").lower()
        if path:
            is_id = bool(build_id) and _BUILD_ID.issuperset(build_id)
            found.append(Mapping(mapping.start, mapping.limit, mapping.offset, path, build_id if is_id else None))
    return tuple(found)
