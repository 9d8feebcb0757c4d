"""Addresses of one build that was loaded elsewhere."""

from __future__ import annotations

import random

import pytest

from leakreport.analysis.explaining import Confidence
from leakreport.analysis.matching import match
from leakreport.analysis.rebasing import rebased
from leakreport.analysis.sites import Paths
from tests.analysis.matching_support import path, paths

PLACES = (0x1010, 0x1020, 0x2030, 0x5044, 0x5078)


def loaded(at: int, *sizes: int, is_library: bool = False) -> Paths:
    """Nameless code at some base; twins that only addresses tell apart."""
    where = "lib!?" if is_library else "?"
    return paths(
        *(path("main", f"{where}@{at + place:#x}", size=size) for place, size in zip(PLACES, sizes, strict=False))
    )


@pytest.mark.parametrize("is_library", [False, True])
@pytest.mark.parametrize("moved", [0, 0x1000, -0x55_0000, 0x7F12_0000_3000])
def test_code_of_one_build_is_found_wherever_it_was_loaded(moved: int, is_library: bool) -> None:
    before = loaded(0x5580_0000_0000, 10, 10, 10, 10, 10, is_library=is_library)
    after = loaded(0x5580_0000_0000 + moved, 12, 14, 16, 18, 20, is_library=is_library)
    for one, other in ((before, after), (after, before)):
        found = match(one, other)
        assert [(pair.before, pair.after) for pair in found.all_matches()] == [((row,), (row,)) for row in range(5)]
        assert {pair.confidence for pair in found.all_matches()} == {Confidence.CERTAIN}


def test_a_distance_is_of_whole_pages_and_of_most_addresses() -> None:
    before = loaded(0x40_0000, 10, 10, 10, 10, 10)
    # Another build: code of another length lies in front.
    for after in (loaded(0x40_0010, 1, 2, 3, 4, 5), paths(path("main", "?@0x501010"), path("main", "?@0x777777"))):
        assert rebased(before, after) == (before, after)


def test_offsets_of_both_sides_are_equal_and_addresses_stay() -> None:
    ours, theirs = rebased(loaded(0x40_0000, 1, 2, 3), loaded(0x7F00_0000, 1, 2, 3, 4))
    offsets = [{frame.offset for frame in side.frames if frame.address is not None} for side in (ours, theirs)]
    assert offsets[0] < offsets[1]
    assert {frame.address for frame in ours.frames} == {None, 0x401010, 0x401020, 0x402030}


def test_large_modules_are_found_by_their_ends() -> None:
    # So dense that each place in a page is taken a hundred times; a twentieth of the calls of each run is not in the other.
    rng = random.Random(1)
    left_out = [set(rng.sample(range(6_400), 320)) for _ in range(2)]

    def side(at: int, absent: set[int]) -> Paths:
        return paths(*(path("main", f"?@{at + 64 * n:#x}", size=n + 1) for n in range(6_400) if n not in absent))

    before, after = side(0x40_0000, left_out[0]), side(0x7F00_0000, left_out[1])
    found = match(before, after)
    certain = [pair for pair in found.all_matches() if pair.confidence is Confidence.CERTAIN]
    assert len(certain) == 6_400 - len(left_out[0] | left_out[1])
    assert all(before.row(pair.before[0]).bytes == after.row(pair.after[0]).bytes for pair in certain)
