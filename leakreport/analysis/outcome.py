"""What became of a command that leakreport started: how it ended, what it may have met, and what it held last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from leakreport.analysis.report import Verdict
from leakreport.units import format_bytes, format_count, plural

_MOST_NAMED = 5
_TITLES = {
    "virtual_bytes": "address space",
    "resident_bytes": "resident memory",
    "data_bytes": "private writable memory",
    "open_fds": "open files",
    "group_bytes": "memory of the control group",
}


class LimitUse(NamedTuple):
    """One limit and how near the command came to it."""

    name: str
    """`as`, `data`, `nofile`, `nproc`, `memory-high`, `memory-max`."""
    option: str
    title: str
    unit: str
    """`bytes` or `count`."""
    amount: int
    peak: int | None
    """The highest that was seen; None where no figure of a process comes near it."""

    @property
    def distance(self) -> int | None:
        """What was left at the peak."""
        return None if self.peak is None else self.amount - self.peak

    def text(self, amount: int) -> str:
        """An amount in its unit."""
        return format_bytes(amount) if self.unit == "bytes" else format_count(amount)


class Member(NamedTuple):
    """One process of the command; the first is the command itself."""

    pid: int
    parent: int | None
    name: str | None
    """None where names are not told."""
    resident_bytes: int | None
    """Its high-water mark, as far as it was seen."""
    samples: int
    is_judged: bool
    is_running: bool
    """It outlived the command."""


class Held(NamedTuple):
    """A group of memory at the last sample."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. Nothing here is a verdict on leaks."""

    tool: str
    """The recorder, or `none`."""
    pid: int
    status: int
    """As a shell has it: 128 + signal."""
    exit_code: int | None
    signal_name: str | None
    elapsed_seconds: float
    interval_seconds: float
    samples: int
    limits: tuple[LimitUse, ...]
    peaks: Mapping[str, int]
    fit: str
    """Whether the end fits a limit: `yes`, `probably`, `no`."""
    fit_limit: str | None
    """The name of that limit."""
    evidence: str
    members: tuple[Member, ...]
    held_last: tuple[Held, ...] = ()
    """The largest groups at the last sample; empty under a recorder."""

    @property
    def ending(self) -> str:
        """How it ended, for a person."""
        how = (
            f"exited with status {self.exit_code}" if self.signal_name is None else f"was killed by {self.signal_name}"
        )
        return f"{how} after {self.elapsed_seconds:.1f} s"


def sentences_of(outcome: Outcome) -> Iterator[str]:
    """The same for a report."""
    if outcome.limits or outcome.fit == "yes":
        yield f"The command {outcome.ending}: {_fit(outcome)}."
    else:
        yield f"The command {outcome.ending}."
    for limit in outcome.limits:
        if limit.peak is None or limit.distance is None:
            yield f"{limit.option} {limit.text(limit.amount)} ({limit.title}): how near it came is not known."
            continue
        rest = f"{limit.text(limit.distance)} left" if limit.distance > 0 else "nothing left"
        yield f"{limit.option} {limit.text(limit.amount)} ({limit.title}): {limit.text(limit.peak)} at most, {rest}."
    figures = [
        f"{format_bytes(amount) if name.endswith('_bytes') else format_count(amount)} {_TITLES[name]}"
        for name in ("virtual_bytes", "resident_bytes")
        if (amount := outcome.peaks.get(name)) is not None
    ]
    if figures:
        yield f"At most {' and '.join(figures)} were seen."
    if outcome.held_last:
        groups = ", ".join(f"{one.name} {format_bytes(one.bytes)}" for one in outcome.held_last[:_MOST_NAMED])
        yield f"Largest at the last sample: {groups}."
    yield from _of_members(outcome)


def _fit(outcome: Outcome) -> str:
    limit = next((one for one in outcome.limits if one.name == outcome.fit_limit), None)
    what = "a lack of memory" if limit is None else f"{limit.option} {limit.text(limit.amount)}"
    match outcome.fit:
        case "yes":
            return f"it met {what}; {outcome.evidence}"
        case "probably":
            return f"it probably met {what}; {outcome.evidence}"
        case _:
            return outcome.evidence


def _of_members(outcome: Outcome) -> Iterator[str]:
    others = outcome.members[1:]
    if others:
        named = sorted(others, key=lambda one: -(one.resident_bytes or 0))[:_MOST_NAMED]
        texts = [
            f"{one.name or 'a process'} ({one.pid}"
            + (f", {format_bytes(one.resident_bytes)} resident" if one.resident_bytes is not None else "")
            + (", still running" if one.is_running else "")
            + ")"
            for one in named
        ]
        more = f" and {len(others) - len(named)} more" if len(others) > len(named) else ""
        yield f"It started {plural(len(others), 'process', 'processes')}: {', '.join(texts)}{more}."
    judged = [one for one in outcome.members if one.is_judged]
    if others and outcome.tool == "none" and len(judged) == 1:
        yield f"Judged here: {judged[0].name or 'the process'} ({judged[0].pid})."


def verdict_with(verdict: Verdict, outcome: Outcome) -> Verdict:
    """A verdict whose sentences say how the command ended, too."""
    return replace(verdict, lead=(*verdict.lead, *sentences_of(outcome)))


def without_names(outcome: Outcome) -> Outcome:
    """The same for a report in which no name stands."""
    return replace(outcome, members=tuple(one._replace(name=None) for one in outcome.members))
