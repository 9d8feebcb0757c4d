"""The files of one process below /proc: read whole, with "gone" and "not permitted" told apart.

A file of a process that ended is missing, or fails with ESRCH, or reads empty. One that may not be read fails with EACCES or
EPERM, or opens and reads empty while the process lives.

Source: proc(5), ptrace(2) (access mode PTRACE_MODE_READ).
"""

from __future__ import annotations

import errno
import os

_GONE = frozenset((errno.ENOENT, errno.ESRCH, errno.ENOTDIR))
_DENIED = frozenset((errno.EACCES, errno.EPERM))
_PIECE = 1 << 20
"""One read gives as much of a list of mappings as the kernel can without letting the process change it in between."""


class ProcessGone(Exception):
    """The process has ended, or its files are hidden now."""


class NotPermitted(Exception):
    """This user may not read a file of the process, or this kernel has none of that name."""


class ProcessFiles:
    """The folder of one process."""

    def __init__(self, pid: int, proc: str = "/proc") -> None:
        """Nothing is read yet."""
        self.pid = pid
        self.proc = proc
        self._folder = f"{proc}/{pid}"

    @property
    def is_there(self) -> bool:
        """Whether the folder can be seen."""
        return os.path.isdir(self._folder)

    def read(self, name: str) -> bytes:
        """The content of a file of the process.

        Raises:
            ProcessGone: there is no such process any more.
            NotPermitted: the file may not be read, or is not there while the process is.
        """
        try:
            descriptor = os.open(f"{self._folder}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._meaning(error) from error
        pieces: list[bytes] = []
        try:
            while piece := os.read(descriptor, _PIECE):
                pieces.append(piece)
        except OSError as error:
            raise self._meaning(error) from error
        finally:
            os.close(descriptor)
        return b"".join(pieces)

    def link(self, name: str) -> str:
        """Where a link of the process leads; bytes that are no UTF-8 are escaped.

        Raises:
            ProcessGone: there is no such process any more.
            NotPermitted: it may not be read, or is not there while the process is.
        """
        try:
            return os.fsencode(os.readlink(f"{self._folder}/{name}")).decode("utf-8", "backslashreplace")
        except OSError as error:
            raise self._meaning(error) from error

    def names(self, folder: str) -> list[str]:
        """What a folder of the process lists.

        Raises:
            ProcessGone: there is no such process any more.
            NotPermitted: it may not be listed.
        """
        try:
            return os.listdir(f"{self._folder}/{folder}")
        except OSError as error:
            raise self._meaning(error) from error

    def descriptor_count(self) -> int | None:
        """How many descriptors are open; None where that cannot be told.

        Source: Linux 6.2 gives it as the size of the folder, which costs nothing (commit f1f1f2569901).

        Raises:
            ProcessGone: there is no such process any more.
        """
        try:
            size = os.stat(f"{self._folder}/fd").st_size
            return size if size > 0 else len(self.names("fd"))
        except NotPermitted:
            return None
        except OSError as error:
            meaning = self._meaning(error)
            if isinstance(meaning, ProcessGone):
                raise meaning from error
            return None

    def _meaning(self, error: OSError) -> ProcessGone | NotPermitted:
        if error.errno in _DENIED or (error.errno in _GONE and error.errno != errno.ESRCH and self.is_there):
            return NotPermitted(error.strerror or str(error))
        if error.errno in _GONE:
            return ProcessGone(error.strerror or str(error))
        return NotPermitted(error.strerror or str(error))
