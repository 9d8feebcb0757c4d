"""jemalloc's heap profiles: answers of jeprof and of the programs, and inputs that lie."""

from __future__ import annotations

import math

import pytest

from leakreport.errors import InputError, LimitExceeded, MalformedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import RawSnapshot
from leakreport.readers import pick_reader
from tests.readers.robustness import (
    answers,
    assert_cuts_are_safe,
    assert_equal_to_answer,
    assert_mutants_are_safe,
    assert_size_of_reads_does_not_matter,
    read_named,
    stacks,
)
from tests.support import MemoryStream, cases, fixture_bytes

FAMILY = "jemalloc"
CASES = cases(FAMILY)
ANSWERS = answers(FAMILY)
# jeprof adds fractions up and rounds once; here each record is a whole number.
ROUNDING = 2
MAPS = b"""
MAPPED_LIBRARIES:
00400000-00500000 r-xp 00000000 08:01 1   /opt/program
00600000-00700000 r-xp 00000000 08:01 2   /usr/lib/libjemalloc.so.2
"""


def dump(body: bytes, period: bytes = b"1", maps: bytes = MAPS) -> bytes:
    return b"heap_v2/" + period + b"\n  t*: 7: 70 [0: 0]\n  t0: 7: 70 [0: 0] main thread\n" + body + maps


def one(content: bytes, name: str = "test") -> RawSnapshot:
    (raw,) = read_named(FAMILY, content, name)
    check(build_run([raw]))
    return raw


@pytest.mark.parametrize("case", sorted(ANSWERS))
def test_figures_are_those_of_jeprof(case: str) -> None:
    answer = ANSWERS[case]
    raw = one(fixture_bytes(FAMILY, case), answer.get("name", "test"))
    assert_equal_to_answer(raw, answer, tolerance=ROUNDING)
    assert raw.meta.is_complete
    assert raw.meta.notes == ()


@pytest.mark.parametrize("case", CASES)
def test_the_reader_is_found_under_any_name(case: str) -> None:
    stream = MemoryStream("whatever.bin", fixture_bytes(FAMILY, case))
    assert pick_reader(stream, DEFAULT_LIMITS).info.name == FAMILY


@pytest.mark.parametrize("case", CASES)
def test_paths_add_up_to_the_totals(case: str) -> None:
    run = build_run(read_named(FAMILY, fixture_bytes(FAMILY, case)))
    check(run)
    assert set(run.snapshots[0].unattributed().values()) == {0}


@pytest.mark.parametrize("case", CASES)
def test_no_stack_ends_inside_the_allocator(case: str) -> None:
    for stack in stacks(one(fixture_bytes(FAMILY, case))):
        assert not (stack[-1].module_name or "").startswith("libjemalloc")


@pytest.mark.parametrize("case", ["series-v2-0012", "threads", "synthetic-symbolized"])
def test_the_size_of_reads_does_not_matter(case: str) -> None:
    assert_size_of_reads_does_not_matter(FAMILY, fixture_bytes(FAMILY, case))


