"""profile.proto: equal to pprof's own answers, and safe with whatever a file claims."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from leakreport.errors import InputError, LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import FrameKind, RawSnapshot, Sampling
from leakreport.readers import get_reader, pick_reader
from leakreport.readers.interface import Confidence
from leakreport.readers.pprof import PprofReader
from tests.readers.profile_support import (
    answers,
    assert_answers,
    assert_same,
    cuts,
    mutants,
    read_or_refused,
    records,
    stacks,
)
from tests.support import MemoryStream, cases, fixture_bytes, read

FAMILY = "pprof"
REFUSED = {"speedscope-cpu"}
READ = [case for case in cases(FAMILY) if case not in REFUSED]


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    found = b""
    while number >= 0x80:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def plain(tag: int, number: int) -> bytes:
    return varint(tag << 3) + varint(number)


def message(tag: int, content: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(content)) + content


def packed(tag: int, numbers: list[int]) -> bytes:
    return message(tag, b"".join(map(varint, numbers)))


TEXTS = [
    "",
    "inuse_objects",
    "count",
    "inuse_space",
    "bytes",
    "main",
    "leak",
    "a.c",
    "/usr/bin/a",
    "pprof::base",
    "true",
]


def profile(
    samples: list[bytes], *, texts: list[str] = TEXTS, types: tuple[tuple[int, int], ...] = ((1, 2), (3, 4))
) -> bytes:
    """Two functions, `main` at location 7 and `leak` at 9, and the samples given."""
    parts = [message(1, plain(1, kind) + plain(2, unit)) for kind, unit in types]
    parts += [message(2, sample) for sample in samples]
    parts.append(message(3, plain(1, 1) + plain(2, 0x1000) + plain(3, 0x9000) + plain(4, 0x400) + plain(5, 8)))
    parts.append(message(4, plain(1, 7) + plain(2, 1) + plain(3, 0x1010) + message(4, plain(1, 1) + plain(2, 12))))
    parts.append(message(4, plain(1, 9) + plain(2, 1) + plain(3, 0x1020) + message(4, plain(1, 2) + plain(2, 34))))
    parts.append(message(4, plain(1, 11) + plain(2, 1) + plain(3, 0x1030)))
    parts.append(message(4, plain(1, 12) + plain(3, 0x7777)))
    parts.append(message(5, plain(1, 1) + plain(2, 5) + plain(4, 7)))
    parts.append(message(5, plain(1, 2) + plain(2, 6) + plain(4, 7)))
    parts += [message(6, text.encode()) for text in texts]
    return b"".join(parts)


def sample(locations: list[int], values: list[int], more: bytes = b"") -> bytes:
    return packed(1, locations) + packed(2, values) + more


def read_one(content: bytes) -> RawSnapshot:
    (raw,) = read(FAMILY, content)
    return raw


@pytest.mark.parametrize(("case", "wanted"), answers(FAMILY).items())
def test_answers_are_those_of_pprof(case: str, wanted: list[dict[str, object]]) -> None:
    assert_answers(read(FAMILY, fixture_bytes(FAMILY, case)), wanted)


@pytest.mark.parametrize("case", cases(FAMILY))
def test_the_reader_is_found_under_any_name(case: str) -> None:
    stream = MemoryStream("whatever.txt", fixture_bytes(FAMILY, case))
    assert pick_reader(stream, DEFAULT_LIMITS).info.name == FAMILY


@pytest.mark.parametrize("case", READ)
def test_the_model_holds(case: str) -> None:
    check(build_run(read(FAMILY, fixture_bytes(FAMILY, case))))


@pytest.mark.parametrize("chunk", [1, 7, 61])
def test_the_size_of_reads_does_not_matter(chunk: int) -> None:
    content = fixture_bytes(FAMILY, "demo-v2-diff-base")
    assert_same(read(FAMILY, content), read(FAMILY, content, chunk))


@pytest.mark.parametrize("case", ["demo-v2", "demo-v2-diff-base", "goheap-6"])
def test_a_cut_never_gives_a_figure_of_a_half_read_record(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    whole = records(read(FAMILY, content))
    # What follows the texts are a few plain numbers: without them nothing of a sample is missing.
    end = content.rfind(b"\x32")
    for offset in cuts(content, case):
        raws = read_or_refused(FAMILY, content[:offset])
        assert records(raws) <= whole, offset
        if raws and offset < end and len(records(raws)) < len(whole):
            assert not any(raw.meta.is_complete for raw in raws), offset


def test_a_cut_inside_a_text_is_told_with_its_place() -> None:
    content = profile([sample([7], [1, 10]), sample([9], [2, 20])])
    raw = read_one(content[: content.rfind(b"pprof::base") + 3])
    assert raw.totals == {"retained_bytes": 30, "retained_blocks": 3}
    assert not raw.meta.is_complete
    assert raw.meta.truncation is not None
    assert "cut at byte" in raw.meta.truncation.what


@pytest.mark.parametrize("case", ["demo-v2", "demo-v2-unsymbolised", "goheap-6", "speedscope-cpu"])
def test_mutants_are_read_or_refused(case: str) -> None:
    started = time.monotonic()
    for mutant in mutants(fixture_bytes(FAMILY, case), case):
        read_or_refused(FAMILY, mutant)
    assert time.monotonic() - started < 30


def test_a_cpu_profile_is_refused_by_the_names_of_its_types() -> None:
    with pytest.raises(UnsupportedInput, match="samples, cpu in nanoseconds, not a heap profile"):
        read(FAMILY, fixture_bytes(FAMILY, "speedscope-cpu"))


@pytest.mark.parametrize(
    ("head", "title"),
    [
        (b"--- contentionz 1 ---\ncycles/second = 1\n", "contention"),
        (b"--- threadz 1 ---\n", "thread stacks"),
        (b"goroutine profile: total 12\n1 @ 0x1\n", "counts events"),
        (b"".join(number.to_bytes(8, "little") for number in (0, 3, 0, 10000, 0)) + bytes(64), "CPU profile"),
        (b"".join(number.to_bytes(4, "big") for number in (0, 3, 1, 10000, 0)) + bytes(64), "CPU profile"),
    ],
)
def test_older_profiles_are_refused_by_name(head: bytes, title: str) -> None:
    with pytest.raises(UnsupportedInput, match=title) as caught:
        pick_reader(MemoryStream("x", head), DEFAULT_LIMITS)
    assert caught.value.advice


def test_lifetimes_are_refused() -> None:
    texts = ["", "allocated_objects", "count", "deallocated_space", "bytes", *TEXTS[5:]]
    with pytest.raises(UnsupportedInput, match="lifetimes"):
        read(FAMILY, profile([sample([7], [1, 10])], texts=texts))


def test_stacks_are_outermost_first_with_inlined_calls() -> None:
    raw = read("pprof", fixture_bytes(FAMILY, "demo-v2"))[0]
    stack = next(stack for stack in stacks(raw) if stack[-1].function == "thumbs::detail::alloc_pixels")
    assert stack[-1].is_inlined
    assert not stack[-2].is_inlined or stack[-2].function != stack[-1].function
    names = [frame.function for frame in stack]
    assert names.index("main") < names.index("thumbs::detail::alloc_pixels")


def test_places_without_names_are_files_and_offsets() -> None:
    raw = read_one(profile([sample([11, 7], [1, 10]), sample([12, 7], [1, 10])]))
    with_file, without = stacks(raw)
    assert (with_file[-1].kind, with_file[-1].module, with_file[-1].offset) == (FrameKind.ADDRESS, "/usr/bin/a", 0x430)
    assert with_file[-1].address is None
    assert (without[-1].module, without[-1].address) == (None, 0x7777)
    assert (with_file[0].function, with_file[0].file, with_file[0].line) == ("main", "a.c", 12)
    assert raw.meta.mappings[0].path == "/usr/bin/a"


def test_mappings_have_their_build_ids() -> None:
    raw = read("pprof", fixture_bytes(FAMILY, "demo-v2-unsymbolised"))[0]
    found = [mapping for mapping in raw.meta.mappings if mapping.path.endswith("/demo")]
    assert found
    assert all(mapping.end > mapping.start for mapping in raw.meta.mappings)
    assert any(frame.offset is not None and frame.module == found[0].path for frame in stacks(raw)[0])


def test_numbers_may_be_unpacked_and_in_any_order() -> None:
    packed_one = profile([sample([9, 7], [3, 300])])
    loose = plain(2, 3) + message(3, plain(1, 5) + plain(3, 6)) + plain(1, 9) + plain(2, 300) + packed(1, [7])
    assert_same([read_one(packed_one)], [read_one(profile([loose]))])


def test_fields_may_come_in_any_order() -> None:
    content = profile([sample([9, 7], [3, 300])])
    start = content.index(packed(1, [9, 7])) - 2
    moved = (
        content[:start] + content[start + 2 + len(sample([9, 7], [3, 300])) :] + message(2, sample([9, 7], [3, 300]))
    )
    assert_same([read_one(content)], [read_one(moved)])
    assert pick_reader(MemoryStream("x", moved), DEFAULT_LIMITS).info.name == FAMILY


def test_values_of_the_base_become_a_snapshot_before() -> None:
    base = message(3, plain(1, 9) + plain(2, 10))
    before, after = read(FAMILY, profile([sample([7], [-1, -10], base), sample([7], [2, 30])]))
    assert (before.meta.label, after.meta.label) == ("base", "compared")
    assert before.totals == {"retained_bytes": 10, "retained_blocks": 1}
    assert after.totals == {"retained_bytes": 30, "retained_blocks": 2}


def test_a_difference_without_its_base_is_refused() -> None:
    with pytest.raises(UnsupportedInput, match="difference"):
        read(FAMILY, profile([sample([7], [-1, -10])]))


def test_estimates_are_not_scaled_again_and_have_variances() -> None:
    raw = read("pprof", fixture_bytes(FAMILY, "demo-v2-sampled"))[0]
    assert raw.meta.sampling == Sampling(65536)
    assert raw.samples is not None and raw.samples.variances is not None
    row = 0
    size = raw.samples.values["retained_bytes"][row] / raw.samples.values["retained_blocks"][row]
    chance = 1 - np.exp(-size / 65536)
    sampled = raw.samples.values["retained_blocks"][row] * chance
    wanted = sampled * (1 - chance) / chance**2
    assert raw.samples.variances["retained_blocks"][row] == pytest.approx(wanted)
    assert raw.samples.variances["retained_bytes"][row] == pytest.approx(wanted * size**2)


def test_units_are_read() -> None:
    texts = [*TEXTS[:4], "kilobytes", *TEXTS[5:]]
    assert read_one(profile([sample([7], [1, 3])], texts=texts)).totals["retained_bytes"] == 3072


def test_a_type_of_no_known_name_is_taken_with_a_note() -> None:
    texts = [*TEXTS[:3], "rubble", *TEXTS[4:]]
    raw = read_one(profile([sample([7], [3])], texts=texts, types=((3, 4),)))
    assert raw.totals == {"retained_bytes": 3}
    assert [note.slug for note in raw.meta.notes] == ["sample-type-assumed"]


@pytest.mark.parametrize(
    "hostile",
    [
        sample([99], [1, 10]),
        sample([7], [1]),
        sample([7], [1, 10, 100]),
        b"\x0a\x03\x07\x80\x80" + packed(2, [1, 10]),
        b"\x0a\x0c" + b"\xff" * 11 + b"\x01" + packed(2, [1, 10]),
        b"\x0a\x7f\x07" + packed(2, [1, 10]),
        sample([7], [1, 10], b"\x1a\x7f"),
        sample([7], [1, 10], message(3, plain(1, 9) + plain(2, 9999))),
        b"\x0f",
        b"",
    ],
)
def test_a_damaged_sample_is_left_out_and_told(hostile: bytes) -> None:
    raw = read_one(profile([sample([7], [1, 10]), hostile, sample([9], [2, 20])]))
    assert raw.totals == {"retained_bytes": 30, "retained_blocks": 3}
    assert not raw.meta.is_complete
    assert [note.slug for note in raw.meta.notes] == ["damaged-records"]
    assert raw.samples is not None
    assert raw.samples.names == ("0", "2")


def test_huge_values_are_refused() -> None:
    with pytest.raises(LimitExceeded):
        read(FAMILY, profile([sample([7], [1, (1 << 63) - 1])] * 2))
    with pytest.raises(InputError):
        read(FAMILY, profile([sample([7], [1, 1 << 63])]))


def test_inlined_calls_cannot_multiply_without_end() -> None:
    deep = message(4, plain(1, 50) + message(4, plain(1, 1)) * 60_000)
    content = profile([sample([50, 50], [1, 10])]) + deep
    with pytest.raises(LimitExceeded, match="120,000 frames"):
        read(FAMILY, content)


def test_too_many_entries_are_refused() -> None:
    small = replace(DEFAULT_LIMITS, records=50)
    for content in (profile([sample([7], [1, 10])] * 60), profile([]) + message(6, b"") * 60):
        with pytest.raises(LimitExceeded):
            list(PprofReader().read(MemoryStream("x", content), small))


def test_a_stack_may_be_empty() -> None:
    raw = read_one(profile([sample([], [1, 10])]))
    assert raw.totals["retained_bytes"] == 10
    check(build_run([raw]))


def test_two_profiles_in_one_file_are_refused() -> None:
    one = profile([sample([7], [1, 10])])
    other = one.replace(plain(3, 0x1010), plain(3, 0x1011))
    with pytest.raises(MalformedInput, match="several profiles"):
        read(FAMILY, one + other)


def test_ids_may_be_any_numbers() -> None:
    content = profile([sample([9, 7], [1, 10])])
    huge = (1 << 63) + 5
    changed = content.replace(packed(1, [9, 7]), packed(1, [huge, 7])).replace(plain(1, 9), plain(1, huge))
    lengths = content.replace(message(2, sample([9, 7], [1, 10])), message(2, sample([huge, 7], [1, 10])))
    old = plain(1, 9) + plain(2, 1) + plain(3, 0x1020) + message(4, plain(1, 2) + plain(2, 34))
    lengths = lengths.replace(message(4, old), message(4, plain(1, huge) + old[len(plain(1, 9)) :]))
    assert changed != lengths
    assert_same([read_one(content)], [read_one(lengths)])


def test_a_field_without_end_is_refused() -> None:
    content = profile([sample([7], [1, 10])]) + varint(6 << 3 | 2) + varint(1 << 40)
    raws = read_or_refused(FAMILY, content + bytes(1000))
    assert not any(raw.meta.is_complete for raw in raws)
    with pytest.raises(LimitExceeded):
        read(FAMILY, content + bytes(DEFAULT_LIMITS.element_bytes + 2))


@pytest.mark.parametrize(
    "head", [b"", b"\x0a", b"\x0a\x04\x08\x01\x10", b"\n\nhello\n", b"\x0a\x04abcd" * 9, b"\x00" * 64]
)
def test_nothing_else_is_taken_for_a_profile(head: bytes) -> None:
    assert PprofReader().sniff(head, "x.pb.gz") is Confidence.NO


@pytest.mark.parametrize("reader", ["pprof", "heaptrack", "folded", "speedscope"])
@pytest.mark.parametrize("family", ["memcheck-xml", "memcheck-text", "pprof", "heaptrack", "folded", "speedscope"])
def test_files_of_other_formats_are_not_taken(reader: str, family: str) -> None:
    for case in cases(family):
        head = fixture_bytes(family, case)[: DEFAULT_LIMITS.head_bytes]
        assert reader == family or get_reader(reader).sniff(head, "x") is Confidence.NO, case


def test_build_ids_are_only_hex() -> None:
    texts = [*TEXTS, "ABCDEF0123", "not-hex"]
    content = profile([sample([7], [1, 10])], texts=texts)
    content += message(3, plain(1, 2) + plain(2, 1) + plain(5, 8) + plain(6, 11))
    content += message(3, plain(1, 3) + plain(2, 1) + plain(5, 8) + plain(6, 12))
    assert [mapping.build_id for mapping in read_one(content).meta.mappings] == [None, "abcdef0123", None]
