"""Thresholds to pass or fail, each with the line that decided. Where nothing was measured there is no pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import GateLine, GateResult
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS, LeakKind
from leakreport.model.raw import LeakSearch, ProblemKind, SnapshotMeta
from leakreport.model.snapshot import Run, Snapshot
from leakreport.units import format_bytes, format_count, plural

_KIND_BY_WORD = {kind.word: kind for kind in LEAK_KINDS}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gate may look at."""

    totals: Mapping[str, int]
    members: Sequence[Snapshot]
    """The snapshots that are judged."""
    is_complete: bool
    unread: str = ""
    """What `unread_siblings` says of the run."""

    @property
    def kinds_recorded(self) -> frozenset[LeakKind]:
        """Kinds that every judged process recorded."""
        if not self.members:
            return frozenset()
        return frozenset.intersection(*(snapshot.meta.kinds_recorded for snapshot in self.members))

    def problem_count(self, problem: ProblemKind) -> int:
        """How often a kind of problem was reported, repetitions included."""
        return problem_count(self.members, problem)


def problem_count(members: Sequence[Snapshot], problem: ProblemKind) -> int:
    """How often a kind of problem was reported by some snapshots, as far as the inputs tell."""
    count = 0
    for snapshot in members:
        listed = sum(found.count for found in snapshot.problems if found.problem is problem)
        told = snapshot.meta.memory_error_count if problem is ProblemKind.ERROR else None
        count += max(listed, told or 0)
    return count


def evaluate(options: AnalysisOptions, evidence: Evidence) -> tuple[GateResult, tuple[GateLine, ...]]:
    """Every threshold that was asked for, and what they make together.

    A failure is a failure on incomplete evidence, too; a pass is not a pass then.
    """
    lines = [_fail_on(word, evidence) for word in options.fail_on]
    if options.max_leaked_bytes is not None:
        lines.append(_max_leaked(options, evidence))
    if not evidence.is_complete:
        lines = [doubted(line, "the input is incomplete") for line in lines]
    if evidence.unread:
        lines = [doubted(line, evidence.unread) for line in lines]
    results = {line.result for line in lines}
    if not lines:
        return GateResult.NOT_ASKED, ()
    for result in (GateResult.FAILED, GateResult.INCONCLUSIVE):
        if result in results:
            return result, tuple(sorted(lines, key=lambda line: line.result is not result))
    return GateResult.PASSED, tuple(lines)


def doubted(line: GateLine, reason: str) -> GateLine:
    """A line that does not pass, for a reason that leaves a failure a failure."""
    if line.result is not GateResult.PASSED:
        return line
    return line._replace(result=GateResult.INCONCLUSIVE, text=f"{line.text}, but {reason}")


def unread_siblings(run: Run) -> str:
    """What a run says of files that are named like its inputs and could not be read; empty where there are none."""
    notes = (note for snapshot in run.snapshots for note in snapshot.meta.notes if note.slug == "unread-siblings")
    return "; ".join(dict.fromkeys(note.message.rstrip(".") for note in notes))


def _fail_on(word: str, evidence: Evidence) -> GateLine:
    gate = f"--fail-on {word}"
    if word == "errors":
        return _fail_on_errors(gate, evidence)
    if word == "fds":
        return _fail_on_descriptors(gate, evidence)
    kinds = LEAK_KINDS if word == "any" else (_KIND_BY_WORD[word],)
    found = [
        kind for kind in kinds if evidence.totals.get(kind.bytes_metric) or evidence.totals.get(kind.blocks_metric)
    ]
    if found:
        return GateLine(gate, GateResult.FAILED, ", ".join(_amount(kind, evidence.totals) for kind in found))
    unknown = [kind for kind in kinds if kind not in evidence.kinds_recorded]
    if unknown:
        return GateLine(gate, GateResult.INCONCLUSIVE, _not_measured(unknown, evidence.members))
    names = "lost or held" if word == "any" else kinds[0].title
    return GateLine(gate, GateResult.PASSED, f"nothing {names}")


def _amount(kind: LeakKind, totals: Mapping[str, int]) -> str:
    text = f"{format_bytes(totals.get(kind.bytes_metric, 0))} {kind.title}"
    blocks = totals.get(kind.blocks_metric)
    return text if blocks is None else f"{text} in {plural(blocks, 'block')}"


def _not_measured(kinds: Sequence[LeakKind], members: Sequence[Snapshot]) -> str:
    without = [
        snapshot.meta for snapshot in members if snapshot.meta.leak_search in {LeakSearch.NONE, LeakSearch.NOT_RUN}
    ]
    if without:
        return f"no leak check ran in {_which(without, len(members))}"
    names = " or ".join(kind.title for kind in kinds)
    return f"memory {names} was not recorded; record with --show-leak-kinds=all"


def _which(metas: Sequence[SnapshotMeta], count: int) -> str:
    if count == 1:
        return metas[0].source
    return f"{len(metas)} of {count} inputs, first {metas[0].source}"


def _fail_on_errors(gate: str, evidence: Evidence) -> GateLine:
    count = evidence.problem_count(ProblemKind.ERROR)
    if count:
        return GateLine(gate, GateResult.FAILED, plural(count, "memory error"))
    without = [snapshot.meta for snapshot in evidence.members if not snapshot.meta.measures_errors]
    if without or not evidence.members:
        text = (
            f"memory errors were not looked for in {_which(without, len(evidence.members))}" if without else "no input"
        )
        return GateLine(gate, GateResult.INCONCLUSIVE, text)
    return GateLine(gate, GateResult.PASSED, "no memory errors")


def _fail_on_descriptors(gate: str, evidence: Evidence) -> GateLine:
    count = evidence.totals.get("open_fds", 0)
    if count:
        return GateLine(gate, GateResult.FAILED, f"{plural(count, 'descriptor')} left open")
    without = [snapshot.meta for snapshot in evidence.members if not snapshot.meta.measures_descriptors]
    if without or not evidence.members:
        text = (
            f"open descriptors were not recorded in {_which(without, len(evidence.members))}; "
            "record with --track-fds=yes"
            if without
            else "no input"
        )
        return GateLine(gate, GateResult.INCONCLUSIVE, text)
    return GateLine(gate, GateResult.PASSED, "no descriptors left open")


def _max_leaked(options: AnalysisOptions, evidence: Evidence) -> GateLine:
    limit = options.max_leaked_bytes or 0
    gate = f"--max-leaked {options.max_leaked_text or limit}"
    leaked = evidence.totals.get("leaked_bytes")
    if leaked is not None and leaked > limit:
        over = format_count(leaked - limit)
        return GateLine(gate, GateResult.FAILED, f"{format_bytes(leaked)} lost, {over} B over the limit", limit)
    unknown = [kind for kind in LOST_KINDS if kind not in evidence.kinds_recorded]
    if leaked is None or unknown:
        return GateLine(gate, GateResult.INCONCLUSIVE, _not_measured(unknown or LOST_KINDS, evidence.members), limit)
    return GateLine(gate, GateResult.PASSED, f"{format_bytes(leaked)} lost", limit)
