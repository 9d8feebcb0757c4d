"""The numbers of addresses: each distinct one is looked at once, however many stacks it stands on.

Most of a large heap profile is addresses in text, so a block of them is decoded and numbered in columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from leakreport.model.columns import Int32Column, Int64Column

_ADDRESS = re.compile(rb"0x[0-9a-fA-F]{1,16}\Z")
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_MOST_DIGITS = 16
_SLOT_BITS = 18
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: multiplicative hashing, Knuth, "The Art of Computer Programming", 6.4."""


class AddressNumbers:
    """Gives out numbers from 0 at first sight."""

    def __init__(self) -> None:
        """Start with none."""
        self._by_address: dict[int, int] = {}
        self._by_text = _ByText(self._by_address)
        # What was seen lately, by hash: one address per slot.
        self._keys = np.zeros(1 << _SLOT_BITS, dtype=np.uint64)
        self._numbers = np.full(1 << _SLOT_BITS, -1, dtype=np.int32)

    def __len__(self) -> int:
        return len(self._by_address)

    def addresses(self) -> Iterable[int]:
        """All of them, by number."""
        return self._by_address

    def of(self, tokens: Iterable[bytes]) -> Iterable[int]:
        """The number of each token, one by one.

        Raises:
            KeyError: while it is iterated over: a token is no address.
        """
        return map(self._by_text.__getitem__, tokens)

    def of_column(self, addresses: NDArray[np.uint64]) -> Int32Column:
        """The number of each address: the same as one by one, in this order."""
        slots = ((addresses * _FACTOR) >> np.uint64(64 - _SLOT_BITS)).astype(np.int64)
        numbers = self._numbers[slots]
        missed = np.flatnonzero((self._keys[slots] != addresses) | (numbers < 0))
        if missed.size:
            fresh, first, place = np.unique(addresses[missed], return_index=True, return_inverse=True)
            known = self._by_address
            found = np.empty(len(fresh), dtype=np.int32)
            for index in np.argsort(first).tolist():
                found[index] = known.setdefault(int(fresh[index]), len(known))
            numbers[missed] = found[place]
            self._keys[slots[missed]] = addresses[missed]
            self._numbers[slots[missed]] = numbers[missed]
        return numbers


class _ByText(dict[bytes, int]):
    """The number of each address as it is written."""

    def __init__(self, by_address: dict[int, int]) -> None:
        super().__init__()
        self._by_address = by_address

    def __missing__(self, token: bytes) -> int:
        if _ADDRESS.match(token) is None:
            raise KeyError(token)
        number = self[token] = self._by_address.setdefault(int(token, 16), len(self._by_address))
        return number


def decoded(text: bytes, count: int) -> NDArray[np.uint64] | None:
    """So many addresses that stand between single blanks; None if anything else is there."""
    if text.translate(None, _HEX_DIGITS) != b" ".join([b"x"] * count):
        return None
    padded = np.frombuffer(b" " * _MOST_DIGITS + text + b" ", dtype=np.uint8)
    ends = np.flatnonzero(padded[_MOST_DIGITS:] == ord(" ")) + _MOST_DIGITS
    starts = np.concatenate([[_MOST_DIGITS], ends[:-1] + 1])
    digits = ends - starts - 2
    if int(digits.min()) < 1 or int(digits.max()) > _MOST_DIGITS:
        return None
    if not ((padded[starts] == ord("0")) & (padded[starts + 1] == ord("x"))).all():
        return None
    return _hexadecimal(padded, ends, digits)


def _hexadecimal(padded: NDArray[np.uint8], ends: Int64Column, digits: Int64Column) -> NDArray[np.uint64]:
    """Hexadecimal numbers that end in front of some places, eight digits at a time."""
    eights = np.ndarray((len(padded) - 7,), "<u8", padded.tobytes(), 0, (1,))
    low, high = (_eight_digits(eights[ends - distance]) for distance in (8, 16))
    # What stands in front of the digits is shifted out.
    spare = ((_MOST_DIGITS - digits) * 4).astype(np.uint64)
    return ((low | (high << np.uint64(32))) << spare) >> spare


def _eight_digits(text: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Eight characters as a number of 32 bits. Lanes of 4, 8, 16 bits are put together, the first one in front."""
    nibbles = np.uint64(0x0F0F0F0F0F0F0F0F)
    # A letter has bit 6; what is no digit must not run over into the next lane.
    x = (text & nibbles) + np.uint64(9) * ((text >> np.uint64(6)) & np.uint64(0x0101010101010101)) & nibbles
    x = ((x << np.uint64(4)) | (x >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    x = ((x << np.uint64(8)) | (x >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    return ((x << np.uint64(16)) | (x >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
