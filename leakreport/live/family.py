"""What a command started in its turn: its children, theirs, and so on.

Source: proc_tid_children(5), since Linux 3.5 where it is compiled in; else proc_pid_stat(5), field 4, of every process. What was left
behind by a parent that ended belongs to another one and is not found.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

_MOST = 1000
"""Processes below one command; more are not followed."""


class Relative(NamedTuple):
    """One process below the command."""

    pid: int
    parent: int
    name: str


def descendants(pid: int, *, proc: str = "/proc") -> list[Relative]:
    """All below a process, parents before their children; without those that have ended and were not waited for."""
    has_lists = os.path.exists(f"{proc}/self/task/{os.getpid()}/children")
    by_parent = {} if has_lists else _by_parent(proc)
    below: list[Relative] = []
    known, waiting = {pid}, [pid]
    while waiting and len(below) < _MOST:
        parent = waiting.pop(0)
        pids: Iterable[int] = _listed(parent, proc) if has_lists else by_parent.get(parent, ())
        for child in sorted(set(pids) - known):
            # A pid can be given again meanwhile: none is followed twice.
            known.add(child)
            found = _relative(child, proc)
            if found is not None:
                below.append(found)
                waiting.append(child)
    return below


def _listed(pid: int, proc: str) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"{proc}/{pid}/task"):
            with open(f"{proc}/{pid}/task/{task}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:
        # It ended while it was asked.
        return found
    return found


def _by_parent(proc: str) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in os.listdir(proc):
        if entry.isdecimal() and (one := _relative(int(entry), proc)) is not None:
            found.setdefault(one.parent, []).append(one.pid)
    return found


def _relative(pid: int, proc: str) -> Relative | None:
    try:
        with open(f"{proc}/{pid}/stat", "rb") as file:
            content = file.read(4096)
    except OSError:
        return None
    # The name may hold anything, a bracket too.
    start, end = content.find(b"("), content.rfind(b")")
    fields = content[end + 1 :].split()
    if start < 0 or end < start or len(fields) < 2 or fields[0] in {b"Z", b"X"} or not fields[1].isdigit():
        return None
    return Relative(pid, int(fields[1]), content[start + 1 : end].decode("utf-8", "backslashreplace"))
