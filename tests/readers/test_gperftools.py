"""Heap profiles of the gperftools family: answers of pprof and of the programs, and inputs that lie."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from leakreport.errors import InputError, LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import FrameKind, LeakSearch, RawSnapshot
from leakreport.readers import get_reader, pick_reader
from tests.readers.robustness import (
    answers,
    assert_cuts_are_safe,
    assert_equal_to_answer,
    assert_mutants_are_safe,
    assert_size_of_reads_does_not_matter,
    read_named,
    retained_by_innermost,
    stacks,
)
from tests.support import MemoryStream, cases, fixture_bytes

FAMILY = "gperftools"
CASES = cases(FAMILY)
ANSWERS = answers(FAMILY)
MAPS = b"\nMAPPED_LIBRARIES:\n00400000-00500000 r-xp 00000000 08:01 1   /opt/a program (deleted)\n"


def profile(lines: bytes, tail: bytes = b"heapprofile", header: bytes = b"3: 30 [5: 50]", maps: bytes = MAPS) -> bytes:
    return b"heap profile: " + header + b" @ " + tail + b"\n" + lines + maps


def one(content: bytes, name: str = "test") -> RawSnapshot:
    (raw,) = read_named(FAMILY, content, name)
    check(build_run([raw]))
    return raw


def slugs(raw: RawSnapshot) -> list[str]:
    return [note.slug for note in raw.meta.notes]


@pytest.mark.parametrize("case", sorted(ANSWERS))
def test_figures_are_those_of_other_tools(case: str) -> None:
    answer = ANSWERS[case]
    raw = one(fixture_bytes(FAMILY, case), answer.get("name", "test"))
    assert_equal_to_answer(raw, answer)
    assert raw.meta.is_complete
    for words in answer.get("says", []):
        assert any(words in note.message for note in raw.meta.notes)


@pytest.mark.parametrize("case", CASES)
def test_the_reader_is_found_under_any_name(case: str) -> None:
    stream = MemoryStream("whatever.bin", fixture_bytes(FAMILY, case))
    assert pick_reader(stream, DEFAULT_LIMITS).info.name == FAMILY


@pytest.mark.parametrize("case", CASES)
def test_paths_add_up_to_the_totals(case: str) -> None:
    raws = read_named(FAMILY, fixture_bytes(FAMILY, case))
    run = build_run(raws)
    check(run)
    for snapshot in run.snapshots:
        assert set(snapshot.unattributed().values()) == {0}


@pytest.mark.parametrize("case", ["series-v2-0012", "go-0006", "java", "checker-text", "raw-symbolized", "cppbench"])
def test_the_size_of_reads_does_not_matter(case: str) -> None:
    assert_size_of_reads_does_not_matter(FAMILY, fixture_bytes(FAMILY, case))


@pytest.mark.parametrize(
    ("case", "end"),
    [
        ("series-v2-0012", b"MAPPED_LIBRARIES"),
        ("mmap-0012", b"MAPPED_LIBRARIES"),
        ("cppbench", b"--- Memory map"),
        ("go-0006", b"# runtime.MemStats"),
        ("java", b" 0x00000097"),
        ("checker-text", b"\n\nIf the preceding"),
    ],
)
def test_a_cut_never_gives_a_figure_of_a_half_read_record(case: str, end: bytes) -> None:
    content = fixture_bytes(FAMILY, case)
    assert_cuts_are_safe(FAMILY, content, content.rindex(end), has_late_names=case != "checker-text")


def test_a_cut_of_binary_words_is_seen_inside_a_record() -> None:
    content = fixture_bytes(FAMILY, "raw-symbolized")
    for cut in (1, 8, 20):
        raw = one(content[:-cut])
        assert raw.meta.truncation is not None
        assert raw.totals["retained_bytes"] <= 4343120


@pytest.mark.parametrize("case", ["series-v2-0012", "mmap-0003", "go-0006", "java", "checker-text", "raw-symbolized", "cppbench"])  # fmt: skip
def test_changed_bytes_never_raise_anything_else(case: str) -> None:
    assert_mutants_are_safe(FAMILY, fixture_bytes(FAMILY, case))


def test_an_address_is_that_of_the_call_in_its_file() -> None:
    raw = one(profile(b"3: 30 [5: 50] @ 0x400011 0x600011\n"))
    (stack,) = stacks(raw)
    assert (stack[1].module, stack[1].offset, stack[1].address) == ("/opt/a program (deleted)", 0x10, None)
    assert (stack[0].module, stack[0].address, stack[0].kind) == (None, 0x600010, FrameKind.ADDRESS)
    assert [mapping.path for mapping in raw.meta.mappings] == ["/opt/a program (deleted)"]
    assert raw.samples is not None
    assert raw.samples.names == ("2",)


def test_the_same_address_in_other_digits_is_the_same_frame() -> None:
    raw = one(profile(b"1: 10 [2: 20] @ 0x400011\n2: 20 [3: 30] @ 0x00400011\n"))
    assert raw.samples is not None
    assert len(raw.samples.frames) == 1


def test_variables_brief_entries_and_build_ids_in_the_mappings() -> None:
    maps = b"""--- Memory map: ---
  base=/opt/x y
  00400000-00500000: $base/server (@1000) 0123456789abcdef
