"""Recordings made here and now by the real profilers, and what their own readers say of them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leakreport.api import load
from leakreport.cli import main
from leakreport.errors import UnsupportedInput

pytestmark = pytest.mark.profilers

PROGRAM = r"""
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
static void *kept[4096];
static int used;
__attribute__((noinline)) void *hold(size_t size) { void *p = malloc(size); memset(p, 1, size); kept[used++] = p; return p; }
__attribute__((noinline)) void cache(void) { for (int i = 0; i < 200; i++) hold(1000); }
__attribute__((noinline)) void table(void) { hold(300000); }
__attribute__((noinline)) void lose(void) { for (int i = 0; i < 50; i++) { volatile char *p = malloc(640); p[0] = 1; p = 0; } }
__attribute__((noinline)) void scratch(void) { for (int i = 0; i < 100; i++) { char *p = malloc(5000); p[1] = 2; free(p); } }
int main(void) { cache(); table(); lose(); scratch(); printf("%d\n", used); return 0; }
"""
HELD = 200 * 1000 + 300_000 + 50 * 640
"""What the program has at its end, by its source; the C library adds a little of its own."""


def analysed(*arguments: str | Path) -> dict[str, Any]:
    out, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        code = main(["analyze", *map(str, arguments), "--to", "json"])
    assert code == 0, complaints.getvalue()
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def assert_refused(printed: str, folder: Path, word: str) -> None:
    """What a tool prints for people is refused by name, not read as something else."""
    path = folder / "printed.txt"
    path.write_text(printed, encoding="utf-8")
    with pytest.raises(UnsupportedInput, match=word):
        load(str(path))


def recorded(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def program(tool: Callable[[str], str], once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    def build(folder: Path) -> None:
        (folder / "program.c").write_text(PROGRAM, encoding="utf-8")
        for name, *options in (("program",), ("program-lsan", "-fsanitize=leak")):
            command = [tool("gcc"), "-g", "-O0", *options, "-o", name, "program.c"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)

    return once("profiled-program", build)


@pytest.fixture
def library() -> Callable[[str], str]:
    """`library(name)` is the path of a shared library to preload."""

    def find(name: str) -> str:
        for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"):
            path = Path(folder, name)
            if path.exists():
                return str(path)
        reason = f"{name} is not installed"
        if os.environ.get("LEAKREPORT_REQUIRE_TOOLS") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    return find


@pytest.mark.parametrize("options", [(), ("--stacks=yes",), ("--time-unit=B", "--detailed-freq=1", "--threshold=0.1")])
def test_massif_as_ms_print_reads_it(
    options: tuple[str, ...], program: Path, tool: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "massif.out"
    recorded([tool("valgrind"), "--tool=massif", *options, f"--massif-out-file={path}", "./program"], program)
    printed = recorded([tool("ms_print"), str(path)], tmp_path)
    assert_refused(printed, tmp_path, "ms_print")
    rows = re.findall(r"^ +(\d+) +[\d,]+ +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+)$", printed, re.MULTILINE)
    expected = [tuple(int(number.replace(",", "")) for number in row) for row in rows]
    document = analysed(path)
    found = [
        (
            number,
            sum(snapshot["totals"].get(name, 0) for name in ("retained_bytes", "overhead_bytes", "stack_bytes")),
            snapshot["totals"]["retained_bytes"],
            snapshot["totals"].get("overhead_bytes", 0),
            snapshot["totals"].get("stack_bytes", 0),
        )
        for number, snapshot in enumerate(document["snapshots"])
    ]
    assert found == expected
    peak = re.search(r"Detailed snapshots: \[.*?(\d+) \(peak\)", printed)
    if peak is not None:
        assert document["judged"] == int(peak[1])


def test_dhat_as_it_sums_up_itself(program: Path, tool: Callable[[str], str], tmp_path: Path) -> None:
    path = tmp_path / "dhat.out"
    said = recorded([tool("valgrind"), "--tool=dhat", f"--dhat-out-file={path}", "./program"], program)
    at_end = re.search(r"At t-end:\s+([\d,]+) bytes in ([\d,]+) blocks", said)
    total = re.search(r"Total:\s+([\d,]+) bytes in ([\d,]+) blocks", said)
    assert at_end is not None
    assert total is not None
    totals = analysed(path)["totals"]
    assert totals["retained_bytes"] == int(at_end[1].replace(",", ""))
    assert totals["retained_blocks"] == int(at_end[2].replace(",", ""))
    assert totals["allocated_bytes"] == int(total[1].replace(",", ""))


def test_heaptrack_as_heaptrack_print_reads_it(program: Path, tool: Callable[[str], str], tmp_path: Path) -> None:
    recorded([tool("heaptrack"), "-o", str(tmp_path / "run"), "./program"], program)
    path = next(tmp_path.glob("run*"))
    folded = tmp_path / "leaked.folded"
    recorded(
        [tool("heaptrack_print"), "-f", str(path), "--flamegraph-cost-type", "leaked", "-F", str(folded)], tmp_path
    )
    leaked = sum(int(line.rsplit(" ", 1)[1]) for line in folded.read_text(encoding="utf-8").splitlines())
    totals = analysed(path)["totals"]
    assert totals["retained_bytes"] == leaked
    assert 0 <= leaked - HELD < 100_000
    assert analysed(folded)["totals"]["retained_bytes"] == leaked


def test_a_heap_profile_as_pprof_reads_it(
    program: Path, tool: Callable[[str], str], library: Callable[[str], str], tmp_path: Path
) -> None:
    recorded(["./program"], program, LD_PRELOAD=library("libtcmalloc.so.4"), HEAPPROFILE=str(tmp_path / "run"))
    (path,) = tmp_path.glob("run.*.heap")
    printed = recorded(
        [tool("google-pprof"), "--text", "--show_bytes", "--lines", str(program / "program"), str(path)], tmp_path
    )
    assert_refused(printed, tmp_path, "pprof")
    total = re.search(r"^Total: (\d+) B", printed, re.MULTILINE)
    assert total is not None, printed
    document = analysed(path)
    assert document["totals"]["retained_bytes"] == int(total[1])
    assert 0 <= int(total[1]) - HELD < 100_000
    by_size = {row["values"]["retained_bytes"] for row in document["paths"]}
    assert {200_000, 300_000, 32_000} <= by_size


def test_a_jemalloc_profile_as_jeprof_reads_it(
    program: Path, tool: Callable[[str], str], library: Callable[[str], str], tmp_path: Path
) -> None:
    settings = f"prof:true,lg_prof_sample:0,prof_final:true,prof_prefix:{tmp_path}/jeprof"
    recorded(["./program"], program, LD_PRELOAD=library("libjemalloc.so.2"), MALLOC_CONF=settings)
    (path,) = tmp_path.glob("jeprof.*.heap")
    printed = recorded([tool("jeprof"), "--text", "--show_bytes", str(program / "program"), str(path)], tmp_path)
    total = re.search(r"^Total: (\d+) B", printed, re.MULTILINE)
    assert total is not None, printed
    document = analysed(path)
    # jeprof scales every record of one byte a sample by a hair; leakreport does not.
    assert abs(document["totals"]["retained_bytes"] - int(total[1])) <= len(document["paths"])
    # jemalloc counts usable sizes: never less than was asked for.
    assert document["totals"]["retained_bytes"] >= HELD


def test_a_leak_report_of_gcc_as_it_sums_up_itself(program: Path, tmp_path: Path) -> None:
    said = recorded(["./program-lsan"], program)
    summary = re.search(r"SUMMARY: LeakSanitizer: (\d+) byte\(s\) leaked in (\d+) allocation", said)
    if summary is None:
        pytest.skip("LeakSanitizer cannot trace here: the kernel forbids ptrace")
    path = tmp_path / "lsan.txt"
    path.write_text(said, encoding="utf-8")
    totals = analysed(path)["totals"]
    assert (totals["leaked_bytes"], totals["leaked_blocks"]) == (int(summary[1]), int(summary[2])) == (32_000, 50)
