"""Inputs to a run, and addresses to names."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from leakreport.api.siblings import Candidate, like_read
from leakreport.errors import (
    EmptyInput,
    InputError,
    MalformedInput,
    UnrecognisedInput,
    UnsupportedInput,
)
from leakreport.limits import DEFAULT_LIMITS, Limits
from leakreport.units import plural

if TYPE_CHECKING:
    from leakreport.model.raw import Note, RawSnapshot
    from leakreport.model.snapshot import Run
    from leakreport.readers._stream import OpenInput, Progress
    from leakreport.symbols.options import SymbolOptions


_PROFILE_SUFFIXES = (".xml", ".log", ".txt", ".out", ".memcheck", ".vg", ".valgrind")


@dataclass(slots=True)
class Loaded:
    """What could be read, and what could not."""

    run: Run | None
    """None where nothing could be read."""
    errors: list[InputError] = field(default_factory=list)


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
    in a note; empty files that are named like profiles are errors, because they can be all that is left of a run. Of
    files that are named like those that were read, a second note says that no gate may pass over them.
    """
    from leakreport.model.builder import RunBuilder
    from leakreport.model.samples import joined_samples
    from leakreport.model.series import in_order

    errors: list[InputError] = []
    skipped: list[tuple[Candidate, InputError]] = []
    read: list[str] = []
    raws: list[RawSnapshot] = []
    for candidate in _candidates(paths, limits, errors):
        try:
            raws.extend(_in_unit(_read(candidate, format_name, limits, progress), unit))
            read.append(candidate.path)
        except (UnrecognisedInput, UnsupportedInput, EmptyInput) as error:
            if candidate.is_named or _may_be_lost_profile(error, candidate.path):
                errors.append(error)
            else:
                skipped.append((candidate, error))
        except InputError as error:
            errors.append(error)
    if not raws:
        if not errors:
            where = f": {len(skipped)} other files, first: {skipped[0][1]}" if skipped else ""
            errors.append(EmptyInput(f"no profiles in {', '.join(paths)}{where}"))
        return Loaded(None, errors)
    if skipped:
        count = f"{plural(len(skipped), 'file')} {'was' if len(skipped) == 1 else 'were'}"
        note = _note("skipped-files", f"{count} passed over, first: {skipped[0][1].args[0]}.")
        raws[0] = _with_note(raws[0], note)
    lost = like_read((candidate for candidate, _ in skipped), read)
    if lost:
        told = f"{plural(len(lost), 'file')} named like the profiles that were read could not be, first: {lost[0]}."
        raws[0] = _with_note(raws[0], _note("unread-siblings", told))
    if errors:
        note = _note("unreadable-inputs", f"{plural(len(errors), 'input')} could not be read, first: {errors[0]}")
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


def _note(slug: str, message: str) -> Note:
    from leakreport.model.raw import Note

    return Note(slug, message)


def _with_note(raw: RawSnapshot, note: Note, *, is_complete: bool = True) -> RawSnapshot:
    meta = raw.meta
    return replace(raw, meta=replace(meta, notes=(*meta.notes, note), is_complete=meta.is_complete and is_complete))


def _read(
    candidate: Candidate, format_name: str | None, limits: Limits, progress: Progress | None
) -> list[RawSnapshot]:
    from leakreport.readers import get_reader, pick_reader
    from leakreport.readers._stream import open_input

    path = candidate.path
    if candidate.is_dangling:
        raise UnrecognisedInput(f"{path} is a link to a file that is not there")
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


def _candidates(paths: Sequence[str], limits: Limits, errors: list[InputError]) -> Iterator[Candidate]:
    for path in paths:
        if path == "-" or not _is_folder_or_glob(path):
            yield Candidate(path, is_named=True)
            continue
        is_folder = os.path.isdir(path)
        found = _files_below(path, limits) if is_folder else sorted(glob.glob(path, recursive=True))
        files = [name for name in found if os.path.isfile(name) or not os.path.exists(name)]
        if not files:
            kind = "folder" if is_folder else "pattern"
            errors.append(EmptyInput(f"the {kind} {path} has no files", advice="Check the path."))
        yield from (Candidate(name, is_named=False, is_matched=not is_folder) for name in files)


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


def _may_be_lost_profile(error: InputError, path: str) -> bool:
    """An empty file named like a profile can be all that is left of a run that died before it could write."""
    return isinstance(error, EmptyInput) and path.lower().endswith(_PROFILE_SUFFIXES)
