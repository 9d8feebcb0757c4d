"""The file `leakreport-baseline.json`: written so that git can merge it by lines, and read with no trust in merges.

    "leaks": {
      "p1-0": null,
      "p1-03c9…": {"function": "load_tiles(int)", "file": "./src/tiles.cc", "module": "tilecache",
        "last": {"definite": [4096, 4]}, "first_seen": "2026-11-03",
        "stack": [["main", "./src/main.cc", 12, "./tilecache", "0x10916a"], …]},
      "p1-1": null,
      …
      "p1-g": null
    }

Leaks stand in the order of their ids. The entries that are null are marks: between two of them git tells one addition from
another, and no line changes its comma when something is added. Source: `docs/check.md`, "The file".
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from leakreport.baseline.entries import Amount, Amounts, Baseline, Leak, Recording
from leakreport.baseline.places import Places
from leakreport.errors import BaselineError
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, FrameKind, Sampling

SCHEMA = "leakreport-baseline/1"
FILE_NAME = "leakreport-baseline.json"
MARKS = tuple(f"p1-{digit}" for digit in "0123456789abcdefg")
_MOST_BYTES = 256 << 20
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})(?: |$)", re.MULTILINE)
_KINDS = {"retained": LeakKind.NONE} | {kind.word: kind for kind in LeakKind if kind is not LeakKind.NONE}
_WORDS = {kind: word for word, kind in _KINDS.items()}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_ID = re.compile(r"p\d{1,3}-[0-9a-f]{16,32}\Z")
_MERGED = "Two versions were merged: keep one of them, or make it anew with leakreport baseline update."
_DAMAGED = "Take it from version control, or write it anew with leakreport baseline write --force."


def nearest_file(folder: str) -> str | None:
    """The baseline of a folder, or of the nearest one above it."""
    while True:
        path = os.path.join(folder, FILE_NAME)
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def read(path: str, places: Places) -> Baseline:
    """The baseline in a file.

    Args:
        path: the file.
        places: where paths that start with `./` begin.

    Raises:
        BaselineError: it is missing, not whole, or of a newer version.
    """
    try:
        if os.path.getsize(path) > _MOST_BYTES:
            raise BaselineError(f"{path} is larger than any baseline", advice=_DAMAGED)
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise BaselineError(
            f"cannot read the baseline {path}: {error.strerror or error}",
            advice=f"leakreport baseline write INPUT... --baseline {path} makes one.",
        ) from error
    except UnicodeDecodeError as error:
        raise BaselineError(f"{path} is no text", advice=_DAMAGED) from error
    return _Reader(path, text, places).baseline()


class _Duplicate(Exception):
    """A key that stands twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, value in pairs:
            # A merge may leave a mark twice, which means nothing.
            if key in seen and value is not None:
                raise _Duplicate(key)
            seen.add(key)
    return found


