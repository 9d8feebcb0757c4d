"""mtrace: equal to what the program counted and the command mtrace printed, and exact about every event."""

from __future__ import annotations

import time

import pytest

from leakreport.errors import EmptyInput, InputError, LimitExceeded, MalformedInput
from leakreport.limits import DEFAULT_LIMITS, Limits
from leakreport.model.raw import FrameKind, Moment, RawSnapshot
from leakreport.readers import pick_reader
from leakreport.readers.mtrace import MtraceReader
from leakreport.testing import MemoryStream, assert_reader_ok, read_content, stacks_of
from tests.readers.robustness import answers, assert_equal_to_answer
from tests.support import cases, fixture_bytes, read

FAMILY = "mtrace"
REPORTS = {case for case in cases(FAMILY) if case.endswith("-report") or case.startswith("synthetic-")}


def log(*events: str, end: bool = True) -> list[RawSnapshot]:
    return read(FAMILY, "\n".join(("= Start", *events, *(("= End", "") if end else ("",)))).encode())


def held(raw: RawSnapshot) -> tuple[int, int]:
    return raw.totals["retained_bytes"], raw.totals["retained_blocks"]


def slugs(raw: RawSnapshot) -> list[str]:
    return [note.slug for note in raw.meta.notes]


@pytest.mark.parametrize("case", cases(FAMILY))
def test_answers_are_those_of_the_program_and_of_the_command(case: str) -> None:
    raw = read(FAMILY, fixture_bytes(FAMILY, case))[-1]
    assert_equal_to_answer(raw, answers(FAMILY)[case])
    assert raw.meta.is_complete
    assert ("allocated_bytes" in raw.totals) == (case not in REPORTS)


