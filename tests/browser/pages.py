"""Every page that the browser tests and the gallery open: one place that says what each is and how it is made.

The reports are of recordings of real programs, one of each kind at least; what no recording has (names meant to break the
page, a million nodes, a single path) is made.
"""

from __future__ import annotations

import contextlib
import html
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Report
from leakreport.analysis.trend import trend
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import analyze, load
from leakreport.render.html import HtmlRenderer
from leakreport.render.interface import RenderOptions
from leakreport.render.json import JsonRenderer
from tests.conftest import ROOT
from tests.html_support import HOSTILE, hostile_diff, made_trend, run_of
from tests.support import fixture_path

AnyReport = Report | DiffReport | TrendReport
LONG_NAME = (
    "void shop::Outer<" + ", ".join(f"std::pair<int, shop::Inner{n}<char> >" for n in range(142)) + ">::run(int)"
)
"""A name of 5,000 characters, as templates make them."""
MILLION_NODES_IN_STACKS = 112_000


class Page(NamedTuple):
    """A page to open."""

    name: str
    about: str
    """What is to be seen on it, for people."""
    make: Callable[[], AnyReport]
    source_roots: tuple[str, ...] = ()


class Written(NamedTuple):
    """A page in a folder, and the JSON document of the same report."""

    name: str
    html: Path
    json: Path
    """Not written for a million nodes."""

    def framed(self, sandbox: str) -> Path:
        """A page that holds the report in a sandboxed frame, as viewers of attachments do."""
        return self.html.with_name(f"{self.name}-in-{sandbox or 'sandbox'}.html")


def _place(family: str, case: str) -> Path:
    return fixture_path(family, case).relative_to(ROOT)


def _analysis(family: str, case: str) -> Callable[[], Report]:
    return lambda: analyze(load(_place(family, case)))


def _diff(family: str, before: str, after: str) -> Callable[[], DiffReport]:
    return lambda: compare(load(_place(family, before)), load(_place(family, after)))


def _trend(family: str, *names: str) -> Callable[[], TrendReport]:
    return lambda: trend(load([_place(family, name) for name in names]))


def _demo() -> Report:
    return analyze(load("fixtures/demo/memcheck.xml"))


def _hostile() -> Report:
    return analyze(run_of([([name, "main", name], 1000 * (at + 1)) for at, name in enumerate(HOSTILE)], HOSTILE[0]))


def _one_path() -> Report:
    return analyze(run_of([(["main", "keep"], 4096)], "one.xml"))


def _everything_new() -> DiffReport:
    stacks = [(["main", f"serve_{n}", f"keep_{n}"], 3 << (n + 10)) for n in range(12)]
    return compare(run_of([], "before.xml"), run_of(stacks, "after.xml"))


def _long_name() -> Report:
    return analyze(run_of([(["main", LONG_NAME, "operator new(unsigned long)"], 1 << 20)], "long.xml"))


def million_nodes() -> Report:
    """A profile whose call tree has a million nodes."""
    from bench.heap import write_heap

    with tempfile.TemporaryDirectory() as folder:
        write_heap(Path(folder, "shopd.heap"), MILLION_NODES_IN_STACKS)
        with contextlib.chdir(folder):
            return analyze(load("shopd.heap"))


