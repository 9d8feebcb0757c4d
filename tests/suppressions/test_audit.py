"""Planted rules are found, each for what is wrong with it, and good ones are left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from leakreport.model.metrics import LeakKind
from leakreport.suppressions.audit import Audit, Fault, audit, audited_file
from leakreport.suppressions.leaks import LeakInput
from tests.suppressions.rule_support import MATCHER, leak, recording

TODAY = date(2026, 6, 1)
LEAKS = (
    leak("malloc lose main"),
    leak("malloc waste main"),
    leak("_Znwm net::Client::open(int) main"),
    leak("calloc ?@libx.so.3 work main"),
    leak("malloc keep main", LeakKind.REACHABLE),
)
INPUT = recording(*LEAKS)


def rule(*lines: str, name: str = "a rule", kinds: str = "definite", head: str = "Memcheck:Leak") -> str:
    """The text of one rule."""
    extra = [f"match-leak-kinds: {kinds}"] if kinds else []
    return "\n".join(["{", name, head, *extra, *lines, "}"]) + "\n"


def audited(text: str, *inputs: LeakInput) -> Audit:
    return audit([audited_file(text, "known.supp")], inputs or (INPUT,), MATCHER, TODAY)


def faults(text: str, *inputs: LeakInput) -> list[Fault]:
    return [finding.fault for finding in audited(text, *inputs).findings]


GOOD = rule("fun:malloc", "fun:lose", name="good")

PLANTED = {
    "no such function": (Fault.DEAD, rule("fun:malloc", "fun:gone")),
    "another kind": (Fault.DEAD, rule("fun:malloc", "fun:lose", kinds="possible")),
    "without the allocator": (Fault.DEAD, rule("fun:lose")),
    "a frame forgotten": (Fault.DEAD, rule("fun:malloc", "fun:main")),
    "only the allocator": (Fault.BROAD, rule("fun:malloc")),
    "any frames and main": (Fault.BROAD, rule("...", "fun:main")),
    "two functions": (Fault.BROAD, rule("fun:malloc", "fun:*s*e")),
    "the same again": (Fault.DUPLICATE, GOOD + GOOD),
    "the same in other words": (Fault.DUPLICATE, GOOD + rule("fun:malloc", "fun:lose", "...", "...", name="again")),
    "all kinds in other words": (
        Fault.DUPLICATE,
        rule("fun:malloc", "fun:lose", kinds="") + rule("fun:malloc", "fun:lose", kinds="all"),
    ),
    "narrower than an earlier one": (Fault.SHADOWED, GOOD + rule("fun:malloc", "fun:lose", "fun:main")),
    "narrower than a later one": (Fault.SHADOWED, rule("fun:malloc", "fun:lose", "fun:main") + GOOD),
    "fewer kinds": (Fault.SHADOWED, rule("fun:malloc", "fun:lose", kinds="definite,possible") + GOOD),
    "the same leaks otherwise": (Fault.SHADOWED, GOOD + rule("fun:mallo?", "...", "fun:lo?e")),
    "a readable name": (Fault.NEVER, rule("fun:_Znwm", "fun:net::Client::open*")),
    "a readable allocator": (Fault.NEVER, rule("fun:operator new(unsigned long)", "fun:x")),
    "parameters": (Fault.NEVER, rule("fun:malloc", "fun:lose(int)")),
    "no kind": (Fault.NEVER, rule("fun:malloc", "fun:lose", kinds="none")),
    "the wrong tool": (Fault.NEVER, rule("fun:malloc", "fun:lose", kinds="", head="Helgrind:Leak")),
    "a class of characters": (Fault.NEVER, rule("fun:malloc", "fun:lo[sz]e")),
    "nothing behind the colon": (Fault.NEVER, rule("fun:malloc", "fun:")),
    "dots alone": (Fault.NEVER, rule("...")),
    "no frames": (Fault.NEVER, rule()),
    "a bad kind": (Fault.NEVER, rule("fun:malloc", "fun:lose", kinds="definite,sometimes")),
    "expired": (Fault.EXPIRED, "# expires: 2026-05-31\n" + GOOD),
    "expired inside": (Fault.EXPIRED, GOOD.replace("fun:lose", "# expires: 2020-01-01\nfun:lose")),
    "no date": (Fault.EXPIRED, "# expires: soon\n" + GOOD),
    "a linker name for lsan": (Fault.NEVER, "leak:_ZN3net6Client4openEi\n"),
    "lsan too broad": (Fault.BROAD, "leak:malloc\n"),
    "lsan dead": (Fault.DEAD, "leak:^los$\n"),
    "lsan twice": (Fault.DUPLICATE, "leak:lose\nleak:lose\n"),
    "lsan shadowed": (Fault.SHADOWED, "leak:los\nleak:lose\n"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str) -> None:
    fault, text = PLANTED[name]
    result = audited(text)
    assert [finding.fault for finding in result.findings] == [fault], result.findings


@pytest.mark.parametrize("name", PLANTED)
def test_every_finding_says_where_why_and_what_to_do(name: str) -> None:
    (finding,) = audited(PLANTED[name][1]).findings
    assert finding.source == "known.supp"
    assert finding.line >= 1
    assert finding.why
    assert finding.advice


def test_all_planted_faults_are_found_in_one_file() -> None:
    planted = [text for text in (found for _, found in PLANTED.values()) if "leak:" not in text]
    result = audited("\n".join(planted))
    assert {finding.fault for finding in result.findings} == set(Fault)
    starts = [at + 1 for at, line in enumerate("\n".join(planted).split("\n")) if line == "{"]
    # Of each planted text the last rule is the bad one, or its neighbour that is wider; all texts have a finding.
    found = {finding.line for finding in result.findings}
    first = 1
    for text in planted:
        last = first + text.count("\n") + 1
        assert any(first <= line <= last for line in found), text
        first = last
    assert len(starts) > len(planted)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "# expires: 2026-06-01\n" + GOOD,
        rule("fun:_Znw*", "fun:_ZN3net6Client*4openE*"),
        rule("fun:calloc", "obj:*/libx.so*"),
        rule("fun:malloc", "fun:keep", kinds="reachable"),
        rule("fun:malloc", "src:a.c", "fun:main", kinds="reachable"),
        "leak:^lose$\n",
        "leak:/libx.so\n",
        "# nothing but a comment\n",
    ],
)
def test_good_rules_are_left_alone(text: str) -> None:
    assert faults(text) == []


def test_a_library_that_a_rule_names_may_leak_in_many_places() -> None:
    inside = (
        leak("malloc a@libx.so.1 b@libx.so.1", is_own=False),
        leak("malloc c@libx.so.1 b@libx.so.1", is_own=False),
    )
    assert faults(rule("...", "obj:*/libx.so*"), recording(*inside)) == []
    assert faults(rule("...", "fun:b"), recording(*inside)) == [Fault.BROAD]
    assert faults(rule("...", "obj:*/libx.so*"), recording(*inside, leak("malloc d@libx.so.1 mine"))) == [Fault.BROAD]


def test_a_rule_for_a_source_file_needs_one() -> None:
    found = leak("malloc lose main")
    bare = replace(found, stack=tuple(frame._replace(file=None) for frame in found.stack))
    assert faults(rule("fun:malloc", "src:a.c", "fun:main"), recording(bare)) == [Fault.NEVER]
    assert faults(rule("fun:malloc", "src:b.c", "fun:main"), recording(found)) == [Fault.DEAD]


def test_inputs_recorded_with_suppressions_call_nothing_dead() -> None:
    filtered = recording(*LEAKS, is_filtered=True)
    result = audited(rule("fun:malloc", "fun:gone"), filtered)
    assert result.findings == ()
    assert "in force" in result.unjudged[0][1]


def test_a_kind_that_was_not_recorded_is_not_judged() -> None:
    lost = recording(LEAKS[0], kinds=frozenset({LeakKind.DEFINITE, LeakKind.POSSIBLE}))
    result = audited(rule("fun:malloc", "fun:gone", kinds="reachable"), lost)
    assert result.findings == ()
    assert "reachable" in result.unjudged[0][1]


def test_rules_for_errors_are_not_judged() -> None:
    result = audited(rule("write(buf)", "fun:write", kinds="", head="Memcheck:Param"))
    assert result.findings == ()
    assert "Param" in result.unjudged[0][1]


def test_a_rule_that_may_fit_is_not_called_dead() -> None:
    result = audited(
        rule("fun:_Znwm", "fun:_ZN3net6Client4openE?Size*"), recording(leak("_Znwm net::Client::open(Size) main"))
    )
    assert result.findings == ()
    assert "may hide" in result.unjudged[0][1]


def test_a_dead_rule_names_what_it_came_near_to() -> None:
    (finding,) = audited(rule("fun:malloc", "fun:lose", "fun:start")).findings
    assert "2 of 3 lines fit" in finding.advice
