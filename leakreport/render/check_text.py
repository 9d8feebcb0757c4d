"""What a check found, leak by leak, in words that every text output shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from leakreport.analysis.checkreport import FAILING, CheckedLeak, CheckResult, State
from leakreport.units import format_bytes, format_pair, plural

MOST_LISTED = 10
"""Leaks of one state, where not all are asked for."""
_LISTED = (*FAILING, State.FIXED)
_TITLES = {
    State.NEW: "New",
    State.GREW: "Grew",
    State.EXPIRED: "Expired",
    State.FIXED: "Fixed",
    State.KNOWN: "Known",
}


class ListedLeaks(NamedTuple):
    """The leaks of one state."""

    state: State
    title: str
    leaks: Sequence[CheckedLeak]
    hidden: int
    """How many more there are."""


def listed_leaks(check: CheckResult, *, is_everything: bool) -> Iterator[ListedLeaks]:
    """What is listed, state by state; known leaks only where everything is asked for."""
    for state in (*_LISTED, State.KNOWN) if is_everything else _LISTED:
        leaks = check.of(state)
        shown = leaks if is_everything else leaks[:MOST_LISTED]
        if leaks:
            yield ListedLeaks(state, _TITLES[state], shown, len(leaks) - len(shown))


def amount_words(leak: CheckedLeak) -> str:
    """How much it holds, or how that changed."""
    before, after = leak.before.get("bytes"), leak.after.get("bytes")
    if before is None or after is None or before == after:
        held = after if before is None else before
        text = format_bytes(held or 0)
    else:
        text = format_pair(before, after)
    blocks = (leak.after or leak.before).get("blocks")
    return text if blocks is None else f"{text} in {plural(blocks, 'block')}"


def place_words(leak: CheckedLeak) -> str:
    """Function, file and line."""
    line = "" if leak.line is None else f":{leak.line}"
    where = "" if leak.file is None else f"({leak.file.removeprefix('./')}{line})"
    return " ".join(part for part in (leak.function or leak.module or "unnamed code", where) if part)


def remark_words(leak: CheckedLeak) -> str:
    """What else is to be said: its kind, how it was recognised, why it was accepted, and that the gate passes it over."""
    kinds = ", ".join(kind.title for kind in leak.kinds)
    parts = [kinds]
    if leak.state is State.GREW or (leak.state is State.NEW and leak.evidence):
        parts.append(leak.evidence)
    if leak.id_before is not None:
        parts.append(f"was {leak.id_before}")
    if leak.reason:
        until = f" until {leak.until}" if leak.until else ""
        parts.append(f"accepted{until}: {leak.reason}")
    if leak.state in FAILING and not leak.is_counted:
        parts.append("not counted")
    return "; ".join(part for part in parts if part)


def check_lines(check: CheckResult, *, is_everything: bool) -> Iterator[str]:
    """One line a leak, for grep; then one a budget."""
    for state, _, leaks, hidden in listed_leaks(check, is_everything=is_everything):
        for leak in leaks:
            before, after = leak.before.get("bytes", "-"), leak.after.get("bytes", "-")
            yield f"{state.value.upper()} {leak.id} {before} -> {after} B {place_words(leak)}; {remark_words(leak)}"
        if hidden:
            yield f"MORE {hidden} {state.value}"
    for line in check.budgets:
        yield f"BUDGET {line.result.value} {line.budget} {line.now} B of {line.limit} B"
