"""What the analysis says of real files, against what their sources and the tool say."""

from __future__ import annotations

import re

import pytest

from leakreport.analysis.analyze import analyze
from leakreport.analysis.identity import canonical_name, fold_recursion, module_stem
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.ownership import is_entry, looks_like_wrapper, path_matches
from leakreport.analysis.processes import Grouping
from leakreport.analysis.report import GateResult, Report, Status
from leakreport.errors import UsageError
from leakreport.model.builder import build_run
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from tests.support import fixture_bytes, read


def report_of(*names: str, family: str = "memcheck-xml", **options: object) -> Report:
    raws = [raw for name in names for raw in read(family, fixture_bytes(family, name))]
    return analyze(build_run(raws), AnalysisOptions(**options))  # type: ignore[arg-type]


def responsible(report: Report, index: int = 0) -> Frame:
    row = report.paths[report.leaks[index].rows[0]]
    assert row.responsible is not None
    return report.frames[row.frames[row.responsible]]


@pytest.mark.parametrize(
    "name", ["kinds", "svc-v2", "svc-v5", "tmpl", "kinds-supp", "svc-v2-defaults", "checks", "p6-checks"]
)
def test_paths_and_unattributed_are_the_totals(name: str) -> None:
    report = report_of(name)
    for metric, total in report.totals.items():
        assert sum(row.values.get(metric, 0) for row in report.paths) + report.unattributed[metric] == total


def test_the_verdict_of_a_leak_word_for_word() -> None:
    report = report_of("svc-v3")
    assert report.verdict.status is Status.LEAK
    # 106,016 definitely + 3,000 indirectly lost, as valgrind's own summary says.
    assert report.verdict.sentence == "106.5 KiB lost at exit, in 4 of 5 loss records"
    assert report.verdict.lead[0].startswith("92% of what is lost goes through journal_append (build/svc.c:66)")


def test_the_largest_leak_comes_first_and_names_its_caller() -> None:
    report = report_of("svc-v3")
    assert responsible(report).function == "journal_append"
    assert [finding.leak_kind for finding in report.leaks][-1] is LeakKind.REACHABLE


def test_a_wrapper_is_no_accumulation_point() -> None:
    point = report_of("kinds").accumulation
    assert point is not None
    assert (point.function, point.wrapper) == ("lose_big", "xmalloc")


def test_alloc_fn_makes_the_callers_responsible() -> None:
    assert responsible(report_of("kinds", allocators=("xmalloc",))).function == "lose_big"


def test_own_patterns_decide() -> None:
    report = report_of("svc-v3", own=("nowhere/**",))
    assert all(row.responsible is None for row in report.paths)
    assert all(row.responsible is not None for row in report_of("svc-v3", own=("demo/**",)).paths)


def test_nothing_held_is_clean_only_after_a_check() -> None:
    assert report_of("clean-true").verdict.status is Status.CLEAN
    killed = report_of("killed-while-running")
    assert killed.verdict.status is Status.INCONCLUSIVE
    assert "never ran" in killed.verdict.sentence


def test_a_cut_file_says_at_least() -> None:
    report = report_of("trunc-mid-tag")
    assert report.verdict.sentence == "At least 680 B lost: the input is incomplete, 33 records read"
    assert not report.is_complete


def test_reachable_only_is_held_not_lost() -> None:
    report = report_of("public-cargo-valgrind-version6")
    assert report.verdict.status is Status.RETAINED
    assert report.unattributed["reachable_bytes"] == 64146


def test_a_forked_child_is_not_counted_twice() -> None:
    report = report_of("family-proc1", "family-proc2", "family-proc3")
    # parent 1000, forked child 1000 inherited + 2000 own, exec'd child 3000: as programs/valgrind/family.c does.
    assert report.totals["definite_bytes"] == 6000
    assert report.totals["inherited_bytes"] == 1000
    assert report.snapshots[report.judged].input_index is None
    apart = report_of("family-proc1", "family-proc2", "family-proc3", grouping=Grouping.RUNS)
    assert apart.totals["definite_bytes"] == 7000
    assert report_of("family-onefile").totals["definite_bytes"] == 6000
    assert report_of("family-onefile", family="memcheck-text").totals["definite_bytes"] == 6000


def test_focus_and_top_hide_but_count() -> None:
    report = report_of("svc-v3", focus="journal")
    assert len(report.paths) == 1
    assert report.selection.hidden_paths == 4
    assert report.selection.hidden_values is not None
    assert report.paths[0].values["retained_bytes"] + report.selection.hidden_values["retained_bytes"] == 113112
    assert len(report_of("svc-v3", top=2).leaks) == 2
    with pytest.raises(UsageError, match="regular expression"):
        report_of("svc-v3", focus="(")


