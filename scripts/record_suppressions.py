"""Ask the real valgrind which stacks suppression rules fit, and keep its answers for the tests.

    python -m scripts.record_suppressions

One run of valgrind tries one rule on every stack of fixtures/suppressions/program, which leaks blocks of different sizes
on more than a hundred stacks: what is missing from its report was hidden. The rules are made from the stacks, by a
seeded generator that shortens, generalises and breaks them, and stand beside written ones in `written.supp`.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from leakreport.api import load
from leakreport.model.metrics import LEAK_KINDS
from leakreport.model.raw import Frame
from leakreport.suppressions.parse import parse_rules, read_rules
from leakreport.suppressions.rules import Dialect, FramePattern, Place, Rule
from tests.agreement_support import (
    CONFIGURATIONS,
    EXACT,
    FOLDER,
    NEUTRAL,
    Record,
    build,
    kept_by_valgrind,
    record,
    records,
    rule_text,
)

SEED = 20
MADE = 130
TRIED = {"deep": 10_000, "usual": 100, "flat": 60}
"""How many of the rules are tried in each configuration."""
_ANY = FramePattern(Place.ANY_FRAMES)


def main() -> None:
    """Record everything anew."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        sys.exit("valgrind is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "build"
        build(folder)
        references = {}
        for configuration, options in CONFIGURATIONS.items():
            for view, more in (("exact", EXACT), ("readable", ())):
                report = folder / f"{configuration}-{view}.xml"
                record(valgrind, folder / "leaks", report, (*options, *more))
                references[configuration, view] = records(load(report))
                content = report.read_bytes().replace(str(folder).encode(), NEUTRAL.encode())
                (FOLDER / f"{report.stem}.xml.gz").write_bytes(gzip.compress(content, mtime=0))
        written = read_rules([FOLDER / "written.supp"])
        made = _made_rules(references["deep", "exact"], str(folder))
        (FOLDER / "made.supp").write_text("".join(map(rule_text, made)), encoding="utf-8", errors="surrogateescape")
        rules = [*written, *made]
        answers = {
            configuration: _answers(valgrind, folder, configuration, rules[: TRIED[configuration]], references)
            for configuration in CONFIGURATIONS
        }
    (FOLDER / "answers.json").write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")
    hidden = sum(text.count("1") for texts in answers.values() for text in texts)
    print(f"{sum(len(text) for texts in answers.values() for text in texts):,} pairs, {hidden:,} of them hidden")


def _answers(
    valgrind: str,
    folder: Path,
    configuration: str,
    rules: Sequence[Rule],
    references: dict[tuple[str, str], list[Record]],
) -> list[str]:
    """For each rule a text with a 1 for each record that it hides, and a 0 for each that it does not."""
    reference = references[configuration, "exact"]

    def ask(number: int) -> str:
        report = folder / f"{configuration}-{number}.xml"
        text = rule_text(rules[number]).replace(NEUTRAL, str(folder))
        record(valgrind, folder / "leaks", report, CONFIGURATIONS[configuration], text)
        kept = kept_by_valgrind(report)
        return "".join("0" if found.size in kept else "1" for found in reference)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(ask, range(len(rules))))


def _made_rules(found: Sequence[Record], folder: str) -> list[Rule]:
    source = random.Random(SEED)  # noqa: S311 - the same rules every time
    made: list[Rule] = []
    while len(made) < MADE:
        stack = list(reversed(source.choice(found).stack))
        rule = _made_rule(source, stack, f"made-{len(made)}")
        # What valgrind would refuse is no question.
        text = rule_text(rule).replace(folder, NEUTRAL)
        if any(pattern.what is not Place.ANY_FRAMES for pattern in rule.frames[:12]):
            made += parse_rules(text, "made.supp")
    return made


def _made_rule(source: random.Random, stack: Sequence[Frame], name: str) -> Rule:
    length = source.choice([1, 2, 3, 4, 5, 6, 8, len(stack)])
    patterns = []
    at = 0
    while at < min(length, len(stack)):
        if source.random() < 0.15:
            patterns += [_ANY] * source.choice([1, 1, 1, 2])
            at += source.choice([0, 1, 2, 3])
            continue
        patterns.append(_pattern(source, stack[at]))
        at += 1
    if source.random() < 0.1:
        patterns.append(_ANY)
    if source.random() < 0.1:
        patterns += [FramePattern(Place.FUNCTION, "*")] * source.choice([1, 2, 9])
    if source.random() < 0.2 and patterns:
        broken = source.randrange(len(patterns))
        if patterns[broken].glob:
            patterns[broken] = replace(patterns[broken], glob=patterns[broken].glob[:-1] + source.choice("aX?"))
    kinds = None
    if source.random() < 0.5 or (patterns and patterns[0].what is Place.SOURCE):
        kinds = frozenset(source.sample(LEAK_KINDS, source.choice([1, 2, 3, 4])))
    return Rule(name, Dialect.VALGRIND, tuple(patterns), ("Memcheck",), kinds=kinds)


def _pattern(source: random.Random, frame: Frame) -> FramePattern:
    turn = source.random()
    if turn < 0.12 and frame.file is not None:
        return FramePattern(Place.SOURCE, _glob(source, frame.file), source.choice([None, frame.line]))
    if turn < 0.3:
        path = frame.module or "???"
        _, slash, name = path.rpartition("/")
        return FramePattern(
            Place.OBJECT, path if source.random() < 0.4 else f"{'*' if slash else ''}/{_glob(source, name)}"
        )
    return FramePattern(Place.FUNCTION, _glob(source, frame.function or "???"))


def _glob(source: random.Random, text: str) -> str:
    """The text, or wildcards in place of some of it."""
    if source.random() < 0.6:
        return text
    start, stop = sorted(source.sample(range(len(text) + 1), 2))
    inside = text[start:stop]
    wildcards = "?" * len(inside.encode()) if source.random() < 0.4 else "*"
    return f"{text[:start]}{wildcards}{text[stop:]}"


if __name__ == "__main__":
    main()
