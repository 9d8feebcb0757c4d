"""malloc_info: what is in use and what is free, equal to the figures of the documents, and the answer in words."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from leakreport.cli import main
from leakreport.errors import LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.model.raw import RawSnapshot
from leakreport.readers.interface import Confidence
from leakreport.readers.malloc_info import MallocInfoReader
from leakreport.testing import assert_reader_ok, read_content, stacks_of
from tests.readers.profile_support import answers
from tests.support import cases, fixture_bytes, fixture_path, read

FAMILY = "malloc-info"
MIB = 1 << 20


def document(system: int, free: int, *, mapped: int = 0) -> str:
    totals = f'<total type="fast" count="0" size="0"/><total type="rest" count="9" size="{free}"/>'
    rest = f'<system type="current" size="{system}"/>'
    mmap = f'<total type="mmap" count="1" size="{mapped}"/>'
    return f'<malloc version="1">\n<heap nr="0">\n{totals}{rest}</heap>\n{totals}{mmap}{rest}</malloc>\n'


def told(command: str, path: Path) -> dict[str, Any]:
    out, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        main([command, str(path), "--to", "json"])
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def lead_of(tmp_path: Path, *documents: str) -> str:
    path = tmp_path / "log.xml"
    path.write_text("".join(documents), encoding="utf-8")
    return " ".join(told("trend", path)["verdict"]["lead"])


def slugs(raw: RawSnapshot) -> list[str]:
    return [note.slug for note in raw.meta.notes]


@pytest.mark.parametrize(("case", "wanted"), answers(FAMILY).items())
def test_figures_are_those_of_the_documents(case: str, wanted: list[dict[str, dict[str, int]]]) -> None:
    raws = read(FAMILY, fixture_bytes(FAMILY, case))
    assert len(raws) == len(wanted)
    for raw, answer in zip(raws, wanted, strict=True):
        assert {metric: raw.totals.get(metric) for metric in answer["totals"]} == answer["totals"]
        assert raw.totals["heap_used_bytes"] + raw.totals["heap_free_bytes"] == raw.totals["heap_system_bytes"]
        assert raw.meta.is_complete
        assert raw.samples is not None
        assert sum(raw.samples.values["retained_bytes"].tolist()) == raw.totals["retained_bytes"]
        assert sum(raw.samples.values["heap_free_bytes"].tolist()) == raw.totals["heap_free_bytes"]


@pytest.mark.parametrize("case", cases(FAMILY))
def test_the_reader_stands_what_input_can_be(case: str) -> None:
    assert_reader_ok(MallocInfoReader(), fixture_bytes(FAMILY, case))


def test_each_heap_has_what_is_in_use_and_what_is_free() -> None:
    (*_, raw) = read(FAMILY, fixture_bytes(FAMILY, "synthetic-unsorted"))
    names = [tuple(frame.function for frame in stack) for stack in stacks_of(raw)]
    assert names == [
        ("[glibc malloc]", f"heap {number}", f"{what} in heap {number}")
        for number in (0, 1)
        for what in ("in use", "free")
    ]


def test_old_versions_say_what_is_missing() -> None:
    for raw in read(FAMILY, fixture_bytes(FAMILY, "synthetic-old")):
        assert slugs(raw)[:2] == ["mapped-blocks-unknown", "heap-top-in-use"]
        assert "mapped_block_bytes" not in raw.totals


def test_dates_between_documents_are_their_moments() -> None:
    first, second = read(FAMILY, fixture_bytes(FAMILY, "synthetic-unsorted"))
    assert first.meta.time is not None
    assert second.meta.time == first.meta.time + 60


def test_a_cut_document_tells_its_whole_heaps() -> None:
    content = fixture_bytes(FAMILY, "big-arenas")
    whole = content.rindex(b"</heap>")
    *_, last = read(FAMILY, content[:whole])
    assert not last.meta.is_complete
    assert last.meta.truncation is not None
    # The last of its 13 heaps has told its figures.
    assert last.totals["malloc_arenas"] == 13
    assert "mapped_block_bytes" not in last.totals
    with pytest.raises(MalformedInput):
        read(FAMILY, content[: content.index(b"<system")])


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b'<malloc version="jemalloc-1"><heap nr="0"></heap></malloc>', UnsupportedInput),
        (b'<malloc version="1"></malloc>', MalformedInput),
        (b'<malloc version="1">' + b"<heap>" * 200_000, LimitExceeded),
        (document(2**62, 0).encode(), LimitExceeded),
    ],
)
def test_what_cannot_be_read_is_refused(content: bytes, error: type[Exception]) -> None:
    assert MallocInfoReader().sniff(content, "x") is Confidence.CERTAIN
    with pytest.raises(error):
        read_content(MallocInfoReader(), content)


def test_more_free_than_there_is_counts_as_nothing_in_use() -> None:
    # Flags in the sizes of free blocks are counted as bytes.
    (raw,) = read(FAMILY, document(135168, 135170).encode())
    assert raw.totals["retained_bytes"] == 0


def test_the_series_of_the_corpus_are_told_apart() -> None:
    leak = told("trend", fixture_path(FAMILY, "malloc-leak"))
    assert leak["verdict"]["status"] == "growth"
    assert "that is a leak, not fragmentation" in leak["verdict"]["lead"][0]
    words = {one["name"]: one["verdict"] for one in leak["resources"]}
    assert words["retained_bytes"] == words["heap_system_bytes"] == "growing"
    assert words["heap_free_bytes"] == words["mapped_block_bytes"] == "flat"
    frag = told("trend", fixture_path(FAMILY, "frag"))
    assert frag["verdict"]["status"] != "growth"
    assert "larger by 126.5 KiB: a leak, if that goes on" in frag["verdict"]["lead"][0]
    assert "901.5 KiB: that part is retention or fragmentation" in frag["verdict"]["lead"][1]
    big = told("trend", fixture_path(FAMILY, "big-arenas"))
    assert "There are 13 heaps, 12 more" in " ".join(big["verdict"]["lead"])


def test_one_state_says_what_most_of_it_is(tmp_path: Path) -> None:
    path = tmp_path / "one.xml"
    path.write_text(document(100 * MIB, 90 * MIB), encoding="utf-8")
    verdict = told("analyze", path)["verdict"]
    assert verdict["sentence"] == "10.00 MiB in use in 1 heap of malloc, 90.00 MiB free inside the heaps"
    assert "90% of the 100.0 MiB that malloc took from the system is free" in " ".join(verdict["lead"])
    path.write_text(document(100 * MIB, 5 * MIB), encoding="utf-8")
    assert "If it grows, that is a leak" in " ".join(told("analyze", path)["verdict"]["lead"])


@pytest.mark.parametrize(
    ("used", "free", "words"),
    [
        ([10 * MIB] * 8, [step * MIB for step in range(8)], ("does not grow: no leak", "fragmentation, no leak")),
        ([step * MIB for step in range(8)], [9 * MIB] * 8, ("that is a leak, not fragmentation",)),
        (
            [step * MIB for step in range(8)],
            [(9 - step) * MIB for step in range(8)],
            ("a leak", "RSS does not show"),
        ),
        ([10 * MIB] * 8, [MIB] * 8, ("does not grow: no leak",)),
        ([MIB] * 4 + [9 * MIB] * 4, [MIB] * 8, ("does not go on",)),
    ],
)
def test_a_trend_answers_leak_or_fragmentation(
    used: list[int], free: list[int], words: tuple[str, ...], tmp_path: Path
) -> None:
    lead = lead_of(tmp_path, *(document(held + kept, kept) for held, kept in zip(used, free, strict=True)))
    assert lead.startswith("Leak or fragmentation?")
    for word in words:
        assert word in lead
