"""Real programs with deep stacks, recorded twice or built twice: what did not change must not be shown as a change."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from leakreport.api import analyze, load
from leakreport.cli import main
from tests.conftest import ROOT

pytestmark = pytest.mark.profilers

SQL = (
    "create table t(a, b); create index i on t(a); insert into t values (1, 2), (3, 4);"
    "with recursive c(x) as (select 1 union all select x + 1 from c where x < 500) select sum(x) from c;"
    "select * from t where a > 1 order by b"
)
PROGRAMS = {
    "sqlite3": ("sqlite3", ":memory:", SQL),
    "git": ("git", "-C", str(ROOT), "--no-pager", "diff", "--no-index", "--stat", "docs", "fixtures/programs"),
    "python3": ("/usr/bin/python3", "-S", "-c", "import json; json.dumps({'a': [1, 2, 3]})"),
}
VALGRIND = ("valgrind", "-q", "--num-callers=40")
RECORDERS: dict[str, tuple[str, ...]] = {
    "memcheck": (*VALGRIND, "--leak-check=full", "--show-leak-kinds=all", "--xml=yes", "--xml-file={out}"),
    "massif": (*VALGRIND, "--tool=massif", "--massif-out-file={out}"),
    "heaptrack": ("heaptrack", "-o", "{out}"),
    "gperftools": ("env", "HEAPPROFILE={out}", "LD_PRELOAD=libtcmalloc.so.4"),
}
CASES = [
    ("sqlite3", "massif"),
    ("sqlite3", "heaptrack"),
    ("sqlite3", "gperftools"),
    ("git", "memcheck"),
    ("git", "massif"),
    ("git", "heaptrack"),
    ("python3", "memcheck"),
    ("python3", "heaptrack"),
]


def compared(before: Path, after: Path) -> dict[str, Any]:
    out, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        code = main(["diff", str(before), str(after), "--to", "json", "--min-change", "0", "--partial"])
    assert code == 0, complaints.getvalue()
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def changed(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in document["paths"] if row["presence"] != "both" or any(row["change"].values())]


def recorded(program: str, recorder: str, out: Path) -> Path:
    """One recording; the length of the name of the file is no difference."""
    command = [part.format(out=out) for part in RECORDERS[recorder]] + list(PROGRAMS[program])
    settings = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "GIT_CONFIG_GLOBAL": "/dev/null"}
    subprocess.run(command, env={**os.environ, **settings}, capture_output=True, check=False, timeout=120)
    return next(path for path in sorted(out.parent.glob(f"{out.name}*")))


class Recordings(NamedTuple):
    before: Path
    after: Path


@pytest.fixture(params=CASES, ids="-".join)
def twice(request: pytest.FixtureRequest, tool: Callable[[str], str], tmp_path: Path) -> Recordings:
    program, recorder = request.param
    tool(PROGRAMS[program][0])
    tool({"memcheck": "valgrind", "massif": "valgrind", "gperftools": "google-pprof"}.get(recorder, recorder))
    return Recordings(*(recorded(program, recorder, tmp_path / name) for name in ("1", "2")))


def counted(path: Path) -> Counter[tuple[object, ...]]:
    """What the tool counted for each stack; of an address only what no loader changes, its place in the page."""
    report = analyze(load(str(path)))
    frames = [
        (frame.module, frame.function, frame.line, None if frame.address is None else frame.address % 4096)
        for frame in report.frames
    ]
    return Counter(
        (row.leak_kind, *(frames[index] for index in row.frames), *sorted(row.values.items())) for row in report.paths
    )


def test_two_recordings_of_one_program_have_no_noise(twice: Recordings) -> None:
    document = compared(*twice)
    assert document["paths"]
    assert {row["confidence"] for row in document["paths"] if row["presence"] == "both"} == {"certain"}
    rows = changed(document)
    # What the tool counted otherwise may be shown, and nothing else.
    before, after = (counted(path) for path in twice)
    assert len(rows) <= max((before - after).total(), (after - before).total())
    assert len(rows) < len(document["paths"]) / 50


BUILDS = {"base": ("-O0", 0), "moved": ("-O1", 2), "fast": ("-O2", 3), "faster": ("-O3", 1)}


@pytest.fixture(scope="module")
def builds(tool: Callable[[str], str], once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """One recording of each build of a program that goes through deep libraries."""
    for name in ("g++", "valgrind", "sqlite3"):
        tool(name)
    source = (ROOT / "fixtures" / "programs" / "identity" / "deep.cpp").read_text(encoding="utf-8")

    def build(folder: Path) -> None:
        for name, (level, lines) in BUILDS.items():
            place = folder / name
            place.mkdir()
            (place / "deep.cpp").write_text(source.replace("/* HERE */", "\n" * lines), encoding="utf-8")
            for command in (
                ("g++", "-std=c++17", "-g", level, "deep.cpp", "-o", "deep", "-l:libsqlite3.so.0"),
                (*(part.format(out="recorded.xml") for part in RECORDERS["memcheck"]), "./deep"),
            ):
                done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=120)
                assert done.returncode == 0, done.stderr

    return once("deep-builds", build)


@pytest.mark.parametrize(
    ("before", "after"), [("base", "moved"), ("base", "fast"), ("fast", "base"), ("moved", "faster")]
)
def test_two_builds_on_deep_libraries_have_no_noise(builds: Path, before: str, after: str) -> None:
    document = compared(*(builds / name / "recorded.xml" for name in (before, after)))
    assert not changed(document)
    lost = [line for line in (builds / before / "recorded.xml").read_text().splitlines() if "<kind>Leak_" in line]
    assert len(lost) > 100
    assert {row["confidence"] for row in document["paths"]} <= {"certain", "likely", "by-amounts"}
