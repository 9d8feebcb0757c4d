"""Large memcheck recordings of a program that does not exist; the same arguments give the same bytes.

A call graph of template-heavy C++ functions is drawn once; each record is a walk from main to an allocator. Few functions
are called from many places, so frames repeat as in a real file, and new stacks keep appearing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

FUNCTIONS = 8_000
CALLEES = 6
OBJECTS = (
    "/opt/shop/bin/shopd", "/opt/shop/lib/libshop-core.so.4", "/opt/shop/lib/libshop-store.so.4",
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30", "/usr/lib/x86_64-linux-gnu/libssl.so.3",
)  # fmt: skip
TYPES = ("int", "char const*", "std::vector<shop::Item, std::allocator<shop::Item> >", "std::shared_ptr<shop::Order>",
         "std::map<int, shop::Price, std::less<int>, std::allocator<std::pair<int const, shop::Price> > >")  # fmt: skip
KINDS = (
    ("Leak_DefinitelyLost", "definitely lost"),
    ("Leak_IndirectlyLost", "indirectly lost"),
    ("Leak_PossiblyLost", "possibly lost"),
    ("Leak_StillReachable", "still reachable"),
)


def write_memcheck(path: Path, size: int, seed: int = 1) -> None:
    """Write a recording of about `size` bytes."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_memcheck(size, seed))


def _memcheck(size: int, seed: int) -> Iterator[str]:
    generator = random.Random(seed)
    program = _Program(generator)
    yield (
        '<?xml version="1.0"?>\n\n<valgrindoutput>\n\n<protocolversion>4</protocolversion>\n'
        "<protocoltool>memcheck</protocoltool>\n\n<pid>4242</pid>\n<ppid>1</ppid>\n<tool>memcheck</tool>\n\n"
        "<args>\n  <vargv>\n    <exe>/usr/bin/valgrind</exe>\n    <arg>--show-leak-kinds=all</arg>\n    "
        "<arg>--num-callers=40</arg>\n  </vargv>\n  <argv>\n    <exe>/opt/shop/bin/shopd</exe>\n  </argv>\n</args>\n\n"
        "<status>\n  <state>RUNNING</state>\n</status>\n\n<status>\n  <state>FINISHED</state>\n</status>\n\n"
    )
    # A record takes about 8.3 KB; the number of all stands in each.
    count = max(size // 8_300, 1)
    for number in range(1, count + 1):
        kind, words = generator.choices(KINDS, (5, 2, 3, 2))[0]
        blocks = int(generator.paretovariate(0.8)) % 100_000 + 1
        lost = blocks * generator.choice((16, 24, 48, 72, 256, 4096))
        yield (
            f"<error>\n  <unique>0x{number:x}</unique>\n  <tid>1</tid>\n  <kind>{kind}</kind>\n  <xwhat>\n"
            f"    <text>{lost:,} bytes in {blocks:,} blocks are {words} in loss record {number:,} of {count:,}</text>\n"
            f"    <leakedbytes>{lost}</leakedbytes>\n    <leakedblocks>{blocks}</leakedblocks>\n  </xwhat>\n"
            f"  <stack>\n{program.stack(generator)}  </stack>\n</error>\n\n"
        )
    yield "<errorcounts>\n</errorcounts>\n\n</valgrindoutput>\n"


class _Program:
    def __init__(self, generator: random.Random) -> None:
        self._callees = [
            [min(int(generator.paretovariate(0.6)) * 97, FUNCTIONS * 9) % FUNCTIONS for _ in range(CALLEES)]
            for _ in range(FUNCTIONS)
        ]
        self._frames = [
            [self._frame(number, slot, generator) for slot in range(CALLEES)] for number in range(FUNCTIONS)
        ]
        self._malloc = self._text(0x48417B4, "/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so", "malloc", None)

    @staticmethod
    def _text(address: int, module: str, function: str, place: tuple[str, str, int] | None) -> str:
        lines = [f"      <ip>0x{address:X}</ip>", f"      <obj>{module}</obj>", f"      <fn>{escape(function)}</fn>"]
        if place is not None:
            folder, file, line = place
            lines += [f"      <dir>{folder}</dir>", f"      <file>{file}</file>", f"      <line>{line}</line>"]
        return "    <frame>\n" + "\n".join(lines) + "\n    </frame>\n"

    def _frame(self, number: int, slot: int, generator: random.Random) -> str:
        module = OBJECTS[number % len(OBJECTS)]
        function = "main"
        if number:
            arguments = ", ".join(generator.choices(TYPES, k=2))
            function = f"shop::Room{number % 71}<{generator.choice(TYPES)}>::step_{number}({arguments})"
        place = (
            ("/src/shop/rooms", f"room_{number % 400}.cc", number % 900 + slot) if module.startswith("/opt") else None
        )
        return self._text(0x4000000 + number * 512 + slot * 16, module, function, place)

    def stack(self, generator: random.Random) -> str:
        frames, function = [], 0
        for _ in range(generator.randrange(12, 38)):
            slot = min(int(generator.paretovariate(0.9)) - 1, CALLEES - 1)
            frames.append(self._frames[function][slot])
            function = self._callees[function][slot]
        return "".join([self._malloc, *reversed(frames)])
