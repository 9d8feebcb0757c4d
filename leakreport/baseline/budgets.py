"""Budgets: how much all leaks, those of a library, owner or folder, or one of them may hold, and how much more than before.

A budget against the last run lets growth pass that is too small to stop for; so it never comes alone: the anchor, which
does not move with every update, allows twice as much and no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NamedTuple

from leakreport.analysis.checkreport import BudgetLine
from leakreport.analysis.report import GateLine, GateResult
from leakreport.errors import UsageError
from leakreport.units import format_bytes, format_change, parse_size

TOTAL = "total"
_SCOPES = ("lib", "owner", "dir", "path")
_LIMIT = re.compile(r"(?P<base>anchor|last)?(?P<plus>\+)?(?P<amount>.+)\Z", re.DOTALL)
_PERCENT = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*%\Z")
_LEAST_DIGITS = 4
_GUARD = 2
"""How many times what a budget allows over the last run the anchor allows."""
_HINT = "Write total=2MiB, lib:libfoo.so*=+5%, owner:team-a=+64KiB, dir:src/net=anchor+10% or path:ID=4KiB."


class Base(StrEnum):
    """What a limit is counted from."""

    NOTHING = ""
    LAST = "last"
    ANCHOR = "anchor"


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget."""

    scope: str
    """`total`, `lib:GLOB`, `owner:NAME`, `dir:GLOB` or `path:ID`."""
    base: Base
    amount_bytes: int
    percent: float | None
    """Instead of the bytes: more than the base, of itself."""
    text: str
    is_implied: bool = False

    @property
    def guard(self) -> Budget:
        """What the anchor allows where this allows growth over the last run."""
        percent = None if self.percent is None else self.percent * _GUARD
        amount = f"{self.amount_bytes * _GUARD}B" if percent is None else f"{percent:g}%"
        return Budget(
            self.scope,
            Base.ANCHOR,
            self.amount_bytes * _GUARD,
            percent,
            f"{self.scope}=anchor+{amount}",
            is_implied=True,
        )

    def limit(self, last: int, anchor: int) -> int:
        """The most bytes that it allows."""
        start = {Base.NOTHING: 0, Base.LAST: last, Base.ANCHOR: anchor}[self.base]
        return start + (self.amount_bytes if self.percent is None else int(start * self.percent / 100))


def parse_budget(text: str) -> Budget:
    """A budget from `[SCOPE=]LIMIT`.

    Raises:
        UsageError: the scope or the limit is not known.

    >>> parse_budget("+5%").scope, parse_budget("dir:src/net=anchor+64KiB").amount_bytes, parse_budget("2MiB").base.value
    ('total', 65536, '')
    """
    scope, equals, limit = text.strip().rpartition("=")
    scope = scope.strip() if equals else TOTAL
    kind, colon, name = scope.partition(":")
    if scope != TOTAL and not (colon and kind in _SCOPES and name):
        raise UsageError(f"--budget {text!r} has the unknown scope {scope!r}", advice=_HINT)
    match = _LIMIT.match(limit.strip())
    if match is None or (match["base"] and not match["plus"]):
        raise UsageError(f"--budget {text!r} has no limit", advice=_HINT)
    base = Base(match["base"]) if match["base"] else Base.LAST if match["plus"] else Base.NOTHING
    percent = _PERCENT.match(match["amount"].strip())
    if percent is not None and base is Base.NOTHING:
        raise UsageError(f"--budget {text!r}: percent of what", advice="Write +5%, or anchor+5%.")
    try:
        amount = 0 if percent else parse_size(match["amount"])
    except UsageError:
        raise UsageError(f"--budget {text!r}: {match['amount']!r} is no size", advice=_HINT) from None
    return Budget(scope, base, amount, float(percent[1]) if percent else None, f"{scope}={limit.strip()}")


def all_budgets(given: Sequence[Budget], recorded: Mapping[str, int]) -> list[Budget]:
    """The budgets that were given, what a ratchet made of them, and the guards that come with them."""
    found = list(given)
    found += [
        Budget(scope, Base.NOTHING, limit, None, f"{scope}={limit}B", is_implied=True)
        for scope, limit in sorted(recorded.items())
    ]
    pinned = {budget.scope for budget in given if budget.base is Base.ANCHOR}
    guards = {budget.scope: budget.guard for budget in given if budget.base is Base.LAST and budget.scope not in pinned}
    return [*found, *guards.values()]


