"""Samples of one process in many small files: which files are of one moment, and what each of them says about it.

A loop writes `000.smaps`, `000.status`, `000.fd`, then `001.smaps` …, or a folder per moment with copies from /proc. All files of
one moment make one snapshot. Where two of them tell the same figure in different ways, the way that most moments have is
taken throughout: a series never jumps because another file was there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from leakreport.model.raw import Frame, Note, RawSnapshot, SampleTable, SampleTableBuilder, SnapshotMeta

CLOSE_WAIT = "CLOSE_WAIT"
_KINDS = re.compile(
    r"(?:^|(?<=[._-]))(?:smaps[._-]?rollup|smaps|malloc[._-]?info|pmap(?:[._-]{0,2}[xXdqp]{1,2})?|maps|status|fds?|lsof|net[._-](?:tcp6?|udp6?|unix)|(?:tcp6?|udp6?|unix)$)(?=[._-]|$)"
)
_ENDINGS = re.compile(r"\.(?:gz|xz|bz2|zst|txt|log|out|xml)\Z")
_DIGITS = re.compile(r"\d+")
_SOCKET = re.compile(r"\d+ (socket:\[\d+\])")
_ABOUT_ONE = frozenset(("only-address-space", "retained-by-status"))
_BEST_FIRST = ("smaps", "pmap", "smaps-rollup", "maps", "proc-status", "malloc-info", "fd")


class SampleName(NamedTuple):
    """What the name of a file says about a sample."""

    series: tuple[str, str]
    """Its folder, and its name with `#` for numbers: one process."""
    moment: str
    """The name without the word for its kind."""
    number: int
    """Where the name holds one number; else 0."""


def sample_name(source: str) -> SampleName:
    """Where a file belongs, by its name.

    >>> sample_name("run/000.smaps") == sample_name("run/000.smaps_rollup.gz")
    True
    >>> sample_name("run/012.pmap-x.txt")
    SampleName(series=('run', '#'), moment='012', number=12)
    >>> sample_name("run/7/net/tcp6").moment, sample_name("run/7/smaps").moment
    ('7', '7')
    """
    folder, _, name = source.rpartition("/")
    while _ENDINGS.search(name):
        name = _ENDINGS.sub("", name)
    rest = _KINDS.sub("", name).strip("._-")
    if not rest:
        folder = folder.removesuffix("/net")
        folder, _, rest = folder.rpartition("/")
    digits = _DIGITS.findall(rest)
    number = int(digits[0]) if len(digits) == 1 and len(digits[0]) < 18 else 0
    return SampleName((folder, _DIGITS.sub("#", rest)), rest, number)


def close_wait_notes(count: int) -> tuple[Note, ...]:
    """What sockets in CLOSE_WAIT mean, where there are any."""
    if not count:
        return ()
    what = "1 socket is" if count == 1 else f"{count:,} sockets are"
    text = f"{what} in CLOSE_WAIT: the other side has closed the connection, this process has not called close()."
    return (Note("close-wait", text),)


def joined_samples(raws: Sequence[RawSnapshot]) -> list[RawSnapshot]:
    """The same snapshots, with those of one moment in one; all else stays where it was."""
    places = _moments_of(raws)
    groups: dict[object, dict[object, list[int]]] = {}
    for index, place in enumerate(places):
        if place is not None:
            groups.setdefault(place[0], {}).setdefault(place[1], []).append(index)
    found: dict[int, RawSnapshot] = {}
    gone: set[int] = set()
    for moments in groups.values():
        kinds = {_kind(raws[index]) for indexes in moments.values() for index in indexes}
        if len(kinds) < 2 or all(len(indexes) == 1 for indexes in moments.values()):
            continue
        joined = joined_moments([[raws[index] for index in indexes] for indexes in moments.values()])
        for indexes, raw in zip(moments.values(), joined, strict=True):
            gone.update(indexes)
            if raw is not None:
                found[indexes[0]] = raw
    return [found.get(index, raw) for index, raw in enumerate(raws) if index in found or index not in gone]


def _moments_of(raws: Sequence[RawSnapshot]) -> list[tuple[object, object] | None]:
    """Per snapshot its series and its moment: of files by their names, of several logs as long as each other by the place."""
    counts = Counter(raw.meta.source for raw in raws)
    is_same_length = len(set(counts.values())) == 1
    seen: Counter[str] = Counter()
    found: list[tuple[object, object] | None] = []
    for raw in raws:
        meta = raw.meta
        number = seen[meta.source]
        seen[meta.source] += 1
        if meta.format not in _BEST_FIRST or meta.document is not None:
            found.append(None)
        elif counts[meta.source] == 1:
            name = sample_name(meta.source)
            found.append((name.series, name.moment))
        elif is_same_length and len(counts) > 1:
            found.append((("logs", sample_name(meta.source).series), number))
        else:
            found.append(None)
    return found


Kind = tuple[str, tuple[str, ...]]
"""A format, and what it measures: pmap has several forms."""


_LAYOUT = frozenset(("size_bytes", "mappings", "mapped_file_bytes", "thread_stacks", "malloc_arenas", "writable_bytes"))
"""Figures that smaps and maps tell alike."""
_ALIKE = frozenset(("smaps", "maps"))


def _way(kind: Kind, metric: str) -> Kind:
    """How a kind tells a figure: alike where two ways are the same."""
    return ("layout", ()) if metric in _LAYOUT and kind[0] in _ALIKE else kind


def _kind(raw: RawSnapshot) -> Kind:
    return raw.meta.format, tuple(sorted(raw.totals))


def joined_moments(moments: Sequence[list[RawSnapshot]]) -> list[RawSnapshot | None]:
    """The moments of one process as one snapshot each; None where nothing that is wanted is there.

    Args:
        moments: what was read of each, all parts of formats that describe a process.
    """
    moments = _with_sockets(moments)
    order = sorted(
        {_kind(raw) for parts in moments for raw in parts}, key=lambda kind: (_BEST_FIRST.index(kind[0]), kind)
    )
    ways = [{(metric, _way(_kind(raw), metric)) for raw in parts for metric in raw.totals} for parts in moments]
    coverage = Counter(pair for found in ways for pair in found)
    source_of: dict[str, Kind] = {}
    for kind in order:
        for metric in kind[1]:
            way = _way(kind, metric)
            known = source_of.get(metric)
            if known is None or coverage[metric, way] > coverage[metric, known]:
                source_of[metric] = way
    mapped = [kind for kind in order if "mappings" in kind[1]]
    counts = Counter(kind for parts in moments for kind in {_kind(raw) for raw in parts})
    mapped.sort(key=lambda kind: ("retained_bytes" not in kind[1], -counts[kind]))
    same = [kind for kind in mapped[1:] if {kind[0], mapped[0][0]} == _ALIKE]
    wanted = [*mapped[:1], *same]
    described = {kind for kind in order if "open_fds" in kind[1]}
    pids = {raw.meta.pid for parts in moments for raw in parts} - {None}
    pid = next(iter(pids)) if len(pids) == 1 else None
    return [_joined(parts, source_of, wanted, described, pid) for parts in moments]


def _joined(
    parts: Sequence[RawSnapshot],
    source_of: dict[str, Kind],
    mapped: Sequence[Kind],
    described: set[Kind],
    pid: int | None,
) -> RawSnapshot | None:
    """One moment, from the parts that a series is made of: of the kinds of mappings the first that is there."""
    kinds = {_kind(raw) for raw in parts}
    with_table = {*described, *[kind for kind in mapped if kind in kinds][:1]}
    totals: dict[str, int] = {}
    used: list[RawSnapshot] = []
    tables: list[SampleTable] = []
    for raw in sorted(parts, key=lambda raw: _BEST_FIRST.index(raw.meta.format)):
        kind = _kind(raw)
        taken = {metric: amount for metric, amount in raw.totals.items() if source_of[metric] == _way(kind, metric)}
        has_table = kind in with_table and raw.samples is not None
        if not taken and not has_table:
            continue
        totals = {**taken, **totals}
        used.append(raw)
        if raw.samples is not None and has_table:
            tables.append(raw.samples)
    if not used:
        return None
    metas = [raw.meta for raw in used]
    return RawSnapshot(_joined_meta(metas, pid), dict(sorted(totals.items())), _together(tables))


def _joined_meta(metas: Sequence[SnapshotMeta], pid: int | None) -> SnapshotMeta:
    first = metas[0]
    times = [meta for meta in metas if meta.time is not None]
    return replace(
        first,
        pid=pid if pid is not None else next((meta.pid for meta in metas if meta.pid is not None), None),
        command=max((meta.command for meta in metas), key=len),
        label=times[0].label if times else first.label,
        time=times[0].time if times else None,
        time_unit=times[0].time_unit if times else None,
        truncation=next((meta.truncation for meta in metas if meta.truncation is not None), None),
        is_complete=all(meta.is_complete for meta in metas),
        # What one kind of file cannot tell, another has told.
        notes=tuple(dict.fromkeys(note for meta in metas for note in meta.notes if note.slug not in _ABOUT_ONE)),
    )


def _together(tables: Sequence[SampleTable]) -> SampleTable | None:
    """All stacks of some tables; a stack has nothing of what its own table does not measure."""
    if len(tables) < 2:
        return tables[0] if tables else None
    metrics = tuple(dict.fromkeys(metric for table in tables for metric in table.values))
    builder = SampleTableBuilder(metrics)
    for table in tables:
        for row, stack in enumerate(_stacks(table)):
            values = tuple(int(table.values[metric][row]) if metric in table.values else 0 for metric in metrics)
            builder.add(stack, values, name=table.names[row] if table.names else "")
    return builder.build()


def _stacks(table: SampleTable) -> Iterable[tuple[Frame, ...]]:
    flat, offsets = table.flat.tolist(), table.offsets.tolist()
    for row in range(len(table)):
        yield tuple(table.frames[index] for index in flat[offsets[row] : offsets[row + 1]])


def _with_sockets(moments: Sequence[list[RawSnapshot]]) -> list[list[RawSnapshot]]:
    """Descriptors of sockets called by the tables of the network, and without these.

    Where a moment has no table, that of the next tells, else that before: an inode is one socket for as long as it is open.
    """
    tables = [_sockets_of(parts) for parts in moments]
    has_fds = any("open_fds" in raw.totals for parts in moments for raw in parts)
    if not has_fds or not any(tables):
        return [list(parts) for parts in moments]
    known: dict[str, tuple[Frame, ...]] = {}
    for table in tables:
        known.update(table)
    later: list[dict[str, tuple[Frame, ...]]] = [dict(known)]
    for table in reversed(tables):
        later.append({**later[-1], **table})
    found = []
    for parts, table in zip(moments, reversed(later[1:]), strict=True):
        found.append(
            [_renamed(raw, table) if "open_fds" in raw.totals else raw for raw in parts if "sockets" not in raw.totals]
        )
    return found


def _sockets_of(parts: Sequence[RawSnapshot]) -> dict[str, tuple[Frame, ...]]:
    """Per inode, as /proc writes it, what the socket is called: class and target."""
    return {
        name: stack[1:]
        for raw in parts
        if "sockets" in raw.totals and raw.samples is not None and raw.samples.names is not None
        for name, stack in zip(raw.samples.names, _stacks(raw.samples), strict=True)
    }


def _renamed(raw: RawSnapshot, sockets: dict[str, tuple[Frame, ...]]) -> RawSnapshot:
    table = raw.samples
    if table is None or table.names is None:
        return raw
    builder = SampleTableBuilder(tuple(table.values))
    waiting = 0
    for row, stack in enumerate(_stacks(table)):
        match = _SOCKET.fullmatch(table.names[row])
        called = sockets.get(match[1]) if match else None
        known = stack if called is None else (stack[0], *called)
        waiting += any(CLOSE_WAIT in (frame.function or "") for frame in known)
        builder.add(known, tuple(int(column[row]) for column in table.values.values()), name=table.names[row])
    notes = tuple(note for note in raw.meta.notes if note.slug != "close-wait")
    return replace(raw, meta=replace(raw.meta, notes=(*notes, *close_wait_notes(waiting))), samples=builder.build())
