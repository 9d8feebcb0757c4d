"""What `leakreport watch` costs at the default interval, on a process with much memory: share of one processor.

bench/watch.py [--mib 2048] [--seconds 120] [--interval 10s]

A child touches so many MiB in pages of 4 KiB; a watch looks at it; its processor time, start and final report included and apart,
is printed.
"""

from __future__ import annotations

import argparse
import mmap
import os
import resource
import subprocess
import sys
import time

_PAGE = 4096


def _hold(mib: int, ready: int) -> None:
    """Touch memory and sleep."""
    held = mmap.mmap(-1, mib << 20)
    held.madvise(mmap.MADV_NOHUGEPAGE)
    for place in range(0, mib << 20, _PAGE):
        held[place] = 1
    os.write(ready, b"\n")
    time.sleep(3600)


def _watch(pid: int, interval: str, seconds: float) -> float:
    """Processor seconds of one watch."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "leakreport", "watch", str(pid), "--interval", interval]
    subprocess.run([*command, "--duration", f"{seconds}s"], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=2048)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--interval", default="10s")
    chosen = parser.parse_args()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        _hold(chosen.mib, write_end)
    try:
        os.read(read_end, 1)
        started = _watch(child, chosen.interval, 0.1)
        spent = _watch(child, chosen.interval, chosen.seconds)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    steady = spent - started
    print(f"start and final report: {started:.2f} s of processor time")
    print(
        f"{chosen.mib} MiB resident, every {chosen.interval} for {chosen.seconds:.0f} s: {steady:.2f} s, {steady / chosen.seconds:.2%} of one core"
    )
    print(f"all of it: {spent:.2f} s, {spent / chosen.seconds:.2%} of one core")


if __name__ == "__main__":
    main()
