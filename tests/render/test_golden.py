"""Whole terminal and Markdown outputs of hand-made reports: what a reader sees, reviewed as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakreport import __version__
from leakreport.analysis.report import (
    Finding,
    GateLine,
    GateResult,
    GroupRow,
    InputSummary,
    PathRow,
    Report,
    Selection,
    Severity,
    Status,
    TreeView,
    Verdict,
)
from leakreport.api import render
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import Frame, LeakSearch, Moment, Note
from leakreport.render.interface import RenderOptions
from tests.golden_support import check_golden

LIBRARY = "/opt/imgkit/libimgkit.so.3"
PROGRAM = "/srv/tileserver"
FRAMES = (
    Frame("main", PROGRAM, "/src/tile", "main.cpp", 20),
    Frame("http::Router::dispatch(http::Request const&)", PROGRAM, "/src/tile/src/http", "router.cpp", 118),
    Frame("ThumbnailPool::render(Tile const&)", PROGRAM, "/src/tile/src/thumb", "thumbnail_pool.cpp", 142),
    Frame("pool_alloc", PROGRAM, "/src/tile/src/thumb", "pool.cpp", 12),
    Frame(
        "imgkit::jpeg::Decoder<std::vector<int, std::allocator<int> > >::create_tables(imgkit::Header const&)", LIBRARY
    ),
    Frame("malloc", "/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so"),
    Frame("AuthHandler::login()", PROGRAM, "/src/tile/src/http", "auth_handler.cpp", 57),
    Frame(address=0x1A2B, module="/usr/lib/libfoo.so.3"),
)
DEFINITE = {"retained_bytes": 47_382_528, "retained_blocks": 2892}
POSSIBLE = {"retained_bytes": 1_507_328, "retained_blocks": 2944}
REACHABLE = {"retained_bytes": 4096, "retained_blocks": 1}
PATHS = (
    PathRow("p1-00000000000000a1", LeakKind.DEFINITE, (0, 1, 2, 3, 4, 5), 3, 4, "libimgkit.so.3", None, DEFINITE, ("0x1",), 2),
    PathRow("p1-00000000000000b2", LeakKind.POSSIBLE, (0, 6, 5), 1, 1, "tileserver", None, POSSIBLE, ("0x2",)),
    PathRow("p1-00000000000000c3", LeakKind.REACHABLE, (7, 5), None, 0, "libfoo.so.3", None, REACHABLE, ("0x3",)),
)  # fmt: skip
TOTALS = {
    "retained_bytes": 48_893_952, "retained_blocks": 5837, "leaked_bytes": 48_889_856, "leaked_blocks": 5836,
    "definite_bytes": 47_382_528, "definite_blocks": 2892, "indirect_bytes": 0, "indirect_blocks": 0,
    "possible_bytes": 1_507_328, "possible_blocks": 2944, "reachable_bytes": 4096, "reachable_blocks": 1,
}  # fmt: skip
NO_TREE = TreeView((), (), (), (), (), (), (), (), ())


def _kinds(totals: dict[str, int], counts: tuple[int, ...]) -> tuple[GroupRow, ...]:
    return tuple(
        GroupRow(kind.word, None, False, {m: totals[m] for m in (kind.bytes_metric, kind.blocks_metric)}, count)
        for kind, count in zip(LEAK_KINDS, counts, strict=True)
    )


def leak_report() -> Report:
    """Two entries that are lost, one held, an entry past the cap, an error, a descriptor, a failed gate."""
    leaks = (
        Finding("leak.definite", Severity.ERROR, "45.19 MiB in 2,892 blocks is definitely lost: no pointer to it remains.",
                "An early return can leave the function before the release.", ("2,892 blocks of 16.00 KiB on average.",),
                ("p1-00000000000000a1",), (0,), responsible=3, values=DEFINITE, leak_kind=LeakKind.DEFINITE),
        Finding("leak.possible", Severity.WARNING, "1.44 MiB in 2,944 blocks is possibly lost.", "Look for interior pointers.",
                (), ("p1-00000000000000b2",), (1,), responsible=1, values=POSSIBLE, leak_kind=LeakKind.POSSIBLE),
    )  # fmt: skip
    problems = (
        Finding("error.InvalidRead", Severity.ERROR, "Invalid read: Invalid read of size 1", "", frames=(0, 6), responsible=1, count=4),
        Finding("descriptor.FdNotClosed", Severity.WARNING, "Descriptor left open: /srv/log", "", frames=(0,), responsible=0),
    )  # fmt: skip
    gate = GateLine("--fail-on definite", GateResult.FAILED, "45.19 MiB definitely lost in 2,892 blocks")
    summary = InputSummary(
        "memcheck.xml", "memcheck-xml", "memcheck", "3.22.0", 4117, 1, (PROGRAM, "--token=abc"), (), "build 418", True, None,
        LeakSearch.COMPLETE, TOTALS, (Note("suppressed", "2 records were suppressed in /home/ann/s.supp."),), 3,
    )  # fmt: skip
    return Report(
        kind="analysis", metric="retained_bytes", title="tileserver",
        verdict=Verdict(Status.LEAK, "46.62 MiB lost at exit, in 2 of 3 loss records",
                        ("97% of it is allocated in libimgkit.so.3.", "Another 4.00 KiB is still reachable at exit."),
                        GateResult.FAILED, (gate,), (f"{gate.gate}: {gate.text}.",)),
        inputs=(summary,), snapshots=(), judged=0, totals=TOTALS, unattributed={}, frames=FRAMES,
        own=(True, True, True, True, False, False, True, False), paths=PATHS, findings=(*leaks, *problems),
        unlisted_leaks=1, by_kind=_kinds(TOTALS, (1, 0, 1, 1)), by_module=(), by_function_when_asked=tuple, groups=(), accumulation=None,
        moment=Moment.EXIT, timeline=(), tree_when_asked=lambda: NO_TREE, selection=Selection(), record_count=3, named_frames=7, checks=14,
        next_commands=("leakreport analyze memcheck.xml -o report.html", "leakreport analyze memcheck.xml --own 'src/**'"),
    )  # fmt: skip


def clean_report() -> Report:
    """A complete check that found nothing."""
    totals = dict.fromkeys(TOTALS, 0)
    report = leak_report()
    summary = replace(report.inputs[0], totals=totals, notes=(), record_count=0)
    return replace(
        report, verdict=Verdict(Status.CLEAN, "Nothing was retained at exit", (), GateResult.NOT_ASKED, (), ()),
        inputs=(summary,), totals=totals, frames=(), own=(), paths=(), findings=(), unlisted_leaks=0,
        by_kind=_kinds(totals, (0, 0, 0, 0)), record_count=0, named_frames=0,
    )  # fmt: skip


def inconclusive_report() -> Report:
    """Two processes; of one the leak search never ran."""
    report = clean_report()
    first = report.inputs[0]
    note = Note("leak-check-not-run", "The leak search did not run: the process was killed.")
    second = replace(first, source="memcheck.4118.xml", pid=4118, is_complete=False, leak_search=LeakSearch.NOT_RUN, totals={}, notes=(note,))  # fmt: skip
    verdict = Verdict(
        Status.INCONCLUSIVE, "No leak search ran in 1 of 2 processes", (), GateResult.INCONCLUSIVE,
        (GateLine("--max-leaked 64KiB", GateResult.INCONCLUSIVE, "an input is incomplete"),), (note.message,),
    )  # fmt: skip
    return replace(report, verdict=verdict, inputs=(first, second))


REPORTS = {"leak": leak_report, "clean": clean_report, "inconclusive": inconclusive_report}
COMMAND = ("leakreport", "analyze", "memcheck.xml", "--source-root", "/home/ann/tile", "--own", "lib:key=hunter2")
FACES = {
    "screen-80.txt": ("terminal", RenderOptions(is_terminal=True, width=80)),
    "screen-120-vv.txt": ("terminal", RenderOptions(is_terminal=True, width=120, verbosity=2)),
    "lines.txt": ("terminal", RenderOptions()),
    "lines-vv.txt": ("terminal", RenderOptions(verbosity=2)),
    "comment.md": ("markdown", RenderOptions(command=COMMAND)),
}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("case", REPORTS)
def test_the_text_is_the_reviewed_one(case: str, face: str) -> None:
    renderer, options = FACES[face]
    text = render(REPORTS[case](), to=renderer, options=options)
    assert isinstance(text, str)
    check_golden(f"render/{case}-{face}", text.replace(f"`{__version__}`", "`VERSION`"))
