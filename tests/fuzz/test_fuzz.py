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
from leakreport.readers import pick_reader
from tests.support import FAMILIES, MemoryStream, cases, fixture_bytes

SECONDS = float(os.environ.get("LEAKREPORT_FUZZ_SECONDS", "0"))
ROUNDS = 150
SOURCES = {family: cases(family) for family in FAMILIES}
TOKENS = [b"heap profile: 1: 2 [3: 4] @ heap/512", b"@ 0x1 0x2", b"  t*: 1: 2 [0: 0]", b"MAPPED_LIBRARIES:\n", b"n1: 5 ", b"snapshot=", b'{"', b"]", b"#0 0x1 in f", b";", b" 1e400\n", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"fn=(1)", b"calls=0 1\n", b"+ffffffffffffffff\n", b"i 1 1 1 1 1\n", b"<error>", b"</error>", b"<stack>", b"&", b"<", b"\0", b"\xff\xfe", b"99999999999999999999", b"-1", b"==1==", b"</valgrindoutput>", b"<?xml", b"\n", b"(", b"{", b"<!DOCTYPE x>"]  # fmt: skip


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
        family = generator.choice(FAMILIES)
        case = generator.choice(SOURCES[family])
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
