"""What people will try and no reader reads is refused by its name, with the next step."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from leakreport.errors import UnsupportedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.readers import pick_reader
from leakreport.testing import MemoryStream

PERF = b"sqlite3 12345 [001]  5123.123456:     250000 cpu-clock:u: \n\t    55d7c0 malloc+0x1 (/lib/libc.so.6)\n\n"
GO = b"File: svc\nType: inuse_space\nTime: Nov 1, 2026 at 10:00am (UTC)\nShowing nodes accounting for 10MB, 100%\n"
MS_PRINT = (
    b"-" * 80
    + b"\nCommand:            ./svc\nMassif arguments:   (none)\nms_print arguments: massif.out.1\n"
    + b"-" * 80
)


@pytest.mark.parametrize(
    ("content", "words", "advice"),
    [
        (b"PERFILE2" + bytes(64), "perf recording", "memcheck"),
        (PERF, "perf script", "memcheck"),
        (b"my prog 12/34 5.1: syscalls:sys_enter_mmap: addr: 0\n", "perf script", "memcheck"),
        (MS_PRINT, "ms_print", "massif.out"),
        (GO, "pprof", ".pb.gz"),
        (b"Total: 2.0 MB\n     1.0  52.6%  52.6%      1.0  52.6% main\n", "pprof", ".heap"),
        (b"Total: 1935360 B\n 1018368  52.6%  52.6%  1018368  52.6% main\n", "pprof", ".heap"),
        (b"Attaching to pid 5, Ctrl+C to quit.\n", "memleak", "HEAPPROFILE"),
        (b"[11:16:33] Top 2 stacks with outstanding allocations:\n", "memleak", "HEAPPROFILE"),
        (b"1234:\n\nNative Memory Tracking:\n\nTotal: reserved=1KB\n", "native memory tracking", "jemalloc"),
        (b"JAVA PROFILE 1.0.2\0" + bytes(12), "hprof", "jemalloc"),
        (b"FLR\0\0\2" + bytes(60), "Flight", "jemalloc"),
        (b"memray\0" + bytes(60), "memray", "memray flamegraph"),
        (b"MDMP" + bytes(60), "minidump", "memcheck"),
        *((pickle.dumps({"a": [1]}, protocol), "pickle", "HEAPPROFILE") for protocol in range(2, 6)),
    ],
)
def test_refused_by_name(content: bytes, words: str, advice: str) -> None:
    with pytest.raises(UnsupportedInput, match=re.escape(words)) as caught:
        pick_reader(MemoryStream("input", content), DEFAULT_LIMITS)
    assert advice in str(caught.value.advice)


def test_a_recording_of_bytehound_is_refused_with_the_command_that_exports_it() -> None:
    content = b"\x01\x40\x02\x00\x00\xf0\x80" + bytes(range(200))
    with pytest.raises(UnsupportedInput, match="bytehound") as caught:
        pick_reader(MemoryStream("run/memory-profiling_svc_1_2.dat", content), DEFAULT_LIMITS)
    assert "export-heaptrack" in str(caught.value.advice)


def test_no_format_of_ours_is_called_foreign() -> None:
    from leakreport.readers._foreign import describe_foreign

    for folder in ("massif", "heaptrack", "gperftools", "jemalloc", "pprof", "folded", "speedscope", "sanitizer"):
        inputs = list((Path(__file__).parents[2] / "fixtures" / folder).glob("*/input.*"))
        assert inputs
        for path in inputs:
            found = describe_foreign(path.read_bytes()[:65536], path.name)
            assert found is None or not found.title.startswith(("the text", "the output", "a Python")), path
