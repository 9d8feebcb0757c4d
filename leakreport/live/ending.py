"""Whether the end of a command fits a limit: yes, probably, or no sign of it.

A limit on address space makes malloc return NULL: a program that does not look dies of SIGSEGV, one that does complains or
aborts. A control group kills.

Source: getrlimit(2), mmap(2) (ENOMEM), malloc(3), Documentation/admin-guide/cgroup-v2.rst (memory.events: oom_kill).
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from leakreport.live.child import Ended
from leakreport.live.limits import Limit
from leakreport.live.listener import PHRASES
from leakreport.live.peaks import Peaks

_NEAR = 0.9
"""Of a limit: what ran into it was seen above this, as what did not fit any more is not counted."""
_OF_NULL = frozenset((signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGTRAP, signal.SIGILL))


class Fit(StrEnum):
    """Whether it was the limit."""

    YES = "yes"
    PROBABLY = "probably"
    NO = "no"


class Cause(NamedTuple):
    """What the end is put down to."""

    fit: Fit
    limit: Limit | None
    evidence: str
    """For a person, without a full stop."""


def cause_of(ended: Ended, limits: Sequence[Limit], peaks: Peaks, oom_kills: int) -> Cause:
    """Whether the end fits one of the limits, or a lack of memory that the kernel acted on.

    Args:
        ended: how it ended.
        limits: those that were set.
        peaks: the highest figures that were seen.
        oom_kills: how often the kernel killed in its control group meanwhile.
    """
    if oom_kills > 0 and ended.signal == signal.SIGKILL:
        limit = next((one for one in limits if one.name == "memory-max"), None)
        return Cause(Fit.YES, limit, "it was killed (SIGKILL), and the kernel counted a kill for lack of memory in its control group")  # fmt: skip
    if ended.exit_code == 128 + signal.SIGKILL and oom_kills > 0:
        limit = next((one for one in limits if one.name == "memory-max"), None)
        return Cause(Fit.PROBABLY, limit, "its status is that of a shell whose command was killed, and the kernel counted a kill for lack of memory in its control group")  # fmt: skip
    for limit in limits:
        phrase = _phrase(ended, limit)
        if phrase is not None:
            return Cause(Fit.PROBABLY, limit, f'it said "{phrase}"')
    for limit in limits:
        peak = peaks.of(limit.peak)
        if not limit.is_of_memory and peak is not None and peak >= limit.amount:
            return Cause(Fit.PROBABLY, limit, f"it had as many {limit.title} as it may have")
    number = ended.signal if ended.signal is not None else (ended.exit_code or 0) - 128
    if number in _OF_NULL and number not in ended.forwarded:
        for limit in limits:
            peak = peaks.of(limit.peak)
            if limit.is_of_memory and not limit.is_of_group and peak is not None and peak >= _NEAR * limit.amount:
                name = signal.Signals(number).name
                return Cause(
                    Fit.PROBABLY, limit, f"it ended by {name} with {limit.text(peak)} of {limit.text()} in use"
                )
    return Cause(Fit.NO, None, "there is no sign that it met a limit" if limits else "no limit was set")


def _phrase(ended: Ended, limit: Limit) -> str | None:
    if limit.is_of_group:
        # It throttles or kills; nothing is refused.
        return None
    kind = "memory" if limit.is_of_memory else limit.name
    known = {phrase.decode(): about for phrase, about in PHRASES.items()}
    return min((phrase for phrase in ended.said if known[phrase] == kind), default=None)
