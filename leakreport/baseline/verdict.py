"""What a check says: the lines of its gate, and the verdict with its sentence."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from leakreport.analysis.checkreport import FAILING, CheckedLeak, CheckResult, Doubt, State
from leakreport.analysis.report import GateLine, GateResult, Status, Verdict
from leakreport.model.metrics import LeakKind
from leakreport.units import format_bytes, format_change, plural

_MOST_NAMED = 5
"""Ids in a line of the gate."""
_VERBS = {
    State.NEW: ("is new", "are new"),
    State.GREW: ("grew", "grew"),
    State.EXPIRED: ("has expired", "have expired"),
}


def state_gates(result: CheckResult, failing: Container[State]) -> list[GateLine]:
    """The lines of the gate for what is worse, or the one that says that nothing is.

    Args:
        result: the states of the leaks.
        failing: the states that fail.
    """
    lines = []
    for state in FAILING:
        leaks = [leak for leak in result.of(state) if leak.is_counted]
        if state in failing and leaks:
            words = "; ".join(
                f"{plural(len(part), f'leak {one}', f'leaks {many}')}{_more(state, part)}: {_ids(part)}"
                for part, (one, many) in _told_apart(state, leaks)
            )
            lines.append(GateLine(state.value, GateResult.FAILED, words))
    if lines:
        return lines
    aside = _aside(result)
    if result.baseline is None:
        text = "; ".join(aside) or "no leak"
        return [GateLine("new", GateResult.PASSED, f"{text} (there is no baseline)")]
    parts = [f"{plural(len(result.of(State.KNOWN)), 'leak')} known"]
    parts += [f"{number} fixed" for number in [len(result.of(State.FIXED))] if number]
    what = "nothing new and nothing that grew is counted" if aside else "nothing is new and nothing grew"
    return [GateLine("baseline", GateResult.PASSED, f"{what}: {'; '.join((', '.join(parts), *aside))}")]


def _aside(result: CheckResult) -> list[str]:
    """What is worse and does not count: "1 new, still reachable: not counted", "2 grew, covered by a budget"."""
    found = []
    for state in FAILING:
        aside = [leak for leak in result.of(state) if not leak.is_counted]
        for part, (verb, _) in _told_apart(state, [leak for leak in aside if leak.is_covered]):
            found.append(f"{len(part):,} {verb}, {part[0].why_not_counted}")
        for part, (verb, _) in _told_apart(state, [leak for leak in aside if not leak.is_covered]):
            kinds = dict.fromkeys(kind.title for leak in part for kind in leak.kinds if kind is not LeakKind.NONE)
            words = ", ".join((f"{len(part):,} {verb.removeprefix('is ')}", *kinds))
            found.append(f"{words}: {part[0].why_not_counted}")
    return found


def _exceeded(result: CheckResult) -> list[str]:
    """The budgets that do not hold, as the beginning of a headline: the first with its figures, how many more."""
    failed = [line for line in result.budgets if line.result is GateResult.FAILED]
    if not failed:
        return []
    first = failed[0]
    over = format_change(first.now - first.limit).lstrip("+")
    text = (
        f"budget {first.budget} exceeded by {over}: {format_bytes(first.now)}, allowed are {format_bytes(first.limit)}"
    )
    more = len(failed) - 1
    return [text, *([f"{plural(more, 'more budget')} exceeded"] if more else [])]


def _told_apart(state: State, leaks: Sequence[CheckedLeak]) -> list[tuple[Sequence[CheckedLeak], tuple[str, str]]]:
    """The leaks of a state with the words for it: what is lost now and no larger did not grow."""
    parts = (
        ([leak for leak in leaks if not leak.is_now_lost], _VERBS[state]),
        ([leak for leak in leaks if leak.is_now_lost], ("became lost", "became lost")),
    )
    return [(part, verbs) for part, verbs in parts if part]


def _more(state: State, leaks: Sequence[CheckedLeak]) -> str:
    """How much it is; of what became lost, what it was."""
    if leaks[0].is_now_lost:
        reasons = list(dict.fromkeys(leak.evidence for leak in leaks))
        return f" ({'; '.join(reasons)})"
    amount = sum(leak.after["bytes"] - leak.before.get("bytes", 0) for leak in leaks)
    if state is State.NEW:
        return f", {format_bytes(amount)}"
    return f", by {format_bytes(amount)}" if state is State.GREW and amount > 0 else ""


def _ids(leaks: Sequence[CheckedLeak]) -> str:
    shown = ", ".join(leak.id for leak in leaks[:_MOST_NAMED])
    return shown if len(leaks) <= _MOST_NAMED else f"{shown} and {len(leaks) - _MOST_NAMED} more"


def verdict_of(verdict: Verdict, result: CheckResult, gates: Sequence[GateLine]) -> Verdict:
    """The verdict of the run with that of the check in front; doubts turn what passed into no judgement."""
    lines = [*gates, *verdict.gate_lines]
    wrong = next((doubt for doubt in result.doubts if not doubt.is_comparable), None)
    if wrong is not None:
        lines = [line._replace(result=GateResult.INCONCLUSIVE, text=f"cannot judge: {line.text}") for line in lines]
    elif result.doubts:
        lines = [
            line if line.result is not GateResult.PASSED else line._replace(result=GateResult.INCONCLUSIVE)
            for line in lines
        ]
    lines = [*(GateLine("evidence", GateResult.INCONCLUSIVE, doubt.text) for doubt in result.doubts), *lines]
    results = {line.result for line in lines}
    order = (GateResult.FAILED, GateResult.INCONCLUSIVE, GateResult.PASSED)
    gate = next(result for result in order if result in results)
    reasons = [f"{line.gate}: {line.text}" for line in lines if line.result is not GateResult.PASSED]
    status = verdict.status
    if gate is GateResult.INCONCLUSIVE and (status is Status.CLEAN or wrong is not None):
        status = Status.INCONCLUSIVE
    return replace(
        verdict,
        status=status,
        sentence=_sentence(result, wrong),
        lead=(f"{verdict.sentence}.", *verdict.lead),
        gate=gate,
        gate_lines=tuple(sorted(lines, key=lambda line: order.index(line.result))),
        reasons=tuple(dict.fromkeys((*verdict.reasons, *reasons))),
    )


def _sentence(result: CheckResult, wrong: Doubt | None) -> str:
    if wrong is not None:
        return f"Not judged: {wrong.what}"
    counts = {state: len(result.of(state)) for state in State}
    parts = [
        (len(part), verbs)
        for state in FAILING
        for part, verbs in _told_apart(state, [leak for leak in result.of(state) if leak.is_counted])
    ]
    worse = [
        plural(count, f"leak {one}", f"leaks {many}") if not number else f"{count} {one if count == 1 else many}"
        for number, (count, (one, many)) in enumerate(parts)
    ]
    rest = [
        f"{counts[State.KNOWN]:,} known",
        *(f"{counts[State.FIXED]:,} fixed" for _ in range(min(counts[State.FIXED], 1))),
    ]
    start = ", ".join(worse) if worse else "Nothing is new and nothing grew"
    aside, exceeded = _aside(result), _exceeded(result)
    if aside or exceeded:
        start = "; ".join((*exceeded, *([start] if worse or not aside else []), *aside))
    start = start if result.baseline is not None or not (worse or aside) else f"{start} (there is no baseline)"
    end = "; what is missing cannot be judged" if result.doubts else ""
    return f"{start[:1].upper()}{start[1:]}; {', '.join(rest)}{end}"
