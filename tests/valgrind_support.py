"""What the tests of massif, DHAT and xtree share, on top of the harness of all readers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from leakreport import testing
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.raw import Frame, RawSnapshot
from leakreport.readers import get_reader, pick_reader
from leakreport.testing import MemoryStream, cut_offsets, mutants, records_of, stacks_of
from tests.support import FIXTURES

__all__ = ["answers", "cut_offsets", "mutants", "read_if_possible", "records", "sniffed", "stacks"]


def answers(family: str) -> dict[str, Any]:
    """The content of expected.json."""
    found: dict[str, Any] = json.loads((FIXTURES / family / "expected.json").read_text(encoding="utf-8"))
    return found


def sniffed(content: bytes) -> str:
    """The name of the reader that is picked for content in a file of a name that says nothing."""
    return pick_reader(MemoryStream("whatever.bin", content), DEFAULT_LIMITS).info.name


def stacks(raw: RawSnapshot) -> Iterator[tuple[Frame, ...]]:
    """The stacks of a snapshot that has some, outermost first."""
    assert raw.samples is not None
    return iter(stacks_of(raw))


def records(raws: list[RawSnapshot]) -> set[tuple[object, ...]]:
    """Each record with all that is said of it, but for inlining: what follows a frame tells whether it is."""
    return {
        (label, name, kind, tuple(frame._replace(is_inlined=False) for frame in stack), values)
        for label, name, kind, stack, values in records_of(raws)
    }


def read_if_possible(family: str, content: bytes) -> list[RawSnapshot]:
    """The snapshots, all of them valid; none where the input is refused."""
    return testing.read_if_possible(get_reader(family), content)
