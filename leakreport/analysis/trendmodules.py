"""What each library holds over the points of a trend, and the tree from the first of them to the last."""

from __future__ import annotations

import numpy as np

from leakreport.analysis.comparedtree import compared_tree
from leakreport.analysis.difftable import UNKNOWN_MODULE
from leakreport.analysis.growth import judge_series
from leakreport.analysis.options import WorkDone
from leakreport.analysis.report import ComparedTree
from leakreport.analysis.trendreport import ModuleSeries
from leakreport.analysis.trendseries import SeriesTable
from leakreport.model.columns import BoolColumn, Int64Column


def modules_of(table: SeriesTable, work: WorkDone | None, times: tuple[float, ...] | None) -> tuple[ModuleSeries, ...]:
    """Per allocating object the sum of its paths at each point, the largest rise first.

    Slopes are of straight lines through all points: nothing here is tested for growth.

    Args:
        table: of the trend.
        work: done at each point.
        times: of the points.
    """
    if not len(table.values):
        return ()
    sites = table.rows.frame_at(table.rows.paths.site)
    frames = table.rows.frames
    names = [(None if index < 0 else frames[index].module_name) or UNKNOWN_MODULE for index in sites.tolist()]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    group = np.asarray([numbers[name] for name in names], dtype=np.int64)
    values = np.zeros((len(numbers), table.values.shape[1]), dtype=np.int64)
    np.add.at(values, group, np.where(table.is_missing, 0, table.values))
    is_missing = np.ones_like(values, dtype=np.bool_)
    np.logical_and.at(is_missing, group, table.is_missing)
    verdicts = judge_series(values, work=None if work is None else work.amounts, times=times, is_missing=is_missing)
    counts = np.bincount(group, minlength=len(numbers)).tolist()
    found = []
    for name, number in numbers.items():
        series = tuple(
            None if missing else amount
            for amount, missing in zip(values[number].tolist(), is_missing[number].tolist(), strict=True)
        )
        verdict = verdicts[number]
        found.append(ModuleSeries(name, counts[number], series, verdict.first, verdict.last, verdict.slope))
    return tuple(sorted(found, key=lambda one: (one.first - one.last, -one.last, one.name)))


def tree_of(table: SeriesTable, own: BoolColumn) -> ComparedTree:
    """The paths at the first and the last point that has paths."""
    stacks = table.rows.paths.stacks.taken(table.rows.stack)
    measured = np.flatnonzero(~table.is_missing.all(axis=0)) if len(table.values) else np.zeros(0, dtype=np.int64)
    before, after = (
        _held(table, int(measured[place])) if measured.size else np.zeros(len(table.values), dtype=np.int64)
        for place in (0, -1)
    )
    return compared_tree(stacks, before, after, table.rows.frames, own)


def _held(table: SeriesTable, point: int) -> Int64Column:
    held: Int64Column = np.where(table.is_missing[:, point], 0, table.values[:, point])
    return held
