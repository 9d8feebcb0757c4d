"""Real profiles with their real binaries: the answers of the programs and of addr2line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from leakreport.api import load, symbolize
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.columns import exact_sum
from leakreport.model.raw import FrameKind
from leakreport.model.snapshot import Run
from leakreport.symbols import resolve
from leakreport.symbols.binaries import Binary, ObjectUse, find_binary
from leakreport.symbols.elf import read_headers
from leakreport.symbols.options import Engine, PinnedBuild, SymbolOptions
from tests.support import fixture_bytes, fixture_path, read
from tests.symbols.support import addr2line, notes, profile, retained_by

# What the program itself counted, with the small blocks of the same functions, by the lines of the profile.
HELD = {
    "thumbs::decode_image": 3_145_728 + 1536 + 384 + 384 + 96,
    "app::handle_request": 2_359_296 + 1536 + 896 + 384,
    "app::parse_row": 524_288,
    "app::ResponsePool::grow": 352_256,
    "app::warm_sessions": 300_000 + 2048,
    "app::AuditEntry* app::make_entry<app::AuditEntry>": 7_680,
}
ENGINES = [Engine.SYMBOLIC, Engine.ADDR2LINE, Engine.LLVM_SYMBOLIZER]
NOWHERE = "/nonexistent"


@pytest.fixture(params=ENGINES, ids=str)
def engine(request: pytest.FixtureRequest, tool: Callable[[str], str]) -> Engine:
    found: Engine = request.param
    if found is Engine.SYMBOLIC:
        pytest.importorskip("symbolic")
    else:
        tool(found.value)
    return found


def options(*folders: Path, engine: Engine = Engine.AUTO, pinned: tuple[PinnedBuild, ...] = ()) -> SymbolOptions:
    return SymbolOptions(tuple(map(str, folders)), engine=engine, pinned=pinned, debug_folder=NOWHERE)


def named(case: str, wanted: SymbolOptions, family: str = "gperftools") -> Run:
    run = profile(family, case)
    found = symbolize(run, options=wanted)
    check(found)
    for before, after in zip(run.snapshots, found.snapshots, strict=True):
        assert before.totals == after.totals
        assert {name: exact_sum(column) for name, column in before.columns.items()} == {
            name: exact_sum(column) for name, column in after.columns.items()
        }
    return found


def unnamed_modules(run: Run) -> set[str]:
    return {frame.module_name or "" for frame in run.frames if frame.kind is FrameKind.ADDRESS}


def test_the_leak_of_the_demo_is_an_inlined_function(binaries: Path, engine: Engine) -> None:
    run = named("series-v2-0012", options(binaries / "v2", engine=engine))
    assert retained_by(run, "thumbs::detail::alloc_pixels") == 3_145_728
    assert {name: retained_by(run, name) for name in HELD} == HELD
    (pixels,) = [frame for frame in run.frames if "alloc_pixels" in (frame.function or "")]
    assert (pixels.is_inlined, pixels.path, pixels.line) == (True, "/src/shopd/src/thumbs.cpp", 14)
    assert not unnamed_modules(run) & {"demo", "libthumbs.so"}
    assert {"demo", "libthumbs.so"} <= set(notes(run)["build-unverified"].replace(":", ",").replace(",", " ").split())


def test_every_address_is_what_addr2line_says(binaries: Path, engine: Engine, tool: Callable[[str], str]) -> None:
    tool("addr2line")
    for name in ("demo", "libthumbs.so"):
        run = profile("gperftools", "series-v2-0012")
        offsets = [frame.offset for frame in run.frames if frame.module_name == name and frame.offset is not None]
        assert len(offsets) > 5
        found = named("series-v2-0012", options(binaries / "v2", engine=engine))
        places = {(frame.function, frame.path, frame.line) for frame in found.frames if frame.module_name == name}
        # In these files an address is its offset. Clones are named differently from tool to tool.
        for answer in addr2line(binaries / "v2" / name, offsets):
            for depth, (function, path, line) in enumerate(answer):
                bare = function.partition(" [clone ")[0]
                # addr2line 2.40 gives some inlined functions the name of the one around them.
                is_misnamed = depth and function == answer[depth - 1][0]
                if path != "??" and not is_misnamed:
                    assert (bare, path, line or None) in places


def test_without_debug_information_symbol_tables_give_the_functions(binaries: Path) -> None:
    run = named("series-v2-0012", options(binaries / "v2", engine=Engine.NONE))
    assert {name: retained_by(run, name) for name in HELD} == HELD
    assert retained_by(run, "thumbs::detail::alloc_pixels") == 0
    assert all(frame.line is None and not frame.is_inlined for frame in run.frames)
    assert "libthumbs.so" in notes(run)["no-lines"]


def test_stripped_files_are_named_by_their_debug_files(binaries: Path, engine: Engine) -> None:
    run = named("series-v2-0012", options(binaries / "split", engine=engine))
    assert retained_by(run, "thumbs::detail::alloc_pixels") == 3_145_728
    assert {name: retained_by(run, name) for name in HELD} == HELD


def test_debug_files_are_found_by_build_id_elsewhere(binaries: Path, tmp_path: Path) -> None:
    stripped, separate = tmp_path / "stripped", tmp_path / "debug"
    stripped.mkdir()
    for name, build_id in (
        ("demo", "a040b049b5da25c31ca5800f9d90d4f57d340a6d"),
        ("libthumbs.so", "c24e170ec480ad7e99d6f88280aa85606c0be2d2"),
    ):
        shutil.copy(binaries / "split" / name, stripped)
        target = separate / ".build-id" / build_id[:2] / f"{build_id[2:]}.debug"
        target.parent.mkdir(parents=True)
        shutil.copy(binaries / "split" / f"{name}.debug", target)
    run = named("series-v2-0012", options(stripped, separate))
    assert retained_by(run, "thumbs::detail::alloc_pixels") == 3_145_728


def test_stripped_files_alone_give_offsets_and_a_note(binaries: Path, tmp_path: Path) -> None:
    shutil.copy(binaries / "split" / "demo", tmp_path)
    run = named("series-v2-0012", options(tmp_path))
    assert "demo" in unnamed_modules(run)
    assert "demo: no symbol there" in notes(run)["no-symbols"]
    assert "libthumbs.so: not found" in notes(run)["no-symbols"]
    assert "--symbol-path" in notes(run)["no-symbols"]


def test_a_debug_file_with_another_checksum_is_not_used(binaries: Path, tmp_path: Path) -> None:
    shutil.copy(binaries / "split" / "demo", tmp_path)
    (tmp_path / "demo.debug").write_bytes((binaries / "split" / "demo.debug").read_bytes() + b"\0")
    assert "demo" in unnamed_modules(named("series-v2-0012", options(tmp_path)))


def test_a_library_of_another_build_is_refused(binaries: Path) -> None:
    run = named("series-v2-0012", options(binaries / "v1"))
    assert "libthumbs.so" in unnamed_modules(run)
    assert "calls before only 0 of 6 return addresses" in notes(run)["wrong-binary"]


def test_the_right_one_is_taken_behind_a_wrong_one(binaries: Path) -> None:
    run = named("series-v2-0012", options(binaries / "v1", binaries / "v2"))
    assert "libthumbs.so" not in unnamed_modules(run)
    assert "wrong-binary" not in notes(run)


def test_a_pinned_build_decides(binaries: Path) -> None:
    right = PinnedBuild("libthumbs.so", "c24e170ec480ad7e99d6f88280aa85606c0be2d2")
    run = named("series-v2-0012", options(binaries / "v2", pinned=(right,)))
    assert "libthumbs.so" not in unnamed_modules(run)
    assert "libthumbs.so" not in notes(run)["build-unverified"]
    wrong = PinnedBuild("/src/shopd/v2/libthumbs.so", "bb51afae")
    run = named("series-v2-0012", options(binaries / "v2", pinned=(wrong,)))
    assert "libthumbs.so" in unnamed_modules(run)
    assert "c24e170ec480ad7e99d6f88280aa85606c0be2d2, not bb51afae" in notes(run)["wrong-binary"]


def test_rust_is_named_by_its_symbol_table(binaries: Path) -> None:
    pytest.importorskip("rust_demangler")
    run = named("rust", options(binaries / "rust"))
    assert retained_by(run, "rusty::store::Table<K>::insert") == 600_000
    assert retained_by(run, "rusty::index") == 177_444


def test_leak_reports_without_symbols_get_them(binaries: Path) -> None:
    run = named("gcc-no-symbols", options(binaries / "sanitizer"), "sanitizer")
    twin = profile("sanitizer", "gcc")
    for function in ("lose_big", "lose_realloc", "dup_name", "build_list"):
        assert retained_by(run, function) == retained_by(twin, function) > 0


def test_build_ids_in_leak_reports_decide(binaries: Path) -> None:
    content = fixture_bytes("sanitizer", "gcc-no-symbols")
    build_id = read_headers(str(binaries / "sanitizer" / "lsan_gcc")).build_id
    assert build_id is not None
    for named, is_right in ((build_id, True), ("ab" * 20, False)):
        text = re.sub(rb"(\(/src/shopd/lsan_gcc\+0x\w+\))", rb"\1 (BuildId: " + named.encode() + b")", content)
        run = symbolize(build_run(read("sanitizer", text)), options=options(binaries / "sanitizer"))
        assert (retained_by(run, "lose_big") > 0) is is_right
        assert "lsan_gcc" not in notes(run).get("build-unverified", "")
        assert ("wrong-binary" in notes(run)) is not is_right


def test_series_are_named_as_a_whole(binaries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []

    def counting(use: ObjectUse, wanted: SymbolOptions) -> Binary:
        looked_at.append(use.module)
        return find_binary(use, wanted)

    monkeypatch.setattr(resolve, "find_binary", counting)
    names = ("series-v2-0001", "series-v2-0004", "series-v2-0012")
    run = symbolize(load([fixture_path("gperftools", name) for name in names]), options=options(binaries / "v2"))
    check(run)
    (pixels,) = [index for index, frame in enumerate(run.frames) if "alloc_pixels" in (frame.function or "")]
    sums = [int(snapshot.columns["retained_bytes"][run.tree.frame == pixels].sum()) for snapshot in run.snapshots]
    assert sums == [262_144, 1_048_576, 3_145_728]
    assert len(looked_at) == len(set(looked_at))
    assert all(not notes(run).keys() & {note.slug for note in found.meta.notes} for found in run.snapshots[1:])


def test_unlinked_files_and_labels_are_never_opened(tmp_path: Path) -> None:
    run = named("deleted", options(tmp_path))
    assert "sqlite3 (deleted)" in unnamed_modules(run)
    assert "sqlite3: not found" in notes(run)["no-symbols"]
    assert "vdso" not in notes(run)["no-symbols"]


def test_a_run_with_names_only_is_left_alone() -> None:
    run = profile("sanitizer", "gcc")
    assert symbolize(run) is run
