"""speedscope's JSON: equal to the folded stacks it was made from, and safe with whatever a file claims."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from leakreport.errors import LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import FrameKind, RawSnapshot
from leakreport.readers import pick_reader, speedscope
from leakreport.readers.interface import Confidence
from leakreport.readers.speedscope import SpeedscopeReader
from tests.readers.profile_support import (
    answers,
    assert_answers,
    assert_same,
    cuts,
    mutants,
    read_named,
    read_or_refused,
    records,
    stacks,
)
from tests.support import MemoryStream, cases, fixture_bytes, read

FAMILY = "speedscope"
FRAMES = [{"name": "main", "file": "/src/a.c", "line": 3}, {"name": "leak"}, {"name": "0x7f"}, {"name": "[heap]"}]


def sampled(samples: Any, weights: Any, **more: Any) -> dict[str, Any]:
    return {"type": "sampled", "name": "retained", "unit": "bytes", "samples": samples, "weights": weights, **more}


def evented(*events: tuple[str, int, float], **more: Any) -> dict[str, Any]:
    found = [{"type": kind, "frame": frame, "at": at} for kind, frame, at in events]
    return {"type": "evented", "name": "retained", "unit": "bytes", "events": found, **more}


def read_profiles(*profiles: Any, frames: Any = FRAMES) -> list[RawSnapshot]:
    content = json.dumps({"shared": {"frames": frames}, "profiles": profiles})
    return read(FAMILY, content.encode())


def slugs(raw: RawSnapshot) -> list[str]:
    return [note.slug for note in raw.meta.notes]


@pytest.mark.parametrize(("case", "wanted"), answers(FAMILY).items())
def test_answers_are_those_of_the_folded_stacks(case: str, wanted: list[dict[str, object]]) -> None:
    raws = read(FAMILY, fixture_bytes(FAMILY, case))
    assert_answers(raws, wanted)
    check(build_run(raws))
    assert slugs(raws[0]) == []


@pytest.mark.parametrize("case", cases(FAMILY))
def test_the_reader_is_found_under_any_name(case: str) -> None:
    stream = MemoryStream("whatever.bin", fixture_bytes(FAMILY, case))
    assert pick_reader(stream, DEFAULT_LIMITS).info.name == FAMILY


@pytest.mark.parametrize("chunk", [1, 7, 61])
def test_the_size_of_reads_does_not_matter(chunk: int) -> None:
    content = fixture_bytes(FAMILY, "demo-v2-leaked-bytes-evented")
    assert_same(read(FAMILY, content), read(FAMILY, content, chunk))


@pytest.mark.parametrize("case", sorted(answers(FAMILY)))
def test_a_cut_file_is_refused_with_its_place(case: str) -> None:
    content = fixture_bytes(FAMILY, case)
    end = content.rindex(b"}")
    for offset in cuts(content[:end], case):
        with pytest.raises(MalformedInput, match="no whole JSON"):
            read(FAMILY, content[:offset])


@pytest.mark.parametrize("case", cases(FAMILY))
def test_mutants_are_read_or_refused(case: str) -> None:
    started = time.monotonic()
    for mutant in mutants(fixture_bytes(FAMILY, case), case):
        read_or_refused(FAMILY, mutant)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("case", "unit"), [("public-0-1-2-simple-sampled", "seconds"), ("public-0-0-1-simple", "none"), ("public-0-6-0-two-sampled", "seconds")]
)  # fmt: skip
def test_other_units_are_refused_by_name(case: str, unit: str) -> None:
    with pytest.raises(UnsupportedInput, match=f"the unit {unit}, not bytes"):
        read(FAMILY, fixture_bytes(FAMILY, case))


def test_sampled_stacks_are_outermost_first() -> None:
    (raw,) = read_profiles(sampled([[0, 1], [0], [], [0, 2, 3]], [5, 6, 7, 8.4]))
    assert raw.totals == {"retained_bytes": 26}
    assert raw.meta.label == "retained"
    (main, leak), _, empty, (_, address, heap) = stacks(raw)
    assert (main.function, main.directory, main.file, main.line) == ("main", "/src", "a.c", 3)
    assert leak.function == "leak"
    assert empty == ()
    assert (address.kind, address.address) == (FrameKind.ADDRESS, 0x7F)
    assert (heap.kind, heap.function) == (FrameKind.SYNTHETIC, "[heap]")
    check(build_run([raw]))


def test_events_charge_the_open_stack() -> None:
    (raw,) = read_profiles(
        evented(
            ("O", 0, 10),
            ("O", 1, 12),
            ("C", 1, 15),
            ("O", 1, 15),
            ("C", 1, 16),
            ("C", 0, 16),
            ("O", 1, 90),
            ("C", 1, 91),
        )
    )
    assert records([raw]) == {
        ("retained", (stacks(raw)[0][0],), 2),
        ("retained", stacks(raw)[1], 3),
        ("retained", stacks(raw)[1], 1),
        ("retained", stacks(raw)[3], 1),
    }
    assert raw.totals == {"retained_bytes": 7}


def test_each_profile_in_bytes_is_a_snapshot() -> None:
    raws = read_profiles(
        sampled([[0]], [1], name="peak"), sampled([[0]], [2], unit="seconds"), sampled([[1]], [3], name="allocated")
    )
    assert [raw.totals for raw in raws] == [{"peak_bytes": 1}, {"allocated_bytes": 3}]
    assert [slugs(raw) for raw in raws] == [["other-units"]] * 2


def test_bytes_of_unknown_meaning_are_taken_as_retained_with_a_note() -> None:
    for name in (None, "memory", "allocations"):
        (raw,) = read_profiles(sampled([[0]], [1], name=name))
        assert raw.totals == {"retained_bytes": 1}
        assert slugs(raw) == ["sample-type-assumed"]
    content = json.dumps({"shared": {"frames": FRAMES}, "profiles": [sampled([[0]], [1], name=None)]}).encode()
    assert read_named(FAMILY, "dir/x.peak.json", content)[0].totals == {"peak_bytes": 1}


@pytest.mark.parametrize(
    ("samples", "weights"),
    [
        ([[0], [9]], [1, 2]),
        ([[0], [-1]], [1, 2]),
        ([[0], [True]], [1, 2]),
        ([[0], ["x"]], [1, 2]),
        ([[0], "x"], [1, 2]),
        ([[0], [1]], [1]),
        ([[0]], [1, 2]),
        ([[0], [1]], [1, -2]),
        ([[0], [1]], [1, None]),
        ([[0], [1]], [1, float("nan")]),
        ([[0], [1]], [1, float("inf")]),
        ([[0], [4]], [1, 2]),
    ],
)
def test_damaged_samples_are_left_out_and_told(samples: Any, weights: Any) -> None:
    (raw,) = read_profiles(sampled(samples, weights), frames=[*FRAMES, {"file": "no name"}])
    assert raw.totals == {"retained_bytes": 1}
    assert slugs(raw) == ["damaged-records"]
    assert not raw.meta.is_complete


@pytest.mark.parametrize(
    "events",
    [
        [("O", 0, 0), ("C", 1, 1)],
        [("C", 0, 0)],
        [("O", 0, 5), ("C", 0, 4)],
        [("O", 0, 0)],
        [("X", 0, 0)],
        [("O", 77, 0), ("C", 77, 1)],
    ],
)
def test_events_that_do_not_nest_are_refused(events: list[tuple[str, int, float]]) -> None:
    with pytest.raises(MalformedInput, match="nest"):
        read_profiles(evented(*events))


@pytest.mark.parametrize("weight", [2**63, 10**400, 1e300], ids=["2^63", "10^400", "1e300"])
def test_huge_values_are_refused(weight: float) -> None:
    with pytest.raises(LimitExceeded):
        read_profiles(sampled([[0]], [weight]))
    with pytest.raises(LimitExceeded):
        read_profiles(evented(("O", 0, 0.5), ("C", 0, weight)))


def test_a_sum_beyond_all_memory_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        read_profiles(sampled([[0]] * 3, [2**62] * 3))


def test_deep_and_many_stacks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = [("O", 0, 0.0)] * (DEFAULT_LIMITS.stack_frames + 1)
    with pytest.raises(LimitExceeded, match="frames"):
        read_profiles(evented(*deep))
    monkeypatch.setattr(speedscope, "_FLAT_FRAMES", 3)
    with pytest.raises(LimitExceeded, match="too many"):
        read_profiles(sampled([[0, 1], [0, 1]], [1, 1]))


def test_a_file_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speedscope, "_LARGEST", 100)
    with pytest.raises(LimitExceeded, match="JSON"):
        read(FAMILY, fixture_bytes(FAMILY, "demo-v2-leaked-bytes"))


@pytest.mark.parametrize(
    "content",
    [
        b"[1]",
        b"{}",
        b'{"profiles": 3}',
        b'{"profiles": [3]}',
        b'{"profiles": [{"unit": "bytes", "type": "other"}]}',
        b'{"profiles": [{"unit": "bytes"}], "shared": []}',
        b'{"profiles": ' + b"[" * 100_000,
        b'{"profiles": ' + b"9" * 5000 + b"}",
        b'{"profiles": [{"unit": "bytes", "type": "sampled"}]} trailing',
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_other_shapes_are_malformed(content: bytes) -> None:
    with pytest.raises(MalformedInput):
        read(FAMILY, content)


def test_names_with_half_characters_are_mended() -> None:
    (raw,) = read_profiles(sampled([[0]], [1], name="retained \ud800"), frames=[{"name": "a\udfff", "line": 10**30}])
    assert stacks(raw)[0][0].function == "a?"
    assert stacks(raw)[0][0].line is None
    assert raw.meta.label == "retained ?"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{",
        b'{"a": 1}',
        b'[{"shared": {"frames": []}}]',
        b'{"profiles": {"x": 1}}',
        b'x {"shared": {"frames": []}}',
    ],
)
def test_nothing_else_is_taken_for_speedscope(head: bytes) -> None:
    assert SpeedscopeReader().sniff(head, "x.speedscope.json") is Confidence.NO
