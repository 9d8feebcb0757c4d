"""A process that runs: what it is, and the commands that find the call paths of its memory; only those that fit it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from leakreport.doctor.process import Process
from leakreport.explain.answer import Answer, Section
from leakreport.privacy.texts import without_home, without_secrets
from leakreport.units import format_bytes, plural

_VALGRIND = "valgrind --leak-check=full --show-leak-kinds=all --num-callers=40 --xml=yes --xml-file=memcheck.%p.xml"
_JEMALLOC = "MALLOC_CONF=prof:true,lg_prof_interval:30,prof_prefix:/tmp/jeprof"


class Way(NamedTuple):
    """One way to find the call paths."""

    tool: str
    command: str
    why: str


def diagnose_process(process: Process, *, include_host: bool) -> Answer:
    """What to do with a process.

    Args:
        process: what is known of it.
        include_host: keep home folders and what looks like secrets in its command line.
    """
    ways = list(_ways(process, _restart(process, include_host=include_host)))
    sections = [
        Section("What it is", tuple(_described(process, include_host=include_host))),
        Section("What is lacking", tuple(_lacking(process)) or ("Nothing that can be seen from here.",)),
        Section("Which way fits", tuple(f"{way.tool}: {way.why}" for way in ways)),
    ]
    return Answer(
        "diagnosis",
        f"process {process.pid}, {process.name}",
        tuple(sections),
        tuple(way.command for way in ways),
        {
            "usable": bool(process.modules),
            "pid": process.pid,
            "allocator": process.allocator,
            "runtime": _runtime(process),
            "build_id": process.program.build_id if process.program else None,
            "debug_info": process.program.has_debug_info if process.program else None,
            "static": process.program.is_static if process.program else None,
            "in_container": process.in_container,
            "random_layout": process.has_random_layout,
            "refused": list(process.refused),
        },
    )


def _runtime(process: Process) -> str:
    if process.is_jvm:
        return "jvm"
    if process.program is not None and process.program.is_go:
        return "go"
    return "python" if process.is_python else "native"


def _shown(arguments: Sequence[str], *, include_host: bool) -> str:
    if include_host:
        return shlex.join(arguments)
    return without_home(shlex.join(without_secrets(arguments)[0]))


def _restart(process: Process, *, include_host: bool) -> str:
    return _shown(process.command, include_host=include_host) if process.command else f"./{process.name}"


def _described(process: Process, *, include_host: bool) -> Iterator[str]:
    if process.command:
        yield f"Command: {_shown(process.command, include_host=include_host)}."
    if process.resident_bytes is not None:
        own = f", {format_bytes(process.anonymous_bytes)} of it its own and not of files" if process.anonymous_bytes is not None else ""  # fmt: skip
        threads = f"; {plural(process.threads, 'thread')}" if process.threads is not None else ""
        yield f"Resident: {format_bytes(process.resident_bytes)}{own}{threads}."
    runtime = {"jvm": "A Java virtual machine", "go": "A Go program", "python": "A Python interpreter", "native": "A native program"}  # fmt: skip
    linked = ""
    if process.program is not None:
        linked = ", linked statically" if process.program.is_static else ", linked dynamically"
        linked += "" if process.program.is_movable else " at a fixed address"
    yield f"{runtime[_runtime(process)]}{linked}."
    if process.allocator is not None:
        yield f"malloc is served by {process.allocator} allocator." if process.allocator.endswith("'") else f"malloc is served by {process.allocator}."  # fmt: skip
    elif process.program is not None and process.program.is_static:
        yield "Which allocator it has inside cannot be seen: it is linked statically."
    if process.has_random_layout is False:
        yield "Addresses are the same in every run (ASLR is off)."
    if process.in_container:
        yield "It runs in a container: pids and paths inside are others. Run the commands below inside, or with its root as --sysroot."


def _lacking(process: Process) -> Iterator[str]:
    program = process.program
    if process.refused:
        yield f"You may not read {', '.join(process.refused)} of it: ask again as its user, or as root."
    elif program is None:
        yield "The headers of its executable cannot be read, so nothing is known about its symbols."
    if program is None:
        return
    if program.has_debug_info:
        return
    if program.has_debug_link:
        where = f" (build id {program.build_id})" if program.build_id else ""
        yield f"Debug information is in a file of its own{where}: install the debug package, or give --symbol-path DIR."
    elif program.has_symbols:
        yield "There is no debug information: stacks have names and no lines. Build with -g; optimisation can stay on."
    else:
        yield "The executable is stripped: stacks have addresses only. Keep the file from before stripping, and give it with --symbol-path DIR."
    if program.build_id is None:
        yield "It has no build id, so that the right debug file cannot be told from another: link with -Wl,--build-id."


def _ways(process: Process, restart: str) -> Iterator[Way]:
    runtime = _runtime(process)
    if runtime == "jvm":
        yield from _jvm(process, restart)
        return
    if runtime == "go":
        yield Way("Go's profiler", "curl -o heap.pb.gz http://HOST:PORT/debug/pprof/heap", "the run-time samples by itself, where net/http/pprof is imported; memory of cgo is not in it.")  # fmt: skip
        if process.program is not None and process.program.is_static:
            return
    if runtime == "python":
        yield Way("memray", f"memray attach {process.pid}", "names Python functions; needs gdb or lldb and a release of memray inside that Python. leakreport reads no memray recordings: memray flamegraph --leaks shows them.")  # fmt: skip
    is_static = process.program is not None and process.program.is_static
    yield from _by_allocator(process, restart, is_static=is_static)
    if not is_static and process.allocator in {"glibc", "mimalloc", "jemalloc", "tcmalloc"}:
        yield Way("heaptrack", f"heaptrack -p {process.pid}", "attaches now, sees what is allocated from now on; every allocation is counted, so try the load first. Needs gdb.")  # fmt: skip
        if process.allocator == "glibc":
            yield Way("bcc's memleak", f"memleak-bpfcc -p {process.pid} 30", "as root: prints stacks of what is still held, without a restart.")  # fmt: skip
    if process.allocator != "the sanitizers'":
        python = "PYTHONMALLOC=malloc " if runtime == "python" else ""
        static = " --soname-synonyms=somalloc=NONE" if is_static else ""
        yield Way("valgrind", f"{python}{_VALGRIND}{static} {restart}", "where it can be started again and be 20 to 50 times slower: tells lost from still in use, and ends by itself.")  # fmt: skip


def _by_allocator(process: Process, restart: str, *, is_static: bool) -> Iterator[Way]:
    match process.allocator:
        case "jemalloc":
            yield Way("jemalloc", f"{_JEMALLOC} {restart}", "started again; dumps by interval for leakreport trend. Its jemalloc must be built with profiling (Debian's is).")  # fmt: skip
        case "tcmalloc" if not any("minimal" in name for name in process.modules):
            yield Way("tcmalloc", f"HEAPPROFILE=/tmp/{process.name} {restart}", "started again; tcmalloc writes dumps as memory grows, for leakreport trend.")  # fmt: skip
        case "the sanitizers'":
            yield Way("LeakSanitizer", f"LSAN_OPTIONS=exitcode=0 {restart} 2> leaks.txt", "it is built with a sanitizer: let it end by itself, and leaks are in its log.")  # fmt: skip
        case "glibc" | "mimalloc" | "musl" | "tcmalloc" if not is_static:
            library = "libjemalloc.so.2"
            yield Way("jemalloc", f"{_JEMALLOC} LD_PRELOAD={library} {restart}", "started again with another allocator that samples; a few per cent slower, fit for production.")  # fmt: skip


def _jvm(process: Process, restart: str) -> Iterator[Way]:
    is_tracked = any(argument.startswith("-XX:NativeMemoryTracking=") and not argument.endswith("=off") for argument in process.command)  # fmt: skip
    summary = f"jcmd {process.pid} VM.native_memory summary"
    if is_tracked:
        yield Way("jcmd", summary, "what the JVM itself holds, by category; take two with .diff between them.")
    else:
        yield Way(
            "jcmd",
            f"jcmd {process.pid} VM.info",
            "heap and threads now; native memory tracking is off in this process.",
        )
        program, _, rest = restart.partition(" ")
        yield Way("native memory tracking", f"{program} -XX:NativeMemoryTracking=summary {rest}".strip(), f"started again: then {summary} tells what the JVM itself holds.")  # fmt: skip
    if process.allocator == "jemalloc":
        yield Way(
            "jemalloc",
            f"{_JEMALLOC} {restart}",
            "started again: native stacks of what libraries allocate behind the JVM's back.",
        )
    else:
        yield Way("jemalloc", f"{_JEMALLOC} LD_PRELOAD=libjemalloc.so.2 {restart}", "started again: native stacks of what libraries allocate behind the JVM's back. Valgrind runs a JVM badly.")  # fmt: skip
