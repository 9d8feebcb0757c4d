"""What the tests of heap profile readers share: answers by case, damage, and what must hold whatever happens."""

from __future__ import annotations

import json
import random
from typing import Any

from leakreport.errors import InputError
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import Frame, RawSnapshot
from leakreport.readers import get_reader
from tests.support import FIXTURES, MemoryStream


def answers(family: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads((FIXTURES / family / "expected.json").read_text())
    return found


def read_named(family: str, name: str, content: bytes, chunk: int | None = None) -> list[RawSnapshot]:
    return list(get_reader(family).read(MemoryStream(name, content, chunk), DEFAULT_LIMITS))


def stacks(raw: RawSnapshot) -> list[tuple[Frame, ...]]:
    assert raw.samples is not None
    table = raw.samples
    flat, offsets = table.flat.tolist(), table.offsets.tolist()
    return [tuple(table.frames[index] for index in flat[offsets[row] : offsets[row + 1]]) for row in range(len(table))]


def below(raw: RawSnapshot, word: str, metric: str = "retained_bytes") -> int:
    """The inclusive value of all functions whose name, without scope and arguments, is a word."""
    assert raw.samples is not None
    return sum(
        int(value)
        for stack, value in zip(stacks(raw), raw.samples.values[metric], strict=True)
        if any(_is_named(frame.function or "", word) for frame in stack)
    )


def _is_named(function: str, word: str) -> bool:
    plain = function.partition("(")[0]
    return plain == word or plain.endswith(f"::{word}")


def assert_answers(raws: list[RawSnapshot], wanted: list[dict[str, Any]]) -> None:
    assert len(raws) == len(wanted)
    for raw, answer in zip(raws, wanted, strict=True):
        assert {metric: raw.totals.get(metric) for metric in answer["totals"]} == answer["totals"]
        if "label" in answer:
            assert raw.meta.label == answer["label"]
        assert {word: below(raw, word) for word in answer.get("functions", {})} == answer.get("functions", {})


def assert_same(one: list[RawSnapshot], other: list[RawSnapshot]) -> None:
    assert [raw.meta for raw in one] == [raw.meta for raw in other]
    assert [raw.totals for raw in one] == [raw.totals for raw in other]
    assert [stacks(raw) for raw in one] == [stacks(raw) for raw in other]


def records(raws: list[RawSnapshot]) -> set[tuple[object, ...]]:
    """Each stack with its values: what a cut input may have fewer of, but no other."""
    found: set[tuple[object, ...]] = set()
    for raw in raws:
        if raw.samples is not None:
            columns = [raw.samples.values[metric].tolist() for metric in sorted(raw.samples.values)]
            found.update((raw.meta.label, stack, *row) for stack, *row in zip(stacks(raw), *columns, strict=True))
    return found


def read_or_refused(family: str, content: bytes) -> list[RawSnapshot]:
    """The snapshots of damaged content, valid in every respect; none where it is refused."""
    try:
        raws = read_named(family, "damaged", content)
        check(build_run(raws))
    except InputError:
        return []
    return raws


def cuts(content: bytes, seed: str, count: int = 60) -> list[int]:
    return sorted(random.Random(seed).sample(range(len(content)), min(count, len(content))))


def mutants(content: bytes, seed: str, count: int = 60) -> list[bytes]:
    generator = random.Random(seed)
    found = []
    for _ in range(count):
        mutant = bytearray(content)
        for _ in range(generator.randrange(1, 4)):
            mutant[generator.randrange(len(mutant))] = generator.choice((0, 0x7F, 0x80, 0xFF, generator.randrange(256)))
        found.append(bytes(mutant))
    return found
