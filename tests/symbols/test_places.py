"""What is kept between runs: answers by build id, whole or not at all, and never believed blindly."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Never

import pytest

from leakreport.api import symbolize
from leakreport.model.snapshot import Run
from leakreport.symbols import places, resolve
from leakreport.symbols.elf import ElfHeaders, read_headers
from leakreport.symbols.engines import locate
from leakreport.symbols.options import SymbolOptions
from leakreport.symbols.places import Located, Place, keep, keep_places, places_path, read_places
from tests.symbols.support import profile, retained_by

LOCATED = {
    16: (Place("outer", "/a.c", 3), Place("inner", None, None)),
    99: (Place("outer", "/a.c", 3),),
}


def stacks(run: Run) -> list[tuple[str, ...]]:
    return sorted(tuple(map(repr, run.tree.path(node))) for node in range(len(run.tree)))


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "folder" / "kept.json")
    keep_places(path, {}, LOCATED)
    assert read_places(path) == LOCATED
    keep_places(path, LOCATED, {5: (Place("more", None, None),)})
    assert read_places(path) == {**LOCATED, 5: (Place("more", None, None),)}
    assert os.listdir(tmp_path / "new" / "folder") == ["kept.json"]
    assert (tmp_path / "new" / "folder").stat().st_mode & 0o77 == 0


def test_too_many_answers_push_out_the_older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_KEPT_ADDRESSES", 2)
    path = str(tmp_path / "kept.json")
    keep_places(path, LOCATED, {5: (Place("more", None, None),)})
    assert read_places(path) == {5: (Place("more", None, None),)}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "\0",
        "[" * 100_000,
        '{"places": 3, "numbers": [], "starts": [], "addresses": []}',
        '{"places": [["f", null]], "numbers": [], "starts": [0], "addresses": []}',
        '{"places": [["f", null, "x"]], "numbers": [0], "starts": [0, 1], "addresses": [5]}',
        '{"places": [["f", null, 1]], "numbers": [7], "starts": [0, 1], "addresses": [5]}',
        '{"places": [["f", null, 1]], "numbers": [0], "starts": [0, 1], "addresses": [5, 6]}',
        '{"places": [["f", null, 1]], "numbers": [0], "starts": [0, "1"], "addresses": [5]}',
    ],
)
def test_broken_files_are_not_used(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kept.json"
    path.write_text(content)
    assert read_places(str(path)) == {}


def test_a_file_that_cannot_be_written_whole_is_not_written(tmp_path: Path) -> None:
    def broken(_stream: object) -> Never:
        raise OSError

    keep(str(tmp_path / "kept"), broken)
    assert os.listdir(tmp_path) == []


def test_only_debug_information_of_known_builds_is_kept(binaries: Path) -> None:
    whole = read_headers(str(binaries / "v2" / "libthumbs.so"))
    stripped = read_headers(str(binaries / "split" / "libthumbs.so"))
    assert places_path("/cache", whole, "r") == f"/cache/{whole.build_id}.r.1.json"
    assert places_path(None, whole, "r") is None
    assert places_path("/cache", stripped, "r") is None
    assert places_path("/cache", replace(whole, build_id=None), "r") is None


def test_the_second_time_nothing_is_read(binaries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = SymbolOptions((str(binaries / "v2"),), cache_folder=str(tmp_path), debug_folder="/nonexistent")
    before = profile("gperftools", "series-v2-0012")
    first = symbolize(before, options=options)
    assert retained_by(first, "thumbs::detail::alloc_pixels") == 3_145_728
    asked: list[int] = []

    def counting(elf: ElfHeaders, addresses: Sequence[int], options: SymbolOptions) -> Located:
        asked.extend(addresses if elf.has_debug_info else [])
        return locate(elf, addresses, options)

    monkeypatch.setattr(resolve, "locate", counting)
    second = symbolize(before, options=options)
    assert (second.frames, stacks(second)) == (first.frames, stacks(first))
    # Only what has no line is looked up again: _start.
    assert len(asked) <= 3


def test_builds_with_one_id_are_told_apart_by_calls(binaries: Path, tmp_path: Path) -> None:
    """The demo program is the same in both series: what one left behind serves the other."""
    for case in ("series-v1-0012", "series-v2-0012"):
        options = SymbolOptions((str(binaries / "v2"),), cache_folder=str(tmp_path), debug_folder="/nonexistent")
        run = symbolize(profile("gperftools", case), options=options)
        assert retained_by(run, "app::parse_row") == 524_288
