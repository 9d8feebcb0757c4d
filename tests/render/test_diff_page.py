"""The page of a comparison: nothing runs, every figure is the JSON's, both flame graphs stay small."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.options import AnalysisOptions
from leakreport.api import load
from leakreport.model.metrics import LEAK_KINDS
from leakreport.render import as_diff, get_renderer
from leakreport.render.interface import RenderOptions
from leakreport.units import format_bytes, format_change, format_exact_bytes
from tests.html_support import HOSTILE, check_is_closed, collected, hostile_diff, run_of, static_part
from tests.support import fixture_path

CASES = {
    "memcheck": ("memcheck-xml", "svc-v2", "svc-v5"),
    "memcheck-back": ("memcheck-xml", "svc-v5", "svc-v2"),
    "same": ("memcheck-xml", "svc-v3", "svc-v3"),
    "heaptrack": ("heaptrack", "demo-v1", "demo-v2"),
    "gperftools": ("gperftools", "series-v1-0012", "series-v2-0012"),
    "python": ("memcheck-xml", "python3", "sqlite3"),
}


def wide() -> DiffReport:
    """Many paths both ways, under long names that differ at their end only."""
    name = "app::storage::Index<std::basic_string<char>, std::vector<app::Record, std::pmr::polymorphic_allocator<app::Record> > >::insert_{}"  # fmt: skip
    rows = [([name.format(f"{path}_{level}") for level in range(30)], 100_000) for path in range(400)]
    before = [(stack, amount * (3 if index % 2 else 1)) for index, (stack, amount) in enumerate(rows)]
    after = [(stack, amount * (1 if index % 2 else 3)) for index, (stack, amount) in enumerate(rows)]
    return compare(run_of(before, "before"), run_of(after, "after"))


def report_of(name: str) -> DiffReport:
    if name in {"hostile", "wide"}:
        return hostile_diff() if name == "hostile" else wide()
    family, before, after = CASES[name]
    return compare(load(fixture_path(family, before)), load(fixture_path(family, after)))


def page_of(report: DiffReport, command: tuple[str, ...] = ()) -> str:
    return as_diff(get_renderer("html")).render_diff(report, RenderOptions(command=command))


@pytest.mark.parametrize("name", [*CASES, "hostile", "wide"])
def test_nothing_is_loaded_and_nothing_runs(name: str) -> None:
    report = report_of(name)
    text = page_of(report, tuple(HOSTILE))
    check_is_closed(text)
    assert text == page_of(report_of(name), tuple(HOSTILE))
    shapes = [tag for tag in collected(text).tags if tag in {"rect", "text", "path", "circle", "polyline"}]
    for attribute in ("fill", "stroke"):
        found = [tag for tag, key, _ in collected(text).attributes if key == attribute and tag != "svg"]
        assert len(found) == len(shapes), attribute


@pytest.mark.parametrize("name", CASES)
def test_figures_of_the_page_are_those_of_the_json(name: str, tmp_path: Path) -> None:
    report = report_of(name)
    text = page_of(report)
    target = tmp_path / "diff.json"
    target.write_text(as_diff(get_renderer("json")).render_diff(report, RenderOptions()), encoding="utf-8")
    document = json.loads(target.read_text(encoding="utf-8"))
    measured = [metric for metric in ("leaked_bytes", "retained_bytes") if metric in document["change"]]
    for metric in measured:
        ends = [document[side]["totals"][metric] for side in ("before", "after")]
        assert f'title="{format_exact_bytes(ends[0])} → {format_exact_bytes(ends[1])}"' in text
    net = document["change"][measured[0]]
    assert (
        f">{format_change(net) if net else 'no change'} <small>{'+' if net > 0 else ''}{format_exact_bytes(net)}<"
        in text
    )
    for kind in LEAK_KINDS:
        if kind.bytes_metric in document["change"]:
            now, change = document["after"]["totals"][kind.bytes_metric], document["change"][kind.bytes_metric]
            assert f'title="{format_exact_bytes(now)}, change {format_exact_bytes(change)}"' in text
    changes = [path["change"].get("retained_bytes", 0) for path in document["paths"] if path["significant"]]
    grown, shrunk = sum(change > 0 for change in changes), sum(change < 0 for change in changes)
    assert (
        f"<dd>{grown} of {len(document['paths']):,} <small>{shrunk} shrank, {document['noise']['paths']} within noise<"
        in text
    )
    for module in document["attribution"]["modules"][:8]:
        assert f'title="{format_exact_bytes(module["after"])}">{format_bytes(module["after"])}</td>' in text
        assert module["after"] - module["before"] == module["values"]["retained_bytes"]
    assert text.count('<tr id="path-') == min(len(changes), 25)
    assert f"counts from {format_bytes(document['noise']['min_change_bytes'])}" in text
    if document["noise"]["paths"]:
        assert f"within the noise, {format_change(document['noise']['change_bytes'])} together" in text
    quiet = [path["change"].get("retained_bytes", 0) for path in document["paths"] if not path["significant"]]
    assert document["noise"]["change_bytes"] == sum(quiet)
    assert document["noise"]["paths"] == sum(change != 0 for change in quiet)
    for reason in document["mismatches"]:
        assert "Not comparable" in text
        assert reason.replace("'", "&#39;") in text


def test_the_rows_of_the_call_tree_add_up() -> None:
    text = page_of(report_of("memcheck"))
    table = re.findall(r'<table class="tree">.*?</table>', text, re.DOTALL)[0]
    rows = re.findall(r'<span class="faint">((?:· )*)</span>.*?title="([\d,]+) B → ([\d,]+) B"', table)
    ends = [(len(dots) // 2, int(before.replace(",", "")), int(after.replace(",", ""))) for dots, before, after in rows]
    assert ends[0][0] == 0
    for column in (1, 2):
        assert sum(end[column] for end in ends if end[0] == 1) == ends[0][column]
    # svc.c.in: version 3 adds journal_append, which loses 1,000 bytes a hundred times.
    assert re.search(r"journal_append</code>.*?0 B → 100,000 B", table)


@pytest.mark.parametrize("name", ["wide", "python", "hostile"])
def test_the_flame_graphs_stay_small(name: str) -> None:
    graphs = re.findall(r'<svg class="flame".*?</svg>', page_of(report_of(name)), re.DOTALL)
    assert 1 <= len(graphs) <= 2
    assert sum(len(graph.encode()) for graph in graphs) <= 110_000
    assert all(graph.count("<g>") <= 300 for graph in graphs)
    assert len(static_part(page_of(report_of(name))).encode()) <= 400_000


def test_new_and_gone_are_told_without_colour() -> None:
    text = page_of(report_of("memcheck"))
    assert ">new: journal_append<" in text
    assert ">gone: legacy_table<" in text
    assert "<title>legacy_table: 4.00 → 0 KiB, −4.00 KiB, 100% of all shrinkage, gone</title>" in text
    assert "stroke-dasharray" in text


def test_what_grew_little_among_much_is_drawn_alone() -> None:
    cache, leak = ["main", "cache"], ["main", "leak"]
    little = compare(run_of([(cache, 1_000_000)], "a"), run_of([(cache, 1_000_000), (leak, 100_000)], "b"))
    much = compare(run_of([(cache, 1_000_000)], "a"), run_of([(cache, 1_000_000), (leak, 400_000)], "b"))
    assert "width is what paths grew by" in page_of(little)
    assert "width is memory held in b" in page_of(much)
    for report in (little, much):
        # A tenth and a quarter of the rest, all of the growth: the strongest colour.
        assert re.search(r'<title>leak: [^<]*100% of all growth, new</title><rect [^>]*class="g5"', page_of(report))


def test_the_noise_is_one_sentence() -> None:
    report = report_of("python")
    text = page_of(report)
    # valgrind: what was held is gone, too, and below the 64 KiB from which it counts.
    assert re.search(r"5\d paths within the noise, −48.80 KiB together", text)
    # The tree holds all paths, those within the noise, too.
    assert report.tree.after_bytes[0] - report.tree.before_bytes[0] == report.change["retained_bytes"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (AnalysisOptions(), "Growth"),
        (AnalysisOptions(max_growth_bytes=1000, max_growth_text="1000"), "Growth, over budget"),
        (AnalysisOptions(max_growth_bytes=10**9, max_growth_text="1GB"), "Growth, within budget"),
        (AnalysisOptions(fail_on=("new",)), "Growth, gate failed"),
        (AnalysisOptions(fail_on=("new",), max_growth_bytes=10**9, max_growth_text="1GB"), "Growth, gate failed"),
    ],
)
def test_the_tag_says_whether_a_budget_holds(options: AnalysisOptions, words: str) -> None:
    before, after = (load(fixture_path("memcheck-xml", f"svc-v{version}")) for version in (2, 5))
    text = page_of(compare(before, after, options))
    tag = re.search(r'<span class="tag growth">.*?</span> ([^<]*)</span>', text)
    assert tag is not None
    assert tag[1] == words
    if options.max_growth_bytes is not None:
        assert f'<dt>Budget</dt> <dd title="{format_exact_bytes(options.max_growth_bytes)}">' in text


def test_a_budget_is_a_line_over_the_columns() -> None:
    old, new = (load(fixture_path("heaptrack", f"demo-v{version}")) for version in (1, 2))
    text = page_of(compare(old, new, AnalysisOptions(max_growth_bytes=2**20, max_growth_text="1MiB")))
    assert text.count('class="limit"') == 2  # drawn wide, and slim for phones
    assert "budget 2.13 MiB (baseline + 1.00 MiB)" in text
    assert 'class="limit"' not in page_of(compare(old, new))


def test_what_explains_the_growth_stands_in_the_card_of_its_path() -> None:
    text = page_of(report_of("memcheck"))
    card = re.search(r'<tr id="path-1".*?<div class="why">(.*?)</table>', text, re.DOTALL)
    assert card is not None
    assert "+97.66 KiB, 100 more blocks; no such path before." in card[1]
    assert "Definitely lost: no pointer to it remains" in card[1]
    assert "No findings. 4 checks ran." in page_of(report_of("same"))
