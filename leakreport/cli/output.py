"""Where results go: files that appear whole or not at all, and standard output that may be a closed pipe."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from leakreport.errors import OutputError, UsageError


def check_shows(stream: TextIO, name: str, *, is_binary: bool) -> None:
    """See that a format may go to a stream.

    Raises:
        UsageError: it is binary and the stream is a terminal.
    """
    if is_binary and stream.isatty():
        raise UsageError(f"{name} is binary and no text for a terminal", advice="Give a file with -o, or a pipe.")


def check_replaces_nothing(outputs: Sequence[str], inputs: Sequence[str]) -> None:
    """See that no output is an input, or another output.

    Raises:
        UsageError: one is.
    """
    taken = {os.path.realpath(path): f"the input {path}" for path in inputs if path != "-"}
    for path in outputs:
        real = os.path.realpath(path)
        if real in taken:
            raise UsageError(f"-o {path} would replace {taken[real]}", advice="Give each output a name of its own.")
        taken[real] = "another output"


def write_stdout(content: str | bytes, stream: TextIO) -> None:
    """Write to standard output. A reader that has gone (`| head`) is no error.

    Raises:
        OutputError: the text could not be written.
    """
    try:
        if isinstance(content, bytes):
            stream.buffer.write(content)
        else:
            stream.write(content)
        stream.flush()
    except BrokenPipeError:
        # The interpreter flushes again at exit: give it somewhere to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UnicodeEncodeError:
        _write_replaced(str(content), stream)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(f"cannot write to standard output: {error.strerror or error}") from error


def _write_replaced(text: str, stream: TextIO) -> None:
    """A terminal that cannot show a character gets a question mark for it."""
    encoding = stream.encoding or "ascii"
    write_stdout(text.encode(encoding, "replace").decode(encoding), stream)


def write_file(path: str, content: str | bytes) -> None:
    """Write a file that appears whole or not at all: a temporary file in the same folder, then a rename.

    Raises:
        OutputError: there is a folder or device of that name, or it cannot be written. Nothing is left behind.
    """
    target = Path(path)
    try:
        mode = target.stat().st_mode
    except OSError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        raise OutputError(f"{path} exists and is no regular file", advice="Give another name after -o.")
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent,
            prefix=".leakreport-",
            delete=False,
        ) as file:
            temporary = file.name
            file.write(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
        os.chmod(temporary, stat.S_IMODE(mode) if mode is not None else 0o666 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def remove_file(path: str) -> bool:
    """Remove a regular file; False where there is none: folders and devices stay.

    Raises:
        OutputError: it cannot be removed.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise OutputError(
            f"cannot remove {path}: {error.strerror or error}", advice="It is of an earlier run."
        ) from error
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
