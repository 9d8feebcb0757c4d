"""For each thing a recording can lack: what to change when it is recorded again.

What is lacking the readers and the analysis have said already, in notes and findings; here stands only what helps.
"""

from __future__ import annotations

from typing import NamedTuple


class Remedy(NamedTuple):
    """What helps."""

    advice: str
    valgrind: tuple[str, ...] = ()
    """Options for valgrind."""
    is_fatal: bool = False
    """Without it nothing can be judged."""


REMEDIES = {
    "recording.stack-cut": Remedy("Keep more callers of each stack.", ("--num-callers=40",)),
    "recording.no-debug-info": Remedy("Build with -g, or install the debug packages; optimisation can stay on."),
    "recording.wrapper": Remedy("Nothing has to be recorded again: --alloc-fn names the callers."),
    "attached": Remedy("Start the program under the recorder: what was allocated before is not known."),
    "blocks-not-recorded": Remedy("Only bytes are known. heaptrack and Valgrind's tools count blocks as well."),
    "build-unverified": Remedy("Give the build id of what was profiled: --build-id OBJECT=HEX."),
    "damaged-compression": Remedy("Copy the file again; it is cut or changed.", is_fatal=True),
    "damaged-records": Remedy("Record again, or copy the file again.", is_fatal=True),
    "damaged-tree": Remedy("Record again, or copy the file again.", is_fatal=True),
    "exit-dump": Remedy("Take dumps while the program serves; the one at its end says little."),
    "fork-without-pid": Remedy("Give each process a file of its own: %p in the file name.", ("--trace-children=yes",)),
    "fragmentation": Remedy("Take a heap profile (/pprof/heap) instead."),
    "heap-not-measured": Remedy("Record without --heap=no."),
    "inherited-unknown": Remedy("Record all kinds, so that what a child has from its parent can be told apart.", ("--show-leak-kinds=all",)),
    "kinds-not-recorded": Remedy("Record all kinds: growth of what is still reachable is seen in no other way.", ("--show-leak-kinds=all",)),
    "leak-check-not-run": Remedy("Let the program end by itself, with a leak search at its end.", ("--leak-check=full", "--show-leak-kinds=all"), is_fatal=True),
    "leak-check-unfinished": Remedy("Let the program end by itself: the figures are of a search during the run.", ("--leak-check=full",), is_fatal=True),
    "leaks-omitted": Remedy("Let the tool list all leaks: LSAN_OPTIONS=max_leaks=0."),
    "mmap-counted-twice": Remedy("Record without HEAP_PROFILE_MMAP=true."),
    "no-lines": Remedy("Install the extra leakreport[symbols], addr2line (binutils) or llvm-symbolizer."),
    "no-symbols": Remedy("Say where the binaries are: --symbol-path DIR, --sysroot DIR. Stripped ones need their debug files."),
    "not-a-timeline": Remedy("For growth over time record with --tool=massif."),
    "page-heap-growth": Remedy("Take a heap profile (/pprof/heap) instead: this one never shrinks."),
    "pages-as-heap": Remedy("Record without --pages-as-heap=yes, unless mapped memory is what you look for."),
    "peak-is-inaccurate": Remedy("Let massif take the exact peak.", ("--peak-inaccuracy=0.0",)),
    "sampled": Remedy("Where the error is too large, sample more often (jemalloc: lg_prof_sample:16; tcmalloc: TCMALLOC_SAMPLE_PARAMETER=65536)."),
    "skipped-files": Remedy("Name the file itself to be told what it is."),
    "suppressed": Remedy("Record without the suppressions to see what they hide."),
    "suppressed-unknown": Remedy("Record without the suppressions to see what they hide."),
    "tool-without-leak-search": Remedy("Record with memcheck.", ("--tool=memcheck", "--leak-check=full", "--show-leak-kinds=all"), is_fatal=True),
    "truncated-at-1-mib": Remedy("Use gperftools 2.16 or later, which writes the whole dump."),
    "unit-unknown": Remedy("Say what the numbers are: --unit bytes, or --unit blocks."),
    "unknown-sampling": Remedy("Record again with a tool that writes its sampling rate."),
    "unlisted-problems": Remedy("Fix the first errors and record again; valgrind lists more with --error-limit=no."),
    "unread-siblings": Remedy("Record again what could not be read, or give only the files that are to be judged."),
    "wrong-binary": Remedy("Give the binaries of exactly the profiled build: --symbol-path DIR."),
}  # fmt: skip
"""By the slug of a note or the rule of a finding; those that limit nothing are not in it."""
