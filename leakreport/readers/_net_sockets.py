"""The tables /proc/PID/net/tcp, tcp6, udp, udp6 and unix: which socket an inode is, and in which state.

      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       3: 0100007F:B684 0100007F:A3B3 08 00000000:00000001 00:00000000 00000000     0        0 269717 2 …

The tables are of a whole network namespace, not of one process. Rows with inode 0 belong to no descriptor any more.

Source: proc_pid_net(5); Linux `include/net/tcp_states.h`.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from leakreport.mappings import numbered

HEADER = re.compile(
    rb" *sl +local_address +rem(?:ote)?_address +st .*inode.*|Num +RefCount Protocol Flags +Type St Inode Path *"
)
_ROW = re.compile(
    rb" *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2})"
    rb" \S+ \S+ \S+ +\d+ +\d+ (\d{1,19})(?: .*)?"
)
_UNIX = re.compile(
    rb"[0-9a-f]{8,16}: [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{8} ([0-9A-F]{4}) [0-9A-F]{2} +(\d{1,19})(?: (.*))?"
)
_STATES = (
    "", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
    "LISTEN", "CLOSING", "NEW_SYN_RECV",
)  # fmt: skip


class Socket(NamedTuple):
    """One end of a connection."""

    protocol: str
    state: str
    local: str
    remote: str


class SocketTable:
    """The sockets of one moment by inode."""

    def __init__(self) -> None:
        """Start with none."""
        self.by_inode: dict[int, Socket] = {}
        self._protocol = "tcp"

    def __len__(self) -> int:
        return len(self.by_inode)

    def take_header(self, line: bytes) -> bool:
        """Whether a line begins a table."""
        if HEADER.fullmatch(line) is None:
            return False
        self._protocol = "unix" if line.startswith(b"Num") else "udp" if b"drops" in line else "tcp"
        return True

    def read(self, line: bytes) -> tuple[int, Socket] | None:
        """The inode and the socket of a row; None for anything else."""
        match = _ROW.fullmatch(line)
        if match is not None:
            state = int(match[5], 16)
            name = _STATES[state] if state < len(_STATES) else match[5].decode("ascii")
            ends = [f"{_address(match[one])}:{int(match[one + 1], 16)}" for one in (1, 3)]
            return int(match[6]), Socket(self._protocol, "" if self._protocol == "udp" else name, *ends)
        match = _UNIX.fullmatch(line)
        if match is None:
            return None
        path = (match[3] or b"")[:4096].decode("utf-8", "backslashreplace")
        return int(match[2]), Socket("unix", "", path, "")


def _address(digits: bytes) -> str:
    """Words of 32 bits, each as the machine that wrote it has it: little-endian.

    >>> _address(b"0100007F"), _address(b"0000000000000000FFFF00000100007F")
    ('127.0.0.1', '127.0.0.1')
    """
    raw = bytes.fromhex(digits.decode("ascii"))
    packed = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    if len(packed) == 4:
        return str(IPv4Address(packed))
    address = IPv6Address(packed)
    return str(address.ipv4_mapped or f"[{address}]")


def described(socket: Socket, listening: frozenset[str]) -> tuple[str, str]:
    """Class and target of a socket: what sockets of one kind and purpose have in common.

    Args:
        socket: one end.
        listening: ports that somebody listens on: such a connection came in there, any other went out.
    """
    words = " ".join(word for word in (socket.protocol, socket.state) if word)
    if socket.protocol == "unix":
        return "socket", f"[{words} {numbered(socket.local)}]" if socket.local else f"[{words}]"
    came_in = socket.state == "LISTEN" or socket.local.rpartition(":")[2] in listening or not socket.remote
    return "socket", f"[{words} {socket.local if came_in else socket.remote}]"
