"""What a reader is: a name, a way to recognise its format, and a way to read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from leakreport.limits import Limits
from leakreport.model.raw import RawSnapshot


class Confidence(IntEnum):
    """How sure a reader is that content is its own. Only content gives CERTAIN."""

    NO = 0
    MAYBE = 1
    LIKELY = 2
    CERTAIN = 3


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """What people and plug-ins need to know about a format."""

    name: str
    title: str
    tool: str
    suffixes: tuple[str, ...]
    record_command: str
    """The exact command that makes such a file."""
    specification: str
    """Where the format is defined."""
    api: int = 1
    """Major version of this interface."""


class InputStream(Protocol):
    """Decompressed bytes of one input, from the start, as often as needed."""

    @property
    def name(self) -> str:
        """The input as the user wrote it: for messages, never opened again."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, fewer only at the end; b"" at the end."""
        ...

    def rewind(self) -> None:
        """Go back to the first byte."""
        ...


class Reader(Protocol):
    """Bytes in, raw snapshots out."""

    info: FormatInfo

    def sniff(self, head: bytes, name: str) -> Confidence:
        """Whether the head of a file (at most 64 KiB) is of this format. Never raises, imports nothing heavy."""
        ...

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """The snapshots of the input, in order.

        Raises:
            InputError: nothing can be reported. Where part of the input is whole, that part is yielded instead, with
                `is_complete=False` and, where the input ends early, `truncation` set.
        """
        ...