def test_errors_and_descriptors_are_findings() -> None:
    report = report_of("errors")
    assert sum(finding.count for finding in report.findings if finding.rule.startswith("error.")) == 8
    descriptors = [finding for finding in report_of("p6-fds").findings if finding.rule == "descriptor.FdNotClosed"]
    assert len(descriptors) == 5
    assert (
        len([f for f in report_of("fds", family="memcheck-text").findings if f.rule == "descriptor.FdNotClosed"]) == 5
    )


@pytest.mark.parametrize(
    ("name", "words", "result"),
    [
        ("svc-v3", "definite", "failed"),
        ("svc-v3", "possible", "passed"),
        ("svc-v3", "errors", "passed"),
        ("svc-v3", "fds", "inconclusive"),
        ("svc-v2-defaults", "reachable", "inconclusive"),
        ("svc-v2-defaults", "any", "failed"),
        ("errors", "errors", "failed"),
        ("p6-fds", "fds", "failed"),
        ("public-valgrind-fdleak_dup_xml", "definite", "inconclusive"),
        ("public-valgrind-fdleak_dup_xml", "fds", "failed"),
        ("clean-true", "any", "passed"),
        ("killed-while-running", "definite", "inconclusive"),
        ("trunc-mid-tag", "definite", "inconclusive"),
        ("trunc-mid-tag", "possible", "failed"),
    ],
)
def test_gates(name: str, words: str, result: str) -> None:
    verdict = report_of(name, fail_on=(words,)).verdict
    assert verdict.gate == result
    assert verdict.gate_lines[0].gate == f"--fail-on {words}"


def test_max_leaked_compares_exactly() -> None:
    assert report_of("svc-v3", max_leaked_bytes=109016).verdict.gate is GateResult.PASSED
    assert report_of("svc-v3", max_leaked_bytes=109015).verdict.gate is GateResult.FAILED


def test_path_ids_survive_moved_lines_and_other_folders() -> None:
    def ids(name: str) -> set[str]:
        return {row.id for row in report_of(name).paths}

    assert ids("svc-v1") <= ids("svc-v3")
    assert ids("svc-v2") == ids("svc-v2-otherdir")
    assert all(re.fullmatch(r"p1-[0-9a-f]{16}([0-9a-f]{16})?", name) for name in ids("tmpl"))


def test_rows_are_unique_by_id_and_kind() -> None:
    for name in ("kinds", "tmpl", "redis-server", "python3"):
        keys = [(row.id, row.leak_kind) for row in report_of(name).paths]
        assert len(keys) == len(set(keys))


def test_the_tree_view_adds_up_however_small() -> None:
    for most in (1, 5, 40, 20_000):
        tree = report_of("python3", max_nodes=most).tree
        below = [0] * len(tree)
        for index in range(1, len(tree)):
            below[tree.parent[index]] += tree.inclusive_bytes[index]
        assert tree.inclusive_bytes[0] == 2864 + 49975
        assert all(below[index] <= tree.inclusive_bytes[index] for index in range(len(tree)))
        assert below[0] == tree.inclusive_bytes[0]


@pytest.mark.parametrize(
    ("function", "key"),
    [
        (
            "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::reserve()",
            "std::string::reserve",
        ),
        ("f(int) [clone .constprop.0] [clone .isra.0]", "f"),
        ("operator new(unsigned long)", "operator_cv_new"),
        ("(anonymous namespace)::f()", "ANON::f"),
        ("a::b::h0123456789abcdef", "a::b"),
        ("Foo::operator bool() const", "Foo::operator_cv_bool"),
        ("???", "?"),
    ],
)
def test_canonical_names(function: str, key: str) -> None:
    assert canonical_name(function).key == key


def test_small_words() -> None:
    assert fold_recursion(["main", "f", "f", "f", "g"]) == ["main", "f", "g"]
    assert module_stem("libfoo.so.3.1") == "libfoo.so"
    assert is_entry("main")
    assert is_entry("g_main_loop_run")
    assert not is_entry("domain")
    assert looks_like_wrapper("xmalloc")
    assert looks_like_wrapper("zmalloc_usable")
    assert not looks_like_wrapper("load_tile")
    assert path_matches("/home/me/p/src/a.c", "src/**")
