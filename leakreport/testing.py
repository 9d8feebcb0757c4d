"""The harness that every reader is tested with, for those of other packages too.

`assert_reader_ok(reader, content)` is all that a test needs; the parts are there for tests that want more of one thing.
All of it is deterministic: the same content is cut and changed at the same places in every run.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from itertools import pairwise

from leakreport.errors import InputError
from leakreport.limits import DEFAULT_LIMITS, Limits
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import Frame, RawSnapshot
from leakreport.readers import BUILTIN, get_reader, pick_reader
from leakreport.readers.interface import Confidence, Reader
from leakreport.readers.pieces import MemoryStream as MemoryStream  # noqa: PLC0414 - for other packages, too

CHUNKS = (1, 7, 61)
"""Sizes of reads that split every word of a format somewhere."""
NAMES = ("whatever.bin", "x.xml", "-")
LONGEST_READ_SECONDS = 10
_TOKENS = (b"\0", b"\xff\xfe", b"9" * 20, b"-1", b"\n", b"#", b"(", b"@ 0x", b" " * 300, b"{", b'"', b"1_0", b",", b"]")

Record = tuple[str | None, str, int, tuple[Frame, ...], tuple[tuple[str, int], ...]]
"""Label of the snapshot, name, leak kind, stack, and values by metric."""
Compared = Callable[[Collection[Record]], AbstractSet[object]]


def read_content(
    reader: Reader, content: bytes, *, name: str = "test", chunk: int | None = None, limits: Limits = DEFAULT_LIMITS
) -> list[RawSnapshot]:
    """All snapshots of some content."""
    return list(reader.read(MemoryStream(name, content, chunk), limits))


def read_if_possible(reader: Reader, content: bytes) -> list[RawSnapshot]:
    """The snapshots of any content, all of them valid; none where it is refused with an `InputError`."""
    began = time.monotonic()
    try:
        raws = read_content(reader, content)
        run = build_run(raws) if raws else None
    except InputError:
        return []
    finally:
        assert time.monotonic() - began < LONGEST_READ_SECONDS, "reading takes too long"
    if run is not None:
        check(run)
    return raws


def stacks_of(raw: RawSnapshot) -> list[tuple[Frame, ...]]:
    """The stacks of a snapshot, outermost frame first."""
    table = raw.samples
    if table is None:
        return []
    flat, offsets = table.flat.tolist(), table.offsets.tolist()
    return [tuple(table.frames[index] for index in flat[start:stop]) for start, stop in pairwise(offsets)]


def records_of(raws: Sequence[RawSnapshot]) -> set[Record]:
    """Every record with all that is said of it."""
    found: set[Record] = set()
    for raw in raws:
        table = raw.samples
        if table is None:
            continue
        names = table.names or [""] * len(table)
        kinds = [0] * len(table) if table.leak_kinds is None else table.leak_kinds.tolist()
        columns = {metric: column.tolist() for metric, column in sorted(table.values.items())}
        for index, stack in enumerate(stacks_of(raw)):
            values = tuple((metric, column[index]) for metric, column in columns.items())
            found.add((raw.meta.label, names[index], kinds[index], stack, values))
    return found


def without_frames(records: Collection[Record]) -> set[tuple[object, ...]]:
    """Records with the depth of their stacks only: in some formats, names stand behind the stacks they belong to."""
    return {(label, name, kind, len(stack), values) for label, name, kind, stack, values in records}


def without_stacks(records: Collection[Record]) -> set[tuple[object, ...]]:
    """Records without their stacks: in some formats, a record whose stack is cut still tells its figures."""
    return {(label, name, kind, values) for label, name, kind, _, values in records}


def cut_offsets(content: bytes, seed: str, count: int = 60) -> list[int]:
    """Places to cut at, the same in every run."""
    return random.Random(seed).sample(range(len(content)), min(count, len(content)))  # noqa: S311 - no secret


def mutants(content: bytes, seed: str, count: int = 60) -> Iterator[bytes]:
    """The content with a few bytes changed, left out, put in or repeated, the same in every run."""
    generator = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(count):
        mutant = bytearray(content)
        for _ in range(generator.randrange(1, 5)):
            at = generator.randrange(len(mutant) + 1)
            match generator.randrange(4):
                case 0:
                    mutant[at : at + 1] = bytes([generator.randrange(256)])
                case 1:
                    del mutant[at : at + generator.randrange(1, 300)]
                case 2:
                    mutant[at:at] = generator.choice(_TOKENS)
                case _:
                    mutant[at:at] = mutant[: generator.randrange(1, 500)]
        yield bytes(mutant)


def assert_recognised(reader: Reader, content: bytes) -> None:
    """The content is taken for the reader's under any name, by itself and against all that is built in."""
    for name in NAMES:
        if reader.info.name in BUILTIN:
            picked = pick_reader(MemoryStream(name, content), DEFAULT_LIMITS).info.name
            assert picked == reader.info.name, f"{picked} takes it, as {name}"
            continue
        head = content[: DEFAULT_LIMITS.head_bytes]
        assert reader.sniff(head, name) > Confidence.NO, f"its own reader does not know it, as {name}"
        for other in map(get_reader, BUILTIN):
            assert other.sniff(head, name) is Confidence.NO, f"{other.info.name} takes it, as {name}"


