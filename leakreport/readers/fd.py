"""What a process has open: /proc/PID/fd as `ls -l` lists it, the output of lsof, and the tables of /proc/PID/net.

    lrwx------ 1 root root 64 Nov 25 18:46 3 -> socket:[45477]
    4 -> /src/demo/data/app.conf

`open_fds` counts descriptors, by class and target; numbers in names of files are `#`, so that many files of one kind are one
path. With a table of /proc/PID/net beside (in the same input, or in a file of the same sample), a socket is called by its protocol,
state and peer. A table alone counts `sockets`, of all processes of its network namespace.

A log is cut where a descriptor comes again, at `total 0`, and at lines with a time.

Source: proc_pid_fd(5), proc_pid_net(5), lsof(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from leakreport.limits import Limits
from leakreport.mappings import numbered
from leakreport.model.raw import Frame, FrameKind, FrameTable, RawSnapshot, SampleTableBuilder
from leakreport.model.samples import CLOSE_WAIT, close_wait_notes
from leakreport.readers._lines import lines
from leakreport.readers._lsof import HEADER as LSOF_HEADER
from leakreport.readers._lsof import SEPARATOR, LsofTable
from leakreport.readers._net_sockets import Socket, SocketTable, described
from leakreport.readers._samples import SampleLog
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_LINK = re.compile(rb"(?:l[r-][w-][x-]\S* +\d+ \S.* )?(\d{1,7}) -> (.+)")
_FOLDER = re.compile(rb"/proc/(\d{1,10})/fd/?:")
_TOTAL = re.compile(rb"total \d+")
_INODE = re.compile(r"socket:\[(\d{1,19})\]")
_TARGET = rb"(?:/|socket:\[|pipe:\[|anon_inode:|net:\[|mnt:\[)"
_FRONT = rb"\A(?:[^\n]{0,300}\n){0,3}"
_SIGNATURES = (
    re.compile(_FRONT + rb"(?:l[r-][w-][x-]------\S? +\d+ [^\n]{1,200} )?\d{1,7} -> " + _TARGET),
    re.compile(_FRONT + LSOF_HEADER.pattern + rb"\r?(?:\n|\Z)"),
    re.compile(
        _FRONT + rb"(?: *sl +local_address +rem(?:ote)?_address +st |Num +RefCount Protocol Flags +Type St Inode)"
    ),
)
_ROOT = Frame("[open descriptors]", kind=FrameKind.CATEGORY)
_SOCKETS = Frame("[sockets]", kind=FrameKind.CATEGORY)


class FdReader:
    """Reads one sample, or all samples of a log, in order."""

    info = FormatInfo(
        name="fd",
        title="list of open descriptors (/proc/PID/fd, lsof)",
        tool="Linux /proc, lsof",
        suffixes=(".fd", ".lsof"),
        record_command="ls -l /proc/PID/fd > 001.fd; cat /proc/PID/net/tcp > 001.net_tcp",
        specification="proc_pid_fd(5), lsof(8)",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By links of descriptors, or the header of a table."""
        del name
        return Confidence.CERTAIN if any(one.match(head) for one in _SIGNATURES) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per sample and process.

        Raises:
            UnreadableInput: nobody was permitted to look.
            MalformedInput: there is no descriptor and no socket.
        """
        log = SampleLog(stream.name, limits, "fd", "Linux /proc")
        listing = _Listing(log)
        has_end = True
        for line, has_end in lines(stream, limits):
            log.line += 1
            yield from listing.take(line, has_end=has_end)
        yield from listing.finish(cut=None if has_end else "the last line has no end")
        if not log.count:
            raise log.nothing("open descriptors")


@dataclass(slots=True)
class _Process:
    """What one process has open."""

    command: str = ""
    targets: dict[int, str] = field(default_factory=dict)
    """By number of the descriptor."""
    sockets: dict[int, Socket] = field(default_factory=dict)
    """The same, where the input says at once what the socket is."""


class _Listing:
    """One log, sample by sample."""

    def __init__(self, log: SampleLog) -> None:
        self._log = log
        self._frames = FrameTable()
        self._processes: dict[int | None, _Process] = {}
        self._table = SocketTable()
        self._lsof: LsofTable | None = None
        self._pid: int | None = None
        self._has_table = False

    def take(self, line: bytes, *, has_end: bool) -> Iterator[RawSnapshot]:
        """One line; the sample before it, where it begins another."""
        if LSOF_HEADER.fullmatch(line):
            yield from self.finish()
            self._lsof = LsofTable(line)
        elif self._lsof is not None:
            yield from self._take_lsof(line, has_end=has_end)
        elif (match := _LINK.fullmatch(line)) is not None:
            if has_end:
                target = match[2][:4096].decode("utf-8", "backslashreplace")
                yield from self._add(self._pid, int(match[1]), target)
        elif (match := _FOLDER.fullmatch(line)) is not None:
            self._pid = int(match[1])
            if self._pid in self._processes:
                yield from self.finish()
        elif self._table.take_header(line):
            self._has_table = True
        elif (row := self._table.read(line)) is not None:
            if has_end and row[0]:
                if row[0] in self._table.by_inode:
                    yield from self.finish()
                self._table.by_inode[row[0]] = row[1]
        elif _TOTAL.fullmatch(line):
            if self._pid is None:
                yield from self.finish()
        else:
            yield from self._take_other(line)

    def _take_lsof(self, line: bytes, *, has_end: bool) -> Iterator[RawSnapshot]:
        assert self._lsof is not None
        row = self._lsof.read(line) if has_end else None
        if row is not None:
            yield from self._add(row.pid, row.descriptor, row.target, command=row.command, socket=row.socket)
        elif SEPARATOR.fullmatch(line):
            yield from self.finish()

    def _take_other(self, line: bytes) -> Iterator[RawSnapshot]:
        if not line:
            return
        moment_before = bool(self._processes or self._has_table)
        if self._log.take_stamp(line):
            if moment_before:
                yield from self.finish()
        else:
            self._log.take_unknown(line)

    def _add(
        self, pid: int | None, descriptor: int, target: str, *, command: str = "", socket: Socket | None = None
    ) -> Iterator[RawSnapshot]:
        process = self._processes.get(pid)
        if process is not None and descriptor in process.targets:
            yield from self.finish()
            process = None
        if process is None:
            process = self._processes[pid] = _Process(command)
        process.targets[descriptor] = target
        if socket is not None:
            process.sockets[descriptor] = socket

    def finish(self, cut: str | None = None) -> Iterator[RawSnapshot]:
        """The sample that was read last, where there is one."""
        processes, self._processes = self._processes, {}
        table, self._table = self._table, SocketTable()
        has_table, self._has_table = self._has_table, False
        if processes or has_table:
            self._log.start()
        for pid, process in processes.items():
            yield self._snapshot(pid, process, table, cut)
        if has_table and not processes:
            yield self._of_table(table, cut)

    def _snapshot(self, pid: int | None, process: _Process, table: SocketTable, cut: str | None) -> RawSnapshot:
        sockets = dict(process.sockets)
        for descriptor, target in process.targets.items():
            match = _INODE.fullmatch(target)
            socket = None if match is None else table.by_inode.get(int(match[1]))
            if socket is not None:
                sockets[descriptor] = socket
        listening = _listening([*table.by_inode.values(), *sockets.values()])
        builder = SampleTableBuilder(("open_fds",), self._frames)
        for descriptor, target in process.targets.items():
            socket = sockets.get(descriptor)
            names = _class_of(target) if socket is None else described(socket, listening)
            builder.add((_ROOT, *_frames_of(names)), (1,), name=f"{descriptor} {target}")
        waiting = sum(socket.state == CLOSE_WAIT for socket in sockets.values())
        meta = self._log.meta(
            pid=pid,
            command=(process.command,) if process.command else (),
            cut=cut,
            records=len(process.targets),
            notes=close_wait_notes(waiting),
        )
        return RawSnapshot(meta, {"open_fds": len(process.targets)}, builder.build())

    def _of_table(self, table: SocketTable, cut: str | None) -> RawSnapshot:
        listening = _listening(list(table.by_inode.values()))
        builder = SampleTableBuilder(("sockets",), self._frames)
        for inode, socket in table.by_inode.items():
            builder.add((_SOCKETS, *_frames_of(described(socket, listening))), (1,), name=f"socket:[{inode}]")
        meta = self._log.meta(cut=cut, records=len(table))
        return RawSnapshot(meta, {"sockets": len(table)}, builder.build())


def _listening(sockets: list[Socket]) -> frozenset[str]:
    return frozenset(socket.local.rpartition(":")[2] for socket in sockets if socket.state == "LISTEN")


def _class_of(target: str) -> tuple[str, str]:
    """Class and target of a link.

    >>> _class_of("/data/seg-12.log"), _class_of("socket:[12]"), _class_of("anon_inode:[eventfd]"), _class_of("/dev/null")
    (('file', '/data/seg-#.log'), ('socket', ''), ('kernel object', '[eventfd]'), ('device', '/dev/null'))
    """
    kind, colon, name = target.partition(":")
    if target.startswith(("/memfd:", "/dev/shm/")):  # noqa: S108 - read in the input, nothing is opened
        return "shared memory", numbered(target)
    if target.startswith("/dev/"):
        return "device", numbered(target)
    if target.startswith("/"):
        return "file", numbered(target)
    if kind in {"socket", "pipe"}:
        return kind, ""
    if kind == "anon_inode":
        return "kernel object", name
    return (kind, name) if colon else ("other", numbered(target))


def _frames_of(names: tuple[str, str]) -> tuple[Frame, ...]:
    kind, target = names
    first = Frame(f"[{kind}]", kind=FrameKind.CATEGORY)
    return (first, Frame(target, kind=FrameKind.MAPPING)) if target else (first,)
