"""The columns of a call tree as small JSON, and back. Source: `docs/payload.md`, "As it is stored".

Most nodes of a tree hold nothing themselves, most are the first of their frame, and states of one program differ in few
paths: none of this is written down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

import numpy as np

from leakreport.model.columns import BoolColumn, Int64Column

_FOLDED = -2
_LARGEST = 2**53 - 1
_MOST_BASES = 8


class DamagedTree(ValueError):
    """What is stored is no tree."""


def packed_tree(
    *,
    depth: Int64Column,
    frame: Int64Column,
    path_count: Int64Column,
    columns: Mapping[str, Int64Column],
    responsible: Int64Column,
    folded: Int64Column,
    repeats: Int64Column,
) -> dict[str, object]:
    """A tree in pre-order as it is stored.

    Args:
        depth: 0 for the root.
        frame: numbered in the order in which they first stand in the tree; below zero what is no frame.
        path_count: how many paths end in a node.
        columns: self values.
        responsible: nodes, rising.
        folded: per node without a frame of its own (-2) the node, how many paths, their growth, their shrinkage.
        repeats: pairs of a node and a number.
    """
    holds = path_count > 0
    for column in columns.values():
        holds |= column != 0
    kept = [column[holds] for column in columns.values()]
    return {
        "depth": np.diff(depth, prepend=0).tolist(),
        "frame": _without_first(frame).tolist(),
        "paths": np.where(holds & (path_count == 0), -1, path_count).tolist(),
        "columns": [_shortest(name, number, kept) for number, name in enumerate(columns)],
        "responsible": np.diff(responsible, prepend=0).tolist(),
        # The difference of growth and shrinkage is that of two columns.
        "folded": folded[:, 2:].min(axis=1, initial=_LARGEST).tolist() if folded[:, 2:].any() else [],
        "repeats": repeats.tolist(),
    }


def _shortest(name: str, number: int, columns: Sequence[Int64Column]) -> dict[str, object]:
    """A column as it is, or as differences to one before it where fewer of these are not 0."""
    column = columns[number]
    least, base = int(np.count_nonzero(column)), None
    for other in range(max(number - _MOST_BASES, 0), number):
        differs = int(np.count_nonzero(column != columns[other]))
        if differs < least:
            least, base = differs, other
    if base is None:
        return {"name": name, "values": column.tolist()}
    return {"name": name, "base": base, "values": (column - columns[base]).tolist()}


def _without_first(frame: Int64Column) -> Int64Column:
    """0 where a frame stands for the first time, else one more than its number."""
    seen = np.maximum.accumulate(np.maximum(frame, -1))
    is_first = (frame >= 0) & (frame > np.concatenate([[-1], seen[:-1]]))
    return np.where(frame < 0, frame, np.where(is_first, 0, frame + 1))


def unpacked_tree(stored: Mapping[str, object], compare: tuple[str, str] | None) -> dict[str, object]:
    """A stored tree as `docs/payload.md` describes it, but that `depth` counts from the root.

    Args:
        stored: what `packed_tree` has made.
        compare: the columns before and after, where something is compared.

    Raises:
        DamagedTree: it is not what `packed_tree` writes.
    """
    depth = np.cumsum(_numbers(stored, "depth"), dtype=np.int64)
    count = len(depth)
    if not count or depth[0] != 0 or (depth[1:] < 1).any() or (np.diff(depth) > 1).any():
        raise DamagedTree("depth is no tree in pre-order")
    paths = _numbers(stored, "paths", count)
    frame = _with_first(_numbers(stored, "frame", count))
    responsible = np.cumsum(_numbers(stored, "responsible"), dtype=np.int64)
    repeats = _rows(stored, "repeats")
    for nodes in (responsible, repeats[:, 0]):
        if ((nodes < 0) | (nodes >= count)).any():
            raise DamagedTree("a node is none of the tree")
    fold = np.flatnonzero(frame == _FOLDED)
    columns = _columns(stored, paths != 0)
    growth, shrinkage = _changes(_numbers(stored, "folded"), columns, fold, compare)
    return {
        "depth": depth.tolist(),
        "frame": frame.tolist(),
        "paths": np.maximum(paths, 0).tolist(),
        "columns": [{"name": name, "values": values.tolist()} for name, values in columns.items()],
        "responsible": responsible.tolist(),
        "folded": np.column_stack([fold, np.maximum(paths, 0)[fold], growth, shrinkage]).tolist(),
        "repeats": repeats.tolist(),
    }


def _columns(stored: Mapping[str, object], holds: BoolColumn) -> dict[str, Int64Column]:
    entries = stored.get("columns")
    if not isinstance(entries, list):
        raise DamagedTree("columns is no list")
    kept: list[Int64Column] = []
    found: dict[str, Int64Column] = {}
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(name := entry.get("name"), str) or name in found:
            raise DamagedTree("a column has no name of its own")
        values = _numbers(entry, "values", int(np.count_nonzero(holds)))
        if "base" in entry:
            values = values + _earlier(entry, "base", kept)
        if ((values < 0) | (values > _LARGEST)).any():
            raise DamagedTree("a value is below zero or too large")
        kept.append(values)
        found[name] = np.zeros(len(holds), dtype=np.int64)
        found[name][holds] = values
    return found


def _changes(
    both: Int64Column, columns: Mapping[str, Int64Column], fold: Int64Column, compare: tuple[str, str] | None
) -> tuple[Int64Column, Int64Column]:
    """Growth and shrinkage of the folded nodes, from what they have of both at once."""
    if compare is None:
        nothing = np.zeros(len(fold), dtype=np.int64)
        return nothing, nothing
    if not set(compare) <= set(columns) or len(both) not in {0, len(fold)}:
        raise DamagedTree("what is compared does not fit the tree")
    change = (columns[compare[1]] - columns[compare[0]])[fold]
    least = both if len(both) else np.zeros(len(fold), dtype=np.int64)
    return least + np.maximum(change, 0), least + np.maximum(-change, 0)


def _earlier(entry: Mapping[str, object], name: str, columns: Sequence[Int64Column]) -> Int64Column:
    number = entry.get(name)
    if type(number) is not int or not 0 <= number < len(columns):
        raise DamagedTree("a column builds on none before it")
    return columns[number]


def _with_first(stored: Int64Column) -> Int64Column:
    number = np.cumsum(stored == 0)
    frame = np.where(stored < 0, stored, np.where(stored == 0, number - 1, stored - 1))
    if (frame >= number).any():
        raise DamagedTree("a frame stands before it is first there")
    return frame


def _numbers(stored: Mapping[str, object], name: str, count: int | None = None) -> Int64Column:
    values = stored.get(name)
    if not isinstance(values, list) or not _are_whole(values):
        raise DamagedTree(f"{name} is no list of whole numbers")
    if count is not None and len(values) != count:
        raise DamagedTree(f"{name} has {len(values)} entries, not {count}")
    return np.asarray(values, dtype=np.int64)


def _rows(stored: Mapping[str, object], name: str) -> Int64Column:
    rows = stored.get(name)
    if not isinstance(rows, list) or not all(
        isinstance(row, list) and len(row) == 2 and _are_whole(row) for row in rows
    ):
        raise DamagedTree(f"{name} is no list of pairs")
    return np.asarray(rows, dtype=np.int64).reshape(-1, 2)


def _are_whole(values: list[object]) -> TypeGuard[list[int]]:
    return all(type(value) is int and abs(value) <= _LARGEST for value in values)
