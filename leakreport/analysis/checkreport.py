"""What a check against a baseline says: which leaks are new, which grew, which are known. Renderers compute nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from leakreport.analysis.report import GateResult, PathRow
from leakreport.model.metrics import LeakKind


class State(StrEnum):
    """What the baseline knows of a leak. Source: `docs/check.md`, "States"."""

    NEW = "new"
    GREW = "grew"
    EXPIRED = "expired"
    """Accepted until a date that has passed, and still there."""
    KNOWN = "known"
    FIXED = "fixed"
    """In the baseline, and a complete comparable run does not have it."""


FAILING = (State.NEW, State.GREW, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class CheckedLeak:
    """One leak, all kinds of it together, with what the baseline has of it."""

    id: str
    state: State
    is_counted: bool
    """Whether the gate counts it: its kind is asked for, and no budget covers it."""
    kinds: tuple[LeakKind, ...]
    """In the run; of a fixed leak, in the baseline."""
    function: str | None
    """Of the frame that a person reads first."""
    file: str | None
    line: int | None
    module: str | None
    before: Mapping[str, int]
    """`bytes` and, where they are counted, `blocks`; empty for a new leak."""
    after: Mapping[str, int]
    """The same in the run; empty for a fixed one."""
    evidence: str
    """One line: how it was recognised, or what is worse."""
    id_before: str | None = None
    """The id in the baseline, where it is another one."""
    reason: str | None = None
    """Why it was accepted."""
    until: str | None = None
    first_seen: str | None = None
    is_now_lost: bool = False
    """It is as large as it was or smaller, and grew only in this: it is lost, and was not."""
    is_covered: bool = False
    """It grew, and does not count because a budget says how much it may grow."""

    @property
    def rank(self) -> int:
        """How bad its kind is, definitely lost first: what a definite leak drags along comes behind it."""
        return min((kind.rank for kind in self.kinds), default=LeakKind.NONE.rank)

    @property
    def why_not_counted(self) -> str:
        """Of what is worse and does not fail; empty where it counts, or is nothing worse."""
        if self.is_counted or self.state not in FAILING:
            return ""
        return "covered by a budget" if self.is_covered else "not counted"


@dataclass(frozen=True, slots=True)
class BaselineSummary:
    """The file that a run was checked against."""

    file: str
    is_found: bool
    """Not named by anybody: it is the nearest one above the working directory."""
    leak_count: int


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One budget and what became of it. Amounts in bytes."""

    budget: str
    """As written: `total=+5%`."""
    is_implied: bool
    """The guard of the anchor that a budget against the last run brings with it, or one that a ratchet recorded."""
    result: GateResult
    now: int
    last: int
    anchor: int
    limit: int
    is_matched: bool = True
    """Whether the scope is of anything in the run or in the baseline."""

    @property
    def title(self) -> str:
        """The budget, and that it stands for nothing where it does."""
        return self.budget if self.is_matched else f"{self.budget} (matches nothing here)"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the evidence does not allow a judgement."""

    slug: str
    """`wrong-program`, `fewer-processes` …: `docs/check.md`, "When it cannot judge"."""
    what: str
    """What is wrong, without the full stop: the headline of a run that is not judged."""
    advice: str
    """What else is known, and what to do, in sentences."""
    is_comparable: bool
    """False where the run says nothing about the baseline at all: then what was found is no failure, either."""

    @property
    def text(self) -> str:
        """Both."""
        return f"{self.what}. {self.advice}"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A run against a baseline."""

    baseline: BaselineSummary | None
    """None where there is none: then every leak is new."""
    leaks: tuple[CheckedLeak, ...]
    """New, grown, expired, known and fixed, in this order; each by bytes, of what is worse the worst kind first."""
    states: Mapping[tuple[str, LeakKind], State]
    """Per row of `Report.paths`; a row within the noise has none."""
    budgets: tuple[BudgetLine, ...]
    doubts: tuple[Doubt, ...]

    def of(self, *states: State) -> tuple[CheckedLeak, ...]:
        """The leaks of some states."""
        return tuple(leak for leak in self.leaks if leak.state in states)

    def state_of(self, row: PathRow) -> State | None:
        """The state of a path; None where it is within the noise."""
        return self.states.get((row.id, row.leak_kind))

    @property
    def counts(self) -> dict[str, int]:
        """How many leaks have each state."""
        return {state.value: sum(leak.state is state for leak in self.leaks) for state in State}
