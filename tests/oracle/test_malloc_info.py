"""malloc_info of this machine's C library: a program that leaks, and one that keeps what it has freed."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leakreport.cli import main

pytestmark = pytest.mark.profilers

ROUNDS = 12
PROGRAM = r"""
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define BLOCKS 2000
static char *pool[64 * BLOCKS];
static int used;
static void hold(size_t size) { pool[used] = malloc(size); pool[used++][0] = 1; }
int main(int argc, char **argv) {
  for (int round = 0; round < ROUNDS; round++) {
    if (!strcmp(argv[1], "leak"))
      for (int i = 0; i < BLOCKS; i++) hold(1000);
    if (!strcmp(argv[1], "mapped")) hold(4 << 20);
    if (!strcmp(argv[1], "retain")) {
      /* Ever higher peaks; the block above them keeps the heap from shrinking. */
      int first = used;
      for (int i = 0; i < BLOCKS * (round + 1); i++) hold(1000);
      char *above = malloc(1000);
      above[0] = 1;
      while (used > first) free(pool[--used]);
    }
    malloc_info(0, stdout);
  }
  return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, tool: Callable[[str], str]) -> Path:
    folder = tmp_path_factory.mktemp("malloc-info")
    (folder / "program.c").write_text(PROGRAM, encoding="utf-8")
    subprocess.run(
        [tool("gcc"), "-O0", "-w", f"-DROUNDS={ROUNDS}", "-o", "program", "program.c"], cwd=folder, check=True
    )
    return folder / "program"


def trend(program: Path, behaviour: str) -> dict[str, Any]:
    printed = subprocess.run([program, behaviour], capture_output=True, check=True, timeout=60).stdout
    path = program.parent / f"{behaviour}.xml"
    path.write_bytes(printed)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["trend", str(path), "--to", "json"]) == 0
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_a_leak_grows_by_what_the_program_allocates(program: Path) -> None:
    found = trend(program, "leak")
    assert found["verdict"]["status"] == "growth"
    assert "that is a leak, not fragmentation" in found["verdict"]["lead"][0]
    series = next(one["series"] for one in found["resources"] if one["name"] == "retained_bytes")
    # malloc(1000) takes 1008 bytes.
    assert series[-1] - series[0] == pytest.approx((ROUNDS - 1) * 2000 * 1008, rel=0.01)


def test_large_blocks_are_counted_apart(program: Path) -> None:
    found = trend(program, "mapped")
    words = {one["name"]: one for one in found["resources"]}
    assert words["mapped_blocks"]["series"] == list(range(1, ROUNDS + 1))
    assert words["mapped_block_bytes"]["verdict"] == "growing"
    assert words["heap_used_bytes"]["verdict"] == "flat"
    assert found["verdict"]["status"] == "growth"


def test_memory_that_malloc_keeps_is_no_leak(program: Path) -> None:
    found = trend(program, "retain")
    words = {one["name"]: one["verdict"] for one in found["resources"]}
    assert words["retained_bytes"] == "flat"
    assert words["heap_free_bytes"] == words["heap_system_bytes"] == "growing"
    assert found["verdict"]["status"] == "no-growth"
    assert "does not grow: no leak" in found["verdict"]["lead"][0]
    assert "retention or fragmentation" in found["verdict"]["lead"][1]
