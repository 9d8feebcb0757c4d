"""A command and what it starts, looked at while they run: high-water marks often, samples at their interval.

The figures that a limit is held against are read every 50 ms where there is a limit, which costs about 0.2 % of a core. A sample
is taken out of turn when the command comes near a limit, so that the last one before its end is not far from it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from leakreport.errors import LeakreportError
from leakreport.live.cgroup import Group
from leakreport.live.family import descendants
from leakreport.live.files import ProcessFiles
from leakreport.live.limits import Limit
from leakreport.live.lines import head_line, sample_lines
from leakreport.live.peaks import Peaks
from leakreport.live.process import ProcessHandle
from leakreport.live.sampler import Sampler
from leakreport.live.series import SeriesFile

_POLL_SECONDS = 0.05
_FIRST_SECONDS = 0.05
"""Before that a process is still being loaded: what it holds then is no state of the program."""
_OVERHEAD = 0.2
"""Of one core, half of it for details: a run is short, and the last sample before its end matters. A command waits for a part of it."""
_MOST_SAMPLED = 8
"""Processes of one command; the others are named."""
_STEPS = (0.5, 0.75, 0.9, 0.95, 1.1)
"""Shares of a limit; past each one a sample is taken out of turn. The last is never reached."""


@dataclass(slots=True)
class Member:
    """One process of the command."""

    pid: int
    parent: int | None
    name: str
    peaks: Peaks = field(default_factory=Peaks)
    path: str | None = None
    """Of its series; None where it was not sampled."""
    samples: int = 0
    is_running: bool = True


class Follower:
    """Looks at a command at each call of `tick`."""

    def __init__(
        self,
        folder: str,
        *,
        interval: float,
        limits: Sequence[Limit] = (),
        group: Group | None = None,
        with_series: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is read yet.

        Args:
            folder: where series are written.
            interval: seconds between two samples.
            limits: what the command may take.
            group: of control, that it was put into.
            with_series: whether samples are written, or only high-water marks kept.
            clock: seconds.
        """
        self.members: dict[int, Member] = {}
        self._folder, self._interval, self._with_series = folder, interval, with_series
        self._limits = [limit for limit in limits if limit.peak is not None]
        self._group = group
        self._clock = clock
        self._due = clock() + min(_FIRST_SECONDS, interval)
        self._step = 0
        self._series: dict[int, tuple[Sampler, SeriesFile]] = {}

    def tick(self, pid: int) -> float:
        """Look at the command; the seconds until the next look.

        Raises:
            OutputError: a series could not be written.
        """
        if pid not in self.members:
            self._add(pid, None, "")
        now = self._clock()
        self._look(self.members[pid])
        if now >= self._due:
            self._due = now + self._interval
            self._meet_relatives(pid)
            for member in self.members.values():
                self._take(member)
        elif self._comes_near(self.members[pid]):
            self._take(self.members[pid], wants_details=True)
        return min(_POLL_SECONDS, self._interval) if self._limits else max(0.0, self._due - self._clock())

    def finish(self, pid: int) -> Member:
        """The command itself, once it has ended; what it started may still run."""
        for member in self.members.values():
            member.is_running = member.pid != pid and member.is_running and ProcessFiles(member.pid).is_there
        for _, series in self._series.values():
            series.close()
        self._series.clear()
        return self.members.setdefault(pid, Member(pid, None, ""))

    def _add(self, pid: int, parent: int | None, name: str) -> None:
        member = self.members[pid] = Member(pid, parent, name)
        if not self._with_series or len(self._series) >= _MOST_SAMPLED:
            return
        try:
            handle = ProcessHandle(pid)
        except LeakreportError:
            # It ended, or is not this user's: then it is named, and that is all.
            return
        member.name = handle.program.name
        member.path = os.path.join(self._folder, f"series.{pid}.jsonl")
        sampler = Sampler(handle, interval=self._interval, max_overhead=_OVERHEAD)
        self._series[pid] = (sampler, SeriesFile(member.path))

    def _meet_relatives(self, pid: int) -> None:
        seen = {one.pid: one for one in descendants(pid)}
        for one in seen.values():
            if one.pid in self.members:
                self.members[one.pid].name = one.name
            else:
                self._add(*one)
        for member in self.members.values():
            if member.pid != pid:
                if member.pid in seen:
                    self._look(member)
                member.is_running = member.pid in seen

    def _look(self, member: Member) -> None:
        member.peaks.look(ProcessFiles(member.pid))
        if self._group is not None and member.parent is None:
            used = self._group.used_bytes()
            if used is not None:
                member.peaks.group_bytes = max(used, member.peaks.group_bytes or 0)

    def _comes_near(self, member: Member) -> bool:
        shares = [(member.peaks.of(limit.peak) or 0) / limit.amount for limit in self._limits]
        share, before = max(shares, default=0.0), self._step
        while share >= _STEPS[self._step]:
            self._step = min(self._step + 1, len(_STEPS) - 1)
            if self._step == len(_STEPS) - 1:
                break
        return self._step > before

    def _take(self, member: Member, *, wants_details: bool = False) -> None:
        """One sample of a process that is sampled and still there."""
        if member.pid not in self._series:
            return
        sampler, series = self._series[member.pid]
        if not sampler.handle.is_alive:
            return
        sample = sampler.sample(wants_details=wants_details)
        is_first = not member.samples
        if is_first and not sample.parts:
            return
        if is_first:
            series.write(head_line(sampler.handle, interval=self._interval, at=sample.at))
        for line in sample_lines(sample, is_first=is_first):
            series.write(line)
        member.samples += bool(sample.parts)
