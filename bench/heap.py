"""Heap profiles with names of a program that does not exist; the same arguments give the same bytes.

The format is what `pprof -raw` of gperftools writes: addresses with their names, then the profile. A call graph of C++
functions is drawn once; a stack is a walk from `main`, weighted towards the first callee, so prefixes are shared and new
stacks keep appearing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

FUNCTIONS = 20_000
SHALLOWEST, DEEPEST = 10, 40
_SPACES = "net cache store query codec sched index shard auth feed".split()
_CLASSES = "Session Router Pool Arena Segment Row Cursor Planner Stage Queue Node Bucket Writer Decoder Parser".split()
_VERBS = "open read parse build reserve insert find load flush merge visit apply dispatch encode append refresh".split()
_TYPES = (
    "int",
    "unsigned long",
    "std::string",
    "std::vector<std::string, std::allocator<std::string> >",
    "std::shared_ptr<net::Session>",
)
_STEP = 0x40


def write_heap(path: Path, stacks: int, *, name_length: int | None = 0, seed: int = 1, factor: int = 1) -> None:
    """Write a profile of so many different stacks.

    Args:
        name_length: names are made at least this long by more template arguments; None for addresses only.
        factor: each fiftieth stack holds this many times as much: the later one of two runs.
    """
    with path.open("w", encoding="ascii") as file:
        file.writelines(_profile(stacks, name_length, random.Random(seed), factor))


def _profile(stacks: int, name_length: int | None, chance: random.Random, factor: int) -> Iterator[str]:
    callees = [
        [chance.randrange(1, FUNCTIONS) for _ in range(chance.choice((1, 1, 1, 2, 3, 6)))] for _ in range(FUNCTIONS)
    ]
    if name_length is not None:
        yield from _symbols(callees, name_length, chance)
    lines: dict[str, tuple[int, int]] = {}
    while len(lines) < stacks:
        function, addresses = 0, []
        for _ in range(chance.randrange(SHALLOWEST, DEEPEST)):
            slot = int(len(callees[function]) * chance.random() ** 2)
            addresses.append(f"0x{_address(function, slot):016x}")
            function = callees[function][slot]
        lines[" ".join(reversed(addresses))] = (
            int(chance.paretovariate(0.9)) % 4000 + 1,
            8 * chance.randrange(1, 8000),
        )
    held = [
        (blocks * (factor if number % 50 == 0 else 1), size, stack)
        for number, (stack, (blocks, size)) in enumerate(lines.items())
    ]
    blocks, amount = sum(blocks for blocks, _, _ in held), sum(blocks * size for blocks, size, _ in held)
    yield f"heap profile: {blocks}: {amount} [{blocks}: {amount}] @ heapprofile\n"
    for blocks, size, stack in held:
        yield f"{blocks}: {blocks * size} [{blocks}: {blocks * size}] @ {stack}\n"
    yield "\nMAPPED_LIBRARIES:\n00400000-04000000 r-xp 00000000 08:01 1 /opt/shop/bin/shopd\n"


def _symbols(callees: list[list[int]], name_length: int, chance: random.Random) -> Iterator[str]:
    yield "--- symbol\nbinary=/opt/shop/bin/shopd\n"
    for number in range(FUNCTIONS):
        name = _name(number, name_length, chance)
        for slot in range(len(callees[number])):
            yield f"0x{_address(number, slot):016x} {name}\n"
    yield "---\n--- heap\n"


def _address(function: int, slot: int) -> int:
    return 0x400000 + function * 8 * _STEP + (slot + 1) * _STEP


def _name(number: int, shortest: int, chance: random.Random) -> str:
    if number == 0:
        return "main"
    arguments = chance.choices(_TYPES, k=2)
    place = f"{_SPACES[number % len(_SPACES)]}::{_CLASSES[number // 7 % len(_CLASSES)]}"
    call = f"::{_VERBS[number % len(_VERBS)]}_{number}({arguments[0]})"
    template = arguments[1]
    while len(place) + len(template) + len(call) + 2 < shortest:
        template += f", {chance.choice(_TYPES)}"
    return f"{place}<{template}>{call}"
