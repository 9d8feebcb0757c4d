"""What a JVM says of its own memory: `jcmd PID VM.native_memory summary`, started at one tick and collected at a later one.

jcmd is a JVM of its own: about half a second of processor time each, so it is asked at a sixth of the rate. It must be
run as the user of the process, and is looked for beside the java of the process, then in PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from typing import BinaryIO

from leakreport.errors import UsageError
from leakreport.live.process import ProcessHandle

FORMAT = "nmt"
TICKS = 6
_LONGEST_SECONDS = 30.0
_MOST_BYTES = 4 << 20
_OFF = b"Native memory tracking is not enabled"


class NativeMemory:
    """Asks one JVM, again and again."""

    def __init__(self, handle: ProcessHandle, *, interval: float, jcmd: str | None = None) -> None:
        """Find jcmd.

        Args:
            handle: of the JVM.
            interval: seconds between two samples.
            jcmd: where it is, instead of searching.

        Raises:
            UsageError: there is none.
        """
        self.refusal: str | None = None
        """Why nothing is asked any more."""
        found = jcmd or _beside(handle.program.executable) or shutil.which("jcmd")
        if found is None:
            raise UsageError(
                "--jcmd: there is no jcmd",
                advice="It comes with a JDK: put its bin folder in PATH, or leave --jcmd out.",
            )
        self._command = (found, str(handle.pid), "VM.native_memory", "summary")
        self._every = interval * TICKS
        self._next = 0.0
        self._running: tuple[subprocess.Popen[bytes], BinaryIO, float] | None = None

    def take(self, seconds: float) -> Mapping[str, str]:
        """What it said since it was asked last, by the name of the format; and ask again where it is time."""
        text = self._collect(seconds)
        if self._running is None and self.refusal is None and seconds >= self._next:
            self._next = seconds + self._every
            self._ask(seconds)
        return {} if text is None else {FORMAT: text}

    def close(self) -> None:
        """End what still runs."""
        if self._running is not None:
            process, output, _ = self._running
            process.kill()
            process.wait()
            output.close()
            self._running = None

    def _ask(self, seconds: float) -> None:
        output = tempfile.TemporaryFile()  # noqa: SIM115 - closed where it is read
        try:
            process = subprocess.Popen(  # noqa: S603 - jcmd of the JVM, found by its place
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            output.close()
            self.refusal = f"{self._command[0]}: {error.strerror or error}"
            return
        self._running = (process, output, seconds)

    def _collect(self, seconds: float) -> str | None:
        if self._running is None:
            return None
        process, output, since = self._running
        if process.poll() is None:
            if seconds - since > _LONGEST_SECONDS:
                self.close()
                self.refusal = f"jcmd gave no answer within {_LONGEST_SECONDS:.0f} s"
            return None
        with output:
            output.seek(0)
            content = output.read(_MOST_BYTES)
        self._running = None
        if process.returncode != 0 or _OFF in content:
            words = content.decode("utf-8", "replace").strip().splitlines()
            self.refusal = words[-1] if words else f"jcmd ended with {process.returncode}"
            return None
        return content.decode("utf-8", "backslashreplace")


def _beside(executable: str | None) -> str | None:
    if executable is None:
        return None
    path = os.path.join(os.path.dirname(executable), "jcmd")
    return path if os.access(path, os.X_OK) else None
