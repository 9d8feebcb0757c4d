"""Our answers are valgrind's, for every pair of a stack and a rule that it was asked (scripts/record_suppressions.py)."""

from __future__ import annotations

import gzip
import json
from functools import cache

import pytest

from leakreport.api import load
from leakreport.model.snapshot import Run
from leakreport.suppressions.answers import Answer
from leakreport.suppressions.match import Matcher, Recorded
from leakreport.suppressions.parse import read_rules
from leakreport.suppressions.rules import Rule
from leakreport.suppressions.treematch import TreeMatcher
from leakreport.symbols.demangle import demangle
from tests.agreement_support import CONFIGURATIONS, FOLDER, our_answers, records

LEAST_PAIRS = 2_000
LEAST_DECIDED = 0.9
"""Of the pairs that valgrind says yes to, how many are known from readable names alone, where all frames are told."""
READ_ALIKE = frozenset({"a static function is not a global one"})
"""Rules for functions whose readable names are those of others."""


@cache
def _answers() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads((FOLDER / "answers.json").read_text(encoding="utf-8"))
    return found


@cache
def _rules() -> tuple[Rule, ...]:
    return read_rules([FOLDER / "written.supp", FOLDER / "made.supp"])


@pytest.fixture(params=CONFIGURATIONS)
def configuration(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("agreement"))


def _run(configuration: str, view: str, folder: str) -> Run:
    path = f"{folder}/{view}.xml"
    with open(path, "wb") as stream:
        stream.write(gzip.decompress((FOLDER / f"{configuration}-{view}.xml.gz").read_bytes()))
    return load(path)


def test_there_are_enough_pairs() -> None:
    texts = [text for found in _answers().values() for text in found]
    assert sum(map(len, texts)) >= LEAST_PAIRS
    assert sum(text.count("1") for text in texts) >= LEAST_PAIRS // 2


def test_where_all_is_told_every_answer_is_valgrinds(folder: str) -> None:
    run = _run("deep", "exact", folder)
    for rule, told in zip(_rules(), _answers()["deep"], strict=True):
        assert [answer.name for answer in our_answers(run, rule)] == [
            "YES" if sign == "1" else "NO" for sign in told
        ], f"{rule.name}: {[pattern.text for pattern in rule.frames]}"


@pytest.mark.parametrize("view", ["exact", "readable"])
def test_where_something_is_not_told_no_answer_is_wrong(configuration: str, view: str, folder: str) -> None:
    run = _run(configuration, view, folder)
    hidden = decided = 0
    for rule, told in zip(_rules(), _answers()[configuration], strict=False):
        if view == "readable" and rule.name in READ_ALIKE:
            continue
        for answer, sign in zip(our_answers(run, rule), told, strict=True):
            assert answer is Answer.UNKNOWN or (answer is Answer.YES) == (sign == "1"), rule.name
            hidden += sign == "1"
            decided += sign == "1" and answer is Answer.YES
    if configuration == "deep":
        assert decided >= LEAST_DECIDED * hidden


def test_the_whole_tree_at_once_gives_the_same(configuration: str, folder: str) -> None:
    run = _run(configuration, "exact", folder)
    table = run.snapshots[0].records
    assert table is not None
    trees, recorded = TreeMatcher(run.frames, run.tree, demangle), Recorded.of(run.snapshots[0].meta)
    for rule in _rules():
        one_by_one = [Matcher(demangle).stack(rule, found.stack, recorded) for found in records(run)]
        assert trees.answers(rule, table.node, recorded).tolist() == one_by_one, rule.name
