"""Heap profiles of a program that does not exist: what each function holds, as gperftools writes it with names."""

from __future__ import annotations

from collections.abc import Mapping

from leakreport.model.builder import build_run
from leakreport.model.raw import Frame, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run


def heap_run(amounts: Mapping[str, int], *, program: str = "./svc") -> Run:
    """One profile: bytes by function, each called by `main`."""
    builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    for number, (function, held) in enumerate(amounts.items()):
        frames = [
            Frame(name, "/src/svc", "/src", "svc.c", line, address)
            for name, line, address in (("main", 98 + number, 0x2000 + number * 8), (function, 10, 0x8000 + number * 8))
        ]
        builder.add([*frames, Frame("malloc", "/usr/lib/libc.so.6")], (held, 1))
    meta = SnapshotMeta("svc.heap", "gperftools", command=(program,))
    total = sum(amounts.values())
    return build_run([RawSnapshot(meta, {"retained_bytes": total, "retained_blocks": len(amounts)}, builder.build())])