class _Reader:
    """Reads one file, and says where in it something is wrong."""

    def __init__(self, path: str, text: str, places: Places) -> None:
        self._path, self._text, self._places = path, text, places
        self._frames: dict[tuple[object, ...], Frame] = {}

    def baseline(self) -> Baseline:
        """What the file says."""
        conflict = _CONFLICT.search(self._text)
        if conflict is not None:
            raise self._error("a merge conflict was not resolved", conflict.start(), _MERGED)
        try:
            document = json.loads(self._text, object_pairs_hook=_unique)
        except _Duplicate as error:
            key = str(error)
            places = [match.start() for match in re.finditer(re.escape(json.dumps(key)) + r"\s*:", self._text)]
            raise self._error(f"{key!r} stands twice", places[1] if len(places) > 1 else 0, _MERGED) from None
        except RecursionError:
            raise self._error("it is nested too deeply", 0, _DAMAGED) from None
        except json.JSONDecodeError as error:
            raise self._error(f"it is no JSON: {error.msg}", error.pos, _DAMAGED) from None
        if not isinstance(document, dict):
            raise self._error("it is no baseline", 0, _DAMAGED)
        self._check_schema(document.get("schema"))
        try:
            return self._of(document)
        except (KeyError, TypeError, ValueError) as error:
            raise self._error(f"the recording is not what a baseline has: {error}", 0, _DAMAGED) from None

    def _error(self, what: str, position: int, advice: str) -> BaselineError:
        line = self._text.count("\n", 0, position) + 1
        return BaselineError(f"{self._path} is not usable: {what}", where=f"{self._path}:{line}", advice=advice)

    def _check_schema(self, schema: object) -> None:
        if schema == SCHEMA:
            return
        match = re.fullmatch(r"leakreport-baseline/(\d{1,6})", schema) if isinstance(schema, str) else None
        if match is not None and int(match[1]) > 1:
            raise self._error(f"it has the schema {schema}, this leakreport knows {SCHEMA}", 0, "Update leakreport.")
        raise self._error(f"its schema is {schema!r}, not {SCHEMA}", 0, _DAMAGED)

    def _of(self, document: Mapping[str, Any]) -> Baseline:
        recording = document["recording"]
        sampling = recording.get("sampling")
        unattributed = document.get("unattributed", {})
        leaks = {}
        for key, entry in _mapping(document["leaks"]).items():
            if entry is None:
                continue
            try:
                leaks[key] = self._leak(key, entry)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                position = max(self._text.find(f'"{key}"'), 0)
                what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
                raise self._error(f"the entry of {key}: {what}", position, _DAMAGED) from None
        return Baseline(
            recording=Recording(
                format=_text(recording["format"]),
                kinds=frozenset(_KINDS[word] for word in recording["kinds"]),
                options=tuple(map(_text, recording.get("options", ()))),
                sampling=None if sampling is None else Sampling(_count(sampling[0]), _text(sampling[1])),
                programs={name: _count(count) for name, count in _mapping(recording["programs"]).items()},
                is_exit_dump=recording.get("exit_dump", False) is True,
                has_names=recording.get("names", True) is True,
                has_user_frames=recording.get("user_frames", True) is True,
            ),
            leaks=dict(sorted(leaks.items())),
            unattributed=_amounts(unattributed.get("last", {})),
            unattributed_anchor=_amounts(unattributed.get("anchor", unattributed.get("last", {}))),
            folded_bytes=_count(document.get("folded_bytes", 0)),
            clean=tuple(map(_text, document.get("clean", ()))),
            budgets={scope: _count(limit) for scope, limit in _mapping(document.get("budgets", {})).items()},
        )

    def _leak(self, key: str, entry: Mapping[str, Any]) -> Leak:
        if not _ID.match(key):
            raise ValueError("that is no id of a path")
        for name in ("first_seen", "until", "fixed"):
            if entry.get(name) is not None and not _DATE.match(_text(entry[name])):
                raise ValueError(f"{name} is no date like 2026-11-03")
        last = _amounts(entry["last"])
        error = entry.get("error")
        return Leak(
            id=key,
            last=last,
            anchor=_amounts(entry.get("anchor", entry["last"])),
            stack=tuple([self._frame(tuple(parts)) for parts in entry["stack"]]),
            function=_optional(entry.get("function")),
            file=_optional(entry.get("file")),
            module=_optional(entry.get("module")),
            owner=_optional(entry.get("owner")),
            aliases=tuple(map(_text, entry.get("aliases", ()))),
            first_seen=entry.get("first_seen"),
            reason=_optional(entry.get("reason")),
            until=entry.get("until"),
            fixed=entry.get("fixed"),
            error=None if error is None else float(error),
        )

    def _frame(self, parts: tuple[Any, ...]) -> Frame:
        known = parts[:5]
        more = parts[5] if len(parts) > 5 else ""
        key = (*known, more)
        frame = self._frames.get(key)
        if frame is None:
            function, file, line, module, address = known
            words = _text(more).split()
            offset = next((word for word in words if word.startswith("0x")), None)
            kind = next((word for word in words if word in _FRAME_KINDS), FrameKind.FUNCTION)
            frame = self._frames[key] = Frame(
                function=_optional(function),
                module=self._places.restored(_optional(module)),
                file=self._places.restored(_optional(file)),
                line=None if line is None else _count(line),
                address=None if address is None else int(_text(address), 16),
                kind=FrameKind(kind),
                is_inlined="inlined" in words,
                offset=None if offset is None else int(offset, 16),
            )
        return frame


_FRAME_KINDS = frozenset(kind.value for kind in FrameKind if kind is not FrameKind.FUNCTION)


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no table")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r} is no count")
    return value


def _amounts(value: object) -> dict[LeakKind, Amount]:
    found = {}
    for word, amount in _mapping(value).items():
        if word not in _KINDS:
            raise ValueError(f"{word!r} is no leak kind")
        found[_KINDS[word]] = Amount(*(_count(number) for number in amount[:2]))
    return found


