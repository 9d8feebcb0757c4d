"""Why a run says nothing about a baseline, or less than it seems to: nobody may go green because nothing was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from leakreport.analysis.checkreport import Doubt
from leakreport.analysis.comparable import LEAST_KNOWN, is_one_nameless, recording_mismatches
from leakreport.analysis.compare import Aligned
from leakreport.analysis.gate import unread_siblings
from leakreport.baseline.entries import Baseline
from leakreport.baseline.side import has_user_frames, programs_of
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import LeakSearch, ProblemKind, SnapshotMeta
from leakreport.units import format_bytes, plural

LAUNCHERS = frozenset(
    "ctest make gmake ninja cmake meson bazel cargo go npm npx node-gyp nox tox sh bash dash zsh ksh fish busybox env nice time "
    "timeout xargs sudo su setarch stdbuf unbuffer script libtool run-parts prove valgrind strace gdb qemu-x86_64".split()
)
"""Programs that start others: where nothing else was measured, the program was not."""
INTERPRETERS = frozenset("python python2 python3 perl ruby node php java lua guile pytest tclsh R Rscript".split())
"""The same where no stack has a frame of yours: what they run may be a library of yours."""
_TRACE = "--trace-children"
_PARTIAL_NOTES = frozenset(("report-is-partial", "hidden-paths"))


class Subject(NamedTuple):
    """What the evidence is looked at in."""

    aligned: Aligned
    baseline: Baseline | None
    totals: Mapping[str, int]
    asked: frozenset[LeakKind] | None
    """Leak kinds that were asked for; None where nobody asked."""
    recognised: int
    """How many of the leaks of the baseline were found again."""

    @property
    def metas(self) -> list[SnapshotMeta]:
        """Of the run."""
        return [meta.actual for meta in self.aligned.after.metas]


def doubts_of(subject: Subject) -> tuple[Doubt, ...]:
    """Everything that stands in the way of a judgement; empty where nothing does."""
    measured = tuple(_measured(subject))
    if measured:
        return measured
    return (
        *_program(subject),
        *_frames(subject),
        *_kinds(subject),
        *_comparable(subject),
        *_whole(subject),
    )


def _sources(metas: Sequence[SnapshotMeta], count: int) -> str:
    first = metas[0].source
    return first if count == 1 else f"{len(metas)} of {count} inputs, first {first}"


def _measured(subject: Subject) -> Iterator[Doubt]:
    """That the tool looked for leaks at all."""
    metas = subject.metas
    if not metas:
        yield Doubt("nothing-measured", "Nothing was measured", "Record again.", is_comparable=False)
        return
    without = [meta for meta in metas if _has_no_search(meta)]
    if without:
        why = next((note.message for meta in without for note in meta.notes if note.slug in _WHY), "")
        yield Doubt(
            "no-leak-check",
            f"No leak check is in {_sources(without, len(metas))}",
            f"{why} Record with --leak-check=full, to the end of the program.".lstrip(),
            is_comparable=False,
        )
    elif "retained_bytes" not in subject.totals:
        yield Doubt(
            "nothing-measured",
            f"{metas[0].source} does not say what is held",
            "Record a heap profile or a leak check.",
            is_comparable=False,
        )
    elif _has_totals_only(subject):
        yield Doubt(
            "no-call-paths",
            f"{_sources(metas, len(metas))}: memory is held, and no call path is recorded",
            "Record with --leak-check=full.",
            is_comparable=False,
        )


_WHY = frozenset(("leak-check-not-run", "tool-without-leak-search"))


def _has_no_search(meta: SnapshotMeta) -> bool:
    return meta.leak_search is LeakSearch.NOT_RUN or (
        meta.leak_search is LeakSearch.NONE and meta.format.startswith("memcheck")
    )


def _has_totals_only(subject: Subject) -> bool:
    if len(subject.aligned.after.rows):
        return False
    metric = "leaked_bytes" if "leaked_bytes" in subject.totals else "retained_bytes"
    return subject.totals.get(metric, 0) > 0 and (subject.baseline is None or bool(subject.baseline.leaks))


def _program(subject: Subject) -> Iterator[Doubt]:
    """That the programs are those of the baseline, all of them."""
    now = programs_of(subject.metas)
    before = {} if subject.baseline is None else dict(subject.baseline.recording.programs)
    if not now:
        if before:
            yield Doubt(
                "wrong-program",
                f"The recording does not tell its program, the baseline is of {_names(before)}",
                "Give the whole recording: its beginning names the command.",
                is_comparable=False,
            )
        return
    if _is_wrong(subject, now, before):
        text = f"{_names(now)} {'was' if len(now) == 1 else 'were'} measured"
        if before:
            text += f", the baseline is of {_names(before)}"
        hint = (
            "Record with --trace-children=yes, or start the program itself under the tool"
            if _may_have_children(subject.metas)
            else "Give the recording of the program itself"
        )
        if not before and not set(now) <= LAUNCHERS:
            hint += ", or, if what they run is the program, accept it: leakreport baseline write --force"
        yield Doubt("wrong-program", text, f"{hint}.", is_comparable=False)
        return
    if not before.keys() & now.keys():
        return
    fewer = {name: (now.get(name, 0), count) for name, count in before.items() if now.get(name, 0) < count}
    if fewer:
        told = ", ".join(f"{have} of {count} of {name}" for name, (have, count) in sorted(fewer.items()))
        yield Doubt(
            "fewer-processes",
            f"Processes are missing that the baseline knows: {told}",
            "Give all recordings (--xml-file=memcheck.%p.xml writes one for each), or, if that is as it should be, run "
            "leakreport baseline update --force.",
            is_comparable=True,
        )


def _is_wrong(subject: Subject, now: Mapping[str, int], before: Mapping[str, int]) -> bool:
    if not before:
        only = set(now)
        return only <= LAUNCHERS or (
            only <= LAUNCHERS | {name for name in only if _is_interpreter(name)}
            and not (len(subject.aligned.after.rows) and has_user_frames(subject.aligned.after))
        )
    if before.keys() & now.keys():
        real = before.keys() - LAUNCHERS
        return bool(real) and not real & now.keys() and set(now) <= LAUNCHERS
    leaks = [] if subject.baseline is None else [leak for leak in subject.baseline.leaks.values() if leak.last]
    # A program that was renamed still has its leaks; a recording that another one was written over lacks some.
    return set(now) <= LAUNCHERS or not leaks or subject.recognised < len(leaks)


def _is_interpreter(name: str) -> bool:
    return name.rstrip("0123456789.") in INTERPRETERS or name in INTERPRETERS


def _names(programs: Mapping[str, int]) -> str:
    names = sorted(programs)
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _may_have_children(metas: Sequence[SnapshotMeta]) -> bool:
    return any(meta.format.startswith("memcheck") for meta in metas) and not any(
        option.partition("=")[0] == _TRACE and option != f"{_TRACE}=no"
        for meta in metas
        for option in meta.tool_options
    )


def _frames(subject: Subject) -> Iterator[Doubt]:
    """That there are frames of the user's."""
    if has_user_frames(subject.aligned.after):
        return
    if subject.baseline is not None and not subject.baseline.recording.has_user_frames:
        return
    paths = plural(len(subject.aligned.after.rows), "call path")
    yield Doubt(
        "no-user-frames",
        f"No frame of yours in {paths}",
        "Is it the right program, with its symbols? Say what is yours with --own.",
        is_comparable=False,
    )


