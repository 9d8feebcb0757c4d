"""Programs that take address space by the terabyte, so that a limit on it says nothing about their memory.

Source: AddressSanitizer maps 16 TiB of shadow memory on x86-64, Go and node reserve arenas and cages, a JVM its heap, class
space and code cache.
"""

from __future__ import annotations

import mmap
import os
from typing import NamedTuple

_MARKS = (
    (b"__asan_init", "AddressSanitizer"),
    (b"__hwasan_init", "HWAddressSanitizer"),
    (b"__tsan_init", "ThreadSanitizer"),
    (b"__msan_init", "MemorySanitizer"),
    (b"\xff Go buildinf:", "Go"),
)
_NAMES = {"java": "JVM", "javac": "JVM", "node": "node", "nodejs": "node", "deno": "node"}
_MOST_BYTES = 256 << 20


class Runtime(NamedTuple):
    """What a program is run by."""

    name: str
    advice: str


_JVM_ADVICE = (
    "A JVM reserves far more than -Xmx: give --limit-as at least 2 GiB more, or -XX:-UseCompressedClassPointers and "
    "-XX:ReservedCodeCacheSize=32m, or use --limit-data or --memory-max."
)
_OTHER_ADVICE = "Use --memory-max, or --limit-data."


def greedy_runtime(executable: str) -> Runtime | None:
    """What makes an executable reserve address space by the gigabyte; None where nothing is known to.

    Heuristic: by the name, and by marks in the file. It errs on a script that starts such a program.
    """
    name = _NAMES.get(os.path.basename(executable)) or _NAMES.get(os.path.basename(os.path.realpath(executable)))
    if name is None:
        name = next((title for mark, title in _MARKS if _holds(executable, mark)), None)
    return None if name is None else Runtime(name, _JVM_ADVICE if name == "JVM" else _OTHER_ADVICE)


def _holds(path: str, mark: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            length = min(os.fstat(file.fileno()).st_size, _MOST_BYTES)
            if not length or file.read(4) != b"\x7fELF":
                return False
            with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ) as content:
                return content.find(mark) >= 0
    except (OSError, ValueError):
        return False
