"""massif: every figure of ms_print, trees turned the right way round, and damage that never becomes a figure."""

from __future__ import annotations

import re

import pytest

from leakreport.errors import InputError, LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import Limits
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import Frame, FrameKind, RawSnapshot
from leakreport.readers import get_reader
from leakreport.testing import assert_chunks_do_not_matter
from tests.support import MemoryStream, cases, fixture_bytes, read
from tests.valgrind_support import answers, cut_offsets, mutants, read_if_possible, records, sniffed, stacks

FAMILY = "massif"
DAMAGED = {"trunc-mid-header", "trunc-mid-tree", "wrong-child-count"}
HEAD = "desc: {desc}\ncmd: ./a.out x\ntime_unit: B\n"


def snapshot(number: int = 0, heap: int | str = 100, *, stacks: int = 0, tree: str = "", kind: str = "detailed") -> str:
    return (
        f"#-----------\nsnapshot={number}\n#-----------\ntime={number}\nmem_heap_B={heap}\nmem_heap_extra_B=8\n"
        f"mem_stacks_B={stacks}\nheap_tree={kind if tree else 'empty'}\n{tree}"
    )


def read_text(text: str, desc: str = "(none)") -> list[RawSnapshot]:
    return read(FAMILY, (HEAD.format(desc=desc) + text).encode())


def place(frame: Frame) -> str:
    function = frame.function or "???"
    if frame.module is not None:
        return f"{function} (in {frame.module})"
    return f"{function} ({frame.path}:{frame.line})" if frame.file is not None else function


@pytest.mark.parametrize("case", sorted(answers(FAMILY)))
def test_snapshots_are_those_of_ms_print(case: str) -> None:
    wanted = answers(FAMILY)[case]
    raws = read(FAMILY, fixture_bytes(FAMILY, case))
    assert len(raws) == wanted["snapshots"]
    assert [index for index, raw in enumerate(raws) if raw.samples is not None] == wanted["detailed"]
    assert [index for index, raw in enumerate(raws) if raw.meta.is_peak] == [
        number for number in [wanted["peak_snapshot"]] if number is not None
    ]
    for which in ("last", "max_total", "peak"):
        if which in wanted:
            row = wanted[which]
            raw = raws[row["n"]]
            assert raw.meta.time == row["time"]
            assert raw.totals.get("retained_bytes", 0) == row["heap"]
            assert raw.totals.get("overhead_bytes", 0) == row["extra"]
            assert raw.totals.get("stack_bytes", 0) == row["stacks"]
    assert all(raw.meta.is_complete and raw.meta.judges_peak for raw in raws)


@pytest.mark.parametrize("case", sorted(case for case, wanted in answers(FAMILY).items() if "ms_print" in wanted))
def test_paths_are_those_of_ms_print(case: str) -> None:
    wanted = answers(FAMILY)[case]["ms_print"]
    raw = read(FAMILY, fixture_bytes(FAMILY, case))[wanted["snapshot"]]
    assert raw.samples is not None
    found = {
        (amount, tuple(place(frame) for frame in reversed(stack)))
        for amount, stack in zip(raw.samples.values["retained_bytes"].tolist(), stacks(raw), strict=True)
    }
    for amount, path in wanted["paths"]:
        assert (amount, tuple(path)) in found


