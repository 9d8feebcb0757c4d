"""The harness of readers: every built-in reader stands it, and readers with a fault do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from leakreport.limits import Limits
from leakreport.model.raw import Frame, RawSnapshot, SampleTableBuilder, SnapshotMeta, Truncation
from leakreport.readers import BUILTIN, get_reader
from leakreport.readers.interface import Confidence, FormatInfo, InputStream
from leakreport.testing import (
    Compared,
    MemoryStream,
    assert_reader_ok,
    mutants,
    read_if_possible,
    without_frames,
    without_stacks,
)
from tests.support import cases, fixture_bytes

# By format, where more than the least is known: a small whole file, what stands where all has been said, and what a cut leaves of a record.
WHOLE: dict[str, tuple[str, bytes, Compared]] = {
    "memcheck-xml": ("kinds", b"</valgrindoutput>", set),
    "memcheck-text": ("kinds", b"ERROR SUMMARY", without_stacks),
    "dhat": ("kinds", b"}", set),
    "gperftools": ("series-v2-0012", b"MAPPED_LIBRARIES", without_frames),
    "jemalloc": ("threads", b"MAPPED_LIBRARIES", without_stacks),
    "sanitizer": ("gcc", b"SUMMARY", set),
}


def smallest_readable(name: str) -> str:
    sizes = sorted((len(fixture_bytes(name, case)), case) for case in cases(name))
    return next(case for _, case in sizes if read_if_possible(get_reader(name), fixture_bytes(name, case)))


@pytest.mark.parametrize("name", BUILTIN)
def test_every_built_in_reader_stands_it(name: str) -> None:
    reader = get_reader(name)
    case, end, compare_as = WHOLE.get(name) or (smallest_readable(name), None, set)
    content = fixture_bytes(name, case)
    where = None if end is None else content.rstrip().rindex(end)
    assert assert_reader_ok(reader, content, end=where, compare_as=compare_as)


class Toy:
    """`TOY`, lines of a number and a name, `end`."""

    info = FormatInfo("toy", "Toy", "toytool", (".toy",), "toytool record", "none")

    def sniff(self, head: bytes, name: str) -> Confidence:
        return Confidence.CERTAIN if head.startswith(b"TOY\n") else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        content = b""
        while piece := stream.read(4096):
            content += piece
        yield self.snapshot(stream, content)

    def snapshot(self, stream: InputStream, content: bytes) -> RawSnapshot:
        builder = SampleTableBuilder(("retained_bytes",))
        *lines, _ = content.split(b"\n")
        total = 0
        for line in lines[1:]:
            amount, _, name = line.partition(b" ")
            if name and amount.isdigit() and len(amount) < 10:
                builder.add([Frame(name.decode("utf-8", "replace"))], (int(amount),))
                total += int(amount)
        is_whole = bool(lines) and lines[-1] == b"end"
        truncation = None if is_whole else Truncation("no end", len(lines), len(builder))
        meta = SnapshotMeta(stream.name, "toy", is_complete=is_whole, truncation=truncation)
        return RawSnapshot(meta, {"retained_bytes": total}, builder.build())


CONTENT = b"TOY\n100 main\n2345 parse\n77 grow\nend\n"


def test_a_sound_reader_passes_and_gives_its_snapshots() -> None:
    (raw,) = assert_reader_ok(Toy(), CONTENT, end=CONTENT.rindex(b"\n"))
    assert raw.totals == {"retained_bytes": 2522}


class ByName(Toy):
    def sniff(self, head: bytes, name: str) -> Confidence:
        return Confidence.CERTAIN if name.endswith(".toy") else Confidence.NO


class Raising(Toy):
    def snapshot(self, stream: InputStream, content: bytes) -> RawSnapshot:
        assert content.endswith(b"end\n")
        return super().snapshot(stream, content)


class OneRead(Toy):
    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        yield self.snapshot(stream, stream.read(4096))


class HalfLines(Toy):
    def snapshot(self, stream: InputStream, content: bytes) -> RawSnapshot:
        return super().snapshot(stream, content if content.endswith(b"\n") else content + b"\n")


class NeverCut(Toy):
    def snapshot(self, stream: InputStream, content: bytes) -> RawSnapshot:
        return super().snapshot(stream, content + b"end\n")


class Nothing(Toy):
    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        yield from ()


class WrongSums(Toy):
    def snapshot(self, stream: InputStream, content: bytes) -> RawSnapshot:
        raw = super().snapshot(stream, content)
        assert raw.samples is not None
        raw.samples.values["retained_bytes"].flags.writeable = True
        raw.samples.values["retained_bytes"][:1] = -5
        return raw


class RaisingSniff(Toy):
    def sniff(self, head: bytes, name: str) -> Confidence:
        return Confidence(3 * head[:-2].decode().startswith("TOY"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (ByName, "does not know it, as whatever.bin"),
        (Raising, "assert False"),
        (OneRead, "reads of 1 bytes"),
        (HalfLines, "half-read record"),
        (NeverCut, "taken for whole"),
        (Nothing, "no snapshot"),
        (WrongSums, "never negative"),
    ],
)
def test_a_fault_is_found(make: Callable[[], Toy], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        assert_reader_ok(make(), CONTENT, end=CONTENT.rindex(b"\n"))


def test_sniffing_must_not_raise() -> None:
    with pytest.raises(UnicodeDecodeError):
        assert_reader_ok(RaisingSniff(), CONTENT)


def test_content_that_is_built_in_is_no_plugins() -> None:
    class Thief(Toy):
        def sniff(self, head: bytes, name: str) -> Confidence:
            return Confidence.CERTAIN

    with pytest.raises(AssertionError, match="dhat takes it"):
        assert_reader_ok(Thief(), fixture_bytes("dhat", "kinds"))


def test_changes_are_the_same_in_every_run() -> None:
    assert list(mutants(CONTENT, "seed")) == list(mutants(CONTENT, "seed"))
    assert list(mutants(b"", "seed", 3))
    stream = MemoryStream("x", CONTENT, 7)
    assert stream.read() == CONTENT[:7]
    stream.rewind()
    assert stream.read(3) == b"TOY"
