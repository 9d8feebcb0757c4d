"""Runs of a program that does not exist: memcheck's XML with given amounts by function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import RunBuilder
from leakreport.model.raw import RawSnapshot
from leakreport.model.series import in_order
from leakreport.model.snapshot import Run
from leakreport.readers import get_reader
from leakreport.testing import MemoryStream

_HEAD = """<?xml version="1.0"?>
<valgrindoutput>
<protocolversion>4</protocolversion>
<protocoltool>memcheck</protocoltool>
<preamble><line>Memcheck, a memory error detector</line></preamble>
<pid>{pid}</pid>
<ppid>{parent}</ppid>
<tool>memcheck</tool>
<args>
<vargv><exe>/usr/bin/valgrind.bin</exe><arg>--leak-check=full</arg><arg>--show-leak-kinds=all</arg></vargv>
<argv><exe>{command}</exe></argv>
</args>
<status><state>RUNNING</state><time>00:00:00:00.050</time></status>
<status><state>FINISHED</state><time>00:00:00:00.711</time></status>
"""
_ERROR = """<error><unique>0x{number:x}</unique><tid>1</tid><kind>{kind}</kind>
<xwhat><text>leaked</text><leakedbytes>{amount}</leakedbytes><leakedblocks>1</leakedblocks></xwhat>
<stack>
<frame><ip>0x48417B4</ip><obj>/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so</obj><fn>malloc</fn></frame>
<frame><ip>0x1091AE</ip><obj>/src/svc</obj><fn>{function}</fn><dir>/src</dir><file>svc.c</file><line>10</line></frame>
<frame><ip>0x1092CA</ip><obj>/src/svc</obj><fn>main</fn><dir>/src</dir><file>svc.c</file><line>98</line></frame>
</stack></error>
"""


def memcheck(
    amounts: Mapping[str, int],
    *,
    pid: int,
    parent: int = 1,
    command: str = "./svc",
    kind: str = "Leak_DefinitelyLost",
) -> bytes:
    """The XML of one run: bytes by function, nothing for those of 0."""
    errors = "".join(
        _ERROR.format(number=number, kind=kind, amount=amount, function=function)
        for number, (function, amount) in enumerate(amounts.items())
        if amount
    )
    head = _HEAD.format(pid=pid, parent=parent, command=command)
    return f"{head}{errors}<errorcounts></errorcounts>\n<suppcounts></suppcounts>\n</valgrindoutput>\n".encode()


def loaded(contents: Iterable[bytes]) -> Run:
    """Inputs as one run, as the command line reads a glob."""
    reader = get_reader("memcheck-xml")
    raws: list[RawSnapshot] = []
    for number, content in enumerate(contents):
        raws.extend(reader.read(MemoryStream(f"run{number}.xml", content), DEFAULT_LIMITS))
    builder = RunBuilder(DEFAULT_LIMITS)
    for raw in in_order(raws):
        builder.add(raw)
    return builder.build()


def repeated(runs: Iterable[Mapping[str, int]], *, first_pid: int = 100) -> Run:
    """Several runs of one program."""
    return loaded(memcheck(amounts, pid=first_pid + number) for number, amounts in enumerate(runs))