def _kinds(subject: Subject) -> Iterator[Doubt]:
    """That the leak kinds were recorded."""
    metas = [meta for meta in subject.metas if meta.leak_search is not LeakSearch.NONE]
    if not metas:
        return
    recorded = frozenset.intersection(*(meta.kinds_recorded for meta in metas))
    needed = frozenset({LeakKind.DEFINITE}) if subject.asked is None else subject.asked
    if subject.baseline is not None:
        needed |= subject.baseline.recording.kinds
    missing = [kind.title for kind in LEAK_KINDS if kind in needed and kind not in recorded]
    if missing:
        yield Doubt(
            "kinds-not-recorded",
            f"Memory {' and '.join(missing)} was not recorded here",
            "Record with --show-leak-kinds=all, as for the baseline.",
            is_comparable=True,
        )


def _comparable(subject: Subject) -> Iterator[Doubt]:
    """That it was recorded in the same way."""
    if subject.baseline is None:
        return
    before, after = subject.aligned.before, subject.aligned.after
    # Kinds and incomplete inputs have doubts of their own, in which what was found stays found.
    same = after.metas[0].kinds_recorded
    old = [replace(meta, kinds_recorded=same) for meta in before.metas]
    new = [replace(meta.actual, kinds_recorded=same, is_complete=True) for meta in after.metas]
    texts = list(recording_mismatches(old, new))
    known = sum(bool(leak.last) for leak in subject.baseline.leaks.values())
    if is_one_nameless(before.columns, after.columns) and subject.recognised < LEAST_KNOWN * known:
        texts.append("One side has function names, the other has next to none.")
    for text in texts:
        yield Doubt(
            "not-comparable",
            text.rstrip("."),
            "Record as for the baseline, or record the baseline anew: leakreport baseline update --force.",
            is_comparable=False,
        )


