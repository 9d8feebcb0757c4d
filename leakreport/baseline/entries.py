"""A baseline in memory: leaks with what was recorded of them, and how they were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, Sampling


class Amount(NamedTuple):
    """What one kind of a leak holds."""

    bytes: int
    blocks: int | None = None
    """None where the tool counts none."""


Amounts = Mapping[LeakKind, Amount]


def total_bytes(amounts: Amounts, kinds: frozenset[LeakKind] | None = None) -> int:
    """The bytes of some kinds, or of all, together."""
    return sum(amount.bytes for kind, amount in amounts.items() if kinds is None or kind in kinds)


def total_blocks(amounts: Amounts, kinds: frozenset[LeakKind] | None = None) -> int | None:
    """The same for blocks; None where none are counted."""
    found = [amount.blocks for kind, amount in amounts.items() if kinds is None or kind in kinds]
    counted = [blocks for blocks in found if blocks is not None]
    return sum(counted) if counted else None


@dataclass(frozen=True, slots=True)
class Leak:
    """One leak of a baseline."""

    id: str
    last: Amounts
    """What the last recorded run has of it; empty once it is fixed."""
    anchor: Amounts
    """What it held when it was pinned."""
    stack: tuple[Frame, ...]
    """Outermost first: what a rebuilt program is recognised by."""
    function: str | None = None
    """Of the frame that a person reads first; with its file below the working directory."""
    file: str | None = None
    module: str | None = None
    """The library or program that allocates, without its folder."""
    owner: str | None = None
    aliases: tuple[str, ...] = ()
    """Ids that it had in earlier builds, the newest first."""
    first_seen: str | None = None
    """A date, as all of these are: 2026-11-03."""
    reason: str | None = None
    until: str | None = None
    fixed: str | None = None
    """When it was found to be fixed."""
    error: float | None = None
    """The relative standard error of its bytes, where the recording is a sample."""

    @property
    def folder(self) -> str | None:
        """Where its source file stands."""
        return None if self.file is None else folder_of(self.file)


def folder_of(file: str) -> str:
    """The folder of a source file; `.` for the top one."""
    folder = file.rpartition("/")[0] or ("/" if file.startswith("/") else ".")
    return folder.removeprefix("./") or "."


@dataclass(frozen=True, slots=True)
class Recording:
    """How the last recorded run was made: what another run must have to be comparable."""

    format: str
    kinds: frozenset[LeakKind] = frozenset()
    """Leak kinds whose totals are known."""
    options: tuple[str, ...] = ()
    """Of the tool, those that decide what a stack is."""
    sampling: Sampling | None = None
    programs: Mapping[str, int] = field(default_factory=dict)
    """By base name, how many processes."""
    is_exit_dump: bool = False
    has_names: bool = True
    """Whether frames have names of functions."""
    has_user_frames: bool = True


@dataclass(frozen=True, slots=True)
class Baseline:
    """Everything in the file."""

    recording: Recording
    leaks: Mapping[str, Leak]
    """By id."""
    unattributed: Amounts = field(default_factory=dict)
    """What no path carries, in the last recorded run, and when it was pinned."""
    unattributed_anchor: Amounts = field(default_factory=dict)
    folded_bytes: int = 0
    """Of a heap profile: paths that held less were summed up, not listed."""
    clean: tuple[str, ...] = ()
    """Folders in which a ratchet found no leak."""
    budgets: Mapping[str, int] = field(default_factory=dict)
    """Scopes with bytes, as a ratchet tightened them."""

    def leak_called(self, name: str) -> Leak | None:
        """The leak of an id, or of one that it had before; a live id beats any alias."""
        if name in self.leaks:
            return self.leaks[name]
        return next((leak for leak in self.leaks.values() if name in leak.aliases), None)

    def with_leaks(self, leaks: Mapping[str, Leak]) -> Baseline:
        """The same with other leaks, by id."""
        return replace(self, leaks=dict(sorted(leaks.items())))
