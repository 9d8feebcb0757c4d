"""Files that people will try and that no reader reads: recognised by content, refused by name with the next step."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from leakreport.readers._samples import DENIED_ADVICE

_MEMCHECK = "valgrind --leak-check=full --show-leak-kinds=all --xml=yes --xml-file=memcheck.%p.xml ./program"
_USE_MEMCHECK = f"This version reads memcheck: {_MEMCHECK}"


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a file is, as in "FILE is {title}", and what to do instead."""

    title: str
    advice: str
    is_certain: bool = True
    """Whether no profile can follow further on, so that searching on is useless."""


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _finds(pattern: bytes) -> Callable[[bytes], bool]:
    expression = re.compile(pattern, re.DOTALL | re.IGNORECASE)
    return lambda head: expression.search(head) is not None


def _is_cpu_profile(head: bytes) -> bool:
    """Words 0, 3, version 0 or 1, a period, 0: of 32 or 64 bits, in either order of bytes."""
    for layout in ("<5I", ">5I", "<5Q", ">5Q"):
        if len(head) >= struct.calcsize(layout):
            zero, count, version, period, padding = struct.unpack_from(layout, head)
            if (zero, count, padding) == (0, 3, 0) and version in {0, 1} and period > 0:
                return True
    return False


_USE_HEAP = "Give a heap profile: HEAPPROFILE=/tmp/program LD_PRELOAD=libtcmalloc.so.4 ./program"
_USE_LINUX = "Record on Linux: cat /proc/PID/smaps > 001.smaps, or pmap -X PID > 001.pmap"
_USE_JEMALLOC = "Record the native side: MALLOC_CONF=prof:true,prof_prefix:jeprof,lg_prof_interval:30 LD_PRELOAD=libjemalloc.so.2 java ..."
_KNOWN: tuple[tuple[Callable[[bytes], bool], Foreign], ...] = (
    (_is_cpu_profile, Foreign("a CPU profile of pprof", f"It says where time goes, not what is retained. {_USE_HEAP}")),
    (_finds(rb"\A--- (?:contentionz|contention:|mutex:)"), Foreign("a profile of lock contention", _USE_HEAP)),
    (_finds(rb"\A--- threadz \d+ ---"), Foreign("a list of thread stacks", _USE_HEAP)),
    (_finds(rb"\A[\w/.-]{1,80} profile: total \d+\r?\n"), Foreign("a Go profile that counts events, not memory", "Fetch the heap: curl -o heap.pb.gz http://HOST:PORT/debug/pprof/heap")),
    (_finds(rb"\A--- symbol\r?\n"), Foreign("a list of symbols without a profile behind it", "Give the .heap file itself.", is_certain=False)),
    (_finds(rb"\A-{20,}\r?\nCommand: .{0,2000}\nms_print arguments: "), Foreign("the text that ms_print made of a massif file", "Give the massif.out file itself.", is_certain=False)),
    (_finds(rb"\A(?:File: .{0,500}\n)?(?:Build ID: .{0,500}\n)?(?:Type: \w+\n(?:Time: [^\n]*\n)?|Showing nodes accounting for )|\ATotal: [\d.]+ \w+\r?\n\s+[\d.]+\s+[\d.]+%"), Foreign("the text that pprof made of a profile", "Give the profile itself (.pb.gz or .heap).", is_certain=False)),
    (_finds(rb"\A\S[^\n]{0,80}?\s+\d+(?:/\d+)?\s+(?:\[\d+\]\s+)?\d+\.\d+:\s+(?:\d+\s+)?[\w.:/-]+:"), Foreign("the text of perf script", f"perf samples events and does not know what is retained. {_USE_MEMCHECK}", is_certain=False)),
    (_finds(rb"\AAttaching to pid \d+, Ctrl\+C to quit\.|\A\[[\d:]+\] Top \d+ stacks with outstanding allocations:"), Foreign("the output of bcc's memleak, which this version does not read", _USE_HEAP, is_certain=False)),
    (_finds(rb"\A(?:\d+:\s+)?Native Memory Tracking:"), Foreign("a summary of Java's native memory tracking, which has no call paths in it and is not read", _USE_JEMALLOC, is_certain=False)),
    (_starts(b"JAVA PROFILE 1.0"), Foreign("a heap dump of Java (hprof)", f"It holds Java's objects, not native memory. {_USE_JEMALLOC}")),
    (_starts(b"FLR\0"), Foreign("a Java Flight Recording", f"It does not say who retains native memory. {_USE_JEMALLOC}")),
    (_starts(b"memray\0"), Foreign("a recording of memray", "leakreport does not read it: memray flamegraph --leaks FILE does.")),
    (_starts(b"MDMP"), Foreign("a minidump", f"It holds memory, not who allocated it. {_USE_MEMCHECK}")),
    (_finds(rb"\A\x80(?:[\x02\x03][\](}c]|[\x04\x05]\x95)"), Foreign("a Python pickle, which is never opened: it could run code", _USE_HEAP, is_certain=False)),
    (_finds(rb"\A(?:[^\n]{0,300}\n){0,40}(?:Process: +\S[^\n]*\[\d+\]\n|Virtual Memory Map of process \d+|==== (?:Non-writable|Writable) regions)"), Foreign("the output of vmmap of macOS", f"It has other groups than Linux. {_USE_LINUX}")),
    (_finds(rb"\A\d{1,10}:[^\n]*\r?\n[^\n]*Mode +Mapped File|\A\d{1,10}:\s[^\n]*\r?\n(?:[^\n]{0,300}\n){1,40}[^\n]*\[ heap \]"), Foreign("the output of pmap of Solaris", f"It has other columns than that of Linux. {_USE_LINUX}")),
    (_finds(rb"\A\s*PID +START +END +PRT +RES "), Foreign("the output of procstat of FreeBSD", _USE_LINUX)),
    (_finds(rb"\A(?:[^\n]{0,200}\n){0,5}(?:cat|ls|head|cp|pmap): [^\n]{0,300}/proc/[^\n]{0,200}(?:Permission denied|Operation not permitted)"), Foreign("what a command said that may not read /proc", DENIED_ADVICE)),
    (_finds(rb"\A(?:[^\n]{0,200}\n){0,5}(?:cat|ls|head|cp): [^\n]{0,300}/proc/[^\n]{0,200}No such (?:file|process)"), Foreign("what a command said of a process that had ended", "Record while the process runs.")),
    (_finds(rb"\A<jemalloc>: "), Foreign("jemalloc's own summary, which has no paths", "Give the .heap file that it wrote beside it.")),
    (_starts(b"PERFILE2"), Foreign("a perf recording", f"perf samples events and does not know what is retained. {_USE_MEMCHECK}")),
    (_finds(rb"\A\x7fELF.{12}\x04\x00"), Foreign("a core dump", f"It holds memory, not who allocated it. {_USE_MEMCHECK}")),
    (_starts(b"\x7fELF"), Foreign("an executable or library", f"Run it under a recorder: {_MEMCHECK}")),
    (_starts(b"PK\x03\x04"), Foreign("a zip archive or office document", "Unpack it and give the profile inside.")),
    (_starts(b"%PDF"), Foreign("a PDF document", _USE_MEMCHECK)),
    (_starts(b"\x89PNG", b"\xff\xd8\xff", b"GIF8"), Foreign("a picture", _USE_MEMCHECK)),
    (_finds(rb"\A.{257}ustar"), Foreign("a tar archive", "Unpack it and give the folder.")),
    (_finds(rb"\A\s*<(?:!doctype html|html)\b.{0,8000}<title>memray - "), Foreign("a page of memray", "Its data is for its own script: memray flamegraph --leaks FILE, and memray stats --json FILE, read the recording.")),
    (_finds(rb"\A\s*<(?:!doctype html|html)\b.{0,8000}<title>speedscope</title>"), Foreign("the page of the viewer speedscope", "Give the speedscope JSON that it shows.")),
    (_finds(rb"\A\s*<(?:!doctype html|html)\b.{0,8000}<title>(?:DHAT Viewer|Flame ?Graph)"), Foreign("the page of a viewer", "Give the file that it shows.")),
    (_finds(rb"\A\s*<(?:!doctype html|html|head|body)\b"), Foreign("an HTML page", "Give the recording it was made from, or, if leakreport made the page, --format leakreport.")),
    (_finds(rb"\A\s*(?:<\?xml[^>]*>\s*)?<!(?:DOCTYPE|ENTITY)"), Foreign("XML with a DTD, which no profiler writes", _USE_MEMCHECK)),
    (_finds(rb"\A(?:# callgrind format|version: \d+\r?\ncreator: |desc: I1 cache|(?:[^\n]{0,200}\n){0,20}events: (?:Ir|Cycles|Instructions|Time)\b)"), Foreign("a profile of processor time (callgrind, cachegrind, xdebug), which knows no memory", _USE_MEMCHECK)),
    (_finds(rb"(?:ERROR|SUMMARY): \w{0,20}Sanitizer: "), Foreign("a sanitizer's report without leaks", "Let the program end by itself, with ASAN_OPTIONS=detect_leaks=1.", is_certain=False)),
    (_finds(rb"\A\{\n\s*\S.*\n\s*\w+(?:,\w+)*:\w+"), Foreign("a suppression file", "Give it to valgrind: --suppressions=FILE.")),
    (_finds(rb"\A\s*[\[{]\s*[\"\]}]"), Foreign("JSON of a kind that leakreport does not know", _USE_MEMCHECK)),
)  # fmt: skip
_BYTEHOUND = Foreign(
    "a recording of bytehound",
    "Export it: bytehound export-heaptrack --output program.heaptrack FILE.dat, and give program.heaptrack.",
)
_BYTEHOUND_HEAD = re.compile(rb"\x01..[\x00-\x0f]\x00(?![\x20-\x7e]{8})", re.DOTALL)
"""A block of LZ4 with its length: little, so the name must agree.

Source: koute/bytehound `common/src/lz4_stream.rs`.
"""
_XML_ROOT = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<([A-Za-z_][\w:.-]*)", re.DOTALL)


def describe_foreign(head: bytes, name: str) -> Foreign | None:
    """What the head of a file is, if it is something else that is known."""
    if name.endswith(".dat") and _BYTEHOUND_HEAD.match(head):
        return _BYTEHOUND
    for fits, foreign in _KNOWN:
        if fits(head):
            return foreign
    match = _XML_ROOT.match(head)
    if match is not None:
        root = match[1].decode("ascii", "replace")[:40]
        return Foreign(f"XML with the root <{root}>, not Valgrind's <valgrindoutput>", _USE_MEMCHECK, is_certain=False)
    if b"\0" in head[:1024]:
        return Foreign("a binary file of no known kind", _USE_MEMCHECK, is_certain=False)
    return None
