"""LeakSanitizer's reports: what its SUMMARY says, and logs that are not only its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakreport.errors import InputError, LimitExceeded, MalformedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, FrameKind, LeakSearch, RawSnapshot
from leakreport.readers import get_reader, pick_reader
from leakreport.readers._sanitizer_frames import parse_frame
from tests.readers.robustness import (
    answers,
    assert_cuts_are_safe,
    assert_equal_to_answer,
    assert_mutants_are_safe,
    assert_size_of_reads_does_not_matter,
    read_named,
    records,
    stacks,
)
from tests.support import MemoryStream, cases, fixture_bytes

FAMILY = "sanitizer"
CASES = cases(FAMILY)
ANSWERS = answers(FAMILY)
GCC = fixture_bytes(FAMILY, "gcc")


def report(groups: bytes, summary: bytes = b"5 byte(s) leaked in 1 allocation(s).", pid: int = 7) -> bytes:
    head = b"==%d==ERROR: LeakSanitizer: detected memory leaks\n\n" % pid
    return head + groups + b"\nSUMMARY: LeakSanitizer: " + summary + b"\n"


def group(
    amount: int = 5, blocks: int = 1, kind: bytes = b"Direct", frames: bytes = b"    #0 0x12 in f /a.c:3\n"
) -> bytes:
    return kind + b" leak of %d byte(s) in %d object(s) allocated from:\n" % (amount, blocks) + frames + b"\n"


def one(content: bytes) -> RawSnapshot:
    (raw,) = read_named(FAMILY, content)
    check(build_run([raw]))
    return raw


def slugs(raw: RawSnapshot) -> list[str]:
    return [note.slug for note in raw.meta.notes]


@pytest.mark.parametrize("case", sorted(ANSWERS))
def test_figures_are_those_of_the_summary_and_the_program(case: str) -> None:
    raw = one(fixture_bytes(FAMILY, case))
    assert_equal_to_answer(raw, ANSWERS[case])
    assert raw.samples is not None
    assert len(raw.samples) == ANSWERS[case]["groups"]
    assert raw.meta.is_complete
    assert raw.meta.leak_search is LeakSearch.COMPLETE
    assert raw.meta.kinds_recorded == {LeakKind.DEFINITE, LeakKind.INDIRECT}
    assert raw.meta.tool == ("AddressSanitizer" if "asan" in case else "LeakSanitizer")
    assert raw.meta.pid is not None


@pytest.mark.parametrize("case", CASES)
def test_the_reader_is_found_under_any_name(case: str) -> None:
    stream = MemoryStream("whatever.bin", fixture_bytes(FAMILY, case))
    assert pick_reader(stream, DEFAULT_LIMITS).info.name == FAMILY


@pytest.mark.parametrize("case", CASES)
def test_paths_add_up_to_the_totals(case: str) -> None:
    (snapshot,) = build_run(read_named(FAMILY, fixture_bytes(FAMILY, case))).snapshots
    rest = snapshot.unattributed()
    assert {rest[metric] for metric in rest if not metric.startswith("suppressed")} == {0}


@pytest.mark.parametrize("case", ["gcc", "gcc-color", "clang-objects", "gcc-suppressed", "gcc-no-symbols"])
def test_the_size_of_reads_does_not_matter(case: str) -> None:
    assert_size_of_reads_does_not_matter(FAMILY, fixture_bytes(FAMILY, case))


@pytest.mark.parametrize("case", CASES)
def test_a_cut_never_gives_a_figure_of_a_half_read_record(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    assert_cuts_are_safe(FAMILY, content, content.rindex(b"SUMMARY"))


@pytest.mark.parametrize("case", CASES)
def test_changed_bytes_never_raise_anything_else(case: str) -> None:
    assert_mutants_are_safe(FAMILY, fixture_bytes(FAMILY, case))


def values_of(content: bytes) -> list[tuple[tuple[Frame, ...], tuple[tuple[str, int], ...]]]:
    return sorted(((stack, values) for _, _, _, stack, values in records([one(content)])), key=repr)


def test_line_ends_time_stamps_and_output_of_the_program_do_not_matter() -> None:
    wanted = values_of(GCC)
    assert values_of(GCC.replace(b"\n", b"\r\n")) == wanted
    stamped = b"".join(b"2026-01-02T03:04:05.6789Z " + line for line in GCC.splitlines(keepends=True))
    assert values_of(stamped) == wanted
    assert values_of(b"building\n" * 5000 + GCC + b"done\n") == wanted
    noisy = GCC.replace(b"    #2 ", b"request 17 served\n    #2 ")
    assert values_of(noisy) == wanted


def test_a_report_deep_in_a_log_is_found() -> None:
    content = b"building something\n" * 10_000 + GCC
    assert pick_reader(MemoryStream("log", content), DEFAULT_LIMITS).info.name == FAMILY
    assert one(content).totals["leaked_bytes"] == 3006409


def test_each_process_is_a_snapshot_of_its_own() -> None:
    raws = read_named(FAMILY, report(group()) + report(group(8, 2), b"8 byte(s) leaked in 2 allocation(s).", 9))
    assert [(raw.meta.pid, raw.totals["leaked_bytes"]) for raw in raws] == [(7, 5), (9, 8)]
    check(build_run(raws))


def test_the_last_report_of_a_process_counts() -> None:
    later = report(group() + group(3), b"8 byte(s) leaked in 2 allocation(s).")
    raw = one(report(group()) + later)
    assert raw.totals["leaked_bytes"] == 8
    assert slugs(raw) == ["earlier-leak-searches"]


def test_what_is_not_listed_is_in_the_total() -> None:
    raw = one(
        report(
            b"The 1 top leak(s):\n" + group() + b"Omitting 3 more leak(s).\n", b"50 byte(s) leaked in 9 allocation(s)."
        )
    )
    assert slugs(raw) == ["leaks-omitted"]
    assert (raw.totals["leaked_bytes"], raw.totals["leaked_blocks"], raw.totals["definite_bytes"]) == (50, 9, 5)
    assert raw.meta.is_complete


def test_a_summary_that_does_not_fit_is_noticed() -> None:
    raw = one(report(group(), b"50 byte(s) leaked in 9 allocation(s)."))
    assert slugs(raw) == ["summary-mismatch"]
    assert not raw.meta.is_complete


def test_a_report_without_its_summary_is_cut() -> None:
    raw = one(report(group()).partition(b"SUMMARY")[0])
    assert raw.meta.truncation is not None
    assert raw.meta.leak_search is LeakSearch.CUT
    assert raw.totals["leaked_bytes"] == 5


def test_a_number_beyond_64_bits_is_damage() -> None:
    raw = one(report(group(99999999999999999999) + group()))
    assert slugs(raw) == ["damaged-records"]
    assert not raw.meta.is_complete
    assert raw.totals["leaked_bytes"] == 5
    beyond = one(report(group(), b"99999999999999999999 byte(s) leaked in 1 allocation(s)."))
    assert not beyond.meta.is_complete


def test_more_leaks_than_agreed_are_refused() -> None:
    few = replace(DEFAULT_LIMITS, records=2)
    with pytest.raises(LimitExceeded, match="more than 2 leaks"):
        list(get_reader(FAMILY).read(MemoryStream("x", report(group() * 3)), few))


def test_a_group_without_frames_keeps_its_bytes() -> None:
    raw = one(report(group(frames=b"at f of a.c\n")))
    assert stacks(raw) == [()]
    assert raw.totals["leaked_bytes"] == 5


def test_the_allocation_function_goes_but_one_frame_stays() -> None:
    frames = b"    #0 0x1 in operator new(unsigned long) x.cpp:1\n    #1 0x2 in f a.c:2\n"
    assert [frame.function for frame in stacks(one(report(group(frames=frames))))[0]] == ["f"]
    frames = b"    #0 0x1 in malloc x.cpp:1\n"
    assert [frame.function for frame in stacks(one(report(group(frames=frames))))[0]] == ["malloc"]


def test_inlined_functions_stand_at_one_address_and_recursion_does_too() -> None:
    frames = (
        b"    #0 0x1 in inner a.c:1\n    #1 0x1 in outer a.c:2\n    #2 0x3 in walk a.c:3\n    #3 0x3 in walk a.c:3\n"
    )
    (stack,) = stacks(one(report(group(frames=frames))))
    assert [(frame.function, frame.is_inlined) for frame in stack] == [("walk", False), ("walk", False), ("outer", False), ("inner", True)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("in main src/a.c:24", Frame("main", None, "src", "a.c", 24)),
        ("in main /src/my dir/a.c:24:31", Frame("main", None, "/src/my dir", "a.c", 24)),
        ("in A::operator()(int) const /a.c:7", Frame("A::operator()(int) const", None, None, "a.c", 7)),
        ("in void f<int (*)(char in)>(int) a.c:7:1", Frame("void f<int (*)(char in)>(int)", None, None, "a.c", 7)),
        ("in f(int) (/opt/a b (deleted)+0x1f)", Frame("f(int)", "/opt/a b (deleted)")),
        ("in f(int) (/opt/a+0x1f) (BuildId: 0a1b)", Frame("f(int)", "/opt/a")),
        ("in f <null>", Frame("f")),
        ("in f (<unknown module>)", Frame("f")),
        ("in f() const", Frame("f() const")),
        ("in f ??:0", Frame("f")),
        ("in f a.c", Frame("f", None, None, "a.c")),
        (" (/opt/a+0x1f)", Frame(module="/opt/a", kind=FrameKind.ADDRESS, offset=31)),
        (" (/opt/a+0x1f) (BuildId: 0a1b)", Frame(module="/opt/a", kind=FrameKind.ADDRESS, offset=31)),
        (" (<unknown module>)", Frame(address=4096, kind=FrameKind.ADDRESS)),
        ("", Frame(address=4096, kind=FrameKind.ADDRESS)),
    ],
)
def test_the_forms_of_a_frame(text: str, frame: Frame) -> None:
    assert parse_frame(4096, text, DEFAULT_LIMITS).frame == frame


def test_a_search_that_could_not_run_says_why() -> None:
    content = (
        b"==7==LeakSanitizer has encountered a fatal error.\n==7==HINT: LeakSanitizer does not work under ptrace\n"
    )
    assert pick_reader(MemoryStream("x", content), DEFAULT_LIMITS).info.name == FAMILY
    with pytest.raises(MalformedInput, match="ptrace"):
        one(content)


def test_a_report_of_errors_without_leaks_is_refused_by_name() -> None:
    content = b"==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\nSUMMARY: AddressSanitizer: heap-use-after-free a.c:1\n"
    with pytest.raises(InputError, match="without leaks") as caught:
        pick_reader(MemoryStream("x", content), DEFAULT_LIMITS)
    assert caught.value.slug == "unsupported-input"
