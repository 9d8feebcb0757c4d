"""What the system tells of a process that runs: its program, its allocator, its run-time, its memory.

Source: proc(5). Nothing is attached, nothing is stopped: only files below /proc/PID are read, and the headers of its program.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from leakreport.errors import UnreadableInput

_ALLOCATORS = (
    ("jemalloc", re.compile(r"libjemalloc")),
    ("tcmalloc", re.compile(r"libtcmalloc")),
    ("mimalloc", re.compile(r"libmimalloc")),
    ("the sanitizers'", re.compile(r"lib[a-z]*asan|liblsan")),
    ("musl", re.compile(r"ld-musl|libc\.musl")),
    ("glibc", re.compile(r"libc(?:-[\d.]+)?\.so")),
)
"""The first that is mapped serves malloc."""
_JVM, _PYTHON = re.compile(r"libjvm\.so"), re.compile(r"libpython\d|/python[\d.]*\Z")
_CONTAINER = re.compile(r"docker|kubepods|containerd|libpod|lxc|crio")
_MOST_BYTES = 1 << 24


class Program(NamedTuple):
    """What the headers of an executable tell."""

    build_id: str | None
    has_debug_info: bool
    has_debug_link: bool
    has_symbols: bool
    """The full symbol table, not only what is exported."""
    is_static: bool
    is_movable: bool
    """Position-independent, so that it is loaded elsewhere each time."""
    is_go: bool


@dataclass(frozen=True, slots=True)
class Process:
    """What was found; None for what could not be read."""

    pid: int
    name: str
    command: tuple[str, ...]
    executable: str | None
    resident_bytes: int | None
    anonymous_bytes: int | None
    threads: int | None
    allocator: str | None
    modules: tuple[str, ...]
    """Files that are mapped, by name without folder."""
    program: Program | None
    is_jvm: bool
    is_python: bool
    in_container: bool
    has_random_layout: bool | None
    refused: tuple[str, ...]
    """Files that may not be read by this user."""


def read_process(pid: int, program_of: Callable[[str], Program | None], *, proc: str = "/proc") -> Process:
    """Read what can be read of a process.

    Args:
        pid: of the process.
        program_of: the headers of an executable, None where they cannot be read.
        proc: where the file system of processes is.

    Raises:
        UnreadableInput: there is no such process, or it went away.
    """
    refused: list[str] = []

    def content(name: str) -> str:
        try:
            with open(f"{proc}/{pid}/{name}", "rb") as file:
                return file.read(_MOST_BYTES).decode("utf-8", "replace")
        except PermissionError:
            refused.append(name)
            return ""
        except OSError as error:
            if name != "status":
                return ""
            raise UnreadableInput(f"there is no process {pid}", advice="It may have ended: check the pid.") from error

    status = dict(line.partition(":")[::2] for line in content("status").splitlines())
    if status.get("State", "").strip().startswith("Z"):
        raise UnreadableInput(f"process {pid} has ended and was not waited for", advice="Give a pid that still runs.")
    command = tuple(part for part in content("cmdline").split("\0") if part)
    maps = content("maps")
    paths = list(dict.fromkeys(parts[5] for line in maps.splitlines() if len(parts := line.split(None, 5)) == 6))
    names = tuple(path.rsplit("/", 1)[-1].removesuffix(" (deleted)") for path in paths if path.startswith("/"))
    link = f"{proc}/{pid}/exe"
    try:
        executable: str | None = os.readlink(link)
    except OSError:
        executable = None
        refused.append("exe")
    program = program_of(link) if executable is not None else None
    return Process(
        pid=pid,
        name=status.get("Name", "").strip() or "?",
        command=command,
        executable=executable,
        resident_bytes=_kilobytes(status.get("VmRSS")),
        anonymous_bytes=_kilobytes(status.get("RssAnon")),
        threads=_number(status.get("Threads")),
        allocator=_allocator(names) if maps else None,
        modules=names,
        program=program,
        is_jvm=any(_JVM.search(path) for path in paths),
        is_python=any(_PYTHON.search(path) for path in (*paths, executable or "")),
        in_container=len(status.get("NSpid", "").split()) > 1 or _CONTAINER.search(content("cgroup")) is not None,
        has_random_layout=_random_layout(proc),
        refused=tuple(dict.fromkeys(refused)),
    )


def _allocator(modules: tuple[str, ...]) -> str | None:
    return next((name for name, pattern in _ALLOCATORS if any(map(pattern.match, modules))), None)


def _number(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 16 else None


def _kilobytes(text: str | None) -> int | None:
    found = _number((text or "").strip().removesuffix("kB"))
    return None if found is None else found * 1024


def _random_layout(proc: str) -> bool | None:
    try:
        with open(f"{proc}/sys/kernel/randomize_va_space", encoding="ascii") as file:
            return file.read(8).strip() != "0"
    except (OSError, UnicodeDecodeError):
        return None
