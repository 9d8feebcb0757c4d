"""The rows of a report: one per call path and leak kind, with ids, responsible frames and values."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from leakreport.analysis.frames import FrameColumns, allocator_families, chains_of_interest, locate
from leakreport.analysis.identity import long_path_id, module_stem, path_text, short_path_id
from leakreport.analysis.processes import Judged
from leakreport.analysis.report import PathRow
from leakreport.analysis.stacks import Stacks
from leakreport.errors import UsageError
from leakreport.model.columns import Int64Column
from leakreport.model.metrics import LOST_KINDS, LeakKind
from leakreport.model.raw import Frame
from leakreport.model.snapshot import RecordTable, Run

_KIND_BITS = 8


def path_rows(run: Run, judged: Judged, columns: FrameColumns, *, is_rust: bool) -> list[PathRow]:
    """Every path of the judged snapshots that holds anything or has a record, unsorted."""
    tables = [table for index in judged.members if (table := run.snapshots[index].records) is not None and len(table)]
    if not tables:
        return []
    all_keys = np.concatenate([_keys(table) for table in tables])
    keys, counts = np.unique(all_keys, return_counts=True)
    nodes, place = np.unique(keys // _KIND_BITS, return_inverse=True)
    paths = _paths(run, nodes, columns, is_rust=is_rust)
    kinds = keys % _KIND_BITS
    values = _values(judged, nodes[place], kinds)
    errors = _errors(judged, nodes[place], kinds)
    series = _series(run, judged, nodes[place], kinds)
    dragged = _at(judged, "dragged_bytes", nodes[place])
    names = _record_names(tables, all_keys, counts)
    rows = []
    of_rows = (paths[index] for index in place.tolist())
    for code, path, held, drags, error, in_time, records in zip(
        kinds.tolist(), of_rows, values, dragged, errors, series, names, strict=True
    ):
        kind = LeakKind(code)
        site = path.site
        rows.append(
            PathRow(
                id=path.id,
                leak_kind=kind,
                frames=path.frames,
                responsible=path.responsible,
                site=site,
                module=run.frames[path.frames[site]].module_name if site is not None else None,
                owner=None,
                values=held,
                errors=error,
                series=in_time,
                records=records,
                named_by=path.named_by,
                family=path.family,
                place=path.place,
                dragged_bytes=drags if kind is LeakKind.DEFINITE else 0,
            )
        )
    return rows


def _keys(table: RecordTable) -> Int64Column:
    keys: Int64Column = table.node * _KIND_BITS + table.leak_kind
    return keys


def _record_names(tables: Sequence[RecordTable], keys: Int64Column, counts: Int64Column) -> Iterator[tuple[str, ...]]:
    """Per distinct key, in rising order, the names of its records in the order of the input."""
    names: list[str] = []
    for table in tables:
        names.extend(table.names if table.names is not None else [""] * len(table))
    order = np.argsort(keys, kind="stable").tolist()
    stop = 0
    for count in counts.tolist():
        start, stop = stop, stop + count
        yield tuple(name for index in order[start:stop] if (name := names[index]))


def _at(judged: Judged, metric: str, nodes: Int64Column) -> list[int]:
    column = judged.columns.get(metric)
    return [0] * len(nodes) if column is None else column[nodes].tolist()


def _values(judged: Judged, nodes: Int64Column, kinds: Int64Column) -> list[dict[str, int]]:
    """Per row the own values of its path: of its kind where records have one, else all that is measured."""
    values: list[dict[str, int]] = [{} for _ in range(len(nodes))]
    for kind in LeakKind:
        chosen = np.flatnonzero(kinds == kind)
        if not chosen.size:
            continue
        if kind is LeakKind.NONE:
            metrics = {metric: metric for metric in judged.columns}
        else:
            metrics = {"retained_bytes": kind.bytes_metric, "retained_blocks": kind.blocks_metric}
            metrics |= {kind.bytes_metric: kind.bytes_metric, kind.blocks_metric: kind.blocks_metric}
            if kind in LOST_KINDS:
                metrics |= {"leaked_bytes": kind.bytes_metric, "leaked_blocks": kind.blocks_metric}
        amounts = [_at(judged, source, nodes[chosen]) for source in metrics.values()]
        for row, *held in zip(chosen.tolist(), *amounts, strict=True):
            values[row] = dict(zip(metrics, held, strict=True))
    return values


def _errors(judged: Judged, nodes: Int64Column, kinds: Int64Column) -> Sequence[Mapping[str, float] | None]:
    """Per row and metric the relative standard error; nothing where values are exact."""
    if not judged.variances:
        return [None] * len(nodes)
    found: list[dict[str, float]] = [{} for _ in range(len(nodes))]
    for metric, variance in judged.variances.items():
        if metric not in judged.columns:
            continue
        amount = judged.columns[metric][nodes].astype(np.float64)
        # A path with a kind is told apart by kind, and no sampled format tells kinds.
        has_error = (variance[nodes] > 0) & (amount > 0) & (kinds == LeakKind.NONE)
        relative = np.sqrt(variance[nodes][has_error]) / amount[has_error]
        for row, error in zip(np.flatnonzero(has_error).tolist(), relative.tolist(), strict=True):
            found[row][metric] = round(error, 6)
    return [errors or None for errors in found]


def _series(
    run: Run, judged: Judged, nodes: Int64Column, kinds: Int64Column
) -> Sequence[Mapping[str, tuple[int | None, ...]] | None]:
    """Per row its retained bytes in each snapshot of the run, where several of the judged process have paths."""
    detailed = [index for index in judged.process if run.snapshots[index].is_detailed]
    if len(detailed) < 2 or kinds.any():
        return [None] * len(nodes)
    empty: list[int | None] = [None] * len(nodes)
    by_snapshot: list[list[int | None]] = []
    for index, snapshot in enumerate(run.snapshots):
        column = snapshot.columns.get("retained_bytes")
        known = column is not None and index in judged.process
        by_snapshot.append(column[nodes].tolist() if known and column is not None else empty)
    return [{"retained_bytes": amounts} for amounts in zip(*by_snapshot, strict=True)]


class _Path(NamedTuple):
    """What a stack alone tells, whatever its values."""

    id: str
    frames: tuple[int, ...]
    responsible: int | None
    named_by: int | None
    site: int | None
    family: str
    place: int


def _paths(run: Run, nodes: Int64Column, columns: FrameColumns, *, is_rust: bool) -> list[_Path]:
    stacks = Stacks.ending_at(run.tree, nodes)
    located = locate(stacks, columns)
    chains = chains_of_interest(stacks, columns, is_rust=is_rust)
    families = allocator_families(stacks, columns)
    tuples = stacks.tuples()

    keys = np.array(columns.key, dtype=object)
    starts = chains.offsets.tolist()

    def text_of(number: int) -> str:
        chain = chains.flat[starts[number] : starts[number + 1]]
        stem = module_stem(run.frames[chain[-1]].module) if len(chain) else "?"
        return path_text(keys[chain].tolist(), stem, families[number])

    ids = path_ids(len(stacks), text_of, lambda number: _twin_order(run.frames, tuples[number]))
    positions = (
        [None if position < 0 else position for position in column.tolist()]
        for column in (located.responsible, located.named_by, located.site)
    )
    return list(map(_Path, ids, tuples, *positions, families, _places(chains, columns, families)))


def _places(chains: Stacks, columns: FrameColumns, families: Sequence[str]) -> list[int]:
    """Per stack one number for the same allocator and the same lines of code."""
    known: dict[tuple[str, bytes], int] = {}
    places = columns.place[chains.flat]
    starts = chains.offsets.tolist()
    return [
        known.setdefault((family, places[start:stop].tobytes()), len(known))
        for family, (start, stop) in zip(families, pairwise(starts), strict=True)
    ]


def path_ids(count: int, text_of: Callable[[int], str], twin_order: Callable[[int], tuple[object, ...]]) -> list[str]:
    """The id of each path by its canonical text. Paths with the same text get ordinals in `twin_order`.

    Should two texts share an id by chance, both get 32 digits. Texts are long: none is kept.
    """
    ids = [long_path_id(text_of(number), 1) for number in range(count)]
    first: dict[str, int] = {}
    twins: defaultdict[str, list[int]] = defaultdict(list)
    for number, found in enumerate(ids):
        if (before := first.setdefault(found, number)) != number:
            twins[found].append(number)
            if len(twins[found]) == 1:
                twins[found].append(before)
    for numbers in twins.values():
        text = text_of(numbers[0])
        for ordinal, number in enumerate(sorted(numbers, key=twin_order), 1):
            ids[number] = long_path_id(text, ordinal)
    shortened = [short_path_id(found) for found in ids]
    holders = Counter(shortened)
    return [short if holders[short] == 1 else found for short, found in zip(shortened, ids, strict=True)]


def _twin_order(frames: Sequence[Frame], stack: Sequence[int]) -> tuple[object, ...]:
    """Innermost first: file and line decide where they are known, then addresses, then names."""
    inner_first = [frames[index] for index in reversed(stack)]
    return (
        tuple((frame.file or "", frame.line or 0) for frame in inner_first),
        tuple(frame.address or frame.offset or 0 for frame in inner_first),
        tuple(frame.function or "" for frame in inner_first),
        tuple(frame.module or "" for frame in inner_first),
        tuple((frame.directory or "", frame.kind, frame.is_inlined) for frame in inner_first),
    )


def selected(rows: Sequence[PathRow], frames: Sequence[Frame], focus: str | None, ignore: str | None) -> list[bool]:
    """Per row, whether `--focus` and `--ignore` let it through. They look at functions, files and modules.

    Raises:
        UsageError: a pattern is no regular expression.
    """
    if focus is None and ignore is None:
        return [True] * len(rows)
    wanted, unwanted = _frames_found(frames, focus, "--focus"), _frames_found(frames, ignore, "--ignore")
    return [
        (focus is None or any(wanted[index] for index in row.frames))
        and not (ignore is not None and any(unwanted[index] for index in row.frames))
        for row in rows
    ]


def _frames_found(frames: Sequence[Frame], pattern: str | None, option: str) -> list[bool]:
    if pattern is None:
        return []
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{option} {pattern!r} is no regular expression: {error}") from error
    return [
        any(text is not None and expression.search(text) for text in (frame.function, frame.path, frame.module))
        for frame in frames
    ]
