"""Runs before against runs after: which changes are more than the runs vary by themselves.

All paths, what no path carries, and the total are tested as one family by relabeling the runs (`permutation`), so that a report
falsely says "larger" once in a hundred. What then counts must also be large enough by the noise rule.
Source of the procedure: docs/verdict.md, "k runs against k runs".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from leakreport.analysis.diffreport import NoiseRule, Presence, RunsSummary, RunValues
from leakreport.analysis.difftable import DiffTable, amounts_of
from leakreport.analysis.diffverdict import Growth
from leakreport.analysis.noise import are_significant
from leakreport.analysis.paths import PathTable
from leakreport.analysis.permutation import compare_runs
from leakreport.analysis.processes import Judged
from leakreport.analysis.repeats import values_by_run
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column, exact_sum

LEVEL = 0.01
"""The chance of any false "larger" in a report, at most."""
LEAST_RELABELINGS = round(1 / LEVEL)
"""With fewer ways to call runs "before" than these, no p-value is small enough: 4 against 4 have 70, 5 against 5 have 252."""
RUNS_NEEDED = 5
_ROUNDING = 1e-9
_REST, _TOTAL = -2, -1
"""Where in the family what no path carries and the total stand, behind all paths."""


class Side(NamedTuple):
    """One side: its rows, and each of its runs."""

    rows: PathTable
    runs: Sequence[Judged]


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
class _RunsOfRows:
    """What every run holds of what is judged together: units × runs, with the answers of their family."""

    before: Int64Column
    after: Int64Column
    tested: _Tested
    varied: int

    def of(self, unit: int, *, is_open: bool) -> RunValues:
        """The values of a unit."""
        sides = (self.before, self.after)
        return _values(sides, unit, self.tested, unit, is_open=is_open, family_size=self.varied)


@dataclass(frozen=True, slots=True)
class RunsJudgement:
    """What the runs say of the rows, of what no path carries, and of the total."""

    rows: DiffTable
    summary: RunsSummary | None = None
    is_rest_real: bool = True
    """Whether the change that no path carries is more than chance."""
    is_total_real: bool = False
    """Whether the runs say by themselves that the total changed."""


def judge_by_runs(
    table: DiffTable, sides: tuple[Side, Side], metric: str, rule: NoiseRule, *, is_forced: bool
) -> RunsJudgement:
    """Rows with what the runs say of them; as they are where no side was repeated.

    Args:
        table: the rows, judged by the noise rule alone.
        sides: before and after.
        metric: the total that is judged, in bytes.
        rule: what is large enough to count.
        is_forced: a change of which the runs cannot tell counts, as it does with one run on each side.
    """
    if not all(side.runs for side in sides):
        return RunsJudgement(table)
    unit = _units(table)
    of_units = [_by_unit(table, unit, side, number) for number, side in enumerate(sides)]
    totals = [np.array([[one.totals.get(metric, 0) for one in side.runs]], dtype=np.int64) for side in sides]
    rests = [
        total - values_by_run(side.rows, side.runs, metric).sum(axis=0, keepdims=True)
        for total, side in zip(totals, sides, strict=True)
    ]
    family = _tested(*(np.vstack(parts) for parts in zip(of_units, rests, totals, strict=True)))
    is_enough = family.relabelings >= LEAST_RELABELINGS
    varied = int(np.count_nonzero(~(family.is_constant & (family.p_value >= 1))[:_REST]))
    before, after = table.kinds()
    # A leak of another kind and the same size in every run is no chance either.
    is_other_kind = (before != after) & family.is_constant[unit]
    is_real = family.is_real[unit] | is_other_kind | is_forced
    is_open = table.is_significant & ~is_real & (not is_enough)
    rows = replace(
        table,
        is_significant=table.is_significant & is_real,
        is_open=is_open,
        unit=unit,
        runs=_RunsOfRows(of_units[0], of_units[1], family, varied),
    )
    net = _mean_change(totals[0][0], totals[1][0])
    is_total_large = _is_large(rule, round(net), metric)
    is_total_open = is_total_large and not family.is_real[_TOTAL] and not is_enough and not is_forced
    summary = RunsSummary(
        before=len(sides[0].runs),
        after=len(sides[1].runs),
        relabelings=family.relabelings,
        level=LEVEL,
        family_size=varied,
        undecided=int(is_open.sum()),
        metric=metric,
        total=_values(totals, 0, family, _TOTAL, is_open=is_total_open, family_size=varied),
    )
    return RunsJudgement(
        rows.sorted(),
        summary,
        is_rest_real=is_forced or bool(family.is_real[_REST]),
        is_total_real=is_total_large and bool(family.is_real[_TOTAL]),
    )


def _is_large(rule: NoiseRule, change: int, metric: str) -> bool:
    """Whether the change of a total counts: lost bytes do from the first."""
    none = np.zeros(1, dtype=np.bool_)
    is_lost = np.asarray([metric == "leaked_bytes"])
    amount = np.asarray([change], dtype=np.int64)
    return bool(are_significant(rule, is_lost, none, amount, np.zeros_like(amount), np.zeros(1))[0])


def _units(table: DiffTable) -> Int64Column:
    """Per row the number of what is judged together: rows that could be each other by their sum."""
    alone = np.flatnonzero(table.tie < 0)
    found = np.empty(len(table), dtype=np.int64)
    found[alone] = np.arange(len(alone))
    found[table.tie >= 0] = len(alone) + np.unique(table.tie[table.tie >= 0], return_inverse=True)[1]
    return found


def _by_unit(table: DiffTable, unit: Int64Column, side: Side, number: int) -> Int64Column:
    """Units × runs."""
    values = values_by_run(side.rows, side.runs, "retained_bytes")
    found = np.zeros((int(unit.max(initial=-1)) + 1, values.shape[1]), dtype=np.int64)
    for run in range(values.shape[1]):
        np.add.at(found[:, run], unit, amounts_of(table, number, values[:, run]))
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
    # Where the means are equal but for rounding, neither direction is its own.
    is_level = np.abs(larger.change) <= _ROUNDING * np.abs(np.hstack([before, after])).max(axis=1, initial=0)
    is_larger = larger.change > 0

    def own(larger_p: Float64Column, smaller_p: Float64Column) -> Float64Column:
        return np.where(is_level, np.maximum(larger_p, smaller_p), np.where(is_larger, larger_p, smaller_p))

    family_p_value = own(larger.family_p_value, smaller.family_p_value)
    if larger.relabelings >= LEAST_RELABELINGS:
        is_real = family_p_value <= LEVEL
    else:
        is_real = larger.is_exact & (not _has_switch(before, after))
    return _Tested(
        p_value=own(larger.p_value, smaller.p_value),
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
    rows = judgement.rows
    larger = rows.taken(rows.is_open & (rows.weight > 0))
    open_bytes = exact_sum(larger.weight)
    if summary.total.is_undecided and growth.net > 0:
        open_bytes = max(open_bytes, growth.net)
    return replace(
        growth,
        unattributed=growth.unattributed if judgement.is_rest_real else 0,
        total_change=growth.net if judgement.is_total_real else 0,
        undecided=len(larger),
        undecided_new=int(larger.are(Presence.NEW).sum()),
        undecided_bytes=open_bytes,
        runs=(summary.before, summary.after),
    )
