"""xtree: the totals of memcheck's LEAK SUMMARY, one value per stack, and damage that never becomes a figure."""

from __future__ import annotations

import json

import pytest

from leakreport.errors import InputError, LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import Limits
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import LeakSearch, RawSnapshot
from leakreport.readers import get_reader
from leakreport.testing import assert_chunks_do_not_matter
from tests.support import FIXTURES, MemoryStream, cases, fixture_bytes, read
from tests.valgrind_support import answers, cut_offsets, mutants, read_if_possible, records, sniffed, stacks

FAMILY = "xtree"
PROFILES = sorted(answers(FAMILY))
CPU = [case for case in cases(FAMILY) if case.startswith("public-callgrind-")]
LEAK_EVENTS = "RB  PB  IB  DB  DIB  RBk  PBk  IBk  DBk"
STACK = "fl=(1) a/b.c\nfn=(1) main\n9\ncfi=(1)\ncfn=(2) f\ncalls=0 5\n9 {0}\nfl=(1)\nfn=(2)\n5 {0}\n\n"


def read_text(body: str, events: str = "curB  curBk  totB  totBk") -> RawSnapshot:
    head = f"# callgrind format\nversion: 1\ncreator: xtree-1\npid: 7\ncmd: ./a.out x\n\npositions: line\nevents: {events} \n"
    (raw,) = read(FAMILY, (head + body).encode())
    check(build_run([raw]))
    return raw


def slugs(raw: RawSnapshot) -> list[str]:
    return [note.slug for note in raw.meta.notes]


@pytest.mark.parametrize("case", PROFILES)
def test_totals_are_those_of_the_files_own_summary(case: str) -> None:
    wanted = answers(FAMILY)[case]
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, case))
    check(build_run([raw]))
    totals = raw.totals
    if "curB" in wanted:
        assert totals["retained_bytes"] == wanted["curB"] and totals["retained_blocks"] == wanted["curBk"]
        assert totals.get("allocated_bytes") == wanted.get("totB")
        assert totals.get("allocated_blocks") == wanted.get("totBk")
        assert raw.meta.leak_search is LeakSearch.NONE and not raw.meta.kinds_recorded
    else:
        assert totals["definite_bytes"] == wanted["DB"] - wanted["DIB"]
        for metric, column in (("indirect", "IB"), ("possible", "PB"), ("reachable", "RB")):
            assert totals[f"{metric}_bytes"] == wanted[column]
            assert totals[f"{metric}_blocks"] == wanted[f"{column}k"]
        assert totals["definite_blocks"] == wanted["DBk"]
        assert totals["leaked_bytes"] == totals["retained_bytes"] - wanted["RB"]
        assert raw.meta.leak_search is LeakSearch.COMPLETE
        assert raw.meta.kinds_recorded == frozenset(LEAK_KINDS)
    assert raw.meta.is_complete
    assert raw.samples is not None
    for metric in raw.samples.values.keys() & totals.keys():
        assert int(raw.samples.values[metric].sum()) == totals[metric]


@pytest.mark.parametrize("case", ["kinds", "svc-v1", "svc-v2", "svc-v3", "svc-v6", "tmpl"])
def test_leaks_are_those_of_memchecks_leak_summary(case: str) -> None:
    summaries = json.loads((FIXTURES / "memcheck-text" / "expected.json").read_text(encoding="utf-8"))
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, f"{case}-xtleak"))
    for kind in LEAK_KINDS:
        assert [raw.totals[kind.bytes_metric], raw.totals[kind.blocks_metric]] == summaries[case][0][kind.word]


@pytest.mark.parametrize("case", PROFILES)
def test_every_file_is_found(case: str) -> None:
    assert sniffed(fixture_bytes(FAMILY, case)) == FAMILY


@pytest.mark.parametrize("case", CPU)
def test_profiles_of_processor_time_are_refused_by_name(case: str) -> None:
    with pytest.raises(UnsupportedInput, match="processor time"):
        sniffed(fixture_bytes(FAMILY, case))
    with pytest.raises(InputError):
        read(FAMILY, fixture_bytes(FAMILY, case))


@pytest.mark.parametrize(
    "head",
    [
        "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npid: 1\ncmd: ./a\nevents: Ir\nfn=(1) main\n1 2\n",
        "version: 1\ncreator: xdebug 3.1.0 (PHP 8)\ncmd: x.php\nevents: Time_(10ns) Memory_(bytes)\n\nfl=(1) x\n",
        "desc: I1 cache:         32768 B, 64 B, 8-way associative\ncmd: ./a\nevents: Ir Dr\nfl=a\n",
        "pid: 5\ncmd: ./a\npart: 1\n\nevents: Ir Dr Dw\nfn=main\n1 2\n",
    ],
)
def test_other_callgrind_files_are_refused_by_name(head: str) -> None:
    with pytest.raises(UnsupportedInput, match="processor time"):
        sniffed(head.encode())


