"""Mutated and cut fixtures: only InputError, a valid model, never a hang. Seeded, so that a failure can be repeated."""

from __future__ import annotations

import os
import random
import time

import pytest

from leakreport.analysis.analyze import analyze
from leakreport.analysis.options import AnalysisOptions
from leakreport.errors import InputError
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.readers import BUILTIN, pick_reader
from tests.support import MemoryStream, cases, fixture_bytes

SECONDS = float(os.environ.get("LEAKREPORT_FUZZ_SECONDS", "0"))
ROUNDS = 150
SOURCES = [(family, case) for family in BUILTIN for case in cases(family)]
TOKENS = [b"<error>", b"</error>", b"<stack>", b"&", b"<", b"\0", b"\xff\xfe", b"99999999999999999999", b"-1", b"==1==", b"</valgrindoutput>", b"<?xml", b"\n", b"(", b"{", b"<!DOCTYPE x>"]  # fmt: skip


def mutated(content: bytes, generator: random.Random) -> bytes:
    mutant = bytearray(content[:200_000])
    for _ in range(generator.randrange(1, 6)):
        at = generator.randrange(len(mutant) + 1)
        match generator.randrange(5):
            case 0:
                del mutant[at:]
            case 1:
                del mutant[at : at + generator.randrange(1, 2000)]
            case 2:
                mutant[at:at] = generator.choice(TOKENS)
            case 3 if at < len(mutant):
                mutant[at] = generator.randrange(256)
            case _:
                start = generator.randrange(len(mutant) + 1)
                mutant[at:at] = mutant[start : start + generator.randrange(1, 2000)]
    return bytes(mutant)


@pytest.mark.parametrize("seed", range(4))
def test_mutants_are_read_or_refused(seed: int) -> None:
    generator = random.Random(seed)
    end = time.monotonic() + SECONDS / 4
    done = 0
    while done < ROUNDS or time.monotonic() < end:
        family, case = generator.choice(SOURCES)
        content = mutated(fixture_bytes(family, case), generator)
        done += 1
        stream = MemoryStream(f"{family}/{case}", content)
        try:
            raws = list(pick_reader(stream, DEFAULT_LIMITS).read(stream, DEFAULT_LIMITS))
            if raws:
                run = build_run(raws)
                check(run)
                analyze(run, AnalysisOptions(fail_on=("any", "errors", "fds")))
        except InputError:
            continue
