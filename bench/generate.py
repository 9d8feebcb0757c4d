"""Writes a large, deterministic memcheck XML file in the layout of valgrind 3.19: the same arguments give the same bytes.

The program behind it does not exist: 20,000 functions in 60 objects, each calling a few others with Zipf-like frequency,
stacks of 10 to 40 frames, records sorted by size as valgrind prints them. Standard library only.

    python bench/generate.py 100MB memcheck-100MB.xml
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

FUNCTIONS = 20_000
OBJECTS = 60
CALLEES = 12
CALL_SITES = 4
SHORTEST, LONGEST = 10, 40
ALLOCATORS = ("malloc", "calloc", "realloc", "operator new(unsigned long)", "operator new[](unsigned long)")
KINDS = (
    ("Leak_DefinitelyLost", "definitely lost", 5),
    ("Leak_IndirectlyLost", "indirectly lost", 3),
    ("Leak_PossiblyLost", "possibly lost", 1),
    ("Leak_StillReachable", "still reachable", 4),
)
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}

HEADER = """<?xml version="1.0"?>

<valgrindoutput>

<protocolversion>4</protocolversion>
<protocoltool>memcheck</protocoltool>

<preamble>
  <line>Memcheck, a memory error detector</line>
  <line>Copyright (C) 2002-2022, and GNU GPL'd, by Julian Seward et al.</line>
  <line>Using Valgrind-3.19.0 and LibVEX; rerun with -h for copyright info</line>
  <line>Command: ./bench-service --load</line>
</preamble>

<pid>4242</pid>
<ppid>4241</ppid>
<tool>memcheck</tool>

<args>
  <vargv>
    <exe>/usr/bin/valgrind.bin</exe>
    <arg>--leak-check=full</arg>
    <arg>--show-leak-kinds=all</arg>
    <arg>--num-callers=40</arg>
    <arg>--xml=yes</arg>
    <arg>--xml-file=bench.xml</arg>
  </vargv>
  <argv>
    <exe>./bench-service</exe>
    <arg>--load</arg>
  </argv>
</args>

<status>
  <state>RUNNING</state>
  <time>00:00:00:00.071 </time>
</status>


<status>
  <state>FINISHED</state>
  <time>00:00:07:12.304 </time>
</status>

"""
FOOTER = """<errorcounts>
</errorcounts>

<suppcounts>
</suppcounts>

</valgrindoutput>

"""


def frame_text(function: int, site: int) -> str:
    """One frame: always the same for a function and one of its call sites."""
    number = function * CALL_SITES + site
    name = f"svc::part{function % 97}::Worker{function % 1009}::step_{function}(std::vector&lt;std::pair&lt;int, long&gt;, std::allocator&lt;std::pair&lt;int, long&gt; &gt; &gt; const&amp;, std::string_view, long)"
    return (
        f"    <frame>\n      <ip>0x{0x4010000 + 16 * number:X}</ip>\n"
        f"      <obj>/opt/bench/lib/libpart{function % OBJECTS}.so.{1 + function % 3}</obj>\n      <fn>{name}</fn>\n"
        f"      <dir>/opt/bench/src/part{function % 97}</dir>\n      <file>worker_{function % 1009}.cpp</file>\n"
        f"      <line>{20 + number % 1700}</line>\n    </frame>\n"
    )


def allocator_text(name: str) -> str:
    """The innermost frame, inside valgrind's own preloaded library."""
    return (
        f"    <frame>\n      <ip>0x{0x4840000 + 64 * ALLOCATORS.index(name):X}</ip>\n"
        "      <obj>/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so</obj>\n"
        f"      <fn>{name}</fn>\n    </frame>\n"
    )


def bodies(size: int) -> Iterator[str]:
    """Stacks as text, innermost frame first, until about `size` bytes of records."""
    chance = random.Random(20_190_319)
    weights = list(accumulate(1 / rank for rank in range(1, CALLEES + 1)))
    # Some functions are called from everywhere, most from few places.
    callees = [[int(FUNCTIONS * chance.random() ** 6) for _ in range(CALLEES)] for _ in range(FUNCTIONS)]
    texts: dict[tuple[int, int], str] = {}
    written = 0
    while written < size:
        function, frames = 0, []
        for _ in range(chance.randint(SHORTEST, LONGEST)):
            callee = chance.choices(range(CALLEES), cum_weights=weights)[0]
            key = (function, callee % CALL_SITES)
            if key not in texts:
                texts[key] = frame_text(*key)
            frames.append(texts[key])
            function = callees[function][callee]
        frames.append(allocator_text(chance.choice(ALLOCATORS)))
        text = "".join(reversed(frames))
        written += len(text) + 380
        yield text


def write_memcheck(path: Path, size: int) -> None:
    """Write the file."""
    chance = random.Random(4)
    stacks = list(bodies(size - len(HEADER) - len(FOOTER)))
    amounts = sorted(int(chance.paretovariate(0.7) * 16) % 2**31 for _ in stacks)
    kinds = chance.choices(KINDS, weights=[kind[2] for kind in KINDS], k=len(stacks))
    with path.open("w", encoding="ascii", newline="\n") as out:
        out.write(HEADER)
        for number, (amount, (kind, words, _), stack) in enumerate(zip(amounts, kinds, stacks, strict=True), start=1):
            blocks = 1 + amount % 7
            out.write(
                f"<error>\n  <unique>0x{number - 1:x}</unique>\n  <tid>1</tid>\n  <kind>{kind}</kind>\n  <xwhat>\n"
                f"    <text>{amount:,} bytes in {blocks} blocks are {words} in loss record {number:,} of {len(stacks):,}"
                f"</text>\n    <leakedbytes>{amount}</leakedbytes>\n    <leakedblocks>{blocks}</leakedblocks>\n  </xwhat>\n"
                f"  <stack>\n{stack}  </stack>\n</error>\n\n"
            )
        out.write(FOOTER)


def parse_size(text: str) -> int:
    """`100MB` as bytes, in powers of 1000."""
    digits = text.rstrip("BKMG")
    return int(digits) * UNITS[text[len(digits) :] or "B"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write a large memcheck XML file.")
    parser.add_argument("size", type=parse_size, help="for example 10MB")
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    write_memcheck(arguments.file, arguments.size)


if __name__ == "__main__":
    main()
