"""The rows of a report: one per call path and leak kind, with ids, responsible frames and values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.frames import FrameColumns, allocator_families, chains_of_interest, locate
from leakreport.analysis.identity import encoded, fold_recursion, long_path_id, module_stem, path_text, short_path_id
from leakreport.analysis.paths import Paths, PathTable, RecordNames
from leakreport.analysis.processes import Judged
from leakreport.analysis.stacks import Stacks, intern
from leakreport.errors import UsageError
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column
from leakreport.model.metrics import LOST_KINDS, LeakKind
from leakreport.model.raw import Frame
from leakreport.model.snapshot import RecordTable, Run

_KIND_BITS = 8


def path_rows(run: Run, judged: Judged, columns: FrameColumns, *, is_rust: bool) -> PathTable:
    """Every path of the judged snapshots that holds anything or has a record, unsorted."""
    tables = [table for index in judged.members if (table := run.snapshots[index].records) is not None and len(table)]
    all_keys = np.concatenate([np.zeros(0, dtype=np.int64), *(_keys(table) for table in tables)])
    order = np.argsort(all_keys, kind="stable")
    keys, counts = np.unique(all_keys, return_counts=True)
    nodes, place = np.unique(keys // _KIND_BITS, return_inverse=True)
    nodes_of_rows, kinds = nodes[place], keys % _KIND_BITS
    measured = {LeakKind(kind): sources_of(judged, LeakKind(kind)) for kind in np.unique(kinds).tolist()}
    ends = np.cumsum(counts)
    return PathTable(
        frames=run.frames,
        paths=_paths(run, nodes, columns, is_rust=is_rust),
        records=RecordNames(_joined_names(tables), order),
        series=_series(run, judged, kinds),
        measured={kind: tuple(sources) for kind, sources in measured.items()},
        stack=place,
        leak_kind=kinds,
        node=nodes_of_rows,
        values=_values(judged, nodes_of_rows, kinds, measured),
        errors=_errors(judged, nodes_of_rows, kinds),
        dragged_bytes=np.where(kinds == LeakKind.DEFINITE, _at(judged, "dragged_bytes", nodes_of_rows), 0),
        first_record=ends - counts,
        end_of_records=ends,
    )


def _keys(table: RecordTable) -> Int64Column:
    keys: Int64Column = table.node * _KIND_BITS + table.leak_kind
    return keys


def _joined_names(tables: Sequence[RecordTable]) -> Sequence[str]:
    """The names of all records in the order of the input; "" for none."""
    names = [[""] * len(table) if table.names is None else table.names for table in tables]
    return names[0] if len(names) == 1 else list(chain.from_iterable(names))


def _at(judged: Judged, metric: str, nodes: Int64Column) -> Int64Column:
    column = judged.columns.get(metric)
    return np.zeros(len(nodes), dtype=np.int64) if column is None else column[nodes]


def sources_of(judged: Judged, kind: LeakKind) -> dict[str, str]:
    """What a row of a kind has, and from which column: its kind where records have one, else all that is measured."""
    if kind is LeakKind.NONE:
        return {metric: metric for metric in judged.columns}
    metrics = {"retained_bytes": kind.bytes_metric, "retained_blocks": kind.blocks_metric}
    metrics |= {kind.bytes_metric: kind.bytes_metric, kind.blocks_metric: kind.blocks_metric}
    if kind in LOST_KINDS:
        metrics |= {"leaked_bytes": kind.bytes_metric, "leaked_blocks": kind.blocks_metric}
    return metrics


def _values(
    judged: Judged, nodes: Int64Column, kinds: Int64Column, measured: Mapping[LeakKind, Mapping[str, str]]
) -> dict[str, Int64Column]:
    """The own values of each row's path."""
    values: dict[str, Int64Column] = {}
    for kind, sources in measured.items():
        chosen = np.flatnonzero(kinds == kind)
        for metric, source in sources.items():
            column = values.setdefault(metric, np.zeros(len(nodes), dtype=np.int64))
            column[chosen] = _at(judged, source, nodes[chosen])
    return values


