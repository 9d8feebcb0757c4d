"""Protocol buffers as far as a writer needs them: numbers, bytes, and lists of numbers.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterable

_VARINT, _BYTES = 0, 2
_MASK = (1 << 64) - 1


def varint(number: int) -> bytes:
    """A 64-bit number; a negative one as its two's complement.

    >>> varint(300).hex(), len(varint(-1))
    ('ac02', 10)
    """
    number &= _MASK
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def number_field(tag: int, number: int) -> bytes:
    """A field with a number; nothing for 0, which is what a reader assumes."""
    return varint(tag << 3 | _VARINT) + varint(number) if number else b""


def bytes_field(tag: int, content: bytes) -> bytes:
    """A field with bytes: a text, a message."""
    return varint(tag << 3 | _BYTES) + varint(len(content)) + content


def numbers_field(tag: int, numbers: Iterable[int]) -> bytes:
    """A field with a packed list of numbers."""
    return bytes_field(tag, b"".join(map(varint, numbers)))
