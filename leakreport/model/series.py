"""Which snapshots are of one process, and in which order, by what inputs say of themselves and by their names.

Heap profilers write a dump after the other (`demo.0001.heap`, `jeprof.4242.3.i3.heap`), and few of them put a pid inside.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from leakreport.model.raw import LeakSearch, Moment, RawSnapshot, SnapshotMeta
from leakreport.model.samples import sample_name

_JEMALLOC = re.compile(r"(?P<prefix>.*)\.(?P<pid>\d+)\.(?P<number>\d+)\.[a-z]\d*\.heap")
_NUMBERED = re.compile(r"(?P<prefix>.*?)[._-]?(?P<number>\d+)(?P<suffix>(?:\.[A-Za-z_][\w]*)*)")
_LAST = 10**18
_COMPRESSION = re.compile(r"\.(?:gz|xz|bz2|zst)\Z")


class Place(NamedTuple):
    """Where a snapshot belongs: the process, and its number there, 0 where nothing tells one."""

    process: Hashable
    number: int


def places_of(metas: Sequence[SnapshotMeta]) -> list[Place]:
    """The process of each snapshot, and its number there."""
    metas = [meta.actual for meta in metas]
    places = [_place_of(meta, index) for index, meta in enumerate(metas)]
    # jemalloc names its final dump by itself, whatever the dumps before it were called.
    for index, meta in enumerate(metas):
        if meta.is_exit_dump and sum(place.process == places[index].process for place in places) == 1:
            folder = meta.source.rpartition("/")[0]
            others = {
                place.process
                for other, place in zip(metas, places, strict=True)
                if other.format == meta.format and other.source.rpartition("/")[0] == folder and other is not meta
            }
            if len(others) == 1:
                places[index] = Place(others.pop(), _LAST)
    return places


def _place_of(meta: SnapshotMeta, index: int) -> Place:
    """By itself; `index` tells those apart of which nothing is known."""
    if meta.is_process_view:
        # A sample says nothing of the other ones but by its name; of a log, all samples have the same.
        sample = sample_name(meta.source)
        return Place(("samples", sample.series) if meta.pid is None else ("pid", meta.pid), sample.number)
    folder, _, name = meta.source.rpartition("/")
    name = _COMPRESSION.sub("", name)
    if meta.document is not None:
        return Place(("report", meta.document), 0)
    if meta.pid is not None:
        return Place(("pid", meta.pid), 0)
    if meta.leak_search is not LeakSearch.NONE:
        # A leak search without a pid is of a process of its own: nobody searches twice in one file without saying so.
        return Place(("unknown", index), 0)
    match = _JEMALLOC.fullmatch(name)
    if match is not None:
        return Place(("name", meta.format, folder, match["prefix"], match["pid"]), int(match["number"]))
    match = _NUMBERED.fullmatch(name)
    number = int(match["number"][:18]) if match is not None else 0
    if meta.command:
        return Place(("command", meta.format, meta.command), 0)
    if match is not None:
        return Place(("name", meta.format, folder, match["prefix"], match["suffix"]), number)
    return Place(("file", meta.format, meta.source), 0)


def in_order(raws: Sequence[RawSnapshot]) -> list[RawSnapshot]:
    """Dumps of one process one after the other, by their numbers where names have them; all else as it was given.

    What was written when a process ended is a run of its own: another one with the same pid is another run.
    """
    places = [
        place if raw.meta.moment is Moment.DUMP else Place(("alone", index), 0)
        for index, (raw, place) in enumerate(zip(raws, places_of([raw.meta for raw in raws]), strict=True))
    ]
    first: dict[Hashable, int] = {}
    for index, place in enumerate(places):
        first.setdefault(place.process, index)
    order = sorted(range(len(raws)), key=lambda index: (first[places[index].process], places[index].number, index))
    return [raws[index] for index in order]
