"""Stacks of return addresses as text: each distinct address is looked at once, whatever the number of stacks.

A heap profile says only at its end which file stood at which address, so stacks are kept as numbers of addresses and
become frames when all is read.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from leakreport.errors import LimitExceeded
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.columns import Float64Column, Int32Column, Int64Column, freeze, renumbered
from leakreport.model.raw import Frame, FrameTable, SampleTable
from leakreport.readers._addresses import AddressNumbers, decoded
from leakreport.readers._procmaps import AddressSpace

COLUMNS = ("retained_blocks", "retained_bytes", "allocated_blocks", "allocated_bytes")


class AddressStacks:
    """Records in the order of the input: a stack of addresses, up to four values (see COLUMNS), a line number."""

    def __init__(self, limits: Limits) -> None:
        """Start with none."""
        self._limits = limits
        self._numbers = AddressNumbers()
        self._flat = array("i")
        self._offsets = array("q", (0,))
        self.values = tuple(array("q") for _ in COLUMNS)
        self.lines = array("q")

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, addresses: Sequence[bytes], values: Sequence[int], line: int) -> bool:
        """Add a record, its addresses innermost first; False, and nothing is kept, if one is no address.

        Raises:
            LimitExceeded: there are too many records.
        """
        if len(self.lines) >= self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} stacks", advice="Sample more rarely.")
        start = len(self._flat)
        try:
            self._flat.extend(self._numbers.of(addresses[::-1]))
        except KeyError:
            del self._flat[start:]
            return False
        self._offsets.append(len(self._flat))
        for column, value in zip(self.values, values, strict=False):
            column.append(value)
        self.lines.append(line)
        return True

    def add_many(self, stacks: Sequence[bytes], values: Int64Column, line: int) -> bool:
        """Add a record per line, from this line on: addresses between single blanks, innermost first; records × four values.

        False, and nothing is kept, if one is no address or there would be too many records: one by one tells which.
        """
        counts = np.fromiter((stack.count(b" ") for stack in stacks), np.int64, len(stacks)) + 1
        if len(self.lines) + len(stacks) > self._limits.records:
            return False
        addresses = decoded(b" ".join(stacks), int(counts.sum()))
        if addresses is None:
            return False
        ends = np.cumsum(counts)
        # Outermost first.
        turned = np.repeat(2 * ends - counts - 1, counts) - np.arange(len(addresses))
        self._offsets.frombytes((ends + len(self._flat)).tobytes())
        self._flat.frombytes(self._numbers.of_column(addresses[turned]).tobytes())
        for column, amounts in zip(self.values, values.T, strict=True):
            column.frombytes(amounts.tobytes())
        self.lines.extend(range(line, line + len(stacks)))
        return True

    def column(self, name: str) -> Int64Column:
        """The values under a name of COLUMNS."""
        return np.array(self.values[COLUMNS.index(name)], dtype=np.int64)

    def names(self) -> tuple[str, ...]:
        """The line number of each record, as a record's name."""
        return tuple(map(str, self.lines))

    def table(self, resolve: Callable[[int], Iterable[Frame]], frames: FrameTable) -> Stacks:
        """The stacks as frames; `resolve` gives the frames of an address, outermost first."""
        expanded: list[int] = []
        starts: list[int] = [0]
        for address in self._numbers.addresses():
            expanded.extend(frames.index(frame) for frame in resolve(address))
            starts.append(len(expanded))
        flat = np.array(self._flat, dtype=np.int32)
        offsets = np.array(self._offsets, dtype=np.int64)
        begin = np.array(starts, dtype=np.int64)
        targets = np.array(expanded, dtype=np.int32)
        if len(targets) == len(self._numbers):
            return Stacks(frames.frames(), targets[flat] if len(targets) else flat, offsets)
        # An address with inlined functions becomes several frames.
        lengths = np.diff(begin)[flat]
        ends = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        inside = np.arange(ends[-1], dtype=np.int64) - np.repeat(ends[:-1], lengths)
        return Stacks(frames.frames(), targets[np.repeat(begin[flat], lengths) + inside], ends[offsets])


