"""What the tests of heap profiles and leak reports share: answers told by others, and the harness of all readers by name."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from leakreport import testing
from leakreport.model.raw import RawSnapshot
from leakreport.readers import get_reader
from leakreport.testing import records_of as records
from leakreport.testing import stacks_of as stacks
from tests.support import FIXTURES

__all__ = [
    "answers",
    "assert_cuts_are_safe",
    "assert_equal_to_answer",
    "assert_mutants_are_safe",
    "assert_size_of_reads_does_not_matter",
    "read_named",
    "records",
    "retained_by_innermost",
    "retained_by_place",
    "stacks",
]


def answers(family: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((FIXTURES / family / "expected.json").read_text())
    return found


def read_named(family: str, content: bytes, name: str = "test", chunk: int | None = None) -> list[RawSnapshot]:
    return testing.read_content(get_reader(family), content, name=name, chunk=chunk)


def retained_by_innermost(raw: RawSnapshot, *, by_module: bool) -> dict[str, int]:
    table = raw.samples
    assert table is not None
    found: dict[str, int] = defaultdict(int)
    for stack, amount in zip(stacks(raw), table.values["retained_bytes"].tolist(), strict=True):
        if stack:
            found[str(stack[-1].module_name if by_module else stack[-1].function)] += amount
    return found


def retained_by_place(raw: RawSnapshot) -> dict[str, int]:
    """By `module+0xoffset` of the innermost frame."""
    assert raw.samples is not None
    found: dict[str, int] = defaultdict(int)
    for stack, amount in zip(stacks(raw), raw.samples.values["retained_bytes"].tolist(), strict=True):
        found[f"{stack[-1].module_name}+{stack[-1].offset or 0:#x}" if stack else ""] += amount
    return found


def assert_equal_to_answer(raw: RawSnapshot, answer: dict[str, Any], tolerance: int = 0) -> None:
    for metric, amount in answer.get("totals", {}).items():
        assert abs(raw.totals[metric] - amount) <= tolerance, (metric, raw.totals)
    for key, by_module in (("functions", False), ("modules", True)):
        found = retained_by_innermost(raw, by_module=by_module)
        for name, amount in answer.get(key, {}).items():
            assert abs(found[name] - amount) <= tolerance, (name, dict(found))
    found = retained_by_place(raw)
    for place, amount in answer.get("places", {}).items():
        assert abs(found[place] - amount) <= tolerance, (place, found)
    if "period" in answer:
        assert (raw.meta.sampling.period if raw.meta.sampling else None) == answer["period"]
    if "notes" in answer:
        assert [note.slug for note in raw.meta.notes] == answer["notes"]
    if "is_exit_dump" in answer:
        assert raw.meta.is_exit_dump == answer["is_exit_dump"]
    if "pid" in answer:
        assert raw.meta.pid == answer["pid"]


def assert_size_of_reads_does_not_matter(family: str, content: bytes) -> None:
    testing.assert_chunks_do_not_matter(get_reader(family), content)


def assert_cuts_are_safe(family: str, content: bytes, end: int, *, has_late_names: bool = False) -> None:
    compare_as = testing.without_frames if has_late_names else set
    testing.assert_cuts_are_safe(get_reader(family), content, end=end, compare_as=compare_as)


def assert_mutants_are_safe(family: str, content: bytes) -> None:
    testing.assert_mutants_are_safe(get_reader(family), content)