@pytest.mark.parametrize("case", ["series-v1-0012", "threads", "synthetic-symbolized"])
def test_a_cut_never_gives_a_figure_of_a_half_read_record(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    # Mappings come last, and without them the allocator's frames are not known as such: depths differ.
    whole = {(name, values) for name, _, values in records_of(content)}
    assert_cuts_are_safe(
        FAMILY, content.replace(b"libjemalloc", b"libxxmalloc"), content.rindex(b"MAPPED_"), has_late_names=True
    )
    middle = content[: content.rindex(b"@ 0x") + 30]
    assert {(name, values) for name, _, values in records_of(middle)} < whole


def records_of(content: bytes) -> set[tuple[str, int, tuple[tuple[str, int], ...]]]:
    raw = one(content)
    assert raw.samples is not None and raw.samples.names is not None
    columns = {metric: column.tolist() for metric, column in raw.samples.values.items()}
    return {
        (name, 0, tuple(sorted((metric, column[index]) for metric, column in columns.items())))
        for index, name in enumerate(raw.samples.names)
    }


@pytest.mark.parametrize("case", ["series-v2-0012", "threads", "synthetic-symbolized"])
def test_changed_bytes_never_raise_anything_else(case: str) -> None:
    assert_mutants_are_safe(FAMILY, fixture_bytes(FAMILY, case))


def test_lines_of_threads_are_not_added() -> None:
    raw = one(dump(b"@ 0x400011\n  t*: 7: 70 [0: 0]\n  t0: 4: 40 [0: 0]\n  t1: 3: 30 [0: 0]\n"))
    assert raw.totals == {"retained_blocks": 7, "retained_bytes": 70}
    assert raw.meta.sampling is None
    assert raw.samples is not None
    assert raw.samples.names == ("4",)
    assert raw.samples.variances is None


def test_totals_at_the_top_are_not_looked_at() -> None:
    raw = one(dump(b"@ 0x400011\n  t*: 1: 10 [0: 0]\n"))
    assert raw.totals["retained_bytes"] == 10
    assert raw.meta.is_complete


def test_estimates_come_with_their_variance() -> None:
    raw = one(dump(b"@ 0x400011\n  t*: 4: 40 [9: 90]\n", b"1024"))
    chance = 1 - math.exp(-10 / 1024)
    assert raw.totals["retained_bytes"] == round(40 / chance)
    assert raw.totals["allocated_bytes"] == round(90 / chance)
    assert raw.samples is not None and raw.samples.variances is not None
    assert raw.samples.variances["retained_bytes"][0] == pytest.approx(100 * 4 * (1 - chance) / chance**2)


def test_frames_of_the_allocator_go_but_one_frame_stays() -> None:
    body = b"@ 0x600011 0x600021 0x400031 0x600041\n  t*: 1: 10 [0: 0]\n@ 0x600011 0x600021\n  t*: 1: 10 [0: 0]\n"
    first, second = stacks(one(dump(body)))
    assert [(frame.module_name, frame.offset) for frame in first] == [("libjemalloc.so.2", 0x40), ("program", 0x30)]
    assert [frame.offset for frame in second] == [0x20]


def test_a_linked_in_allocator_is_known_by_its_names() -> None:
    names = b"--- symbol\n0x400010 prof_alloc_prep\n0x400020 je_malloc_default<0000000000000100>\n0x400030 operator new(unsigned long)\n0x400040 work\n---\n--- heap\n"
    (stack,) = stacks(one(names + dump(b"@ 0x400011 0x400021 0x400031 0x400041\n  t*: 1: 10 [0: 0]\n")))
    assert [frame.function for frame in stack] == ["work"]


@pytest.mark.parametrize(
    ("name", "pid", "is_exit_dump"),
    [
        ("/tmp/jeprof.4711.0.f.heap", 4711, True),
        ("jeprof.4711.12.i3.heap.gz", 4711, False),
        ("python.f.heap", None, True),
        ("demo.0004.heap", None, False),
    ],
)
def test_the_name_of_a_dump_tells_process_and_occasion(name: str, pid: int | None, is_exit_dump: bool) -> None:
    raw = one(dump(b"@ 0x400011\n  t*: 1: 10 [0: 0]\n"), name)
    assert (raw.meta.pid, raw.meta.is_exit_dump) == (pid, is_exit_dump)


@pytest.mark.parametrize(
    "body",
    [
        b"@ 0x40?011\n  t*: 1: 10 [0: 0]\n",
        b"@ 0x400011\n  t*: 99999999999999999999: 10 [0: 0]\n",
        b"@ 0x400011\n  t*: 0: 10 [0: 0]\n",
        b"@ 0x400011\n  t*: 1: -10 [0: 0]\n",
        b"@ 0x400011\n",
        b"@ 0x400011\n? 0x400011\n  t*: 1: 10 [0: 0]\n",
        b"@" + b" 0x400011" * 130_000 + b"\n  t*: 1: 10 [0: 0]\n",
        b"@ 0x400011\n\x00 t*: 1: 10 [0: 0]\n",
    ],
)
def test_a_damaged_record_is_left_out_and_said(body: bytes) -> None:
    raw = one(dump(body + b"@ 0x400021\n  t*: 2: 20 [0: 0]\n"))
    assert [note.slug for note in raw.meta.notes] == ["damaged-records"]
    assert not raw.meta.is_complete
    assert raw.totals["retained_bytes"] == 20


def test_a_distance_of_zero_is_said() -> None:
    raw = one(dump(b"@ 0x400011\n  t*: 1: 10 [0: 0]\n", b"0"))
    assert [note.slug for note in raw.meta.notes] == ["unknown-sampling"]


def test_numbers_beyond_64_bits_are_refused() -> None:
    with pytest.raises(LimitExceeded):
        one(dump(b"", b"99999999999999999999"))
    with pytest.raises(LimitExceeded):
        one(dump(b"@ 0x400011\n  t*: 9000000000000000000: 9000000000000000000 [0: 0]\n", b"1000000"))


def test_symbols_without_a_profile_are_refused_by_name() -> None:
    content = fixture_bytes(FAMILY, "synthetic-symbolized").partition(b"heap_v2/")[0]
    with pytest.raises(InputError, match="symbols without a profile"):
        pick_reader(MemoryStream("x", content), DEFAULT_LIMITS)
    with pytest.raises(MalformedInput):
        one(content)


def test_a_profile_behind_many_symbols_is_found() -> None:
    names = (
        b"--- symbol\n" + b"".join(b"0x%016x f%d\n" % (0x400000 + at, at) for at in range(8000)) + b"---\n--- heap\n"
    )
    content = names + dump(b"@ 0x400011\n  t*: 1: 10 [0: 0]\n")
    stream = MemoryStream("x", content)
    assert len(names) > DEFAULT_LIMITS.head_bytes
    assert pick_reader(stream, DEFAULT_LIMITS).info.name == FAMILY