@dataclass(slots=True)
class Stacks:
    """Stacks of frames, outermost first, that can still be changed as a whole."""

    frames: tuple[Frame, ...]
    flat: Int32Column
    offsets: Int64Column

    def drop_innermost(self, is_dropped: Callable[[Frame], bool]) -> None:
        """Take such frames off the inner end of every stack; one frame always stays."""
        dropped = np.fromiter((is_dropped(frame) for frame in self.frames), np.bool_, len(self.frames))
        starts, ends = self.offsets[:-1], self.offsets[1:].copy()
        active = np.flatnonzero(ends - starts > 1)
        while len(active):
            active = active[dropped[self.flat[ends[active] - 1]]]
            ends[active] -= 1
            active = active[(ends - starts)[active] > 1]
        lengths = ends - starts
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        shift = np.repeat(starts - offsets[:-1], lengths)
        self.flat = self.flat[np.arange(offsets[-1], dtype=np.int64) + shift]
        self.offsets = offsets

    def append(self, frame: Frame) -> None:
        """One more stack, of a single frame."""
        self.flat = np.append(self.flat, np.int32(len(self.frames))).astype(np.int32)
        self.frames = (*self.frames, frame)
        self.offsets = np.append(self.offsets, len(self.flat)).astype(np.int64)

    def sample_table(
        self,
        values: dict[str, Int64Column],
        names: Sequence[str],
        *,
        variances: dict[str, Float64Column] | None = None,
        leak_kinds: NDArray[np.int8] | None = None,
    ) -> SampleTable:
        """The frozen table, with only the frames that occur."""
        used, flat = renumbered(self.flat, len(self.frames))
        return SampleTable(
            frames=tuple(self.frames[index] for index in used.tolist()),
            flat=freeze(flat),
            offsets=freeze(self.offsets),
            values={metric: freeze(column) for metric, column in values.items()},
            leak_kinds=None if leak_kinds is None else freeze(leak_kinds),
            names=tuple(names),
            variances=None if variances is None else {name: freeze(column) for name, column in variances.items()},
        )


@dataclass(slots=True)
class Symbols:
    """What the input itself says about addresses: names from `--- symbol` sections or comments."""

    space: AddressSpace
    by_address: dict[int, tuple[Frame, ...]] = field(default_factory=dict)
    """Outermost first; under the address of the call or of the return."""
    is_return_address: bool = True
    """Whether stacks hold return addresses, which may stand behind the function that calls."""

    def resolve(self, address: int) -> tuple[Frame, ...]:
        """The frames of an address of a stack, outermost first."""
        place = address - 1 if self.is_return_address and address else address
        known = self.by_address.get(place) or self.by_address.get(address)
        if known is None:
            return (self.space.frame(place),)
        mapping = self.space.find(place)
        if mapping is None:
            return known
        return tuple(frame._replace(module=mapping.path) for frame in known)


@dataclass(slots=True)
class Estimates:
    """What a sample says about all allocations, per record."""

    blocks: Int64Column
    amounts: Int64Column
    blocks_variance: Float64Column
    amounts_variance: Float64Column


def unsample(blocks: Int64Column, amounts: Int64Column, period: int, *, is_rounded: bool = False) -> Estimates:
    """Scale each record up by the chance that a block of its mean size is sampled.

    Source: google/pprof `profile/legacy_profile.go`, scaleHeapSample, which cuts fractions off.

    Raises:
        LimitExceeded: an estimate does not fit in 64 bits.
    """
    count = len(blocks)
    columns = [np.zeros(count, dtype=np.float64) for _ in range(2)]
    found: list[tuple[int, int]] = []
    for index, (number, amount) in enumerate(zip(blocks.tolist(), amounts.tolist(), strict=True)):
        if not number or not amount:
            found.append((0, 0))
            continue
        if period <= 1:
            found.append((number, amount))
            continue
        size = amount / number
        chance = (1 - math.exp(-size / period)) or -math.expm1(-size / period)
        scale = 1 / chance if chance else math.inf
        if amount * scale >= INT64_MAX or number * scale >= INT64_MAX:
            raise LimitExceeded("an estimate is beyond 2^63", advice="The input is damaged. Record again.")
        make = round if is_rounded else int
        found.append((make(number * scale), make(amount * scale)))
        variance = number * (1 - chance) * scale * scale
        columns[0][index] = variance
        columns[1][index] = size * size * variance
    pairs = np.array(found, dtype=np.int64).reshape(count, 2)
    return Estimates(pairs[:, 0].copy(), pairs[:, 1].copy(), columns[0], columns[1])
