"""What a command may take: limits of the kernel, set in the child alone before it becomes the command.

Source: getrlimit(2). `ulimit -v` is RLIMIT_AS. RLIMIT_RSS has had no effect since Linux 2.4.30.
"""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from leakreport.errors import UsageError
from leakreport.units import format_bytes, format_count, parse_size

_MOST = (1 << 63) - 1
"""What the system call takes; the value above it is `unlimited`."""


class _Kind(NamedTuple):
    resource: int | None
    """None where a control group keeps the limit."""
    unit: str
    """`bytes` or `count`."""
    peak: str | None
    """Which peak comes near it: a field of `Peaks`; None where no figure of one process does."""
    title: str


_KINDS: Mapping[str, _Kind] = {
    "as": _Kind(resource.RLIMIT_AS, "bytes", "virtual_bytes", "address space"),
    "data": _Kind(resource.RLIMIT_DATA, "bytes", "data_bytes", "private writable memory"),
    "nofile": _Kind(resource.RLIMIT_NOFILE, "count", "open_fds", "open files"),
    "nproc": _Kind(resource.RLIMIT_NPROC, "count", None, "processes and threads of the user"),
    "memory-high": _Kind(None, "bytes", "group_bytes", "memory of the control group"),
    "memory-max": _Kind(None, "bytes", "group_bytes", "memory of the control group"),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit."""

    name: str
    """`as`, `data`, `nofile`, `nproc`, `memory-high`, `memory-max`."""
    amount: int

    @property
    def option(self) -> str:
        """As on the command line."""
        return f"--{self.name}" if self.is_of_group else f"--limit-{self.name}"

    @property
    def title(self) -> str:
        """What is limited, for a person."""
        return _KINDS[self.name].title

    @property
    def unit(self) -> str:
        """`bytes` or `count`."""
        return _KINDS[self.name].unit

    @property
    def peak(self) -> str | None:
        """The field of `Peaks` that comes near it."""
        return _KINDS[self.name].peak

    @property
    def is_of_group(self) -> bool:
        """Whether a control group keeps it."""
        return _KINDS[self.name].resource is None

    @property
    def is_of_memory(self) -> bool:
        """Whether reaching it means that no memory is left."""
        return self.unit == "bytes"

    def text(self, amount: int | None = None) -> str:
        """An amount in its unit, its own by default."""
        amount = self.amount if amount is None else amount
        return format_bytes(amount) if self.unit == "bytes" else format_count(amount)


def parse_limits(given: Mapping[str, str | None]) -> tuple[Limit, ...]:
    """The limits of the command line.

    Args:
        given: by name, None where it was not given; `rss` may be among them.

    Raises:
        UsageError: one is no amount, one cannot be kept, or the system does not let this user set it.
    """
    if given.get("rss") is not None:
        raise UsageError(
            "--limit-rss cannot be kept: the kernel has ignored RLIMIT_RSS (ulimit -m) since Linux 2.4.30",
            advice="Limit address space with --limit-as, private memory with --limit-data, or resident memory with "
            "--memory-max.",
        )
    limits = tuple(Limit(name, _amount(name, text)) for name, text in given.items() if text is not None)
    for limit in limits:
        _check_allowed(limit)
    high, most = (
        next((one.amount for one in limits if one.name == name), None) for name in ("memory-high", "memory-max")
    )
    if high is not None and most is not None and high > most:
        raise UsageError("--memory-high is above --memory-max", advice="It would never be reached: give a lower one.")
    return limits


def _amount(name: str, text: str) -> int:
    kind = _KINDS[name]
    option = Limit(name, 0).option
    if kind.unit == "bytes":
        try:
            amount = parse_size(text)
        except UsageError as error:
            raise UsageError(f"{option}: {error.what}", advice=f"Write a size: {option} 512M.") from error
    else:
        digits = text.strip()
        if not (digits.isascii() and digits.isdecimal()) or len(digits) > 18:
            raise UsageError(f"{option} {text!r} is no number", advice=f"Write a whole number: {option} 256.")
        amount = int(digits)
    if not 0 < amount < _MOST:
        raise UsageError(f"{option} {text} is out of range", advice="Give an amount above 0 and below 8 EiB.")
    return amount


def _check_allowed(limit: Limit) -> None:
    kind = _KINDS[limit.name].resource
    if kind is None:
        return
    hard = resource.getrlimit(kind)[1]
    # Only a privileged process may raise it; lowering is always allowed, and raising tells by trying it in vain.
    if hard != resource.RLIM_INFINITY and limit.amount > hard:
        raise UsageError(
            f"{limit.option} {limit.text()} is above the limit that holds here already, {limit.text(hard)}",
            advice="Give a lower one, or raise the hard limit (ulimit -H) of the shell as root.",
        )


def set_limits(limits: Sequence[Limit]) -> None:
    """Set what is no control group's for the process that calls: soft and hard, so that it cannot be raised again."""
    for limit in limits:
        kind = _KINDS[limit.name].resource
        if kind is not None:
            resource.setrlimit(kind, (limit.amount, limit.amount))
