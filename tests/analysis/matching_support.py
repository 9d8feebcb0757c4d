"""Hand-made paths for the matching, and the recorded builds with their truth."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Any, NamedTuple

from leakreport.analysis.analyze import analyze
from leakreport.analysis.sites import Paths, Side
from leakreport.model.builder import build_run
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from tests.support import FIXTURES, read

IDENTITY = FIXTURES / "identity"


def frame(text: str) -> Frame:
    """`function@file:line`, `function@0x123`, or `function`; `?` has no name, `lib!` before it is a library's."""
    name, _, where = text.removeprefix("lib!").partition("@")
    file, _, line = where.partition(":")
    is_address = file.startswith("0x")
    return Frame(
        function=None if name == "?" else name,
        module="/usr/lib/liblib.so" if text.startswith("lib!") else "/app/prog",
        file=None if is_address or not file else file,
        line=int(line) if line else None,
        address=int(file, 16) if is_address else None,
    )


def path(*frames: str, size: int = 10, blocks: int = 1, kind: LeakKind = LeakKind.DEFINITE) -> tuple[Any, ...]:
    """One row: frames outermost first."""
    return frames, size, blocks, kind


def paths(*rows: tuple[Any, ...], family: str = "malloc") -> Paths:
    texts = sorted({text for frames, *_ in rows for text in frames})
    number = {text: index for index, text in enumerate(texts)}
    return Paths.of_rows(
        frames=[frame(text) for text in texts],
        own=[not text.startswith("lib!") for text in texts],
        rows=[
            Side(kind, tuple(number[text] for text in frames), family, size, blocks)
            for frames, size, blocks, kind in rows
        ],
    )


class Recorded(NamedTuple):
    paths: Paths
    names: list[tuple[str, ...]]
    """By row, the records in it."""


@cache
def recorded(program: str, build: str) -> Recorded:
    content = gzip.decompress((IDENTITY / program / f"{build}.xml.gz").read_bytes())
    report = analyze(build_run(read("memcheck-xml", content)))
    return Recorded(Paths.of(report), [row.records for row in report.paths])


def truth(program: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((IDENTITY / program / "truth.json").read_text())["pairs"]
    return found
