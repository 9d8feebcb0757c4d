"""Waiting for the next look: until it is time, until the process ends, or until somebody wants the watch to end.

Source: pidfd_open(2), Linux 5.3; without it, an end is seen at the next look.
"""

from __future__ import annotations

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Self

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Waiter:
    """Use as a context manager: inside, Ctrl-C and SIGTERM end waiting instead of the program; the second Ctrl-C ends it."""

    def __init__(self, pid: int | None = None) -> None:
        """With a pid, the end of that process ends waiting, too."""
        self.signal: int | None = None
        """The one that asked for the end."""
        self._pid = pid
        self._before: dict[int, object] = {}
        self._read_end = self._write_end = self._process = -1

    def __enter__(self) -> Self:
        self._read_end, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._pid is not None:
            try:
                self._process = os.pidfd_open(self._pid)
            except OSError:
                self._process = -1
        for number in _ENDING:
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave
        for descriptor in (self._read_end, self._write_end, self._process):
            if descriptor >= 0:
                os.close(descriptor)

    def wait(self, seconds: float) -> None:
        """Wait at most so long."""
        poll = select.poll()
        poll.register(self._read_end, select.POLLIN)
        if self._process >= 0:
            poll.register(self._process, select.POLLIN)
        poll.poll(max(seconds, 0) * 1000)

    def _take(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number
        os.write(self._write_end, b"\0")
