"""A run without what rules hide: the same records, less those that are suppressed, whose sums are told.

What is hidden leaves every metric of retained and lost memory, in records, columns and totals, and is added to
`suppressed_bytes` and `suppressed_blocks`. Other metrics of such a record (what was allocated since the start) stay.
Each record counts for one rule. Of valgrind's the last that fits, as valgrind tries them (it then moves that one to the
front, so its own counts may be other ones where several rules fit); of the others the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from leakreport.model.builder import kind_columns
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column, exact_sum, freeze
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS, LeakKind
from leakreport.model.raw import Note, ProblemKind, RawProblem, SuppressionUse
from leakreport.model.snapshot import RecordTable, Run, Snapshot
from leakreport.suppressions.match import Answer, Matcher, Recorded, kind_answer, plain
from leakreport.suppressions.names import Demangler
from leakreport.suppressions.problems import problem_answer
from leakreport.suppressions.rules import Dialect, Rule
from leakreport.suppressions.treematch import TreeMatcher

_NO_RULE = -1
_KIND_COUNT = len(LeakKind)
_HELD = ("retained", "leaked", *(kind.word for kind in LEAK_KINDS))
_DRAGGED = "dragged_bytes"
_NAMED_UNDECIDED = 3


def suppress(run: Run, rules: Sequence[Rule], *, demangle: Demangler = plain) -> Run:
    """A run without what some rules hide, and with the use of each rule in every snapshot's `meta.suppressions`.

    Args:
        run: with the names that rules are to be held against.
        rules: of all files, in order.
        demangle: makes linker names readable as the input's tool does.
    """
    if not rules:
        return run
    decided = _Decided(run, [rule for rule in rules if rule.is_for_memcheck], demangle)
    return replace(run, snapshots=tuple(decided.snapshot(index) for index in range(len(run.snapshots))))


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """What was found out of the stacks and kinds of some snapshots that were recorded alike.

    Shape: `cases` are sorted numbers of a node and a kind; `rule` has the index of the rule that hides each, or -1.
    """

    cases: Int64Column
    rule: Int64Column
    undecided: tuple[tuple[int, BoolColumn], ...]
    """By rule, the cases that it may hide."""

    def of(self, records: RecordTable) -> tuple[Int64Column, Int64Column]:
        """For each record the index of its rule, and of its case."""
        places = np.searchsorted(self.cases, _cases_of(records))
        return self.rule[places], places


class _Decided:
    """Rules with what they hide in a run."""

    def __init__(self, run: Run, rules: Sequence[Rule], demangle: Demangler) -> None:
        self._run = run
        self._rules = rules
        self._trees = TreeMatcher(run.frames, run.tree, demangle)
        self._stacks = Matcher(demangle)
        of_valgrind = [index for index, rule in enumerate(rules) if rule.dialect is Dialect.VALGRIND]
        self._order = [*reversed(of_valgrind), *(index for index in range(len(rules)) if index not in set(of_valgrind))]
        alike: dict[Recorded, list[RecordTable]] = {}
        for snapshot in run.snapshots:
            if snapshot.records is not None:
                alike.setdefault(Recorded.of(snapshot.meta.actual), []).append(snapshot.records)
        self._verdicts = {recorded: self._decide(recorded, tables) for recorded, tables in alike.items()}
        self._unused = tuple(SuppressionUse(rule.source, rule.line, rule.name) for rule in rules)

    def _decide(self, recorded: Recorded, tables: Sequence[RecordTable]) -> _Verdicts:
        cases = np.unique(np.concatenate([_cases_of(records) for records in tables]))
        nodes, kinds = cases // _KIND_COUNT, cases % _KIND_COUNT
        ends, end_of = np.unique(nodes, return_inverse=True)
        rule_of = np.full(len(cases), _NO_RULE, dtype=np.int64)
        undecided: list[tuple[int, BoolColumn]] = []
        for index in self._order:
            rule = self._rules[index]
            by_kind = np.array([kind_answer(rule, kind) for kind in LeakKind], dtype=np.int8)
            is_open = (rule_of == _NO_RULE) & (by_kind[kinds] > Answer.NO)
            is_asked = np.zeros(len(ends), dtype=np.bool_)
            is_asked[end_of[is_open]] = True
            found = np.zeros(len(ends), dtype=np.int8)
            found[is_asked] = self._trees.answers(rule, ends[is_asked], recorded)
            answers = np.minimum(found[end_of], by_kind[kinds])
            answers[~is_open] = Answer.NO
            rule_of[answers == Answer.YES] = index
            if (answers == Answer.UNKNOWN).any():
                undecided.append((index, answers == Answer.UNKNOWN))
        kept = rule_of == _NO_RULE
        return _Verdicts(cases, rule_of, tuple((index, may & kept) for index, may in undecided if (may & kept).any()))

    def snapshot(self, index: int) -> Snapshot:
        """One snapshot without what is hidden."""
        snapshot = self._run.snapshots[index]
        uses = list(self._unused)
        recorded = Recorded.of(snapshot.meta.actual)
        undecided: dict[int, int] = {}
        if snapshot.records is not None:
            snapshot = self._without_records(snapshot, self._verdicts[recorded], uses, undecided)
        snapshot = self._without_problems(snapshot, recorded, uses, undecided)
        notes = [
            *_use_notes(uses),
            *_hanging_notes(self._run.snapshots[index], snapshot),
            *self._undecided_notes(undecided),
            *self._unseen_notes(snapshot),
        ]
        meta = replace(snapshot.meta, suppressions=tuple(uses), notes=(*snapshot.meta.notes, *notes))
        return replace(snapshot, meta=meta)

    def _without_records(
        self, snapshot: Snapshot, verdicts: _Verdicts, uses: list[SuppressionUse], undecided: dict[int, int]
    ) -> Snapshot:
        records = snapshot.records
        assert records is not None
        rule_of, places = verdicts.of(records)
        counts = np.bincount(places, minlength=len(verdicts.cases))
        for index, cases in verdicts.undecided:
            if number := int(counts[cases].sum()):
                undecided[index] = number
        is_hidden = rule_of != _NO_RULE
        # A rule hides what is held; a record of what was only allocated has nothing to hide.
        held = [records.values[name] != 0 for name in ("retained_bytes", "retained_blocks") if name in records.values]
        if held:
            is_hidden &= np.logical_or.reduce([*held, records.leak_kind != LeakKind.NONE])
        if not is_hidden.any():
            return snapshot
        for index in np.unique(rule_of[is_hidden]).tolist():
            is_its = is_hidden & (rule_of == index)
            uses[index] = uses[index]._replace(
                records=int(is_its.sum()), **{unit: _sum(records, unit, is_its) for unit in ("bytes", "blocks")}
            )
        return _reduced(snapshot, records, is_hidden, len(self._run.tree))

    def _without_problems(
        self, snapshot: Snapshot, recorded: Recorded, uses: list[SuppressionUse], undecided: dict[int, int]
    ) -> Snapshot:
        kept: list[RawProblem] = []
        hidden: list[RawProblem] = []
        for problem in snapshot.problems:
            index, answer = self._rule_for(problem, recorded)
            if answer is Answer.YES:
                hidden.append(problem)
                uses[index] = uses[index]._replace(errors=uses[index].errors + problem.count)
            else:
                kept.append(problem)
                if answer is Answer.UNKNOWN:
                    undecided[index] = undecided.get(index, 0) + 1
        if not hidden:
            return snapshot
        errors = sum(problem.count for problem in hidden if problem.problem is ProblemKind.ERROR)
        descriptors = sum(problem.problem is ProblemKind.DESCRIPTOR for problem in hidden)
        meta, totals = snapshot.meta, dict(snapshot.totals)
        if meta.memory_error_count is not None:
            meta = replace(meta, memory_error_count=max(0, meta.memory_error_count - errors))
        if "open_fds" in totals:
            totals["open_fds"] = max(0, totals["open_fds"] - descriptors)
        return replace(snapshot, meta=meta, totals=totals, problems=tuple(kept))

    def _rule_for(self, problem: RawProblem, recorded: Recorded) -> tuple[int, Answer]:
        """The rule that hides a problem, or one that may."""
        best = (_NO_RULE, Answer.NO)
        for index in self._order:
            answer = problem_answer(self._rules[index], problem, self._stacks, recorded)
            if answer is Answer.YES:
                return index, answer
            if answer > best[1]:
                best = (index, answer)
        return best

    def _undecided_notes(self, undecided: dict[int, int]) -> list[Note]:
        """What rules may hide, and this input does not tell."""
        if not undecided:
            return []
        most = sorted(undecided, key=lambda index: (-undecided[index], index))
        named = [f"{self._rules[index].where} for {undecided[index]:,}" for index in most[:_NAMED_UNDECIDED]]
        more = f" and {len(most) - len(named):,} more rules" if len(most) > len(named) else ""
        text = (
            f"Records that may be suppressed and are kept, because this input does not tell: {', '.join(named)}{more}. "
            "Record with --demangle=no and --show-below-main=yes to decide it."
        )
        return [Note("suppressions-undecided", text)]

    def _unseen_notes(self, snapshot: Snapshot) -> list[Note]:
        """Kinds of which only the sum was recorded: no rule can be held against it."""
        unseen = []
        for kind in LEAK_KINDS:
            total = snapshot.totals.get(kind.bytes_metric, 0)
            column = snapshot.columns.get(kind.bytes_metric)
            has_rule = any(rule.is_for_memory and (rule.kinds is None or kind in rule.kinds) for rule in self._rules)
            if total and has_rule and (column is None or not column.any()) and snapshot.meta.tool == "memcheck":
                unseen.append(kind.title)
        if not unseen:
            return []
        text = (
            f"Memory {' and '.join(unseen)} was recorded as a sum only: what suppressions would hide of it is not known. "
            "Record with --show-leak-kinds=all."
        )
        return [Note("suppressions-unseen", text)]


def _use_notes(uses: Sequence[SuppressionUse]) -> list[Note]:
    used = [use for use in uses if use.is_used]
    if not used:
        return []
    parts = []
    if records := sum(use.records for use in used):
        blocks = f" in {sum(use.blocks for use in used):,} blocks" if any(use.blocks for use in used) else ""
        parts.append(f"{sum(use.bytes for use in used):,} bytes{blocks} ({_counted(records, 'record')})")
    if errors := sum(use.errors for use in used):
        parts.append(_counted(errors, "error"))
    return [Note("suppressed", f"Hidden by {_counted(len(used), 'rule')} of --suppressions: {' and '.join(parts)}.")]


def _hanging_notes(before: Snapshot, after: Snapshot) -> list[Note]:
    """LeakSanitizer itself leaves out what hangs on a suppressed leak, which no report of it tells. Source: lsan_common.cpp."""
    indirect = after.totals.get(LeakKind.INDIRECT.bytes_metric, 0)
    direct = LeakKind.DEFINITE.bytes_metric
    if before.meta.format != "sanitizer" or not indirect or before.columns is after.columns:
        return []
    if _column_sum(before, direct) == _column_sum(after, direct):
        return []
    text = (
        f"LeakSanitizer would also leave out the indirect leaks that hang on suppressed ones: which of the {indirect:,} "
        "bytes do, its report does not tell, so they are kept."
    )
    return [Note("suppressions-undecided", text)]


def _column_sum(snapshot: Snapshot, metric: str) -> int:
    column = snapshot.columns.get(metric)
    return 0 if column is None else exact_sum(column)


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _cases_of(records: RecordTable) -> Int64Column:
    return np.asarray(records.node * _KIND_COUNT + records.leak_kind, dtype=np.int64)


def _sum(records: RecordTable, unit: str, chosen: BoolColumn) -> int:
    column = records.values.get(f"retained_{unit}")
    return 0 if column is None else exact_sum(column[chosen])


def _reduced(snapshot: Snapshot, records: RecordTable, is_hidden: BoolColumn, node_count: int) -> Snapshot:
    """A snapshot in which hidden records hold nothing, and those that have nothing else to say are not there."""
    totals = dict(snapshot.totals)
    for unit in ("bytes", "blocks"):
        if f"retained_{unit}" not in records.values:
            continue
        hidden = _sum(records, unit, is_hidden)
        _take(totals, f"retained_{unit}", hidden)
        for kind in LEAK_KINDS:
            _take(totals, f"{kind.word}_{unit}", _sum(records, unit, is_hidden & (records.leak_kind == kind)))
        is_lost = is_hidden & np.isin(records.leak_kind, LOST_KINDS)
        _take(totals, f"leaked_{unit}", _sum(records, unit, is_lost))
        totals[f"suppressed_{unit}"] = totals.get(f"suppressed_{unit}", 0) + hidden
    emptied = {
        name: np.where(is_hidden, 0, column) if _is_held(name) else column for name, column in records.values.items()
    }
    says_more = np.zeros(len(records), dtype=np.bool_)
    for column in emptied.values():
        says_more |= column != 0
    kept = np.flatnonzero(~is_hidden | says_more)
    kinds, nodes = records.leak_kind[kept], records.node[kept]
    values = {name: freeze(column[kept]) for name, column in emptied.items()}
    names = None if records.names is None else tuple(records.names[index] for index in kept.tolist())
    return replace(
        snapshot,
        totals=totals,
        columns=kind_columns(kinds, values, nodes, node_count),
        variances=_variances(snapshot, records, is_hidden),
        records=RecordTable(freeze(nodes), freeze(kinds), values, names),
    )


def _variances(snapshot: Snapshot, records: RecordTable, is_hidden: BoolColumn) -> dict[str, Float64Column]:
    """Where all that is held in a node is hidden, nothing is uncertain. Records of samples have no kinds."""
    found = dict(snapshot.variances)
    held = np.zeros(len(next(iter(found.values()), ())), dtype=np.bool_)
    if len(held):
        held[records.node[is_hidden]] = True
    return {name: freeze(np.where(held, 0.0, column)) if _is_held(name) else column for name, column in found.items()}


def _is_held(metric: str) -> bool:
    return metric == _DRAGGED or metric.rpartition("_")[0] in _HELD


def _take(totals: dict[str, int], metric: str, amount: int) -> None:
    if amount and metric in totals:
        totals[metric] = max(0, totals[metric] - amount)
