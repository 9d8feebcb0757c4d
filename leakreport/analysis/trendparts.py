"""Series of what has paths beside the metric of a trend: descriptors by their target, files by their address space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.report import PathRow
from leakreport.analysis.trendgate import ranges_of
from leakreport.analysis.trendpoints import Points
from leakreport.analysis.trendseries import series_of
from leakreport.model.columns import BoolColumn, Int64Column
from leakreport.model.metrics import METRICS
from leakreport.model.raw import Frame
from leakreport.model.snapshot import Run

_BY_PATH = ("open_fds", "mapped_file_bytes")
_MOST = 50
"""Of one metric; those that moved most."""


class Part(NamedTuple):
    """The part of a total that one path has."""

    name: str
    """The metric and the path: `open_fds:[file] /data/app.conf`."""
    title: str
    metric: str
    values: Int64Column
    is_missing: BoolColumn


def parts_of(
    run: Run, points: Points, columns: FrameColumns, metric: str, *, is_rust: bool, build_of: Sequence[str]
) -> list[Part]:
    """The parts that moved, the largest range first; of the metric of the trend none, as its paths are rows of their own."""
    found = []
    for name in _BY_PATH:
        if name == metric or not any(name in state.judged.columns for state in points.states):
            continue
        table = series_of(run, points, columns, name, is_rust=is_rust, build_of=build_of)
        ranges = ranges_of(table.values, table.is_missing)
        order = np.lexsort((np.asarray(table.ids, dtype=np.str_), -ranges))
        chosen = order[ranges[order] > 0][:_MOST]
        for path, index in zip(table.rows.taken(chosen), chosen.tolist(), strict=True):
            label = _label(path, run.frames)
            title = f"{METRICS[name].title}, {label}"
            found.append(Part(f"{name}:{label}", title, name, table.values[index], table.is_missing[index]))
    return found


def _label(path: PathRow, frames: Sequence[Frame]) -> str:
    """The last two frames: what kind it is, and which."""
    return " ".join(frames[index].function or "" for index in path.frames[-2:])
