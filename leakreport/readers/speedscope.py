"""speedscope's JSON, with a unit of bytes: exports of memory profilers, and heap profiles converted for its viewer.

    {"$schema": "https://www.speedscope.app/file-format-schema.json",
     "shared": {"frames": [{"name": "main", "file": "a.c", "line": 3}]},
     "profiles": [{"type": "sampled", "name": "...", "unit": "bytes", "samples": [[0, 1]], "weights": [4096]},
                  {"type": "evented", "unit": "bytes", "events": [{"type": "O", "frame": 0, "at": 0}, ...]}]}

Samples are outermost first. Between two events, the distance belongs to the stack that is open. Each profile is a snapshot.
The file does not say whether its bytes are retained: a word in the name of the profile or file may, else they are taken so.
JSON is read as a whole: of a cut file nothing is reported. Units of time are refused, as is bad nesting of events.

Source: speedscope `src/lib/file-format-spec.ts`, versions 0.0.1 to 1.x.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from leakreport.errors import LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.columns import checked_total, exact_sum
from leakreport.model.raw import Frame, FrameKind, FrameTable, Note, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.readers._metric_words import metric_of_path, metric_of_words
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_SCHEMA = re.compile(rb'"\$schema"\s*:\s*"https?://www\.speedscope\.app/file-format-schema\.json"')
_SHAPES = (
    re.compile(rb'"shared"\s*:\s*\{\s*"frames"\s*:\s*\['),
    re.compile(rb'"profiles"\s*:\s*\[\s*\{\s*"(?:type|name|unit|startValue|endValue|events|samples|weights)"'),
)
_JSON = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*\{")
_LARGEST = 512 * 1024 * 1024
"""JSON takes several times its size while it is read."""
_FLAT_FRAMES = 50_000_000
"""Entries of all stacks together: events tell a deep stack in a few bytes."""
_ADDRESS = re.compile(r"0x([0-9a-fA-F]{1,16})\Z")
_ADVICE = "Export the memory view of the profiler, in bytes."


class SpeedscopeReader:
    """Reads what speedscope shows, where it is memory."""

    info = FormatInfo(
        name="speedscope",
        title="speedscope JSON",
        tool="speedscope",
        suffixes=(".speedscope.json",),
        record_command="exported by the profiler, with the unit bytes",
        specification="speedscope src/lib/file-format-spec.ts",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the address of its schema, else by the shape of its first keys."""
        del name
        if not _JSON.match(head):
            return Confidence.NO
        if _SCHEMA.search(head):
            return Confidence.CERTAIN
        return Confidence.LIKELY if any(shape.search(head) for shape in _SHAPES) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot per profile that counts bytes.

        Raises:
            UnsupportedInput: no profile counts bytes.
            MalformedInput: it is no whole JSON, or not of this shape.
        """
        content = _parse(stream)
        profiles = _list(content.get("profiles"))
        if not profiles or not all(isinstance(profile, dict) for profile in profiles):
            raise MalformedInput(f"{stream.name} has no profiles", where="profiles")
        units = [_name(profile.get("unit"), limits) or "none" for profile in profiles]
        others = sorted({unit[:40] for unit in units if unit != "bytes"})
        if "bytes" not in units:
            raise UnsupportedInput(
                f"{stream.name} is a speedscope profile with the unit {', '.join(others)}, not bytes", advice=_ADVICE
            )
        shared = content.get("shared")
        frames = FrameTable()
        places = [
            _frame_index(frame, frames, limits)
            for frame in _list(shared.get("frames") if isinstance(shared, dict) else None)
        ]
        for number, (profile, unit) in enumerate(zip(profiles, units, strict=True)):
            if unit == "bytes":
                where = f"profile {number}"
                yield _Profile(stream.name, where, frames, places, limits).snapshot(profile, others)


class _Profile:
    """One profile while it is read."""

    def __init__(self, source: str, where: str, frames: FrameTable, places: list[int | None], limits: Limits) -> None:
        self._source = source
        self._where = where
        self._frames = frames
        self._places = places
        self._limits = limits
        self._flat_count = 0
        self._damaged = 0

    def snapshot(self, profile: dict[str, Any], others: list[str]) -> RawSnapshot:
        """The profile as a snapshot; `others` are the units of profiles that are left out."""
        label = _name(profile.get("name"), self._limits)
        named = metric_of_words(label or "") or metric_of_path(self._source)
        metric = named if named and named.endswith("_bytes") else "retained_bytes"
        builder = SampleTableBuilder((metric,), self._frames)
        match profile.get("type"):
            case "sampled":
                self._read_samples(profile, builder)
            case "evented":
                self._read_events(_list(profile.get("events")), builder)
            case other:
                raise MalformedInput(
                    f"{self._source} has a profile of no known type ({other!r:.40})", where=self._where
                )
        notes = []
        if self._damaged:
            notes.append(Note("damaged-records", f"{self._damaged:,} samples could not be read and were left out."))
        if named != metric:
            notes.append(
                Note(
                    "sample-type-assumed", "The file counts bytes and does not say of what: they are taken as retained."
                )
            )
        if others:
            notes.append(Note("other-units", f"Profiles in other units than bytes were left out: {', '.join(others)}."))
        samples = builder.build()
        meta = SnapshotMeta(
            source=self._source, format="speedscope", label=label, is_complete=not self._damaged, notes=tuple(notes)
        )
        return RawSnapshot(meta, {metric: checked_total((exact_sum(samples.values[metric]),), metric)}, samples)

    def _read_samples(self, profile: dict[str, Any], builder: SampleTableBuilder) -> None:
        samples, weights = _list(profile.get("samples")), _list(profile.get("weights"))
        self._damaged += abs(len(samples) - len(weights))
        for number, (sample, weight) in enumerate(zip(samples, weights, strict=False)):
            stack = [place for index in _list(sample) if (place := self._place(index)) is not None]
            amount = _number(weight)
            if not isinstance(sample, list) or len(stack) < len(sample) or amount is None or amount < 0:
                self._damaged += 1
                continue
            self._add(builder, stack, amount, number)

    def _read_events(self, events: list[Any], builder: SampleTableBuilder) -> None:
        """Charge the distance between two events to the stack that is open between them.

        Raises:
            MalformedInput: events go back, or close what is not the innermost open frame.
        """
        stack: list[int] = []
        last: float = -math.inf
        for number, event in enumerate(events):
            found = event if isinstance(event, dict) else {}
            kind, place, at = found.get("type"), self._place(found.get("frame")), _number(found.get("at"))
            if place is None or at is None or at < last or kind not in {"O", "C"}:
                raise self._bad_event(number)
            if stack and at > last:
                self._add(builder, stack, at - last, number)
            last = at
            if kind == "O":
                stack.append(place)
                if len(stack) > self._limits.stack_frames:
                    raise LimitExceeded(
                        f"a stack has more than {self._limits.stack_frames:,} frames", where=self._source
                    )
            elif not stack or stack.pop() != place:
                raise self._bad_event(number)
        if stack:
            raise self._bad_event(len(events))

    def _bad_event(self, number: int) -> MalformedInput:
        return MalformedInput(
            f"{self._source} has events that do not nest, or go back", where=f"{self._where}, event {number:,}"
        )

    def _place(self, index: object) -> int | None:
        """The frame a sample or event means; None where there is no such frame."""
        if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(self._places):
            return self._places[index]
        return None

    def _add(self, builder: SampleTableBuilder, stack: list[int], amount: float, number: int) -> None:
        value = round(amount)
        self._flat_count += len(stack)
        if value > INT64_MAX or len(builder) >= self._limits.records or self._flat_count > _FLAT_FRAMES:
            raise LimitExceeded(
                f"{self._source} has a value beyond 2^63, or too many stacks",
                where=f"{self._where}, entry {number:,}",
                advice="The input is damaged, or made to harm. Export it again.",
            )
        if value:
            builder.add_indexes(stack, (value,), name=str(number))


def _parse(stream: InputStream) -> dict[str, Any]:
    """The whole of a stream as an object.

    Raises:
        LimitExceeded: it is too large to be taken as a whole.
        MalformedInput: it is no whole JSON object.
    """
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(1 << 20):
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST:
            raise LimitExceeded(
                f"{stream.name} has more than {_LARGEST >> 20} MiB of JSON",
                advice="Export a part of it, or folded stacks, which have no such limit.",
            )
    try:
        content = json.loads(b"".join(pieces).decode("utf-8-sig", "replace"))
    except json.JSONDecodeError as error:
        raise MalformedInput(
            f"{stream.name} is no whole JSON: {error.msg}", where=f"line {error.lineno}, column {error.colno}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise MalformedInput(f"{stream.name} is JSON with numbers too long or nested too deep") from error
    if not isinstance(content, dict):
        raise MalformedInput(f"{stream.name} is JSON, but no object")
    return content


def _list(found: object) -> list[Any]:
    return found if isinstance(found, list) else []


def _number(found: object) -> float | None:
    """A number that one can calculate with; None where it is none. Too large ones stay too large."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    if isinstance(found, int):
        return found if abs(found) <= INT64_MAX else math.copysign(2.0**64, 1 if found > 0 else -1)
    return found if math.isfinite(found) else None


def _name(found: object, limits: Limits) -> str | None:
    """A text, without the half characters that JSON can hold; None where it is empty or none."""
    if not isinstance(found, str) or not found:
        return None
    return found[: limits.name_characters].encode("utf-8", "replace").decode("utf-8")


def _frame_index(found: object, frames: FrameTable, limits: Limits) -> int | None:
    """The index of a frame of the file; None where it has no name."""
    if not isinstance(found, dict) or (name := _name(found.get("name"), limits)) is None:
        return None
    match = _ADDRESS.match(name)
    if match is not None:
        return frames.index(Frame(address=int(match[1], 16), kind=FrameKind.ADDRESS))
    directory, slash, file = (_name(found.get("file"), limits) or "").rpartition("/")
    line = found.get("line")
    return frames.index(
        Frame(
            function=name,
            directory=(directory or slash) or None,
            file=file or None,
            line=line if isinstance(line, int) and 0 < line < 1 << 31 else None,
            kind=FrameKind.SYNTHETIC if name.startswith("[") and name.endswith("]") else FrameKind.FUNCTION,
        )
    )
