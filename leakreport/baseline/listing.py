"""A baseline in words."""

from __future__ import annotations

from collections.abc import Iterator

from leakreport.baseline.entries import Baseline, Leak, total_blocks, total_bytes
from leakreport.units import format_bytes, plural


def listed(baseline: Baseline, path: str, today: str) -> Iterator[str]:
    """One line for the file, and one or two for each leak, the largest first."""
    live = [leak for leak in baseline.leaks.values() if leak.last]
    fixed = [leak for leak in baseline.leaks.values() if not leak.last]
    held = sum(total_bytes(leak.last) for leak in live)
    pinned = sum(total_bytes(leak.anchor) for leak in baseline.leaks.values())
    yield f"{path}: {plural(len(live), 'leak')}, {format_bytes(held)}; {format_bytes(pinned)} at the anchor"
    programs = ", ".join(
        name if count == 1 else f"{name} ({count} processes)"
        for name, count in sorted(baseline.recording.programs.items())
    )
    yield f"recorded as {baseline.recording.format}{f', {programs}' if programs else ''}"
    for leak in sorted(live, key=lambda one: (-total_bytes(one.last), one.id)):
        yield from _lines(leak, today)
    if fixed:
        yield f"fixed: {', '.join(leak.id for leak in fixed)} (leakreport baseline prune takes them out)"
    if baseline.clean:
        yield f"folders that stay clean: {', '.join(baseline.clean)}"
    for scope, limit in baseline.budgets.items():
        yield f"budget that only goes down: {scope}={format_bytes(limit)}"


def _lines(leak: Leak, today: str) -> Iterator[str]:
    kinds = ", ".join(kind.title for kind in sorted(leak.last))
    blocks = total_blocks(leak.last)
    of_blocks = "" if blocks is None else f" in {plural(blocks, 'block')}"
    where = ", ".join(part for part in (leak.function, leak.file, leak.module) if part)
    yield f"{leak.id}  {format_bytes(total_bytes(leak.last))}{of_blocks}, {kinds}  {where}"
    age = f"first seen {leak.first_seen}" if leak.first_seen else ""
    if leak.reason:
        until = "" if leak.until is None else f" until {leak.until}{', which has passed' if leak.until < today else ''}"
        age = f"{age}; accepted{until}: {leak.reason}".lstrip("; ")
    if age:
        yield f"    {age}"


def changes(before: Baseline | None, after: Baseline) -> str:
    """What is other in a baseline than it was, in numbers."""
    live = [{name for name, leak in one.leaks.items() if leak.last} for one in (before, after) if one is not None]
    if before is None:
        return f"{plural(len(live[0]), 'leak')} known"
    aliases = {name: leak.id for leak in after.leaks.values() for name in leak.aliases}
    old = {aliases.get(name, name) for name in live[0]}
    parts = [f"{plural(len(live[1]), 'leak')} known"]
    parts += [f"{len(live[1] - old)} more"] if live[1] - old else []
    parts += [f"{len(old - live[1])} fewer"] if old - live[1] else []
    return ", ".join(parts)
