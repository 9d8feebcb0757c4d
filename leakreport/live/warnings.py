"""What should be known before a command is started under limits or a recorder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from leakreport.errors import LeakreportError, LimitDoubt
from leakreport.live.limits import Limit
from leakreport.live.runtimes import greedy_runtime

_OF_VALGRIND = frozenset(("memcheck", "massif", "dhat"))


def warnings_of(executable: str, tool: str, limits: Sequence[Limit]) -> Iterator[LeakreportError]:
    """One for each limit that will not do what it seems to.

    Args:
        executable: the file of the command.
        tool: the recorder.
        limits: those that are set.
    """
    names = {limit.name for limit in limits}
    runtime = greedy_runtime(executable)
    if "as" in names and runtime is not None:
        yield LimitDoubt(
            f"--limit-as counts address space, and {os.path.basename(executable)} ({runtime.name}) reserves much more than it uses",
            advice=runtime.advice,
        )
    if tool in _OF_VALGRIND and runtime is not None and runtime.name != "Go":
        yield LimitDoubt(
            f"Valgrind runs a program under {runtime.name} badly or not at all",
            advice="Use --tool none, or a recorder that is preloaded: heaptrack, heapprofile.",
        )
    if tool in _OF_VALGRIND and names & {"as", "data"}:
        yield LimitDoubt(
            f"the limit holds for Valgrind and the command together, and {tool} needs several times the memory",
            advice="Give a higher one, or use --tool none to see where the command alone stops.",
        )
    if "nproc" in names and os.geteuid() == 0:
        yield LimitDoubt(
            "--limit-nproc does not hold for root", advice="Start it as the user that the service runs as."
        )