def with_whole_ids(budgets: Sequence[Budget], ids: Mapping[str, str]) -> tuple[Budget, ...]:
    """Budgets of one leak with its whole id: the beginning of one, with four digits or more, is enough to write.

    Args:
        budgets: as given.
        ids: per id that a leak has or had, the one it goes by.

    Raises:
        UsageError: no leak has such an id, or several have.
    """
    return tuple(
        replace(budget, scope=f"path:{_whole_id(budget, ids)}") if budget.scope.startswith("path:") else budget
        for budget in budgets
    )


def _whole_id(budget: Budget, ids: Mapping[str, str]) -> str:
    name = budget.scope.removeprefix("path:")
    if name in ids:
        return name
    is_long = len(name.partition("-")[2]) >= _LEAST_DIGITS
    found = sorted({whole for one, whole in ids.items() if is_long and one.startswith(name)})
    if len(found) == 1:
        return found[0]
    what = f"--budget {budget.text!r}"
    if found:
        raise UsageError(f"{what}: {len(found)} leaks have an id that begins so", advice=f"Write {' or '.join(found)}.")
    raise UsageError(
        f"{what}: no leak of the run or the baseline has this id",
        advice="Give the id that leakreport check prints, or its beginning with four digits or more.",
    )


class Held(NamedTuple):
    """One leak, or what is on no path, as budgets see it. Amounts in bytes of the kinds that are counted."""

    names: tuple[str, ...]
    """Its ids."""
    module: str | None
    owner: str | None
    folder: str | None
    file: str | None
    now: int
    last: int
    anchor: int


def is_in_scope(held: Held, scope: str) -> bool:
    """Whether a leak counts for a budget."""
    kind, _, pattern = scope.partition(":")
    match kind:
        case "total":
            return True
        case "lib":
            return held.module is not None and fnmatchcase(held.module, pattern)
        case "owner":
            return held.owner is not None and held.owner.lstrip("@") == pattern.lstrip("@")
        case "dir":
            folder = (pattern.rstrip("/") or "/").removeprefix("./")
            return held.folder is not None and _is_below(held.folder, folder)
        case _:
            return pattern in held.names


def _is_below(folder: str, pattern: str) -> bool:
    return any(fnmatchcase(folder, glob) for glob in (pattern, f"{pattern}/*", pattern.removesuffix("/**")))


def budget_lines(budgets: Sequence[Budget], leaks: Sequence[Held]) -> tuple[BudgetLine, ...]:
    """What becomes of each budget."""
    found = []
    for budget in budgets:
        mine = [held for held in leaks if is_in_scope(held, budget.scope)]
        now, last, anchor = (sum(getattr(held, name) for held in mine) for name in ("now", "last", "anchor"))
        limit = budget.limit(last, anchor)
        result = GateResult.FAILED if now > limit else GateResult.PASSED
        found.append(BudgetLine(budget.text, budget.is_implied, result, now, last, anchor, limit, bool(mine)))
    return tuple(found)


def budget_gates(lines: Sequence[BudgetLine]) -> list[GateLine]:
    """The same as lines of the gate; guards and ratchets only where they failed."""
    return [
        GateLine(f"budget {line.budget}", line.result, _words(line), line.limit)
        for line in lines
        if not line.is_implied or line.result is not GateResult.PASSED
    ]


def _words(line: BudgetLine) -> str:
    text = f"{format_bytes(line.now)}, allowed are {format_bytes(line.limit)}"
    if not line.is_matched:
        text = f"it matches nothing here; {text}"
    if line.result is GateResult.PASSED:
        return text
    over = format_change(line.now - line.limit).lstrip("+")
    since = f"; {format_bytes(line.last)} at the last update, {format_bytes(line.anchor)} at the anchor"
    hint = "; pin anew with leakreport baseline update --anchor" if "anchor" in line.budget and line.is_implied else ""
    return f"{text}: {over} too much{since}{hint}"
