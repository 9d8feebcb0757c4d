"""pprof's profile.proto: heap profiles of Go, tcmalloc, jemalloc's and Rust's exporters, and of `pprof -proto`.

    message Profile { sample_type[] 1, sample[] 2, mapping[] 3, location[] 4, function[] 5, string_table[] 6,
                      time_nanos 9, duration_nanos 10, period_type 11, period 12, default_sample_type 14 }
    message Sample  { location_id[] 1 (leaf first), value[] 2 (one per sample type), label[] 3 }
    message Location { id 1, mapping_id 2, address 3, line[] 4 (innermost inlined call first) }

Values are estimates of everything already, never scaled again; `period` says how far apart the samples lay. `inuse_space`
and `inuse_objects` (tcmalloc: `space`, `objects`) are retained_bytes and retained_blocks, `alloc_space` and `alloc_objects`
allocated_bytes and allocated_blocks. Addresses stand inside the call already: nothing is subtracted. `drop_frames` is not
applied: writers that symbolise have applied it, and its expressions are the input's, not ours.
`pprof -diff_base` keeps its base, negated, under the label `pprof::base`: that makes two snapshots, base first.

Not read: profiles of time, contention, threads, lifetimes, and differences with negative amounts (`pprof -base`).

Source: google/pprof `proto/profile.proto`, `profile/profile.go`; tcmalloc `tcmalloc/internal/profile_builder.cc`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from leakreport.errors import MalformedInput, UnsupportedInput
from leakreport.limits import Limits
from leakreport.model.columns import BoolColumn, Int64Column, checked_total, exact_sum, freeze
from leakreport.model.raw import Note, RawSnapshot, SampleTable, Sampling, SnapshotMeta, Truncation
from leakreport.readers._pprof_profile import Profile, read_profile
from leakreport.readers._pprof_sampling import sampling_variances
from leakreport.readers._pprof_stacks import StackColumns, Texts, build_stacks, mappings_of
from leakreport.readers._protobuf import BYTES, VARINT, CutError, WireError, fields, read_field, signed
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_METRIC_BY_TYPE = {
    "inuse_space": "retained_bytes",
    "inuse_objects": "retained_blocks",
    "heap_space": "retained_bytes",
    "heap_live_size": "retained_bytes",
    "heap_live_samples": "retained_blocks",
    "space": "retained_bytes",
    "objects": "retained_blocks",
    "alloc_space": "allocated_bytes",
    "alloc_size": "allocated_bytes",
    "alloc_objects": "allocated_blocks",
    "alloc_samples": "allocated_blocks",
}
"""By type of sample, `-` read as `_`; of two types for one metric the first here counts."""
_BYTES_BY_UNIT = {
    **dict.fromkeys(("bytes", "byte", "b"), 1),
    **dict.fromkeys(("kilobytes", "kilobyte", "kib", "kb", "k"), 1 << 10),
    **dict.fromkeys(("megabytes", "megabyte", "mib", "mb", "m"), 1 << 20),
    **dict.fromkeys(("gigabytes", "gigabyte", "gib", "gb", "g"), 1 << 30),
}
"""pprof's own units: kilo is 1,024. Source: internal/measurement/measurement.go."""
_RECORD = "curl -o heap.pb.gz http://HOST:PORT/debug/pprof/heap"
_RECORD_HEAP = f"Give a heap profile, for a Go service: {_RECORD}"
_BASE_LABEL = ("pprof::base", "true")
_WIRES = {**dict.fromkeys((1, 2, 3, 4, 5, 6, 11), BYTES), **dict.fromkeys((7, 8, 9, 10, 12, 14, 15), VARINT)}


class _Column(NamedTuple):
    """Which value of each sample is which metric."""

    metric: str
    position: int
    factor: int


