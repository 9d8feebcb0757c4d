"""Suppression rules: applied, written, tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leakreport.api.judging import analyze

if TYPE_CHECKING:
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.model.snapshot import Run, Snapshot
    from leakreport.suppressions.leaks import LeakInput
    from leakreport.suppressions.match import Matcher
    from leakreport.suppressions.rules import Dialect, Rule
    from leakreport.suppressions.write import WrittenRule


def suppress(run: Run, rules: Sequence[Rule]) -> Run:
    """The run without what suppression rules hide; what they hid is counted in its totals and metas."""
    from leakreport.suppressions.apply import suppress as suppress_records
    from leakreport.symbols.demangle import demangle

    return suppress_records(run, rules, demangle=demangle)


def leaks_of(run: Run, source: str, *, config: AnalysisOptions | None = None) -> LeakInput:
    """The paths of a run as suppression rules see them.

    Args:
        run: read from one input, no rules applied.
        source: what to call the input.
        config: whose code is whose, and which snapshot counts.

    Raises:
        UsageError: an option names something that the run does not have.
    """
    from leakreport.model.metrics import LeakKind
    from leakreport.suppressions.leaks import Leak, LeakInput
    from leakreport.suppressions.match import Recorded

    report = analyze(run, config=config)
    meta = run.snapshots[0].meta
    recorded = Recorded.of(meta)
    leaks = []
    for row in report.paths:
        has_kind = row.leak_kind is not LeakKind.NONE
        amounts = (
            (row.leak_kind.bytes_metric, row.leak_kind.blocks_metric)
            if has_kind
            else (report.metric, "retained_blocks")
        )
        anchors = (row.named_by, row.responsible, row.site)
        leaks.append(
            Leak(
                id=row.id,
                kind=row.leak_kind,
                stack=tuple(report.frames[index] for index in row.frames),
                anchor=next((anchor for anchor in anchors if anchor is not None), None),
                is_own=row.responsible is not None,
                held_bytes=row.values.get(amounts[0], 0),
                held_blocks=row.values.get(amounts[1], 0),
                source=source,
                recorded=recorded,
            )
        )
    metas = [snapshot.meta for snapshot in run.snapshots]
    return LeakInput(
        source=source,
        format=meta.format,
        tool=meta.tool,
        tool_version=meta.tool_version,
        leaks=tuple(leaks),
        kinds=frozenset().union(*(found.kinds_recorded for found in metas)),
        is_filtered=any(_was_filtered(snapshot) for snapshot in run.snapshots),
        is_complete=report.is_complete,
    )


def _was_filtered(snapshot: Snapshot) -> bool:
    """Whether a user's suppressions hid memory while it was recorded. Valgrind's own file always does, where it fits."""
    if snapshot.meta.tool_options:
        return any(option.startswith("--suppressions=") for option in snapshot.meta.tool_options)
    return snapshot.totals.get("suppressed_bytes", 0) > 0


def rule_matcher() -> Matcher:
    """Holds suppression rules against stacks, whatever names these have."""
    from leakreport.suppressions.match import Matcher
    from leakreport.symbols.demangle import demangle

    return Matcher(demangle)


def write_rules(inputs: Sequence[LeakInput], ids: Sequence[str], *, dialect: Dialect) -> list[WrittenRule]:
    """The smallest rules that hide some leaks and, as far as the inputs tell, nothing else.

    Args:
        inputs: all in which the rules must hide nothing else.
        ids: of the paths, or unambiguous beginnings.
        dialect: whose syntax.

    Raises:
        UsageError: an id is not there or ambiguous, or nothing of its path has a name.
    """
    from leakreport.suppressions.write import written_rules
    from leakreport.symbols.demangle import demangle

    return written_rules([leak for found in inputs for leak in found.leaks], ids, dialect, demangle)
