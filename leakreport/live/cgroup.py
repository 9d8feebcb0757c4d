"""A control group for one command: memory.high and memory.max, where the system lets this user make one.

Source: the kernel's Documentation/admin-guide/cgroup-v2.rst, "Delegation", "No Internal Process Constraint", "Memory".
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leakreport.errors import LimitRefused
from leakreport.live.limits import Limit

_FILES = {"memory-high": "memory.high", "memory-max": "memory.max"}


@dataclass(frozen=True, slots=True)
class Group:
    """A control group that was made for a command."""

    folder: Path

    def enter(self) -> None:
        """Move the process that calls into it."""
        (self.folder / "cgroup.procs").write_text("0", encoding="ascii")

    def used_bytes(self) -> int | None:
        """Its largest use, page cache and kernel memory included; the present one before Linux 5.19."""
        for name in ("memory.peak", "memory.current"):
            text = _text(self.folder / name).strip()
            if text.isdecimal():
                return int(text)
        return None

    def remove(self) -> bool:
        """Take it away; False where processes still are in it."""
        try:
            self.folder.rmdir()
        except OSError:
            return False
        return True


def make_group(limits: Sequence[Limit], *, proc: Path = Path("/proc"), name: str = "") -> Group:
    """A new control group with the limits that are a group's.

    Raises:
        LimitRefused: the machine has no cgroup v2 for memory, or it is not delegated to this user.
    """
    parent = _parent(proc, limits)
    folder = parent / (name or f"leakreport-{os.getpid()}")
    try:
        folder.mkdir()
    except OSError as error:
        raise _refused(f"no control group can be made below {parent}: {error.strerror}", limits) from error
    group = Group(folder)
    try:
        for limit in limits:
            if limit.is_of_group:
                (folder / _FILES[limit.name]).write_text(str(limit.amount), encoding="ascii")
    except OSError as error:
        group.remove()
        raise _refused(f"the control group takes no limit: {error.strerror}", limits) from error
    return group


def oom_kills(pid: int | str = "self", *, proc: Path = Path("/proc"), group: Group | None = None) -> int | None:
    """How often the kernel killed for lack of memory in the control group of a process; None where that is not told."""
    if group is not None:
        return _counted(group.folder / "memory.events")
    mounts, own = _mounts(proc), _own(proc, pid)
    for hierarchy, controller, name in (("cgroup2", "", "memory.events"), ("memory", "memory", "memory.oom_control")):
        if hierarchy in mounts and controller in own:
            found = _counted(mounts[hierarchy].folder_of(own[controller]) / name)
            if found is not None:
                return found
    return None


def _counted(path: Path) -> int | None:
    for line in _text(path).splitlines():
        word, _, number = line.partition(" ")
        if word == "oom_kill" and number.strip().isdecimal():
            return int(number)
    return None


def _parent(proc: Path, limits: Sequence[Limit]) -> Path:
    """Where a group for a command can stand: its members may get memory limits, and this user may make one."""
    mounts, own = _mounts(proc), _own(proc, "self")
    if "cgroup2" not in mounts or "" not in own or "memory" in own:
        if "memory" in own:
            raise LimitRefused(
                f"{_options(limits)}: this machine keeps memory in control groups of version 1, which cannot be delegated",
                advice="Use --limit-as or --limit-data; or as root set memory.limit_in_bytes of a group below "
                "/sys/fs/cgroup/memory and start leakreport in it, or boot with systemd.unified_cgroup_hierarchy=1.",
            )
        raise LimitRefused(
            f"{_options(limits)}: there is no control group of version 2 here", advice="Use --limit-as or --limit-data."
        )
    here = mounts["cgroup2"].folder_of(own[""])
    # A group with processes cannot hand controllers on, so that the new one mostly stands beside this one.
    for folder in (here,) if here == mounts["cgroup2"].point else (here, here.parent):
        if "memory" in _text(folder / "cgroup.subtree_control").split() and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise _refused("control groups are not delegated to this user here", limits)


def _refused(what: str, limits: Sequence[Limit]) -> LimitRefused:
    properties = {"memory-high": "MemoryHigh", "memory-max": "MemoryMax"}
    parts = [("-p", f"{properties[one.name]}={one.amount}") for one in limits if one.is_of_group]
    command = shlex.join(["systemd-run", "--user", "--scope", *(word for pair in parts for word in pair)])
    return LimitRefused(
        f"{_options(limits)}: {what}",
        advice=f"Start it inside a scope instead: {command} leakreport run -- COMMAND; or use --limit-as or --limit-data.",
    )


def _options(limits: Sequence[Limit]) -> str:
    return ", ".join(limit.option for limit in limits if limit.is_of_group)


def _own(proc: Path, pid: int | str) -> dict[str, str]:
    """The groups of a process by controller, without the slash in front; that of version 2 under the empty name."""
    found = {}
    for line in _text(proc / str(pid) / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            found[controller] = path.lstrip("/")
    return found


@dataclass(frozen=True, slots=True)
class _Mount:
    point: Path
    root: str
    """Which group of the hierarchy stands there, without the slash in front."""

    def folder_of(self, group: str) -> Path:
        """Of a group: containers see only the part below their own."""
        return self.point / (group.removeprefix(self.root).lstrip("/") if self.root else group)


def _mounts(proc: Path) -> dict[str, _Mount]:
    """Where the hierarchies are mounted: `cgroup2`, and those of version 1 by controller."""
    found: dict[str, _Mount] = {}
    for line in _text(proc / "self" / "mountinfo").splitlines():
        front, _, back = line.partition(" - ")
        fields, kinds = front.split(), back.split()
        if len(fields) < 5 or len(kinds) < 3:
            continue
        mount = _Mount(Path(fields[4]), fields[3].strip("/"))
        for name in ("cgroup2",) if kinds[0] == "cgroup2" else kinds[2].split(",") if kinds[0] == "cgroup" else ():
            found.setdefault(name, mount)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
