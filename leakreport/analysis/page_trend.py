"""The tree on the page of a trend: what every path holds at each point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leakreport.analysis.drawing import drawing_of
from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.pages import (
    LIKE_ANOTHER,
    MOST_STEP_FIGURES,
    MOST_STEPS,
    ends_of,
    growth_meaning,
    page_tree,
    spread,
    usual_nodes,
)
from leakreport.analysis.pagetree import Meaning, Mode, PageTree, Step
from leakreport.analysis.pruning import Contents, Weight
from leakreport.analysis.trendreport import Point
from leakreport.analysis.trendseries import SeriesTable
from leakreport.model.calltree import CallTree
from leakreport.model.columns import Int64Column, sums_at
from leakreport.model.metrics import METRICS
from leakreport.model.raw import Frame


def page_of_trend(
    table: SeriesTable,
    order: Int64Column,
    tree: CallTree,
    frames: Sequence[Frame],
    columns: FrameColumns,
    *,
    points: Sequence[Point],
    noun: str,
    metric: str,
    most_nodes: int | None,
) -> PageTree:
    """The tree of a trend.

    Args:
        table: the series.
        order: of the rows of the report, indexes into the table.
        tree: of all inputs.
        frames: of the report.
        columns: what is known about these.
        points: of the trend.
        noun: what one is called.
        metric: what is judged.
        most_nodes: how many nodes are kept; None for the usual number.
    """
    ends, place = ends_of(table.rows)
    detailed = [number for number, point in enumerate(points) if point.is_detailed]
    most_nodes = most_nodes or usual_nodes(1 + LIKE_ANOTHER * (min(len(detailed), MOST_STEPS) - 1))
    most = min(MOST_STEP_FIGURES // min(len(tree), most_nodes), MOST_STEPS)
    shown = sorted(spread(detailed, most, first=[detailed[0], detailed[-1]] if detailed else []))
    names = {number: f"series.{metric}.{number}" for number in shown or (0,)}
    held = {name: sums_at(place, table.values[:, number], len(ends), name) for number, name in names.items()}
    largest = sums_at(place, table.values.max(axis=1, initial=0), len(ends), metric)
    compare = None
    if len(shown) > 1:
        compare = names[shown[0]], names[shown[-1]]
        meaning = growth_meaning(held, compare, (f"First {noun}", f"Last {noun}"))
    else:
        name = next(iter(names.values()))
        meaning = Meaning((Mode(metric, METRICS[metric].title, column=name),), metric)
    steps = tuple(Step(number, names[number] if number in shown else None) for number in range(len(points)))
    contents = Contents(
        columns=held,
        path_count=sums_at(place, np.ones(len(table.rows), dtype=np.int64), len(ends), "paths"),
        weights=[Weight(largest)],
        row_end=place[order],
        compare=compare,
    )
    return page_tree(
        drawing_of(tree, ends, len(frames)),
        contents,
        frames=frames,
        columns=columns,
        meaning=meaning._replace(steps=steps),
        order=list(compare)[::-1] if compare else list(names.values()),
        most_nodes=most_nodes,
    )