def test_compressed_names_do_not_matter() -> None:
    plain, compressed = (read(FAMILY, fixture_bytes(FAMILY, f"kinds{suffix}-xtleak")) for suffix in ("-nocompress", ""))

    def by_content(raws: list[RawSnapshot]) -> set[tuple[object, ...]]:
        return {record[2:] for record in records(raws)}

    assert by_content(plain) == by_content(compressed)


def test_a_stack_counts_once_per_kind() -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, "kinds-xtleak"))
    assert raw.samples is not None and raw.samples.leak_kinds is not None and raw.samples.names is not None
    rows = {
        (LeakKind(kind), "/".join(frame.function or "?" for frame in stack)): (amount, blocks, dragged)
        for kind, stack, amount, blocks, dragged in zip(
            raw.samples.leak_kinds.tolist(),
            stacks(raw),
            *(raw.samples.values[metric].tolist() for metric in ("retained_bytes", "retained_blocks", "dragged_bytes")),
            strict=True,
        )
    }
    assert rows[LeakKind.DEFINITE, "main/lose_list/xmalloc/malloc"] == (40, 1, 160)
    assert rows[LeakKind.INDIRECT, "main/lose_list/xmalloc/malloc"] == (160, 4, 0)
    assert rows[LeakKind.DEFINITE, "main/lose_zero/xmalloc/malloc"] == (0, 1, 0)
    line = fixture_bytes(FAMILY, "kinds-xtleak").split(b"\n")[int(raw.samples.names[1]) - 1]
    assert line.startswith(b"fl=")


def test_frames_have_file_and_line_and_unknown_parts_have_none() -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, "kinds-xtleak"))
    first = next(stacks(raw))
    assert (first[0].function, first[0].file, first[0].line) == ("main", "kinds.c", 75)
    assert first[0].directory is not None
    assert (first[-1].function, first[-1].file, first[-1].line) == ("malloc", None, None)
    (stripped,) = read(FAMILY, fixture_bytes(FAMILY, "kinds-stripped-xtleak"))
    unknown = next(stacks(stripped))[1]
    assert unknown.function is None and unknown.path is None


def test_what_is_known_about_the_run_is_kept() -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, "heapwave-full-xtmemory"))
    assert (raw.meta.pid, raw.meta.command, raw.meta.tool) == (25618, ("./heapwave", "5", "2"), None)
    assert read(FAMILY, fixture_bytes(FAMILY, "kinds-xtleak"))[0].meta.tool == "memcheck"
    assert not raw.meta.judges_peak


@pytest.mark.parametrize("case", ["kinds-xtleak", "kinds-nocompress-xtleak", "heapwave-full-xtmemory"])
def test_the_size_of_reads_does_not_matter(case: str) -> None:
    assert_chunks_do_not_matter(get_reader(FAMILY), fixture_bytes(FAMILY, case))


