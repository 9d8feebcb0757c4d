"""Pairs of real profiles whose difference is known from elsewhere: the program's own count, pprof, jeprof, heaptrack_print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport, DiffRow, Presence
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import GateResult, Status
from leakreport.api import load, symbolize
from leakreport.model.snapshot import Run
from leakreport.symbols.options import SymbolOptions
from tests.support import fixture_path
from tests.symbols.support import unpack

EVERY_BYTE = AnalysisOptions(min_change_bytes=1)


@pytest.fixture(scope="session")
def binaries(tool: Callable[[str], str], once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    tool("addr2line")
    return once("symbols", unpack)


def run_of(family: str, case: str, *folders: Path) -> Run:
    run = load(fixture_path(family, case), unit="bytes")
    wanted = SymbolOptions(tuple(map(str, folders)), debug_folder="/nonexistent")
    return symbolize(run, options=wanted) if folders else run


def compared(family: str, before: str, after: str, options: AnalysisOptions | None = None) -> DiffReport:
    return compare(run_of(family, before), run_of(family, after), options)


def changes(report: DiffReport) -> Counter[str]:
    """Retained bytes that changed, by the function that a person reads first."""
    found: Counter[str] = Counter()
    for row in report.rows:
        if row.change.get("retained_bytes"):
            found[name_of(report, row)] += row.change["retained_bytes"]
    return found


def name_of(report: DiffReport, row: DiffRow) -> str:
    position = row.named_by if row.named_by is not None else row.site
    assert position is not None
    return (report.frames[row.frames[position]].function or "?").partition("(")[0]


def functions(report: DiffReport, row: DiffRow) -> str:
    return " ".join(report.frames[index].function or "" for index in row.frames)


def test_the_new_version_of_a_library_leaks_in_two_places(binaries: Path) -> None:
    # The README of the data, by pprof -diff_base: alloc_pixels 2,097,152 + 655,360, everything else 0.
    before, after = (
        run_of("gperftools", f"series-v{number}-0012", binaries / f"v{number}", binaries / "v2") for number in (1, 2)
    )
    report = compare(before, after)
    assert changes(report) == {"thumbs::detail::alloc_pixels": 2_752_512}
    grown = {row.change["retained_bytes"]: functions(report, row) for row in report.significant}
    assert sorted(grown) == [655_360, 2_097_152]
    assert "handle_request" in grown[2_097_152]
    assert "prefetch" in grown[655_360]
    assert {row.presence for row in report.rows} == {Presence.BOTH}
    assert report.verdict.status is Status.GROWTH
    assert report.mismatches == ()


def test_without_names_the_sum_is_the_same_and_the_gate_fails() -> None:
    report = compared("gperftools", "series-v1-0012", "series-v2-0012", AnalysisOptions(fail_on=("growth",)))
    assert report.change["retained_bytes"] == sum(changes(report).values()) == 2_752_512
    assert report.verdict.gate is GateResult.FAILED


def test_eight_phases_of_one_process_by_name(binaries: Path) -> None:
    before, after = (run_of("gperftools", f"series-v2-{number}", binaries / "v2") for number in ("0004", "0012"))
    report = compare(before, after, EVERY_BYTE)
    found = changes(report)
    assert found["thumbs::detail::alloc_pixels"] == 2_097_152
    assert found["app::ResponsePool::grow"] == 245_760
    assert found.total() == 2_348_032
    assert ["make_entry" in name for name, amount in found.items() if amount == 5_120] == [True]
    assert len(found) == 3


@pytest.mark.parametrize("is_named", [False, True])
def test_two_processes_of_one_build_at_other_addresses_are_no_different(is_named: bool, binaries: Path) -> None:
    folders = [[binaries / "split"], [binaries / "v2"]] if is_named else [[], []]
    sides = [
        run_of("gperftools", case, *folder)
        for case, folder in zip(("split-0012", "series-v2-0012"), folders, strict=True)
    ]
    for before, after in (sides, sides[::-1]):
        report = compare(before, after, EVERY_BYTE)
        assert report.mismatches == ()
        assert not changes(report)
        assert {row.presence for row in report.rows} == {Presence.BOTH}
        assert report.verdict.status is Status.NO_GROWTH


def test_names_on_one_side_only_are_no_comparison(binaries: Path) -> None:
    before, after = run_of("gperftools", "split-0012"), run_of("gperftools", "series-v2-0012", binaries / "v2")
    report = compare(before, after, AnalysisOptions(fail_on=("growth",)))
    assert report.verdict.gate is GateResult.INCONCLUSIVE
    assert any("names" in reason for reason in report.mismatches)


def test_a_sampled_pair_grows_by_the_truth_within_its_error(binaries: Path) -> None:
    # jeprof's totals; the truth of the program is that of the exact profiles: + 2,752,512 in alloc_pixels.
    before, after = (
        run_of("jemalloc", f"series-v{number}-0012", binaries / f"v{number}", binaries / "v2") for number in (1, 2)
    )
    report = compare(before, after)
    assert report.before.totals["retained_bytes"] == pytest.approx(1_720_869, abs=1)
    assert report.after.totals["retained_bytes"] == pytest.approx(4_319_204, abs=1)
    rows = [row for row in report.significant if "alloc_pixels" in functions(report, row)]
    # A stack without any name, of the loader and libstdc++, is not found again beside named ones; it sums to nothing.
    others = [row for row in report.significant if row not in rows]
    assert not any(functions(report, row).strip() for row in others)
    assert sum(row.change["retained_bytes"] for row in others) == 0
    errors = [row.error for row in rows]
    assert all(error is not None and error > 0 for error in errors)
    spread = sum(error**2 for error in errors if error is not None) ** 0.5
    assert abs(sum(row.change["retained_bytes"] for row in rows) - 2_752_512) < 3 * spread
    # parse_row holds 524,288 in both; what the sample says of it is noise.
    flat = [row for row in report.rows if "parse_row" in functions(report, row)]
    assert flat
    assert not any(row.is_significant for row in flat)


def test_what_a_go_program_retains_grows_and_the_rest_is_flat() -> None:
    report = compare(run_of("pprof", "goheap-1"), run_of("pprof", "goheap-6"))
    assert report.after.totals["retained_bytes"] == 9_925_027
    (row,) = report.significant
    assert name_of(report, row) == "main.retain"
    assert row.after["retained_bytes"] == 7_745_010
    # main.retain keeps 1,310,720 bytes a round; five rounds lie between.
    assert row.error is not None
    assert abs(row.change["retained_bytes"] - 5 * 1_310_720) < 3 * row.error
    assert next(r for r in report.rows if name_of(report, r) == "main.flat").change["retained_bytes"] == 0


@pytest.mark.parametrize("family", ["heaptrack", "folded", "pprof"])
def test_the_same_leak_in_other_formats(family: str) -> None:
    suffix = "-leaked" if family == "folded" else ""
    report = compared(family, f"demo-v1{suffix}", f"demo-v2{suffix}")
    held = (1_590_608, 4_343_120) if family == "pprof" else (1_188_694, 3_941_206)
    assert (report.before.totals["retained_bytes"], report.after.totals["retained_bytes"]) == held
    assert sorted(row.change["retained_bytes"] for row in report.significant) == [655_360, 2_097_152]
    assert sum(changes(report).values()) == 2_752_512


@pytest.mark.parametrize("family", ["memcheck-xml", "memcheck-text"])
def test_ten_sessions_more_leak_ten_names_more(family: str) -> None:
    # svc.c.in: a session has 64 bytes, its name 100.
    report = compare(run_of(family, "svc-v1"), run_of(family, "svc-v2"))
    assert changes(report) == {"session_open": 640, "name_dup": 1_000}
    assert {row.change["retained_blocks"] for row in report.significant} == {10}


@pytest.mark.parametrize("family", ["memcheck-xml", "memcheck-text"])
@pytest.mark.parametrize("case", ["svc-v2-otherdir", "svc-v2-verbose", "svc-v2-stamp", "svc-v2-fullpath"])
def test_where_and_how_a_run_was_recorded_is_no_change(family: str, case: str) -> None:
    report = compare(run_of(family, "svc-v2"), run_of(family, case), AnalysisOptions(fail_on=("growth", "new")))
    assert not report.listed
    assert report.verdict.gate is GateResult.PASSED


def test_text_and_xml_of_one_program_are_no_different() -> None:
    report = compare(run_of("memcheck-xml", "svc-v3"), run_of("memcheck-text", "svc-v3"))
    assert not report.listed
    assert report.mismatches == ()


@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 6), (6, 8)])
def test_each_step_of_the_wave_keeps_as_much_more(before: int, after: int) -> None:
    # heapwave.c: 36,000 bytes more are kept at exit in each step, all of them from mid_record.
    report = compared("dhat", f"wave-grow{before}", f"wave-grow{after}", EVERY_BYTE)
    assert changes(report) == {"mid_record": 36_000}


@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 6), (6, 8)])
def test_massif_sees_the_wave_at_its_peak(before: int, after: int) -> None:
    # The peaks that ms_print marks, of bytes asked for; the paths that changed are below wave.
    peaks = {2: 677_200, 4: 713_420, 6: 755_640, 8: 791_640}
    report = compared("massif", f"wave-grow{before}", f"wave-grow{after}", EVERY_BYTE)
    totals = report.before.totals["retained_bytes"], report.after.totals["retained_bytes"]
    assert totals == (peaks[before], peaks[after])
    assert changes(report)["mid_record"] > 0.9 * report.change["retained_bytes"]


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 3)])
def test_a_mapping_more_is_one_mebibyte(before: int, after: int) -> None:
    report = compared("massif", f"mapper-grow{before}", f"mapper-grow{after}")
    assert changes(report) == {"grab": 1_048_576}


def test_two_compilers_report_the_same_leaks() -> None:
    # leaks.c: 7 groups of gcc and 5 of clang are the same 54 allocations.
    report = compare(run_of("sanitizer", "gcc"), run_of("sanitizer", "clang"), EVERY_BYTE)
    assert report.before.totals["leaked_bytes"] == report.after.totals["leaked_bytes"] == 3_006_409
    assert not report.listed
    assert {row.presence for row in report.rows} == {Presence.BOTH}


def test_a_server_under_load_grows_by_the_difference_of_its_headers() -> None:
    report = compare(run_of("gperftools", "redis"), run_of("gperftools", "redis-later"))
    assert report.change["retained_bytes"] == 35_325_875 - 34_551_940
    assert sum(changes(report).values()) == report.change["retained_bytes"]
