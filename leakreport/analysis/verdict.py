"""The verdict in words: status, headline and lead, from fixed grammars so that they can be tested word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leakreport.analysis.attribution import UNKNOWN_MODULE
from leakreport.analysis.diffverdict import place_of
from leakreport.analysis.gate import problem_count
from leakreport.analysis.identity import prose_name
from leakreport.analysis.measures import default_metric
from leakreport.analysis.ownership import is_entry, looks_like_wrapper
from leakreport.analysis.processview import View, is_process_view, view_lead, view_sentence
from leakreport.analysis.report import AccumulationPoint, Finding, GroupRow, PathRow, Status
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS, LeakKind
from leakreport.model.raw import TOOL_TITLES, Frame, LeakSearch, Moment, ProblemKind
from leakreport.model.snapshot import Snapshot
from leakreport.units import format_bytes, format_share, plural


@dataclass(frozen=True, slots=True)
class Facts:
    """What the sentences are made from."""

    totals: Mapping[str, int]
    members: Sequence[Snapshot]
    rows: Sequence[PathRow]
    frames: Sequence[Frame]
    largest: Finding | None
    """The first entry of the reading list."""
    lost_places: int
    """Entries of the reading list that are lost, and those that are only held."""
    held_places: int
    by_module: Sequence[GroupRow]
    accumulation: AccumulationPoint | None
    record_count: int
    is_complete: bool
    moment: Moment
    judged_number: int
    """Which snapshot of its process is judged, from 0."""
    snapshot_count: int
    """Snapshots of the judged process."""
    last_bytes: int | None
    """What its last snapshot holds, where an earlier one is judged as the peak."""

    @property
    def searches(self) -> set[LeakSearch]:
        """How far the leak checks of the judged processes came."""
        return {snapshot.meta.leak_search for snapshot in self.members}

    @property
    def is_sampled(self) -> bool:
        """Whether the amounts are estimates from a sample."""
        return any((snapshot.meta.sampling or (0,))[0] > 1 for snapshot in self.members)

    @property
    def leaked_bytes(self) -> int:
        """0 where it is not known."""
        return self.totals.get("leaked_bytes", 0)

    @property
    def is_held(self) -> bool:
        """Whether anything is known to be held, a block of zero bytes included."""
        return bool(self.totals.get("retained_bytes") or self.totals.get("retained_blocks"))

    def problem_count(self, problem: ProblemKind) -> int:
        """How often a kind of problem was reported."""
        return problem_count(self.members, problem)


def status_of(facts: Facts) -> Status:
    """The verdict in one word. Incomplete evidence can show a leak, never that there is none."""
    if facts.leaked_bytes > 0:
        return Status.LEAK
    if not facts.is_complete or not facts.members:
        return Status.INCONCLUSIVE
    if facts.is_held or (is_process_view(facts.members) and facts.totals.get("open_fds")):
        return Status.RETAINED
    if facts.searches == {LeakSearch.COMPLETE}:
        knows_lost = all({LeakKind.DEFINITE, LeakKind.POSSIBLE} <= one.meta.kinds_recorded for one in facts.members)
        is_direct_only = all(one.meta.format == "sanitizer" for one in facts.members)
        return Status.CLEAN if knows_lost or is_direct_only else Status.INCONCLUSIVE
    # A profile without a leak search that knows what was held at exit, and nothing was.
    is_measured = facts.moment is Moment.EXIT and "retained_bytes" in facts.totals and not facts.is_sampled
    return Status.CLEAN if is_measured else Status.INCONCLUSIVE


def sentence_of(status: Status, facts: Facts) -> str:
    """The headline."""
    if is_process_view(facts.members) and facts.is_complete:
        return view_sentence(_view_of(facts))
    if any(note.slug == "only-differences" for snapshot in facts.members for note in snapshot.meta.notes):
        return _difference_sentence(facts)
    match status:
        case Status.LEAK:
            return _leak_sentence(facts)
        case Status.RETAINED:
            return _retained_sentence(facts) + _besides(facts)
        case Status.CLEAN:
            return _clean_sentence(facts) + _besides(facts)
        case _:
            return _inconclusive_sentence(facts) + _besides(facts)


def _view_of(facts: Facts) -> View:
    number = f", {_when(facts)}" if facts.snapshot_count > 1 else ""
    return View(facts.totals, facts.rows, facts.frames, default_metric(facts.totals), number)


def _by_processes(facts: Facts) -> str:
    count = sum(snapshot.meta.process_count for snapshot in facts.members)
    return f" by {count} processes" if count > 1 else ""


def _leak_sentence(facts: Facts) -> str:
    amount = format_bytes(facts.leaked_bytes)
    if not facts.is_complete:
        if LeakSearch.CHECKPOINT in facts.searches:
            return f"At least {amount} lost{_by_processes(facts)} at the last check: the run did not finish"
        return (
            f"At least {amount} lost{_by_processes(facts)}: the input is incomplete, "
            f"{plural(facts.record_count, 'record')} read"
        )
    if not facts.record_count:
        return f"{amount} lost at exit{_by_processes(facts)}; the recording has totals only, no call paths"
    lost = sum(row.record_count for row in facts.rows if row.leak_kind in LOST_KINDS)
    return f"{amount} lost at exit{_by_processes(facts)}, in {lost:,} of {plural(facts.record_count, 'loss record')}"


def _retained_sentence(facts: Facts) -> str:
    amount = format_bytes(facts.totals.get("retained_bytes", 0))
    if "leaked_bytes" not in facts.totals:
        about = "About " if facts.is_sampled else ""
        if facts.searches == {LeakSearch.COMPLETE}:
            return f"{amount} still held at exit; lost memory was not recorded"
        if facts.searches == {LeakSearch.NONE}:
            return _peak_sentence(facts) if facts.last_bytes is not None else f"{about}{amount} {_profile_words(facts)}"
        rest = "; no leak check ran, so what of it is lost is not known"
        return f"{about}{amount} in use {_when(facts)}{_by_processes(facts)}{rest}"
    blocks = facts.totals.get("retained_blocks")
    of_blocks = "" if blocks is None else f" in {plural(blocks, 'block')}"
    if not facts.totals.get("retained_bytes"):
        return f"Nothing of any size is held at exit, only {plural(blocks or 0, 'block')} of zero bytes"
    lost = "Nothing known to be lost"
    unknown = [kind for kind in LOST_KINDS if any(kind not in one.meta.kinds_recorded for one in facts.members)]
    if unknown and all(one.meta.format.startswith("memcheck") for one in facts.members):
        lost = f"Memory {' and '.join(kind.title for kind in unknown)} was not recorded"
    return f"{lost}; {amount}{of_blocks} still held at exit{_by_processes(facts)}"


def _peak_sentence(facts: Facts) -> str:
    """Of a profile over time that is judged at its peak."""
    peak, last = facts.totals.get("retained_bytes", 0), facts.last_bytes or 0
    start = f"Heap peaked at {format_bytes(peak)}"
    if facts.judged_number == facts.snapshot_count - 1:
        return f"{start}, at the last snapshot"
    if not last:
        return f"{start} and nothing was held at the last snapshot"
    share = "all" if last == peak else format_share(last, peak).replace(">", "over ").replace("<", "under ")
    return f"{start} and {share} of it was still held at the last snapshot"


def _profile_words(facts: Facts) -> str:
    """Of a heap profile what follows the amount: how it is held, in how many paths, when, and what it is an estimate from."""
    is_exit = facts.moment is Moment.EXIT
    paths = f" in {plural(len(facts.rows), 'call path')}" if facts.rows else ""
    when = "" if is_exit or (facts.moment is Moment.DUMP and facts.snapshot_count <= 1) else f", {_when(facts)}"
    words = f"{'not freed at exit' if is_exit else 'in use'}{paths}{_by_processes(facts)}{when}"
    periods = {snapshot.meta.sampling for snapshot in facts.members if snapshot.meta.sampling is not None}
    if not facts.is_sampled or len(periods) != 1:
        return words
    period, unit = periods.pop()
    return f"{words}, sampled every {format_bytes(period) if unit == 'bytes' else f'{period:,} {unit}'}"


def _when(facts: Facts) -> str:
    """The moment, with the place in a series where there is one."""
    if facts.snapshot_count <= 1 or len(facts.members) > 1:
        return facts.moment.value
    number = f"snapshot {facts.judged_number + 1} of {facts.snapshot_count}"
    return f"in {number}" if facts.moment is Moment.DUMP else f"{facts.moment.value}, {number}"


def _clean_sentence(facts: Facts) -> str:
    beside = _beside_hidden(facts)
    if facts.searches == {LeakSearch.NONE}:
        return f"Nothing was held {_when(facts)}{beside}"
    hidden = [
        kind for kind in LEAK_KINDS if any(kind not in snapshot.meta.kinds_recorded for snapshot in facts.members)
    ]
    if hidden:
        names = " and ".join(kind.title for kind in hidden)
        return f"Nothing was lost at exit{beside}; memory {names} was not recorded"
    return f"Nothing was retained at exit{_by_processes(facts)}{beside}"


def _beside_hidden(facts: Facts) -> str:
    """What suppressions hid is never passed over where nothing else is there."""
    if any(note.slug == "suppressed-unknown" for snapshot in facts.members for note in snapshot.meta.notes):
        return ", beside what suppressions hid"
    suppressed = facts.totals.get("suppressed_bytes", 0)
    return f", beside {format_bytes(suppressed)} that suppressions hid" if suppressed else ""


def _difference_sentence(facts: Facts) -> str:
    """Of an input that has nothing but differences: nothing is known of what both sides hold."""
    if facts.is_held:
        amount = format_bytes(facts.totals.get("retained_bytes", 0))
        return f"{amount} more held after than before, on the paths that grew; what both hold is not told"
    return "Nothing is held after that was not held before; what both hold is not told"


def _inconclusive_sentence(facts: Facts) -> str:
    searches = facts.searches
    if not facts.members:
        return "Nothing was measured"
    if LeakSearch.NOT_RUN in searches:
        was_told = all(snapshot.meta.is_complete for snapshot in facts.members)
        return "No leak check is in the recording" if was_told else "The leak check never ran: the run did not finish"
    if facts.is_complete and searches == {LeakSearch.COMPLETE}:
        return "Lost memory was not recorded: the tool was told not to show it"
    if searches == {LeakSearch.NONE} and "retained_bytes" in facts.totals:
        if not facts.is_complete and facts.is_held:
            amount = format_bytes(facts.totals.get("retained_bytes", 0))
            return f"{amount} in use {_when(facts)} in what was read, but the input is incomplete"
        if not facts.is_complete:
            return f"Nothing in use {_when(facts)} in what was read{_beside_hidden(facts)}, but the input is incomplete"
        return f"Nothing was in use {_when(facts)}{_beside_hidden(facts)}"
    if searches == {LeakSearch.NONE} and facts.totals and "open_fds" not in facts.totals:
        return "What is retained was not measured"
    if searches == {LeakSearch.NONE}:
        tool = facts.members[0].meta.tool or ""
        return f"No leak check: {TOOL_TITLES.get(tool, tool or 'the tool')} does not search for leaks"
    if LeakSearch.CHECKPOINT in searches:
        return "The run did not finish; nothing was lost at the last check"
    if not facts.is_complete:
        read = plural(facts.record_count, "record")
        return f"Nothing lost in the {read} read{_beside_hidden(facts)}, but the input is incomplete"
    return "Not every process was checked for leaks; nothing was lost in those that were"


def _besides(facts: Facts) -> str:
    errors, descriptors = facts.problem_count(ProblemKind.ERROR), facts.totals.get("open_fds", 0)
    parts = []
    if errors:
        parts.append(plural(errors, "memory error"))
    if descriptors:
        parts.append(f"{plural(descriptors, 'descriptor')} left open")
    return f"; {' and '.join(parts)}" if parts else ""


def lead_of(status: Status, facts: Facts) -> tuple[str, ...]:
    """One to five sentences: where it comes together, the largest entry, what else is there."""
    if is_process_view(facts.members):
        return view_lead(_view_of(facts))
    found: list[str] = []
    is_lost = status is Status.LEAK
    if facts.largest is not None and (facts.largest.leak_kind in LOST_KINDS or not is_lost):
        found.append(_where(facts, is_lost=is_lost))
        found.append(_largest(facts.largest, facts))
    if status is Status.LEAK:
        held = facts.totals.get(LeakKind.REACHABLE.bytes_metric, 0)
        if held:
            found.append(f"Another {format_bytes(held)} is still reachable at exit.")
        besides = _besides(facts).removeprefix("; ")
        if besides:
            found.append(f"Besides: {besides}.")
    if status in {Status.LEAK, Status.RETAINED} and (suppressed := facts.totals.get("suppressed_bytes", 0)):
        found.append(f"Suppressions hide another {format_bytes(suppressed)}.")
    signals = [
        problem for snapshot in facts.members for problem in snapshot.problems if problem.problem is ProblemKind.SIGNAL
    ]
    if signals:
        found.append(f"The program was ended by {signals[0].kind}.")
    return tuple(found)


def _called(frame: Frame) -> str:
    if frame.function:
        return f"{prose_name(frame.function)}{place_of(frame)}"
    number = frame.offset if frame.address is None else frame.address
    at = "" if number is None else f"0x{number:x}"
    return "+".join(part for part in (frame.module_name, at) if part) or "your code"


def _where(facts: Facts, *, is_lost: bool) -> str:
    whole = facts.leaked_bytes if is_lost else facts.totals.get("retained_bytes", 0)
    verb = "lost" if is_lost else "held"
    module = _main_module(facts, whole, is_lost=is_lost)
    point = facts.accumulation
    if point is None or is_entry(facts.frames[point.frame].actual.function or point.function):
        places = facts.lost_places if is_lost else facts.held_places
        largest = _share_of_largest(facts, whole, is_lost=is_lost)
        if places > 1 and largest:
            return f"{largest} of what is {verb} comes from the first of {places:,} places{module}."
        start = "It comes from one place" if places == 1 else f"It comes from {places:,} places"
        end = "" if places == 1 else ", and no function below the program's start carries half of it"
        if point is None and sum(frame.function is None for frame in facts.frames) * 2 > len(facts.frames):
            end = "; most of their functions have no names"
        return f"{start}{end}{module}."
    share = "All" if point.amount_bytes == point.whole_bytes else format_share(point.amount_bytes, point.whole_bytes)
    share = share.replace(">", "Over ").replace("<", "Under ")
    frame = facts.frames[point.frame]
    wrapper = f", by way of {prose_name(point.wrapper)}" if point.wrapper else ""
    # Paths carry what is known by path; what the tool only totals is not part of the share.
    of_what = f"of what is {verb}" if point.whole_bytes == whole else f"of what is {verb} on recorded paths"
    return f"{share} {of_what} goes through {prose_name(point.function)}{place_of(frame)}{wrapper}{module}."


def _share_of_largest(facts: Facts, whole: int, *, is_lost: bool) -> str:
    """The share of the first entry, where it is at least half."""
    if facts.largest is None or (facts.largest.leak_kind in LOST_KINDS) != is_lost:
        return ""
    dragged = sum(facts.rows[index].dragged_bytes for index in facts.largest.rows)
    amount = (facts.largest.values or {}).get("retained_bytes", 0) + dragged
    if not whole or amount * 2 < whole:
        return ""
    share = "All" if amount == whole else format_share(amount, whole)
    return share.replace(">", "Over ").replace("<", "Under ")


def _main_module(facts: Facts, whole: int, *, is_lost: bool) -> str:
    metric = "leaked_bytes" if is_lost else "retained_bytes"
    groups = [group for group in facts.by_module if group.name != UNKNOWN_MODULE and group.values.get(metric)]
    if not groups or not whole:
        return ""
    top = max(groups, key=lambda group: group.values[metric])
    amount = top.values[metric]
    share = "all of it" if amount == whole else format_share(amount, whole)
    return f"; {share} is allocated in {top.name}" if amount * 2 >= whole else ""


def _largest(finding: Finding, facts: Facts) -> str:
    row = facts.rows[finding.rows[0]]
    values = finding.values or {}
    amount = format_bytes(values.get("retained_bytes", 0))
    if "retained_blocks" in values:
        amount = f"{amount} in {plural(values['retained_blocks'], 'block')}"
    place = ""
    if row.responsible is not None:
        frame = facts.frames[row.frames[row.responsible]]
        place = f" through {_called(frame)}"
        if row.responsible and looks_like_wrapper(frame.actual.function):
            place += f", called by {_called(facts.frames[row.frames[row.responsible - 1]])}"
    dragged = sum(facts.rows[index].dragged_bytes for index in finding.rows)
    drags = f", and {format_bytes(dragged)} more hang on it" if dragged else ""
    kind = "" if finding.leak_kind is LeakKind.NONE else f", {finding.leak_kind.title}"
    return f"The largest entry: {amount}{place}{kind}{drags}."


def reasons_of(facts: Facts) -> tuple[str, ...]:
    """What limits the trust in the verdict, one line each."""
    found: list[str] = []
    for snapshot in facts.members:
        meta = snapshot.meta
        prefix = f"{meta.source}: " if len(facts.members) > 1 else ""
        if meta.truncation is not None:
            cut = meta.truncation
            found.append(
                f"{prefix}{cut.what} at line {cut.line:,}; {plural(cut.records, 'complete record')} were read."
                if cut.records != 1
                else f"{prefix}{cut.what} at line {cut.line:,}; 1 complete record was read."
            )
        found.extend(prefix + note.message for note in meta.notes if note.slug in _LIMITING_NOTES)
    return tuple(dict.fromkeys(found))


_LIMITING_NOTES = frozenset(
    (
        "leak-check-not-run",
        "leak-check-unfinished",
        "tool-without-leak-search",
        "kinds-not-recorded",
        "damaged-records",
        "damaged-compression",
        "summary-mismatch",
        "unreadable-inputs",
    )
)
