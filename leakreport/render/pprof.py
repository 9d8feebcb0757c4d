"""pprof's profile.proto, gzipped: every metric that is measured by path, for `pprof` and what else reads its format.

`retained_*` and `allocated_*` are called `inuse_*` and `alloc_*`, as Go and tcmalloc call them; other metrics keep their
names. Inlined calls share a location with the call they were inlined into. The label `leak_kind` tells kinds apart. What
no path carries is a sample of its own, so that sums equal totals. Values are estimates already where the input is a
sample: `period` only says how far apart the samples lay.

Source: google/pprof `proto/profile.proto`, `profile/profile.go`.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence

from leakreport.analysis.report import Report
from leakreport.model.metrics import METRICS, LeakKind
from leakreport.model.raw import Frame, Mapping, Sampling
from leakreport.render._protobuf import bytes_field, number_field, numbers_field, varint
from leakreport.render.interface import RenderOptions
from leakreport.render.stack_text import (
    NO_STACK,
    beside_the_paths,
    excess,
    frame_text,
    judged_mappings,
    judged_sampling,
    measured_metrics,
    shown_metric,
)

_TYPES = {
    "retained_bytes": "inuse_space",
    "retained_blocks": "inuse_objects",
    "allocated_bytes": "alloc_space",
    "allocated_blocks": "alloc_objects",
}


class PprofRenderer:
    """Writes what `go tool pprof` reads."""

    name = "pprof"
    suffix = ".pb.gz"
    is_binary = True

    def render(self, report: Report, options: RenderOptions) -> bytes:
        """The compressed profile, without a time stamp."""
        del options
        return gzip.compress(b"".join(_fields(report)), mtime=0)


def _fields(report: Report) -> Iterator[bytes]:
    texts = _Texts()
    places = _Places(report, texts)
    metrics = measured_metrics(report)
    for metric in metrics:
        yield bytes_field(1, _value_type(texts, _TYPES.get(metric, metric), _unit(metric)))
    labels = {kind: _label(texts, kind) for kind in LeakKind}
    for row in report.paths:
        yield _sample(places.of(row.frames), [row.values.get(metric, 0) for metric in metrics], labels[row.leak_kind])
    for name, amounts in beside_the_paths(report):
        measured = [amounts.get(metric, 0) for metric in metrics]
        if any(measured):
            yield _sample(places.synthetic(name), measured, b"")
    yield from places.messages()
    yield from _about(report, texts)
    yield from (bytes_field(6, text) for text in texts.encoded())


def _unit(metric: str) -> str:
    found = METRICS.get(metric)
    return "bytes" if found is not None and found.unit == "bytes" else "count"


def _value_type(texts: _Texts, kind: str, unit: str) -> bytes:
    return number_field(1, texts.index(kind)) + number_field(2, texts.index(unit))


def _label(texts: _Texts, kind: LeakKind) -> bytes:
    if kind is LeakKind.NONE:
        return b""
    return bytes_field(3, number_field(1, texts.index("leak_kind")) + number_field(2, texts.index(kind.word)))


def _sample(location_ids: bytes, values: Iterable[int], label: bytes) -> bytes:
    return bytes_field(2, bytes_field(1, location_ids) + numbers_field(2, values) + label)


def _about(report: Report, texts: _Texts) -> Iterator[bytes]:
    """The sampling period, comments and the type that is shown first."""
    sampling: Sampling | None = judged_sampling(report)
    if sampling is not None:
        yield bytes_field(11, _value_type(texts, "space", sampling.unit)) + number_field(12, sampling.period)
    comments = [f"input: {summary.source}" for summary in report.inputs]
    comments += [f"{metric}: the paths hold {amount} more than the total" for metric, amount in excess(report).items()]
    shown = shown_metric(report)
    yield numbers_field(13, map(texts.index, dict.fromkeys(comments)))
    yield number_field(14, texts.index(_TYPES.get(shown, shown)))


class _Texts:
    """The string table; the empty text comes first."""

    def __init__(self) -> None:
        self._index = {"": 0}

    def index(self, text: str) -> int:
        return self._index.setdefault(text, len(self._index))

    def encoded(self) -> Iterator[bytes]:
        # Lone surrogates are no UTF-8.
        return (text.encode("utf-8", "replace") for text in self._index)


class _Places:
    """Locations, functions and mappings by what they say, with the ids that samples have for them."""

    def __init__(self, report: Report, texts: _Texts) -> None:
        self._frames = report.frames
        self._texts = texts
        self._inlined = frozenset(index for index, frame in enumerate(report.frames) if frame.is_inlined)
        self._known: dict[tuple[int, ...], bytes] = {}
        self._locations: list[bytes] = []
        self._functions: dict[bytes, int] = {}
        self._mappings = _Mappings(judged_mappings(report), report.title)

    def of(self, stack: Sequence[int]) -> bytes:
        """The packed ids of the locations of a stack, leaf first, as the format wants them."""
        if not stack:
            return self.synthetic(NO_STACK)
        known = self._known
        groups = zip(stack, strict=True) if self._inlined.isdisjoint(stack) else self._grouped(stack)
        ids = [known.get(group) or self._add(group) for group in groups]
        ids.reverse()
        return b"".join(ids)

    def synthetic(self, name: str) -> bytes:
        """The packed id of a location that stands for no code."""
        return self._location(0, 0, [Frame(function=name)])

    def _grouped(self, stack: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """The stack in groups: a call, and the calls inlined into it."""
        group: list[int] = []
        for index in stack:
            if group and not (index in self._inlined and self._is_same_code(group[0], index)):
                yield tuple(group)
                group = []
            group.append(index)
        yield tuple(group)

    def _is_same_code(self, outer: int, inner: int) -> bool:
        return self._frames[outer].module == self._frames[inner].module

    def _add(self, group: tuple[int, ...]) -> bytes:
        frames = [self._frames[index] for index in group]
        named = [frame for frame in frames if frame.function or (frame.address is None and frame.offset is None)]
        mapping, address = self._mappings.place(frames[0], [*named])
        found = self._known[group] = self._location(mapping, address, named)
        return found

    def _location(self, mapping: int, address: int, outermost_first: Sequence[Frame]) -> bytes:
        lines = [
            bytes_field(4, number_field(1, self._function(frame)) + number_field(2, frame.line or 0))
            for frame in reversed(outermost_first)
        ]
        self._locations.append(number_field(2, mapping) + number_field(3, address) + b"".join(lines))
        return varint(len(self._locations))

    def _function(self, frame: Frame) -> int:
        name = self._texts.index(frame_text(frame))
        message = number_field(2, name) + number_field(3, name) + number_field(4, self._texts.index(frame.path or ""))
        return self._functions.setdefault(message, len(self._functions) + 1)

    def messages(self) -> Iterator[bytes]:
        """The tables that samples point to."""
        yield from (bytes_field(3, message) for message in self._mappings.messages(self._texts))
        for number, location in enumerate(self._locations, 1):
            yield bytes_field(4, number_field(1, number) + location)
        for function, number in self._functions.items():
            yield bytes_field(5, number_field(1, number) + function)


class _Mappings:
    """The mapped files that locations point to, in the order in which they are first used."""

    def __init__(self, known: Sequence[Mapping], title: str) -> None:
        self._by_path: dict[str, list[Mapping]] = {}
        for mapping in known:
            self._by_path.setdefault(mapping.path, []).append(mapping)
        self._title = title
        self._used: dict[Mapping, int] = {}
        self._has_all_names: dict[int, list[bool]] = {}

    def place(self, frame: Frame, named: Sequence[Frame]) -> tuple[int, int]:
        """The id of the mapping of a frame, and its address; 0 for what is not known."""
        if frame.module is None:
            return 0, frame.address or 0
        mapping, address = self._found(frame, frame.module)
        number = self._used.setdefault(mapping, len(self._used) + 1)
        has = self._has_all_names.setdefault(number, [True, True, True, False])
        has[0] &= bool(named) and all(line.function for line in named)
        has[1] &= bool(named) and all(line.file for line in named)
        has[2] &= bool(named) and all(line.line for line in named)
        has[3] |= len(named) > 1
        return number, address

    def _found(self, frame: Frame, path: str) -> tuple[Mapping, int]:
        for mapping in self._by_path.get(path, ()):
            if frame.offset is not None:
                if 0 <= frame.offset - mapping.offset < mapping.end - mapping.start:
                    return mapping, mapping.start + frame.offset - mapping.offset
            elif frame.address is None or mapping.start <= frame.address < mapping.end:
                return mapping, frame.address or 0
        build_id = next((mapping.build_id for mapping in self._by_path.get(path, ()) if mapping.build_id), None)
        if frame.offset is not None:
            # As if the whole file were mapped at 0: then an address is an offset.
            return Mapping(0, 1 << 63, 0, path, build_id), frame.offset
        # Where the object was mapped is not known; a range that holds no address keeps readers from guessing offsets.
        return Mapping(0, 1, 0, path, build_id), frame.address or 0

    def messages(self, texts: _Texts) -> Iterator[bytes]:
        """One message per mapping; pprof takes the first for the program."""
        for mapping, number in sorted(
            self._used.items(), key=lambda item: item[0].path.rsplit("/", 1)[-1] != self._title
        ):
            flags = b"".join(number_field(7 + place, int(has)) for place, has in enumerate(self._has_all_names[number]))
            yield (
                number_field(1, number)
                + number_field(2, mapping.start)
                + number_field(3, mapping.end)
                + number_field(4, mapping.offset)
                + number_field(5, texts.index(mapping.path))
                + number_field(6, texts.index(mapping.build_id or ""))
                + flags
            )
