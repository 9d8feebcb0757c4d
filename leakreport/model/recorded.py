"""A snapshot as plain values for a line of JSON, and back: what `leakreport watch` writes and the reader `watch` reads.

    {"totals": {"open_fds": 5}, "metrics": ["open_fds"], "paths": [[["[open descriptors]", "[file]"], "/data/app.conf", [3]], …]}

A path is the names of its categories, the mapping or file it ends in (null where there is none), and one value per metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leakreport.limits import INT64_MAX
from leakreport.model.metrics import METRICS
from leakreport.model.raw import (
    Frame,
    FrameKind,
    FrameTable,
    RawSnapshot,
    SampleTable,
    SampleTableBuilder,
    SnapshotMeta,
)

_LONGEST_NAME = 4096
_DEEPEST = 8


class BadRecord(ValueError):
    """The values are not those of a snapshot."""


def values_of(raw: RawSnapshot) -> dict[str, Any]:
    """The totals and paths of a snapshot; paths of the same frames are summed."""
    found: dict[str, Any] = {"totals": dict(raw.totals)}
    if raw.samples is not None:
        found["metrics"] = list(raw.samples.values)
        found["paths"] = _rows(raw.samples)
    return found


def _rows(table: SampleTable) -> list[list[Any]]:
    flat, offsets = table.flat.tolist(), table.offsets.tolist()
    columns = [column.tolist() for column in table.values.values()]
    summed: dict[tuple[int, ...], list[int]] = {}
    for row in range(len(table)):
        path = tuple(flat[offsets[row] : offsets[row + 1]])
        values = [column[row] for column in columns]
        known = summed.get(path)
        summed[path] = values if known is None else [one + more for one, more in zip(known, values, strict=True)]
    found = []
    for path, values in summed.items():
        frames = [table.frames[index] for index in path]
        key = frames[-1].function if frames and frames[-1].kind is FrameKind.MAPPING else None
        names = [frame.function for frame in frames if frame.kind is not FrameKind.MAPPING]
        found.append([names, key, values])
    return found


def snapshot_from(values: object, meta: SnapshotMeta, frames: FrameTable) -> RawSnapshot:
    """The snapshot that `values_of` was made from.

    Args:
        values: what a line of JSON holds.
        meta: of the snapshot.
        frames: those of the input so far.

    Raises:
        BadRecord: it is something else.
    """
    if not isinstance(values, Mapping):
        raise BadRecord("no object")
    totals = values.get("totals")
    if not isinstance(totals, Mapping) or not all(isinstance(name, str) for name in totals):
        raise BadRecord("no totals")
    # A later version may measure more.
    found = {name: _count(amount) for name, amount in totals.items() if name in METRICS}
    if "paths" not in values:
        return RawSnapshot(meta, found)
    metrics, paths = values.get("metrics"), values["paths"]
    if not isinstance(metrics, list) or not isinstance(paths, list) or not all(isinstance(one, str) for one in metrics):
        raise BadRecord("no paths")
    if len(set(metrics)) != len(metrics):
        raise BadRecord("a metric comes twice")
    known = [place for place, name in enumerate(metrics) if name in METRICS]
    builder = SampleTableBuilder(tuple(metrics[place] for place in known), frames)
    for path in paths:
        stack, amounts = _row(path, len(metrics))
        builder.add(stack, tuple(amounts[place] for place in known))
    return RawSnapshot(meta, found, builder.build())


def _row(path: object, width: int) -> tuple[tuple[Frame, ...], tuple[int, ...]]:
    if not isinstance(path, list) or len(path) != 3:
        raise BadRecord("no path")
    names, key, amounts = path
    if not isinstance(names, list) or not names or len(names) > _DEEPEST or not isinstance(amounts, list):
        raise BadRecord("no path")
    if len(amounts) != width:
        raise BadRecord("not one value per metric")
    stack = [Frame(_name(name), kind=FrameKind.CATEGORY) for name in names]
    if key is not None:
        stack.append(Frame(_name(key), kind=FrameKind.MAPPING))
    return tuple(stack), tuple(map(_count, amounts))


def _name(text: object) -> str:
    if not isinstance(text, str) or not text or len(text) > _LONGEST_NAME:
        raise BadRecord("a name is none")
    return text


def _count(amount: object) -> int:
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= INT64_MAX // 1024:
        raise BadRecord("a value is no count")
    return amount


def strings_of(values: object, most: int) -> Sequence[str]:
    """A list of texts, none where it is something else."""
    if not isinstance(values, list) or len(values) > most or not all(isinstance(one, str) for one in values):
        return ()
    return values
