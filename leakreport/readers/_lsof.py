"""The table that lsof prints: one row per descriptor.

    COMMAND   PID USER   FD   TYPE DEVICE SIZE/OFF    NODE NAME
    server  32090 root    5u  IPv4 269717      0t0     TCP 127.0.0.1:46724->127.0.0.1:41907 (CLOSE_WAIT)

Only descriptors count; `cwd`, `txt`, `mem` are none. Names stand at the place of their column.

Source: lsof(8).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from leakreport.readers._net_sockets import Socket

HEADER = re.compile(rb"COMMAND +PID +(?:TID +)?(?:TASKCMD +)?(?:PGID +)?(?:PPID +)?(?:USER +)?FD +TYPE .*NAME *")
SEPARATOR = re.compile(rb"={5,}.*|p?m?={3,}")
_DESCRIPTOR = re.compile(rb"(\d{1,7})(?:[rwu-][ *NrRwWuUxX-]?)?")
_STATE = re.compile(r" \(([A-Z_0-9]+)\)\Z")


class LsofRow(NamedTuple):
    """One descriptor."""

    pid: int
    command: str
    descriptor: int
    target: str
    socket: Socket | None


class LsofTable:
    """Rows below one header."""

    def __init__(self, header: bytes) -> None:
        """Where the names begin, and whether threads have rows."""
        self._name_start = header.index(b"NAME")
        self._has_threads = b"TID" in header.split()

    def read(self, line: bytes) -> LsofRow | None:
        """The descriptor of a row; None where it is none. Rows of threads repeat those of their process."""
        cells = line[: self._name_start].split()
        # A command may hold blanks; from the pid on, cells are words.
        first = next((place for place, cell in enumerate(cells) if place and cell.isdigit() and len(cell) < 11), None)
        if first is None:
            return None
        if self._has_threads and cells[first + 1 : first + 2] and cells[first + 1].isdigit():
            return None
        found = next(
            (
                (at, match)
                for at in range(first + 1, min(first + 6, len(cells) - 1))
                if (match := _DESCRIPTOR.fullmatch(cells[at])) and cells[at + 1][:1].isalpha()
            ),
            None,
        )
        if found is None:
            return None
        at, match = found
        kind = cells[at + 1].decode("ascii", "replace")
        name = line[self._name_start :][:4096].decode("utf-8", "backslashreplace").strip()
        socket = _socket(kind, cells[-1].decode("ascii", "replace").lower(), name)
        command = b" ".join(cells[:first]).decode("utf-8", "backslashreplace")
        return LsofRow(int(cells[first]), command, int(match[1]), _target(kind, name), socket)


def _socket(kind: str, protocol: str, name: str) -> Socket | None:
    if kind not in {"IPv4", "IPv6"}:
        return None
    match = _STATE.search(name)
    local, _, remote = _STATE.sub("", name).partition("->")
    return Socket(protocol if protocol in {"tcp", "udp"} else "raw", match[1] if match else "", local, remote)


def _target(kind: str, name: str) -> str:
    """As /proc writes it."""
    if kind == "FIFO" and name == "pipe":
        return "pipe:[0]"
    if kind == "a_inode":
        return f"anon_inode:{name}"
    if kind in {"sock", "unix", "netlink", "pack"}:
        return "socket:[0]"
    return name
