"""The HTML as text: closed, escaped, unique, the same twice; numbers equal to the JSON's."""

from __future__ import annotations

import pytest

from leakreport.api import analyze, load
from leakreport.model.builder import build_run
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import Frame, LeakSearch, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.render.flame_svg import WIDTH
from leakreport.render.flamegraph import flame_graph
from leakreport.render.html import HtmlRenderer
from leakreport.render.interface import RenderOptions
from leakreport.units import format_bytes
from tests.html_support import HOSTILE, check_is_closed, collected
from tests.support import fixture_path


def hostile_report() -> str:
    builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    for index, name in enumerate(HOSTILE):
        frame = Frame(function=name, module=f"/app/{name}", directory=name, file=name, line=1)
        builder.add([frame], (100 + index, 1), leak_kind=LeakKind.DEFINITE, name=name)
    meta = SnapshotMeta("x", "memcheck-xml", command=tuple(HOSTILE), leak_search=LeakSearch.COMPLETE, kinds_recorded=frozenset(LEAK_KINDS), label=HOSTILE[0])  # fmt: skip
    total = sum(100 + index for index in range(len(HOSTILE)))
    raw = RawSnapshot(meta, {"retained_bytes": total, "leaked_bytes": total, "definite_bytes": total, "definite_blocks": len(HOSTILE)}, builder.build())  # fmt: skip
    return HtmlRenderer().render(analyze(build_run([raw])), RenderOptions(command=tuple(HOSTILE)))


PAGES = ["kinds", "svc-v3", "errors", "tmpl", "clean-true", "killed-while-running", "p6-fds", "latin1-path", "odd-args"]


def page_of(name: str) -> str:
    return (
        hostile_report()
        if name == "hostile"
        else HtmlRenderer().render(analyze(load(fixture_path("memcheck-xml", name))), RenderOptions())
    )


@pytest.mark.parametrize("name", ["hostile", *PAGES])
def test_nothing_is_loaded_and_nothing_runs(name: str) -> None:
    check_is_closed(page_of(name))


def test_two_renderings_are_the_same_bytes() -> None:
    assert page_of("kinds") == page_of("kinds")


def test_every_shape_has_colours_without_style() -> None:
    found = collected(page_of("kinds"))
    shapes = sum(tag in {"rect", "text"} for tag in found.tags)
    assert shapes > 10
    for attribute in ("fill", "stroke"):
        assert sum(tag in {"rect", "text"} and name == attribute for tag, name, _ in found.attributes) == shapes


@pytest.mark.parametrize("name", PAGES)
def test_totals_on_the_page_are_the_reports(name: str) -> None:
    report = analyze(load(fixture_path("memcheck-xml", name)))
    text = HtmlRenderer().render(report, RenderOptions())
    for metric in ("leaked_bytes", "retained_bytes"):
        if metric in report.totals:
            assert format_bytes(report.totals[metric]) in text


def test_boxes_of_the_flame_graph_fit_into_each_other() -> None:
    graph = flame_graph(analyze(load(fixture_path("memcheck-xml", "python3"))))
    assert graph.boxes[0].width == WIDTH - 1
    for box in graph.boxes:
        assert box.x >= 0
        assert box.x + box.width <= WIDTH + 1
    by_row: dict[int, list[float]] = {}
    for box in graph.boxes:
        by_row.setdefault(box.y, []).append(box.width)
    assert all(sum(widths) <= WIDTH + 1 for widths in by_row.values())


def test_a_page_stays_small() -> None:
    assert len(page_of("python3").encode()) < 400_000
