"""heaptrack_print's text: equal to the recording it was made from, as far as rounding leaves it."""

from __future__ import annotations

import contextlib
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest

from leakreport.cli import main
from leakreport.errors import LimitExceeded, MalformedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.raw import Frame, FrameKind, RawSnapshot
from leakreport.readers import pick_reader
from leakreport.readers.heaptrack_text import HeaptrackTextReader
from leakreport.testing import MemoryStream, assert_reader_ok, read_if_possible, stacks_of
from tests.readers.profile_support import answers, assert_answers
from tests.support import cases, fixture_bytes, fixture_path, read

FAMILY = "heaptrack-text"
OF_RECORDINGS = ("build-a", "build-b", "sawtooth", "demo-v2")
PLACE = "leak\n  at /src/a.c:5\n  in /src/a\n"
TRAILER = (
    "total runtime: 0.06s.\ncalls to allocation functions: 9 (1/s)\ntemporary memory allocations: 0 (0/s)\n"
    "peak heap memory consumption: 9.00K\npeak RSS (including heaptrack overhead): 5.06M\ntotal memory leaked: 9.00K\n"
)


def slugs(raw: RawSnapshot) -> list[str]:
    return [note.slug for note in raw.meta.notes]


def told(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    out, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        code = main([*map(str, arguments), "--to", "json"])
    found: dict[str, Any] = json.loads(out.getvalue())
    return code, found


def allowed(amount: int) -> int:
    """How far off a printed amount can be: half of its second decimal."""
    return 0 if amount < 1000 else 5 if amount < 1_000_000 else 5_000


def by_place(raw: RawSnapshot, metric: str) -> dict[tuple[tuple[str | None, str | None, int | None], ...], int]:
    assert raw.samples is not None
    found: dict[tuple[tuple[str | None, str | None, int | None], ...], int] = {}
    for stack, value in zip(stacks_of(raw), raw.samples.values[metric].tolist(), strict=True):
        # heaptrack_print shortens the arguments of templates, and tells nothing of the callers of main.
        names = [frame.function for frame in stack]
        start = names.index("main") if "main" in names else 0
        key = tuple((frame.file, frame.module, frame.line) for frame in stack[start:])
        found[key] = found.get(key, 0) + value
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize(("case", "wanted"), answers(FAMILY).items())
def test_answers_are_those_of_the_text(case: str, wanted: list[dict[str, Any]]) -> None:
    raws = read(FAMILY, fixture_bytes(FAMILY, case))
    assert_answers(raws, wanted)
    assert all(raw.meta.is_complete for raw in raws)
    assert all("rounded" in slugs(raw) for raw in raws)


@pytest.mark.parametrize("case", cases(FAMILY))
def test_the_reader_stands_what_input_can_be(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    if len(content) > 10_000:
        lines = content.split(b"\n")
        content = b"\n".join(lines[:200] + lines[-10:])
    assert_reader_ok(HeaptrackTextReader(), content)


@pytest.mark.parametrize("case", OF_RECORDINGS)
def test_the_text_agrees_with_its_recording_as_far_as_it_is_rounded(case: str) -> None:
    (exact,) = read("heaptrack", fixture_bytes("heaptrack", case))
    (text,) = read(FAMILY, fixture_bytes(FAMILY, case))
    for metric in ("allocated_blocks", "temporary_blocks"):
        assert text.totals[metric] == exact.totals[metric]
    for metric in ("retained_bytes", "peak_bytes"):
        assert text.totals[metric] == pytest.approx(exact.totals[metric], rel=0.005)
        shown, wanted = by_place(text, metric), by_place(exact, metric)
        others = {key for key in shown if key not in wanted}
        for key in shown.keys() - others:
            assert abs(shown[key] - wanted[key]) <= allowed(wanted[key]) * 2, key
        assert len(others) <= fixture_bytes(FAMILY, case).count(b"other places")
    if case != "demo-v2":
        assert set(by_place(text, "retained_bytes")) == set(by_place(exact, "retained_bytes"))


def test_an_error_is_that_of_the_rounding() -> None:
    code, found = told("analyze", fixture_path(FAMILY, "sawtooth"))
    assert code == 0
    (row,) = (one for one in found["paths"] if one["values"]["retained_bytes"] == 1_050_000)
    # Anything from 1,045,000 to 1,055,000 alike.
    assert row["error"]["retained_bytes"] == pytest.approx(5_000 / math.sqrt(3) / 1_050_000, rel=1e-3)
    assert "allocated_blocks" not in {name for name, error in row["error"].items() if error}


def test_a_difference_is_signed_and_negates_when_it_is_turned() -> None:
    _, forth = told("trend", fixture_path(FAMILY, "diff-a-to-b"))
    _, back = told("trend", fixture_path(FAMILY, "diff-b-to-a"))
    series = [
        next(one["series"] for one in found["resources"] if one["name"] == "retained_bytes") for found in (forth, back)
    ]
    assert series == [[0, 748_000], [748_000, 0]]
    before, after = read(FAMILY, fixture_bytes(FAMILY, "diff-a-to-b"))
    assert "--malloc=24800" in before.meta.command
    assert "--malloc=49600" in after.meta.command
    code, found = told("analyze", fixture_path(FAMILY, "diff-b-to-a"))
    assert code == 0
    assert "not held before; what both hold is not told" in found["verdict"]["sentence"]
    _, found = told("analyze", fixture_path(FAMILY, "diff-a-to-b"))
    assert found["verdict"]["sentence"].startswith("730.5 KiB more held after than before")


def test_without_a_section_of_leaks_the_total_has_no_paths() -> None:
    _, found = told("analyze", fixture_path(FAMILY, "totals-only"))
    assert found["unattributed"]["retained_bytes"] == found["totals"]["retained_bytes"] == 3_940_000
    assert any("without -l 1" in note["message"] for entry in found["inputs"] for note in entry["notes"])


def test_what_the_limits_hide_is_told() -> None:
    _, found = told("analyze", fixture_path(FAMILY, "limited"))
    listed = sum(row["values"]["retained_bytes"] for row in found["paths"])
    assert found["unattributed"]["retained_bytes"] == 3_940_000 - listed == 660_350
    assert any(
        "660,350 bytes of what was not freed" in note["message"] for entry in found["inputs"] for note in entry["notes"]
    )
    names = [[found["frames"][index]["function"] for index in row["frames"]] for row in found["paths"]]
    assert any(name[0] == "other callers" for name in names)


def test_stacks_that_are_not_merged_are_the_same() -> None:
    (merged,) = read(FAMILY, fixture_bytes(FAMILY, "demo-v2"))
    (alone,) = read(FAMILY, fixture_bytes(FAMILY, "unmerged"))
    shown = by_place(merged, "retained_bytes")
    found = by_place(alone, "retained_bytes")
    assert len(found) >= 8
    assert {key: shown.get(key) for key in found} == found


def test_frames_keep_what_is_known_of_them() -> None:
    text = (
        "MEMORY LEAKS\n9.00K leaked over 9 calls from\nstd::make_unique<>()\n  at /usr/include/unique_ptr.h:1065\n  in /src/a\n"
        "app::walk(int)\n  at src/a.cpp:111\n9.00K leaked over 9 calls from:\n    0x7fb14b970b9f\n      at ./elf/rtld.c:0\n"
        "      in ??\n    main\n      in /src/a\n\n\n" + TRAILER
    )
    (raw,) = read(FAMILY, text.encode())
    assert stacks_of(raw) == [
        (
            Frame("main", "/src/a"),
            Frame(None, None, "./elf", "rtld.c", None, 0x7FB14B970B9F, FrameKind.ADDRESS),
            Frame("app::walk(int)", "/src/a", "src", "a.cpp", 111),
            Frame("std::make_unique<>()", "/src/a", "/usr/include", "unique_ptr.h", 1065, is_inlined=True),
        )
    ]


@pytest.mark.parametrize(
    ("text", "amount"),
    [("9.00K", 9000), ("9.00KB", 9000), ("936B", 936), ("0B", 0), ("1.50G", 1_500_000_000), ("2.00TB", 2 * 10**12)],
)
def test_units_are_decimal_in_old_and_new_versions(text: str, amount: int) -> None:
    (raw,) = read(FAMILY, f"total memory leaked: {text}\nsuppressed leaks: 1.63K\n".encode())
    assert raw.totals == {"retained_bytes": amount, "suppressed_bytes": 1630}


def test_old_versions_list_what_was_allocated() -> None:
    text = (
        "MOST BYTES ALLOCATED OVER TIME (ignoring deallocations)\n72.70KB allocated over 2 calls from\n"
        + PLACE
        + "72.70KB allocated over 2 calls from:\n    main\n      in /src/a\n\n\n"
        + "bytes allocated in total (ignoring deallocations): 72.70KB (7.2MB/s)\n"
        + TRAILER
    )
    (raw,) = read(FAMILY, text.encode())
    assert raw.totals["allocated_bytes"] == 72_700


def test_several_texts_are_several_snapshots() -> None:
    content = fixture_bytes(FAMILY, "build-a") + fixture_bytes(FAMILY, "build-b")
    assert [raw.totals["retained_bytes"] for raw in read(FAMILY, content)] == [253_960, 1_001_960]


def test_more_in_the_stacks_than_in_the_totals_is_a_contradiction() -> None:
    (raw,) = read(FAMILY, f"MEMORY LEAKS\n20.00K leaked over 9 calls from\n{PLACE}\n\n{TRAILER}".encode())
    assert raw.totals["retained_bytes"] == 20_000
    assert "totals-contradict" in slugs(raw)
    assert not raw.meta.is_complete


def test_a_text_that_ends_early_is_incomplete() -> None:
    content = fixture_bytes(FAMILY, "build-a")
    whole = content.index(b"total memory leaked")
    for end in range(200, whole, 97):
        raws = read_if_possible(HeaptrackTextReader(), content[:end])
        assert all(not raw.meta.is_complete and raw.meta.truncation for raw in raws)
    (pasted,) = read(FAMILY, content.rstrip())
    assert pasted.meta.is_complete


def test_hostile_figures_are_refused() -> None:
    with pytest.raises(LimitExceeded):
        read(FAMILY, b"MEMORY LEAKS\n99999999999.00G leaked over 9 calls from\nx\n\n")
    with pytest.raises(MalformedInput):
        read(FAMILY, b"MEMORY LEAKS\nnothing\n")


def test_output_of_a_build_before_it_does_not_matter() -> None:
    content = b"make: done\n" * 300 + fixture_bytes(FAMILY, "build-a")
    assert pick_reader(MemoryStream("ci.log", content), DEFAULT_LIMITS).info.name == FAMILY
    assert read(FAMILY, content)[0].totals["retained_bytes"] == 253_960