class PprofReader:
    """Reads what `/debug/pprof/heap` and `pprof -proto` give."""

    info = FormatInfo(
        name="pprof",
        title="pprof heap profile (profile.proto)",
        tool="pprof",
        suffixes=(".pb.gz", ".pb", ".pprof"),
        record_command=_RECORD,
        specification="google/pprof proto/profile.proto",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By its fields: each has the wire type the format gives it, and a sample type is two numbers."""
        del name
        position, count, has_type = 0, 0, False
        try:
            while position < len(head):
                field, position = read_field(head, position, len(head))
                if _WIRES.get(field.tag) != field.wire and field.tag != 13:
                    return Confidence.NO
                if field.tag == 1:
                    if not _is_value_type(head[field.start : field.stop]):
                        return Confidence.NO
                    has_type = True
                elif field.tag == 2 and head[field.start : field.start + 1] not in {b"\x0a", b"\x08", b"\x12", b"\x10"}:
                    return Confidence.NO
                count += 1
        except CutError:
            pass
        except WireError:
            return Confidence.NO
        if has_type:
            return Confidence.CERTAIN if count > 3 else Confidence.LIKELY
        return Confidence.MAYBE if count > 3 else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot; two where the file holds a base beside what is compared with it.

        Raises:
            UnsupportedInput: it is no profile of retained or allocated memory.
            MalformedInput: it holds no whole sample.
        """
        profile = read_profile(stream, limits)
        texts = Texts(profile.texts, limits)
        columns = _choose_columns(profile, texts, stream.name)
        if profile.repeated_id is not None:
            raise MalformedInput(
                f"{stream.name} holds several profiles one after the other (id {profile.repeated_id} is there twice)",
                advice="Merge them with pprof -proto, or give each file by itself.",
            )
        stacks = build_stacks(profile, texts, limits)
        has_lost = stacks.lost > 0 or profile.damaged > 0
        if not len(stacks) and (has_lost or profile.damage):
            raise MalformedInput(
                f"{stream.name} holds no whole sample", where=profile.damage or f"{stacks.lost:,} samples lost"
            )
        for label, is_of_base in _parts(stacks, texts, profile):
            yield self._snapshot(stream.name, profile, stacks, texts, columns, label=label, is_of_base=is_of_base)

    def _snapshot(
        self,
        source: str,
        profile: Profile,
        stacks: StackColumns,
        texts: Texts,
        columns: list[_Column],
        *,
        label: str | None,
        is_of_base: bool,
    ) -> RawSnapshot:
        chosen = _is_base(stacks, texts, profile) == is_of_base
        rows = np.flatnonzero(chosen)
        sign = -1 if is_of_base else 1
        values = {column.metric: _scaled(stacks.values[rows, column.position], column, sign) for column in columns}
        if any(int(column.min(initial=0)) < 0 for column in values.values()):
            raise UnsupportedInput(
                f"{source} is a difference of two profiles: it has negative amounts",
                advice="Give leakreport the two profiles it was made of, or make it with pprof -diff_base.",
            )
        sampling = _sampling(profile, texts)
        meta = SnapshotMeta(
            source=source,
            format="pprof",
            tool="pprof",
            label=label,
            time=profile.numbers[9] / 1e9 if profile.numbers.get(9) else None,
            time_unit="s" if profile.numbers.get(9) else None,
            truncation=None if profile.damage is None else Truncation(profile.damage, 0, len(stacks)),
            is_complete=not (profile.damage or stacks.lost or profile.damaged),
            sampling=sampling,
            mappings=mappings_of(profile, texts),
            notes=tuple(_notes(profile, texts, stacks, columns, label)),
        )
        frames, flat, offsets = stacks.of(rows)
        samples = SampleTable(
            frames=frames,
            flat=flat,
            offsets=offsets,
            values=values,
            names=tuple(map(str, stacks.numbers[rows].tolist())),
            variances=None if sampling is None else sampling_variances(values, sampling.period),
        )
        totals = {metric: checked_total((exact_sum(column),), metric) for metric, column in values.items()}
        return RawSnapshot(meta, totals, samples)


def _is_value_type(message: bytes) -> bool:
    try:
        return all(field.wire == VARINT and field.tag in {1, 2} for field in fields(message, 0, len(message)))
    except WireError:
        return False


def _choose_columns(profile: Profile, texts: Texts, source: str) -> list[_Column]:
    """Which sample types are which metrics.

    Raises:
        UnsupportedInput: none of them is memory.
        MalformedInput: their names are missing.
    """
    types = [(texts.get(kind), texts.get(unit)) for kind, unit in profile.sample_types]
    named = [(kind, unit) for kind, unit in types if kind is not None and unit is not None]
    if len(named) < len(types) or not types:
        raise MalformedInput(f"{source} ends before its sample types are named", where=profile.damage or "")
    names = [kind.replace("-", "_") for kind, _ in named]
    if any(name.startswith(("allocated_", "deallocated_", "censored_")) for name in names):
        raise UnsupportedInput(
            f"{source} is a profile of the lifetimes of allocations ({_listed(named)}), not of memory retained",
            advice="Give the heap profile of the same program: /debug/pprof/heap, or tcmalloc's kHeap.",
        )
    found: dict[str, _Column] = {}
    for name, metric in _METRIC_BY_TYPE.items():
        if name in names and metric not in found:
            position = names.index(name)
            factor = _BYTES_BY_UNIT.get(named[position][1].lower(), 0) if metric.endswith("_bytes") else 1
            if factor:
                found[metric] = _Column(metric, position, factor)
    if any(metric.endswith("_bytes") for metric in found):
        return list(found.values())
    sizes = [position for position, (_, unit) in enumerate(named) if unit.lower() in _BYTES_BY_UNIT]
    if not sizes:
        raise UnsupportedInput(f"{source} is a profile of {_listed(named)}, not a heap profile", advice=_RECORD_HEAP)
    default = profile.numbers.get(14, 0)
    preferred = [position for position in sizes if default and profile.sample_types[position][0] == default]
    position = (preferred or sizes)[-1]
    return [_Column("retained_bytes", position, _BYTES_BY_UNIT[named[position][1].lower()])]


def _listed(types: list[tuple[str, str]]) -> str:
    return ", ".join(f"{kind[:40]} in {unit[:40]}" if unit != "count" else kind[:40] for kind, unit in types[:8])


def _scaled(column: Int64Column, wanted: _Column, sign: int) -> Int64Column:
    """The values of one metric, in its unit.

    Raises:
        LimitExceeded: one does not fit in 64 bits.
    """
    largest = max(abs(int(column.max(initial=0))), abs(int(column.min(initial=0))))
    checked_total((largest * wanted.factor,), wanted.metric)
    return freeze(column * np.int64(wanted.factor * sign))


def _is_base(stacks: StackColumns, texts: Texts, profile: Profile) -> BoolColumn:
    """Which samples belong to the base of a comparison."""
    bases = [
        number
        for labels, number in profile.samples.label_groups.items()
        if any((texts.get(key), texts.get(text)) == _BASE_LABEL for key, text in labels)
    ]
    return np.isin(stacks.groups, bases)


def _parts(stacks: StackColumns, texts: Texts, profile: Profile) -> list[tuple[str | None, bool]]:
    if _is_base(stacks, texts, profile).any():
        return [("base", True), ("compared", False)]
    return [(None, False)]


def _sampling(profile: Profile, texts: Texts) -> Sampling | None:
    """The distance of the samples, where the profile tells it in bytes and did not record everything."""
    period = signed(profile.numbers.get(12, 0))
    unit = texts.get(profile.period_type[1]) or ""
    return Sampling(period) if period > 1 and unit == "bytes" else None


def _notes(
    profile: Profile, texts: Texts, stacks: StackColumns, columns: list[_Column], label: str | None
) -> Iterator[Note]:
    lost = stacks.lost
    if lost:
        yield Note("damaged-records", f"{lost:,} sample{'s' if lost > 1 else ''} could not be read and were left out.")
    elif profile.damaged:
        yield Note("damaged-records", f"{profile.damaged:,} entries beside the samples could not be read.")
    if label is not None:
        yield Note(
            "pprof-base", "The file holds a comparison made by pprof -diff_base: base and compared are two snapshots."
        )
    for column in columns:
        kind = texts.get(profile.sample_types[column.position][0]) or ""
        if kind.replace("-", "_") not in _METRIC_BY_TYPE:
            yield Note("sample-type-assumed", f"The profile calls its bytes {kind[:40]!r}: they are taken as retained.")
