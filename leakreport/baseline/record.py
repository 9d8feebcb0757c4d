"""What becomes of a baseline: written anew, moved to another run, one leak accepted, what is fixed taken out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from leakreport.analysis.report import PathRow
from leakreport.baseline.budgets import Base, budget_lines
from leakreport.baseline.compare import CheckOptions, Comparison, budgets_of, held_of
from leakreport.baseline.entries import Amount, Amounts, Baseline, Leak, folder_of
from leakreport.baseline.places import Places
from leakreport.baseline.side import leaks_of, recording_of, told_frame, unattributed_of
from leakreport.errors import BaselineError
from leakreport.ids import found_id
from leakreport.model.metrics import LeakKind


def recorded(comparison: Comparison, check: CheckOptions) -> Baseline:
    """A baseline of a run, pinned at it."""
    leaks, folded = leaks_of(comparison.report, check.places)
    left = unattributed_of(comparison.report, leaks.values())
    dated = {name: replace(leak, first_seen=check.today) for name, leak in leaks.items()}
    recording = recording_of(comparison.aligned.after)
    return Baseline(recording, dated, left, left, folded).with_leaks(dated)


def updated(
    comparison: Comparison, check: CheckOptions, *, moves_anchor: bool = False, is_ratchet: bool = False
) -> Baseline:
    """A baseline moved to a run: what it knew keeps its age and reasons, what is gone is marked as fixed.

    Args:
        comparison: the baseline and the run.
        check: the date, and the budgets that a ratchet tightens.
        moves_anchor: pin it at this run.
        is_ratchet: take no new leak in, let no amount rise, and remember folders without a leak.
    """
    old = comparison.baseline
    assert old is not None
    now = recorded(comparison, check)
    shown = {after: comparison.report.paths[row] for after, row in comparison.rows.items()}
    leaks: dict[str, Leak] = {}
    gone: dict[str, Leak] = {}
    for found in comparison.leaks:
        ids = list(dict.fromkeys(shown[after].id for after in found.rows if after in shown))
        stored = [old.leaks[name] for name in found.stored]
        fresh = [now.leaks[name] for name in ids if name in now.leaks]
        if not fresh:
            # What is here and too small to be listed is summed up with the others.
            gone |= {leak.id: _fixed(leak, check.today) for leak in stored if not found.rows}
        elif not stored and is_ratchet:
            continue
        else:
            leaks |= {leak.id: leak for leak in _moved(stored, fresh, old, is_ratchet=is_ratchet)}
    # What is alive by its own id is neither fixed nor somebody's alias; what suppressions hide stays as it was.
    seen = {name for found in comparison.leaks for name in found.stored}
    leaks = {name: leak for name, leak in old.leaks.items() if name not in seen} | gone | leaks
    leaks = {
        name: replace(leak, aliases=tuple(one for one in leak.aliases if one not in leaks))
        for name, leak in leaks.items()
    }
    result = replace(
        now,
        unattributed=_least(old.unattributed, now.unattributed) if is_ratchet else now.unattributed,
        unattributed_anchor=old.unattributed_anchor,
        clean=old.clean,
        budgets=old.budgets,
    ).with_leaks(leaks)
    if is_ratchet:
        result = _tightened(result, comparison, check)
    return _pinned(result) if moves_anchor else result


def _fixed(leak: Leak, today: str) -> Leak:
    return replace(leak, last={}, fixed=leak.fixed or today)


def _moved(stored: Sequence[Leak], fresh: Sequence[Leak], old: Baseline, *, is_ratchet: bool) -> list[Leak]:
    """What is recorded of one leak now, under each of its ids."""
    if not stored:
        return [_as_before(leak, old) for leak in fresh]
    ages = [leak.first_seen for leak in stored if leak.first_seen]
    by_id = {leak.id: leak for leak in stored}
    found = []
    room: Amounts = _sum(leak.last for leak in stored)
    for number, leak in enumerate(sorted(fresh, key=lambda leak: leak.id not in by_id) if is_ratchet else fresh):
        # What several records become is pinned where they were, together: with the heaviest.
        mine = [by_id[leak.id]] if leak.id in by_id else []
        others = [one for one in stored if one.id not in {other.id for other in fresh}] if not number else []
        source = [*mine, *others]
        aliases = dict.fromkeys(name for one in source for name in (one.id, *one.aliases) if name != leak.id)
        told = next((one for one in (*source, *stored) if one.reason), None)
        last = leak.last
        if is_ratchet:
            # Paths that were not there take no more than what those that were hold no longer.
            last = _least(_sum(one.last for one in source) if source else room, leak.last)
            room = _without(room, last)
            if not source and not any(amount.bytes or amount.blocks for amount in last.values()):
                continue
        found.append(
            replace(
                leak,
                last=last,
                anchor=_sum(one.anchor for one in source),
                aliases=tuple(aliases),
                first_seen=min(ages, default=leak.first_seen),
                reason=None if told is None else told.reason,
                until=None if told is None else told.until,
            )
        )
    return found


def _as_before(leak: Leak, old: Baseline) -> Leak:
    """A new leak; one that was fixed and came back keeps its age."""
    back = old.leak_called(leak.id)
    return (
        leak
        if back is None or back.last
        else replace(leak, first_seen=back.first_seen, anchor=back.anchor or leak.anchor)
    )


def _sum(amounts: Iterable[Amounts]) -> dict[LeakKind, Amount]:
    found: dict[LeakKind, Amount] = {}
    for one in amounts:
        for kind, amount in one.items():
            before = found.get(kind)
            blocks = None if amount.blocks is None else amount.blocks + (0 if before is None else before.blocks or 0)
            found[kind] = Amount(amount.bytes + (0 if before is None else before.bytes), blocks)
    return found


def _without(one: Amounts, other: Amounts) -> dict[LeakKind, Amount]:
    """What is left of some amounts, at least nothing."""
    found = dict(one)
    for kind, amount in other.items():
        if kind in found:
            known = found[kind]
            blocks = None if known.blocks is None else max(known.blocks - (amount.blocks or 0), 0)
            found[kind] = Amount(max(known.bytes - amount.bytes, 0), blocks)
    return found


def _least(one: Amounts, other: Amounts) -> dict[LeakKind, Amount]:
    """Per kind of the second the smaller of both."""
    found = {}
    for kind, amount in other.items():
        known = one.get(kind, Amount(0, None if amount.blocks is None else 0))
        blocks = None if amount.blocks is None or known.blocks is None else min(amount.blocks, known.blocks)
        found[kind] = Amount(min(amount.bytes, known.bytes), blocks)
    return found


def _pinned(baseline: Baseline) -> Baseline:
    leaks = {name: replace(leak, anchor=leak.last) for name, leak in baseline.leaks.items()}
    return replace(baseline, unattributed_anchor=baseline.unattributed).with_leaks(leaks)


def _tightened(baseline: Baseline, comparison: Comparison, check: CheckOptions) -> Baseline:
    """What a ratchet does beside the amounts: anchors follow them down, budgets too, and clean folders are remembered."""
    leaks = {
        name: replace(leak, anchor=_least(leak.anchor, leak.last) if leak.last else {})
        for name, leak in baseline.leaks.items()
    }
    dirty = {leak.folder for leak in leaks.values() if leak.last} | {
        folder_of(file)
        for row in comparison.report.paths
        if (file := _file_of(comparison, row, check.places)) is not None
    }
    seen = _own_folders(comparison, check.places) | {leak.folder for leak in leaks.values() if leak.folder is not None}
    clean = {*baseline.clean, *(folder for folder in seen if folder not in dirty)}
    absolute = [budget for budget in budgets_of(comparison, check) if budget.base is Base.NOTHING]
    budgets = dict(baseline.budgets)
    for budget, line in zip(absolute, budget_lines(absolute, held_of(comparison, check)), strict=True):
        budgets[budget.scope] = min(budgets.get(budget.scope, line.limit), line.limit, max(line.now, 0))
    anchor = _least(baseline.unattributed_anchor, baseline.unattributed)
    return replace(baseline, clean=tuple(sorted(clean)), budgets=budgets, unattributed_anchor=anchor).with_leaks(leaks)


def _file_of(comparison: Comparison, row: PathRow, places: Places) -> str | None:
    frame = told_frame(comparison.report, row)
    return None if frame is None else places.told(frame[1])


def _own_folders(comparison: Comparison, places: Places) -> set[str]:
    report = comparison.report
    files = {places.told(frame.path) for frame, own in zip(report.frames, report.own, strict=True) if own}
    return {folder_of(file) for file in files if file is not None}


def accepted(
    baseline: Baseline, comparison: Comparison | None, name: str, check: CheckOptions, *, reason: str, until: str | None
) -> Baseline:
    """A baseline in which one leak is known for a reason; with a run, as large as it is there.

    Raises:
        BaselineError: neither the baseline nor the run has it.
        UsageError: several ids begin so, or it is too short to tell.
    """
    name = found_id(name, _known_ids(baseline, comparison)) or name
    known = baseline.leak_called(name)
    fresh = None if comparison is None else _fresh(comparison, name, check)
    if fresh is not None:
        members, stored = fresh
        ids = {leak.id for leak in members}
        aged = stored or ([] if known is None else [known])
        first_seen = min((one.first_seen for one in aged if one.first_seen), default=check.today)
        kept = {key: one for key, one in baseline.leaks.items() if key not in {entry.id for entry in stored}}
        found = {}
        for leak in members:
            # Earlier ids that are nobody's now go with the first.
            source = [one for one in stored if one.id == leak.id or (leak is members[0] and one.id not in ids)]
            names = dict.fromkeys(alias for one in source for alias in (one.id, *one.aliases) if alias not in ids)
            found[leak.id] = replace(leak, first_seen=first_seen, aliases=tuple(names))
    elif known is not None and known.last:
        found, kept = {known.id: known}, dict(baseline.leaks)
    else:
        where = "the recording has" if comparison is not None else "the baseline has"
        raise BaselineError(
            f"{where} no leak {name}",
            advice="Give the id that leakreport check prints, and the recording it was found in: "
            f"leakreport baseline accept {name} INPUT... --reason TEXT",
        )
    taken = {key: replace(leak, reason=reason, until=until, fixed=None) for key, leak in found.items()}
    return baseline.with_leaks(kept | taken)


def _known_ids(baseline: Baseline, comparison: Comparison | None) -> set[str]:
    """The ids that leaks of a baseline and a run have, or had."""
    ids = {name for leak in baseline.leaks.values() for name in (leak.id, *leak.aliases)}
    if comparison is not None:
        ids |= {comparison.report.paths[row].id for row in comparison.rows.values()}
    return ids


def _fresh(comparison: Comparison, name: str, check: CheckOptions) -> tuple[list[Leak], list[Leak]] | None:
    """All paths of a leak as a run has them, the named one first, and what the baseline has of it."""
    now, _ = leaks_of(comparison.report, check.places)
    shown = {after: comparison.report.paths[row].id for after, row in comparison.rows.items()}
    for found in comparison.leaks:
        ids = [shown[after] for after in found.rows if after in shown]
        if ids and name in (*ids, *found.stored) and comparison.baseline is not None:
            members = [now[one] for one in dict.fromkeys((name, *ids)) if one in now and one in ids]
            return (members, [comparison.baseline.leaks[one] for one in found.stored]) if members else None
    return None


def pruned(baseline: Baseline, comparison: Comparison | None) -> tuple[Baseline, list[Leak]]:
    """A baseline without the leaks that are fixed, by its own word or that of a run; and what was taken out."""
    gone = {leak.id for leak in baseline.leaks.values() if not leak.last}
    if comparison is not None:
        gone |= {name for found in comparison.leaks if not found.rows for name in found.stored}
    kept: Mapping[str, Leak] = {name: leak for name, leak in baseline.leaks.items() if name not in gone}
    return baseline.with_leaks(kept), [baseline.leaks[name] for name in sorted(gone)]
