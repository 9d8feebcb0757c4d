"""Every fixture of every reader: found by content, equal to the oracle, valid, and safe when cut."""

from __future__ import annotations

import random

import pytest

from leakreport.errors import InputError
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import RawSnapshot
from leakreport.readers import pick_reader
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
@pytest.mark.parametrize("chunk", [1, 7, 61])
def test_the_size_of_reads_does_not_matter(family: str, case: str, chunk: int) -> None:
    content = fixture_bytes(family, case)
    whole, pieces = read(family, content), read(family, content, chunk)
    assert [raw.totals for raw in whole] == [raw.totals for raw in pieces]
    assert [raw.meta for raw in whole] == [raw.meta for raw in pieces]


def record_keys(raws: list[RawSnapshot]) -> set[tuple[object, ...]]:
    keys: set[tuple[object, ...]] = set()
    for raw in raws:
        table = raw.samples
        if table is None or table.names is None or table.leak_kinds is None:
            continue
        for index, name in enumerate(table.names):
            keys.add((name, int(table.leak_kinds[index]), int(table.values["retained_bytes"][index]), int(table.values["retained_blocks"][index])))  # fmt: skip
    return keys


@pytest.mark.parametrize(("family", "case"), [("memcheck-xml", "kinds"), ("memcheck-xml", "p6-kinds"), ("memcheck-xml", "tmpl"), ("memcheck-xml", "errors"), ("memcheck-text", "kinds"), ("memcheck-text", "svc-v3"), ("memcheck-text", "errors")])  # fmt: skip
def test_a_cut_never_gives_a_figure_of_a_half_read_record(family: str, case: str) -> None:
    content = fixture_bytes(family, case)
    whole = record_keys(read(family, content))
    end = content.rstrip().rfind(b"</valgrindoutput>" if family == "memcheck-xml" else b"ERROR SUMMARY")
    generator = random.Random(case)
    for offset in {*generator.sample(range(len(content)), 120), end - 1, 10, 100}:
        try:
            raws = read(family, content[:offset])
        except InputError:
            continue
        assert record_keys(raws) <= whole, offset
        if offset < end:
            assert not all(raw.meta.is_complete for raw in raws), offset
