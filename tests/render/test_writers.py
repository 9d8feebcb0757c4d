"""What `convert` writes, read back by small readers of the test's own: every byte and every stack is there."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import Report
from leakreport.api import analyze, load_inputs, render
from leakreport.model.builder import build_run
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, FrameKind, Mapping, RawSnapshot, SampleTableBuilder, Sampling, SnapshotMeta
from leakreport.render.interface import RenderOptions
from leakreport.render.phrases import title_frame
from tests.render.test_golden import REPORTS, leak_report
from tests.support import FAMILIES, FIXTURES, cases, fixture_path

# Files that nobody reads: empty, or of another tool.
UNREADABLE = re.compile(r"empty|prolog-only|fdleak_dup|race-|copy|trunc-mid-header")
ALL = [(family, case) for family in FAMILIES for case in cases(family)]
CHOSEN = [(family, case) for family, case in ALL if not UNREADABLE.search(case)]
TYPES = {
    "retained_bytes": "inuse_space",
    "retained_blocks": "inuse_objects",
    "allocated_bytes": "alloc_space",
    "allocated_blocks": "alloc_objects",
}
FOLDED_ESCAPE = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})")
SPEEDSCOPE = json.loads((FIXTURES.parent / "tests/data/speedscope.schema.json").read_text(encoding="utf-8"))


def report_of(family: str, case: str, options: AnalysisOptions | None = None) -> Report:
    run = load_inputs([str(fixture_path(family, case))]).run
    if run is None:
        pytest.skip("nothing in it can be read")
    return analyze(run, config=options)


def name_of(frame: Frame) -> str:
    if frame.function:
        return (
            f"[{frame.function}]" if frame.kind is FrameKind.SYNTHETIC and frame.function[0] != "[" else frame.function
        )
    module = (frame.module or "").rpartition("/")[2]
    if frame.offset is not None:
        return f"{module}+0x{frame.offset:x}"
    if frame.address is not None:
        return f"{module}@0x{frame.address:x}" if module else f"0x{frame.address:x}"
    return module or "[unknown]"


def unescaped(text: str) -> str:
    return FOLDED_ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), text)


def stacks_of(report: Report, metric: str) -> Counter[tuple[str, ...]]:
    """By names, what the rows hold of a metric; what is in no row by its name in brackets."""
    found: Counter[tuple[str, ...]] = Counter()
    for row in report.paths:
        names = tuple(name_of(report.frames[index]) for index in row.frames)
        found[names or ("[no stack recorded]",)] += row.values.get(metric, 0)
    found["[unattributed]",] += max(report.unattributed.get(metric, 0), 0)
    found["[hidden by options]",] += (report.selection.hidden_values or {}).get(metric, 0)
    return +found


# --- A reader of profile.proto, straight from its specification.


def numbers_at(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0


def message(data: bytes) -> dict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    position = 0

    def number() -> int:
        nonlocal position
        start = position
        while data[position] >= 0x80:
            position += 1
        position += 1
        return next(numbers_at(data[start:position]))

    while position < len(data):
        key = number()
        assert key & 7 in {0, 2}
        if key & 7 == 0:
            found[key >> 3].append(number())
        else:
            length = number()
            found[key >> 3].append(data[position : position + length])
            position += length
    assert position == len(data)
    return found


def signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


class Decoded:
    """A profile, as `go tool pprof -raw` prints it."""

    def __init__(self, content: bytes) -> None:
        top = message(gzip.decompress(content))
        self.texts = [text.decode("utf-8") for text in top[6]]
        assert self.texts[0] == "" and len(set(self.texts)) == len(self.texts)
        types = [message(kind) for kind in top[1]]
        self.types = [(self.texts[kind[1][0]], self.texts[kind[2][0]]) for kind in types]
        self.mappings = {entry[1][0]: entry for entry in map(message, top[3])}
        functions = {entry[1][0]: entry for entry in map(message, top[5])}
        self.locations = {entry[1][0]: entry for entry in map(message, top[4])}
        assert (
            len(self.mappings) == len(top[3]) and len(functions) == len(top[5]) and len(self.locations) == len(top[4])
        )
        assert 0 not in {*self.mappings, *functions, *self.locations}
        self.lines = {
            number: [
                (
                    self.texts[functions[line[1][0]].get(2, [0])[0]],
                    self.texts[functions[line[1][0]].get(4, [0])[0]] or None,
                    line.get(2, [0])[0] or None,
                )
                for line in map(message, location[4])
            ]
            for number, location in self.locations.items()
        }
        self.samples = []
        for sample in map(message, top[2]):
            (ids,), (values,) = sample[1], sample[2]
            labels = {self.texts[label[1][0]]: self.texts[label[2][0]] for label in map(message, sample[3])}
            self.samples.append((list(numbers_at(ids)), [signed(value) for value in numbers_at(values)], labels))
        self.comments = [self.texts[number] for packed in top[13] for number in numbers_at(packed)]
        self.default = self.texts[top[14][0]]
        self.period = top[12][0] if top[12] else None

    def path(self, location: int) -> str:
        mapping = self.mappings.get(self.locations[location].get(2, [0])[0])
        return "" if mapping is None else self.texts[mapping[5][0]]

    def names(self, ids: list[int]) -> tuple[str, ...]:
        """Outermost first."""
        found = []
        for number in ids:
            named = [name for name, _, _ in self.lines[number]]
            if not named:
                module, address, is_offset = self.path(number).rpartition("/")[2], *self.place(number)
                named = [f"{module}{'+' if is_offset else '@' if module else ''}0x{address:x}"]
            found += named
        return tuple(found[::-1])

    def place(self, location: int) -> tuple[int, bool]:
        """The place in the file and True where that is known, else the address."""
        entry = self.locations[location]
        address = int(entry.get(3, [0])[0])
        mapping = self.mappings.get(entry.get(2, [0])[0])
        start, limit, offset = (int((mapping or {}).get(tag, [0])[0]) for tag in (2, 3, 4))
        return (address - start + offset, True) if start <= address < limit else (address, False)

    def stacks(self, kind: str) -> Counter[tuple[str, ...]]:
        position = [name for name, _ in self.types].index(kind)
        found: Counter[tuple[str, ...]] = Counter()
        for ids, values, _ in self.samples:
            found[self.names(ids)] += values[position]
        return +found


def pprof(report: Report) -> Decoded:
    content = render(report, to="pprof", options=RenderOptions(include_host=True))
    assert isinstance(content, bytes)
    return Decoded(content)


def text(report: Report, to: str) -> str:
    content = render(report, to=to, options=RenderOptions(include_host=True))
    assert isinstance(content, str)
    return content


@pytest.mark.parametrize(("family", "case"), CHOSEN)
def test_every_writer_keeps_every_byte_and_stack(family: str, case: str) -> None:
    report = report_of(family, case)
    measured = {metric for row in report.paths for metric in row.values} or {report.metric}
    profile = pprof(report)
    shown = (
        report.metric
        if report.metric in measured
        else {kind: metric for metric, kind in TYPES.items()}.get(profile.types[0][0], profile.types[0][0])
    )
    wanted = stacks_of(report, shown)
    for metric in measured:
        kind = TYPES.get(metric, metric)
        assert profile.stacks(kind) == stacks_of(report, metric)
        if report.unattributed.get(metric, 0) >= 0 and metric in report.totals:
            assert sum(profile.stacks(kind).values()) == report.totals[metric]
        assert (kind, "bytes" if metric.endswith("_bytes") else "count") in profile.types
    assert profile.default == TYPES.get(shown, shown)
    assert profile.default in dict(profile.types)
    assert [labels.get("leak_kind") for _, _, labels in profile.samples[: len(report.paths)]] == [
        None if row.leak_kind is LeakKind.NONE else row.leak_kind.word for row in report.paths
    ]
    assert folded(text(report, "folded")) == wanted
    assert speedscope(text(report, "speedscope")) == wanted
    assert table(report, shown) == wanted


@pytest.mark.parametrize(("family", "case"), CHOSEN)
def test_our_own_readers_find_the_same_paths(family: str, case: str, tmp_path: Path) -> None:
    report = report_of(family, case)
    for to in ("pprof", "folded", "speedscope"):
        content = render(report, to=to, options=RenderOptions(include_host=True))
        # A word in the name of a file tells folded stacks what they count.
        path = tmp_path / f"x.retained.{to}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
        is_told = not report.paths or any("retained_bytes" in row.values for row in report.paths)
        if report.metric != "retained_bytes" or not is_told or not stacks_of(report, "retained_bytes"):
            continue
        again = analyze(load_inputs([str(path)], format_name=to).run or pytest.fail(to))
        assert again.inputs[0].format == to
        assert again.totals["retained_bytes"] == sum(stacks_of(report, "retained_bytes").values())
        if to == "pprof":
            assert stacks_of(again, "retained_bytes") == stacks_of(report, "retained_bytes")


@pytest.mark.parametrize("family", ["memcheck-xml", "massif", "dhat", "sanitizer", "gperftools"])
def test_pprof_keeps_modules_places_and_inlined_calls(family: str) -> None:
    for case in cases(family):
        if UNREADABLE.search(case) or (run := load_inputs([str(fixture_path(family, case))]).run) is None:
            continue
        report = analyze(run)
        profile = pprof(report)
        for row, (ids, _, _) in zip(report.paths, profile.samples, strict=False):
            frames = [report.frames[index] for index in row.frames]
            found = [
                (name, file, line, profile.path(number), depth < len(profile.lines[number]) - 1)
                for number in reversed(ids)
                for depth, (name, file, line) in reversed([*enumerate(profile.lines[number] or [("", None, None)])])
            ]
            wanted = [
                (name_of(frame) if frame.function else "", frame.path, frame.line, frame.module or "", frame.is_inlined)
                for frame in frames
            ]
            if frames:
                assert [one[:4] for one in found] == [one[:4] for one in wanted]
            if all(outer.module == inner.module for outer, inner in pairwise(frames)):
                # Nothing is inlined into nothing.
                assert [one[4] for one in found[1:]] == [one[4] for one in wanted[1:]]


def folded(content: str) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for line in content.splitlines():
        stack, _, amount = line.rpartition(" ")
        names = tuple(unescaped(name) for name in stack.split(";"))
        assert names not in found and int(amount) > 0
        found[names] = int(amount)
    return found


def speedscope(content: str) -> Counter[tuple[str, ...]]:
    document = json.loads(content)
    jsonschema.validate(document, SPEEDSCOPE)
    names = [frame["name"] for frame in document["shared"]["frames"]]
    (profile,) = document["profiles"]
    found: Counter[tuple[str, ...]] = Counter()
    for sample, weight in zip(profile["samples"], profile["weights"], strict=True):
        found[tuple(names[index] for index in sample)] += weight
    assert profile["endValue"] == sum(found.values())
    return found


def table(report: Report, metric: str = "retained_bytes") -> Counter[tuple[str, ...]]:
    rows = list(csv.DictReader(io.StringIO(text(report, "csv"))))
    assert [row["id"] for row in rows if row["id"]] == [row.id for row in report.paths]
    found: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        found[tuple(unescaped(name) for name in row["stack"].removeprefix("'").split(";"))] += int(row.get(metric) or 0)
    return +found


@pytest.mark.parametrize("name", REPORTS)
def test_hand_made_reports_are_written_too(name: str) -> None:
    report = REPORTS[name]()
    wanted = stacks_of(report, report.metric)
    assert pprof(report).stacks("inuse_space") == wanted
    assert folded(text(report, "folded")) == speedscope(text(report, "speedscope")) == table(report) == wanted


def hostile(*stacks: tuple[list[Frame], int], total: int | None = None, **meta: Any) -> Report:
    builder = SampleTableBuilder(("retained_bytes",))
    for stack, amount in stacks:
        builder.add(stack, (amount,))
    totals = {"retained_bytes": sum(amount for _, amount in stacks) if total is None else total}
    return analyze(build_run([RawSnapshot(SnapshotMeta("x", "dhat", **meta), totals, builder.build())]))


NAMES = [
    "a;b",
    "a\nb",
    "a\r",
    "\\x3b",
    "a\\;",
    "\0",
    "\u2028",
    "=cmd()",
    "-[NSObject alloc]",
    "@x",
    "'=x",
    "'",
    "a b 12",
    " ",
    '"',
    "é",
    ",",
]


def test_names_that_break_lines_and_cells_come_back() -> None:
    report = hostile(*(([Frame("main"), Frame(name)], 100 + number) for number, name in enumerate(NAMES)))
    wanted = stacks_of(report, "retained_bytes")
    assert len(wanted) == len(NAMES)
    assert len(text(report, "folded").splitlines()) == len(NAMES)
    assert folded(text(report, "folded")) == speedscope(text(report, "speedscope")) == wanted
    assert pprof(report).stacks("inuse_space") == table(report) == wanted
    alone = hostile(*(([Frame(name)], 1) for name in ("=1+1", "+1", "-1", "@sum", "'x")))
    assert all(row["stack"][0] == "'" for row in csv.DictReader(io.StringIO(text(alone, "csv"))))


TEXTS = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), min_size=1, max_size=8))
NUMBERS = st.one_of(st.none(), st.integers(0, 2**64 - 1))
FRAMES = st.builds(
    Frame,
    function=TEXTS,
    module=TEXTS,
    file=TEXTS,
    line=st.one_of(st.none(), st.integers(0, 2**40)),
    address=NUMBERS,
    offset=NUMBERS,
    kind=st.sampled_from(FrameKind),
    is_inlined=st.booleans(),
)


@given(st.lists(st.tuples(st.lists(FRAMES, max_size=6), st.integers(0, 2**50)), max_size=6), st.integers(0, 2**53))
def test_any_frame_comes_back(stacks: list[tuple[list[Frame], int]], more: int) -> None:
    report = hostile(*stacks, total=sum(amount for _, amount in stacks) + more)
    wanted = stacks_of(report, "retained_bytes")
    assert folded(text(report, "folded")) == speedscope(text(report, "speedscope")) == table(report) == wanted
    found = pprof(report).stacks("inuse_space")
    assert sum(found.values()) == sum(wanted.values()) == report.totals["retained_bytes"]
    if all(frame.function for frame in report.frames):
        assert found == wanted


def test_half_characters_are_written_by_everybody() -> None:
    report = hostile(([Frame("a\udc80", file="\udfff")], 5))
    assert pprof(report).stacks("inuse_space") == {("a?",): 5}
    assert folded(text(report, "folded")) == {("a\udc80",): 5}
    assert speedscope(text(report, "speedscope")) == {("a\ufffd",): 5}
    text(report, "csv").encode("utf-8")


def test_what_no_path_carries_is_a_sample_of_its_own() -> None:
    report = hostile(([Frame("f")], 5), total=12)
    assert pprof(report).stacks("inuse_space") == {("f",): 5, ("[unattributed]",): 7}
    only = hostile(total=12)
    assert pprof(only).stacks("inuse_space") == folded(text(only, "folded")) == {("[unattributed]",): 12}


def test_paths_that_say_more_than_the_total_are_told_in_a_comment() -> None:
    profile = pprof(hostile(([Frame("f")], 5), total=3))
    assert profile.stacks("inuse_space") == {("f",): 5}
    assert profile.comments == ["input: x", "retained_bytes: the paths hold 2 more than the total"]


def test_what_options_hide_stays_in_the_sums() -> None:
    report = report_of("memcheck-xml", "kinds", AnalysisOptions(ignore="lose"))
    assert report.selection.hidden_paths
    found = pprof(report).stacks("inuse_space")
    assert found["[hidden by options]",] > 0
    assert sum(found.values()) == report.totals["retained_bytes"]


def test_another_metric_ranks_the_folded_stacks() -> None:
    report = report_of("dhat", "kinds", AnalysisOptions(metric="allocated_blocks"))
    assert folded(text(report, "folded")) == stacks_of(report, "allocated_blocks")
    assert json.loads(text(report, "speedscope"))["profiles"][0]["unit"] == "none"
    assert pprof(report).default == "alloc_objects"


def test_mappings_and_build_ids_are_kept() -> None:
    mappings = (
        Mapping(0x5000, 0x7000, 0x1000, "/lib/b.so", "cafe"),
        Mapping(0x400000, 0x500000, 0, "/srv/app", "beef"),
    )
    stack = [
        Frame("main", "/srv/app", address=0x400010),
        Frame("inlined", "/srv/app", address=0x400010, is_inlined=True),
        Frame(module="/lib/b.so", offset=0x1234, kind=FrameKind.ADDRESS),
        Frame(module="/lib/b.so", offset=0x9999, kind=FrameKind.ADDRESS),
        Frame(module="/lib/c.so", address=0x77, kind=FrameKind.ADDRESS),
        Frame(address=0x88, kind=FrameKind.ADDRESS),
    ]
    report = hostile((stack, 5), mappings=mappings, command=("/srv/app",), sampling=Sampling(524288))
    profile = pprof(report)
    (ids, _, _) = profile.samples[0]
    assert len(ids) == 5
    assert profile.names(ids) == ("main", "inlined", "b.so+0x1234", "b.so+0x9999", "c.so@0x77", "0x88")
    assert [profile.path(number) for number in ids] == ["", "/lib/c.so", "/lib/b.so", "/lib/b.so", "/srv/app"]
    assert [profile.locations[number][3][0] for number in ids] == [0x88, 0x77, 0x9999, 0x5234, 0x400010]
    known = {profile.texts[entry[5][0]]: profile.texts[entry.get(6, [0])[0]] for entry in profile.mappings.values()}
    assert known == {"/lib/b.so": "cafe", "/srv/app": "beef", "/lib/c.so": ""}
    # pprof takes the first for the program.
    assert profile.texts[next(iter(profile.mappings.values()))[5][0]] == "/srv/app"
    assert profile.period == 524288


def test_the_same_report_gives_the_same_bytes() -> None:
    assert len({render(leak_report(), to="pprof") for _ in range(2)}) == 1
    # A header of gzip can hold a time; here it is 0.
    content = render(replace(leak_report()), to="pprof")
    assert isinstance(content, bytes) and content[4:8] == bytes(4)


@pytest.mark.parametrize("is_yours", [True, False], ids=["wrapper of yours", "library only"])
def test_the_table_names_the_frame_that_the_reading_list_names(is_yours: bool) -> None:
    report = leak_report()
    row = report.paths[0]
    # As behind `xmalloc`: the responsible frame is a wrapper, and its caller is the one to read.
    responsible = len(row.frames) - 1 if is_yours else None
    alone = replace(report, paths=(replace(row, responsible=responsible, named_by=0 if is_yours else None),))
    (found, *_) = csv.DictReader(io.StringIO(text(alone, "csv")))
    frame = title_frame(alone, alone.paths[0])
    assert frame is not None
    assert (found["function"], found["file"], found["line"]) == (
        name_of(frame), frame.path or "", "" if frame.line is None else str(frame.line),
    )  # fmt: skip


def test_the_table_names_the_caller_of_a_wrapper() -> None:
    rows = list(csv.DictReader(io.StringIO(text(leak_report(), "csv"))))
    assert list(rows[0]) == [
        "id",
        "kind",
        "module",
        "function",
        "file",
        "line",
        "owner",
        "state",
        "retained_bytes",
        "retained_blocks",
        "stack",
    ]
    assert [rows[0][key] for key in ("kind", "module", "function", "file", "line", "retained_bytes")] == [
        "definite", "libimgkit.so.3", "ThumbnailPool::render(Tile const&)",
        "/src/tile/src/thumb/thumbnail_pool.cpp", "142", "47382528",
    ]  # fmt: skip
