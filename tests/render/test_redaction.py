"""Redacted reports: no name of the input in any output, every figure and id as without."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.identity import prose_name
from leakreport.analysis.options import AnalysisOptions, GrowthLimit
from leakreport.analysis.redaction import redacted_frame
from leakreport.analysis.report import Report
from leakreport.analysis.tokens import prose_tokens
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import analyze, compare, load, load_inputs, render, trend
from leakreport.model.builder import build_run
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import (
    CaptionedStack,
    Frame,
    LeakSearch,
    Mapping,
    Moment,
    Note,
    ProblemKind,
    RawProblem,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
)
from leakreport.model.snapshot import Run
from leakreport.render.interface import RenderOptions
from tests.privacy_support import FORMATS, ROOT, SLOW, WORD, names_of, text_of, words_of
from tests.support import FAMILIES, FIXTURES, cases, fixture_path

AnyReport = Report | DiffReport | TrendReport
REDACT = AnalysisOptions(redact=True)
CASES = [(family, case) for family in FAMILIES for case in cases(family)]


def run_of(family: str, case: str) -> Run:
    run = load_inputs([str(fixture_path(family, case))], unit="bytes").run
    if run is None:
        pytest.skip("nothing in it can be read")
    return run


def assert_silent(report: AnyReport, runs: list[Run], formats: tuple[str, ...]) -> None:
    """No word that only the input has, in any format, with everything that options can add."""
    words = set().union(*map(words_of, runs))
    names = [name for run in runs for name in names_of(run) if words.intersection(WORD.findall(name))]
    command = ("leakreport", "analyze", *(run.snapshots[0].meta.source for run in runs))
    for name in formats:
        options = RenderOptions(verbosity=2, records=True, command=command, include_host=True, is_terminal=True)
        text = text_of(render(report, to=name, options=options))
        found = words.intersection(WORD.findall(text))
        assert not found, (name, sorted(found)[:10])
        if name == "json":
            whole = [one for one in names[:300] if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text)]
            assert not whole, whole[:5]


@pytest.mark.parametrize(("family", "case"), CASES, ids=lambda text: text)
def test_no_name_is_in_any_output(family: str, case: str) -> None:
    run = run_of(family, case)
    plain, report = analyze(run), analyze(run, config=REDACT)
    # A page takes as long as all else together: each family has some.
    has_slow = cases(family).index(case) % 5 == 0
    assert_silent(report, [run], tuple(name for name in FORMATS if has_slow or name not in SLOW))
    assert_same(plain, report)


def assert_same(plain: Report, report: Report) -> None:
    """The figures, ids and places of two reports."""

    def rows(one: Report) -> list[object]:
        return [
            (row.id, row.leak_kind, row.frames, row.responsible, row.named_by, row.site, row.values)
            for row in one.paths
        ]

    def findings(one: Report) -> list[object]:
        return [
            (found.rule, found.id, found.rows, found.frames, found.values, found.path_ids) for found in one.findings
        ]

    def groups(one: Report) -> list[object]:
        found = [(row.is_own, row.path_count, sorted(row.values.items())) for row in (*one.by_module, *one.by_function)]
        return sorted(found, key=repr)

    assert rows(plain) == rows(report)
    assert findings(plain) == findings(report)
    assert groups(plain) == groups(report)
    assert plain.own == report.own
    assert (plain.verdict.status, plain.verdict.gate) == (report.verdict.status, report.verdict.gate)
    assert (plain.totals, plain.unattributed) == (report.totals, report.unattributed)
    assert [frame.line for frame in plain.frames] == [frame.line for frame in report.frames]
    assert (plain.accumulation is None) == (report.accumulation is None)
    if plain.accumulation is not None and report.accumulation is not None:
        assert plain.accumulation.frame == report.accumulation.frame


PAIRS = [
    ("memcheck-xml", "svc-v1", "svc-v2"),
    ("memcheck-text", "svc-v1", "svc-v2"),
    ("massif", "svc-v1", "svc-v2"),
    ("dhat", "svc-v1", "svc-v2"),
    ("dhat", "svc-v1", "svc-v6"),
]


@pytest.mark.parametrize(("family", "before", "after"), PAIRS)
def test_no_name_is_in_a_comparison(family: str, before: str, after: str) -> None:
    runs = [run_of(family, before), run_of(family, after)]
    gates = AnalysisOptions(fail_on=("growth",), max_growth_of=(GrowthLimit("svc*", 4096, "svc*=4KiB"),))
    plain, report = compare(*runs, config=gates), compare(*runs, config=replace(gates, redact=True))
    assert_silent(report, runs, ("terminal", "json", "markdown", "html"))
    assert_same_change(plain, report)


def assert_same_change(plain: DiffReport, report: DiffReport) -> None:
    """The figures, ids and matches of two comparisons."""

    def rows(one: DiffReport) -> list[object]:
        return [
            (row.id, row.id_before, row.presence, row.matched_as, row.confidence, row.score, row.frames, row.frames_before,
             row.change, row.named_by, row.site) for row in one.rows
        ]  # fmt: skip

    assert rows(plain) == rows(report)
    assert plain.verdict.status == report.verdict.status
    assert [line.result for line in plain.verdict.gate_lines] == [line.result for line in report.verdict.gate_lines]
    assert [line.text for line in plain.verdict.gate_lines] == [line.text for line in report.verdict.gate_lines]
    assert [(found.rule, found.frames, found.values) for found in plain.findings] == [
        (found.rule, found.frames, found.values) for found in report.findings
    ]
    assert [(one.allocated_bytes, one.rows) for one in plain.libraries] == [
        (one.allocated_bytes, one.rows) for one in report.libraries
    ]
    assert len(plain.mismatches) == len(report.mismatches)
    assert len(plain.surroundings) == len(report.surroundings)


IDENTITY = [
    ("tilecache", "base", "rename"),
    ("tilecache", "base", "ns"),
    ("tilecache", "base", "wrap"),
    ("plughost", "base", "release"),
    ("logfmt", "base", "release"),
    ("lrurust", "base", "release"),
]


@pytest.mark.parametrize(("program", "before", "after"), IDENTITY)
def test_renamed_functions_are_matched_and_not_named(program: str, before: str, after: str) -> None:
    paths = [FIXTURES / "identity" / program / f"{name}.xml.gz" for name in (before, after)]
    runs = [run for path in paths if (run := load_inputs([str(path)]).run) is not None]
    forced = AnalysisOptions(force_compare=True, fail_on=("growth", "new"))
    plain, report = compare(*runs, config=forced), compare(*runs, config=replace(forced, redact=True))
    assert_silent(report, runs, ("terminal", "json", "markdown"))
    assert_same_change(plain, report)


SERIES = ("gperftools", "jemalloc")


@pytest.mark.parametrize("family", SERIES)
def test_no_name_is_in_a_trend(family: str) -> None:
    paths = [str(fixture_path(family, case)) for case in cases(family) if case.startswith("series-v2")]
    run = load_inputs(paths).run
    assert run is not None
    plain, report = trend(run), trend(run, config=REDACT)
    assert_silent(report, [run], ("terminal", "json", "markdown", "html"))

    def rows(one: TrendReport) -> list[object]:
        return [(row.path.id, row.series, row.verdict.word, row.path.frames, row.other_ids) for row in one.rows]

    assert rows(plain) == rows(report)
    assert plain.verdict.status == report.verdict.status
    assert [(point.totals, point.members) for point in plain.points] == [
        (point.totals, point.members) for point in report.points
    ]
    assert plain.fits.keys() == report.fits.keys()


def made_run(version: str = "1.2.3", *, names: tuple[str, ...] = (), extra: int = 0) -> Run:
    """A run with all that analysis says more about: a wrapper, recursion, a library with a version, notes on files."""
    library = f"/usr/lib/libzebra-{version}.so"
    program = "/srv/giraffe/bin/giraffe"
    frames = {
        name: Frame(name, program, "/srv/giraffe/src", "giraffe.cpp", line)
        for line, name in enumerate(("main", "Okapi::walk(int)", "Okapi::visit(int)", "okapi_xmalloc", *names), 1)
    }
    inside = Frame("zebra_load", library, None, "zebra.c", 5)
    malloc = Frame("malloc", "/usr/libexec/valgrind/vgpreload_memcheck.so")
    builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    walk, visit = frames["Okapi::walk(int)"], frames["Okapi::visit(int)"]
    stacks = [
        [frames["main"], walk, visit, walk, visit, frames["okapi_xmalloc"], malloc],
        [frames["main"], walk, inside, Frame("fopen", "/usr/lib/libc.so.6"), malloc],
        *([frames["main"], frames[name], Frame("strdup", "/usr/lib/libc.so.6"), malloc] for name in names),
    ]
    for number, stack in enumerate(stacks):
        builder.add(stack, (4096 * (number + 1) + extra, 2), leak_kind=LeakKind.DEFINITE, name=f"lemur-{number}")
    total = sum(4096 * (number + 1) + extra for number in range(len(stacks)))
    meta = SnapshotMeta(
        source="runs/meerkat.xml",
        format="memcheck-xml",
        tool="memcheck",
        pid=7,
        command=(program, "--quokka=9", "wombat"),
        tool_options=("--log-file=platypus.log", "--num-callers=4"),
        label="capybara build",
        leak_search=LeakSearch.COMPLETE,
        kinds_recorded=frozenset(LeakKind),
        moment=Moment.EXIT,
        mappings=(Mapping(0, 4096, 0, library, "aabbccdd" * 5 if version == "1.2.3" else "11223344" * 5),),
        notes=(Note("wrong-binary", "Not the build that was profiled, and not used: libzebra-1.2.3.so (ibex/x.so)."),),
    )
    problem = RawProblem(
        ProblemKind.ERROR,
        "InvalidRead",
        "Invalid read of size 8 in ocelot",
        stacks=(CaptionedStack("near axolotl", (walk,)),),
    )
    totals = {"retained_bytes": total, "definite_bytes": total, "leaked_bytes": total}
    return build_run([RawSnapshot(meta, totals, builder.build(), (problem,))])


ANIMALS = (
    "zebra",
    "giraffe",
    "kapi",
    "lemur",
    "meerkat",
    "quokka",
    "wombat",
    "platypus",
    "capybara",
    "ibex",
    "ocelot",
    "axolotl",
)
OPTIONS = (
    AnalysisOptions(redact=True, group_by="function"),
    AnalysisOptions(redact=True, group_by="file"),
    AnalysisOptions(redact=True, group_by="module"),
    AnalysisOptions(redact=True, focus="Okapi", ignore="zebra_load"),
    AnalysisOptions(redact=True, allocators=("okapi_xmalloc",)),
    AnalysisOptions(redact=True, own=("/srv/giraffe/**", "lib:libzebra*")),
)


def assert_no_animal(text: str) -> None:
    found = [name for name in (*ANIMALS, "fopen", "fclose", "strdup", "1.2.3", "aabbccdd") if name in text.lower()]
    assert not found, (found, text[max(text.lower().index(found[0]) - 200, 0) :][:300])


@pytest.mark.parametrize("options", OPTIONS)
def test_no_option_makes_a_name_seen(options: AnalysisOptions) -> None:
    report = analyze(made_run(), config=options)
    plain = analyze(made_run(), config=replace(options, redact=False))
    assert_same(plain, report)
    assert len(plain.groups) == len(report.groups)
    for name in FORMATS:
        shown = RenderOptions(
            records=True, verbosity=2, command=("leakreport", "analyze", "meerkat.xml", "--focus=Okapi")
        )
        assert_no_animal(text_of(render(report, to=name, options=shown)))
    assert any(name in repr(plain).lower() for name in ANIMALS)


def test_a_library_that_changed_is_not_named() -> None:
    runs = made_run(), made_run("2.0.1", extra=8192)
    report = compare(*runs, config=REDACT)
    assert_same_change(compare(*runs), report)
    (change,) = report.libraries
    assert re.fullmatch(r"lib-[0-9a-f]{12} version-[0-9a-f]{12} → version-[0-9a-f]{12}", change.title)
    for name in ("terminal", "json", "markdown", "html"):
        assert_no_animal(text_of(render(report, to=name, options=RenderOptions(records=True, verbosity=2))))


def test_gates_quote_no_pattern() -> None:
    options = AnalysisOptions(
        max_growth_of=(GrowthLimit("libzebra*", 1, "libzebra*=1B"), GrowthLimit("*visit*", 9, "*visit*=9B"))
    )
    runs = made_run(), made_run("2.0.1", extra=8192)
    plain, report = compare(*runs, config=options), compare(*runs, config=replace(options, redact=True))
    assert_same_change(plain, report)
    assert [line.gate.rpartition("=")[2] for line in report.verdict.gate_lines] == ["1B", "9B"]
    assert_no_animal(repr(report.verdict))


HOSTILE = (
    "</script><b>okapi</b>",
    "okapi\0\u202e\u2028",
    "fn-0123456789ab.okapi",
    "operator new(okapi)",
    "malloc(okapi)",
    "_Znwm_okapi",
    "okapi::malloc",
    "lib-okapi",
    "[okapi]",
    "\ud800okapi",
    "okapi" * 1000,
    "main::okapi",
    "okapi.constprop.0",
)


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_hostile_names_are_hidden_too(name: str) -> None:
    run = made_run(names=(name,))
    report = analyze(run, config=REDACT)
    assert_same(analyze(run), report)
    for to in FORMATS:
        assert_no_animal(text_of(render(report, to=to, options=RenderOptions(records=True, verbosity=2))))


def test_tokens_stay_what_they_are() -> None:
    frame = redacted_frame(Frame("Okapi::walk(int)", "/usr/lib/libz.so.1", "/usr/include/c++/12", "x.h", 3))._replace(
        hidden=None
    )
    assert redacted_frame(frame)._replace(hidden=None) == frame


def test_equal_names_have_equal_tokens_in_all_reports() -> None:
    first, second = analyze(made_run(), config=REDACT), analyze(made_run("2.0.1", names=("other",)), config=REDACT)
    functions = [{frame.function for frame in report.frames} for report in (first, second)]
    assert functions[0] < functions[1]
    groups = {group.name for group in first.by_function}
    named = {prose_name(frame.function) for frame in first.frames if frame.function}
    assert groups <= named


def test_clones_and_overloads_are_one_name_with_a_number() -> None:
    names = ("okapi_read", "okapi_read.constprop.0", "okapi_read.isra.3")
    tokens = [redacted_frame(Frame(name)).function or "" for name in names]
    assert len({prose_name(token) for token in tokens}) == 1
    assert len(set(tokens)) == len(tokens)


def reachable(value: Any, seen: set[int]) -> Iterator[object]:
    """Everything that a renderer could get hold of, but for what functions enclose."""
    if id(value) in seen or isinstance(value, str | bytes | int | float) or value is None:
        return
    seen.add(id(value))
    yield value
    if is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from reachable(getattr(value, one.name), seen)
    elif isinstance(value, dict):
        for entry in value.values():
            yield from reachable(entry, seen)
    elif isinstance(value, tuple | list):
        for entry in value:
            yield from reachable(entry, seen)


def test_a_renderer_of_somebody_else_cannot_find_the_names() -> None:
    runs = made_run(), made_run("2.0.1", extra=8192)
    for report in (analyze(runs[0], config=REDACT), compare(*runs, config=REDACT)):
        for one in reachable(report, set()):
            assert not (isinstance(one, Frame) and one.hidden is not None)
            assert not isinstance(one, SnapshotMeta)
        assert_no_animal(repr(list(report.paths if isinstance(report, Report) else report.rows)))


def test_a_redacted_page_shows_no_source() -> None:
    source = FIXTURES / "demo" / "svc.c"
    report = analyze(load(FIXTURES / "demo" / "memcheck.xml"), config=REDACT)
    text = str(render(report, to="html", options=RenderOptions(source_roots=(str(source.parent),))))
    lines = [line.strip() for line in source.read_text(encoding="utf-8").splitlines() if len(line.strip()) > 20]
    assert not [line for line in lines if line in text]


def test_notes_of_leakreport_itself_stay_readable() -> None:
    words: set[str] = set()
    for path in (ROOT / "leakreport").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            if name in {"Note", "add_note"}:
                texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                words.update(re.findall(r"(?<![\w'-])[A-Za-z]+(?![\w'-])", " ".join(map(str, texts[1:]))))
    hidden = {word for word in words if prose_tokens(word) != word}
    assert len(words) > 200
    # A word that is missing makes a note harder to read, nothing else.
    assert len(hidden) < 0.05 * len(words), sorted(hidden)