def _whole(subject: Subject) -> Iterator[Doubt]:
    """That the run came to its end, and all of it is here."""
    metas = subject.metas
    siblings = unread_siblings(subject.aligned.after.run)
    if siblings:
        yield Doubt(
            "unread-siblings",
            siblings,
            "Record again, or give only the files that are to be judged.",
            is_comparable=True,
        )
    # The first snapshot only carries what is to be said of inputs that could not be read.
    unread = [note for meta in metas for note in meta.notes if note.slug == "unreadable-inputs"]
    for note in unread:
        yield Doubt(
            "incomplete",
            note.message.rstrip("."),
            "What was found in the others is there; more may be missing.",
            is_comparable=True,
        )
    cut = [
        meta
        for meta in metas
        if not meta.is_complete and (meta.truncation is not None or not any(note in unread for note in meta.notes))
    ]
    if cut:
        yield Doubt(
            "incomplete",
            f"Incomplete: {_sources(cut, len(metas))}",
            "What was found is there; more may be missing. Record again.",
            is_comparable=True,
        )
    for snapshot in subject.aligned.after.members:
        signal = next((found for found in snapshot.problems if found.problem is ProblemKind.SIGNAL), None)
        if signal is not None:
            yield Doubt(
                "killed",
                f"{snapshot.meta.actual.source}: the program ended by {signal.kind}, before it could free what it holds or "
                "come to all its work",
                "Repair that first.",
                is_comparable=True,
            )
            break
    for meta in metas:
        if any(note.slug in _PARTIAL_NOTES for note in meta.notes):
            yield Doubt(
                "partial-report",
                f"{meta.source} is a report that does not hold all paths",
                "Give the recording that it was made from.",
                is_comparable=True,
            )
            break


def lost_on_no_path(subject: Subject, counted: frozenset[LeakKind]) -> str:
    """What is lost on no recorded path beyond what the baseline knows, in words; empty where nothing is."""
    rows = subject.aligned.after.rows
    for kind in LEAK_KINDS:
        if kind not in counted or kind.bytes_metric not in subject.totals:
            continue
        on_paths = int(rows.column("retained_bytes")[rows.leak_kind == kind].sum()) if len(rows) else 0
        known = None if subject.baseline is None else subject.baseline.unattributed.get(kind)
        more = subject.totals[kind.bytes_metric] - on_paths - (0 if known is None else known.bytes)
        if more > 0:
            return f"{format_bytes(more)} {kind.title} on no recorded path"
    return ""
