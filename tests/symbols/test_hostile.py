"""Files that are no binaries, or damaged ones, are refused with a sentence."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path

import pytest

from leakreport.api import symbolize
from leakreport.errors import UsageError
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import Frame, FrameKind, Mapping, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.symbols.elf import UnusableFile, read_headers
from leakreport.symbols.options import Engine, PinnedBuild, SymbolOptions, parse_pins
from tests.symbols.support import notes, profile, run_of

MODULE = "/src/shopd/v2/libthumbs.so"


def named_with(content: bytes, folder: Path, engine: Engine, pinned: tuple[PinnedBuild, ...] = ()) -> None:
    (folder / "libthumbs.so").write_bytes(content)
    options = SymbolOptions((str(folder),), engine=engine, pinned=pinned, debug_folder="/nonexistent")
    check(symbolize(profile("gperftools", "series-v2-0004"), options=options))


@pytest.mark.parametrize("engine", [Engine.NONE, Engine.SYMBOLIC, Engine.ADDR2LINE], ids=str)
def test_damaged_files_are_safe(binaries: Path, tmp_path: Path, engine: Engine) -> None:
    if engine is Engine.SYMBOLIC:
        pytest.importorskip("symbolic")
    whole = (binaries / "v2" / "libthumbs.so").read_bytes()
    # The build id is in the first page: with it pinned the damaged ones get further.
    pinned = (PinnedBuild("libthumbs.so", "c24e170ec480ad7e99d6f88280aa85606c0be2d2"),)
    chance = random.Random(7)
    section_headers = struct.unpack_from("<Q", whole, 0x28)[0]
    for number in range(40 if engine is Engine.NONE else 12):
        damaged = bytearray(whole)
        for _ in range(3):
            start, end = chance.choice([(16, 0x400), (section_headers, len(whole)), (0, len(whole))])
            damaged[chance.randrange(start, end)] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
        if number % 3 == 0:
            del damaged[chance.randrange(len(damaged)) :]
        named_with(bytes(damaged), tmp_path, engine, pinned if number % 2 else ())


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x02\x01\x01" + b"\0" * 9, b"#!/bin/sh\n" * 100])
def test_what_is_no_elf_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "libthumbs.so"
    path.write_bytes(content)
    with pytest.raises(UnusableFile, match="no ELF file"):
        read_headers(str(path))
    run = symbolize(profile("gperftools", "series-v2-0004"), options=SymbolOptions((str(tmp_path),)))
    assert "no ELF file, or a damaged one" in notes(run)["no-symbols"]


def test_pipes_devices_and_folders_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(UnusableFile, match=r"no regular file|directory"):
            read_headers(str(path))
    with pytest.raises(UnusableFile, match="No such file"):
        read_headers(str(tmp_path / "missing"))


def test_files_with_absurd_counts_are_refused(binaries: Path, tmp_path: Path) -> None:
    content = bytearray((binaries / "v2" / "libthumbs.so").read_bytes())
    struct.pack_into("<H", content, 0x38, 0xFFF0)
    path = tmp_path / "many"
    path.write_bytes(content)
    with pytest.raises(UnusableFile, match="more headers"):
        read_headers(str(path))


@pytest.mark.parametrize("field", [0x08, 0x10, 0x20, 0x28])
@pytest.mark.parametrize("number", [2**64 - 1, 2**63, 2**62 - 1, 2**40])
def test_segments_beyond_all_addresses_are_safe(binaries: Path, tmp_path: Path, field: int, number: int) -> None:
    content = bytearray((binaries / "v2" / "libthumbs.so").read_bytes())
    for header in range(8):
        struct.pack_into("<Q", content, 64 + 56 * header + field, number)
    pin = PinnedBuild("libthumbs.so", "c24e170ec480ad7e99d6f88280aa85606c0be2d2")
    for pinned in ((), (pin,)):
        named_with(bytes(content), tmp_path, Engine.NONE, pinned)


def test_sections_beyond_all_sizes_are_safe(binaries: Path, tmp_path: Path) -> None:
    whole = (binaries / "v2" / "libthumbs.so").read_bytes()
    table = struct.unpack_from("<Q", whole, 0x28)[0]
    pin = PinnedBuild("libthumbs.so", "c24e170ec480ad7e99d6f88280aa85606c0be2d2")
    for field in (0x10, 0x18, 0x20, 0x28):
        for number in (2**64 - 1, 2**63, 2**40):
            content = bytearray(whole)
            for header in range((len(whole) - table) // 64):
                struct.pack_into("<Q", content, table + 64 * header + field, number)
            named_with(bytes(content), tmp_path, Engine.NONE, (pin,))


@pytest.mark.parametrize(
    "module",
    [
        "",
        " (deleted)",
        "relative",
        "../../etc/passwd",
        "/etc/passwd",
        "[vdso]",
        "//anon",
        "/memfd:x",
        "a\0b",
        "/",
        "x" * 5000,
    ],
)
def test_odd_names_of_objects_are_safe(module: str, tmp_path: Path) -> None:
    run = run_of(module, [5, 77], (Mapping(0, 4096, 0, module),))
    options = SymbolOptions((str(tmp_path),), sysroot=str(tmp_path))
    found = symbolize(run, options=options)
    check(found)
    assert found.frames == run.frames


def test_offsets_beyond_all_files_are_safe() -> None:
    builder = SampleTableBuilder(("retained_bytes",))
    for offset in (2**63 - 1, 2**64, -5, 2**62):
        builder.add([Frame(module="/bin/sh", offset=offset, kind=FrameKind.ADDRESS)], (1,))
    builder.add([Frame(address=5, kind=FrameKind.ADDRESS)], (1,))
    run = build_run([RawSnapshot(SnapshotMeta(source="test", format="test"), {}, builder.build())])
    assert symbolize(run) is run


@pytest.mark.parametrize("text", ["", "x", "=aabb", "x=", "x=abc", "x=zz", "x=aa", "x=" + "ab" * 65])
def test_build_ids_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="OBJECT=HEX"):
        parse_pins([text])
