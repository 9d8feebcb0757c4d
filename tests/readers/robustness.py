"""What every reader of a text profile must stand: small reads, cuts, changed bytes; and answers told by others."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from contextlib import suppress
from itertools import pairwise
from typing import Any

from leakreport.errors import InputError
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import Frame, RawSnapshot
from leakreport.readers import get_reader, pick_reader
from tests.support import FIXTURES, MemoryStream

Record = tuple[str, tuple[Frame, ...], tuple[tuple[str, int], ...]]


def answers(family: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((FIXTURES / family / "expected.json").read_text())
    return found


def read_named(family: str, content: bytes, name: str = "test", chunk: int | None = None) -> list[RawSnapshot]:
    return list(get_reader(family).read(MemoryStream(name, content, chunk), DEFAULT_LIMITS))


def stacks(raw: RawSnapshot) -> list[tuple[Frame, ...]]:
    table = raw.samples
    assert table is not None
    flat, offsets = table.flat.tolist(), table.offsets.tolist()
    return [tuple(table.frames[index] for index in flat[start:end]) for start, end in pairwise(offsets)]


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


def records(raws: list[RawSnapshot]) -> set[Record]:
    found: set[Record] = set()
    for raw in raws:
        table = raw.samples
        assert table is not None
        names = table.names or [""] * len(table)
        columns = {metric: column.tolist() for metric, column in table.values.items()}
        for index, stack in enumerate(stacks(raw)):
            values = tuple(sorted((metric, column[index]) for metric, column in columns.items()))
            found.add((names[index], stack, values))
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
    whole = read_named(family, content)
    for chunk in (1, 7, 61):
        pieces = read_named(family, content, chunk=chunk)
        assert [raw.totals for raw in pieces] == [raw.totals for raw in whole]
        assert [raw.meta for raw in pieces] == [raw.meta for raw in whole]
        assert records(pieces) == records(whole)


def without_frames(found: set[Record]) -> set[tuple[object, ...]]:
    """Names, depths and values: mappings stand at the end, so frames of a cut profile are bare addresses."""
    return {(name, len(stack), values) for name, stack, values in found}


def assert_cuts_are_safe(family: str, content: bytes, end: int, *, has_late_names: bool = False) -> None:
    """No figure of a half-read record; incomplete wherever the cut is before `end`."""
    whole = records(read_named(family, content))
    generator = random.Random(family)
    for offset in {*generator.sample(range(len(content)), 60), end - 1, 10, 100}:
        try:
            raws = read_named(family, content[:offset])
        except InputError:
            continue
        check(build_run(raws))
        found = records(raws)
        if has_late_names:
            assert without_frames(found) <= without_frames(whole), offset
        else:
            assert found <= whole, offset
        if offset < end:
            assert not all(raw.meta.is_complete for raw in raws), offset
            assert any(raw.meta.truncation for raw in raws), offset


def assert_mutants_are_safe(family: str, content: bytes) -> None:
    generator = random.Random(family)
    for _ in range(60):
        mutant = bytearray(content)
        for _ in range(generator.randrange(1, 5)):
            at = generator.randrange(len(mutant))
            match generator.randrange(4):
                case 0:
                    mutant[at] = generator.randrange(256)
                case 1:
                    del mutant[at : at + generator.randrange(1, 300)]
                case 2:
                    mutant[at:at] = generator.choice(
                        (b"99999999999999999999", b"\0", b"-1", b"\n", b"\xff\xfe", b"@ 0x")
                    )
                case _:
                    mutant[at:at] = mutant[: generator.randrange(1, 500)]
        stream = MemoryStream("mutant", bytes(mutant))
        with suppress(InputError):
            pick_reader(stream, DEFAULT_LIMITS)
        with suppress(InputError):
            check(build_run(read_named(family, bytes(mutant))))
