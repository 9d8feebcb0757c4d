"""What reading a memcheck file costs, against an XML parse that does nothing: CPU seconds and peak memory.

The measure is the ratio of the two on the same file and machine. Files are generated once and kept in `build/bench/`.

    python bench/memcheck.py                     # 10 MB and 100 MB
    python bench/memcheck.py --sizes 10MB --runs 5
    python bench/memcheck.py --check             # exit 1 where a bound of the 100 MB file does not hold
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
MAX_RATIO = 4.0
MAX_PEAK_MIB = 150.0
BOUNDED_FROM_BYTES = 90_000_000
# Pieces of 64 KiB and no handler: what looking at the bytes as XML costs at all.
BARE_PARSE = """
import sys
from xml.parsers.expat import ParserCreate
parser = ParserCreate()
with open(sys.argv[1], "rb") as stream:
    parser.ParseFile(stream)
"""


class Cost(NamedTuple):
    """One run of one command."""

    cpu_seconds: float
    peak_mib: float


def measure(command: list[str]) -> Cost:
    """Run a command and ask the system what it used."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"exit code {process.returncode}: {' '.join(command)}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def middle(costs: list[Cost]) -> Cost:
    """The median of the times, the greatest of the peaks."""
    return Cost(median(cost.cpu_seconds for cost in costs), max(cost.peak_mib for cost in costs))


def generated(size: str) -> Path:
    """The file of a size, made in a process of its own: this one stays small, because children inherit its peak."""
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"memcheck-{size}.xml"
    if not path.exists():
        part = path.with_suffix(".part")
        subprocess.run([sys.executable, str(FOLDER / "generate.py"), size, str(part)], check=True)
        part.rename(path)
    return path


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure reading of memcheck XML.")
    parser.add_argument("--sizes", nargs="+", default=["10MB", "100MB"], metavar="SIZE")
    parser.add_argument("--runs", type=int, default=3, help="of each command, in turn; the median counts")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bound of the large file does not hold")
    arguments = parser.parse_args()
    print(f"{'file':<22} {'bytes':>12} {'expat CPU':>10} {'leakreport':>11} {'ratio':>6} {'peak RSS':>10}", flush=True)
    too_much = []
    for size in arguments.sizes:
        path = generated(size)
        commands = {
            "expat": [sys.executable, "-c", BARE_PARSE, str(path)],
            "leakreport": [sys.executable, "-m", "leakreport", "analyze", str(path), "-q", "--to", "terminal"],
        }
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for _ in range(arguments.runs):
            for name, command in commands.items():
                costs[name].append(measure(command))
        bare, ours = middle(costs["expat"]), middle(costs["leakreport"])
        ratio = ours.cpu_seconds / bare.cpu_seconds
        length = path.stat().st_size
        print(
            f"{path.name:<22} {length:>12,} {bare.cpu_seconds:>8.2f} s {ours.cpu_seconds:>9.2f} s {ratio:>5.1f}x"
            f" {ours.peak_mib:>6.0f} MiB",
            flush=True,
        )
        if length >= BOUNDED_FROM_BYTES and (ratio > MAX_RATIO or ours.peak_mib > MAX_PEAK_MIB):
            too_much.append(path.name)
    print(f"Bounds of the large file: {MAX_RATIO:.0f} times the CPU of the bare parse, {MAX_PEAK_MIB:.0f} MiB.")
    if too_much:
        print(f"Over a bound: {', '.join(too_much)}")
        if arguments.check:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
