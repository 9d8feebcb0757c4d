"""Runs made by hand: stacks of `function@file:line` with their bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leakreport.model.builder import build_run
from leakreport.model.raw import Frame, Moment, RawSnapshot, SampleTable, SnapshotMeta
from leakreport.model.snapshot import Run

PROGRAM = "/srv/app"


def frame(text: str) -> Frame:
    """`load@l.c:10`, in the program; without a place a frame of libc."""
    name, at, place = text.partition("@")
    if not at:
        return Frame(name, "/usr/lib/libc.so.6")
    file, _, line = place.partition(":")
    return Frame(name, PROGRAM, "/src", file, int(line))


def snapshot(source: str, held: Mapping[str, int], **meta: Any) -> RawSnapshot:
    """One state: by stack, outermost first and with spaces between, the bytes it holds in blocks of 8."""
    frames: dict[Frame, int] = {}
    flat: list[int] = []
    offsets = [0]
    for stack in held:
        flat += [frames.setdefault(frame(text), len(frames)) for text in (*stack.split(), "malloc")]
        offsets.append(len(flat))
    amounts = np.array(list(held.values()), dtype=np.int64)
    values = {"retained_bytes": amounts, "retained_blocks": amounts // 8}
    table = SampleTable(tuple(frames), np.array(flat, np.int32), np.array(offsets, np.int64), values)
    totals = {name: int(column.sum()) for name, column in values.items()}
    given: dict[str, Any] = {"format": "folded", "command": ("app",), "moment": Moment.DUMP} | meta
    return RawSnapshot(SnapshotMeta(source, **given), totals, table)


def runs(*states: Mapping[str, int], **meta: Any) -> Run:
    """Separate runs of a program, which ended each time."""
    return build_run(
        [snapshot(f"run{number}", held, moment=Moment.EXIT, **meta) for number, held in enumerate(states, 1)]
    )


def dumps(*states: Mapping[str, int], **meta: Any) -> Run:
    """The dumps of one process."""
    return build_run([snapshot(f"app.{number:04}.heap", held, pid=7, **meta) for number, held in enumerate(states, 1)])


def steady(amounts: Sequence[int], stack: str = "main@m.c:5 load@l.c:10") -> list[dict[str, int]]:
    """States with one path."""
    return [{stack: amount} for amount in amounts]
