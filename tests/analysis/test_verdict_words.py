"""Headlines word for word, for every kind of input, against amounts that tools or programs state."""

from __future__ import annotations

import pytest

from leakreport.analysis.compare import compare
from leakreport.analysis.trend import trend
from leakreport.api import analyze, load
from leakreport.model.builder import build_run
from leakreport.model.raw import Frame, LeakSearch, Moment, RawSnapshot, SampleTableBuilder, Sampling, SnapshotMeta
from leakreport.model.snapshot import Run
from tests.html_support import made_trend, run_of
from tests.support import fixture_path

MIB = 1 << 20


def massif(*held: int) -> Run:
    """A profile over time whose greatest snapshot is marked as the peak."""
    raws = []
    for number, amount in enumerate(held):
        builder = SampleTableBuilder(("retained_bytes",))
        builder.add([Frame("main", "/app/x"), Frame("grow", "/app/x")], (amount,))
        meta = SnapshotMeta("m.out", "massif", time=float(number), time_unit="ms", judges_peak=True, is_peak=amount == max(held), moment=Moment.PEAK)  # fmt: skip
        raws.append(RawSnapshot(meta, {"retained_bytes": amount}, builder.build()))
    return build_run(raws)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (
            (10 * MIB, 412 * MIB, 395 * MIB),
            "Heap peaked at 412.0 MiB and 96% of it was still held at the last snapshot",
        ),
        ((10 * MIB, 412 * MIB), "Heap peaked at 412.0 MiB, at the last snapshot"),
        ((10 * MIB, 412 * MIB, 0), "Heap peaked at 412.0 MiB and nothing was held at the last snapshot"),
        ((412 * MIB, 412 * MIB - 1), "Heap peaked at 412.0 MiB and over 99% of it was still held at the last snapshot"),
    ],
)
def test_a_profile_over_time_says_its_peak_and_what_is_left(held: tuple[int, ...], words: str) -> None:
    assert analyze(massif(*held)).verdict.sentence == words


def heap(amount: int, paths: int, *, sampling: Sampling | None = None, moment: Moment = Moment.DUMP) -> Run:
    builder = SampleTableBuilder(("retained_bytes",))
    for number in range(paths):
        builder.add([Frame("main", "/app/x"), Frame(f"f{number}", "/app/x")], (amount // paths,))
    meta = SnapshotMeta("h.heap", "gperftools", sampling=sampling, moment=moment)
    return build_run([RawSnapshot(meta, {"retained_bytes": amount}, builder.build())])


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (heap(69 * MIB, 3), "69.00 MiB in use in 3 call paths"),
        (heap(69 * MIB, 1), "69.00 MiB in use in 1 call path"),
        (heap(69 * MIB, 3, sampling=Sampling(512 * 1024)), "About 69.00 MiB in use in 3 call paths, sampled every 512.0 KiB"),
        (heap(69 * MIB, 3, moment=Moment.EXIT), "69.00 MiB not freed at exit in 3 call paths"),
    ],
)  # fmt: skip
def test_a_heap_profile_says_what_is_in_use_and_whether_it_is_a_sample(run: Run, words: str) -> None:
    assert analyze(run).verdict.sentence == words


def test_a_leak_check_says_what_is_lost() -> None:
    # svc.c.in: version 3 loses 100 blocks of 1,000 bytes and 30 sessions with their names, beside 4,096 bytes.
    report = analyze(load(fixture_path("memcheck-xml", "svc-v3")))
    assert report.verdict.sentence == "106.5 KiB lost at exit, in 4 of 5 loss records"
    assert report.totals["leaked_bytes"] == 100 * 1000 + 30 * (64 + 100) + 4096


def test_two_runs_say_by_how_much_from_which_to_which() -> None:
    old, new = (
        run_of([(["main", "leak"], 8 * MIB)], "r/412/m.xml"),
        run_of([(["main", "leak"], 12 * MIB)], "r/418/m.xml"),
    )
    assert compare(old, new).verdict.sentence == "Lost memory grew by 4.00 MiB (+50%) from 412 to 418"
    assert compare(new, old).verdict.sentence == "Lost memory shrank by 4.00 MiB (−33%) from 418 to 412"
    assert compare(old, old).verdict.sentence == "Lost memory is the same: 8.00 MiB"
    named = [run_of([(["main", "leak"], size)], "x.xml", label) for size, label in ((4095, "build 412"), (8190, "build 418"))]  # fmt: skip
    # Of less than 4 KiB no percentage is told.
    assert compare(named[0], named[1]).verdict.sentence == "Lost memory grew by 4.00 KiB from build 412 to build 418"


def test_runs_that_grow_say_how_fast_and_how_surely() -> None:
    report = made_trend({}, total=[MIB * number for number in range(1, 21)])
    assert (
        report.verdict.sentence
        == "Retained memory grows by 1.00 MiB per snapshot over 20 snapshots (95%: 1.00 to 1.00)"
    )
    stepped = made_trend({"cache": [MIB] * 7 + [9 * MIB] * 9})
    assert stepped.verdict.sentence == "Retained memory stepped up by 8.00 MiB at snapshot 8; no path is growing"
    runs = trend(load([fixture_path("memcheck-xml", f"svc-v{number}") for number in range(1, 7)]))
    # svc.c.in: the step is what version 3 begins to lose; sessions and their names grow with the version's number.
    assert runs.verdict.sentence.startswith("Retained memory stepped up by ")
    assert runs.verdict.sentence.endswith(" at svc-v3; 2 paths are growing")


def test_what_cannot_be_compared_says_both_totals_and_no_difference() -> None:
    report = compare(load(fixture_path("memcheck-xml", "python3")), load(fixture_path("memcheck-xml", "sqlite3")))
    assert report.verdict.sentence == "Not comparable: lost 2.80 KiB before, 0 B after"


def test_a_check_that_never_ran_says_so() -> None:
    raw = RawSnapshot(SnapshotMeta("x", "memcheck-xml", leak_search=LeakSearch.NOT_RUN), {}, SampleTableBuilder(("retained_bytes",)).build())  # fmt: skip
    assert "No leak check" in analyze(build_run([raw])).verdict.sentence
