"""What the matching promises for every input: swapped sides mirror, amounts never decide against names, work is bounded."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from leakreport.analysis import matching
from leakreport.analysis.acceptance import Accepted, Scores, accept
from leakreport.analysis.explaining import Confidence, MatchedAs
from leakreport.analysis.matching import Matching, match
from leakreport.analysis.sites import Paths
from leakreport.api import analyze, load_inputs
from tests.analysis.matching_support import IDENTITY, path, paths, recorded, truth
from tests.support import FAMILIES, cases, fixture_path

BUILDS = [
    (program, pair["before"], pair["after"])
    for program in sorted(folder.name for folder in IDENTITY.iterdir() if folder.is_dir())
    for pair in truth(program)
]
SWAPPED = {MatchedAs.SPLIT: MatchedAs.MERGED, MatchedAs.MERGED: MatchedAs.SPLIT}


def mirrored(found: Matching) -> tuple[object, ...]:
    matches = sorted((m.after, m.before, SWAPPED.get(m.matched_as, m.matched_as), *m[3:5]) for m in found.all_matches())
    return matches, found.new, found.gone, found.uncompared


def plain(found: Matching) -> tuple[object, ...]:
    return sorted(tuple(m[:5]) for m in found.all_matches()), found.gone, found.new, found.uncompared


@pytest.mark.parametrize("family", FAMILIES)
def test_swapped_sides_mirror_for_the_recordings_of_every_reader(family: str) -> None:
    sides = []
    for case in cases(family):
        run = load_inputs([str(fixture_path(family, case))], unit="bytes").run
        if run is not None:
            sides.append(Paths.of(analyze(run)))
    assert len(sides) > 1
    for before, after in pairwise(sides):
        assert plain(match(after, before)) == mirrored(match(before, after))


def with_other_amounts(side: Paths, rng: random.Random) -> Paths:
    """The same rows; each has the bytes and blocks of another."""
    order = list(range(len(side)))
    rng.shuffle(order)
    return replace(side, bytes=side.bytes[order], blocks=side.blocks[order])


def joined(before: Paths, after: Paths, *, by_names: bool) -> set[tuple[int, int]]:
    """Rows of both sides that belong together; only of those that amounts had no part in, or of all."""
    return {
        (row, partner)
        for one in match(before, after).all_matches()
        if not by_names or one.confidence is not Confidence.BY_AMOUNTS
        for row in one.before
        for partner in one.after
    }


@pytest.mark.parametrize(("program", "before", "after"), BUILDS, ids=str)
def test_other_amounts_never_change_what_names_decide(program: str, before: str, after: str) -> None:
    one, other = recorded(program, before).paths, recorded(program, after).paths
    rng = random.Random(f"{program} {before} {after}")
    for _ in range(3):
        changed = with_other_amounts(one, rng), with_other_amounts(other, rng)
        # Rows that were joined stay joined; sums may add what was left over.
        assert joined(one, other, by_names=True) <= joined(*changed, by_names=False)
        assert joined(*changed, by_names=True) <= joined(one, other, by_names=False)


def test_work_is_bounded_when_thousands_are_new_and_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def counting(scores: Scores) -> list[Accepted]:
        compared.append(len(scores))
        return accept(scores)

    monkeypatch.setattr(matching, "accept", counting)

    def side(seed: int, count: int) -> Paths:
        rng = random.Random(seed)
        letters = "abcdefghijklm" if seed else "nopqrstuvwxyz"
        words = ["".join(rng.choices(letters, k=12)) for _ in range(count)]
        kept = [path("main@m.c:1", f"keep{n}@k.c:{n}") for n in range(50)]
        lost = [path("main@m.c:2", f"{words[n % 97]}@w{seed}.c:{n}", f"{words[n]}@x{seed}.c:{n}") for n in range(count)]
        return paths(*kept, *lost)

    for count in (500, 5_000):
        compared.clear()
        found = match(side(0, count), side(1, count))
        assert len(found.gone) == len(found.new) == count
        assert max(compared) <= 16_000 + 4 * 2 * count
        assert len(compared) <= 5
