"""CPU and memory of the command line on large inputs, beside what reading the bytes costs at all.

CPU seconds of whole processes, measured in turn; only ratios of one run mean something on a shared machine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from generate import write_memcheck

EXPAT = "import sys, xml.parsers.expat as e; p = e.ParserCreate(); p.ParseFile(open(sys.argv[1], 'rb'))"
MIB = 1 << 20
ROUNDS = 5
MOST_RATIO = 4.0
MOST_MEMORY = 150 * MIB


class Cost(NamedTuple):
    seconds: float
    peak: int


def cost(command: list[str]) -> Cost:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def median(commands: dict[str, list[str]]) -> dict[str, Cost]:
    found: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            found[name].append(cost(command))
    return {
        name: Cost(statistics.median(c.seconds for c in costs), max(c.peak for c in costs))
        for name, costs in found.items()
    }


def main() -> None:
    leakreport = [sys.executable, "-m", "leakreport", "analyze"]
    print(f"{'memcheck XML':<28}{'CPU s':>8}{'× expat':>9}{'peak MiB':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for size in (10 * MIB, 100 * MIB):
            path = Path(folder, "run.xml")
            write_memcheck(path, size)
            true_size = path.stat().st_size / MIB
            costs = median(
                {
                    "expat, no handlers": [sys.executable, "-c", EXPAT, str(path)],
                    "terminal": [*leakreport, str(path)],
                    "json": [*leakreport, str(path), "--to", "json"],
                    "html": [*leakreport, str(path), "--to", "html"],
                }
            )
            expat = costs["expat, no handlers"].seconds
            for name, (seconds, peak) in costs.items():
                print(f"{f'{true_size:.0f} MiB, {name}':<28}{seconds:>8.2f}{seconds / expat:>9.2f}{peak / MIB:>10.0f}")
    ratio, peak = costs["terminal"].seconds / expat, costs["terminal"].peak
    print(f"goal: at most {MOST_RATIO:g} × expat and {MOST_MEMORY // MIB} MiB for the large file in a terminal")
    if ratio > MOST_RATIO or peak > MOST_MEMORY:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
