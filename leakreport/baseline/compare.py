"""A run against a baseline. The comparison is that of `diff`: what it recognises is known, and the two cannot disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from leakreport.analysis.checkreport import (
    FAILING,
    BaselineSummary,
    CheckedLeak,
    CheckResult,
    State,
)
from leakreport.analysis.compare import Aligned, align
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.paths import PathTable
from leakreport.analysis.report import Finding, GateLine, GateResult, PathRow, Report
from leakreport.baseline.budgets import (
    Base,
    Budget,
    Held,
    all_budgets,
    budget_gates,
    budget_lines,
    is_in_scope,
    with_whole_ids,
)
from leakreport.baseline.entries import Amounts, Baseline, Leak, Recording, folder_of, total_blocks, total_bytes
from leakreport.baseline.evidence import Subject, doubts_of, lost_on_no_path
from leakreport.baseline.places import Places
from leakreport.baseline.side import run_of, told_frame
from leakreport.baseline.states import FoundLeak, found_leaks
from leakreport.baseline.verdict import state_gates, verdict_of
from leakreport.model.columns import Int64Column
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS, LeakKind
from leakreport.model.snapshot import Run

_STATE_OF_WORD = {"new": State.NEW, "growth": State.GREW}
_ORDER = {State.NEW: 0, State.GREW: 1, State.EXPIRED: 2, State.KNOWN: 3, State.FIXED: 4}


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What the gate of a check counts."""

    today: str
    """A date, 2026-11-03: what was accepted until an earlier one has expired."""
    places: Places
    baseline_file: str = ""
    is_found: bool = False
    """Nobody named the file."""
    fail_on: tuple[str, ...] = ()
    """Leak kinds, `any`, `new`, `growth`; empty for what is lost, new or grown."""
    budgets: tuple[Budget, ...] = ()

    @property
    def asked(self) -> frozenset[LeakKind] | None:
        """The kinds that were asked for; None where nobody asked for kinds."""
        words = set(self.fail_on)
        kinds = frozenset(kind for kind in LEAK_KINDS if kind.word in words or "any" in words)
        return kinds or None

    @property
    def counted(self) -> frozenset[LeakKind]:
        """The kinds that count when they are new, and in budgets; of profiles without kinds all that is held."""
        return (self.asked or frozenset(LOST_KINDS)) | {LeakKind.NONE}

    @property
    def failing(self) -> frozenset[State]:
        """The states that fail."""
        asked = frozenset(_STATE_OF_WORD[word] for word in self.fail_on if word in _STATE_OF_WORD)
        return (asked | {State.EXPIRED}) if asked else frozenset(FAILING)


class Comparison(NamedTuple):
    """A run and a baseline, and what became of each leak."""

    report: Report
    aligned: Aligned
    baseline: Baseline | None
    leaks: Sequence[FoundLeak]
    rows: Mapping[int, int]
    """Per row of the after side its row in `report.paths`."""


def _as_it_is(run: Run) -> Run:
    return run


def compared(
    report: Report,
    run: Run,
    baseline: Baseline | None,
    analysis: AnalysisOptions,
    check: CheckOptions,
    *,
    without_suppressed: Callable[[Run], Run] = _as_it_is,
) -> Comparison:
    """Find the leaks of a baseline in a run.

    Args:
        report: what analysis says of the run.
        run: the same run.
        baseline: None where there is none.
        analysis: what the report was made with.
        check: what the gate counts.
        without_suppressed: what was done to the run: what suppressions hide is not fixed.
    """
    known = baseline or Baseline(_recording_like(report), {})
    aligned = align(without_suppressed(run_of(known, check.baseline_file or "baseline")), run, analysis)
    leaks = found_leaks(aligned, known, check.counted)
    return Comparison(report, aligned, baseline, leaks, _report_rows(report, aligned))


def _recording_like(report: Report) -> Recording:
    first = report.judged_inputs[0]
    kinds = frozenset(first.kinds_recorded)
    return Recording(format=first.format, kinds=kinds, sampling=first.sampling)


