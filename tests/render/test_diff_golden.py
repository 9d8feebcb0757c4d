"""Whole outputs of one comparison: a library is upgraded and leaks. Reviewed as text."""

from __future__ import annotations

import pytest

from leakreport import __version__
from leakreport.analysis.compare import compare
from leakreport.model.builder import build_run
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, LeakSearch, Moment, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run
from leakreport.render import as_diff, get_renderer
from leakreport.render.interface import RenderOptions
from tests.golden_support import check_golden

PROGRAM = "/srv/tileserver/bin/tileserver"
FACES = {
    "lines.txt": ("terminal", RenderOptions()),
    "screen-100.txt": ("terminal", RenderOptions(width=100, is_terminal=True)),
    "screen-100-v.txt": ("terminal", RenderOptions(width=100, is_terminal=True, verbosity=1)),
    "comment.md": ("markdown", RenderOptions()),
}


def _own(function: str, file: str, line: int) -> Frame:
    return Frame(function, PROGRAM, "/srv/tileserver/src", file, line)


def _run(source: str, version: str, amounts: tuple[int, int, int, int]) -> Run:
    """The bytes lost through render, open_profile and login, and what the cache still reaches."""
    library = f"/opt/vendor/lib/libimgkit.so.{version}"
    main = _own("main", "main.cpp", 20)
    dispatch = _own("http::Router::dispatch(http::Request const&)", "router.cpp", 118)
    render = _own("ThumbnailPool::render(Tile const&)", "thumbnail_pool.cpp", 142)
    malloc = Frame("malloc", "/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so")
    stacks = (
        (main, dispatch, render, Frame("imgkit::open_jpeg", library), Frame("imgkit::Arena::grow", library), malloc),
        (main, dispatch, _own("TileCodec::open_profile()", "tile_codec.cpp", 88), Frame("imgkit::icc::parse", library), malloc),
        (main, dispatch, _own("AuthHandler::login()", "auth_handler.cpp", 57), malloc),
        (main, _own("TileCache::insert(Tile&&)", "tile_cache.cpp", 211), malloc),
    )  # fmt: skip
    table = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    kinds = (LeakKind.DEFINITE, LeakKind.DEFINITE, LeakKind.POSSIBLE, LeakKind.REACHABLE)
    for stack, amount, kind in zip(stacks, amounts, kinds, strict=True):
        table.add(stack, (amount, amount // 512), leak_kind=kind)
    meta = SnapshotMeta(
        source, "memcheck-xml", tool="memcheck", tool_version="3.22.0", command=(PROGRAM,),
        leak_search=LeakSearch.COMPLETE, kinds_recorded=frozenset(kinds), moment=Moment.EXIT,
    )  # fmt: skip
    blocks = sum(amount // 512 for amount in amounts)
    totals = {"retained_bytes": sum(amounts), "retained_blocks": blocks, "leaked_bytes": sum(amounts[:3])}
    return build_run([RawSnapshot(meta, totals, table.build())])


@pytest.mark.parametrize("face", FACES)
def test_the_text_is_the_reviewed_one(face: str) -> None:
    before = _run("412.xml", "3.1.4", (3_211_264, 655_360, 1_048_576, 6_291_456))
    after = _run("418.xml", "3.2.0", (47_382_528, 4_915_200, 1_507_328, 8_388_608))
    name, options = FACES[face]
    text = as_diff(get_renderer(name)).render_diff(compare(before, after), options)
    assert isinstance(text, str)
    check_golden(f"render/upgrade-{face}", text.replace(f"`{__version__}`", "`VERSION`"))
