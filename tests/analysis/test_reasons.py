"""Why it grew, in words and figures: real pairs whose answer their makers wrote down, and small runs for each sentence."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.diffverdict import place_of
from leakreport.analysis.identity import canonical_name
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.reason_text import MOST_IDS, RULES
from leakreport.api import load, symbolize
from leakreport.cli import main
from leakreport.model.builder import build_run
from leakreport.model.raw import Frame, Mapping, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run
from leakreport.symbols.options import Engine, SymbolOptions
from tests.support import FIXTURES, fixture_bytes, fixture_path

SCHEMA = json.loads((FIXTURES.parent / "docs" / "leakreport-1.schema.json").read_text(encoding="utf-8"))
# What the program's own books say of libthumbs 1.4.2 and 1.5.0 after phase 12: alloc_pixels has 2,752,512 bytes more,
# 2,097,152 of them through handle_request; everything else is the same.
PIXELS, REQUESTS = 2_752_512, 2_097_152
# Of the two libthumbs.so that were profiled, as readelf -n tells.
BUILDS = ("bb51afaebb9b634c5b866c474e4c841dcab33a73", "c24e170ec480ad7e99d6f88280aa85606c0be2d2")
PROGRAM = "/home/user/shop/bin/shop"
Paths = dict[tuple[str, ...], int]


def names(report: DiffReport, frames: tuple[int, ...] | None) -> list[str | None]:
    return [report.frames[index].function for index in frames or ()]


def by_rule(report: DiffReport) -> dict[str, list[list[str | None]]]:
    found: dict[str, list[list[str | None]]] = {}
    for finding in report.findings:
        found.setdefault(finding.rule, []).append(names(report, finding.frames))
    return found


@pytest.mark.parametrize(
    ("family", "cases"), [("heaptrack", ("demo-v1", "demo-v2")), ("pprof", ("demo-v1", "demo-v2"))]
)
def test_the_leak_of_a_library_is_on_one_call(family: str, cases: tuple[str, str]) -> None:
    before, after = (load(str(fixture_path(family, case))) for case in cases)
    report = compare(before, after)
    graph = report.growth_graph
    assert graph is not None
    assert (graph.whole_bytes, graph.explained_bytes, graph.is_explained, graph.is_fewest) == (
        PIXELS,
        PIXELS,
        True,
        True,
    )
    decode, pixels = (
        next(frame.function for frame in report.frames if f"thumbs::{name}" in (frame.function or ""))
        for name in ("decode_image", "detail::alloc_pixels")
    )
    assert by_rule(report) == {
        "growth.call-edge": [[decode, pixels]],
        "growth.common-function": [[pixels]],
        "growth.responsible-frame": [[pixels]],
    }
    assert [finding.values for finding in report.findings] == [{"retained_bytes": PIXELS}] * 3
    grown = {row.id for row in report.rows if row.change["retained_bytes"] > 0 and row.is_significant}
    assert {identity for finding in report.findings for identity in finding.path_ids} == grown
    assert report.verdict.lead[-1] == (
        "All of the growth is on 1 call edge: thumbs::decode_image → thumbs::detail::alloc_pixels (src/thumbs.cpp:30);"
        " all of it goes through thumbs::detail::alloc_pixels."
    )
    # No name tells a version, and the folders v1 and v2 are none.
    assert report.libraries == ()


def moved(content: bytes, version: str) -> bytes:
    """The same profile of a library that lies in a folder with its version."""
    old = b"/src/shopd/v1/libthumbs.so" if b"/v1/libthumbs.so" in content else b"/src/shopd/v2/libthumbs.so"
    new = f"/opt/thumbs-{version}/lib/libthumbs.so".encode()
    # heaptrack writes the length of a text before it.
    return content.replace(b"s %x %s\n" % (len(old), old), b"s %x %s\n" % (len(new), old)).replace(old, new)


def installed(root: Path) -> SymbolOptions:
    """The profiled binaries where `moved` says that they are; names come from their symbol tables alone."""
    for version, source in (("1.4.2", "v1"), ("1.5.0", "v2")):
        for file, binary in ((f"opt/thumbs-{version}/lib/libthumbs.so", source), (f"src/shopd/{source}/demo", "v2")):
            target = root / file
            target.parent.mkdir(parents=True)
            target.write_bytes(lzma.decompress((FIXTURES / "symbols" / binary / f"{target.name}.xz").read_bytes()))
    return SymbolOptions(sysroot=str(root), engine=Engine.NONE, debug_folder=str(root / "none"))


@pytest.mark.parametrize(
    ("family", "cases", "edge"),
    [
        # alloc_pixels is inlined, which symbol tables do not tell.
        ("gperftools", ("series-v1-0012", "series-v2-0012"), ("put", "decode_image")),
        ("heaptrack", ("demo-v1", "demo-v2"), ("decode_image", "alloc_pixels")),
    ],
)
def test_an_upgrade_that_leaks_is_said_in_the_verdict(
    family: str, cases: tuple[str, str], edge: tuple[str, str], tmp_path: Path
) -> None:
    options = installed(tmp_path / "root")
    sides = []
    for case, version in zip(cases, ("1.4.2", "1.5.0"), strict=True):
        path = tmp_path / f"{case}.gz"
        path.write_bytes(gzip.compress(moved(fixture_bytes(family, case), version)))
        sides.append(symbolize(load(str(path)), options=options))
    report = compare(sides[0], sides[1])
    assert report.verdict.lead[0] == "libthumbs 1.4.2 → 1.5.0, and 100% of the growth is allocated in it."
    (library,) = report.libraries
    assert (library.before, library.after) == (("1.4.2",), ("1.5.0",))
    assert (library.allocated_bytes, library.passing_bytes, len(library.rows)) == (PIXELS, PIXELS, 2)
    assert "libthumbs 1.4.2 → 1.5.0: 2.62 MiB of the growth (100%) is allocated in it." in report.surroundings
    (found,) = by_rule(report)["growth.call-edge"]
    assert [canonical_name(function).base for function in found] == list(edge)
    back = compare(sides[1], sides[0])
    assert back.growth_graph is None
    assert "libthumbs 1.5.0 → 1.4.2." in back.surroundings


def test_a_rebuild_is_told_by_its_build_id() -> None:
    sides = []
    for case, build_id in zip(("series-v1-0012", "series-v2-0012"), BUILDS, strict=True):
        run = load(str(fixture_path("gperftools", case)))
        (snapshot,) = run.snapshots
        mappings = tuple(
            mapping._replace(build_id=build_id if mapping.path.endswith("libthumbs.so") else "5ca1ab1e")
            for mapping in snapshot.meta.mappings
        )
        sides.append(replace(run, snapshots=(replace(snapshot, meta=replace(snapshot.meta, mappings=mappings)),)))
    report = compare(sides[0], sides[1])
    changed = "libthumbs was rebuilt (build id bb51afae → c24e170e)"
    assert report.verdict.lead[0] == f"{changed}, and 100% of the growth is allocated in it."
    # Paths of another build without names match none: all that the later version holds is new, 393,216 more.
    assert [(one.name, one.is_rebuilt, one.allocated_bytes - 393_216) for one in report.libraries] == [
        ("libthumbs", True, PIXELS)
    ]


def frame_of(name: str) -> Frame:
    """`library:function` in an object, `function` in the program."""
    module, _, function = name.rpartition(":")
    if not module:
        return Frame(function, PROGRAM, "/home/user/shop/src", "shop.c", 7)
    return Frame(function, module)


def run_of(paths: Paths, **meta: object) -> Run:
    table = SampleTableBuilder(("retained_bytes",))
    for stack, amount in paths.items():
        table.add(map(frame_of, stack), (amount,))
    described = replace(SnapshotMeta("test", "folded", command=(PROGRAM,)), **meta)  # type: ignore[arg-type]
    return build_run([RawSnapshot(described, {"retained_bytes": sum(paths.values())}, table.build())])


def compared(before: Paths, after: Paths) -> DiffReport:
    return compare(run_of(before), run_of(after), AnalysisOptions(min_change_bytes=1))


def imgkit(version: str) -> Callable[[str], str]:
    return lambda function: f"/usr/lib/libimgkit.so.{version}:{function}"


def test_the_share_of_a_library_is_exact_to_a_tenth() -> None:
    old, new = imgkit("3.1.4"), imgkit("3.2.0")
    before: Paths = {("main", "render", old("open")): 100, ("main", "login"): 100}
    after: Paths = {("main", "render", new("open")): 1047, ("main", "login"): 153}
    report = compared(before, after)
    assert report.verdict.lead[0] == "libimgkit 3.1.4 → 3.2.0, and 94.7% of the growth is allocated in it."
    assert report.verdict.lead[-1] == "95% of the growth is on 1 call edge: render → open (src/shop.c:7)."
    (finding, *_) = report.findings
    assert finding.rule == "growth.changed-library"
    assert finding.values == {"retained_bytes": 947}
    assert finding.facts == ("947 B of 1,000 B are allocated in it.", "947 B of 1,000 B pass through it.")


def test_growth_that_only_passes_through_a_library_is_told_so() -> None:
    old, new = imgkit("3.1.4"), imgkit("3.2.0")
    before: Paths = {("main", old("each"), "visit"): 100, ("main", "log"): 100}
    after: Paths = {("main", new("each"), "visit"): 800, ("main", "log"): 400}
    report = compared(before, after)
    assert report.verdict.lead[0] == "libimgkit 3.1.4 → 3.2.0, and 70.0% of the growth passes through it."
    assert [(one.allocated_bytes, one.passing_bytes) for one in report.libraries] == [(0, 700)]


def test_less_than_half_is_no_sentence_of_the_verdict() -> None:
    old, new = imgkit("3.1.4"), imgkit("3.2.0")
    before: Paths = {("main", "render", old("open")): 100, ("main", "login"): 100}
    report = compared(before, {("main", "render", new("open")): 109, ("main", "login"): 110})
    assert not any("libimgkit" in sentence for sentence in report.verdict.lead)
    assert "libimgkit 3.1.4 → 3.2.0: 9 B of the growth (47.4%) is allocated in it." in report.surroundings


def test_another_libc_is_not_blamed_for_what_starts_in_it() -> None:
    def stack(version: str) -> tuple[str, ...]:
        libc = f"/usr/lib/libc-{version}.so"
        return (f"{libc}:__libc_start_main", "main", "work", f"{libc}:strdup", f"{libc}:malloc")

    report = compared({stack("2.31"): 5}, {stack("2.36"): 50})
    assert [(one.title, one.passing_bytes) for one in report.libraries] == [("libc 2.31 → 2.36", 0)]
    assert report.surroundings == ("libc 2.31 → 2.36.",)
    assert report.verdict.lead[-1].startswith("All of the growth is on 1 call edge: work → strdup")


def test_the_program_itself_did_not_change_around_the_program() -> None:
    def run(build_id: str, amount: int) -> Run:
        return run_of({("main", "work"): amount}, mappings=(Mapping(0, 9, 0, PROGRAM, build_id),))

    report = compare(run("aa11", 5), run("bb22", 50), AnalysisOptions(min_change_bytes=1))
    assert [(one.name, one.is_program, one.allocated_bytes) for one in report.libraries] == [("shop", True, 45)]
    assert not any("rebuilt" in sentence for sentence in report.verdict.lead)
    assert [finding.rule for finding in report.findings] == list(RULES[1:])


def test_an_interpreter_is_a_program_that_can_be_upgraded() -> None:
    def run(version: str, amount: int) -> Run:
        program = f"/usr/bin/python{version}"
        return run_of({("main", f"{program}:list_append"): amount}, command=(program, "job.py"))

    report = compare(run("3.11", 5), run("3.12", 50), AnalysisOptions(min_change_bytes=1))
    assert [(one.title, one.is_program) for one in report.libraries] == [("python 3.11 → 3.12", True)]
    assert report.verdict.lead[0] == "python 3.11 → 3.12, and 100% of the growth is allocated in it."
    assert report.findings[0].path_ids == (report.rows[0].id,)


def test_shares_are_of_recorded_paths_where_some_growth_is_on_none() -> None:
    before, after = run_of({("main", "work"): 5}), run_of({("main", "work"): 50})
    (snapshot,) = after.snapshots
    after = replace(after, snapshots=(replace(snapshot, totals={"retained_bytes": 80}),))
    report = compare(before, after, AnalysisOptions(min_change_bytes=1))
    assert report.unattributed["retained_bytes"] == 30
    assert report.verdict.lead[-1].startswith("All of the growth on recorded paths is on 1 call edge: ")


def test_many_calls_are_counted_and_the_largest_are_named() -> None:
    after: Paths = {("main", f"f{number}", f"g{number}"): 20 for number in range(5)}
    report = compared({("main", "keep"): 1}, {("main", "keep"): 1, **after})
    assert report.verdict.lead[-1] == (
        "80% of the growth is on 4 call edges: f0 → g0 (src/shop.c:7), f1 → g1 (src/shop.c:7), f2 → g2 (src/shop.c:7) and 1 more."
    )


def test_growth_that_is_spread_is_not_said_to_be_explained() -> None:
    after: Paths = {("main", f"f{number}", f"g{number}"): 10 for number in range(100)}
    report = compared({("main", "keep"): 1}, {("main", "keep"): 1, **after})
    assert report.verdict.lead[-1] == "The growth is spread: 16 call edges together carry 16% of it."
    assert report.growth_graph is not None
    assert not report.growth_graph.is_explained
    assert not report.growth_graph.is_fewest


def test_all_ids_of_a_large_finding_are_counted_and_some_listed() -> None:
    after: Paths = {("main", "fill", "put", f"g{number}"): 10 for number in range(MOST_IDS + 10)}
    report = compared({("main", "keep"): 1}, {("main", "keep"): 1, **after})
    edge = next(finding for finding in report.findings if finding.rule == "growth.call-edge")
    assert (edge.count, len(edge.path_ids)) == (MOST_IDS + 10, MOST_IDS)


def test_where_nothing_grew_nothing_is_explained() -> None:
    report = compared({("main", "work"): 5}, {("main", "work"): 5})
    assert (report.growth_graph, report.findings, report.libraries) == (None, (), ())


def test_every_output_says_where_it_grew(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(fixture_path("heaptrack", case)) for case in ("demo-v1", "demo-v2")]
    sentence = "1 call edge: thumbs::decode_image → thumbs::detail::alloc_pixels"
    for renderer in ("terminal", "markdown", "html"):
        assert main(["diff", *paths, "--to", renderer]) == 0
        text = capsys.readouterr().out.replace("`", "")
        assert sentence in text, renderer
        assert ("FINDING growth.call-edge +2752512 B 2 paths All" in text) == (renderer == "terminal")
    assert main(["diff", *paths, "--to", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(SCHEMA).validate(document)
    assert [finding["rule"] for finding in document["findings"]] == list(RULES[1:])
    assert document["growth"] == {"bytes": PIXELS, "explained_bytes": PIXELS, "explained": True, "fewest": True}
    ids = {row["id"] for row in document["paths"]}
    for finding in document["findings"]:
        assert set(finding["path_ids"]) <= ids
        assert all(index < len(document["frames"]) for index in finding["frames"])


def test_a_sentence_names_nobody() -> None:
    assert place_of(Frame("f", directory="/home/ann", file="x.c", line=3)) == " (~/x.c:3)"
    assert place_of(Frame("f", directory="/srv/shop", file="x.c")) == " (shop/x.c)"