def _report_rows(report: Report, aligned: Aligned) -> dict[int, int]:
    assert isinstance(report.paths, PathTable)
    keys, places = (_keys(table) for table in (aligned.after.rows, report.paths))
    order = np.argsort(places, kind="stable")
    found = np.searchsorted(places[order], keys)
    return {
        row: int(order[place])
        for row, place in enumerate(found.tolist())
        if place < len(order) and places[order[place]] == keys[row]
    }


def _keys(table: PathTable) -> Int64Column:
    found: Int64Column = table.node * (max(LeakKind) + 1) + table.leak_kind
    return found


def checked(comparison: Comparison, check: CheckOptions) -> Report:
    """The report with what the baseline knows of each leak, and a gate that counts only what is worse."""
    judge = _Judge(comparison, check)
    doubts = doubts_of(judge.subject)
    budgets = all_budgets(judge.budgets, judge.baseline.budgets)
    lines = budget_lines(budgets, judge.held()) if budgets else ()
    leaks = tuple(sorted(judge.checked_leaks(), key=_reading_order))
    result = CheckResult(
        baseline=None
        if comparison.baseline is None
        else BaselineSummary(
            check.baseline_file, check.is_found, sum(bool(leak.last) for leak in judge.baseline.leaks.values())
        ),
        # What a run with doubts does not have may be in what is missing of it.
        leaks=tuple(leak for leak in leaks if leak.state is not State.FIXED) if doubts else leaks,
        states=judge.states(),
        budgets=lines,
        doubts=doubts,
    )
    gates = [*state_gates(result, check.failing), *judge.pathless_gates(), *budget_gates(lines)]
    return replace(
        comparison.report,
        check=result,
        findings=_in_order(comparison.report, judge.states()),
        verdict=verdict_of(comparison.report.verdict, result, gates),
    )


def _in_order(report: Report, states: Mapping[tuple[str, LeakKind], State]) -> tuple[Finding, ...]:
    """The findings with the reading list by what the baseline knows: what is new or grew is read before what is known."""

    def place(finding: Finding) -> int:
        paths = (report.paths[index] for index in finding.rows)
        found = (_ORDER[state] for path in paths if (state := states.get((path.id, path.leak_kind))) is not None)
        return min(found, default=len(_ORDER))

    return (*sorted(report.leaks, key=place), *(finding for finding in report.findings if not finding.is_leak))


def _reading_order(leak: CheckedLeak) -> tuple[int, bool, int, int, str]:
    return (
        _ORDER[leak.state],
        not leak.is_counted,
        leak.rank if leak.state in FAILING else 0,
        -max(leak.after.get("bytes", 0), leak.before.get("bytes", 0)),
        leak.id,
    )


def held_of(comparison: Comparison, check: CheckOptions) -> list[Held]:
    """What budgets look at: every leak of either side, and what is on no path."""
    return _Judge(comparison, check).held()


def budgets_of(comparison: Comparison, check: CheckOptions) -> tuple[Budget, ...]:
    """The budgets that were given, those of one leak with its whole id.

    Raises:
        UsageError: there is no such leak.
    """
    if not any(budget.scope.startswith("path:") for budget in check.budgets):
        return check.budgets
    ids: dict[str, str] = {}
    for leak in comparison.baseline.leaks.values() if comparison.baseline is not None else ():
        ids |= dict.fromkeys(leak.aliases, leak.id)
    ids |= {name: name for name in comparison.aligned.after.rows.ids()}
    if comparison.baseline is not None:
        ids |= {name: name for name in comparison.baseline.leaks}
    return with_whole_ids(check.budgets, ids)