PAGES = (
    Page("demo", "memcheck, the example of `make demo`: a verdict, call paths with source lines", _demo, ("fixtures/demo",)),
    Page("memcheck", "memcheck: lost memory of a small service, by kind of leak", _analysis("memcheck-xml", "svc-v3")),
    Page("memcheck-many", "memcheck of redis-server: a thousand loss records", _analysis("memcheck-xml", "redis-server")),
    Page("memcheck-errors", "memcheck: memory errors and one small leak", _analysis("memcheck-xml", "errors")),
    Page("memcheck-partial", "memcheck: the run was killed, so nothing can be judged", _analysis("memcheck-xml", "killed-while-running")),
    Page("nothing", "zero bytes: a clean check", _analysis("memcheck-xml", "clean-true")),
    Page("massif", "massif: memory of a KDE editor over time, judged at its peak", _analysis("massif", "public-visualizer-kate2")),
    Page("massif-no-tree", "massif: totals only, no snapshot with a tree", _analysis("massif", "public-visualizer-huge")),
    Page("gperftools", "gperftools: heap of redis-server in use", _analysis("gperftools", "redis")),
    Page("jemalloc", "jemalloc: a sampled heap", _analysis("jemalloc", "series-v2-0012")),
    Page("pprof", "pprof: a heap in use", _analysis("pprof", "demo-v2")),
    Page("pprof-unnamed", "pprof without symbols: addresses only", _analysis("pprof", "demo-v2-unsymbolised")),
    Page("pprof-base", "pprof with a base: two states, the first of them negative in the file", _analysis("pprof", "demo-v2-diff-base")),
    Page("heaptrack", "heaptrack: a Qt program, what it never freed", _analysis("heaptrack", "public-kde-david")),
    Page("dhat", "DHAT: what templates allocate", _analysis("dhat", "tmpl")),
    Page("sanitizer", "LeakSanitizer: direct and indirect leaks", _analysis("sanitizer", "gcc")),
    Page("one-path", "one path that holds everything", _one_path),
    Page("long-name", "a name of 5,000 characters", _long_name),
    Page("hostile", "names that are meant to break the page", _hostile),
    Page("million-nodes", "a call tree of a million nodes", million_nodes),
    Page("diff", "two runs of a service: it grew", _diff("memcheck-xml", "svc-v2", "svc-v5")),
    Page("diff-heaptrack", "two heaptrack recordings of two versions", _diff("heaptrack", "demo-v1", "demo-v2")),
    Page("diff-shrank", "two runs of a service: it shrank", _diff("memcheck-xml", "svc-v5", "svc-v2")),
    Page("diff-same", "no growth: a run against itself", _diff("memcheck-xml", "svc-v3", "svc-v3")),
    Page("diff-new", "everything is new", _everything_new),
    Page("diff-other-program", "two programs: not comparable", _diff("memcheck-xml", "python3", "sqlite3")),
    Page("diff-hostile", "a comparison of names that are meant to break the page", hostile_diff),
    Page("trend", "six runs of a service", _trend("memcheck-xml", *(f"svc-v{n}" for n in range(1, 7)))),
    Page("trend-massif", "a wave: the snapshots of one massif recording", lambda: trend(load(_place("massif", "wave-ms")))),
    Page("trend-total-only", "twenty totals without a call path", lambda: made_trend({}, total=[1000 * n for n in range(20)])),
    Page("trend-hostile", "a trend of names that are meant to break the page", lambda: made_trend({name: [100 * (at + 1) * n for n in range(12)] for at, name in enumerate(HOSTILE)})),
)  # fmt: skip
NAMES = tuple(page.name for page in PAGES)


def command_of(report: AnyReport) -> tuple[str, ...]:
    """The command that makes such a page."""
    name = "diff" if isinstance(report, DiffReport) else "trend" if isinstance(report, TrendReport) else "analyze"
    return ("leakreport", name, *(summary.source for summary in report.inputs), "-o", "report.html")


def render_html(report: AnyReport, options: RenderOptions) -> str:
    """The page of a report of any kind."""
    if isinstance(report, DiffReport):
        return HtmlRenderer().render_diff(report, options)
    if isinstance(report, TrendReport):
        return HtmlRenderer().render_trend(report, options)
    return HtmlRenderer().render(report, options)


def render_json(report: AnyReport) -> str:
    """The JSON document of a report of any kind."""
    options = RenderOptions()
    if isinstance(report, DiffReport):
        return JsonRenderer().render_diff(report, options)
    if isinstance(report, TrendReport):
        return JsonRenderer().render_trend(report, options)
    return JsonRenderer().render(report, options)


def written(folder: Path, name: str) -> Written:
    """Where a page is in a folder that `write_pages` filled."""
    return Written(name, folder / f"{name}.html", folder / f"{name}.json")


def write_pages(folder: Path, pages: Iterable[Page] = PAGES) -> None:
    """Write every page, its document, and the two pages that frame it."""
    for page in pages:
        # Pages name their inputs; nobody's folders are to be seen in a picture.
        with contextlib.chdir(ROOT):
            report = page.make()
            text = render_html(report, RenderOptions(command=command_of(report), source_roots=page.source_roots))
        place = written(folder, page.name)
        place.html.write_text(text, encoding="utf-8")
        if page.name != "million-nodes":
            place.json.write_text(render_json(report), encoding="utf-8")
        for sandbox in ("", "allow-scripts"):
            frame = f'<iframe sandbox="{sandbox}" srcdoc="{html.escape(text)}"></iframe>'
            style = "<style>body{margin:0}iframe{border:0;width:100vw;height:100vh}</style>"
            place.framed(sandbox).write_text(
                f'<!doctype html><html lang="en"><meta charset="utf-8"><title>ticket</title>{style}{frame}',
                encoding="utf-8",
            )


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
