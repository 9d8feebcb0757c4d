"""DHAT profiles: JSON of `valgrind --tool=dhat` (version 2 since 3.17, version 1 before) and of Rust's crate `dhat`.

    {"dhatFileVersion":2, "mode":"heap", "bklt":true, "cmd":"./a.out", "pid":7, "te":171953, "tg":146795,
     "pps":  [{"tb":200,"tbk":5, "gb":80,"gbk":2, "eb":40,"ebk":1, "fs":[1,2]}, …],
     "ftbl": ["[root]", "0x109170: xmalloc (a.c:22)", "0x10919F: main (a.c:28)"]}

A program point (`pps`, in version 1 `aps`) is one stack, innermost frame first, as indexes into `ftbl`. `retained_*` is what
it held at the end (`eb`, in version 1 `fb`), `peak_*` what it held at the program's peak (`gb`), `allocated_*` all it ever
asked for (`tb`). Its own maximum (`mb`) is not read: maxima of different moments cannot be added.

The totals are the sums over all points: the file states none. The frames stand at the end, so a file that is cut among the
points has totals and no paths. The modes `copy` and `ad-hoc` count something else than memory and are refused.

Source: Valgrind `dhat/dh_main.c` ("File format notes"); nnethercote/dhat-rs `src/lib.rs`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

from leakreport.errors import LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.columns import checked_total
from leakreport.model.raw import (
    Frame,
    FrameTable,
    Moment,
    Note,
    RawSnapshot,
    SampleTable,
    SampleTableBuilder,
    SnapshotMeta,
    Truncation,
)
from leakreport.readers._described import parse_described
from leakreport.readers._json_stream import BrokenJson, JsonStream
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_FIRST = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"dhatFileVersion"\s*:')
_LATER = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{.*"dhatFileVersion"\s*:\s*\d', re.DOTALL)
_METRICS = ("retained_bytes", "retained_blocks", "peak_bytes", "peak_blocks", "allocated_bytes", "allocated_blocks")
_KEYS = ("eb", "ebk", "gb", "gbk", "tb", "tbk")
_KEYS_OF_VERSION_1 = ("fb", "fbk", "gb", "gbk", "tb", "tbk")
_HEAD = frozenset(("dhatFileVersion", "mode", "bklt", "cmd", "pid"))
_ALLOCATORS = frozenset(
    "malloc calloc realloc memalign aligned_alloc posix_memalign valloc pvalloc reallocarray strdup "
    "__builtin_new __builtin_vec_new".split()
)
_RECORD = "valgrind --tool=dhat --dhat-out-file=dhat.%p.json ./program"


class DhatReader:
    """Reads what a program held at its end, with its peak and all it ever asked for."""

    info = FormatInfo(
        name="dhat",
        title="DHAT heap profile",
        tool="valgrind dhat",
        suffixes=(".json", ".dhat"),
        record_command=_RECORD,
        specification="Valgrind dh-manual, dhat/dh_main.c",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the member that only DHAT has: first by custom, anywhere in the head for other writers."""
        del name
        if _FIRST.match(head):
            return Confidence.CERTAIN
        return Confidence.LIKELY if _LATER.match(head) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot: the end of the run.

        Raises:
            UnsupportedInput: a mode without bytes held.
            MalformedInput: there is no DHAT profile, or not one whole program point of a cut one.
            LimitExceeded: a number does not fit in 64 bits, or there are too many points.
        """
        profile = _Profile(stream.name, limits)
        profile.take_all(JsonStream(stream, limits))
        yield profile.snapshot()


class _Profile:
    """One file."""

    def __init__(self, source: str, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._head: dict[str, object] = {}
        self._points = 0
        self._values: list[tuple[int, ...]] = []
        self._names = array("q")
        self._stacks = array("q")
        self._ends = array("q", (0,))
        self._frames: list[Frame] = []
        self._unnamed: set[int] = set()
        """Entries of the frame table that are no text."""
        self._damaged = 0
        self._truncation: Truncation | None = None

    def take_all(self, json: JsonStream) -> None:
        """Read the file to its end, or to where it breaks."""
        inside = "the head"
        try:
            for name in json.members():
                inside = f'"{name[:40]}"'
                if name in {"pps", "aps"}:
                    self._refuse_other_modes()
                    for point in json.elements():
                        self._take_point(point)
                elif name == "ftbl":
                    for text in json.elements():
                        self._take_frame(text)
                else:
                    value = json.value()
                    if name in _HEAD:
                        self._head[name] = value
                inside = "the head"
        except BrokenJson:
            self._truncation = Truncation(f"the JSON breaks off inside {inside}", json.line, len(self._values))

    def _take_point(self, point: object) -> None:
        index = self._points
        self._points += 1
        if self._points > self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} program points", where=self._source)
        if not isinstance(point, dict):
            self._damaged += 1
            return
        keys = _KEYS_OF_VERSION_1 if "fb" in point else _KEYS
        values = tuple(self._amount(point.get(key), index) for key in keys)
        stack = point.get("fs")
        is_stack = isinstance(stack, list) and all(type(frame) is int and 0 <= frame <= INT64_MAX for frame in stack)
        if not is_stack or None in values:
            self._damaged += 1
            return
        assert isinstance(stack, list)
        if len(stack) > self._limits.stack_frames:
            raise LimitExceeded(
                f"a stack has {len(stack):,} frames, more than {self._limits.stack_frames:,}",
                where=self._source,
                advice="Record with fewer callers (--num-callers).",
            )
        self._values.append(tuple(value for value in values if value is not None))
        self._names.append(index)
        self._stacks.extend(stack)
        self._ends.append(len(self._stacks))

    def _amount(self, number: object, index: int) -> int | None:
        """The number, if it is one that counts bytes or blocks."""
        if type(number) is not int or number < 0:
            return None
        if number > INT64_MAX:
            raise LimitExceeded(
                f"a figure of program point {index} is beyond 2^63",
                where=self._source,
                advice="The input is damaged. Record again.",
            )
        return number

    def _take_frame(self, text: object) -> None:
        if len(self._frames) >= self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} frames", where=self._source)
        if not isinstance(text, str):
            self._unnamed.add(len(self._frames))
        self._frames.append(parse_described(text if isinstance(text, str) else "???", self._limits))

    def snapshot(self) -> RawSnapshot:
        """What the file says.

        Raises:
            UnsupportedInput: a mode without bytes held.
            MalformedInput: it is no DHAT profile, or has nothing whole.
        """
        version = self._head.get("dhatFileVersion")
        if type(version) is not int or version < 1:
            raise MalformedInput(f"{self._source} is no whole DHAT profile")
        self._refuse_other_modes()
        if not self._values and (self._damaged or self._truncation is not None):
            line = "" if self._truncation is None else f"{self._source}:{self._truncation.line}"
            raise MalformedInput(f"{self._source} has not one whole program point", where=line)
        table, nameless = self._table()
        columns = zip(*self._values, strict=True) if self._values else [()] * len(_METRICS)
        totals = {metric: checked_total(column, metric) for metric, column in zip(_METRICS, columns, strict=True)}
        notes = []
        if self._damaged:
            notes.append(Note("damaged-records", f"{self._damaged} program points were left out: they are not whole."))
        if nameless:
            notes.append(
                Note("unknown-frames", f"{nameless} program points name frames that the file does not define; their"
                " bytes are unattributed.")
            )  # fmt: skip
        if version > 2:
            notes.append(Note("unknown-version", f"The file is of version {version}; leakreport knows 1 and 2."))
        command = self._head.get("cmd")
        pid = self._head.get("pid")
        meta = SnapshotMeta(
            source=self._source,
            format="dhat",
            moment=Moment.EXIT,
            tool="dhat",
            pid=pid if type(pid) is int and 0 < pid < 2**31 else None,
            command=tuple(command[: self._limits.name_characters].split()) if isinstance(command, str) else (),
            truncation=self._truncation,
            is_complete=self._truncation is None and not self._damaged and not nameless,
            notes=tuple(notes),
        )
        return RawSnapshot(meta, totals, table)

    def _refuse_other_modes(self) -> None:
        mode = str(self._head.get("mode", "heap"))[:40]
        if mode.removeprefix("rust-") == "heap" and self._head.get("bklt", True) is not False:
            return
        rust = "let _profiler = dhat::Profiler::new_heap();"
        raise UnsupportedInput(
            f"{self._source} is DHAT's profile in mode {mode}, which has no retained bytes",
            advice=f"Record with {rust if mode.startswith('rust-') else _RECORD}",
        )

    def _table(self) -> tuple[SampleTable | None, int]:
        """The points whose frames are all known, and how many there are of others. No table where no frame is."""
        if self._values and not self._frames:
            return None, 0 if self._truncation is not None else len(self._values)
        known = FrameTable()
        plain = [known.index(frame) for frame in self._frames]
        inlined = [known.index(frame._replace(is_inlined=True)) for frame in self._frames]
        builder = SampleTableBuilder(_METRICS, known)
        nameless = 0
        for point, values in enumerate(self._values):
            stack = self._stacks[self._ends[point] : self._ends[point + 1]].tolist()
            if stack and (max(stack) >= len(plain) or not self._unnamed.isdisjoint(stack)):
                nameless += 1
                continue
            # Frame 0 is "[root]", which no stack should name.
            stack = self._without_allocators([frame for frame in stack if frame])
            indexes = [
                inlined[inner] if self._is_inlined(inner, outer) else plain[inner]
                for inner, outer in zip(stack, [*stack[1:], None], strict=True)
            ]
            builder.add_indexes(reversed(indexes), values, name=str(self._names[point]))
        return builder.build(), nameless

    def _without_allocators(self, stack: list[int]) -> list[int]:
        """The stack from the first call that is not the allocator's own; all of it where nothing else is there."""
        for position, index in enumerate(stack):
            frame = self._frames[index]
            name = frame.function or ""
            is_allocator = (
                (frame.module_name or "").startswith("vgpreload_")
                or name in _ALLOCATORS
                or name.startswith(("operator new(", "operator new[]("))
            )
            if not is_allocator:
                return stack[position:]
        return stack

    def _is_inlined(self, inner: int, outer: int | None) -> bool:
        """Inlined calls share an address; so does recursion, but with the same function."""
        if outer is None:
            return False
        callee, caller = self._frames[inner], self._frames[outer]
        return callee.address is not None and callee.address == caller.address and callee.function != caller.function
