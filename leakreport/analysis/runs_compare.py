"""Runs before against runs after: which changes are more than the runs vary by themselves.

All paths, what no path carries, and the total are tested as one family by relabeling the runs (`permutation`), so that a report
falsely says "larger" once in a hundred. What then counts must also be large enough by the noise rule.
Source of the procedure: docs/verdict.md, "k runs against k runs".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from leakreport.analysis.diffreport import DiffRow, NoiseRule, Presence, RunsSummary, RunValues
from leakreport.analysis.diffverdict import Growth
from leakreport.analysis.noise import is_significant
from leakreport.analysis.paths import PathTable
from leakreport.analysis.permutation import compare_runs
from leakreport.analysis.processes import Judged
from leakreport.analysis.repeats import values_by_run
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column
from leakreport.model.metrics import LeakKind

LEVEL = 0.01
"""The chance of any false "larger" in a report, at most."""
LEAST_RELABELINGS = round(1 / LEVEL)
"""With fewer ways to call runs "before" than these, no p-value is small enough: 4 against 4 have 70, 5 against 5 have 252."""
RUNS_NEEDED = 5
_REST, _TOTAL = -2, -1
"""Where in the family what no path carries and the total stand, behind all paths."""


class Side(NamedTuple):
    """One side: its rows, and each of its runs."""

    rows: PathTable
    runs: Sequence[Judged]


class Paired(Protocol):
    """Which rows of the two sides are one row of the comparison."""

    @property
    def before(self) -> tuple[int, ...]:
        """Indexes of rows before."""

    @property
    def after(self) -> tuple[int, ...]:
        """Indexes of rows after."""

    @property
    def tie(self) -> int | None:
        """One number for rows that could be each other."""


@dataclass(frozen=True, slots=True)
class _Tested:
    """The answers of one family, one entry each."""

    p_value: Float64Column
    family_p_value: Float64Column
    is_exact: BoolColumn
    is_constant: BoolColumn
    """Equal inside each side."""
    is_real: BoolColumn
    relabelings: int


@dataclass(frozen=True, slots=True)
class RunsJudgement:
    """What the runs say of the rows, of what no path carries, and of the total."""

    rows: list[DiffRow]
    summary: RunsSummary | None = None
    is_rest_real: bool = True
    """Whether the change that no path carries is more than chance."""
    is_total_real: bool = False
    """Whether the runs say by themselves that the total changed."""


def judge_by_runs(
    pairs: Sequence[Paired],
    rows: Sequence[DiffRow],
    sides: tuple[Side, Side],
    metric: str,
    rule: NoiseRule,
    *,
    is_forced: bool,
) -> RunsJudgement:
    """Rows with what the runs say of them; as they are where no side was repeated.

    Args:
        pairs: per row of the comparison, the rows of the sides.
        rows: the rows, judged by the noise rule alone.
        sides: before and after.
        metric: the total that is judged, in bytes.
        rule: what is large enough to count.
        is_forced: a change of which the runs cannot tell counts, as it does with one run on each side.
    """
    if not all(side.runs for side in sides):
        return RunsJudgement(list(rows))
    unit = _units(pairs)
    of_rows = [_by_pair(pairs, side, number, "retained_bytes") for number, side in enumerate(sides)]
    of_units = [_added(values, unit) for values in of_rows]
    totals = [np.array([[one.totals.get(metric, 0) for one in side.runs]], dtype=np.int64) for side in sides]
    rests = [
        total - values_by_run(side.rows, side.runs, metric).sum(axis=0, keepdims=True)
        for total, side in zip(totals, sides, strict=True)
    ]
    family = _tested(*(np.vstack(parts) for parts in zip(of_units, rests, totals, strict=True)))
    is_enough = family.relabelings >= LEAST_RELABELINGS
    counts = (len(sides[0].runs), len(sides[1].runs))
    varied = int(np.count_nonzero(~(family.is_constant & (family.p_value >= 1))[:_REST]))
    found = []
    for row, number in zip(rows, unit.tolist(), strict=True):
        # A leak of another kind and the same size in every run is no chance either.
        is_other_kind = row.leak_kind is not row.leak_kind_before and bool(family.is_constant[number])
        is_real = is_forced or is_other_kind or bool(family.is_real[number])
        is_open = row.is_significant and not is_real and not is_enough
        values = _values(of_units, number, family, number, is_open=is_open, family_size=varied)
        found.append(replace(row, is_significant=row.is_significant and is_real, runs=values))
    net = _mean_change(totals[0][0], totals[1][0])
    is_total_large = is_significant(rule, [_kind_of(metric)], round(net), 0, 0.0)
    is_total_open = is_total_large and not family.is_real[_TOTAL] and not is_enough and not is_forced
    summary = RunsSummary(
        before=counts[0],
        after=counts[1],
        relabelings=family.relabelings,
        level=LEVEL,
        family_size=varied,
        undecided=sum(row.runs is not None and row.runs.is_undecided for row in found),
        metric=metric,
        total=_values(totals, 0, family, _TOTAL, is_open=is_total_open, family_size=varied),
    )
    return RunsJudgement(
        found,
        summary,
        is_rest_real=is_forced or bool(family.is_real[_REST]),
        is_total_real=is_total_large and bool(family.is_real[_TOTAL]),
    )


def _kind_of(metric: str) -> LeakKind:
    """A kind for which the noise rule is that of a total: lost bytes count from the first."""
    return LeakKind.DEFINITE if metric == "leaked_bytes" else LeakKind.NONE


def _units(pairs: Sequence[Paired]) -> Int64Column:
    """Per pair the number of what is judged together: rows that could be each other by their sum."""
    of_tie: dict[int, int] = {}
    found = np.zeros(len(pairs), dtype=np.int64)
    count = 0
    for index, pair in enumerate(pairs):
        if pair.tie is not None and pair.tie in of_tie:
            found[index] = of_tie[pair.tie]
            continue
        found[index] = count
        if pair.tie is not None:
            of_tie[pair.tie] = count
        count += 1
    return found


def _by_pair(pairs: Sequence[Paired], side: Side, number: int, metric: str) -> Int64Column:
    """Pairs × runs."""
    values = values_by_run(side.rows, side.runs, metric)
    found = np.zeros((len(pairs), values.shape[1]), dtype=np.int64)
    for index, pair in enumerate(pairs):
        for row in pair.after if number else pair.before:
            found[index] += values[row]
    return found


def _added(values: Int64Column, unit: Int64Column) -> Int64Column:
    found = np.zeros((int(unit.max(initial=-1)) + 1, values.shape[1]), dtype=np.int64)
    np.add.at(found, unit, values)
    return found


def _has_switch(before: Int64Column, after: Int64Column) -> bool:
    """Whether a path is there in some runs and not in others of one side, with no value between.

    Such a path falls the right way by chance once in 16 reports of two runs a side: where there is one, paths that are
    equal inside each side are no proof.
    """
    values = np.hstack([before, after])
    lowest, highest = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    is_two_valued = ((values == lowest) | (values == highest)).all(axis=1) & (lowest != highest)[:, 0]
    return bool((is_two_valued & ~(_is_constant(before) & _is_constant(after))).any())


def _is_constant(values: Int64Column) -> BoolColumn:
    return np.asarray(values.max(axis=1) == values.min(axis=1))


def _tested(before: Int64Column, after: Int64Column) -> _Tested:
    """Each row in its own direction, all rows of a direction as one family. Swapping the sides changes nothing."""
    # Where only some relabelings are tried, which ones must not depend on the order of the inputs.
    before, after = (values[:, np.lexsort(np.sort(values, axis=0))] for values in (before, after))
    larger, smaller = compare_runs(before, after), compare_runs(after, before)
    is_larger = larger.change >= 0
    family_p_value = np.where(is_larger, larger.family_p_value, smaller.family_p_value)
    if larger.relabelings >= LEAST_RELABELINGS:
        is_real = family_p_value <= LEVEL
    else:
        is_real = larger.is_exact & (not _has_switch(before, after))
    return _Tested(
        p_value=np.where(is_larger, larger.p_value, smaller.p_value),
        family_p_value=family_p_value,
        is_exact=larger.is_exact,
        is_constant=_is_constant(before) & _is_constant(after),
        is_real=is_real,
        relabelings=larger.relabelings,
    )


def _values(
    sides: Sequence[Int64Column], row: int, tested: _Tested, place: int, *, is_open: bool, family_size: int
) -> RunValues:
    """A row of the values of both sides, with what stands at a place of the family."""
    before, after = (tuple(side[row].tolist()) for side in sides)
    p_value, family_p_value = (round(float(column[place]), 6) for column in (tested.p_value, tested.family_p_value))
    return RunValues(
        before=before,
        after=after,
        p_value=p_value,
        family_p_value=family_p_value,
        is_exact=bool(tested.is_exact[place]),
        is_undecided=is_open,
        text=_text(before, after, p_value, family_p_value, is_open=is_open, family_size=family_size),
    )


def _text(
    before: Sequence[int],
    after: Sequence[int],
    p_value: float,
    family_p_value: float,
    *,
    is_open: bool,
    family_size: int,
) -> str:
    """How the runs lie to each other, in a few words."""
    if min(before) == max(before) and min(after) == max(after):
        many = max(len(before), len(after)) > 1
        return "equal in all runs" if before[0] == after[0] and many else "equal in all runs of each side"
    if _mean_change(before, after) >= 0:
        word, beyond = "above", sum(one > max(before) for one in after)
    else:
        word, beyond = "below", sum(one < min(before) for one in after)
    chance = f"p = {p_value:.2g}"
    if family_size > 1 and family_p_value != p_value:
        chance += f", {family_p_value:.2g} among {family_size:,} paths"
    text = f"{beyond} of {len(after)} runs after {word} all {len(before)} before ({chance})"
    return f"{text}; {RUNS_NEEDED} runs a side can tell" if is_open else text


def _mean_change(before: Sequence[int] | Int64Column, after: Sequence[int] | Int64Column) -> float:
    return sum(map(int, after)) / len(after) - sum(map(int, before)) / len(before)


def growth_by_runs(growth: Growth, judgement: RunsJudgement) -> Growth:
    """Growth without what may be chance; as it is where no side was repeated."""
    summary = judgement.summary
    if summary is None:
        return growth
    larger = [row for row in judgement.rows if row.runs is not None and row.runs.is_undecided and _held(row) > 0]
    open_bytes = sum(map(_held, larger))
    if summary.total.is_undecided and growth.net > 0:
        open_bytes = max(open_bytes, growth.net)
    return replace(
        growth,
        unattributed=growth.unattributed if judgement.is_rest_real else 0,
        total_change=growth.net if judgement.is_total_real else 0,
        undecided=len(larger),
        undecided_new=sum(row.presence is Presence.NEW for row in larger),
        undecided_bytes=open_bytes,
        runs=(summary.before, summary.after),
    )


def _held(row: DiffRow) -> int:
    return row.change.get("retained_bytes", 0)