main.cc:12] 7f0000000000-7f0000001000: [vdso]
"""
    raw = one(profile(b"3: 30 [5: 50] @ 0x400011 0x7f0000000101\n", maps=maps))
    first, second = raw.meta.mappings
    assert (first.path, first.offset, first.build_id) == ("/opt/x y/server", 0x1000, "0123456789abcdef")
    assert second.path == "[vdso]"
    (stack,) = stacks(raw)
    assert [(frame.module, frame.offset) for frame in stack] == [("[vdso]", 0x100), ("/opt/x y/server", 0x1010)]


def test_entries_that_go_on_are_one_mapping_and_memory_without_a_name_is_none() -> None:
    maps = (
        b"MAPPED_LIBRARIES:\n00400000-00410000 r-xp 00001000 08:01 1 /opt/a\n00410000-00420000 r-xp 00011000 08:01 1 /opt/a\n"
        b"00430000-00440000 rwxp 00000000 00:00 0\n00440000-00450000 r--p 00000000 08:01 1 /opt/b\n"
    )
    raw = one(profile(b"3: 30 [5: 50] @ 0x410011 0x430011\n", maps=maps))
    assert [(mapping.start, mapping.end) for mapping in raw.meta.mappings] == [(0x400000, 0x420000)]
    (stack,) = stacks(raw)
    assert (stack[1].offset, stack[0].address) == (0x11010, 0x430010)


def test_a_damaged_mapping_is_said() -> None:
    raw = one(profile(b"3: 30 [5: 50] @ 0x410011\n", maps=MAPS + b"0?500000-00600000 r-xp 00000000 08:01 1 /opt/b\n"))
    assert slugs(raw) == ["damaged-records"]
    assert not raw.meta.is_complete


def test_a_dump_of_the_heap_checker_has_its_process_in_its_name() -> None:
    content = profile(b"3: 30 [3: 30] @ 0x400011\n", header=b"3: 30 [3: 30]")
    raw = one(content, "/tmp/program.4711._main_-end.heap.gz")
    assert raw.meta.pid == 4711
    assert raw.totals["definite_bytes"] == raw.totals["leaked_bytes"] == 30
    assert one(content, "/tmp/program.0001.heap").meta.leak_search is LeakSearch.NONE


def test_binary_words_that_are_no_profile_or_too_many_are_refused() -> None:
    names = b"--- symbol\n0x1 f\n---\n--- profile\n"
    with pytest.raises(MalformedInput):
        one(names + b"\1" * 80)
    few = replace(DEFAULT_LIMITS, element_bytes=100)
    with pytest.raises(LimitExceeded):
        list(get_reader(FAMILY).read(MemoryStream("x", names + b"\0" * 100), few))


def test_an_address_below_the_known_part_of_a_file_belongs_to_it() -> None:
    maps = b"MAPPED_LIBRARIES:\n00410000-00500000 r-xp 00010000 08:01 1 /opt/a\n"
    (stack,) = stacks(one(profile(b"3: 30 [5: 50] @ 0x400011\n", maps=maps)))
    assert (stack[0].module, stack[0].offset) == ("/opt/a", 0x10)


def test_a_sampled_line_is_scaled_by_its_mean_size_and_says_how_sure_it_is() -> None:
    raw = one(profile(b"3: 30 [3: 30] @ 0x400011\n", b"heap_v2/1000", b"3: 30 [3: 30]"))
    chance = 1 - math.exp(-10 / 1000)
    assert raw.totals == {"retained_blocks": int(3 / chance), "retained_bytes": int(30 / chance)}
    assert raw.samples is not None and raw.samples.variances is not None
    variance = 3 * (1 - chance) / chance**2
    assert raw.samples.variances["retained_blocks"][0] == pytest.approx(variance)
    assert raw.samples.variances["retained_bytes"][0] == pytest.approx(100 * variance)


def test_the_number_of_go_is_twice_the_distance() -> None:
    raw = one(profile(b"3: 30 [3: 30] @ 0x400011\n", b"heap/2000", b"3: 30 [3: 30]"))
    assert raw.meta.sampling is not None
    assert raw.meta.sampling.period == 1000


@pytest.mark.parametrize("tail", [b"", b"heap/512*1024", b"heap_v2/", b"heap"])
def test_an_unclear_sampling_is_said_and_not_guessed(tail: bytes) -> None:
    raw = one(profile(b"3: 30 [5: 50] @ 0x400011\n", tail))
    assert slugs(raw) == ["unknown-sampling"]
    assert raw.totals["retained_bytes"] == 30


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedInput, match="heapzilla"):
        one(profile(b"3: 30 [5: 50] @ 0x400011\n", b"heapzilla/3"))


def test_fragmentation_is_named() -> None:
    assert slugs(one(profile(b"3: 30 [3: 30] @ 0x400011\n", b"fragmentationz", b"3: 30 [3: 30]"))) == ["fragmentation"]


@pytest.mark.parametrize(
    "line",
    [
        b"99999999999999999999: 20 [1: 1] @ 0x400011\n",
        b"9999999999999999999: 20 [1: 1] @ 0x400011\n",
        b"1: 20 [1: 1] @ 0x40?011 0x400012\n",
        b"1: 20 [1: 1] @ 0x11112222333344445\n",
        b"0: 20 [1: 1] @ 0x400011\n",
        b"1: \x00 20 [1: 1] @ 0x400011\n",
        b"1: 20 [1: 1] @" + b" 0x400011" * 130_000 + b"\n",
    ],
)
def test_a_damaged_line_is_left_out_and_said(line: bytes) -> None:
    raw = one(profile(line + b"3: 30 [5: 50] @ 0x400011\n"))
    assert "damaged-records" in slugs(raw)
    assert not raw.meta.is_complete
    assert raw.samples is not None
    assert raw.samples.values["retained_bytes"].tolist() == [30]


def test_missing_lines_are_noticed() -> None:
    raw = one(profile(b"2: 20 [5: 50] @ 0x400011\n"))
    assert slugs(raw) == ["header-mismatch"]
    assert not raw.meta.is_complete
    assert raw.totals["retained_bytes"] == 30


def test_negative_values_count_as_nothing() -> None:
    raw = one(profile(b"3: 30 [5: 50] @ 0x400011\n-1: -10 [0: 0] @ 0x400021\n"))
    assert "negative-values" in slugs(raw)
    assert raw.totals["retained_bytes"] == 30


@pytest.mark.parametrize("header", [b"1: 9223372036854775808 [1: 1]", b"99999999999999999999: 1 [1: 1]"])
def test_a_header_beyond_64_bits_is_refused(header: bytes) -> None:
    with pytest.raises(LimitExceeded):
        one(profile(b"", header=header))


def test_an_estimate_beyond_64_bits_is_refused() -> None:
    lines = b"9000000000000000000: 1 [0: 0] @ 0x400011\n"
    with pytest.raises(LimitExceeded):
        one(profile(lines, b"heap_v2/999999999999", b"9000000000000000000: 1 [0: 0]"))


def test_sums_beyond_64_bits_are_refused() -> None:
    lines = b"1: 9000000000000000000 [0: 0] @ 0x400011\n" * 2
    with pytest.raises(LimitExceeded):
        one(profile(lines, header=b"2: 1 [0: 0]"))


def test_more_records_than_agreed_are_refused() -> None:
    few = replace(DEFAULT_LIMITS, records=2)
    content = profile(b"1: 10 [1: 10] @ 0x400011\n" * 3, header=b"3: 30 [3: 30]")
    with pytest.raises(LimitExceeded, match="more than 2 stacks"):
        list(get_reader(FAMILY).read(MemoryStream("x", content), few))


def test_only_mmap_is_told_apart() -> None:
    raw = one(profile(b"3: 30 [3: 30] @ 0x400011\n", header=b"0: 0 [0: 0]"))
    assert slugs(raw) == ["mmap-only"]


def test_several_profiles_in_one_input_are_several_snapshots() -> None:
    first = profile(b"3: 30 [5: 50] @ 0x400011\n")
    raws = read_named(FAMILY, first + first.replace(b"30", b"40"))
    assert [raw.totals["retained_bytes"] for raw in raws] == [30, 40]


def test_names_of_a_symbol_section_are_used() -> None:
    names = b"--- symbol\nbinary=/opt/a\n0x0000000000400010 run(int)<0000000000000020>--grow [clone .isra.0]\n---\n--- heap\n"
    content = names + profile(b"3: 30 [5: 50] @ 0x400011\n")
    stream = MemoryStream("any", content)
    assert pick_reader(stream, DEFAULT_LIMITS).info.name == FAMILY
    (stack,) = stacks(one(content))
    assert [(frame.function, frame.is_inlined) for frame in stack] == [("run(int)", False), ("grow", True)]
    assert stack[0].module == "/opt/a program (deleted)"


def test_comments_of_go_name_inlined_functions_and_recursion() -> None:
    lines = (
        b"3: 30 [5: 50] @ 0x11 0x21 0x21 0x31\n"
        b"#\t0x10\tmain.inner+0x5\t/src/a.go:1\n#\t0x10\tmain.outer+0x9\t/src/a.go:2\n"
        b"#\t0x20\tmain.walk+0x1\t/src/a.go:3\n#\t0x20\tmain.walk+0x1\t/src/a.go:3\n\n# runtime.MemStats\n# NumGC = 1\n"
    )
    raw = one(profile(lines, b"heap/2", maps=b""))
    (stack,) = stacks(raw)
    assert [frame.function for frame in stack] == [None, "main.walk", "main.walk", "main.outer", "main.inner"]
    assert [frame.is_inlined for frame in stack] == [False, False, False, False, True]
    assert (stack[-1].path, stack[-1].line) == ("/src/a.go", 1)
    assert raw.meta.sampling is None


def test_names_of_go_stand_at_their_frames() -> None:
    found = retained_by_innermost(one(fixture_bytes(FAMILY, "go-0006")), by_module=False)
    assert found["main.retain"] == 7745010


def test_leaks_the_checker_does_not_list_are_in_the_total() -> None:
    content = fixture_bytes(FAMILY, "checker-text")
    head, _, rest = content.partition(b"Leak of 400 bytes")
    shortened = head + b"Skipping leaks numbered 5..5\n" + rest[rest.index(b"\n\nIf the") :]
    raw = one(shortened)
    assert slugs(raw) == ["leaks-omitted"]
    assert raw.meta.is_complete
    assert raw.meta.leak_search is LeakSearch.COMPLETE
    assert raw.totals["leaked_bytes"] == 3006409
    assert raw.samples is not None
    assert sum(raw.samples.values["retained_bytes"].tolist()) == 3006009


def test_a_wrapped_number_of_the_checker_is_damage() -> None:
    raw = one(
        b"Leak check x detected leaks of -5 bytes in 1 objects\nLeak of -5 bytes in 1 objects allocated from:\n\t@ 12 f\n\n"
    )
    assert slugs(raw) == ["damaged-records"]
    assert not raw.meta.is_complete


def test_other_pages_and_profiles_are_refused() -> None:
    with pytest.raises(MalformedInput):
        one(b"--- heapz 1 ---\nformat = c\n")
    with pytest.raises(MalformedInput):
        one(b"nothing\n")
    cpu = fixture_bytes(FAMILY, "raw-symbolized").replace(b"\1\0\0\0\0\0\0\0", b"\x10\x27\0\0\0\0\0\0", 1)
    with pytest.raises(UnsupportedInput, match="CPU"):
        one(cpu)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"".join(word.to_bytes(8, "little") for word in (0, 3, 0, 10000, 0, 1, 1, 4096)), "CPU profile"),
        (b"".join(word.to_bytes(4, "big") for word in (0, 3, 1, 10000, 0, 1, 1, 4096)), "CPU profile"),
        (b"--- contentionz 1 ---\n", "contention"),
        (b"--- threadz 1 ---\n", "thread"),
        (b"goroutine profile: total 7\n", "counts events"),
    ],
)
def test_other_profiles_are_known_by_name(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        pick_reader(MemoryStream("x", content), DEFAULT_LIMITS)
    assert caught.value.slug == "unsupported-input"
