"""What holds for any two profiles: every metric sums, swapped sides mirror, a profile is no different from itself."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport, DiffRow, Presence
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.processes import Grouping
from leakreport.analysis.report import GateResult, Status
from leakreport.api import load, load_inputs
from leakreport.model.snapshot import Run
from leakreport.render import as_diff, get_renderer
from leakreport.render.interface import RenderOptions
from tests.analysis.runs_support import loaded, memcheck
from tests.html_support import static_part
from tests.support import FAMILIES, cases, fixture_path

MIRRORED_PRESENCE = {Presence.NEW: Presence.GONE, Presence.GONE: Presence.NEW, Presence.BOTH: Presence.BOTH}
MIRRORED_MATCH = {"split": "merged", "merged": "split"}
LARGEST = 60_000
"""Bytes of an input: larger ones say nothing more here."""


@cache
def readable() -> tuple[tuple[str, str], ...]:
    """Every fixture that can be read by itself."""
    found = []
    for family in FAMILIES:
        for case in cases(family):
            path = fixture_path(family, case)
            if path.stat().st_size <= LARGEST and load_inputs([str(path)], unit="bytes").run is not None:
                found.append((family, case))
    return tuple(found)


@cache
def run_of(family: str, case: str) -> Run:
    return load(fixture_path(family, case), unit="bytes")


def pairs() -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Some of one format, and some of two; the same in every run of the tests."""
    generator = Random(20)
    for family in FAMILIES:
        own = [one for one in readable() if one[0] == family]
        yield from ((generator.choice(own), generator.choice(own)) for _ in range(2))
    everything = list(readable())
    yield from ((generator.choice(everything), generator.choice(everything)) for _ in range(10))


def assert_adds_up(report: DiffReport) -> None:
    assert set(report.change) == set(report.before.totals) & set(report.after.totals)
    for metric, change in report.change.items():
        assert report.after.totals[metric] - report.before.totals[metric] == change
        assert sum(row.change.get(metric, 0) for row in report.rows) + report.unattributed[metric] == change
    for row in report.rows:
        for metric, change in row.change.items():
            assert row.after.get(metric, 0) - row.before.get(metric, 0) == change


def facts(report: DiffReport, *, is_swapped: bool = False) -> list[tuple[object, ...]]:
    """Rows without their names, which are those of the later side; of a swapped comparison as they were before."""

    def fact(row: DiffRow) -> tuple[object, ...]:
        ends = (sorted(row.before.items()), sorted(row.after.items()))
        kinds = (row.leak_kind_before, row.leak_kind)
        sign = -1 if is_swapped else 1
        return (
            str(MIRRORED_PRESENCE[row.presence] if is_swapped else row.presence),
            ends[::sign],
            sorted((metric, sign * change) for metric, change in row.change.items()),
            kinds[::sign],
            str(MIRRORED_MATCH.get(row.matched_as or "", row.matched_as) if is_swapped else row.matched_as),
            str(row.confidence),
            row.is_significant,
            math.inf if row.score is None else round(row.score, 9),
        )

    return sorted(map(fact, report.rows))


def assert_mirrored(before: Run, after: Run) -> None:
    there, back = compare(before, after), compare(after, before)
    for report in (there, back):
        assert_adds_up(report)
    assert {metric: -change for metric, change in back.change.items()} == dict(there.change)
    assert {metric: -change for metric, change in back.unattributed.items()} == dict(there.unattributed)
    assert facts(there) == facts(back, is_swapped=True)
    assert (there.noise_rows, there.noise_change) == (back.noise_rows, -back.noise_change)


def test_pairs_of_all_formats_add_up_and_mirror() -> None:
    for before, after in pairs():
        assert_mirrored(run_of(*before), run_of(*after))


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_differs_from_itself(family: str) -> None:
    options = AnalysisOptions(fail_on=("growth", "new"), min_change_bytes=1)
    for one in readable():
        if one[0] != family:
            continue
        run = run_of(*one)
        report = compare(run, run, options)
        assert not report.listed, one
        assert not any(change for row in report.rows for change in row.change.values()), one
        assert not any(report.change.values()), one
        if not report.mismatches:
            assert report.verdict.status is Status.NO_GROWTH, one
            assert report.verdict.gate is GateResult.PASSED, one


def test_no_output_has_a_number_that_is_none_or_says_growing(tmp_path: Path) -> None:
    for number, (before, after) in enumerate(pairs()):
        work = ("requests", (1000.0, 1000.0 if number % 2 else 0.5))
        report = compare(run_of(*before), run_of(*after), AnalysisOptions(per=work, fail_on=("any",)))
        for name in ("terminal", "json", "markdown", "html"):
            options = RenderOptions(is_terminal=number % 2 == 0, verbosity=number % 3)
            content = as_diff(get_renderer(name)).render_diff(report, options)
            text = content if isinstance(content, str) else content.decode()
            if name == "json":
                # Python's parser takes NaN and Infinity unless told not to.
                json.loads(text, parse_constant=pytest.fail)
                text = json.dumps(json.loads(text)["verdict"])
            shown = static_part(text) if name == "html" else text
            words = set(shown.replace("<", " ").replace(">", " ").replace("(", " ").replace(",", " ").split())
            assert not words & {"NaN", "nan", "inf", "+inf", "-inf", "Infinity", "∞", "+inf%", "growing"}, name
            assert "inf %" not in shown


RUNS = st.lists(
    st.dictionaries(st.sampled_from(["open", "parse", "cache", "log", "send"]), st.integers(1, 9_000), max_size=5),
    min_size=1,
    max_size=4,
)


@examples(max_examples=60)
@given(before=RUNS, after=RUNS, seed=st.integers(0, 99), is_repeated=st.booleans())
def test_random_runs_add_up_mirror_and_do_not_depend_on_their_order(
    before: list[dict[str, int]], after: list[dict[str, int]], seed: int, *, is_repeated: bool
) -> None:
    generator = Random(seed)
    options = AnalysisOptions(grouping=Grouping.RUNS if is_repeated else None)

    def side(runs: list[dict[str, int]], *, is_shuffled: bool = False) -> Run:
        contents = [
            memcheck(
                amounts,
                pid=100 + number,
                command="./svc" if is_repeated else f"./test{number}",
                kind=("Leak_DefinitelyLost", "Leak_StillReachable")[number % 2],
            )
            for number, amounts in enumerate(runs)
        ]
        if is_shuffled:
            generator.shuffle(contents)
        return loaded(contents)

    there = compare(side(before), side(after), options)
    back = compare(side(after), side(before), options)
    other = compare(side(before, is_shuffled=True), side(after, is_shuffled=True), options)
    for report in (there, back, other):
        assert_adds_up(report)
    assert facts(there) == facts(back, is_swapped=True) == facts(other)
    assert there.change == other.change
    assert (there.verdict.status, there.verdict.sentence) == (other.verdict.status, other.verdict.sentence)
