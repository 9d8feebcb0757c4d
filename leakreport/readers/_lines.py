"""Lines of a text format, bounded: of a line longer than the limit only its beginning is kept."""

from __future__ import annotations

from collections.abc import Iterator

from leakreport.limits import Limits
from leakreport.readers.interface import InputStream

_CHUNK = 1 << 20


def lines(stream: InputStream, limits: Limits) -> Iterator[tuple[bytes, bool]]:
    """Each line without its end, and whether the end was there (only the last line can lack it)."""
    rest = b""
    is_overlong = False
    while chunk := stream.read(_CHUNK):
        parts = (rest + chunk).split(b"\n")
        rest = parts.pop()
        for part in parts:
            if is_overlong:
                # The beginning was given out already.
                is_overlong = False
                continue
            yield part[: limits.line_bytes].rstrip(b"\r"), True
        if len(rest) > limits.line_bytes:
            if not is_overlong:
                yield rest[: limits.line_bytes], True
            is_overlong = True
            rest = b""
    if rest and not is_overlong:
        yield rest.rstrip(b"\r"), False
