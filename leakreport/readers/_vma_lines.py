"""One line of /proc/PID/maps, which heads every mapping in smaps as well.

Source: proc_pid_maps(5): `START-END PERMS OFFSET DEV INODE  PATH`, hexadecimal without 0x.
"""

from __future__ import annotations

import re

from leakreport.mappings import Vma

LINE = re.compile(
    rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][psS-]) ([0-9a-f]{1,16}) ([0-9a-f]+:[0-9a-f]+) (\d{1,20})(?: +(.*))?"
)
HEAD = rb"[0-9a-f]{1,16}-[0-9a-f]{1,16} [r-][w-][x-][psS-] [0-9a-f]{1,16} [0-9a-f]+:[0-9a-f]+ \d{1,20}[^\n]*\n"
"""Such a line inside a text, for signatures."""
ROLLUP = b"[rollup]"
_LONGEST_PATH = 4096


def vma_of(line: bytes) -> Vma | None:
    """The mapping of a line; None where it is none."""
    match = LINE.fullmatch(line.rstrip())
    if match is None:
        return None
    start, end = int(match[1], 16), int(match[2], 16)
    if end <= start:
        return None
    path = (match[7] or b"")[:_LONGEST_PATH].decode("utf-8", "backslashreplace")
    return Vma(start, end, match[3].decode("ascii"), path, {})