def values_at(judged: Judged, rows: PathTable, metric: str) -> Int64Column:
    """The own values of some rows in another state of the same tree; 0 where it does not measure the metric."""
    found = np.zeros(len(rows), dtype=np.int64)
    for kind in np.unique(rows.leak_kind).tolist():
        chosen = np.flatnonzero(rows.leak_kind == kind)
        source = sources_of(judged, LeakKind(kind)).get(metric)
        if source is not None:
            found[chosen] = _at(judged, source, rows.node[chosen])
    return found


def rows_in(judged: Judged, run: Run, rows: PathTable) -> BoolColumn:
    """Which of some rows have a record in the members of a state."""
    tables = [table for index in judged.members if (table := run.snapshots[index].records) is not None]
    keys = np.concatenate([np.zeros(0, dtype=np.int64), *(_keys(table) for table in tables)])
    return np.isin(rows.node * _KIND_BITS + rows.leak_kind, keys)


def _errors(judged: Judged, nodes: Int64Column, kinds: Int64Column) -> dict[str, Float64Column]:
    """By metric the relative standard error of each row; nothing where values are exact."""
    found: dict[str, Float64Column] = {}
    for metric, variance in judged.variances.items():
        if metric not in judged.columns:
            continue
        amount = judged.columns[metric][nodes].astype(np.float64)
        # A path with a kind is told apart by kind, and no sampled format tells kinds.
        has_error = (variance[nodes] > 0) & (amount > 0) & (kinds == LeakKind.NONE)
        found[metric] = np.full(len(nodes), np.nan)
        found[metric][has_error] = np.sqrt(variance[nodes][has_error]) / amount[has_error]
    return found


def _series(run: Run, judged: Judged, kinds: Int64Column) -> Sequence[Int64Column | None]:
    """The retained bytes over the tree in each snapshot of the run, where several of the judged process have paths."""
    detailed = [index for index in judged.process if run.snapshots[index].is_detailed]
    if len(detailed) < 2 or kinds.any():
        return ()
    return [
        snapshot.columns.get("retained_bytes") if index in judged.process else None
        for index, snapshot in enumerate(run.snapshots)
    ]


def _paths(run: Run, nodes: Int64Column, columns: FrameColumns, *, is_rust: bool) -> Paths:
    stacks = Stacks.ending_at(run.tree, nodes)
    located = locate(stacks, columns)
    chains = chains_of_interest(stacks, columns, is_rust=is_rust)
    families = allocator_families(stacks, columns)
    texts = _texts(run.frames, chains, columns.key, families)
    named = path_ids(len(stacks), texts, lambda number: _twin_order(run.frames, stacks[number]))
    return Paths(
        stacks=stacks,
        ids=named.ids,
        text=named.text,
        ordinal=named.ordinal,
        responsible=located.responsible,
        named_by=located.named_by,
        site=located.site,
        families=families,
        places=lambda: _places(chains, columns, families),
    )


def _places(chains: Stacks, columns: FrameColumns, families: Sequence[str]) -> Int64Column:
    """Per stack one number for the same allocator and the same lines of code."""
    places = columns.place[chains.flat]
    # Of long chains only a digest is kept, as in path ids.
    digests = (
        blake2b(encoded(family) + b"\n" + places[start:stop].tobytes(), digest_size=16).digest()
        for family, (start, stop) in zip(families, pairwise(chains.offsets.tolist()), strict=True)
    )
    _, numbers = np.unique(np.fromiter(digests, "S16", len(families)), return_inverse=True)
    return numbers.astype(np.int64)


def _texts(
    frames: Sequence[Frame], chains: Stacks, keys: Sequence[str], families: Sequence[str]
) -> Callable[[int], bytes]:
    """What the id of each path is a hash of."""
    numbers, _ = intern(keys)
    repeats = chains.with_repeats(numbers)
    key_texts = [encoded(key) for key in keys]
    stems = [encoded(module_stem(frame.actual.module)) for frame in frames]
    family_texts = {family: encoded(family) for family in set(families)}
    starts = chains.offsets.tolist()

    def text_of(number: int) -> bytes:
        inner = chains.flat[starts[number] : starts[number + 1]].tolist()
        stem = stems[inner[-1]] if inner else b"?"
        folded = map(key_texts.__getitem__, inner)
        if number in repeats:
            folded = map(encoded, fold_recursion([keys[frame] for frame in inner]))
        return path_text(folded, stem, family_texts[families[number]])

    return text_of


