"""The mappings of one moment as a snapshot: groups as paths, what each holds as values. Shared by smaps, maps and pmap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from leakreport.mappings import Group, Vma, figures_of, place
from leakreport.model.raw import Frame, FrameKind, FrameTable, RawSnapshot, SampleTableBuilder, SnapshotMeta

_KEYED = frozenset((Group.FILE, Group.IMAGE, Group.SHARED, Group.NAMED))
METRICS = (
    "retained_bytes", "resident_bytes", "proportional_bytes", "private_bytes", "size_bytes", "mappings",
    "java_heap_bytes", "mapped_file_bytes", "thread_stacks", "malloc_arenas", "writable_bytes",
)  # fmt: skip
_OF_SOME = frozenset(("mapped_file_bytes", "thread_stacks", "malloc_arenas", "writable_bytes"))
"""Of some groups only: where mappings are measured at all, a group without has none of it."""


def snapshot_of(
    vmas: Sequence[Vma],
    meta: SnapshotMeta,
    frames: FrameTable,
    *,
    knows_heap: bool = True,
    totals: Mapping[str, int] | None = None,
) -> RawSnapshot:
    """The snapshot of some mappings.

    Args:
        vmas: of one moment.
        meta: of the snapshot.
        frames: those of the input so far.
        knows_heap: whether the source names the heap.
        totals: what the source states itself; the others are summed.
    """
    placed = place(vmas, knows_heap=knows_heap, command=meta.command)
    rows: dict[tuple[Group, str], dict[str, int]] = {}
    for one in placed:
        row = rows.setdefault((one.group, one.key if one.group in _KEYED else ""), {})
        for metric, amount in figures_of(one).items():
            row[metric] = row.get(metric, 0) + amount
    summed = _summed(rows.values())
    names = tuple(metric for metric in METRICS if metric in summed)
    table = SampleTableBuilder(names, frames)
    for (group, key), row in rows.items():
        table.add(stack_of(group, key), tuple(row.get(metric, 0) for metric in names))
    return RawSnapshot(meta, {**summed, **(totals or {})}, table.build())


def stack_of(group: Group, key: str) -> tuple[Frame, ...]:
    """The path of a group: its name, and which file or name it is where there are several."""
    frame = Frame(group.value, kind=FrameKind.CATEGORY)
    return (frame, Frame(key, kind=FrameKind.MAPPING)) if key else (frame,)


def _summed(rows: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        for metric, amount in row.items():
            found[metric] = found.get(metric, 0) + amount
    for metric in _OF_SOME if found else ():
        found.setdefault(metric, 0)
    return found
