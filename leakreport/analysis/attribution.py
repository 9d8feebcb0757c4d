"""Who holds what: sums by library, by function, by file, by leak kind."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.identity import module_version
from leakreport.analysis.ownership import FrameClass, Ownership
from leakreport.analysis.paths import PathTable
from leakreport.analysis.report import GroupRow
from leakreport.model.columns import Int64Column
from leakreport.model.metrics import LEAK_KINDS, LeakKind

UNKNOWN_MODULE = "(object not recorded)"
NO_OWN_FRAME = "(no frame of your own)"
NO_OWNER = "(no owner)"


def by_kind(rows: PathTable, totals: Mapping[str, int]) -> tuple[GroupRow, ...]:
    """One row per leak kind that is measured, as the totals say; path counts are of the rows."""
    counts = np.bincount(rows.leak_kind, minlength=max(LeakKind) + 1).tolist()
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


def by_module(rows: PathTable, columns: FrameColumns, ownership: Ownership, metric: str) -> tuple[GroupRow, ...]:
    """Per allocating object, the own values of the paths that allocate in it, largest first."""

    def module_of(index: int) -> _Label:
        frame = rows.frames[index]
        if frame.module is None:
            return _Label(UNKNOWN_MODULE)
        is_own = bool(columns.frame_class[index] == FrameClass.OWN) or frame.actual.module in ownership.executables
        return _Label(frame.module_name or UNKNOWN_MODULE, module_version(frame.module), is_own)

    site = rows.frame_at(rows.paths.site)
    return _grouped(rows, site, lambda index: _Label(UNKNOWN_MODULE) if index < 0 else module_of(index), metric)


def by_function(rows: PathTable, columns: FrameColumns, metric: str, *, most: int) -> tuple[GroupRow, ...]:
    """Per function, the values of all paths it stands on, each path once however deep it recurses; largest first."""
    stack, function = rows.paths.stacks.distinct(np.where(columns.is_allocator, np.int32(-1), columns.function))

    def on_functions(numbers: Int64Column) -> list[int]:
        # No function holds more than all paths together, and that sum fits.
        column = np.zeros(len(columns.functions), dtype=np.int64)
        np.add.at(column, function, rows.on_stacks(numbers)[stack])
        held: list[int] = column.tolist()
        return held

    counts = on_functions(np.ones(len(rows), dtype=np.int64))
    is_own = np.zeros(len(columns.functions), dtype=np.bool_)
    is_own[columns.function[columns.is_own & (columns.function >= 0)]] = True
    sums = {name: on_functions(rows.values[name]) for name in rows.metrics()}
    # Mostly every path has every metric.
    measured = {name: counts if (has := rows.has(name)).all() else on_functions(has.astype(np.int64)) for name in sums}
    ranking = sums.get(metric, counts)
    chosen = heapq.nsmallest(
        most,
        (index for index, count in enumerate(counts) if count),
        key=lambda index: (-ranking[index], columns.functions[index]),
    )
    return tuple(
        GroupRow(
            name=columns.told[index],
            version=None,
            is_own=bool(is_own[index]),
            values={name: column[index] for name, column in sums.items() if measured[name][index]},
            path_count=counts[index],
        )
        for index in chosen
    )


def grouped_by(
    rows: PathTable, columns: FrameColumns, ownership: Ownership, metric: str, group_by: str
) -> tuple[GroupRow, ...]:
    """The rows of `--group-by`: what each responsible function or file, library, kind or owner holds."""
    if group_by == "path":
        return ()
    if group_by == "module":
        return by_module(rows, columns, ownership, metric)
    if group_by == "kind":
        return _grouped(rows, rows.leak_kind, lambda kind: _Label(LeakKind(kind).word), metric)
    if group_by == "owner":
        return _grouped(rows, rows.owned_by, lambda index: _Label(rows.owners.get(index, NO_OWNER)), metric)

    def name_of(index: int) -> _Label:
        if index < 0:
            return _Label(NO_OWN_FRAME)
        frame = rows.frames[index]
        name = frame.path if group_by == "file" else frame.function
        return _Label(name or frame.module_name or UNKNOWN_MODULE, is_own=True)

    return _grouped(rows, rows.frame_at(rows.paths.responsible), name_of, metric)


class _Label(NamedTuple):
    name: str
    version: str | None = None
    is_own: bool = False


def _grouped(rows: PathTable, key: Int64Column, label_of: Callable[[int], _Label], metric: str) -> tuple[GroupRow, ...]:
    """Sums over the rows whose keys have labels with one name, largest first; the last row of a name tells its version."""
    keys, place = np.unique(key, return_inverse=True)
    labels = [label_of(number) for number in keys.tolist()]
    number_of = {name: number for number, name in enumerate(dict.fromkeys(label.name for label in labels))}
    group_of_key = np.fromiter((number_of[label.name] for label in labels), np.int64, len(labels))
    is_own = dict.fromkeys(number_of, False)
    for label in labels:
        is_own[label.name] |= label.is_own
    group = group_of_key[place]
    last = np.zeros(len(number_of), dtype=np.int64)
    last[group] = place
    counts = np.bincount(group, minlength=len(number_of)).tolist()
    groups = [
        GroupRow(name, labels[newest].version, is_own[name], values, count)
        for name, newest, values, count in zip(
            number_of, last.tolist(), rows.sums_by(group, len(number_of)), counts, strict=True
        )
    ]
    return tuple(sorted(groups, key=lambda found: (-found.values.get(metric, 0), found.name)))