@pytest.mark.parametrize("case", cases(FAMILY))
def test_the_reader_stands_what_input_can_be(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    if len(content) > 10_000:
        # Cut in the middle, with its end.
        content = b"\n".join([*content.split(b"\n")[:150], *content.split(b"\n")[-3:]])
    assert_reader_ok(MtraceReader(), content)


@pytest.mark.parametrize("case", sorted(set(cases(FAMILY)) - REPORTS))
def test_a_cut_log_is_incomplete_and_says_where(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    for end in range(len(content) - 2000, len(content) - 6, 37):
        if end > 0 and content[:end].rfind(b"= End") < content[:end].rfind(b"@ "):
            raw = read(FAMILY, content[:end])[-1]
            assert not raw.meta.is_complete
            assert raw.meta.truncation
            assert "damaged-records" not in slugs(raw)


def test_a_realloc_moves_the_block_to_the_caller_of_the_realloc() -> None:
    (raw,) = log("@ ./a:[0x10] + 0x100 0x20", "@ ./a:[0x30] < 0x100", "@ ./a:[0x30] > 0x200 0x40")
    assert held(raw) == (0x40, 1)
    assert raw.totals["allocated_bytes"] == 0x60
    assert raw.samples is not None
    assert raw.samples.values["retained_bytes"].tolist() == [0, 0x40]


@pytest.mark.parametrize(
    ("events", "wanted", "found"),
    [
        (("@ ./a:[0x10] + 0x100 0x20", "@ ./a:[0x30] ! 0x100 0xfff"), (0x20, 1), ["failed-allocations"]),
        (("@ ./a:[0x10] + (nil) 0xfffffffffffffff0",), (0, 0), ["failed-allocations"]),
        (("@ ./a:[0x10] + 0x100 0",), (0, 1), []),
        (("@ ./a:[0x10] - 0x100",), (0, 0), ["attached"]),
        (("@ ./a:[0x10] < 0x100", "@ ./a:[0x10] > 0x200 0x8"), (8, 1), ["attached"]),
        (("@ ./a:[0x10] + 0x100 0x20", "@ ./a:[0x10] + 0x100 0x8"), (8, 1), ["unseen-frees"]),
        (("+ 0x100 0x20", "@ [0x400512] + 0x200 0x8"), (0x28, 2), []),
        (("@ ./a:[0x10] + 0x100 0x20", "@ ./a:[0x30] < 0x100"), (0x20, 1), ["damaged-records"]),
        (("@ ./a:[0x10] + 0x100 0x20", "@ ./a:[0x30] < 0x100", "@ ./a:[0x3"), (0x20, 1), ["damaged-records"]),
        (("@ ./a:[0x10] + 0x100 0x20", "served 12 requests"), (0x20, 1), ["invalid-lines"]),
        (("@ /opt/my app/a (1):[0x10] + 0x100 0x20",), (0x20, 1), []),
    ],
)
def test_events_have_their_meaning(events: tuple[str, ...], wanted: tuple[int, int], found: list[str]) -> None:
    (raw,) = log(*events)
    assert held(raw) == wanted
    assert slugs(raw) == found
    assert raw.meta.is_complete == ("damaged-records" not in found)


def test_a_realloc_that_is_cut_between_its_lines_leaves_the_block_as_it_was() -> None:
    text = b"= Start\n@ ./a:[0x10] + 0x100 0x20\n@ ./a:[0x30] < 0x100\n@ ./a:[0x30] > 0x20"
    (raw,) = read(FAMILY, text)
    assert held(raw) == (0x20, 1)
    assert slugs(raw) == []
    assert not raw.meta.is_complete


def test_without_an_end_the_log_is_of_a_killed_program() -> None:
    (raw,) = log("@ ./a:[0x10] + 0x100 0x20", end=False)
    assert held(raw) == (0x20, 1)
    assert raw.meta.truncation is not None
    assert "killed" in raw.meta.truncation.what
    assert raw.meta.moment is Moment.DUMP
    assert log("@ ./a:[0x10] + 0x100 0x20")[0].meta.moment is Moment.EXIT


def test_tracing_that_is_switched_on_again_goes_on_with_the_blocks_before() -> None:
    first, second = log(
        "@ ./a:[0x10] + 0x100 0x20", "= End", "= Start", "@ ./a:[0x10] + 0x200 0x8", "@ ./a:[0x20] - 0x100"
    )
    assert (held(first), held(second)) == ((0x20, 1), (8, 1))
    assert slugs(second) == ["several-starts"]
    cut, whole = log("@ ./a:[0x10] + 0x100 0x20", "= Start", "@ ./a:[0x10] + 0x200 0x8")
    assert (held(cut), held(whole)) == ((0x20, 1), (0x28, 2))
    assert [cut.meta.is_complete, whole.meta.is_complete] == [False, True]


def test_callers_keep_what_is_known_of_them() -> None:
    (raw,) = log(
        "@ ./a:[0x2d63] + 0x1 0x1",
        "@ /lib/libc.so.6:(_IO_file_doallocate+8c)[0x758cc] + 0x2 0x1",
        "@ /lib/libc.so.6:(fopen+0x7f)[0x7f1234567890] + 0x3 0x1",
        "@ ./a:[0x55d0c1a012d63] + 0x4 0x1",
        "@ [0x400512] + 0x5 0x1",
    )
    frames = [stack[0] for stack in stacks_of(raw)]
    assert [frame.function for frame in frames] == [None, "_IO_file_doallocate", "fopen", None, None]
    assert [frame.offset for frame in frames] == [0x2D62, None, None, None, None]
    assert [frame.address for frame in frames] == [None, None, None, 0x55D0C1A012D62, 0x400511]
    assert frames[0].kind is FrameKind.ADDRESS
    assert [frame.module_name for frame in frames] == ["a", "libc.so.6", "libc.so.6", "a", None]


def test_a_report_without_leaks_holds_nothing() -> None:
    (raw,) = read(FAMILY, b"No memory leaks.\n")
    assert held(raw) == (0, 0)
    assert raw.meta.is_complete


def test_a_report_that_is_cut_is_incomplete() -> None:
    content = fixture_bytes(FAMILY, "malloc-report")
    for end in range(len(content) - 200, len(content), 13):
        if content[end - 1 : end] != b"\n":
            assert not read(FAMILY, content[:end])[0].meta.is_complete


def test_an_empty_log_says_what_to_preload() -> None:
    with pytest.raises(EmptyInput, match="libc_malloc_debug"):
        pick_reader(MemoryStream("run/program.mtrace", b""), DEFAULT_LIMITS)


def test_hostile_sizes_and_floods_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="2\\^63"):
        log("@ ./a:[0x1] + 0x1 0x7fffffffffffffff", "@ ./a:[0x1] + 0x2 0x7fffffffffffffff")
    with pytest.raises(LimitExceeded, match="blocks"):
        read_content(MtraceReader(), b"= Start\n+ 0x1 0x1\n+ 0x2 0x1\n", limits=Limits(records=1))
    with pytest.raises(LimitExceeded, match="Start"):
        read_content(MtraceReader(), b"= Start\n= End\n" * 20_000)
    with pytest.raises(MalformedInput):
        read(FAMILY, b"nothing of it\n")


def test_time_is_linear() -> None:
    content = b"= Start\n" + b"".join(
        b"@ ./a:[0x%x] + 0x%x 0x10\n" % (number % 1000 + 1, number + 16) for number in range(200_000)
    )
    began = time.monotonic()
    (raw,) = read(FAMILY, content)
    assert held(raw) == (200_000 * 16, 200_000)
    with pytest.raises(InputError):
        read(FAMILY, b"@ " * 500_000 + b"\n")
    assert time.monotonic() - began < 20
