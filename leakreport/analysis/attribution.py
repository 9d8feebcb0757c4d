"""Who holds what: sums by library, by function, by file, by leak kind."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.identity import module_version
from leakreport.analysis.ownership import FrameClass, Ownership
from leakreport.analysis.report import GroupRow, PathRow
from leakreport.analysis.stacks import Stacks
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import Frame

UNKNOWN_MODULE = "(object not recorded)"
NO_OWN_FRAME = "(no frame of your own)"


def by_kind(rows: Sequence[PathRow], totals: Mapping[str, int]) -> tuple[GroupRow, ...]:
    """One row per leak kind that is measured, as the totals say; path counts are of the rows."""
    counts: defaultdict[LeakKind, int] = defaultdict(int)
    for row in rows:
        counts[row.leak_kind] += 1
    return tuple(
        GroupRow(
            name=kind.word,
            version=None,
            is_own=False,
            values={metric: totals[metric] for metric in (kind.bytes_metric, kind.blocks_metric) if metric in totals},
            path_count=counts[kind],
        )
        for kind in LEAK_KINDS
        if kind.bytes_metric in totals
    )


def by_module(
    rows: Sequence[PathRow], frames: Sequence[Frame], columns: FrameColumns, ownership: Ownership, metric: str
) -> tuple[GroupRow, ...]:
    """Per allocating object, the own values of the paths that allocate in it, largest first."""

    @cache
    def of_frame(index: int) -> tuple[str, str | None, bool]:
        frame = frames[index]
        if frame.module is None:
            return UNKNOWN_MODULE, None, False
        is_own = bool(columns.frame_class[index] == FrameClass.OWN) or frame.module in ownership.executables
        return frame.module_name or UNKNOWN_MODULE, module_version(frame.module), is_own

    def module_of(row: PathRow) -> tuple[str, str | None, bool]:
        return (UNKNOWN_MODULE, None, False) if row.site is None else of_frame(row.frames[row.site])

    return _grouped(rows, module_of, metric)


def by_function(rows: Sequence[PathRow], columns: FrameColumns, metric: str, *, most: int) -> tuple[GroupRow, ...]:
    """Per function, the values of all paths it stands on, each path once however deep it recurses; largest first."""
    stack, function = Stacks.of([row.frames for row in rows]).distinct(
        np.where(columns.is_allocator, np.int32(-1), columns.function)
    )
    counts = np.bincount(function, minlength=len(columns.functions)).tolist()
    is_own = np.zeros(len(columns.functions), dtype=np.bool_)
    is_own[columns.function[columns.is_own & (columns.function >= 0)]] = True
    sums: dict[str, list[int]] = {}
    measured: dict[str, list[bool]] = {}
    for name in dict.fromkeys(name for row in rows for name in row.values):
        amounts = np.asarray([row.values.get(name, 0) for row in rows], dtype=np.int64)
        has_name = np.fromiter((name in row.values for row in rows), np.bool_, len(rows))
        # No function holds more than all paths together, and that sum fits.
        column = np.zeros(len(columns.functions), dtype=np.int64)
        np.add.at(column, function, amounts[stack])
        sums[name] = column.tolist()
        measured[name] = np.bincount(function[has_name[stack]], minlength=len(column)).astype(np.bool_).tolist()
    ranking = sums.get(metric, counts)
    chosen = heapq.nsmallest(
        most,
        (index for index, count in enumerate(counts) if count),
        key=lambda index: (-ranking[index], columns.functions[index]),
    )
    return tuple(
        GroupRow(
            name=columns.functions[index],
            version=None,
            is_own=bool(is_own[index]),
            values={name: column[index] for name, column in sums.items() if measured[name][index]},
            path_count=counts[index],
        )
        for index in chosen
    )


def grouped_by(
    rows: Sequence[PathRow],
    frames: Sequence[Frame],
    columns: FrameColumns,
    ownership: Ownership,
    metric: str,
    group_by: str,
) -> tuple[GroupRow, ...]:
    """The rows of `--group-by`: what each responsible function or file, library, kind or owner holds."""
    if group_by == "path":
        return ()
    if group_by == "module":
        return by_module(rows, frames, columns, ownership, metric)

    def name_of(row: PathRow) -> tuple[str, str | None, bool]:
        if group_by == "kind":
            return row.leak_kind.word, None, False
        if group_by == "owner":
            return row.owner or "(no owner)", None, row.owner is not None
        if row.responsible is None:
            return NO_OWN_FRAME, None, False
        frame = frames[row.frames[row.responsible]]
        if group_by == "file":
            return frame.path or frame.module_name or UNKNOWN_MODULE, None, True
        return frame.function or frame.module_name or UNKNOWN_MODULE, None, True

    return _grouped(rows, name_of, metric)


def _grouped(
    rows: Sequence[PathRow], name_of: Callable[[PathRow], tuple[str, str | None, bool]], metric: str
) -> tuple[GroupRow, ...]:
    sums: defaultdict[str, dict[str, int]] = defaultdict(dict)
    counts: defaultdict[str, int] = defaultdict(int)
    about: dict[str, tuple[str | None, bool]] = {}
    for row in rows:
        name, version, is_own = name_of(row)
        _add(sums[name], row.values)
        counts[name] += 1
        about[name] = (version, is_own or about.get(name, (None, False))[1])
    groups = [GroupRow(name, about[name][0], about[name][1], values, counts[name]) for name, values in sums.items()]
    return tuple(sorted(groups, key=lambda group: (-group.values.get(metric, 0), group.name)))


def _add(into: dict[str, int], values: Mapping[str, int]) -> None:
    for metric, amount in values.items():
        into[metric] = into.get(metric, 0) + amount
