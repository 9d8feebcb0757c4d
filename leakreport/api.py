"""The stages in order: inputs to a run, addresses to names, a run to a report, a report to text. What the command line and Python users call."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from leakreport.errors import (
    EmptyInput,
    InputError,
    LeakreportError,
    MalformedInput,
    UnrecognisedInput,
    UnsupportedInput,
)
from leakreport.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from leakreport.analysis.diffreport import DiffReport
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.analysis.report import Report
    from leakreport.analysis.trendreport import TrendReport
    from leakreport.baseline.compare import CheckOptions, Comparison
    from leakreport.baseline.entries import Baseline
    from leakreport.baseline.places import Places
    from leakreport.explain.answer import Answer
    from leakreport.model.raw import Note, RawSnapshot
    from leakreport.model.snapshot import Run, Snapshot
    from leakreport.readers._stream import OpenInput, Progress
    from leakreport.render.interface import RenderOptions
    from leakreport.suppressions.leaks import LeakInput
    from leakreport.suppressions.match import Matcher
    from leakreport.suppressions.rules import Dialect, Rule
    from leakreport.suppressions.write import WrittenRule
    from leakreport.symbols.options import SymbolOptions


@dataclass(slots=True)
class Loaded:
    """What could be read, and what could not."""

    run: Run | None
    """None where nothing could be read."""
    errors: list[InputError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: str
    is_named: bool
    """Given by name, not found in a folder or by a glob."""


def load(
    paths: str | Path | Iterable[str | Path],
    *,
    format_name: str | None = None,
    unit: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Run:
    """Read one or several inputs into one run, in order.

    Args:
        paths: files, folders, globs, or "-" for standard input.
        format_name: skip recognising the format.
        unit: `bytes` or `blocks`, for inputs that do not say what their numbers count.
        limits: what is agreed to.

    Raises:
        InputError: the first input that could not be read. Incomplete inputs are no error here: see
            `SnapshotMeta.is_complete`.
        UsageError: no such format.
    """
    many = [paths] if isinstance(paths, str | Path) else list(paths)
    loaded = load_inputs([str(path) for path in many], format_name=format_name, unit=unit, limits=limits)
    if loaded.errors:
        raise loaded.errors[0]
    assert loaded.run is not None
    return loaded.run


def load_inputs(
    paths: Sequence[str],
    *,
    format_name: str | None = None,
    unit: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> Loaded:
    """Read what can be read of several inputs; what cannot is returned as errors.

    A named file must be readable and of a known format. In a folder or glob, files that no reader claims are counted
    in a note; empty files that are named like profiles are errors, because they can be all that is left of a run.
    """
    from leakreport.model.builder import RunBuilder
    from leakreport.model.samples import joined_samples
    from leakreport.model.series import in_order

    errors: list[InputError] = []
    skipped: list[tuple[str, InputError]] = []
    raws: list[RawSnapshot] = []
    for candidate in _candidates(paths, limits, errors):
        try:
            raws.extend(_in_unit(_read(candidate.path, format_name, limits, progress), unit))
        except (UnrecognisedInput, UnsupportedInput, EmptyInput) as error:
            if candidate.is_named or _may_be_lost_profile(error, candidate.path):
                errors.append(error)
            else:
                skipped.append((candidate.path, error))
        except InputError as error:
            errors.append(error)
    if not raws:
        if not errors:
            where = f": {len(skipped)} other files, first: {skipped[0][1]}" if skipped else ""
            errors.append(EmptyInput(f"no profiles in {', '.join(paths)}{where}"))
        return Loaded(None, errors)
    if skipped:
        count = f"{len(skipped)} files were" if len(skipped) > 1 else "1 file was"
        note = _note("skipped-files", f"{count} passed over, first: {skipped[0][1].args[0]}.")
        raws[0] = _with_note(raws[0], note)
    if errors:
        note = _note("unreadable-inputs", f"{len(errors)} inputs could not be read, first: {errors[0]}")
        raws[0] = _with_note(raws[0], note, is_complete=False)
    builder = RunBuilder(limits)
    for raw in in_order(joined_samples(raws)):
        builder.add(raw)
    return Loaded(builder.build(), errors)


def extract(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> str | bytes:
    """The JSON document inside an HTML report, as text; a JSON report comes back as it is.

    Raises:
        InputError: it is no report, or not a whole one.
    """
    from leakreport.readers import get_reader, pick_reader
    from leakreport.readers._stream import open_input
    from leakreport.readers.leakreport import extracted
    from leakreport.render.json import written

    foreign: UnsupportedInput | None = None
    with open_input(str(path), limits) as stream:
        try:
            found = pick_reader(stream, limits).info
        except UnsupportedInput as error:
            # Nothing at its beginning tells that a page is ours; its data does.
            found, foreign = get_reader("leakreport").info, error
        if found.name != "leakreport":
            raise UnsupportedInput(
                f"{path} is a {found.title}, no report of leakreport",
                advice=f"leakreport analyze {path} --to json makes one.",
            )
        try:
            document = extracted(stream, limits)
        except MalformedInput:
            if foreign is None:
                raise
            raise foreign from None
        if document is not None:
            return written(document)
        stream.rewind()
        return stream.read()


def symbolize(run: Run, *, options: SymbolOptions | None = None, limits: Limits = DEFAULT_LIMITS) -> Run:
    """The run with names for its addresses, from the binaries that the process had mapped.

    Files of another build are refused; what stays without a name, and why, is said in notes.

    Raises:
        LimitExceeded: stacks become too deep with the inlined functions.
    """
    if all(frame.function is not None or frame.offset is None for frame in run.frames):
        return run
    from leakreport.symbols.options import SymbolOptions
    from leakreport.symbols.resolve import resolve

    return resolve(run, options or SymbolOptions(), limits)


def suppress(run: Run, rules: Sequence[Rule]) -> Run:
    """The run without what suppression rules hide; what they hid is counted in its totals and metas."""
    from leakreport.suppressions.apply import suppress as suppress_records
    from leakreport.symbols.demangle import demangle

    return suppress_records(run, rules, demangle=demangle)


def analyze(run: Run, *, config: AnalysisOptions | None = None) -> Report:
    """Judge a run.

    Raises:
        UsageError: an option names something that the run does not have.
    """
    from leakreport.analysis.analyze import analyze as analyze_run

    if config is not None and config.redact:
        from leakreport.analysis.redaction import judged_unseen

        return judged_unseen(analyze_run, [run], config)
    return analyze_run(run, config)


def compare(before: Run, after: Run, *, config: AnalysisOptions | None = None) -> DiffReport:
    """What is different between two runs: every path of either side, every byte accounted for.

    Raises:
        UsageError: an option names something that a run does not have.
    """
    from leakreport.analysis.compare import compare as compare_runs

    if config is not None and config.redact:
        from leakreport.analysis.redaction import judged_unseen

        return judged_unseen(compare_runs, [before, after], config)
    return compare_runs(before, after, config)


def trend(run: Run, *, config: AnalysisOptions | None = None) -> TrendReport:
    """What each call path holds over the snapshots of a run, or over several runs in order, and whether that is growth.

    Raises:
        UsageError: there are not two points.
    """
    from leakreport.analysis.trend import trend as trend_of

    if config is not None and config.redact:
        from leakreport.analysis.redaction import judged_unseen

        return judged_unseen(trend_of, [run], config)
    return trend_of(run, config)


def read_baseline(path: str | Path, *, places: Places | None = None) -> Baseline:
    """The baseline in a file; `places` says where its relative paths begin: in its folder.

    Raises:
        BaselineError: it is missing, not whole, or of a newer version.
    """
    from leakreport.baseline.file import read
    from leakreport.baseline.places import Places

    return read(str(path), places or Places(str(Path(path).absolute().parent)))


def compare_with_baseline(
    report: Report, run: Run, baseline: Baseline | None, *, config: AnalysisOptions, check: CheckOptions
) -> Comparison:
    """Find the leaks of a baseline in a run.

    Args:
        report: what `analyze` says of the run.
        run: the same run.
        baseline: None where there is none: then every leak is new.
        config: what the report was made with.
        check: what the gate counts.
    """
    from leakreport.baseline.compare import compared

    return compared(report, run, baseline, config, check)


def check(comparison: Comparison, *, check: CheckOptions, redact: bool = False) -> Report:
    """The report with what the baseline knows of each leak, and a gate that counts only what is worse.

    Args:
        comparison: what `compare_with_baseline` found.
        check: what the gate counts.
        redact: the report is one of tokens.
    """
    from leakreport.baseline.compare import checked
    from leakreport.baseline.unseen import told_check

    report = checked(comparison, check)
    return told_check(report) if redact else report


def render(
    report: Report | DiffReport | TrendReport, *, to: str = "html", options: RenderOptions | None = None
) -> str | bytes:
    """A report in a format: text, or bytes where the format is binary.

    What leaves here names nobody: without `include_host` home folders, hosts and secrets are taken out of the report
    before a renderer sees it.

    Raises:
        UsageError: no such format, or one that cannot hold such a report.
    """
    from leakreport.privacy.copies import public_copy
    from leakreport.privacy.texts import told_command
    from leakreport.render import write
    from leakreport.render.interface import RenderOptions

    options = options or RenderOptions()
    if report.is_redacted:
        command = told_command(options.command)
        options = replace(options, command=command, with_source=False, source_roots=(), source_links=None)
    if options.include_host:
        return write(report, to, options)
    public = public_copy(report, options.command, keeps_commands=options.is_terminal)
    return write(public.report, to, replace(options, command=public.command, hidden_arguments=public.hidden_arguments))


def explain_leak(report: Report, given: str, *, include_host: bool = False) -> Answer:
    """A path or finding of a report in plain words.

    Args:
        report: of one run.
        given: its id, or the beginning of it with at least four digits.
        include_host: keep home folders, hosts and what looks like secrets.

    Raises:
        UsageError: no path or finding has such an id, or several have.
    """
    from leakreport.explain.leak import explain_id
    from leakreport.privacy.copies import public_copy

    return explain_id(report if include_host else public_copy(report, (), keeps_commands=True).report, given)


def explain_topic(given: str) -> Answer:
    """A rule, an error, a note, a pattern or a function in plain words.

    Raises:
        UsageError: nothing is known by that name.
    """
    from leakreport.explain.topics import explain_topic as explained

    return explained(given)


def list_topics() -> Answer:
    """What `explain_topic` knows."""
    from leakreport.explain.topics import topics

    return topics()


def diagnose_files(
    paths: Sequence[str], report: Report | None, errors: Sequence[InputError], *, include_host: bool = False
) -> Answer:
    """What some files are good for, what they lack, and how to record them better.

    Args:
        paths: as given.
        report: on what could be read, None where that is nothing.
        errors: what could not be read.
        include_host: keep home folders, hosts and what looks like secrets.
    """
    from leakreport.doctor.recording import diagnose
    from leakreport.privacy.copies import public_copy
    from leakreport.readers import get_reader, plugin_readers, reader_names

    formats = {name: get_reader(name).info for name in reader_names()}
    if report is not None and any(summary.format not in formats for summary in report.inputs):
        formats |= {name: reader.info for name, reader in plugin_readers()[0].items()}
    if report is not None and not include_host:
        report = public_copy(report, (), keeps_commands=True).report
    return diagnose(paths, report, errors, formats)


def diagnose_folder(folder: str, *, limits: Limits = DEFAULT_LIMITS) -> Answer:
    """What a folder has, by the names and heads of its files."""
    from leakreport.doctor.folder import diagnose_folder as diagnosed
    from leakreport.readers import recognise_head
    from leakreport.readers._stream import open_input
    from leakreport.readers.interface import FormatInfo

    def recognise(path: str) -> FormatInfo | str | None:
        try:
            with open_input(path, limits) as stream:
                return recognise_head(stream.read(limits.head_bytes), path)
        except InputError:
            return None

    return diagnosed(folder, recognise)


def diagnose_process(pid: int, *, include_host: bool = False) -> Answer:
    """What a process that runs is, and the commands that find the call paths of its memory.

    Raises:
        UnreadableInput: there is no such process.
    """
    from leakreport.doctor.attach import diagnose_process as diagnosed
    from leakreport.doctor.process import read_process
    from leakreport.doctor.program import program_of

    return diagnosed(read_process(pid, program_of), include_host=include_host)


def render_failure(
    errors: Sequence[LeakreportError],
    *,
    to: str,
    kind: str = "analysis",
    options: RenderOptions | None = None,
    is_redacted: bool = False,
) -> str | None:
    """That nothing could be read and why, in a format that pipelines read; None in one that holds nothing but reports.

    Args:
        errors: one for each input, or what else was wrong.
        to: the format.
        kind: of the report that was asked for.
        options: as of `render`; without `include_host` home folders and secrets are taken out.
        is_redacted: inputs are numbered, and only the kinds of the errors are told.
    """
    from leakreport.privacy.texts import prose_without_secrets, source_without_host, without_home
    from leakreport.render import write_failure
    from leakreport.render.interface import Failure, RenderOptions

    options = options or RenderOptions()
    failures = []
    for number, error in enumerate(errors, 1):
        text, source = f"{error.what.rstrip('.')}. {error.advice}".rstrip(), _file_of(error.where)
        if is_redacted:
            text, source = f"The input could not be read ({error.slug}).", f"input-{number}"
        elif not options.include_host:
            text, source = prose_without_secrets(without_home(text)), source_without_host(without_home(source))
        failures.append(Failure(error.slug, text, source))
    return write_failure(kind, failures, to, options)


def _file_of(where: str) -> str:
    """A place in an input without the line."""
    file, _, line = where.rpartition(":")
    return file if line.isdecimal() else where


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


def _note(slug: str, message: str) -> Note:
    from leakreport.model.raw import Note

    return Note(slug, message)


def _with_note(raw: RawSnapshot, note: Note, *, is_complete: bool = True) -> RawSnapshot:
    meta = raw.meta
    return replace(raw, meta=replace(meta, notes=(*meta.notes, note), is_complete=meta.is_complete and is_complete))


def _read(path: str, format_name: str | None, limits: Limits, progress: Progress | None) -> list[RawSnapshot]:
    from leakreport.readers import get_reader, pick_reader
    from leakreport.readers._stream import open_input

    with open_input(path, limits, progress=progress) as stream:
        try:
            reader = get_reader(format_name) if format_name else pick_reader(stream, limits)
            stream.rewind()
            raws = list(reader.read(stream, limits))
        except InputError as error:
            if stream.damage is not None:
                raise MalformedInput(f"{path}: {stream.damage}, and nothing before it is whole") from error
            raise
        if not raws:
            raise MalformedInput(
                f"{path} holds no {reader.info.title} data", advice="leakreport formats says how to record it."
            )
        return _with_damage(raws, stream)


def _in_unit(raws: list[RawSnapshot], unit: str | None) -> list[RawSnapshot]:
    """Snapshots whose numbers have a known unit; some formats leave it to the user.

    Raises:
        UnsupportedInput: it is not known, and the user did not say.
    """
    return [_of_unit(raw, unit) if any(note.slug == "unit-unknown" for note in raw.meta.notes) else raw for raw in raws]


def _of_unit(raw: RawSnapshot, unit: str | None) -> RawSnapshot:
    if unit is None:
        raise UnsupportedInput(
            f"{raw.meta.source} does not say what its numbers count",
            advice="Give --unit bytes if they are bytes that are held, or --unit blocks.",
        )
    meta = replace(raw.meta, notes=tuple(note for note in raw.meta.notes if note.slug != "unit-unknown"))
    if unit == "bytes" or raw.samples is None:
        return replace(raw, meta=meta)
    values = {f"retained_{unit}": column for column in raw.samples.values.values()}
    totals = {f"retained_{unit}": total for total in raw.totals.values()}
    return replace(raw, meta=meta, totals=totals, samples=replace(raw.samples, values=values))


def _with_damage(raws: list[RawSnapshot], stream: OpenInput) -> list[RawSnapshot]:
    """Where the compressed data ended early, what the format itself does not show is marked here."""
    # Some readers stop at the end of what they know; the rest decides whether the compression is whole.
    while stream.read(1 << 20):
        pass
    if stream.damage is not None:
        raws[-1] = _with_note(raws[-1], _note("damaged-compression", f"{stream.damage}."), is_complete=False)
    return raws


def _candidates(paths: Sequence[str], limits: Limits, errors: list[InputError]) -> Iterator[_Candidate]:
    for path in paths:
        if path == "-" or not _is_folder_or_glob(path):
            yield _Candidate(path, is_named=True)
            continue
        found = _files_below(path, limits) if os.path.isdir(path) else sorted(glob.glob(path, recursive=True))
        files = [name for name in found if os.path.isfile(name)]
        if not files:
            kind = "folder" if os.path.isdir(path) else "pattern"
            errors.append(EmptyInput(f"the {kind} {path} has no files", advice="Check the path."))
        yield from (_Candidate(name, is_named=False) for name in files)


def _is_folder_or_glob(path: str) -> bool:
    return os.path.isdir(path) or (glob.has_magic(path) and not os.path.lexists(path))


def _files_below(folder: str, limits: Limits) -> list[str]:
    """Files below a folder, sorted; hidden files and folders and links to folders are passed over."""
    found: list[str] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found.extend(os.path.join(parent, name) for name in sorted(files) if not name.startswith("."))
        if len(found) > limits.files:
            raise EmptyInput(
                f"{folder} has more than {limits.files:,} files", advice="Give the folder of the profiles, or a glob."
            )
    return found


_PROFILE_SUFFIXES = (".xml", ".log", ".txt", ".out", ".memcheck", ".vg", ".valgrind")


def _may_be_lost_profile(error: InputError, path: str) -> bool:
    """An empty file named like a profile can be all that is left of a run that died before it could write."""
    return isinstance(error, EmptyInput) and path.lower().endswith(_PROFILE_SUFFIXES)
