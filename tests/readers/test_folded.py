"""Folded stacks: equal to a plain sum of their whole lines, and safe with whatever a file claims."""

from __future__ import annotations

import time

import pytest

from leakreport.errors import InputError, LimitExceeded, MalformedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import FrameKind, RawSnapshot
from leakreport.readers import pick_reader
from leakreport.readers.folded import FoldedReader
from leakreport.readers.interface import Confidence
from tests.readers.profile_support import (
    answers,
    assert_answers,
    assert_same,
    cuts,
    mutants,
    read_named,
    read_or_refused,
    records,
    stacks,
)
from tests.support import MemoryStream, cases, fixture_bytes, fixture_path

FAMILY = "folded"


def read_case(case: str, chunk: int | None = None) -> list[RawSnapshot]:
    return read_named(FAMILY, fixture_path(FAMILY, case).name, fixture_bytes(FAMILY, case), chunk)


def read_text(text: str, name: str = "x.leaked.folded") -> RawSnapshot:
    (raw,) = read_named(FAMILY, name, text.encode())
    return raw


def slugs(raw: RawSnapshot) -> list[str]:
    return [note.slug for note in raw.meta.notes]


@pytest.mark.parametrize(("case", "wanted"), answers(FAMILY).items())
def test_answers_are_the_sums_of_all_lines(case: str, wanted: list[dict[str, object]]) -> None:
    assert_answers(read_case(case), wanted)


@pytest.mark.parametrize("case", cases(FAMILY))
def test_the_reader_is_found_under_any_name(case: str) -> None:
    stream = MemoryStream("whatever.bin", fixture_bytes(FAMILY, case))
    assert pick_reader(stream, DEFAULT_LIMITS).info.name == FAMILY


@pytest.mark.parametrize("case", sorted(answers(FAMILY)))
def test_the_model_holds(case: str) -> None:
    check(build_run(read_case(case)))


@pytest.mark.parametrize("case", ["public-simple-utf16-le", "public-simple-crlf", "demo-v1-v2-leaked-diff"])
@pytest.mark.parametrize("chunk", [1, 7, 61])
def test_the_size_of_reads_does_not_matter(case: str, chunk: int) -> None:
    assert_same(read_case(case), read_case(case, chunk))


@pytest.mark.parametrize(
    "case", ["demo-v2-leaked", "demo-v1-v2-leaked-diff", "public-simple-utf16-be", "public-recursion"]
)
def test_a_cut_never_gives_a_figure_of_a_half_read_line(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    whole = {record[1:] for record in records(read_named(FAMILY, "damaged", content))}
    for offset in cuts(content, case):
        raws = read_or_refused(FAMILY, content[:offset])
        # The number of a last line without an end can be cut, and nothing in the format shows it: a note says so.
        assert len({record[1:] for record in records(raws)} - whole) <= len(raws), offset
        ends_with_line = content[:offset].decode("utf-16-be" if "utf16" in case else "utf-8", "ignore").endswith("\n")
        assert all(("line-without-end" in slugs(raw)) is not ends_with_line for raw in raws) or "utf16" in case


@pytest.mark.parametrize("case", ["demo-v2-leaked", "demo-v1-v2-leaked-diff", "public-simple-utf16-le"])
def test_mutants_are_read_or_refused(case: str) -> None:
    started = time.monotonic()
    for mutant in mutants(fixture_bytes(FAMILY, case), case):
        read_or_refused(FAMILY, mutant)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("a/demo.leaked.folded", "retained_bytes"),
        ("peak.txt", "peak_bytes"),
        ("x_peak_bytes.folded", "peak_bytes"),
        ("bytes.folded", "retained_bytes"),
        ("x.allocations.folded", "allocated_blocks"),
        ("allocated-bytes", "allocated_bytes"),
        ("c:\\out\\x.temporary.folded", "temporary_blocks"),
    ],
)
def test_the_name_says_what_is_counted(name: str, metric: str) -> None:
    raw = read_text("a;b 5\n", name)
    assert raw.totals == {metric: 5}
    assert slugs(raw) == []


@pytest.mark.parametrize("name", ["x.folded", "leaked/x.folded", "speaking.txt", "standard input"])
def test_without_a_word_bytes_are_assumed_and_told(name: str) -> None:
    raw = read_text("a;b 5\n", name)
    assert raw.totals == {"retained_bytes": 5}
    assert slugs(raw) == ["unit-unknown"]


