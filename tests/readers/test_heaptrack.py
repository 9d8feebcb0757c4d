"""heaptrack's data: equal to heaptrack_print's answers, and safe with whatever a file claims."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

from leakreport.errors import InputError, LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import FrameKind, RawSnapshot
from leakreport.readers import _heaptrack_costs, pick_reader
from leakreport.readers._suppressions import Suppressions
from leakreport.readers.heaptrack import HeaptrackReader
from leakreport.readers.interface import Confidence
from leakreport.suppressions.globs import template_matches
from tests.readers.profile_support import (
    answers,
    assert_answers,
    assert_same,
    below,
    cuts,
    mutants,
    read_named,
    read_or_refused,
    stacks,
)
from tests.support import MemoryStream, cases, fixture_bytes, read

FAMILY = "heaptrack"
READ = [case for case in cases(FAMILY) if case != "demo-raw"]
HEAD = "v 10400 3\nX ./a -x 1\nI 1000 5\n"
TREE = """s 4 /a/b
s 4 main
s 4 leak
s 3 a.c
s 5 inner
s 1b operator new(unsigned long)
i 10 1 2 4 c
i 20 1 5 4 7 3 4 22
i 30 1 6
i 40 1
t 1 0
t 2 1
t 3 2
t 4 1
a 10 2
a 8 3
a 4 4
"""
TAIL = "# strings: 6\n# ips: 4\n"


def read_text(text: str) -> RawSnapshot:
    (raw,) = read(FAMILY, (HEAD + text).encode())
    return raw


def slugs(raw: RawSnapshot) -> list[str]:
    return [note.slug for note in raw.meta.notes]


@pytest.mark.parametrize(("case", "wanted"), answers(FAMILY).items())
def test_answers_are_those_of_heaptrack_print(case: str, wanted: list[dict[str, object]]) -> None:
    assert_answers(read(FAMILY, fixture_bytes(FAMILY, case)), wanted)


@pytest.mark.parametrize(("answer", "metric"), [("peak_functions", "peak_bytes"), ("allocation_functions", "allocated_blocks")])  # fmt: skip
def test_functions_have_the_amounts_of_heaptrack_print(answer: str, metric: str) -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, "demo-v2"))
    wanted = answers(FAMILY)["demo-v2"][0][answer]
    assert {word: below(raw, word, metric) for word in wanted} == wanted


@pytest.mark.parametrize("case", cases(FAMILY))
def test_the_reader_is_found_under_any_name(case: str) -> None:
    stream = MemoryStream("whatever.bin", fixture_bytes(FAMILY, case))
    assert pick_reader(stream, DEFAULT_LIMITS).info.name == FAMILY


@pytest.mark.parametrize("case", READ)
def test_the_model_holds(case: str) -> None:
    raws = read(FAMILY, fixture_bytes(FAMILY, case))
    run = build_run(raws)
    check(run)
    for snapshot in run.snapshots:
        rest = snapshot.unattributed()
        assert all(rest.get(metric, 0) == 0 for metric in snapshot.columns)
    assert raws[0].meta.is_complete
    assert not {"damaged-records"} & set(slugs(raws[0]))


@pytest.mark.parametrize("chunk", [1, 7, 61])
def test_the_size_of_reads_does_not_matter(chunk: int) -> None:
    content = fixture_bytes(FAMILY, "demo-v2")
    assert_same(read(FAMILY, content), read(FAMILY, content, chunk))


def test_the_size_of_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    content = fixture_bytes(FAMILY, "public-kde-david")
    whole = read(FAMILY, content)
    monkeypatch.setattr(_heaptrack_costs, "_BLOCK", 5)
    assert_same(whole, read(FAMILY, content))


@pytest.mark.parametrize("case", ["demo-v2", "public-kde-david"])
def test_a_cut_is_told_and_counts_whole_records_only(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    (whole,) = read(FAMILY, content)
    known = set(stacks(whole))
    end = content.rindex(b"# strings")
    for offset in cuts(content, case):
        for raw in read_or_refused(FAMILY, content[:offset]):
            assert set(stacks(raw)) <= known, offset
            lines = content[:offset].rpartition(b"\n")[0] + b"\n"
            assert raw.totals["allocated_blocks"] == len(re.findall(rb"^\+", lines, re.MULTILINE))
            if offset < end:
                assert not raw.meta.is_complete
                assert raw.meta.truncation is not None


@pytest.mark.parametrize("case", cases(FAMILY))
def test_mutants_are_read_or_refused(case: str) -> None:
    started = time.monotonic()
    for mutant in mutants(fixture_bytes(FAMILY, case), case):
        read_or_refused(FAMILY, mutant)
    assert time.monotonic() - started < 30


def test_a_raw_file_is_refused_with_the_command_that_interprets_it() -> None:
    with pytest.raises(UnsupportedInput, match="raw heaptrack recording") as caught:
        read(FAMILY, fixture_bytes(FAMILY, "demo-raw"))
    assert "heaptrack_interpret" in caught.value.advice


def test_costs_of_a_small_file() -> None:
    raw = read_text(TREE + "+ 0\n+ 1\n- 1\n+ 2\n+ 0\n- 2\nc 1f\n" + TAIL)
    assert raw.totals == {
        "retained_bytes": 32,
        "retained_blocks": 2,
        "peak_bytes": 36,
        "peak_blocks": 3,
        "allocated_bytes": 44,
        "allocated_blocks": 4,
        "temporary_blocks": 1,
    }
    assert raw.meta.command == ("./a", "-x", "1")
    assert (raw.meta.tool, raw.meta.tool_version) == ("heaptrack", "1.4.0")
    assert (raw.meta.time, raw.meta.time_unit) == (31.0, "ms")
    assert raw.meta.is_complete


def test_stacks_are_outermost_first_without_operator_new() -> None:
    raw = read_text(TREE + "+ 0\n+ 1\n+ 2\n" + TAIL)
    plain, through_new, unknown = stacks(raw)
    assert [frame.function for frame in plain] == ["main", "leak", "inner"]
    assert [frame.is_inlined for frame in plain] == [False, False, True]
    assert [frame.line for frame in plain] == [12, 34, 7]
    assert through_new == plain
    assert (unknown[-1].kind, unknown[-1].address, unknown[-1].module) == (FrameKind.ADDRESS, 0x40, "/a/b")
    assert raw.samples is not None
    assert raw.samples.names == ("18", "19", "20")


def test_texts_may_hold_line_ends() -> None:
    text = TREE.replace("s 4 leak\n", "s 9 le\nak\n+ 0\n")
    raw = read_text(text + "+ 0\n" + TAIL)
    assert "le\nak\n+ 0" in [frame.function for frame in stacks(raw)[0]]
    assert raw.totals["allocated_blocks"] == 1
    assert_same([raw], read(FAMILY, (HEAD + text + "+ 0\n" + TAIL).encode(), 3))
    assert raw.meta.is_complete


def test_older_texts_have_no_length() -> None:
    text = "v 10000 2\nX ./a\ns a file name.so\ns two words(int, int)\ni 1 1 2\nt 1 0\na 8 1\n+ 0\n" + TAIL
    (raw,) = read(FAMILY, text.encode())
    assert stacks(raw)[0][0].function == "two words(int, int)"
    (older,) = read(FAMILY, text.replace("v 10000 2", "v 10200").encode())
    assert older.totals == raw.totals


@pytest.mark.parametrize("version", ["v 10000 0", "v 10700 4", "v 10100"])
def test_other_versions_are_refused(version: str) -> None:
    with pytest.raises(UnsupportedInput, match="version"):
        read(FAMILY, (version + "\nX ./a\n" + TREE).encode())


def test_attaching_is_told() -> None:
    assert slugs(read_text("A\n" + TREE + "+ 0\n" + TAIL)) == ["attached"]


def test_suppressed_leaks_are_counted_apart() -> None:
    raw = read_text("S leak:^inn\n" + TREE + "+ 0\n+ 2\n" + TAIL)
    assert (raw.totals["retained_bytes"], raw.totals["suppressed_bytes"]) == (4, 16)
    assert raw.totals["allocated_bytes"] == 20
    assert slugs(raw) == ["suppressed"]
    check(build_run([raw]))


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("foo", "xfoox", True),
        ("^foo", "xfoo", False),
        ("^foo$", "foo", True),
        ("^foo$", "foox", False),
        ("a*c", "abbc", True),
        ("a*d", "abbc", False),
        ("a*$", "xay", True),
        ("*", "x", True),
        ("x", "", False),
    ],
)
def test_patterns(pattern: str, text: str, fits: bool) -> None:
    assert template_matches(pattern, text) is fits
    assert Suppressions((pattern,)).match(text) is fits


def test_patterns_take_linear_time() -> None:
    started = time.monotonic()
    assert not template_matches("a*" * 5000 + "b", "a" * 200_000)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "damage",
    [
        "+ 99\n",
        "- zz\n",
        "+ -1\n",
        "+\n",
        "a 10\n",
        "a 10 99\n",
        "a ffffffffffffffff 2\n",
        "t 1 99\n",
        "t 99 1\n",
        "t -1 0\n",
        "i\n",
        "i 1 99\n",
        "i 1 1 -2\n",
        "s 5 toolong\n",
        "? what\n",
        "+ " + "f" * 5000 + "\n",
        "\0\0\0\n",
        "- 1\n",
    ],
)
def test_damaged_records_are_left_out_and_told(damage: str) -> None:
    raw = read_text(TREE + "+ 0\n" + damage + "+ 0\n" + TAIL)
    assert raw.totals["retained_bytes"] == 32
    assert slugs(raw) == ["damaged-records"]
    assert not raw.meta.is_complete
    check(build_run([raw]))


def test_a_damaged_record_keeps_its_number() -> None:
    raw = read_text(TREE.replace("s 3 a.c", "s 9 a.c\ns") + "+ 0\n" + TAIL)
    assert not raw.meta.is_complete
    shifted = read_text(TREE.replace("t 2 1", "t x 1") + "+ 0\n+ 2\n" + TAIL)
    assert not shifted.meta.is_complete
    assert [stack[-1].address for stack in stacks(shifted)] == [0x40]
    assert shifted.totals["retained_bytes"] == 20


def test_a_file_without_allocations_is_refused() -> None:
    with pytest.raises(MalformedInput, match="no allocations"):
        read_text(TAIL)


def test_deep_stacks_and_huge_sums_are_refused() -> None:
    deep = TREE + "".join(f"t 1 {number:x}\n" for number in range(4, DEFAULT_LIMITS.stack_frames + 10))
    with pytest.raises(LimitExceeded, match="frames"):
        read_text(deep + TAIL)
    with pytest.raises(LimitExceeded, match="beyond"):
        read_text(TREE + f"a {2**60:x} 2\n" + "+ 3\n" * 9 + TAIL)
    with pytest.raises(LimitExceeded, match="record of more"):
        read_text(TREE + "s 7fffffff x\n" + "+ 0\n" * (DEFAULT_LIMITS.element_bytes // 4 + 1))


@pytest.mark.parametrize("record", ["s 1 a\n", "i 1 0\n", "t 1 0\n", "a 8 0\n"])
def test_too_many_records_are_refused(record: str) -> None:
    content = (HEAD + TREE + record * 60 + TAIL).encode()
    with pytest.raises(LimitExceeded):
        list(HeaptrackReader().read(MemoryStream("x", content), replace(DEFAULT_LIMITS, records=50)))


def test_many_deep_stacks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leakreport.readers.heaptrack._FLAT_FRAMES", 3)
    with pytest.raises(InputError, match="together"):
        read_text(TREE + "+ 0\n+ 2\n" + TAIL)


@pytest.mark.parametrize("head", [b"", b"v 1.2\n", b"version 3\n", b"v 10400 3\nhello\n", b"vw 1 2\nX a\n"])
def test_nothing_else_is_taken_for_heaptrack(head: bytes) -> None:
    assert HeaptrackReader().sniff(head, "heaptrack.x.zst") is Confidence.NO


def test_lines_of_damage_do_not_hide_the_name() -> None:
    with pytest.raises(InputError, match="some/where"):
        read_named(FAMILY, "some/where", b"v 10400 3\nX ./a\n")
