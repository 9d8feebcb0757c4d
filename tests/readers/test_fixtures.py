"""Every fixture of every reader: found by content, equal to the oracle, valid, and safe when cut."""

from __future__ import annotations

import pytest

from leakreport.errors import InputError
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.readers import get_reader, pick_reader
from leakreport.testing import (
    assert_chunks_do_not_matter,
    assert_cuts_are_safe,
    assert_mutants_are_safe,
    without_stacks,
)
from tests.support import MemoryStream, cases, expected, fixture_bytes, kind_totals, read

FAMILIES = ("memcheck-xml", "memcheck-text")
ALL = [(family, case) for family in FAMILIES for case in cases(family)]
NOT_PROFILES = {
    ("memcheck-xml", "empty"),
    ("memcheck-xml", "prolog-only"),
    ("memcheck-xml", "public-valgrind-fdleak_dup_xml"),
}
REFUSED = {(family, f"race-{tool}") for family in FAMILIES for tool in ("drd", "helgrind")}
ANSWERED = [(family, case) for family in FAMILIES for case in expected(family)]


@pytest.mark.parametrize(("family", "case"), ANSWERED)
def test_totals_are_those_of_the_oracle(family: str, case: str) -> None:
    raws = read(family, fixture_bytes(family, case))
    found = [kind_totals(raw) for raw in raws]
    wanted = expected(family)[case]
    assert len(found) == len(wanted)
    remaining = list(found)
    for process in wanted:
        match = next(
            (one for one in remaining if all(one[kind] == tuple(amounts) for kind, amounts in process.items())), None
        )
        assert match is not None, (process, found)
        remaining.remove(match)


@pytest.mark.parametrize(("family", "case"), ALL)
def test_the_reader_is_found_under_any_name(family: str, case: str) -> None:
    if (family, case) in {("memcheck-xml", "empty"), ("memcheck-xml", "prolog-only")}:
        pytest.skip("has no content of any format")
    stream = MemoryStream("whatever.bin", fixture_bytes(family, case))
    assert pick_reader(stream, DEFAULT_LIMITS).info.name == family


@pytest.mark.parametrize(("family", "case"), [pair for pair in ALL if pair not in REFUSED | NOT_PROFILES])
def test_the_model_holds_its_invariants_and_paths_add_up(family: str, case: str) -> None:
    run = build_run(read(family, fixture_bytes(family, case)))
    check(run)
    for snapshot in run.snapshots:
        rest = snapshot.unattributed()
        for metric in ("definite_bytes", "indirect_bytes", "possible_bytes", "reachable_bytes", "retained_bytes"):
            assert rest.get(metric, 0) >= 0, (metric, rest)


@pytest.mark.parametrize(("family", "case"), sorted(REFUSED))
def test_other_tools_are_refused_by_name(family: str, case: str) -> None:
    with pytest.raises(InputError, match="DRD" if "drd" in case else "Helgrind") as caught:
        read(family, fixture_bytes(family, case))
    assert caught.value.slug == "unsupported-input"


@pytest.mark.parametrize(("family", "case"), [("memcheck-xml", "kinds"), ("memcheck-xml", "p6-checks"), ("memcheck-text", "kinds"), ("memcheck-xml", "threads")])  # fmt: skip
def test_the_size_of_reads_does_not_matter(family: str, case: str) -> None:
    assert_chunks_do_not_matter(get_reader(family), fixture_bytes(family, case))


@pytest.mark.parametrize(("family", "case"), [("memcheck-xml", "kinds"), ("memcheck-xml", "p6-kinds"), ("memcheck-xml", "tmpl"), ("memcheck-xml", "errors"), ("memcheck-text", "kinds"), ("memcheck-text", "svc-v3"), ("memcheck-text", "errors")])  # fmt: skip
def test_a_cut_never_gives_a_figure_of_a_half_read_record(family: str, case: str) -> None:
    content = fixture_bytes(family, case)
    end = content.rstrip().rfind(b"</valgrindoutput>" if family == "memcheck-xml" else b"ERROR SUMMARY")
    # The text tells the figures of a record before its stack.
    compare_as = set if family == "memcheck-xml" else without_stacks
    assert_cuts_are_safe(get_reader(family), content, end=end, compare_as=compare_as)


@pytest.mark.parametrize(("family", "case"), [("memcheck-xml", "kinds"), ("memcheck-xml", "errors"), ("memcheck-text", "kinds"), ("memcheck-text", "errors")])  # fmt: skip
def test_changed_bytes_raise_nothing_else(family: str, case: str) -> None:
    assert_mutants_are_safe(get_reader(family), fixture_bytes(family, case))