class _Judge:
    """One check."""

    def __init__(self, comparison: Comparison, check: CheckOptions) -> None:
        self._comparison, self._check = comparison, check
        self._report = comparison.report
        self.baseline = comparison.baseline or Baseline(_recording_like(comparison.report), {})
        listed = [after for leak in comparison.leaks if leak.state is not None for after in leak.rows]
        self._rows = self._made(listed)
        self.budgets = budgets_of(comparison, check)
        self._growth_budgets = [budget for budget in self.budgets if budget.base is not Base.NOTHING]
        self._expired = {leak.id for leak in self.baseline.leaks.values() if leak.until and leak.until < check.today}
        self.subject = Subject(
            comparison.aligned,
            comparison.baseline,
            comparison.report.totals,
            check.asked,
            sum(len(leak.stored) for leak in comparison.leaks if leak.rows),
        )

    def _made(self, after: Iterable[int]) -> dict[int, PathRow]:
        """Rows of the report for rows of the after side; one by one they would take much longer."""
        assert isinstance(self._report.paths, PathTable)
        known = [one for one in after if one in self._comparison.rows]
        places = np.asarray([self._comparison.rows[one] for one in known], dtype=np.int64)
        return dict(zip(known, self._report.paths.taken(places), strict=True))

    def _rows_of(self, leak: FoundLeak) -> list[PathRow]:
        return [self._rows[after] for after in leak.rows if after in self._rows]

    def state_of(self, leak: FoundLeak) -> State | None:
        """With what only the file knows: that an acceptance has expired."""
        if leak.state is State.KNOWN and not self._expired.isdisjoint(leak.stored):
            return State.EXPIRED
        return leak.state

    def states(self) -> dict[tuple[str, LeakKind], State]:
        """Per row of the report. Beside others of its leak, a path that holds nothing is neither new nor grown."""
        return {
            (row.id, row.leak_kind): state
            for leak in self._comparison.leaks
            if (state := self.state_of(leak)) is not None
            for row in self._rows_of(leak)
            if state is State.KNOWN or row.values.get("retained_bytes") or row.values.get("retained_blocks")
        }

    def checked_leaks(self) -> Iterable[CheckedLeak]:
        """Those that are not within the noise."""
        for leak in self._comparison.leaks:
            state = self.state_of(leak)
            if state is State.FIXED:
                yield self._fixed(leak)
            elif state is not None and (rows := self._rows_of(leak)):
                yield self._here(leak, state, rows)

    def _fixed(self, leak: FoundLeak) -> CheckedLeak:
        stored = self.baseline.leaks[leak.stored[0]]
        return CheckedLeak(
            id=stored.id,
            state=State.FIXED,
            is_counted=False,
            kinds=tuple(sorted(stored.last)),
            function=stored.function,
            file=stored.file,
            line=None,
            module=stored.module,
            before=_amounts(total_bytes(stored.last), total_blocks(stored.last)),
            after={},
            evidence="",
            reason=stored.reason,
            until=stored.until,
            first_seen=stored.first_seen,
        )

    def _here(self, leak: FoundLeak, state: State, rows: Sequence[PathRow]) -> CheckedLeak:
        row = rows[0]
        stored = [self.baseline.leaks[name] for name in leak.stored]
        known = next((entry for entry in stored if entry.reason), stored[0] if stored else None)
        function, file, line = told_frame(self._report, row) or (None, None, None)
        has_blocks = "retained_blocks" in row.values
        aged = known or self._came_back(row.id)
        return CheckedLeak(
            id=row.id,
            state=state,
            is_counted=self._is_counted(leak, state, rows, stored),
            kinds=tuple(sorted({one.leak_kind for one in rows})),
            function=function,
            file=self._check.places.told(file),
            line=line,
            module=row.module,
            before=_amounts(leak.before_bytes, leak.before_blocks if has_blocks else None) if stored else {},
            after=_amounts(leak.after_bytes, leak.after_blocks if has_blocks else None),
            evidence=self._evidence(leak, state, row),
            id_before=stored[0].id if stored and row.id not in leak.stored else None,
            reason=None if known is None else known.reason,
            until=None if known is None else known.until,
            first_seen=None if aged is None else aged.first_seen,
            is_now_lost=leak.is_now_lost and state is State.GREW,
            is_covered=state is State.GREW and self._is_covered(rows, stored),
        )

    def _came_back(self, name: str) -> Leak | None:
        found = self.baseline.leak_called(name)
        return found if found is not None and found.fixed else None

    def _evidence(self, leak: FoundLeak, state: State, row: PathRow) -> str:
        back = self._came_back(row.id) if state is State.NEW else None
        return leak.evidence if back is None else f"it was fixed on {back.fixed}, and is back"

    def _is_counted(self, leak: FoundLeak, state: State, rows: Sequence[PathRow], stored: Sequence[Leak]) -> bool:
        if state not in self._check.failing:
            return False
        if state is State.EXPIRED:
            return True
        if state is State.NEW:
            if self._is_in_clean_folder(rows[0]):
                return True
            return any(kind in self._check.counted for kind in leak.kinds)
        # Memory that is still reachable is no loss, and more of it than before is.
        counted = self._check.counted if self._check.asked is not None else frozenset(LeakKind)
        return not self._is_covered(rows, stored) and any(
            kind in counted for kind in leak.kinds or {row.leak_kind for row in rows}
        )

    def _is_covered(self, rows: Sequence[PathRow], stored: Sequence[Leak]) -> bool:
        """Whether a budget says how much it may grow."""
        if not self._growth_budgets:
            return False
        held = self._held(rows, stored)
        return any(is_in_scope(held, budget.scope) for budget in self._growth_budgets)

    def _is_in_clean_folder(self, row: PathRow) -> bool:
        frame = told_frame(self._report, row)
        file = None if frame is None else self._check.places.told(frame[1])
        return file is not None and folder_of(file) in self.baseline.clean

    def held(self) -> list[Held]:
        """What budgets look at: every leak of either side, and what is on no path."""
        self._rows |= self._made(
            after for leak in self._comparison.leaks for after in leak.rows if after not in self._rows
        )
        found = [
            self._held(self._rows_of(leak), [self.baseline.leaks[name] for name in leak.stored])
            for leak in self._comparison.leaks
        ]
        # What suppressions hide counts on neither side.
        gone = [leak for leak in self.baseline.leaks.values() if not leak.last]
        found += [self._held([], [leak]) for leak in gone]
        left = self._left()
        last, anchor = (self._bytes(one) for one in (self.baseline.unattributed, self.baseline.unattributed_anchor))
        found.append(Held((), None, None, None, None, left, last, anchor))
        return found

    def _left(self) -> int:
        """Bytes that are counted and on no path."""
        table = self._comparison.aligned.after.rows
        left = 0
        for kind in self._check.counted:
            metric = "retained_bytes" if kind is LeakKind.NONE else kind.bytes_metric
            if metric not in self._report.totals or (kind is LeakKind.NONE and self._has_kinds()):
                continue
            left += max(
                self._report.totals[metric] - int(table.column("retained_bytes")[table.leak_kind == kind].sum()), 0
            )
        return left

    def _has_kinds(self) -> bool:
        return any(kind.bytes_metric in self._report.totals for kind in LEAK_KINDS)

    def _bytes(self, amounts: Amounts) -> int:
        return total_bytes(amounts, self._check.counted)

    def _held(self, rows: Sequence[PathRow], stored: Sequence[Leak]) -> Held:
        now = sum(row.values.get("retained_bytes", 0) for row in rows if row.leak_kind in self._check.counted)
        last, anchor = (sum(self._bytes(getattr(entry, name)) for entry in stored) for name in ("last", "anchor"))
        names = [name for entry in stored for name in (entry.id, *entry.aliases)]
        if not rows:
            entry = stored[0]
            return Held(tuple(names), entry.module, entry.owner, entry.folder, entry.file, now, last, anchor)
        frame = told_frame(self._report, rows[0])
        file = None if frame is None else self._check.places.told(frame[1])
        names += [row.id for row in rows]
        folder = None if file is None else folder_of(file)
        return Held(tuple(names), rows[0].module, rows[0].owner, folder, file, now, last, anchor)

    def pathless_gates(self) -> list[GateLine]:
        """Losses without a path, which no leak stands for."""
        if not self._has_kinds():
            return []
        text = lost_on_no_path(self.subject, self._check.counted)
        return [GateLine("new", GateResult.FAILED, f"{text}, more than the baseline has")] if text else []


def _amounts(held_bytes: int, blocks: int | None) -> dict[str, int]:
    return {"bytes": held_bytes} if blocks is None else {"bytes": held_bytes, "blocks": blocks}
