"""A command: started under limits or a recorder, looked at while it runs, and judged by what was recorded."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakreport.errors import LeakreportError

if TYPE_CHECKING:
    from leakreport.analysis.outcome import Outcome
    from leakreport.live.cgroup import Group
    from leakreport.live.child import Ended
    from leakreport.live.follow import Follower
    from leakreport.live.limits import Limit
    from leakreport.live.recorders import Recorder, Started

LEAST_SAMPLES = 4
"""A process with fewer was there too shortly to be judged, unless it is the command itself."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command and what it is started with; everything is checked already."""

    command: tuple[str, ...]
    started: Started
    recorder: Recorder | None
    limits: tuple[Limit, ...]
    interval: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of a command that has ended."""

    outcome: Outcome
    processes: tuple[tuple[str, ...], ...]
    """The files of each process, the command itself first; those of processes that were there too shortly are not in it."""
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(path for files in self.processes for path in files)


def keeps_series(tool: str) -> bool:
    """Whether a recorder knows several moments, so that growth can be judged; `none` samples."""
    from leakreport.live.recorders import RECORDERS

    return tool not in RECORDERS or RECORDERS[tool].has_series


def order_of(
    command: Sequence[str],
    folder: str,
    *,
    tool: str,
    limits: Mapping[str, str | None],
    interval: float,
    gates: Collection[str] = (),
) -> tuple[Order, tuple[LeakreportError, ...]]:
    """Check what was asked for, and what should be said before it is started.

    Args:
        command: what to start.
        folder: where recordings go.
        tool: the name of a recorder, or `none`.
        limits: as of `parse_limits`.
        interval: seconds between samples.
        gates: the words of `--fail-on`: what is judged must be recorded.

    Raises:
        UsageError: a limit is no amount, cannot be kept, or is not allowed.
        CommandNotStarted: there is no such command.
        MissingTool: the recorder is not installed.
    """
    from leakreport.live.child import find_command
    from leakreport.live.limits import parse_limits
    from leakreport.live.recorders import RECORDERS, Started
    from leakreport.live.warnings import warnings_of

    kept = parse_limits(limits)
    executable = find_command(command)
    recorder = RECORDERS.get(tool)
    started = Started(tuple(command)) if recorder is None else recorder.start(command, folder, gates)
    order = Order(tuple(command), started, recorder, kept, interval)
    return order, tuple(warnings_of(executable, tool, kept))


def run_command(order: Order, folder: str) -> Recorded:
    """Start a command, wait for its end, and gather what was recorded.

    Raises:
        CommandNotStarted: the system refused to start it.
        LimitRefused: a control group was asked for, and there can be none.
    """
    from leakreport.live.cgroup import make_group, oom_kills
    from leakreport.live.child import Launch, run_child
    from leakreport.live.follow import Follower

    group = make_group(order.limits) if any(limit.is_of_group for limit in order.limits) else None
    warnings = []
    try:
        follower = Follower(
            folder, interval=order.interval, limits=order.limits, group=group, with_series=order.recorder is None
        )
        before = oom_kills(group=group) or 0
        launch = Launch(
            command=order.started.command,
            environment=order.started.environment_over(os.environ),
            limits=order.limits,
            group=group,
            listens=any(not limit.is_of_group for limit in order.limits),
        )
        ended = run_child(launch, follower.tick)
        killed = (oom_kills(group=group) or 0) - before
        processes = _processes(order, follower, ended, folder, group)
    finally:
        if group is not None and not group.remove():
            warnings.append(f"the control group {group.folder} stays: processes of the command are still in it")
    return Recorded(_outcome(order, follower, ended, killed), processes, tuple(warnings))


def _processes(
    order: Order, follower: Follower, ended: Ended, folder: str, group: Group | None
) -> tuple[tuple[str, ...], ...]:
    own = follower.finish(ended.pid)
    if group is not None:
        own.peaks.group_bytes = max(group.used_bytes() or 0, own.peaks.group_bytes or 0)
    if order.recorder is not None:
        if order.recorder.finish is not None:
            order.recorder.finish(folder)
        return order.recorder.processes(folder)
    return tuple(
        (member.path,)
        for member in follower.members.values()
        if member.path is not None and member.samples >= (1 if member is own else LEAST_SAMPLES)
    )


def _outcome(order: Order, follower: Follower, ended: Ended, oom_kills: int) -> Outcome:
    from leakreport.analysis.outcome import LimitUse, Member, Outcome
    from leakreport.live.ending import cause_of

    own = follower.members[ended.pid]
    cause = cause_of(ended, order.limits, own.peaks, oom_kills)
    return Outcome(
        tool="none" if order.recorder is None else order.recorder.name,
        pid=ended.pid,
        status=ended.status,
        exit_code=ended.exit_code,
        signal_name=None if ended.signal is None else _signal_name(ended.signal),
        elapsed_seconds=ended.elapsed_seconds,
        interval_seconds=order.interval,
        samples=own.samples,
        limits=tuple(
            LimitUse(one.name, one.option, one.title, one.unit, one.amount, own.peaks.of(one.peak))
            for one in order.limits
        ),
        peaks=own.peaks.known(),
        fit=cause.fit.value,
        fit_limit=None if cause.limit is None else cause.limit.name,
        evidence=cause.evidence,
        members=tuple(
            Member(
                one.pid, one.parent, one.name or None, one.peaks.resident_bytes, one.samples, one is own, one.is_running
            )
            for one in follower.members.values()
        ),
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