def written(baseline: Baseline, places: Places) -> str:
    """The text of the file: the same baseline gives the same bytes."""
    return "".join(_lines(baseline, places))


def _lines(baseline: Baseline, places: Places) -> Iterator[str]:
    yield f'{{\n  "schema": {_dumps(SCHEMA)},\n  "recording": {{\n'
    yield ",\n".join(f"    {_dumps(key)}: {_dumps(value)}" for key, value in _recording(baseline.recording).items())
    yield "\n  },\n"
    if baseline.unattributed or baseline.unattributed_anchor:
        yield f'  "unattributed": {{\n    "last": {_dumps(_of_amounts(baseline.unattributed))},\n'
        yield f'    "anchor": {_dumps(_of_amounts(baseline.unattributed_anchor))}\n  }},\n'
    if baseline.folded_bytes:
        yield f'  "folded_bytes": {baseline.folded_bytes},\n'
    if baseline.clean:
        yield '  "clean": [\n'
        yield ",\n".join(f"    {_dumps(folder)}" for folder in sorted(baseline.clean))
        yield "\n  ],\n"
    if baseline.budgets:
        yield '  "budgets": {\n'
        yield ",\n".join(f"    {_dumps(scope)}: {limit}" for scope, limit in sorted(baseline.budgets.items()))
        yield "\n  },\n"
    yield '  "leaks": {\n'
    frames: dict[Frame, str] = {}
    for key in sorted({*MARKS, *baseline.leaks}):
        leak = baseline.leaks.get(key)
        end = "\n" if key == MARKS[-1] else ",\n"
        yield f'    "{key}": null{end}' if leak is None else f'    "{key}": {_block(leak, places, frames)}{end}'
    yield "  }\n}\n"


def _recording(recording: Recording) -> dict[str, object]:
    found: dict[str, object] = {
        "format": recording.format,
        "kinds": [_WORDS[kind] for kind in sorted(recording.kinds)],
        "options": sorted(recording.options),
        "programs": dict(sorted(recording.programs.items())),
    }
    if recording.sampling is not None:
        found["sampling"] = [recording.sampling.period, recording.sampling.unit]
    if recording.is_exit_dump:
        found["exit_dump"] = True
    if not recording.has_names:
        found["names"] = False
    if not recording.has_user_frames:
        found["user_frames"] = False
    return found


def _block(leak: Leak, places: Places, frames: dict[Frame, str]) -> str:
    """Three lines. The first and the last are of no other leak: so git cannot take the end of one for that of another."""
    place = {"function": leak.function, "file": leak.file, "module": leak.module, "owner": leak.owner}
    known: dict[str, object] = {"last": _of_amounts(leak.last)}
    if leak.anchor != leak.last:
        known["anchor"] = _of_amounts(leak.anchor)
    known |= {key: value for key in _OPTIONAL if (value := getattr(leak, key))}
    lines = [_pairs({key: value for key, value in place.items() if value is not None}), _pairs(known)]
    lines.append(f'"stack": [{", ".join(_entry(frame, places, frames) for frame in leak.stack)}]')
    return "{" + ",\n      ".join(line for line in lines if line) + "}"


_OPTIONAL = ("error", "aliases", "first_seen", "reason", "until", "fixed")


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f'"{key}": {_dumps(value)}' for key, value in values.items())


def _entry(frame: Frame, places: Places, frames: dict[Frame, str]) -> str:
    text = frames.get(frame)
    if text is None:
        more = [] if frame.kind is FrameKind.FUNCTION else [frame.kind.value]
        more += ["inlined"] * frame.is_inlined
        more += [] if frame.offset is None else [f"0x{frame.offset:x}"]
        parts: list[object] = [
            frame.function,
            places.told(frame.path),
            frame.line,
            places.told(frame.module),
            None if frame.address is None else f"0x{frame.address:x}",
        ]
        text = frames[frame] = _dumps([*parts, " ".join(more)] if more else parts)
    return text


def _of_amounts(amounts: Amounts) -> dict[str, list[int]]:
    return {
        _WORDS[kind]: [amount.bytes] if amount.blocks is None else [amount.bytes, amount.blocks]
        for kind, amount in sorted(amounts.items())
    }


def _dumps(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # What no encoding can write, and what ends a line for some editors, is written as JSON can say it.
    return text if text.isprintable() else json.dumps(value)
