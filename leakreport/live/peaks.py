"""The highest figures of a process that is looked at often: what is held against its limits.

Source: proc_pid_status(5). VmPeak and VmHWM are high-water marks of the kernel, started anew by exec; VmData is what RLIMIT_DATA
counts (since Linux 4.7), and has none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from leakreport.live.files import NotPermitted, ProcessFiles, ProcessGone

_AMOUNT = re.compile(rb"^(Vm\w+):\s*(\d{1,15}) kB$", re.MULTILINE)


@dataclass(slots=True)
class Peaks:
    """None where nothing could be read."""

    virtual_bytes: int | None = None
    resident_bytes: int | None = None
    data_bytes: int | None = None
    open_fds: int | None = None
    group_bytes: int | None = None
    """Of the control group that it was put into."""

    def look(self, files: ProcessFiles) -> None:
        """Take what the process shows now; one that is gone shows nothing."""
        try:
            status = files.read("status")
            count = files.descriptor_count()
        except (ProcessGone, NotPermitted):
            return
        amounts = {match[1]: int(match[2]) * 1024 for match in _AMOUNT.finditer(status)}
        self.virtual_bytes = _higher(self.virtual_bytes, amounts.get(b"VmPeak"))
        self.resident_bytes = _higher(self.resident_bytes, amounts.get(b"VmHWM"))
        self.data_bytes = _higher(self.data_bytes, amounts.get(b"VmData"))
        self.open_fds = _higher(self.open_fds, count)

    def known(self) -> dict[str, int]:
        """Those that were seen, by name."""
        return {name: amount for name in self.__slots__ if (amount := self.of(name)) is not None}

    def of(self, name: str | None) -> int | None:
        """By the name of the field, as `Limit.peak` has it."""
        found = None if name is None else getattr(self, name)
        return found if isinstance(found, int) else None


def _higher(known: int | None, seen: int | None) -> int | None:
    if known is None or seen is None:
        return seen if known is None else known
    return max(known, seen)
