"""`go tool pprof` reads what is written for it, and says the same of it."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from leakreport.analysis.report import Report
from leakreport.api import analyze, load, render
from tests.render.test_golden import leak_report
from tests.support import FIXTURES, fixture_path

CASES = [
    ("memcheck-xml", "kinds"),
    ("memcheck-xml", "tmpl"),
    ("massif", "inl"),
    ("dhat", "sqlite3"),
    ("gperftools", "sampled"),
    ("jemalloc", "threads"),
    ("sanitizer", "gcc"),
]


@pytest.fixture
def pprof(tool: Callable[[str], str]) -> str:
    return tool("pprof")


def raw_of(pprof: str, report: Report, folder: Path) -> tuple[list[str], list[tuple[list[int], tuple[str, ...]]]]:
    """What `pprof -raw` prints: types, and for each sample its values and names, outermost first."""
    content = render(report, to="pprof")
    assert isinstance(content, bytes)
    (folder / "x.pb.gz").write_bytes(content)
    done = subprocess.run(
        [pprof, "-raw", "-symbolize=none", "x.pb.gz"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    head, _, rest = done.stdout.partition("\nLocations\n")
    places, _, _ = rest.partition("\nMappings")
    names: dict[int, list[str]] = {}
    number = 0
    for line in places.splitlines():
        found = re.match(r"\s*(\d+): 0x[0-9a-f]+ (?:M=\d+ )?(.*)", line)
        number, text = (int(found[1]), found[2]) if found else (number, line.strip())
        name = re.sub(r" ?\S*:\d+ s=\d+\s*$", "", text)
        names.setdefault(number, []).extend([name] if name else [])
    lines = head.split("\nSamples:\n")[1].splitlines()
    samples = []
    for line in lines[1:]:
        if (found := re.match(r"\s*([-\d ]+): ?([\d ]*)$", line)) is not None:
            ids = [int(word) for word in found[2].split()]
            stack = tuple(name for place in reversed(ids) for name in reversed(names[place]))
            samples.append(([int(word) for word in found[1].split()], stack))
    return lines[0].split(), samples


@pytest.mark.parametrize(("family", "case"), CASES)
def test_pprof_reads_every_sample(pprof: str, tmp_path: Path, family: str, case: str) -> None:
    report = analyze(load(fixture_path(family, case)))
    types, samples = raw_of(pprof, report, tmp_path)
    position = types.index("inuse_space/bytes[dflt]")
    assert sum(values[position] for values, _ in samples) == report.totals["retained_bytes"]
    wanted: Counter[tuple[str, ...]] = Counter()
    for row in report.paths:
        frames = [report.frames[index] for index in row.frames]
        wanted[tuple(frame.function for frame in frames if frame.function)] += row.values["retained_bytes"]
    found: Counter[tuple[str, ...]] = Counter()
    for values, stack in samples:
        found[stack] += values[position]
    assert +found == +wanted


def test_labels_and_comments_are_shown(pprof: str, tmp_path: Path) -> None:
    content = render(leak_report(), to="pprof")
    assert isinstance(content, bytes)
    (tmp_path / "x.pb.gz").write_bytes(content)
    done = subprocess.run([pprof, "-tags", "x.pb.gz"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.search(r"leak_kind: Total", done.stdout) and "definite" in done.stdout
    done = subprocess.run([pprof, "-comments", "x.pb.gz"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "input: memcheck.xml" in done.stdout


def _heap_profiles() -> list[Path]:
    """All but dumps cut at 1 MiB (pprof sums their rows, we take their header) and a profile with a base in it."""
    found = [path for family in ("gperftools", "pprof") for path in sorted((FIXTURES / family).glob("*/input.*"))]
    other = ("1-mib", "diff-base", "checker-text", "raw-symbolized", "speedscope-cpu")
    return [path for path in found if not any(word in path.parent.name for word in other)]


@pytest.mark.parametrize("path", _heap_profiles(), ids=lambda path: path.parent.name)
def test_a_profile_holds_what_pprof_says_it_holds(pprof: str, path: Path) -> None:
    done = subprocess.run(
        [pprof, "-top", "-unit=B", "-symbolize=none", "-sample_index=inuse_space", path],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"of (\d+)B total", done.stdout)
    assert found is not None, done.stdout
    assert analyze(load(str(path))).totals["retained_bytes"] == int(found[1])
