"""The rows of a report: one per call path and leak kind, with ids, responsible frames and values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from leakreport.analysis.identity import canonical_key, canonical_name, long_path_id, module_stem, path_id, path_text
from leakreport.analysis.ownership import FrameClass, Ownership
from leakreport.analysis.processes import Judged
from leakreport.analysis.report import PathRow
from leakreport.errors import UsageError
from leakreport.model.metrics import LOST_KINDS, LeakKind
from leakreport.model.raw import Frame
from leakreport.model.snapshot import RecordTable, Run

_KIND_BITS = 8


def path_rows(run: Run, judged: Judged, ownership: Ownership) -> list[PathRow]:
    """Every path of the judged snapshots that holds anything or has a record, unsorted."""
    tables = [table for index in judged.members if (table := run.snapshots[index].records) is not None and len(table)]
    if not tables:
        return []
    names = _record_names(tables)
    keys = np.unique(np.concatenate([_keys(table) for table in tables]))
    nodes, kinds = keys // _KIND_BITS, keys % _KIND_BITS
    stacks = {node: tuple(run.tree.path(node)) for node in set(nodes.tolist())}
    traits = {node: _traits(run.frames, stack, ownership) for node, stack in stacks.items()}
    ids = path_ids(run.frames, stacks, traits)
    rows = []
    for key, node, code in zip(keys.tolist(), nodes.tolist(), kinds.tolist(), strict=True):
        kind = LeakKind(code)
        trait = traits[node]
        rows.append(
            PathRow(
                id=ids[node],
                leak_kind=kind,
                frames=stacks[node],
                responsible=trait.responsible,
                site=trait.site,
                module=trait.module,
                owner=None,
                values=_values(judged, node, kind),
                records=tuple(names.get(key, ())),
                named_by=trait.named_by,
                chain=trait.chain,
                family=trait.family,
                dragged_bytes=_at(judged, "dragged_bytes", node) if kind is LeakKind.DEFINITE else 0,
            )
        )
    return rows


def _keys(table: RecordTable) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    keys: np.ndarray[tuple[int], np.dtype[np.int64]] = table.node * _KIND_BITS + table.leak_kind
    return keys


def _record_names(tables: Iterable[RecordTable]) -> dict[int, list[str]]:
    names: defaultdict[int, list[str]] = defaultdict(list)
    for table in tables:
        if table.names is not None:
            for key, name in zip(_keys(table).tolist(), table.names, strict=True):
                names[key].append(name)
    return names


def _at(judged: Judged, metric: str, node: int) -> int:
    column = judged.columns.get(metric)
    return 0 if column is None else int(column[node])


def _values(judged: Judged, node: int, kind: LeakKind) -> Mapping[str, int]:
    if kind is LeakKind.NONE:
        return {metric: int(column[node]) for metric, column in judged.columns.items()}
    own_bytes, blocks = _at(judged, kind.bytes_metric, node), _at(judged, kind.blocks_metric, node)
    values = {
        "retained_bytes": own_bytes,
        "retained_blocks": blocks,
        kind.bytes_metric: own_bytes,
        kind.blocks_metric: blocks,
    }
    if kind in LOST_KINDS:
        values |= {"leaked_bytes": own_bytes, "leaked_blocks": blocks}
    return values


class _Traits(NamedTuple):
    """What a stack alone tells, whatever its values."""

    responsible: int | None
    named_by: int | None
    site: int | None
    module: str | None
    chain: tuple[int, ...]
    family: str


def _traits(frames: Sequence[Frame], stack: tuple[int, ...], ownership: Ownership) -> _Traits:
    stack_frames = [frames[index] for index in stack]
    site = ownership.site(stack_frames)
    return _Traits(
        responsible=ownership.responsible(stack_frames),
        named_by=ownership.named_by(stack_frames),
        site=site,
        module=stack_frames[site].module_name if site is not None else None,
        chain=tuple(stack[position] for position in chain_of_interest(stack_frames, ownership)),
        family=allocator_family(stack_frames, ownership),
    )


def path_ids(
    frames: Sequence[Frame], stacks: Mapping[int, tuple[int, ...]], traits: Mapping[int, _Traits]
) -> dict[int, str]:
    """Per node the id of its path. Paths with one canonical text get ordinals in the order of files and lines.

    Should two texts share an id by chance, both get 32 digits.
    """
    by_text: defaultdict[str, list[int]] = defaultdict(list)
    for node in stacks:
        by_text[_text(frames, traits[node])].append(node)
    named: dict[int, tuple[str, int]] = {}
    for text, nodes in by_text.items():
        nodes.sort(key=lambda node: _twin_order(frames, stacks[node]))
        named |= {node: (text, ordinal) for ordinal, node in enumerate(nodes, 1)}
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for node, (text, ordinal) in named.items():
        holders[path_id(text, ordinal)].append(node)
    return {
        node: short if len(nodes) == 1 else long_path_id(*named[node])
        for short, nodes in holders.items()
        for node in nodes
    }


def chain_of_interest(frames: Sequence[Frame], ownership: Ownership) -> list[int]:
    """The positions of your frames of a stack, outermost first; where there are none, of the libraries'."""
    classes = [ownership.of(frame) for frame in frames]
    own = [position for position, found in enumerate(classes) if found is FrameClass.OWN]
    if ownership.is_rust and len(own) > 1 and frames[own[0]].function == "main":
        # Under Rust's run-time the C main is glue.
        del own[0]
    return own or [position for position, found in enumerate(classes) if found is not FrameClass.ALLOCATOR]


def allocator_family(frames: Sequence[Frame], ownership: Ownership) -> str:
    """What was called to allocate: the outermost allocator frame at the inner end of the stack, by canonical name."""
    family = ""
    for frame in reversed(frames):
        if ownership.of(frame) is not FrameClass.ALLOCATOR:
            break
        family = canonical_name(frame.function).base or family
    return family.replace("operator_cv_", "")


def _text(frames: Sequence[Frame], traits: _Traits) -> str:
    keys = [_frame_key(frames[index]) for index in traits.chain]
    stem = module_stem(frames[traits.chain[-1]].module) if traits.chain else "?"
    return path_text(keys, stem, traits.family)


def _frame_key(frame: Frame) -> str:
    key = canonical_key(frame.function)
    return key if key != "?" or frame.module is None else f"{module_stem(frame.module)}+?"


def _twin_order(frames: Sequence[Frame], stack: Sequence[int]) -> tuple[object, ...]:
    """Innermost first: file and line decide where they are known, then addresses, then names."""
    inner_first = [frames[index] for index in reversed(stack)]
    return (
        tuple((frame.file or "", frame.line or 0) for frame in inner_first),
        tuple(frame.address or 0 for frame in inner_first),
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
