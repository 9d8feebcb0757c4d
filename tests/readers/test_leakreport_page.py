"""Pages read back: the data is found in the page, unpacked with care, and every byte of it is accounted for."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from leakreport.errors import InputError, LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import DEFAULT_LIMITS, Limits
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import RawSnapshot
from leakreport.readers import get_reader, pick_reader
from leakreport.testing import MemoryStream, assert_chunks_do_not_matter, read_content, stacks_of
from tests.readers.page_support import around, packed, packed_text, payload, plain

READER = get_reader("leakreport")


def read_page(content: bytes, limits: Limits = DEFAULT_LIMITS) -> list[RawSnapshot]:
    raws = read_content(READER, content, limits=limits)
    check(build_run(raws))
    return raws


def paths_of(raw: RawSnapshot) -> dict[tuple[str, ...], tuple[LeakKind, int, int]]:
    table = raw.samples
    assert table is not None
    assert table.leak_kinds is not None
    figures = zip(
        map(LeakKind, table.leak_kinds.tolist()),
        table.values["retained_bytes"].tolist(),
        table.values["retained_blocks"].tolist(),
        strict=True,
    )
    names = (tuple(frame.function or "" for frame in stack) for stack in stacks_of(raw))
    return dict(zip(names, figures, strict=True))


@pytest.mark.parametrize("write", [plain, packed])
def test_every_byte_of_the_data_is_read(write: Callable[[object], bytes]) -> None:
    (raw,) = read_page(write(payload()))
    assert paths_of(raw) == {
        ("main", "leak"): (LeakKind.DEFINITE, 100, 1),
        ("main", "held"): (LeakKind.REACHABLE, 50, 2),
        ("main", "3 small paths"): (LeakKind.DEFINITE, 30, 3),
    }
    assert raw.totals == payload()["document"]["totals"]
    assert raw.meta.format == "memcheck-xml"
    (note,) = (note for note in raw.meta.notes if note.slug == "folded-paths")
    assert "3 small paths, which retain 30 bytes" in note.message


def test_a_page_is_known_by_its_head_however_late_the_data_is() -> None:
    content = plain(payload())
    assert content.index(b"<script") > 2 * DEFAULT_LIMITS.head_bytes
    for name in ("x", "report.html", "-"):
        assert pick_reader(MemoryStream(name, content), DEFAULT_LIMITS).info.name == "leakreport"
    assert_chunks_do_not_matter(READER, around("id=payload", json.dumps(payload()), filling=500))


@pytest.mark.parametrize(
    "page",
    [
        b"\xef\xbb\xbf" + plain(payload()),
        b"<!-- saved from url=(0014)about:internet -->\r\n" + plain(payload()),
        plain(payload()).replace(b"<script type=", b"<SCRIPT class='x' data-x=1 type="),
        plain(payload()).replace(b'id="payload"', b"id='payload' hidden").replace(b"</script>", b"</SCRIPT >"),
        plain(payload()).replace(b'<script type="application/json"', b"<script>let id = 'payload';</script><script"),
        packed_text("\r\n".join(packed(payload()).decode().partition('payload/1">')[2].partition("</script")[0][i:i + 76] for i in range(0, 4000, 76))),
    ],
)  # fmt: skip
def test_a_page_that_other_programs_touched_is_still_read(page: bytes) -> None:
    (raw,) = read_page(page)
    assert raw.totals["definite_bytes"] == 130


def test_recursion_that_was_folded_is_known_up_to_its_first_call() -> None:
    values = payload()
    values["tree"]["repeats"] = [[3, 4]]
    (raw,) = read_page(plain(values))
    assert paths_of(raw)["main", "held", "1 small path"] == (LeakKind.REACHABLE, 50, 2)


def test_below_a_gap_only_the_outer_frames_are_known() -> None:
    values = payload()
    # The middle of a deep stack is left out between main and held.
    values["tree"].update(depth=[0, 1, 1, 0, 1, -1], frame=[-1, 0, 0, -3, 0, -2], paths=[0, 0, 1, 0, 1, 3])
    (raw,) = read_page(plain(values))
    assert paths_of(raw)["main", "1 small path"] == (LeakKind.REACHABLE, 50, 2)


def test_a_listed_path_with_a_stack_of_its_own_has_that() -> None:
    values = payload()
    values["rows"]["stack"] = [[0, 0, 0, 1]]
    (raw,) = read_page(plain(values))
    assert ("main", "main", "main", "leak") in paths_of(raw)


def test_a_node_with_several_kinds_has_a_path_for_each() -> None:
    values = payload()
    for column in values["tree"]["columns"]:
        column["values"][1] += {"retained_bytes": 7, "retained_blocks": 1, "definite_bytes": 7, "definite_blocks": 1}.get(column["name"], 0)  # fmt: skip
    values["tree"]["paths"][3] = 2
    totals = values["document"]["totals"] = {**values["document"]["totals"]}
    for metric, amount in {"retained_bytes": 7, "retained_blocks": 1, "definite_bytes": 7, "definite_blocks": 1, "leaked_bytes": 7, "leaked_blocks": 1}.items():  # fmt: skip
        totals[metric] += amount
    values["document"]["snapshots"][0]["totals"] = totals
    (raw,) = read_page(plain(values))
    assert raw.samples is not None
    assert raw.samples.leak_kinds is not None
    assert sorted(raw.samples.leak_kinds.tolist()) == [1, 1, 1, 4]
    assert raw.samples.values["retained_bytes"].sum() == 187


def test_a_file_name_with_folders_is_divided_as_the_tool_did() -> None:
    values = payload()
    values["strings"] += ["/rustc/59/library/std/src/lib.rs", "/rustc/59"]
    values["frames"]["file"][1] = 7
    values["frames"]["directory"] = [-1, 8, -1]
    (raw,) = read_page(plain(values))
    (frame,) = (frame for frame in raw.samples.frames if frame.function == "leak")  # type: ignore[union-attr]
    assert (frame.directory, frame.file) == ("/rustc/59", "library/std/src/lib.rs")


# What is missing, cut or packed too well


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (b"<!doctype html><html><head><title>x \xc2\xb7 leakreport</title></head><body>text</body></html>", "is missing"),
        (b"<!doctype html><html><head><title>x \xc2\xb7 leakreport</title></head><body>te", "it ends before the element"),
        (around('id="payload"', "")[:-25], "ends inside its data"),
        (around('id="payload"', "{}") + around('id="payload"', "{}"), "2 elements"),
        (around('id="payload" data-encoding="gzip+base64"', "%%%%"), "is damaged"),
        (around('id="payload" data-encoding="gzip+base64"', "AAAA"), "is damaged"),
        (around('id="payload" data-encoding="gzip+base64"', ""), "ends early"),
        (around('id="payload"', "[" * 100_000), "is damaged"),
        (around('id="payload"', '{"schema": NaN}'), "NaN"),
        (around('id="payload"', '{"schema": 1, "schema": 2}'), "stands twice"),
        (around('id="payload"', "\udcff".encode("utf-8", "surrogatepass").decode("latin-1")), "is damaged"),
        (around('id="payload"', "7"), "is no object"),
    ],
)  # fmt: skip
def test_a_page_that_is_not_whole_says_what_is_missing(page: bytes, words: str) -> None:
    with pytest.raises(MalformedInput, match=words):
        read_page(page)


@pytest.mark.parametrize("page", [
    around('id="payload" data-schema="leakreport-payload/2"', "{}"),
    around('id="payload" data-encoding="brotli"', "{}"),
    plain({**payload(), "schema": "leakreport-payload/9"}),
    plain({**payload(), "document": {**payload()["document"], "schema": "leakreport/3"}}),
])  # fmt: skip
def test_a_page_of_a_later_version_is_refused_by_name(page: bytes) -> None:
    with pytest.raises(UnsupportedInput):
        read_page(page)


def test_a_cut_page_is_refused_wherever_it_was_cut() -> None:
    for page in (plain(payload()), packed(payload())):
        start = page.index(b"<script")
        for end in (*range(200, start, 20_001), *range(start, page.index(b"</script"), 97)):
            with pytest.raises(MalformedInput, match=r"missing|ends|inside"):
                read_page(page[:end])


def test_changed_bytes_are_an_error_or_change_no_figure() -> None:
    generator = random.Random("page")
    for page in (plain(payload()), packed(payload())):
        start, end = page.index(b"<script"), page.index(b"</script") + 9
        for _ in range(300):
            mutant = bytearray(page)
            for _ in range(generator.randrange(1, 3)):
                mutant[generator.randrange(start, end)] = generator.randrange(256)
            try:
                (raw,) = read_page(bytes(mutant))
            except InputError:
                continue
            assert raw.totals["retained_bytes"] == sum(figures[1] for figures in paths_of(raw).values())


def test_data_that_unpacks_to_far_too_much_is_refused() -> None:
    bomb = gzip.compress(b" " * (64 << 20), mtime=0)
    with pytest.raises(LimitExceeded, match="unpacks to more"):
        read_page(packed_text(base64.b64encode(bomb).decode()))
    long = base64.b64encode(gzip.compress(b" " * 100_000, mtime=0)).decode()
    page = around('id="payload" data-encoding="gzip+base64"', long, filling=100)
    with pytest.raises(LimitExceeded, match="unpacks to more"):
        read_page(page, Limits(page_bytes=1 << 14))
    with pytest.raises(LimitExceeded, match="is a page of more"):
        read_page(plain(payload()), Limits(page_bytes=1 << 12))


def _changed(place: tuple[str | int, ...], value: object) -> dict[str, Any]:
    whole = payload()
    inner: Any = whole
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return whole


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("kind",), "diff"),
        (("kind",), "guess"),
        (("document",), []),
        (("document", "frames"), []),
        (("document", "paths"), []),
        (("document", "hidden"), {"paths": 1, "values": {"retained_bytes": -1}}),
        (("strings",), [1]),
        (("strings",), None),
        (("frames", "function"), [1, 4]),
        (("frames", "function"), [1, 4, 10**9]),
        (("frames", "function"), [1, 4, -2]),
        (("frames", "function"), [1, 4, True]),
        (("frames", "kind"), [0, 0, 9]),
        (("frames", "flags"), [0, 0, 4]),
        (("frames", "line"), [0, 0, 1.5]),
        (("frames", "address"), ["0x1", None]),
        (("frames", "address"), ["12", None, None]),
        (("tree",), None),
        (("tree", "depth"), []),
        (("tree", "depth"), [1, 1, 1, 0, 0]),
        (("tree", "depth"), [0, 1, 2, 0, 0]),
        (("tree", "depth"), [0, 1, 1, -3, 0]),
        (("tree", "frame"), [0, 0, 0, 0, -2]),
        (("tree", "frame"), [-1, 0, 0, 9, -2]),
        (("tree", "frame"), [-1, 0, -1, 0, -2]),
        (("tree", "frame"), [-1, 0, 0, 0, -9]),
        (("tree", "frame"), [-1, 0, -2, -2, 0]),
        (("tree", "paths"), [0, 0, 1, 1]),
        (("tree", "paths"), [0, 0, 0, 1, 3]),
        (("tree", "paths"), [0, 0, 1, 1, 10**12]),
        (("tree", "columns"), {}),
        (("tree", "columns", 0, "values"), [100, 50]),
        (("tree", "columns", 0, "values"), [100, 50, -1]),
        (("tree", "columns", 0, "values"), [100, 50, 2**53]),
        (("tree", "columns", 0, "values"), [99, 50, 30]),
        (("tree", "columns", 0, "values"), [101, 50, 30]),
        (("tree", "columns", 1, "name"), "retained_bytes"),
        (("tree", "columns", 2, "values"), [100, 51, 30]),
        (("tree", "columns", 0, "name"), "series.retained_bytes.x"),
        (("tree", "columns", 0, "name"), "series.retained_bytes.7"),
        (("tree", "repeats"), [[9, 2]]),
        (("tree", "repeats"), [[1]]),
        (("tree", "repeats"), 4),
        (("rows",), []),
        (("rows", "node"), [7]),
        (("rows", "node"), [-1]),
        (("rows", "node"), [2, 2]),
        (("rows", "node"), [3]),
        (("rows", "values.retained_bytes"), [99]),
        (("rows", "values.retained_bytes"), ["100"]),
        (("rows", "values.retained_bytes"), []),
        (("rows", "leak_kind"), ["sure"]),
        (("rows", "stack"), [[3]]),
        (("rows", "stack"), ["x"]),
        (("compare",), {"before": "a", "after": "b"}),
        (("compare",), 3),
    ],
)
def test_data_that_does_not_fit_together_is_refused(place: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(InputError) as caught:
        read_page(plain(_changed(place, value)))
    assert caught.value.slug in {"malformed-input", "limit-exceeded"}
