"""The table of `docs/cuts.md`, row by row, by the exit code that a user sees."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from leakreport.cli import main
from tests.support import fixture_bytes

DOCUMENTED = (Path(__file__).resolve().parents[2] / "docs" / "cuts.md").read_text(encoding="utf-8")


@pytest.fixture
def exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[bytes], int]:
    def analyse(content: bytes) -> int:
        path = tmp_path / "input"
        path.write_bytes(content)
        code = main(["analyze", str(path)])
        capsys.readouterr()
        return code

    return analyse


def offsets(content: bytes, end: int, count: int = 25) -> list[int]:
    return sorted({*random.Random(len(content)).sample(range(1, end), count), end - 1})


@pytest.mark.parametrize("case", ["kinds", "p6-kinds", "errors", "python3"])
def test_xml_shows_every_cut_before_its_end(case: str, exit_code: Callable[[bytes], int]) -> None:
    content = fixture_bytes("memcheck-xml", case)
    end = content.rindex(b"</valgrindoutput>") + len(b"</valgrindoutput>")
    assert {exit_code(content[:offset]) for offset in offsets(content, end)} == {3}
    assert exit_code(content[:end]) == 0


def test_xml_of_several_processes_shows_all_but_the_cut_between_them(exit_code: Callable[[bytes], int]) -> None:
    content = fixture_bytes("memcheck-xml", "concat-v1-v2")
    between = content.index(b"</valgrindoutput>") + len(b"</valgrindoutput>")
    second = content.index(b"<valgrindoutput>", between) + len(b"<valgrindoutput>")
    assert exit_code(content[:between]) == 0
    assert {exit_code(content[:offset]) for offset in (second, second + 500, len(content) - 40)} == {3}


@pytest.mark.parametrize("case", ["kinds", "svc-v3", "p6-kinds", "errors"])
def test_text_shows_every_cut_before_the_error_summary(case: str, exit_code: Callable[[bytes], int]) -> None:
    content = fixture_bytes("memcheck-text", case)
    assert {exit_code(content[:offset]) for offset in offsets(content, content.rindex(b"ERROR SUMMARY"))} == {3}
    assert exit_code(content) == 0


def test_text_of_several_processes_shows_nothing_of_one_that_never_spoke(exit_code: Callable[[bytes], int]) -> None:
    first, second = (fixture_bytes("memcheck-text", case) for case in ("svc-v1", "svc-v2"))
    assert exit_code(first) == 0
    assert exit_code(first + second[: len(second) // 2]) == 3


def test_a_quiet_log_shows_a_cut_inside_a_record_only(exit_code: Callable[[bytes], int]) -> None:
    content = fixture_bytes("memcheck-text", "svc-v2-quiet")
    lines = content.splitlines(keepends=True)
    ends = [number for number, line in enumerate(lines) if line.rstrip().endswith(b"==")]
    assert len(ends) > 2
    assert exit_code(b"".join(lines[: ends[1] + 1])) == 0
    assert exit_code(b"".join(lines[: ends[1] - 1])) == 3


def test_folded_stacks_show_nothing_but_a_missing_line_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "demo.leaked.folded"
    content = fixture_bytes("folded", "demo-v2-leaked")
    line_end = content.index(b"\n", len(content) // 2) + 1
    for stop, is_told in ((line_end, False), (line_end - 1, True)):
        path.write_bytes(content[:stop])
        assert main(["analyze", str(path)]) == 0
        assert ("has no end" in capsys.readouterr().out) is is_told


def test_massif_shows_a_cut_inside_a_snapshot_only(exit_code: Callable[[bytes], int]) -> None:
    content = fixture_bytes("massif", "wave-grow2")
    middle = content.index(b"#-----------\nsnapshot=", len(content) // 2)
    assert exit_code(content[:middle]) == 0
    inside = content.index(b"heap_tree=peak")
    assert exit_code(content[: inside + 60]) == 3


@pytest.mark.parametrize("family", ["gperftools", "jemalloc"])
def test_a_list_of_mappings_shows_a_cut_inside_a_line_only(family: str, exit_code: Callable[[bytes], int]) -> None:
    content = fixture_bytes(family, "series-v1-0012")
    behind = content.index(b"\n", content.index(b"MAPPED_LIBRARIES:") + 200) + 1
    assert exit_code(content[:behind]) == 0
    assert exit_code(content[: behind + 20]) == 3


@pytest.mark.parametrize(
    "pack", [gzip.compress, lzma.compress, bz2.compress, zstandard.ZstdCompressor().compress], ids=["gz", "xz", "bz2", "zst"]
)  # fmt: skip
@pytest.mark.parametrize("family", ["memcheck-xml", "memcheck-text"])
def test_compression_shows_every_cut(
    family: str, pack: Callable[[bytes], bytes], exit_code: Callable[[bytes], int]
) -> None:
    content = pack(fixture_bytes(family, "kinds"))
    assert exit_code(content) == 0
    assert {exit_code(content[:offset]) for offset in offsets(content, len(content), 12)} == {3}


def test_the_page_has_no_row_that_is_not_tried() -> None:
    rows = [line for line in DOCUMENTED.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 12
