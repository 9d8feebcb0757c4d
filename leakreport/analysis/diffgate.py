"""Thresholds on a comparison: growth in all, new paths. What cannot be compared is no pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leakreport.analysis.diffreport import Presence
from leakreport.analysis.difftable import DiffTable
from leakreport.analysis.diffverdict import Growth
from leakreport.analysis.gate import doubted
from leakreport.analysis.growthlimits import meant
from leakreport.analysis.options import AnalysisOptions, GrowthLimit
from leakreport.analysis.report import GateLine, GateResult
from leakreport.model.columns import exact_sum
from leakreport.model.raw import Frame
from leakreport.units import format_bytes, plural


def evaluate_growth(
    options: AnalysisOptions,
    growth: Growth,
    rows: DiffTable,
    mismatches: Sequence[str],
    frames: Sequence[Frame],
    *,
    unread: str = "",
) -> tuple[GateResult, tuple[GateLine, ...]]:
    """Every threshold that was asked for, and what they make together; `unread` is what `unread_siblings` says."""
    words = set(options.fail_on)
    lines: list[GateLine] = []
    if options.max_growth_bytes is not None or words & {"growth", "any"}:
        lines.append(_growth_line(options, growth)._replace(limit=options.max_growth_bytes))
    lines.extend(_part_line(limit, rows, frames)._replace(limit=limit.limit) for limit in options.max_growth_of)
    if words & {"new", "any"}:
        lines.append(_new_line(rows, growth))
    if not lines:
        return GateResult.NOT_ASKED, ()
    if mismatches and not options.force_compare:
        reason = mismatches[0].rstrip(".")
        lines = [line._replace(result=GateResult.INCONCLUSIVE, text=f"not comparable: {reason}") for line in lines]
    if unread:
        lines = [doubted(line, unread) for line in lines]
    results = {line.result for line in lines}
    for result in (GateResult.FAILED, GateResult.INCONCLUSIVE):
        if result in results:
            return result, tuple(sorted(lines, key=lambda line: line.result is not result))
    return GateResult.PASSED, tuple(lines)


def _growth_line(options: AnalysisOptions, growth: Growth) -> GateLine:
    limit = options.max_growth_bytes or 0
    gate = "--fail-on growth" if options.max_growth_bytes is None else f"--max-growth {options.max_growth_text}"
    amount = growth.growth_bytes
    if amount > limit or (limit == 0 and (growth.grown or growth.new)):
        where = plural(growth.grown + growth.new, "path")
        return GateLine(gate, GateResult.FAILED, f"{format_bytes(amount)} more on {where}")
    if growth.beside and options.max_growth_bytes is None:
        return GateLine(gate, GateResult.FAILED, f"growth of {' and '.join(growth.beside)}")
    if growth.is_undecided and amount + growth.undecided_bytes > limit:
        return GateLine(gate, GateResult.INCONCLUSIVE, growth.open_question())
    text = "nothing grew" if not amount else f"{format_bytes(amount)} more, within the limit"
    return GateLine(gate, GateResult.PASSED, text)


def _part_line(limit: GrowthLimit, rows: DiffTable, frames: Sequence[Frame]) -> GateLine:
    """A threshold on what some paths grew by together; one that no path of either side can answer to is no pass."""
    gate = f"--max-growth {limit.text}"
    paths = ((row.site_frame, (*row.frames, *(row.frames_before or ()))) for row in rows)
    chosen = rows.taken(np.asarray(meant(limit.pattern, paths, frames), dtype=np.int64))
    if not len(chosen):
        text = "no path of either side matches; a library or function that is not there has not passed"
        return GateLine(gate, GateResult.INCONCLUSIVE, text)
    grown = chosen.taken(chosen.is_significant & (chosen.weight > 0))
    amount = exact_sum(grown.weight)
    if amount > limit.limit:
        return GateLine(gate, GateResult.FAILED, f"{format_bytes(amount)} more on {plural(len(grown), 'path')}")
    undecided = chosen.taken(chosen.is_open & (chosen.weight > 0))
    if amount + exact_sum(undecided.weight) > limit.limit:
        text = f"{plural(len(undecided), 'path')} larger, in too few runs to tell whether that is chance"
        return GateLine(gate, GateResult.INCONCLUSIVE, text)
    text = "nothing grew" if not amount else f"{format_bytes(amount)} more, within the limit"
    return GateLine(gate, GateResult.PASSED, f"{text}; {plural(len(chosen), 'path')} looked at")


def _new_line(rows: DiffTable, growth: Growth) -> GateLine:
    new = rows.taken(rows.is_significant & rows.are(Presence.NEW))
    if len(new):
        amount = exact_sum(new.weight)
        return GateLine("--fail-on new", GateResult.FAILED, f"{plural(len(new), 'new path')}, {format_bytes(amount)}")
    if growth.undecided_new:
        text = f"{plural(growth.undecided_new, 'path')} not seen before, in too few runs to tell whether that is chance"
        return GateLine("--fail-on new", GateResult.INCONCLUSIVE, text)
    return GateLine("--fail-on new", GateResult.PASSED, "no new path")
