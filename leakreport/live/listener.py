"""What a command writes, on its way: passed on as it is, and looked through for what it says of a lack.

Standard error always, standard output where it is no terminal (a JVM that cannot start says so there). A terminal stays one for
the command: it gets another terminal of the same size.

Source: strerror(3) of glibc and musl; the words of C++, Java, Go, Python, Rust.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import termios
import threading
import time
import tty

PHRASES = {
    b"Cannot allocate memory": "memory",
    b"cannot allocate memory": "memory",
    b"annot allocate virtual memory": "memory",
    b"Out of memory": "memory",
    b"out of memory": "memory",
    b"std::bad_alloc": "memory",
    b"memory exhausted": "memory",
    b"Could not allocate": "memory",
    b"Unable to allocate": "memory",
    b"failed to map segment": "memory",
    b"MemoryError": "memory",
    b"OutOfMemoryError": "memory",
    b"Could not reserve enough space": "memory",
    b"insufficient memory": "memory",
    b"memory allocation of": "memory",
    b"Too many open files": "nofile",
    b"No file descriptors available": "nofile",
    b"Resource temporarily unavailable": "nproc",
    b"unable to create native thread": "nproc",
    b"can't start new thread": "nproc",
}
"""What is written, and which kind of limit it is a sign of: `memory`, `nofile`, `nproc`."""
_LONGEST = max(map(len, PHRASES))
_LAST_WORDS_SECONDS = 0.5
_PIECE = 1 << 16


class Listener:
    """Reads what a command writes to one of its descriptors."""

    def __init__(self, descriptor: int) -> None:
        """Make the two ends; what leakreport's own descriptor is decides what they are.

        Args:
            descriptor: 1 or 2, where it is passed on to.
        """
        self._descriptor = descriptor
        self._own_end, self.child_end = pty.openpty() if os.isatty(descriptor) else os.pipe()
        if os.isatty(descriptor):
            _like_terminal(self.child_end, descriptor)
        self._said: set[str] = set()
        self._tail = b""
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"descriptor {descriptor} of the command", daemon=True)
        self._has_started = False

    def start(self) -> None:
        """Begin; the command has its end."""
        os.close(self.child_end)
        self.child_end = -1
        self._has_started = True
        self._thread.start()

    def finish(self) -> set[str]:
        """What was said, once the command has ended. What others that it started write later is lost."""
        self._is_over.set()
        self._thread.join()
        return self._said

    def close(self) -> None:
        """Give everything back."""
        self._is_over.set()
        if self._has_started:
            self._thread.join()
        for descriptor in (self.child_end, self._own_end):
            if descriptor >= 0:
                os.close(descriptor)
        self.child_end = self._own_end = -1

    def _read(self) -> None:
        deadline: float | None = None
        while deadline is None or time.monotonic() < deadline:
            if deadline is None and self._is_over.is_set():
                deadline = time.monotonic() + _LAST_WORDS_SECONDS
            ready, _, _ = select.select([self._own_end], [], [], 0.05)
            if not ready:
                if deadline is not None:
                    return
                continue
            try:
                piece = os.read(self._own_end, _PIECE)
            except OSError:
                # A terminal whose last writer has gone.
                return
            if not piece:
                return
            self._look(piece)
            self._write(piece)

    def _look(self, piece: bytes) -> None:
        text = self._tail + piece
        self._said.update(phrase.decode() for phrase in PHRASES if phrase in text)
        self._tail = text[-_LONGEST:]

    def _write(self, piece: bytes) -> None:
        while piece:
            try:
                piece = piece[os.write(self._descriptor, piece) :]
            except OSError:
                # Nobody reads it any more; the command shall not notice.
                return


def _like_terminal(terminal: int, real: int) -> None:
    """The size of the real one; nothing is changed on the way, as the real one does that."""
    tty.setraw(terminal)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, fcntl.ioctl(real, termios.TIOCGWINSZ, b"\0" * 8))
    except OSError:
        return
