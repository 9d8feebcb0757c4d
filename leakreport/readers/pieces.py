"""Content in memory through a reader: for texts inside another input, and for what was read from a process that runs."""

from __future__ import annotations

from leakreport.limits import DEFAULT_LIMITS, Limits
from leakreport.model.raw import RawSnapshot
from leakreport.readers import get_reader


class MemoryStream:
    """An `InputStream` over bytes."""

    def __init__(self, name: str, content: bytes, chunk: int | None = None) -> None:
        """Take the content; with `chunk`, at most that many bytes are delivered at a time."""
        self.name = name
        self._content = content
        self._chunk = chunk
        self._position = 0

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        if size < 0:
            size = len(self._content)
        if self._chunk is not None:
            size = min(size, self._chunk)
        piece = self._content[self._position : self._position + size]
        self._position += len(piece)
        return piece

    def rewind(self) -> None:
        """Go back to the first byte."""
        self._position = 0


def read_piece(format_name: str, content: bytes, *, name: str, limits: Limits = DEFAULT_LIMITS) -> list[RawSnapshot]:
    """The snapshots of some content in a format.

    Args:
        format_name: of the reader.
        content: all of it.
        name: what messages call it.
        limits: what is agreed to.

    Raises:
        InputError: nothing in it can be read.
    """
    return list(get_reader(format_name).read(MemoryStream(name, content), limits))
