"""The file that a series goes to, line by line; each line is out before the next sample is taken."""

from __future__ import annotations

import os
import stat
import tempfile
from types import TracebackType
from typing import Self

from leakreport.errors import OutputError


class SeriesFile:
    """A file of one's own, or a temporary one that goes away with the watch; use as a context manager."""

    def __init__(self, path: str | None) -> None:
        """Open it; an existing regular file is replaced.

        Raises:
            OutputError: there is something else of that name, or it cannot be written.
        """
        self._is_temporary = path is None
        try:
            if path is None:
                self._descriptor, self.path = tempfile.mkstemp(prefix="leakreport-", suffix=".jsonl")
            else:
                if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
                    raise OutputError(f"{path} exists and is no regular file", advice="Give another name after -o.")
                self.path = path
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._descriptor = os.open(path, flags, 0o666)
        except OSError as error:
            raise OutputError(f"cannot write {path or 'a temporary file'}: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """The end of the series; a temporary file goes away."""
        os.close(self._descriptor)
        if self._is_temporary:
            os.unlink(self.path)

    def write(self, line: str) -> None:
        """Add a line.

        Raises:
            OutputError: it could not be written.
        """
        content = line.encode("utf-8", "backslashreplace")
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error
