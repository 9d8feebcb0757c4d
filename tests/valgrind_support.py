"""What the tests of massif, DHAT and xtree share: answers by case, cuts and mutations."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from typing import Any

from leakreport.errors import InputError
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import Frame, RawSnapshot
from leakreport.readers import get_reader, pick_reader
from tests.support import FIXTURES, MemoryStream

TOKENS = (
    b"\0",
    b"\xff\xfe",
    b"99999999999999999999",
    b"-1",
    b"\n",
    b"#",
    b"(",
    b"n9: 5 x\n",
    b" " * 300,
    b"{",
    b'"',
    b"1_0",
    b",",
    b"]",
)


def answers(family: str) -> dict[str, Any]:
    """The content of expected.json."""
    found: dict[str, Any] = json.loads((FIXTURES / family / "expected.json").read_text(encoding="utf-8"))
    return found


def sniffed(content: bytes) -> str:
    """The name of the reader that is picked for content in a file of a name that says nothing."""
    return pick_reader(MemoryStream("whatever.bin", content), DEFAULT_LIMITS).info.name


def stacks(raw: RawSnapshot) -> Iterator[tuple[Frame, ...]]:
    """The stacks of a snapshot, outermost first."""
    assert raw.samples is not None
    table = raw.samples
    for index in range(len(table)):
        yield tuple(table.frames[frame] for frame in table.flat[table.offsets[index] : table.offsets[index + 1]])


def records(raws: list[RawSnapshot]) -> set[tuple[object, ...]]:
    """Each record with all that is said of it."""
    found: set[tuple[object, ...]] = set()
    for raw in raws:
        if raw.samples is None:
            continue
        columns = [raw.samples.values[metric].tolist() for metric in sorted(raw.samples.values)]
        names = raw.samples.names or [""] * len(raw.samples)
        kinds = [0] * len(raw.samples) if raw.samples.leak_kinds is None else raw.samples.leak_kinds.tolist()
        for name, kind, stack, *values in zip(names, kinds, stacks(raw), *columns, strict=True):
            found.add((raw.meta.label, name, kind, tuple(frame._replace(is_inlined=False) for frame in stack), *values))
    return found


def read_if_possible(family: str, content: bytes) -> list[RawSnapshot]:
    """The snapshots, all of them valid; none where the input is refused."""
    began = time.monotonic()
    try:
        raws = list(get_reader(family).read(MemoryStream("test", content), DEFAULT_LIMITS))
        run = build_run(raws)
    except InputError:
        return []
    finally:
        assert time.monotonic() - began < 10
    check(run)
    return raws


def cut_offsets(content: bytes, seed: str, count: int = 60) -> list[int]:
    """Places to cut at, the same in every run."""
    return random.Random(seed).sample(range(len(content)), min(count, len(content)))


def mutants(content: bytes, seed: str, count: int = 60) -> Iterator[bytes]:
    """Content with a few bytes changed, the same in every run."""
    generator = random.Random(seed)
    for _ in range(count):
        mutant = bytearray(content)
        for _ in range(generator.randrange(1, 5)):
            at = generator.randrange(len(mutant))
            match generator.randrange(4):
                case 0:
                    mutant[at] = generator.randrange(256)
                case 1:
                    del mutant[at : at + generator.randrange(1, 200)]
                case 2:
                    mutant[at:at] = generator.choice(TOKENS)
                case _:
                    mutant[at:at] = mutant[: generator.randrange(1, 500)]
        yield bytes(mutant)
