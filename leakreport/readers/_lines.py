"""Lines of a text format, bounded: of a line longer than the limit only its beginning is kept."""

from __future__ import annotations

from collections.abc import Iterator

from leakreport.limits import Limits
from leakreport.readers.interface import InputStream

_CHUNK = 1 << 20


def lines(stream: InputStream, limits: Limits) -> Iterator[tuple[bytes, bool]]:
    """Each line without its end, and whether the end was there (only the last line can lack it)."""
    for block, has_end in line_blocks(stream, limits):
        for line in block:
            yield line, has_end


def line_blocks(stream: InputStream, limits: Limits) -> Iterator[tuple[list[bytes], bool]]:
    """The same, many lines at a time: what is alike can be looked at in one go."""
    rest = b""
    is_overlong = False
    while chunk := stream.read(_CHUNK):
        parts = (rest + chunk).split(b"\n")
        rest = parts.pop()
        if parts and is_overlong:
            # The beginning was given out already.
            is_overlong = False
            del parts[0]
        if parts:
            yield _plain(parts, limits), True
        if len(rest) > limits.line_bytes:
            if not is_overlong:
                yield [rest[: limits.line_bytes]], True
            is_overlong = True
            rest = b""
    if rest and not is_overlong:
        yield [rest.rstrip(b"\r")], False


def _plain(parts: list[bytes], limits: Limits) -> list[bytes]:
    if max(map(len, parts)) > limits.line_bytes:
        parts = [part[: limits.line_bytes] for part in parts]
    return [part.rstrip(b"\r") for part in parts] if any(part.endswith(b"\r") for part in parts) else parts
