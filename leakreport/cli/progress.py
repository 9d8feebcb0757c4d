"""A progress line on standard error, on terminals only and only when reading takes a while."""

from __future__ import annotations

import sys
import time

_QUIET_SECONDS = 0.5
_STEP_SECONDS = 0.1
_BAR = 24


class ProgressLine:
    """Call it with bytes read and the size of the file; call `clear` before anything else is printed."""

    def __init__(self, label: str, *, is_shown: bool) -> None:
        """Start the clock; nothing is printed for the first half second."""
        self._label = label
        self._is_shown = is_shown
        self._start = self._last = time.monotonic()
        self._has_printed = False

    def __call__(self, done: int, size: int) -> None:
        """Print, if it is time to."""
        if not self._is_shown:
            return
        now = time.monotonic()
        if now - self._start < _QUIET_SECONDS or now - self._last < _STEP_SECONDS:
            return
        self._last = now
        speed = f"{done / (now - self._start) / (1 << 20):.0f} MiB/s"
        if size > 0:
            filled = min(done * _BAR // size, _BAR)
            text = (
                f"reading {self._label} {'━' * filled}{'─' * (_BAR - filled)} {min(done * 100 // size, 100)}%  {speed}"
            )
        else:
            text = f"reading {self._label} {done / (1 << 20):.0f} MiB  {speed}"
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
        self._has_printed = True

    def clear(self) -> None:
        """Take the line away."""
        if self._has_printed:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._has_printed = False
