"""Every series of samples gets the verdict that its program deserves: what leaks grows, and nothing else does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from leakreport import api
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import GateResult, Status
from leakreport.analysis.trendreport import TrendReport
from tests.support import FIXTURES

SERIES = sorted(path.name.removesuffix(".json.gz") for path in (FIXTURES / "samples").glob("*.json.gz"))
STILL = {
    "c-arenas-plateau": {"plateau"},
    "c-flat-noise": {"plateau", "flat", "step"},
    "c-lazyfree-flat": {"flat", "plateau"},
    "c-sawtooth": {"sawtooth"},
    "c-step": {"step"},
    "c-warmup-flat": {"plateau"},
    "j17-cache-sawtooth": {"plateau", "sawtooth", "flat"},
    "j17-step": {"step"},
    "j17-warmup-flat": {"plateau"},
}
"""The verdicts on what is retained that say: no leak."""
GROWING: dict[str, dict[str, int | None]] = {
    "c-malloc-slow": {"retained_bytes": 65_472},
    "c-mmap-leak": {"retained_bytes": 131_072},
    "c-fd-sock-leak": {
        "open_fds": 5,
        "open_fds:[file] /src/demo/data/app.conf": 3,
        "open_fds:[open descriptors] [socket]": 2,
    },
    "c-filemap-leak": {"mapped_file_bytes": 524_288, "mappings": 1},
    "c-thread-leak": {"thread_stacks": 3},
    "c-sock-net": {"open_fds:[socket] [tcp CLOSE_WAIT 127.0.0.1:41907]": 2},
    "j17-direct-leak": {"retained_bytes": 1_048_576},
    "j17-mapped-leak": {"mapped_file_bytes:[mapped file] /src/demo/data/segment-#.dat": 1_048_576},
    "j17-g1-summary": {"retained_bytes": 524_288},
    "j11-direct-leak": {"retained_bytes": 524_288},
    "j21-direct-leak": {"retained_bytes": 524_288},
    "j25-direct-leak": {"retained_bytes": 524_288},
    "j21-thread-leak": {"retained_bytes": None},
}
"""What grows, by how much a round; None where the files do not tell the thing itself."""
TOO_SHORT = {"pmap-j17-g1-summary", "pmap-j17-mapped-leak"}
"""Two and three samples."""
WITHOUT_DESCRIPTORS = {"pmap-c-fd-sock-leak"}


def samples(name: str, folder: Path) -> Path:
    files = json.loads(gzip.decompress((FIXTURES / "samples" / f"{name}.json.gz").read_bytes()))
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def trend_of(folder: Path, options: AnalysisOptions | None = None) -> TrendReport:
    run = api.load_inputs([str(folder)]).run
    assert run is not None
    return api.trend(run, config=options)


@pytest.mark.parametrize("name", SERIES)
def test_a_series_gets_its_verdict(name: str, tmp_path: Path) -> None:
    report = trend_of(samples(name, tmp_path), AnalysisOptions(fail_on=("growth",)))
    words = {resource.name: resource.row.verdict.word.value for resource in report.resources}
    series = name.partition("-")[2]
    if name in TOO_SHORT:
        assert report.verdict.status is Status.INCONCLUSIVE
    elif series in STILL or name in WITHOUT_DESCRIPTORS:
        assert words["retained_bytes"] in STILL.get(series, {"flat"})
        assert report.verdict.status is not Status.GROWTH
        assert report.verdict.gate is not GateResult.FAILED
    else:
        assert report.verdict.status is Status.GROWTH
        assert report.verdict.gate is GateResult.FAILED


@pytest.mark.parametrize("series", sorted(GROWING))
def test_what_leaks_grows_by_what_the_program_leaks(series: str, tmp_path: Path) -> None:
    report = trend_of(samples(f"smaps-{series}", tmp_path))
    found = {resource.name: resource.row.verdict for resource in report.resources}
    for name, amount in GROWING[series].items():
        assert found[name].word.value == "growing", name
        if amount is not None:
            # A block of malloc costs more than was asked for, and the program itself needs some memory.
            assert amount * 0.97 <= found[name].slope <= amount * 1.25, (name, found[name].slope)


@pytest.mark.parametrize("name", ["smaps-c-arenas-plateau", "smaps-c-lazyfree-flat"])
def test_address_space_and_resident_memory_prove_nothing(name: str, tmp_path: Path) -> None:
    report = trend_of(samples(name, tmp_path))
    moved = {resource.name for resource in report.resources if resource.row.series[-1] != resource.row.series[0]}
    assert {"resident_bytes", "size_bytes"} <= moved
    assert report.verdict.status is Status.NO_GROWTH


def test_files_of_one_moment_are_one_snapshot(tmp_path: Path) -> None:
    report = trend_of(samples("smaps-c-fd-sock-leak", tmp_path))
    assert len(report.points) == 13
    assert {"retained_bytes", "open_fds", "threads", "resident_bytes"} <= set(report.points[1].totals)
    assert len({summary.pid for summary in report.inputs}) == 1


def test_one_log_is_a_series(tmp_path: Path) -> None:
    folder = samples("pmap-c-mmap-leak", tmp_path)
    parts = sorted(folder.glob("*.pmap-x.txt"))
    log = tmp_path / "pmap.log"
    log.write_text("".join(f"{1764096000 + 60 * number}\n{path.read_text()}" for number, path in enumerate(parts)))
    report = trend_of(log)
    assert (len(report.points), report.per) == (15, "minute")
    assert report.verdict.status is Status.GROWTH
    assert report.verdict.sentence.startswith("Retained memory grows by 135.9 KiB per minute")


def test_two_samples_tell_what_grew_and_not_that_it_is_growing(tmp_path: Path) -> None:
    folder = samples("smaps-c-fd-sock-leak", tmp_path)
    before, after = (api.load(folder / name) for name in ("000.fd", "012.fd"))
    report = api.compare(before, after, config=AnalysisOptions(fail_on=("growth",)))
    assert report.verdict.sentence.startswith("Growth of descriptors left open by 61")
    assert (report.verdict.status, report.verdict.gate) == (Status.GROWTH, GateResult.FAILED)


def test_words_for_mappings_do_not_speak_of_leaks(tmp_path: Path) -> None:
    folder = samples("smaps-j17-direct-leak", tmp_path)
    report = api.analyze(api.load(folder / "012.smaps"))
    assert report.verdict.sentence == "33.21 MiB retained by the process in 23 groups of mappings, 55.21 MiB resident"
    assert report.verdict.lead[0] == "The largest: 14.78 MiB [glibc arena], 9.75 MiB [CDS archive], 4.98 MiB [anon]."
    assert report.verdict.status is Status.RETAINED
    assert not any("lost" in finding.message or "leaked" in finding.message for finding in report.findings)
