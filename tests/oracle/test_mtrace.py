"""glibc's mtrace here and now: the log of a small program, against the command mtrace and what the program holds."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from leakreport.api import load
from leakreport.symbols.options import SymbolOptions
from leakreport.symbols.resolve import resolve

pytestmark = pytest.mark.profilers

PROGRAM = r"""
#include <mcheck.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static void *volatile keep[64];
__attribute__((noinline)) static void leak(int i) { keep[i] = malloc(100 + i); }
__attribute__((noinline)) static void *grow(void *p, size_t n) { return keep[40] = realloc(p, n); }
int main(void) {
  void *volatile before = malloc(10);
  mtrace();
  for (int i = 0; i < 5; i++) leak(i);
  void *volatile v = grow(NULL, 16);
  v = grow(v, 100000);
  keep[41] = realloc(v, SIZE_MAX / 2);
  free(before);
  keep[42] = malloc(0);
  free(calloc(3, 7));
  if (getenv("KILLED")) { fflush(NULL); *(volatile int *)0 = 1; }
  muntrace();
  return 0;
}
"""
LEAKED = 5 * 100 + 0 + 1 + 2 + 3 + 4


@pytest.fixture(scope="module", params=["-pie", "-no-pie"])
def program(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tool: Callable[[str], str]
) -> Path:
    folder = tmp_path_factory.mktemp("mtrace")
    (folder / "program.c").write_text(PROGRAM, encoding="utf-8")
    subprocess.run(
        [tool("gcc"), "-g", "-O1", "-w", request.param, "-o", "program", "program.c"], cwd=folder, check=True
    )
    return folder


def traced(folder: Path, name: str, **environment: str) -> Path:
    log = folder / name
    preload = {"MALLOC_TRACE": str(log), "LD_PRELOAD": "libc_malloc_debug.so.0"}
    subprocess.run(["./program"], cwd=folder, env={**os.environ, **preload, **environment}, check=False, timeout=60)
    if not log.exists():
        pytest.skip("this C library has no libc_malloc_debug.so.0")
    return log


def test_what_is_held_is_what_the_command_lists(program: Path, tool: Callable[[str], str]) -> None:
    log = traced(program, "run.mtrace")
    printed = subprocess.run(
        [tool("mtrace"), "./program", str(log)], cwd=program, capture_output=True, text=True, check=False, timeout=60
    ).stdout
    sizes = [int(size, 16) for size in re.findall(r"^0x[0-9a-f]+ +(0x[0-9a-f]+|0)  at", printed, re.MULTILINE)]
    run = load(str(log))
    totals = run.snapshots[-1].totals
    assert (totals["retained_bytes"], totals["retained_blocks"]) == (sum(sizes), len(sizes))
    assert totals["retained_bytes"] == LEAKED + 100_000
    report = program / "report.txt"
    report.write_text(printed, encoding="utf-8")
    of_report = load(str(report)).snapshots[-1].totals
    assert dict(of_report) == {name: totals[name] for name in ("retained_bytes", "retained_blocks")}
    assert {note.slug for note in run.snapshots[-1].meta.notes} == {"attached", "failed-allocations"}


def test_callers_get_their_names_from_the_program(program: Path) -> None:
    run = resolve(load(str(traced(program, "named.mtrace"))), SymbolOptions(symbol_paths=(str(program),)))
    held = {
        run.frames[run.tree.frame[node]].function: int(amount)
        for node, amount in enumerate(run.snapshots[-1].columns["retained_bytes"])
        if amount
    }
    assert held == {"leak": LEAKED, "grow": 100_000}


def test_a_killed_program_leaves_an_incomplete_log(program: Path) -> None:
    meta = load(str(traced(program, "killed.mtrace", KILLED="1"))).snapshots[-1].meta
    assert not meta.is_complete
    assert meta.truncation is not None