def assert_chunks_do_not_matter(reader: Reader, content: bytes) -> None:
    """The size of reads changes nothing."""
    whole = read_content(reader, content)
    for chunk in CHUNKS:
        pieces = read_content(reader, content, chunk=chunk)
        assert [raw.meta for raw in pieces] == [raw.meta for raw in whole], f"reads of {chunk} bytes"
        assert [raw.totals for raw in pieces] == [raw.totals for raw in whole], f"reads of {chunk} bytes"
        assert records_of(pieces) == records_of(whole), f"reads of {chunk} bytes"


def assert_cuts_are_safe(reader: Reader, content: bytes, *, end: int | None = None, compare_as: Compared = set) -> None:
    """Cut content raises nothing but `InputError`.

    Args:
        reader: what reads it.
        content: a whole file.
        end: where all has been said. With it, a cut before is marked incomplete, with the place, and no cut gives a
            record that the whole content does not have.
        compare_as: how much of a record a cut may not change: all of it, or what `without_frames` or `without_stacks`
            leaves.
    """
    whole = compare_as(records_of(read_content(reader, content)))
    for offset in {*cut_offsets(content, reader.info.name), *((end - 1, 10, 100) if end else ())}:
        raws = read_if_possible(reader, content[:offset])
        if end is None or not raws:
            continue
        assert compare_as(records_of(raws)) <= whole, f"a figure of a half-read record, cut at {offset}"
        if offset < end:
            assert not all(raw.meta.is_complete for raw in raws), f"taken for whole, cut at {offset}"
            assert any(raw.meta.truncation for raw in raws), f"no truncation, cut at {offset}"


def assert_mutants_are_safe(reader: Reader, content: bytes, count: int = 60) -> None:
    """Changed bytes raise nothing but `InputError`, neither in recognising nor in reading."""
    for mutant in mutants(content, reader.info.name, count):
        reader.sniff(mutant[: DEFAULT_LIMITS.head_bytes], "mutant")
        with suppress(InputError):
            pick_reader(MemoryStream("mutant", mutant), DEFAULT_LIMITS)
        read_if_possible(reader, mutant)


def assert_reader_ok(
    reader: Reader, content: bytes, *, end: int | None = None, compare_as: Compared = set
) -> list[RawSnapshot]:
    """The reader stands what input can be, starting from a whole file of its format.

    Args:
        reader: the reader under test.
        content: a whole file, unpacked; a small one, as it is read some 150 times.
        end: where all has been said; see `assert_cuts_are_safe`.
        compare_as: the same.

    Returns:
        The snapshots of the content, for tests of their figures.

    Raises:
        AssertionError: with what is wrong.
    """
    raws = read_content(reader, content)
    assert raws, "no snapshot"
    check(build_run(raws))
    assert_recognised(reader, content)
    assert_chunks_do_not_matter(reader, content)
    assert_cuts_are_safe(reader, content, end=end, compare_as=compare_as)
    assert_mutants_are_safe(reader, content)
    return raws