def test_frames_and_their_annotations() -> None:
    raw = read_text("main (demo.cpp);f(int, char) (src/a.cpp);g_[i];sys_read_[k];0x7fAB;[unknown];;h (int) 5\n")
    main, function, inlined, kernel, address, unknown, last = stacks(raw)[0]
    assert (main.function, main.file, main.directory) == ("main", "demo.cpp", None)
    assert (function.function, function.file, function.directory) == ("f(int, char)", "a.cpp", "src")
    assert (inlined.function, inlined.is_inlined) == ("g", True)
    assert (kernel.function, kernel.is_inlined) == ("sys_read", False)
    assert (address.kind, address.address, address.function) == (FrameKind.ADDRESS, 0x7FAB, None)
    assert (unknown.kind, unknown.function) == (FrameKind.SYNTHETIC, "[unknown]")
    assert last.function == "h (int)"


def test_empty_frames_are_dropped() -> None:
    assert len(stacks(read_text("a;; ;b; 5\n"))[0]) == 2


def test_values_may_be_fractions() -> None:
    assert read_text("a;b 5.4\nc;d 1e3\n").totals == {"retained_bytes": 1005}


def test_a_file_of_zeros_is_a_file_without_leaks() -> None:
    raw = read_text("a;b 0\nc;d 0\n")
    assert raw.totals == {"retained_bytes": 0}
    check(build_run([raw]))


@pytest.mark.parametrize("value", [str(2**63), "9" * 40, "1e30"])
def test_huge_values_are_refused(value: str) -> None:
    with pytest.raises(LimitExceeded):
        read_text(f"a;b 5\na;c {value}\n")


def test_a_sum_beyond_all_memory_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        read_text(f"a;b {2**62}\n" * 3)


@pytest.mark.parametrize(
    "line",
    ["nothing", "a;b -5", "a;b 0x10", "a;b " + "9" * 5000, " 5", "; 5", "a;b 5 kB", "a;b ٣", "a;b nan", "a;b inf"],
)
def test_lines_that_are_no_stacks_are_counted(line: str) -> None:
    raw = read_text(f"a;b 5\n{line}\na;c 6\n")
    assert raw.totals == {"retained_bytes": 11}
    assert slugs(raw) == ["invalid-lines"]
    assert not raw.meta.is_complete
    assert raw.samples is not None
    assert raw.samples.names == ("1", "3")


def test_comments_are_no_damage() -> None:
    raw = read_text("# made by hand 7\n// and so on\n\na;b 5\n")
    assert raw.meta.is_complete
    assert raw.totals == {"retained_bytes": 5}


def test_an_overlong_line_is_passed_over() -> None:
    raw = read_text("a;b 5\n" + "x;" * DEFAULT_LIMITS.line_bytes + "x 7\na;c 6\n")
    assert raw.totals == {"retained_bytes": 11}
    assert not raw.meta.is_complete


def test_names_with_many_brackets_take_linear_time() -> None:
    started = time.monotonic()
    read_text("a;" + " (." * 150_000 + ")) 5\n" + "b;" + "." * 150_000 + ")) 5\n")
    assert time.monotonic() - started < 5


def test_two_values_only_where_every_line_has_two() -> None:
    raw = read_text("f 1;g 2 3\nf 1;h 4\n")
    assert [stack[-1].function for stack in stacks(raw)] == ["g 2", "h"]
    assert raw.totals == {"retained_bytes": 7}


def test_a_path_that_is_on_one_side_only_is_missing_on_the_other() -> None:
    before, after = read_named(FAMILY, "leaked.difffolded", b"a;b 5 0\na;c 0 6\n")
    assert [stack[-1].function for stack in stacks(before)] == ["b"]
    assert [stack[-1].function for stack in stacks(after)] == ["c"]
    check(build_run([before, after]))


def test_a_deep_stack_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        build_run([read_text("a;" * (DEFAULT_LIMITS.stack_frames + 1) + "a 5\n")])


@pytest.mark.parametrize("content", [b"a;b", b"\xff\xfea", b"\xfe\xff", b"\n\n", b"\0" * 100])
def test_without_a_whole_line_nothing_is_reported(content: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_named(FAMILY, "x", content)


def test_a_byte_order_mark_of_utf_8_is_no_name() -> None:
    (raw,) = read_named(FAMILY, "leaked", b"\xef\xbb\xbfa;b 5\n")
    assert stacks(raw)[0][0].function == "a"


@pytest.mark.parametrize(
    "head",
    [b"", b"hello world\n", b"1 2 3\n4 5 6\n", b"a;b\nc;d\n", b"\0\0;a 5\n", b"{\n  x; 5\n} 6\n", b"a,b 5\nc 6\nd 7\n"],
)
def test_nothing_else_is_taken_for_stacks(head: bytes) -> None:
    assert FoldedReader().sniff(head, "x.folded") is Confidence.NO


def test_nonsense_is_an_input_error() -> None:
    with pytest.raises(InputError):
        read_named(FAMILY, "x", bytes(range(256)) * 10)