@pytest.mark.parametrize("case", cases(FAMILY))
def test_every_file_is_found_and_valid(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    assert sniffed(content) == FAMILY
    raws = read(FAMILY, content)
    check(build_run(raws))
    for raw in raws:
        if raw.samples is not None and case not in DAMAGED:
            assert int(raw.samples.values["retained_bytes"].sum()) == raw.totals["retained_bytes"]


@pytest.mark.parametrize("case", ["svc-v3", "inl", "trunc-mid-tree", "xtmemory"])
def test_the_size_of_reads_does_not_matter(case: str) -> None:
    assert_chunks_do_not_matter(get_reader(FAMILY), fixture_bytes(FAMILY, case))


@pytest.mark.parametrize("case", ["svc-v3", "wave-stacks", "inl", "public-linuxtools-testDetailedFreq", "wave-depth2"])
def test_a_cut_is_seen_and_gives_no_new_figure(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    all_raws = read(FAMILY, content)
    whole = records(all_raws)
    for offset in cut_offsets(content, case):
        raws = read_if_possible(FAMILY, content[:offset])
        assert records(raws) <= whole, offset
        for raw, original in zip(raws, all_raws, strict=False):
            assert raw.totals.items() <= original.totals.items(), offset
        # Behind a whole snapshot nothing says that another should follow.
        if raws and not content[offset:].lstrip(b"\n").startswith(b"#-----------\nsnapshot"):
            assert all(not raw.meta.is_complete and raw.meta.truncation is not None for raw in raws), offset


@pytest.mark.parametrize("case", ["svc-v3", "inl", "xtmemory", "tmpl"])
def test_mutants_are_read_or_refused(case: str) -> None:
    for mutant in mutants(fixture_bytes(FAMILY, case)[:30_000], case):
        read_if_possible(FAMILY, mutant)


def test_truncated_files_name_the_place() -> None:
    head = read(FAMILY, fixture_bytes(FAMILY, "trunc-mid-header"))
    assert head[0].meta.truncation is not None
    assert head[0].meta.truncation.what == "the file ends inside the head of snapshot 64"
    assert (len(head), head[0].meta.truncation.line) == (64, 618)
    tree = read(FAMILY, fixture_bytes(FAMILY, "trunc-mid-tree"))
    assert tree[-1].meta.truncation is not None
    assert tree[-1].meta.truncation.what == "the file ends inside the tree of snapshot 1"


def test_a_wrong_count_of_children_spoils_only_its_own_node() -> None:
    raws = read(FAMILY, fixture_bytes(FAMILY, "wrong-child-count"))
    assert not any(raw.meta.is_complete for raw in raws)
    assert [note.slug for note in raws[0].meta.notes] == ["damaged-tree"]
    good = read(FAMILY, fixture_bytes(FAMILY, "wave-bytes"))
    assert records(raws) <= records(good)


def test_groups_below_the_threshold_are_no_functions() -> None:
    raws = read(FAMILY, fixture_bytes(FAMILY, "public-visualizer-kate2"))
    groups = [
        (frame, stack)
        for raw in raws
        if raw.samples is not None
        for stack in stacks(raw)
        for frame in stack
        if frame.kind is FrameKind.SYNTHETIC
    ]
    assert groups
    assert {frame.function for frame, _ in groups} == {"below massif's threshold"}
    assert all(stack[0] is frame for frame, stack in groups)
    assert not any("places" in (frame.function or "") for raw in raws if raw.samples for frame in raw.samples.frames)


def test_stacks_begin_with_the_outermost_call_and_inlined_ones_are_marked() -> None:
    raw = read(FAMILY, fixture_bytes(FAMILY, "inl"))[-1]
    found = list(stacks(raw))
    assert all(stack[0].function == "main" for stack in found)
    assert any(frame.is_inlined for stack in found for frame in stack)
    assert not any(stack[0].is_inlined for stack in found)


def test_names_with_a_hash_are_kept_whole() -> None:
    raws = read(FAMILY, fixture_bytes(FAMILY, "tmpl"))
    names = {frame.function or "" for raw in raws if raw.samples is not None for frame in raw.samples.frames}
    assert any("{lambda" in name and "#1}" in name for name in names)


def test_stacks_are_a_figure_only_where_they_were_measured() -> None:
    assert "stack_bytes" not in read(FAMILY, fixture_bytes(FAMILY, "svc-v1"))[0].totals
    assert read(FAMILY, fixture_bytes(FAMILY, "wave-stacks"))[0].totals["stack_bytes"] == 0
    assert read_text(snapshot(0) + snapshot(1, stacks=5))[0].totals["stack_bytes"] == 0


def test_a_heap_that_was_not_measured_has_no_figure() -> None:
    raw = read(FAMILY, fixture_bytes(FAMILY, "wave-noheap"))[-1]
    assert raw.totals == {"stack_bytes": 512}
    assert "heap-not-measured" in {note.slug for note in raw.meta.notes}


def test_notes_tell_pages_and_peaks() -> None:
    def slugs(case: str) -> set[str]:
        return {note.slug for note in read(FAMILY, fixture_bytes(FAMILY, case))[0].meta.notes}

    assert slugs("mapper-pages") == {"pages-as-heap"}
    assert slugs("latin1-path") == {"no-marked-peak"}
    assert slugs("wave-grow4") == {"peak-is-inaccurate"}
    assert slugs("wave-grow2") == set()


def test_what_is_known_about_the_run_is_kept() -> None:
    meta = read(FAMILY, fixture_bytes(FAMILY, "public-linuxtools-testAllocFnSpace"))[1].meta
    assert meta.command != ()
    assert "--alloc-fn=operator new(unsigned)" in meta.tool_options
    assert (meta.tool, meta.label, meta.time_unit) == ("massif", "snapshot 1", "instructions")
    names = read(FAMILY, fixture_bytes(FAMILY, "svc-v1"))[50].samples
    assert names is not None and names.names is not None
    line = fixture_bytes(FAMILY, "svc-v1").split(b"\n")[int(names.names[0]) - 1]
    assert f": {int(names.values['retained_bytes'][0])} ".encode() in line


def test_an_xtree_report_is_its_bytes_still_held() -> None:
    raws = read(FAMILY, fixture_bytes(FAMILY, "xtmemory"))
    assert [raw.totals for raw in raws] == [{"retained_bytes": 16100}]
    assert not raws[0].meta.judges_peak and raws[0].meta.time is None and raws[0].meta.tool is None
    assert raws[0].samples is not None
    assert int(raws[0].samples.values["retained_bytes"].sum()) == 16100
    other = fixture_bytes(FAMILY, "xtmemory").replace(b"curB :", b"totX :")
    with pytest.raises(UnsupportedInput, match="curB"):
        read(FAMILY, other)


def test_zero_bytes_under_the_root_are_no_paths() -> None:
    raws = read_text(snapshot(0, 0, stacks=9, tree="n0: 0 (heap allocation functions) malloc/new\n"))
    assert raws[0].samples is not None
    assert len(raws[0].samples) == 0
    assert raws[0].meta.is_complete


def test_what_a_node_holds_itself_is_its_own_record() -> None:
    tree = "n2: 100 (heap allocation functions)\n n1: 80 0x1: f (a.c:1)\n  n0: 50 0x2: main (a.c:9)\n n0: 20 0x3: g (a.c:2)\n"
    raw = read_text(snapshot(0, 100, tree=tree))[0]
    assert raw.samples is not None
    found = dict(
        zip(
            ("/".join(f.function or "" for f in s) for s in stacks(raw)),
            raw.samples.values["retained_bytes"],
            strict=True,
        )
    )
    assert found == {"f": 30, "main/f": 50, "g": 20}


@pytest.mark.parametrize(
    "tree",
    [
        "n1: 100 (heap)\n n0: 101 0x1: f (a.c:1)\n",
        "n1: 99 (heap)\n n0: 99 0x1: f (a.c:1)\n",
        "n1: 100 (heap)\n  n0: 100 0x1: f (a.c:1)\n",
        "n1: 100 (heap)\n n0: -5 0x1: f (a.c:1)\n",
        "n1: 100 (heap)\n n0: 1_0 0x1: f (a.c:1)\n",
        "n1: 100 (heap)\n n99999999999: 100 0x1: f (a.c:1)\n",
        "n1: 100 (heap)\nn1: 100 (heap)\n",
        " n0: 100 0x1: f (a.c:1)\n",
        "n2: 100 (heap)\n n0: 50 0x1: f (a.c:1)\n",
        "n1: 100 (heap)\n n0: 50 0x1: f (a.c:1)\n n0: 50 0x2: g (a.c:1)\n",
        "n1: 100 (heap)\n" + " " * 2_000_000 + "n0: 100 0x1: f\n",
    ],
)
def test_a_tree_that_contradicts_itself_gives_no_more_than_its_total(tree: str) -> None:
    raws = read_text(snapshot(0, 100, tree=tree) + snapshot(1, 7))
    check(build_run(raws))
    assert [raw.totals["retained_bytes"] for raw in raws] == [100, 7]
    assert not raws[0].meta.is_complete
    assert "damaged-tree" in {note.slug for note in raws[0].meta.notes}
    if raws[0].samples is not None:
        assert int(raws[0].samples.values["retained_bytes"].sum()) <= 100


def test_numbers_beyond_64_bits_are_refused() -> None:
    for text in (
        snapshot(0, "9223372036854775808"),
        snapshot(0, "9" * 5000),
        snapshot(0, 100, tree="n1: 100 (heap)\n n0: 99999999999999999999 0x1: f\n"),
        snapshot(0, 2**63 - 1, tree=f"n1: {2**63 - 1} (heap)\n n0: {2**63 - 1} 0x1: f\n"),
    ):
        with pytest.raises(LimitExceeded):
            read_text(text)


def test_snapshots_without_figures_are_left_out_and_counted() -> None:
    raws = read_text(snapshot(0, "x") + snapshot(1, 5))
    assert [raw.totals["retained_bytes"] for raw in raws] == [5]
    assert not raws[0].meta.is_complete
    assert raws[0].meta.notes[0].slug == "damaged-records"
    with pytest.raises(MalformedInput, match="no complete"):
        read_text("")
    with pytest.raises(InputError):
        read_text(snapshot(0, -4))


def test_massif_files_of_heaptrack_are_refused_by_name() -> None:
    head = HEAD.format(desc="heaptrack")
    for text in (head + snapshot(0), snapshot(0).replace("time=0", "time=0.013") + head):
        assert sniffed(text.encode()) == FAMILY
        with pytest.raises(UnsupportedInput, match="heaptrack"):
            read(FAMILY, text.encode())


def test_a_second_profile_behind_the_first_is_not_mixed_in() -> None:
    raws = read_text(snapshot(0, 5) + HEAD.format(desc="(none)") + snapshot(0, 7))
    assert [raw.totals["retained_bytes"] for raw in raws] == [5]
    assert raws[0].meta.truncation is not None
    assert raws[0].meta.truncation.what == "a second profile follows in the same file"


def plain_records(content: bytes) -> list[dict[tuple[str, ...], int]]:
    """By snapshot with a tree, own bytes by labels from the leaf to the allocation site: line by line, nothing shared."""
    found: list[dict[tuple[str, ...], int]] = []
    path: list[str] = []
    for line in content.decode("utf-8", "replace").split("\n"):
        match = re.match(r"( *)n\d+: (\d+) (.*)", line)
        if line.startswith("heap_tree=") and line != "heap_tree=empty":
            found.append({})
        elif match is not None:
            label = re.sub(r"in \d+ places?, .*", "[]", match[3])
            path = [*path[: len(match[1])], label]
            own, place = found[-1], tuple(path[:0:-1])
            own[place] = own.get(place, 0) + int(match[2])
            if len(path) > 1:
                own[place[1:]] -= int(match[2])
    return [{place: own for place, own in tree.items() if own and place} for tree in found]


@pytest.mark.parametrize("case", sorted(answers(FAMILY)))
def test_a_plain_reader_finds_the_same_paths(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    trees = [raw for raw in read(FAMILY, content) if raw.samples is not None]
    plain = plain_records(content)
    assert len(trees) == len(plain)
    for raw, tree in zip(trees, plain, strict=True):
        assert raw.samples is not None
        # An address names a place, -1 a group below the threshold; inlined calls share theirs, so their order is kept.
        found = sorted(
            (amount, [-1 if frame.address is None else frame.address for frame in stack])
            for amount, stack in zip(raw.samples.values["retained_bytes"].tolist(), stacks(raw), strict=True)
        )
        wanted = sorted(
            (own, [-1 if label == "[]" else int(label.partition(":")[0], 16) for label in place])
            for place, own in tree.items()
        )
        assert found == wanted


def test_limits_hold() -> None:
    tree = "n1: 100 (heap)\n n1: 100 0x1: f (a.c:1)\n  n0: 100 0x2: main (a.c:2)\n"
    content = (HEAD.format(desc="(none)") + snapshot(0, 100, tree=tree) + snapshot(1)).encode()
    for limits in (Limits(stack_frames=1), Limits(records=1), Limits(records=2)):
        with pytest.raises(LimitExceeded):
            list(get_reader(FAMILY).read(MemoryStream("x", content), limits))
    raws = list(get_reader(FAMILY).read(MemoryStream("x", content), Limits(name_characters=3)))
    assert raws[0].samples is not None


def test_windows_line_ends_marks_and_comments_do_not_matter() -> None:
    content = fixture_bytes(FAMILY, "svc-v1")
    whole = read(FAMILY, content)
    crlf = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
    assert sniffed(crlf) == FAMILY
    assert records(read(FAMILY, crlf)) == records(whole)
    assert read(FAMILY, crlf)[0].meta == whole[0].meta
    commented = content.replace(b"\n n", b"\n# a comment\n n")
    assert [raw.totals for raw in read(FAMILY, commented)] == [raw.totals for raw in whole]


def test_many_snapshots_with_the_same_paths_cost_no_more_frames() -> None:
    tree = "n1: 100 (heap)\n n0: 100 0x1: f (a.c:1)\n"
    raws = read_text("".join(snapshot(number, 100, tree=tree) for number in range(500)))
    assert len({id(frame) for raw in raws if raw.samples is not None for frame in raw.samples.frames}) == 1


def test_expected_answers_cover_all_sound_files() -> None:
    assert set(cases(FAMILY)) == set(answers(FAMILY)) | DAMAGED | {"xtmemory"}
