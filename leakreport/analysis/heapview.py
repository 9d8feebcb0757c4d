"""Leak or fragmentation? What the heaps of malloc say: how much of what they took is in use, and how much is free inside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leakreport.analysis.growth_results import GrowthWord
from leakreport.analysis.noise import LEAST_BYTES
from leakreport.units import format_bytes, format_count, format_share, plural

HEAPS = "[glibc malloc]"
"""The group of all heaps."""
IN_USE_MEANING = "the program has it from malloc and has not freed it; who allocated it is not told"
HEAP_ADVICE = "A heap profile tells who allocates it: memcheck, heaptrack, or bcc's memleak for a process that cannot be started anew."
_QUESTION = "Leak or fragmentation?"
_GIVE_BACK = "malloc_trim(0) gives whole pages of it back, MALLOC_ARENA_MAX=2 bounds the number of heaps"


def tells_heaps(totals: Mapping[str, int]) -> bool:
    """Whether the totals are those of malloc_info."""
    return "heap_system_bytes" in totals and "heap_free_bytes" in totals


def heap_sentence(totals: Mapping[str, int], number: str) -> str:
    """The headline for one state; `number` says which of several, as its end."""
    mapped = totals.get("mapped_block_bytes", 0)
    beside = f" and {format_bytes(mapped)} in mapped blocks" if mapped else ""
    return (
        f"{format_bytes(totals['heap_used_bytes'])} in use in {plural(totals.get('malloc_arenas', 1), 'heap')} of malloc{beside}, "
        f"{format_bytes(totals['heap_free_bytes'])} free inside the heaps{number}"
    )


def heap_answer(totals: Mapping[str, int]) -> str:
    """What one state can say: what most of the memory is."""
    free, mapped = totals["heap_free_bytes"], totals.get("mapped_block_bytes", 0)
    taken = totals["heap_system_bytes"] + mapped
    share = f"{format_share(free, taken)} of the {format_bytes(taken)} that malloc took from the system"
    if free >= LEAST_BYTES and 2 * free >= taken:
        return (
            f"{_QUESTION} {share} is free inside its heaps: the program does not hold it, RSS may count it. "
            f"If that stays so it is retention or fragmentation, no leak: {_GIVE_BACK}."
        )
    return f"{_QUESTION} {share} is free inside its heaps; the program holds the rest. If it grows, that is a leak."


def heap_growth(states: Sequence[Mapping[str, int]], word: GrowthWord | None) -> tuple[str, ...]:
    """What first and last state together say, where both tell of heaps.

    Args:
        states: totals of all points, in order.
        word: the verdict on what is in use, where it was judged.
    """
    told = [totals for totals in states if tells_heaps(totals) and "heap_used_bytes" in totals]
    if len(told) < 2:
        return ()
    used, free, mapped, heaps = (
        told[-1].get(name, 0) - told[0].get(name, 0)
        for name in ("heap_used_bytes", "heap_free_bytes", "mapped_block_bytes", "malloc_arenas")
    )
    in_use = used + mapped
    found = [f"{_QUESTION} {_of_use(in_use, word)}"]
    if free >= LEAST_BYTES and free >= in_use:
        more = "more, by " if in_use >= LEAST_BYTES else ""
        found.append(
            f"What is free inside the heaps rose {more or 'by '}{format_bytes(free)}: that part is retention or fragmentation, "
            f"no leak ({_GIVE_BACK})."
        )
    elif in_use >= LEAST_BYTES and -free >= in_use // 2:
        found.append("It fills memory that was free inside the heaps, so RSS does not show all of it yet.")
    if heaps > 0:
        found.append(
            f"There are {format_count(told[-1]['malloc_arenas'])} heaps, {format_count(heaps)} more than at first."
        )
    return tuple(found)


def _of_use(in_use: int, word: GrowthWord | None) -> str:
    if word is GrowthWord.GROWING:
        return f"What is in use grows, by {format_bytes(in_use)} so far: that is a leak, not fragmentation."
    if in_use < LEAST_BYTES:
        return "What is in use does not grow: no leak."
    if word in {GrowthWord.STEP, GrowthWord.PLATEAU, GrowthWord.SAWTOOTH, GrowthWord.FLAT, GrowthWord.SHRINKING}:
        return f"What is in use rose by {format_bytes(in_use)} and does not go on: no leak in these samples."
    return f"What is in use is larger by {format_bytes(in_use)}: a leak, if that goes on."
