"""DHAT: the sums that DHAT prints at exit, both versions, Rust, and damage that never becomes a figure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leakreport.errors import InputError, LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import Limits
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import LeakSearch, RawSnapshot
from leakreport.readers import get_reader
from leakreport.testing import assert_chunks_do_not_matter
from tests.support import MemoryStream, cases, fixture_bytes, read
from tests.valgrind_support import answers, cut_offsets, mutants, read_if_possible, records, sniffed, stacks

FAMILY = "dhat"
METRIC_OF = {"t_end": "retained", "t_gmax": "peak", "total": "allocated"}
UNSOUND = {"trunc", "copy", "bad-frame-index"}


def point(**changes: object) -> dict[str, object]:
    return {"tb": 30, "tbk": 3, "gb": 20, "gbk": 2, "eb": 10, "ebk": 1, "fs": [1, 2]} | changes


def profile(*points: object, **changes: object) -> dict[str, Any]:
    return {
        "dhatFileVersion": 2,
        "mode": "heap",
        "bklt": True,
        "cmd": "./a.out x",
        "pid": 7,
        "pps": list(points),
        "ftbl": ["[root]", "0x1: f (a.c:1)", "0x2: main (a.c:9)"],
    } | changes


def read_json(document: object) -> RawSnapshot:
    (raw,) = read(FAMILY, json.dumps(document).encode())
    check(build_run([raw]))
    return raw


def names(raw: RawSnapshot) -> list[str]:
    return ["/".join(frame.function or "?" for frame in stack) for stack in stacks(raw)]


@pytest.mark.parametrize("case", sorted(answers(FAMILY)))
def test_totals_are_those_that_dhat_prints(case: str) -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, case))
    for word, amounts in answers(FAMILY)[case].items():
        for unit, amount in amounts.items():
            assert raw.totals[f"{METRIC_OF[word]}_{unit}"] == amount
            assert raw.samples is not None
            assert int(raw.samples.values[f"{METRIC_OF[word]}_{unit}"].sum()) == amount
    assert raw.meta.is_complete
    assert raw.meta.leak_search is LeakSearch.NONE and not raw.meta.judges_peak


@pytest.mark.parametrize("case", [case for case in cases(FAMILY) if case != "copy"])
def test_every_file_is_found_and_valid(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    assert sniffed(content) == FAMILY
    check(build_run(read(FAMILY, content)))


def test_version_1_says_the_same() -> None:
    new, old = (read(FAMILY, fixture_bytes(FAMILY, case))[0] for case in ("kinds", "derived-v1-kinds"))
    assert new.totals == old.totals
    assert records([new]) == records([old])


def test_rust_profiles_are_read() -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, "synthetic-rust-heap"))
    assert raw.totals["retained_bytes"] == 40_960 and raw.totals["retained_blocks"] == 41
    assert raw.totals["peak_bytes"] == 41_556 and raw.totals["allocated_bytes"] == 66_720
    first = next(stacks(raw))
    assert [frame.function for frame in first][:2] == ["rdemo::main", "rdemo::keep"]
    assert (first[1].path, first[1].line) == ("rdemo/src/main.rs", 6)
    assert [frame.is_inlined for frame in first] == [False, False, False, True]


def test_modes_that_count_something_else_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedInput, match=r"mode copy.*retained"):
        read(FAMILY, fixture_bytes(FAMILY, "copy"))
    with pytest.raises(UnsupportedInput, match=r"rust-ad-hoc.*Profiler"):
        read_json(profile(mode="rust-ad-hoc", bklt=False))
    late = profile({"tb": 1, "tbk": 1, "fs": [1]})
    late["mode"] = late.pop("mode").replace("heap", "ad-hoc")
    with pytest.raises(UnsupportedInput, match="ad-hoc"):
        read_json(late)
    assert sniffed(fixture_bytes(FAMILY, "copy")) == FAMILY


def test_the_allocators_own_frames_are_left_out() -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, "kinds"))
    assert names(raw)[0] == "main/lose_one/xmalloc"
    ftbl = ["[root]", "0x1: operator new(unsigned long) (new.c:1)", "0x3: malloc (m.c:2)", "0x2: main (a.c:9)"]
    assert names(read_json(profile(point(fs=[2, 1, 3]), point(fs=[1]), ftbl=ftbl))) == [
        "main",
        "operator new(unsigned long)",
    ]


def test_inlined_calls_are_marked_and_recursion_is_not() -> None:
    ftbl = ["[root]", "0x1: f (a.c:1)", "0x1: g (a.c:2)", "0x1: g (a.c:2)", "0x2: main (a.c:9)"]
    raw = read_json(profile(point(fs=[1, 2, 3, 4]), ftbl=ftbl))
    assert [frame.is_inlined for frame in next(stacks(raw))] == [False, False, False, True]


def test_bytes_that_are_no_text_do_not_matter() -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, "odd-args"))
    assert raw.meta.command[:2] == ("./crash", "ok") and "\ufffd" in raw.meta.command[-1]
    assert raw.meta.pid == 25352
    assert records(read(FAMILY, b"\xef\xbb\xbf" + fixture_bytes(FAMILY, "kinds"))) == records(
        read(FAMILY, fixture_bytes(FAMILY, "kinds"))
    )


def test_records_are_named_by_their_index() -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, "kinds"))
    assert raw.samples is not None
    assert raw.samples.names == tuple(str(index) for index in range(9))


def test_frames_out_of_range_leave_their_bytes_unattributed() -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, "bad-frame-index"))
    assert raw.totals["retained_bytes"] == 1_240_852
    assert [note.slug for note in raw.meta.notes] == ["unknown-frames"]
    assert not raw.meta.is_complete and raw.meta.truncation is None
    odd = read_json(profile(point(fs=[1]), point(fs=[2]), ftbl=["[root]", 5, "main"]))
    assert names(odd) == ["main"] and odd.totals["retained_bytes"] == 20
    without = read_json({name: value for name, value in profile(point()).items() if name != "ftbl"})
    assert without.samples is None and not without.meta.is_complete


def test_a_file_cut_among_the_points_has_totals_and_no_paths() -> None:
    (raw,) = read(FAMILY, fixture_bytes(FAMILY, "trunc"))
    assert raw.samples is None and not raw.meta.is_complete
    assert raw.meta.truncation is not None
    assert raw.meta.truncation.what == 'the JSON breaks off inside "pps"'
    assert raw.meta.truncation.records == len(fixture_bytes(FAMILY, "trunc").split(b'"fs":[')) - 1
    assert raw.meta.truncation.line > 70


@pytest.mark.parametrize("case", ["kinds", "inl", "trunc", "odd-args"])
def test_the_size_of_reads_does_not_matter(case: str) -> None:
    assert_chunks_do_not_matter(get_reader(FAMILY), fixture_bytes(FAMILY, case))


def test_points_on_the_edge_of_a_piece_are_read_whole() -> None:
    points = [point(eb=index, fs=[1, 2] * 5) for index in range(20_000)]
    raw = read_json(profile(*points))
    assert raw.totals["retained_bytes"] == sum(range(20_000))
    assert raw.samples is not None and len(raw.samples) == 20_000


@pytest.mark.parametrize("case", ["kinds", "tmpl", "threads", "synthetic-rust-heap"])
def test_a_cut_is_seen_and_gives_no_new_figure(case: str) -> None:
    content = fixture_bytes(FAMILY, case).rstrip()
    (original,) = read(FAMILY, content)
    whole = records([original])
    for offset in cut_offsets(content, case):
        for raw in read_if_possible(FAMILY, content[:offset]):
            assert records([raw]) <= whole, offset
            assert not raw.meta.is_complete and raw.meta.truncation is not None, offset
            assert all(amount <= original.totals[metric] for metric, amount in raw.totals.items())


@pytest.mark.parametrize("case", ["kinds", "svc-v6", "synthetic-rust-heap", "derived-v1-kinds"])
def test_mutants_are_read_or_refused(case: str) -> None:
    for mutant in mutants(fixture_bytes(FAMILY, case), case):
        read_if_possible(FAMILY, mutant)


@pytest.mark.parametrize(
    "bad",
    [5, [], None, {}, point(eb=-1), point(eb=1.5), point(eb=True), point(eb="1"), point(fs=None), point(fs=[-1]), point(fs=["1"]), point(fs=[2**70])],
)  # fmt: skip
def test_points_that_are_not_whole_are_left_out_and_counted(bad: object) -> None:
    raw = read_json(profile(bad, point()))
    assert raw.totals["retained_bytes"] == 10
    assert not raw.meta.is_complete
    assert [note.slug for note in raw.meta.notes] == ["damaged-records"]
    with pytest.raises(MalformedInput, match="not one whole"):
        read_json(profile(bad))


def test_numbers_beyond_64_bits_are_refused() -> None:
    for document in (profile(point(eb=2**63)), profile(point(eb=2**63 - 1), point(eb=2**63 - 1))):
        with pytest.raises(LimitExceeded):
            read_json(document)
    digits = json.dumps(profile(point(eb=77777))).replace("77777", "9" * 10_000)
    with pytest.raises(InputError):
        read(FAMILY, digits.encode())


def test_hostile_shapes_are_refused() -> None:
    for text in (
        '{"dhatFileVersion":2,"x":' + "[" * 200_000,
        '{"dhatFileVersion":2,"pps":' + '{"a":' * 100_000,
        '{"dhatFileVersion":2,"pps":5}',
        '{"dhatFileVersion":"2"}',
        '{"dhatFileVersion":0,"pps":[],"ftbl":[]}',
        "{5:2}",
        "[]",
        "",
    ):  # fmt: skip
        with pytest.raises(InputError):
            read(FAMILY, text.encode())
    with pytest.raises(InputError):
        read(FAMILY, b'{"dhatFileVersion":2,"cmd":"' + b"x" * 20_000_000)


def test_newer_versions_and_unknown_members_are_read_with_a_note() -> None:
    raw = read_json(profile(point(new=1), dhatFileVersion=3, future={"a": [1]}))
    assert raw.totals["retained_bytes"] == 10
    assert [note.slug for note in raw.meta.notes] == ["unknown-version"]


def test_limits_hold() -> None:
    content = json.dumps(profile(point(), point())).encode()
    for limits in (Limits(stack_frames=1), Limits(records=1), Limits(records=2)):
        with pytest.raises(LimitExceeded):
            list(get_reader(FAMILY).read(MemoryStream("x", content), limits))


def test_members_in_another_order_are_found() -> None:
    document = dict(reversed(profile(point()).items()))
    content = json.dumps(document).encode()
    assert sniffed(content) == FAMILY
    assert names(read_json(document)) == ["main/f"]


def test_expected_answers_cover_all_sound_files() -> None:
    assert set(cases(FAMILY)) == set(answers(FAMILY)) | UNSOUND | {"derived-v1-kinds", "synthetic-rust-heap"}
