"""A handle on one process: whether a pid still means what it meant, and what it runs.

A pid is given again after a process has ended: the time it was started (in ticks since the machine booted) together with the id of
that boot tells two apart. exec keeps both, so the executable and the place of the stack, which every exec puts elsewhere, are
compared, too. Where neither may be read, a new name together with a high-water mark that fell tells it.

Source: proc_pid_stat(5), fields 22 and 28; proc_pid_exe(5).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum

from leakreport.errors import UnreadableInput, UsageError
from leakreport.live.files import NotPermitted, ProcessFiles, ProcessGone

_FIELD = re.compile(rb"^(\w+):\t(.*)$", re.MULTILINE)
_AFTER_NAME = {"state": 0, "start": 19, "stack": 25}
"""Places behind the name in stat, which itself may hold anything."""


class ProcessState(StrEnum):
    """What became of a process since it was looked at last."""

    RUNNING = "running"
    EXEC = "exec"
    """It runs another program now, under the same pid."""
    ENDED = "ended"
    REUSED = "reused"
    """It has ended, and its pid belongs to another process."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a process from another one of the same pid."""

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Program:
    """What a process runs. None where it may not be read."""

    executable: str | None
    command: tuple[str, ...]
    name: str
    stack_start: int | None


class ProcessHandle:
    """One process from now on."""

    def __init__(self, pid: int, *, proc: str = "/proc") -> None:
        """Look at a process.

        Raises:
            UsageError: the pid is none, or that of a thread.
            UnreadableInput: there is no such process, it has ended, is hidden, or is a thread of the kernel.
        """
        self.files = ProcessFiles(pid, proc)
        self.pid = pid
        try:
            self.status = self.files.read("status")
            start, _ = self._stat()
            self.identity = Identity(pid, start, self._boot_id())
            self.program = self._program()
        except (ProcessGone, NotPermitted) as error:
            raise _missing(pid, proc, error) from error
        self.is_alive = True
        self._peak = _amount(self.status, b"VmHWM")
        _check_has_memory(pid, self.status)

    @property
    def parent(self) -> int | None:
        """The pid of the process that started it."""
        return _number(self.status, b"PPid")

    def look(self) -> ProcessState:
        """What became of it; `status` is what it was at that moment, and `program` what it runs.

        One look reads /proc/PID/stat and status, which everybody may read.
        """
        try:
            start, stack = self._stat()
            if start != self.identity.start_ticks:
                self.is_alive = False
                return ProcessState.REUSED
            status = self.files.read("status")
            has_ended = not _has_memory(status)
        except (ProcessGone, NotPermitted):
            has_ended = True
        if has_ended:
            self.is_alive = False
            return ProcessState.ENDED
        self.status = status
        return ProcessState.EXEC if self._has_exec(stack) else ProcessState.RUNNING

    def _has_exec(self, stack: int | None) -> bool:
        peak, before = _amount(self.status, b"VmHWM"), self._peak
        self._peak = peak
        known = self.program
        has_fallen = peak is not None and before is not None and peak < before
        if stack == known.stack_start and stack is not None:
            return False
        if stack is None and not has_fallen:
            return False
        try:
            now = self._program()
        except (ProcessGone, NotPermitted):
            return False
        if stack is None and (now.name, now.command) == (known.name, known.command):
            return False
        self.program = now
        return True

    def _stat(self) -> tuple[int, int | None]:
        """When it was started, and where its stack begins where that may be known."""
        content = self.files.read("stat")
        fields = content[content.rfind(b")") + 1 :].split()
        if len(fields) <= _AFTER_NAME["stack"]:
            raise ProcessGone("its stat is empty")
        stack = int(fields[_AFTER_NAME["stack"]])
        # 0 or 1 stand for "not permitted".
        return int(fields[_AFTER_NAME["start"]]), stack if stack > 1 else None

    def _program(self) -> Program:
        _, stack = self._stat()
        try:
            executable: str | None = self.files.link("exe")
        except NotPermitted:
            executable = None
        try:
            arguments = self.files.read("cmdline").rstrip(b"\0").split(b"\0")
        except NotPermitted:
            arguments = []
        command = tuple(part.decode("utf-8", "backslashreplace") for part in arguments) if arguments != [b""] else ()
        return Program(executable, command, _text(self.status, b"Name"), stack)

    def _boot_id(self) -> str:
        try:
            with open(f"{self.files.proc}/sys/kernel/random/boot_id", encoding="ascii") as file:
                return file.read(64).strip()
        except (OSError, UnicodeDecodeError):
            return ""


def _text(status: bytes, word: bytes) -> str:
    found = next((match[2] for match in _FIELD.finditer(status) if match[1] == word), b"")
    return found.strip().decode("utf-8", "backslashreplace")


def _number(status: bytes, word: bytes) -> int | None:
    text = _text(status, word)
    return int(text) if text.isdecimal() and len(text) < 12 else None


def _amount(status: bytes, word: bytes) -> int | None:
    """In kB."""
    text = _text(status, word).removesuffix(" kB")
    return int(text) if text.isdecimal() and len(text) < 18 else None


def _has_memory(status: bytes) -> bool:
    return b"\nVmRSS:" in status


def _check_has_memory(pid: int, status: bytes) -> None:
    if not status:
        raise UnreadableInput(f"the status of process {pid} reads empty", advice="Ask as its user, or as root.")
    leader = _number(status, b"Tgid")
    if leader is not None and leader != pid:
        raise UsageError(f"{pid} is a thread of process {leader}", advice=f"Give the pid of the process: {leader}.")
    if _has_memory(status):
        return
    name = _text(status, b"Name")
    if _text(status, b"State")[:1] in {"Z", "X"}:
        raise UnreadableInput(
            f"process {pid} ({name}) has ended and was not waited for", advice="Give a pid that still runs."
        )
    raise UnreadableInput(
        f"process {pid} ({name}) is a thread of the kernel and has no memory of its own",
        advice="Give the pid of a program.",
    )


def _missing(pid: int, proc: str, error: Exception) -> UnreadableInput:
    """Why a process cannot be seen."""
    if isinstance(error, NotPermitted):
        return UnreadableInput(
            f"process {pid} may not be looked at: {error}", advice="Ask as its user, or as root (sudo)."
        )
    if proc == "/proc" and _exists(pid):
        return UnreadableInput(
            f"process {pid} runs, and /proc hides it (mount option hidepid)",
            advice="Ask as its user, or as root (sudo).",
        )
    return UnreadableInput(
        f"there is no process {pid}",
        advice="It may have ended: check the pid. Pids inside a container are others than outside: look it up where "
        "leakreport runs, or start its container with --pid=host.",
    )


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
