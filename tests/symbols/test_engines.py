"""What reads debug information: the cache, tools that misbehave, and answers that are not believed."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leakreport.symbols import engines
from leakreport.symbols.elf import ElfHeaders, read_headers
from leakreport.symbols.engines import locate, usable_engine
from leakreport.symbols.options import Engine, SymbolOptions
from leakreport.symbols.places import Place
from leakreport.symbols.symtab import names_at

PIXELS = 0x13EE
EXPECTED = (
    "/src/shopd/src/thumbs.cpp",
    30,
    "/src/shopd/src/thumbs.cpp",
    14,
)


@pytest.fixture
def thumbs(binaries: Path) -> ElfHeaders:
    return read_headers(str(binaries / "v2" / "libthumbs.so"))


def lines(found: dict[int, tuple[Place, ...]]) -> tuple[object, ...]:
    return tuple(part for place in found[PIXELS] for part in (place.path, place.line))


def fake_tool(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "addr2line"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_debug_information_is_read_once(thumbs: ElfHeaders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    symbolic = pytest.importorskip("symbolic.debuginfo")
    options = SymbolOptions(cache_folder=str(tmp_path / "cache"), engine=Engine.SYMBOLIC)
    assert lines(locate(thumbs, [PIXELS], options)) == EXPECTED
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.name.startswith(f"{thumbs.build_id}.")
    monkeypatch.setattr(symbolic.Archive, "open", None)
    assert lines(locate(thumbs, [PIXELS], options)) == EXPECTED


def test_a_broken_cache_is_made_anew(thumbs: ElfHeaders, tmp_path: Path) -> None:
    pytest.importorskip("symbolic")
    options = SymbolOptions(cache_folder=str(tmp_path), engine=Engine.SYMBOLIC)
    locate(thumbs, [PIXELS], options)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(b"broken")
    assert lines(locate(thumbs, [PIXELS], options)) == EXPECTED
    assert kept.read_bytes() == whole


def test_without_a_place_for_the_cache_names_are_found_all_the_same(thumbs: ElfHeaders, tmp_path: Path) -> None:
    pytest.importorskip("symbolic")
    (tmp_path / "file").write_text("")
    options = SymbolOptions(cache_folder=str(tmp_path / "file" / "cache"), engine=Engine.SYMBOLIC)
    assert lines(locate(thumbs, [PIXELS], options)) == EXPECTED


def test_the_first_engine_that_is_there_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_symbolic(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("symbolic"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without_symbolic)
    fake_tool(tmp_path, "", monkeypatch)
    assert usable_engine(SymbolOptions()) is Engine.ADDR2LINE
    (tmp_path / "addr2line").rename(tmp_path / "llvm-symbolizer")
    assert usable_engine(SymbolOptions()) is Engine.LLVM_SYMBOLIZER
    (tmp_path / "llvm-symbolizer").unlink()
    assert usable_engine(SymbolOptions()) is Engine.NONE


def test_tools_cannot_use_the_network(thumbs: ElfHeaders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    monkeypatch.setenv("DEBUGINFOD_URLS", "https://debuginfod.example.org")
    fake_tool(tmp_path, f'echo "urls=$DEBUGINFOD_URLS" > {seen}', monkeypatch)
    assert locate(thumbs, [PIXELS], SymbolOptions(engine=Engine.ADDR2LINE)) == {}
    assert seen.read_text() == "urls=\n"


@pytest.mark.parametrize(
    "script",
    [
        "exit 3",
        "kill -9 $$",
        "printf '0x13ee\\nname'",
        "printf 'junk\\njunk\\n0x99\\nname\\nfile:3\\n'",
        "printf '0x13ee\\nname\\n??:0\\n'",
        "printf '0x13ee\\n??\\n/a/b.c:3\\n'",
        "printf '\\377\\376\\n\\n\\n'",
    ],
)
def test_a_tool_that_misbehaves_names_nothing(
    thumbs: ElfHeaders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    fake_tool(tmp_path, script, monkeypatch)
    assert locate(thumbs, [PIXELS], SymbolOptions(engine=Engine.ADDR2LINE)) == {}


def test_a_tool_that_is_gone_or_slow_names_nothing(
    thumbs: ElfHeaders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_BATCH_SECONDS", 0.05)
    fake_tool(tmp_path, "exec /bin/sleep 5", monkeypatch)
    assert locate(thumbs, [PIXELS], SymbolOptions(engine=Engine.ADDR2LINE)) == {}
    os.unlink(tmp_path / "addr2line")
    assert locate(thumbs, [PIXELS], SymbolOptions(engine=Engine.ADDR2LINE)) == {}


def test_discriminators_are_no_part_of_a_line(
    thumbs: ElfHeaders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = "printf '0x13ee\\ninner\\n/a/../b c.c:3 (discriminator 7)\\nouter\\n/x:?\\n'"
    fake_tool(tmp_path, answer, monkeypatch)
    found = locate(thumbs, [PIXELS], SymbolOptions(engine=Engine.ADDR2LINE))
    assert found == {PIXELS: (Place("outer", "/x", None), Place("inner", "/b c.c", 3))}


def test_symbols_count_within_their_size_only(thumbs: ElfHeaders) -> None:
    pixels, plt, behind = names_at(thumbs, np.array([PIXELS, 0x1030, 0x7FFF_FFFF]))
    assert pixels == "_ZN6thumbs12decode_imageERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEii"
    assert plt is behind is None
