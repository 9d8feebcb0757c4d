"""What an mtrace log adds up to: the blocks that are allocated, and who allocated how much since the start."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from leakreport.errors import LimitExceeded
from leakreport.limits import INT64_MAX, Limits


class CallerSums(NamedTuple):
    """What one caller holds and has allocated."""

    caller: int
    line: int
    """Where it first stands in the log."""
    held_bytes: int
    held_blocks: int
    allocated_bytes: int
    allocated_blocks: int


class Blocks:
    """The blocks by their addresses. Events are taken in the order of the log, as the command mtrace does.

    Holds: what a caller holds is the sum of its blocks in `_live`.
    """

    def __init__(self, source: str, limits: Limits) -> None:
        """Start with nothing allocated."""
        self.unknown_frees = 0
        """Frees of memory from before the log."""
        self.reused = 0
        """Addresses handed out while a block was there: its free was not seen."""
        self.allocated_bytes = 0
        self._source = source
        self._limits = limits
        # By address: caller and size.
        self._live: dict[bytes, tuple[int, int]] = {}
        self._held_bytes = array("q")
        self._held_blocks = array("q")
        self._allocated_bytes = array("q")
        self._allocated_blocks = array("q")
        self._lines = array("q")

    def __len__(self) -> int:
        """How many callers there are."""
        return len(self._lines)

    def allocate(self, address: bytes, size: int, caller: int, line: int) -> None:
        """A block of a caller; callers are numbered from 0 at first sight.

        Raises:
            LimitExceeded: the sum is beyond 2^63, or there are too many blocks.
        """
        self.allocated_bytes += size
        if self.allocated_bytes > INT64_MAX:
            raise LimitExceeded(
                "the sum of its allocations is beyond 2^63",
                where=f"{self._source}, line {line:,}",
                advice="No machine has that much memory: the input is damaged. Record again.",
            )
        if caller == len(self._lines):
            self._lines.append(line)
            for column in (self._held_bytes, self._held_blocks, self._allocated_bytes, self._allocated_blocks):
                column.append(0)
        self._allocated_bytes[caller] += size
        self._allocated_blocks[caller] += 1
        if address in self._live:
            self.reused += 1
            self.release(address)
        if len(self._live) >= self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} blocks at once", where=self._source)
        self._hold(address, (caller, size))

    def release(self, address: bytes) -> tuple[int, int] | None:
        """Free a block; caller and size of it, None where none is known."""
        block = self._live.pop(address, None)
        if block is None:
            self.unknown_frees += 1
            return None
        caller, size = block
        self._held_bytes[caller] -= size
        self._held_blocks[caller] -= 1
        return block

    def restore(self, address: bytes, block: tuple[int, int]) -> None:
        """Take a free back, unless the address has a block again."""
        if address not in self._live:
            self._hold(address, block)

    def _hold(self, address: bytes, block: tuple[int, int]) -> None:
        caller, size = block
        self._live[address] = block
        self._held_bytes[caller] += size
        self._held_blocks[caller] += 1

    def sums(self) -> Iterator[CallerSums]:
        """All callers, in the order of their numbers."""
        columns = (self._lines, self._held_bytes, self._held_blocks, self._allocated_bytes, self._allocated_blocks)
        for caller, sums in enumerate(zip(*columns, strict=True)):
            yield CallerSums(caller, *sums)
