"""Opens inputs: files, "-", named pipes; gzip, xz, bzip2 and zstandard told by content; bounded and rewindable."""

from __future__ import annotations

import bz2
import lzma
import stat
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from leakreport.errors import LimitExceeded, UnreadableInput
from leakreport.limits import Limits

_CHUNK = 256 * 1024
# One input block of 4 bytes can stand for 128 KiB in zstandard; small pieces keep a bomb from filling memory at once.
_ZSTD_PIECE = 1024

Progress = Callable[[int, int], None]
"""Called with bytes read so far and the size of the file (0 if unknown), both of the raw file."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, piece: bytes, /) -> bytes: ...


def _zstd() -> _Decompressor:
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()


_MAGIC: tuple[tuple[bytes, str, Callable[[], _Decompressor], int], ...] = (
    (b"\x1f\x8b", "gzip", lambda: zlib.decompressobj(31), 16 * 1024),
    (b"\xfd7zXZ\x00", "xz", lzma.LZMADecompressor, _ZSTD_PIECE),
    (b"BZh", "bzip2", bz2.BZ2Decompressor, _ZSTD_PIECE),
    (b"\x28\xb5\x2f\xfd", "zstandard", _zstd, _ZSTD_PIECE),
)


class OpenInput:
    """One opened input. Implements `readers.interface.InputStream`; use as a context manager."""

    def __init__(self, name: str, raw: BinaryIO, size: int, limits: Limits, progress: Progress | None) -> None:
        """Take over an open, seekable file."""
        self.name = name
        self.damage: str | None = None
        """Set when the compressed stream ends early or is broken; what came before was delivered."""
        self._raw = raw
        self._size = size
        self._limits = limits
        self._progress = progress
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()

    def _start(self) -> None:
        self._raw.seek(0)
        head = self._read_raw(8)
        self._raw.seek(0)
        self._raw_count = 0
        self._out_count = 0
        self._buffer = bytearray()
        self._is_ended = False
        self.damage = None
        self._codec = next((entry for entry in _MAGIC if head.startswith(entry[0])), None)
        self._decompressor = self._codec[2]() if self._codec else None
        self._pending = b""

    def rewind(self) -> None:
        """Go back to the first byte of the content."""
        self._start()

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes of content (all that is left if negative); b"" at the end."""
        if self._codec is None:
            piece = self._read_raw(size)
            self._raw_count += len(piece)
            self._tell()
            return piece
        while not self._is_ended and (size < 0 or len(self._buffer) < size):
            self._expand()
        if size < 0:
            size = len(self._buffer)
        content = bytes(self._buffer[:size])
        del self._buffer[:size]
        return content

    def _read_raw(self, size: int) -> bytes:
        try:
            return self._raw.read(size)
        except OSError as error:
            raise UnreadableInput(f"cannot read {self.name}: {error.strerror or error}") from error

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._raw_count, self._size)

    def _expand(self) -> None:
        """Decompress one more piece into the buffer."""
        assert self._codec is not None
        assert self._decompressor is not None
        _, codec, make, piece_size = self._codec
        if not self._pending:
            self._pending = self._read_raw(_CHUNK)
            self._raw_count += len(self._pending)
            self._tell()
            if not self._pending:
                self._is_ended = True
                if not self._decompressor.eof:
                    self.damage = f"the {codec} data ends early"
                return
        if self._decompressor.eof:
            if not self._pending.strip(b"\0"):
                self._pending = b""
                return
            self._decompressor = make()
        piece, self._pending = self._pending[:piece_size], self._pending[piece_size:]
        try:
            content = self._decompressor.decompress(piece)
        except Exception as error:  # each library has its own class, zstandard's derives from Exception only
            self.damage = f"the {codec} data is damaged: {error}"
            self._is_ended = True
            return
        if self._decompressor.eof:
            self._pending = self._decompressor.unused_data + self._pending
        self._buffer += content
        self._out_count += len(content)
        consumed = self._raw_count - len(self._pending)
        if self._out_count > self._limits.expansion_bytes and self._out_count > consumed * self._limits.expansion_ratio:
            raise LimitExceeded(
                f"{self.name} expands to more than {self._limits.expansion_ratio} times its size",
                advice="If that is meant, decompress it first and give the plain file.",
            )


def open_input(name: str, limits: Limits, *, progress: Progress | None = None) -> OpenInput:
    """Open a file by name, "-" for standard input, or a named pipe.

    Raises:
        UnreadableInput: it cannot be opened, or is a folder or device.
    """
    if name == "-" and sys.stdin is None:
        raise UnreadableInput("standard input is closed", advice="Give a file, or a pipe.")
    if name == "-":
        return OpenInput("standard input", _spool(sys.stdin.buffer, name), 0, limits, progress)
    try:
        raw = Path(name).open("rb")  # noqa: SIM115 - OpenInput closes it
        mode = raw_mode(raw)
        if stat.S_ISFIFO(mode):
            with raw:
                return OpenInput(name, _spool(raw, name), 0, limits, progress)
        if not stat.S_ISREG(mode):
            raw.close()
            raise UnreadableInput(
                f"{name} is not a file", advice="Give a profile, a folder of profiles, or - for a pipe."
            )
        return OpenInput(name, raw, Path(name).stat().st_size, limits, progress)
    except OSError as error:
        raise UnreadableInput(f"cannot open {name}: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise UnreadableInput(f"cannot open {name!r}: {error}") from error


def raw_mode(raw: BinaryIO) -> int:
    """The file type bits of an open file."""
    import os

    return os.fstat(raw.fileno()).st_mode


def _spool(source: BinaryIO, name: str) -> BinaryIO:
    """A seekable copy of a stream, on disk: sniffing and second passes need to go back."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - OpenInput closes it
    try:
        while piece := source.read(_CHUNK):
            copy.write(piece)
        copy.seek(0)
    except OSError as error:
        copy.close()
        raise UnreadableInput(f"cannot keep {name} for reading: {error.strerror or error}") from error
    return copy
