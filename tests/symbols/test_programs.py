"""Programs of this machine's compiler in every layout, their call sites compared with addr2line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from leakreport.api import symbolize
from leakreport.model.check import check
from leakreport.model.raw import Mapping
from leakreport.symbols.calls import follow_calls
from leakreport.symbols.elf import read_headers
from leakreport.symbols.options import Engine, SymbolOptions
from tests.symbols.support import addr2line, call_addresses, file_offset, notes, run_of, whole_mappings

SOURCE = """
#include <stdlib.h>
#include <stdio.h>
typedef void *(*taker)(size_t);
struct table { taker first, second; char room[400]; taker far; };
static inline __attribute__((always_inline)) void *inner(size_t size) { return malloc(size + 1); }
static inline __attribute__((always_inline)) void *middle(size_t size) { return inner(size * 2); }
__attribute__((noinline)) void *outer(size_t size) { void *p = middle(size); puts("x"); return p; }
__attribute__((noinline)) void *chosen(struct table *t, struct table *all, int i) {
    void *p = t->second(3); puts("y"); p = t->far(5); puts("z"); p = all[i].first(7); puts("w"); return p;
}
int main(int argc, char **argv) {
    struct table t[2] = {{malloc, outer, "", malloc}, {malloc, outer, "", malloc}};
    if (argc > 5) exit(3);
    return outer(argc) == chosen(t, t, argc) ? 1 : 0;
}
"""
LAYOUTS = {
    "pie": ["-pie", "-fPIE"],
    "no-pie": ["-no-pie", "-fno-pie"],
    "one-segment": ["-pie", "-fPIE", "-Wl,-z,noseparate-code"],
    "gold": ["-pie", "-fPIE", "-fuse-ld=gold"],
    "far": ["-no-pie", "-fno-pie", "-Wl,-Ttext-segment=0x7000000"],
    "shared": ["-shared", "-fPIC"],
    "dwarf-4": ["-pie", "-fPIE", "-gdwarf-4"],
    "compressed": ["-pie", "-fPIE", "-gz=zlib"],
}


@pytest.fixture(scope="module")
def build(tool: Callable[[str], str], once: Callable[[str, Callable[[Path], None]], Path]) -> Callable[[str], Path]:
    """`build(layout)` is a program in that layout."""
    for name in ("gcc", "ld.gold", "objdump", "addr2line"):
        tool(name)

    def make(folder: Path) -> None:
        (folder / "site.c").write_text(SOURCE)
        for layout, flags in LAYOUTS.items():
            command = ["gcc", "-O2", "-g", *flags, "-Wl,--build-id=sha1", "site.c", "-o", layout]
            subprocess.run(command, cwd=folder, check=True)

    folder = once("sites", make)
    return lambda layout: folder / layout


@pytest.mark.parametrize("engine", [Engine.AUTO, Engine.SYMBOLIC, Engine.ADDR2LINE], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_call_sites_are_named_as_by_addr2line(build: Callable[[str], Path], layout: str, engine: Engine) -> None:
    if engine is Engine.SYMBOLIC:
        pytest.importorskip("symbolic")
    path = build(layout)
    elf = read_headers(str(path))
    calls = call_addresses(path)
    answers = dict(zip(calls, addr2line(path, calls), strict=True))
    known = {address: answer for address, answer in answers.items() if answer[0][1].startswith("/")}
    assert len(known) >= 8
    assert any(len(answer) == 3 for answer in known.values())
    offsets = {address: file_offset(elf, address) for address in known}
    run = run_of(str(path), offsets.values(), whole_mappings(elf, str(path)))
    named = symbolize(run, options=SymbolOptions(engine=engine))
    check(named)
    assert set(notes(named)) == {"build-unverified"}
    records = named.snapshots[0].records
    assert records is not None
    for node, answer in zip(records.node.tolist(), known.values(), strict=True):
        frames = [named.frames[index] for index in named.tree.path(node)]
        assert [(frame.function, frame.path, frame.line) for frame in frames] == answer
        assert [frame.is_inlined for frame in frames] == [False] + [True] * (len(answer) - 1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_calls_are_known_and_little_else(build: Callable[[str], Path], layout: str) -> None:
    path = build(layout)
    elf = read_headers(str(path))
    content = np.fromfile(path, dtype=np.uint8)
    calls = call_addresses(path)
    returns = np.array([file_offset(elf, address) + 1 for address in calls])
    assert follow_calls(elf, content, returns, np.array(calls) + 1).all()
    (segment,) = elf.segments
    others = np.setdiff1d(np.arange(segment.offset + 8, segment.offset + segment.size), returns)
    hits = follow_calls(elf, content, others, others - segment.offset + segment.address)
    assert hits.mean() < 0.02


def test_other_sizes_of_the_mapping_are_refused(build: Callable[[str], Path]) -> None:
    path = build("pie")
    elf = read_headers(str(path))
    offsets = [file_offset(elf, address) for address in call_addresses(path)]
    (whole,) = whole_mappings(elf, str(path))
    for mapping in (
        whole._replace(end=whole.end + 4096),
        whole._replace(offset=whole.offset + 4096),
        Mapping(0, 4096, 0, str(path)),
    ):
        run = symbolize(run_of(str(path), offsets, (mapping,)))
        assert "does not have the size that was mapped" in notes(run)["wrong-binary"]


def test_addresses_that_follow_no_call_are_refused(build: Callable[[str], Path]) -> None:
    path = build("pie")
    elf = read_headers(str(path))
    offsets = [file_offset(elf, address) + 1 for address in call_addresses(path)]
    run = symbolize(run_of(str(path), offsets, whole_mappings(elf, str(path))))
    assert "return addresses" in notes(run)["wrong-binary"]


def test_build_ids_of_the_profile_decide(build: Callable[[str], Path]) -> None:
    path = build("pie")
    elf = read_headers(str(path))
    offsets = [file_offset(elf, address) for address in call_addresses(path)]
    (whole,) = whole_mappings(elf, str(path))
    assert elf.build_id is not None
    run = symbolize(run_of(str(path), offsets, (whole._replace(build_id=elf.build_id.upper()),)))
    assert notes(run) == {} or set(notes(run)) == {"no-symbols"}
    assert any(frame.function == "outer" for frame in run.frames)
    other = symbolize(run_of(str(path), offsets, (whole._replace(build_id="ab" * 20),)))
    assert elf.build_id in notes(other)["wrong-binary"]
    assert all(frame.function is None for frame in other.frames)
    both = (whole._replace(build_id="ab" * 20), whole._replace(build_id=elf.build_id))
    several = symbolize(run_of(str(path), offsets, both))
    assert "several builds" in notes(several)["wrong-binary"]


def test_what_lies_in_no_function_has_no_name(build: Callable[[str], Path]) -> None:
    path = build("pie")
    elf = read_headers(str(path))
    (whole,) = whole_mappings(elf, str(path))
    (segment,) = elf.segments
    # _fini is the last symbol and has no size; symbolisers name everything behind it so.
    behind = segment.offset + segment.size - 1
    mapping = whole._replace(build_id=elf.build_id)
    for engine in Engine:
        run = symbolize(run_of(str(path), [behind, behind + 100], (mapping,)), options=SymbolOptions(engine=engine))
        assert all(frame.function is None for frame in run.frames)
        assert "2 addresses have no name" in notes(run)["no-symbols"]


def test_a_file_below_the_sysroot_is_found(build: Callable[[str], Path], tmp_path: Path) -> None:
    path = build("pie")
    elf = read_headers(str(path))
    offsets = [file_offset(elf, address) for address in call_addresses(path)]
    target = tmp_path / "opt" / "server"
    target.parent.mkdir()
    target.write_bytes(path.read_bytes())
    for module in ("/opt/server", "/../opt/./server"):
        run = symbolize(
            run_of(module, offsets, whole_mappings(elf, module)), options=SymbolOptions(sysroot=str(tmp_path))
        )
        assert any(frame.function == "outer" and frame.module == module for frame in run.frames)
    deleted = "/opt/server (deleted)"
    run = run_of(deleted, offsets, whole_mappings(elf, deleted))
    assert all(frame.function is None for frame in symbolize(run).frames)
    found = symbolize(run, options=SymbolOptions(symbol_paths=(str(target.parent),)))
    assert any(frame.function == "outer" for frame in found.frames)


def test_a_file_that_replaced_a_deleted_one_is_not_opened(build: Callable[[str], Path]) -> None:
    path = build("pie")
    elf = read_headers(str(path))
    offsets = [file_offset(elf, address) for address in call_addresses(path)]
    deleted = f"{path} (deleted)"
    run = symbolize(run_of(deleted, offsets, whole_mappings(elf, deleted)))
    assert all(frame.function is None for frame in run.frames)