class PathIds(NamedTuple):
    """One entry per path in each column."""

    ids: NDArray[np.bytes_]
    text: Int64Column
    """One number for all paths with the same canonical text: that of the first."""
    ordinal: Int64Column
    """The place among these, from 0."""


def path_ids(count: int, text_of: Callable[[int], bytes], twin_order: Callable[[int], tuple[object, ...]]) -> PathIds:
    """The id of each path by its canonical text. Paths with the same text get ordinals in `twin_order`.

    Should two texts share an id by chance, both get 32 digits. Texts are long: none is kept.
    """
    width = len(long_path_id(b"", 1))
    ids = np.fromiter((long_path_id(text_of(number), 1).encode("ascii") for number in range(count)), f"S{width}", count)
    texts, ordinals = np.arange(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    for numbers in _equal(ids):
        text = text_of(numbers[0])
        for ordinal, number in enumerate(sorted(numbers, key=twin_order), 1):
            ids[number] = long_path_id(text, ordinal).encode("ascii")
            texts[number], ordinals[number] = numbers[0], ordinal - 1
    shortened = ids.astype(f"S{len(short_path_id(long_path_id(b'', 1)))}")
    shared = [number for numbers in _equal(shortened) for number in numbers]
    found = shortened
    if shared:
        found = shortened.astype(ids.dtype)
        found[shared] = ids[shared]
    return PathIds(found, texts, ordinals)


def _equal(ids: NDArray[np.bytes_]) -> list[list[int]]:
    """The indexes of entries that are equal, per text that stands more than once."""
    order = np.argsort(ids, kind="stable")
    is_same = ids[order[1:]] == ids[order[:-1]]
    starts = np.flatnonzero(np.concatenate([[True], ~is_same])) if len(ids) else np.zeros(0, dtype=np.int64)
    ends = np.append(starts[1:], len(ids))
    several = ends - starts > 1
    return [
        order[start:end].tolist() for start, end in zip(starts[several].tolist(), ends[several].tolist(), strict=True)
    ]


def _twin_order(frames: Sequence[Frame], stack: Sequence[int]) -> tuple[object, ...]:
    """Innermost first: file and line decide where they are known, then addresses, then names."""
    inner_first = [frames[index].actual for index in reversed(stack)]
    return (
        tuple((frame.file or "", frame.line or 0) for frame in inner_first),
        tuple(frame.address or frame.offset or 0 for frame in inner_first),
        tuple(frame.function or "" for frame in inner_first),
        tuple(frame.module or "" for frame in inner_first),
        tuple((frame.directory or "", frame.kind, frame.is_inlined) for frame in inner_first),
    )


def selected(rows: PathTable, focus: str | None, ignore: str | None) -> BoolColumn:
    """Per row, whether `--focus` and `--ignore` let it through. They look at functions, files and modules.

    Raises:
        UsageError: a pattern is no regular expression.
    """
    shown = np.ones(len(rows), dtype=np.bool_)
    stacks = rows.paths.stacks
    if focus is not None:
        shown &= stacks.count(_frames_found(rows.frames, focus, "--focus")[stacks.flat])[rows.stack] > 0
    if ignore is not None:
        shown &= stacks.count(_frames_found(rows.frames, ignore, "--ignore")[stacks.flat])[rows.stack] == 0
    return shown


def _frames_found(frames: Sequence[Frame], pattern: str, option: str) -> BoolColumn:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{option} {pattern!r} is no regular expression: {error}") from error
    found = (
        any(text is not None and expression.search(text) for text in (frame.function, frame.path, frame.module))
        for frame in (frame.actual for frame in frames)
    )
    return np.fromiter(found, np.bool_, len(frames))
