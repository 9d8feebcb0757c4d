"""Input that is huge in one way: it must end, in bounded memory, with a line that says what is wrong."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import IO

import pytest

MOST_MEMORY = 300 * 1024
"""KiB, whole process."""
# What the process itself had at most: `ru_maxrss` would count the parent before the fork, too.
RUN = """
import sys
from leakreport.cli import main
code = main(["analyze", "-"])
with open("/proc/self/status") as status, open(sys.argv[1], "w") as peak:
    peak.write(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
sys.exit(code)
"""
MIB = b"a" * (1 << 20)
HEAD = b'<?xml version="1.0"?>\n<valgrindoutput>\n'
TEXT_HEAD = b"==12== Memcheck, a memory error detector\n"


def banners() -> Iterator[bytes]:
    return (b"==%d== Memcheck, a memory error detector\n" % pid for pid in range(1, 300_000))


FLOODS: dict[str, Iterable[bytes]] = {
    "one line of a gigabyte": repeat(MIB, 1024),
    "one line of a gigabyte in a log": chain((TEXT_HEAD, b"==12== "), repeat(MIB, 1024)),
    "one word of a gigabyte in XML": chain((HEAD, b"<error><unique>"), repeat(MIB, 1024)),
    "10 million elements inside each other": chain((HEAD, b"<error>"), repeat(b"<a>" * 100_000, 100)),
    "10 million frames inside each other": chain((HEAD, b"<error><stack>"), repeat(b"<frame>" * 100_000, 100)),
    "10 million errors inside each other": chain((HEAD,), repeat(b"<error>" * 100_000, 100)),
    "10 million documents inside each other": chain((HEAD,), repeat(b"<valgrindoutput>" * 100_000, 100)),
    "2 million elements, closed": chain(
        (HEAD, b"<error>"), repeat(b"<a>" * 100_000, 20), repeat(b"</a>" * 100_000, 20), (b"</error></valgrindoutput>",)
    ),
    "3 million empty errors": chain((HEAD,), repeat(b"<error></error>" * 100_000, 30)),
    "3 million errors without words": chain(
        (HEAD,), repeat(b"<error><unique>0x1</unique><kind>InvalidRead</kind></error>" * 10_000, 300)
    ),
    "300,000 processes": chain((TEXT_HEAD,), banners()),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_in_bounded_memory(name: str, tmp_path: Path) -> None:
    peak = tmp_path / "peak"
    command = [sys.executable, "-c", RUN, str(peak)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        writer = threading.Thread(target=_feed, args=(process.stdin, FLOODS[name]))
        writer.start()
        process.stdout.read()
        complaint = process.stderr.read().decode()
        process.wait()
        writer.join()
    assert process.returncode == 3, complaint
    assert complaint.startswith("error[")
    assert complaint.count("\n") == 1
    assert "Traceback" not in complaint
    assert int(peak.read_text()) < MOST_MEMORY


def _feed(stream: IO[bytes], pieces: Iterable[bytes]) -> None:
    # A program that has seen enough closes its end.
    with contextlib.suppress(BrokenPipeError), stream:
        for piece in pieces:
            stream.write(piece)
