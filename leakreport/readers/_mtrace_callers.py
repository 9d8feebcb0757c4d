"""Who called malloc, as glibc's mtrace writes it, and as the command mtrace prints it.

    ./server:[0x2d63]                       the file, and the distance from where it was loaded
    /lib/libc.so.6:(fopen+0x7f)[0x758cc]    with the function, where the dynamic symbols name one
    ./server:[0x55d0c1a012d63], [0x4004f5]  older than glibc 2.35: the address itself
    /src/server.c:50 (discriminator 1)      the command, where it found the line

The number is that of the return address: the call stands in the byte before.

Source: glibc `malloc/mtrace-impl.c` (tr_where), `malloc/mtrace.pl` (location).
"""

from __future__ import annotations

import re

from leakreport.limits import Limits
from leakreport.model.raw import Frame, FrameKind

UNKNOWN_CALLER = Frame("unknown caller", kind=FrameKind.SYNTHETIC)
_PLACE = re.compile(r"(?:(?P<module>.+?):)?(?:\((?P<function>[^()\[\]]+)[+-](?:0x)?[0-9a-f]+\))?\[(?P<number>0x[0-9a-f]{1,16})\]:?", re.DOTALL)  # fmt: skip
_DISCRIMINATOR = re.compile(r" \(discriminator \d+\)\Z")
_LINE = re.compile(r"(?P<path>.*\S):(?P<line>\d{1,9}|\?)", re.DOTALL)
_ADDRESS = re.compile(r"(?:(?P<module>.+):)?(?P<number>0x[0-9a-f]{1,16})", re.DOTALL)
_LARGEST_OFFSET = 1 << 32
"""No file is as large; programs with random addresses and libraries are mapped far above."""


def caller_in_log(text: str, limits: Limits) -> Frame:
    """The frame of a caller in a log.

    >>> from leakreport.limits import DEFAULT_LIMITS
    >>> caller_in_log("./leakd:[0x2d63]", DEFAULT_LIMITS)[1], hex(caller_in_log("./leakd:[0x2d63]", DEFAULT_LIMITS).offset or 0)
    ('./leakd', '0x2d62')
    >>> caller_in_log("/lib/libc.so.6:(fopen+0x7f)[0x758cc]", DEFAULT_LIMITS).function
    'fopen'
    """
    match = _PLACE.fullmatch(text[: limits.name_characters])
    if match is None:
        return Frame(text[: limits.name_characters]) if text else UNKNOWN_CALLER
    return _placed(match["module"], match["function"], int(match["number"], 16))


def caller_in_report(text: str, limits: Limits) -> Frame:
    """The frame of a caller that the command printed: a line of the source, an address, or words.

    >>> from leakreport.limits import DEFAULT_LIMITS
    >>> caller_in_report("/src/leakd.c:205 (discriminator 1)", DEFAULT_LIMITS).short_path
    'src/leakd.c'
    """
    text = _DISCRIMINATOR.sub("", text[: limits.name_characters].strip())
    if not text:
        return UNKNOWN_CALLER
    match = _ADDRESS.fullmatch(text)
    if match is not None:
        return _placed(match["module"], None, int(match["number"], 16))
    match = _LINE.fullmatch(text)
    if match is None:
        return caller_in_log(text, limits)
    directory, slash, file = match["path"].rpartition("/")
    line = int(match["line"]) if match["line"].isdecimal() else 0
    # Several places of a file have no function to tell them apart by.
    return Frame(f"{file}:{line}" if line else file, None, (directory or slash) or None, file or None, line or None)


def _placed(module: str | None, function: str | None, number: int) -> Frame:
    if function is not None:
        return Frame(function, module)
    if module is not None and 0 < number < _LARGEST_OFFSET:
        return Frame(module=module, offset=number - 1, kind=FrameKind.ADDRESS)
    return Frame(module=module, address=max(number - 1, 0), kind=FrameKind.ADDRESS)