@pytest.mark.parametrize("case", ["kinds-xtleak", "kinds-nocompress-xtleak", "tmpl-xtleak", "svc-v6-xtmemory"])
def test_a_cut_is_seen_and_gives_no_new_figure(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    (original,) = read(FAMILY, content)
    whole = records([original])
    for offset in {*cut_offsets(content, case), len(content) - 1}:
        for raw in read_if_possible(FAMILY, content[:offset]):
            assert records([raw]) <= whole, offset
            assert not raw.meta.is_complete and raw.meta.truncation is not None, offset
            assert all(amount <= original.totals[metric] for metric, amount in raw.totals.items()), offset
            assert raw.meta.leak_search in {LeakSearch.CUT, LeakSearch.NONE}


@pytest.mark.parametrize("case", ["kinds-xtleak", "kinds-nocompress-xtleak", "svc-v6-xtmemory"])
def test_mutants_are_read_or_refused(case: str) -> None:
    for mutant in mutants(fixture_bytes(FAMILY, case), case):
        read_if_possible(FAMILY, mutant)


def test_missing_values_at_the_end_are_zero() -> None:
    raw = read_text(STACK.format("5 1") + "totals: 5 1\n")
    assert raw.totals == {"retained_bytes": 5, "retained_blocks": 1, "allocated_bytes": 0, "allocated_blocks": 0}
    assert raw.meta.is_complete
    assert [frame.path for frame in next(stacks(raw))] == ["a/b.c", "a/b.c"]
    reordered = read_text(STACK.format("7 5") + "totals: 7 5\n", events="totB  curB  curBk")
    assert reordered.totals == {"retained_bytes": 5, "retained_blocks": 0, "allocated_bytes": 7}


@pytest.mark.parametrize(
    "bad",
    [
        "fl=(1)\nfn=(9)\n5 5 1\n\n",
        "fl=(9)\nfn=(1) g\n5 5 1\n\n",
        "fn=(1) g\n5 5 1\n\n",
        "fl=(1)\n5 5 1\n\n",
        "fl=(1)\nfn=(1)\n5 5 -1\n\n",
        "fl=(1)\nfn=(1)\n5x 5 1\n\n",
        "fl=(1)\nfn=(1)\n5 5 1 0 0 0 0 0\n\n",
        "fl=(1)\nfn=(1)\n5\n5 5 1\n\n",
        "fl=(1)\nfn=(1)\n\n",
        "fl=(1)\nfn=(1)\ncfn=(2)\ncalls=0 5\n5 5 1\n\n",
        "fl=(1)\nfn=(1)\ncalls=0 5\n\n",
        "fl=(1)\nfn=(1)\n5 5 1\nfn=(2)\n5 5 1\n\n",
        "fl=(1)\nfn=(1)\n5 5 1\nnonsense\n\n",
        "fl=(1)\nfn=(1)\n5 5 1\nob=x\n\n",
        "5 5 1\n\n",
    ],
)
def test_stacks_that_are_not_whole_are_left_out_and_counted(bad: str) -> None:
    raw = read_text(STACK.format("5 1") + bad + "totals: 10 2\n")
    assert raw.samples is not None and len(raw.samples) == 1
    assert raw.totals["retained_bytes"] == 10
    assert not raw.meta.is_complete
    assert slugs(raw) == ["damaged-records"]
    with pytest.raises(MalformedInput):
        read_text("fl=(1) x\n\n")


def test_indirect_bytes_beyond_the_sum_are_damage() -> None:
    raw = read_text(
        STACK.format("0 0 0 5 9") + STACK.format("0 0 0 9 2 0 0 0 1") + "totals: 0 0 0 14 11\n", LEAK_EVENTS
    )
    assert slugs(raw) == ["damaged-records", "totals-contradict"]
    assert raw.totals["definite_bytes"] == 7


@pytest.mark.parametrize(
    ("totals", "retained"), [("4 1", 5), ("6 1", 6), ("x", 5), ("5 1 0 0 0 0", 5), ("5 1 -3", 5), ("", 5)]
)
def test_totals_that_are_no_sum_are_told(totals: str, retained: int) -> None:
    raw = read_text(STACK.format("5 1") + f"totals: {totals}\n")
    assert raw.totals["retained_bytes"] == retained
    assert not raw.meta.is_complete
    assert slugs(raw) == ["totals-contradict"]


def test_numbers_beyond_64_bits_are_refused() -> None:
    for amount in (2**63, 10**30):
        with pytest.raises(LimitExceeded):
            read_text(STACK.format(f"{amount} 1") + "totals: 1 1\n")
    with pytest.raises(LimitExceeded):
        read_text(STACK.format(f"{2**63 - 1} 1") * 2 + "totals: 1 1\n")
    (raw,) = [read_text("fl=a\nfn=b\n" + "9" * 5000 + " 5 1\n\ntotals: 5 1\n")]
    assert next(stacks(raw))[0].line is None


def test_limits_hold() -> None:
    content = fixture_bytes(FAMILY, "kinds-xtleak")
    for limits in (Limits(stack_frames=1), Limits(records=1)):
        with pytest.raises(LimitExceeded):
            list(get_reader(FAMILY).read(MemoryStream("x", content), limits))


def test_trees_of_other_things_are_refused() -> None:
    with pytest.raises(UnsupportedInput, match="Ir Dr"):
        read_text("", events="Ir Dr")
    with pytest.raises(MalformedInput):
        read(FAMILY, b"# callgrind format\ncreator: xtree-1\n")


def test_a_tree_without_stacks_holds_nothing() -> None:
    raw = read_text("\ntotals: 0 0 0 0\n")
    assert raw.totals["retained_bytes"] == 0 and raw.meta.is_complete
    assert raw.samples is not None and len(raw.samples) == 0


def test_windows_line_ends_do_not_matter() -> None:
    content = fixture_bytes(FAMILY, "kinds-xtleak")
    crlf = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
    assert sniffed(crlf) == FAMILY
    assert records(read(FAMILY, crlf)) == records(read(FAMILY, content))
