"""What stopped a rule, in words."""

from __future__ import annotations

import pytest

from leakreport.model.metrics import LeakKind
from leakreport.suppressions.match import Answer
from leakreport.suppressions.nearest import nearest, nearness
from leakreport.suppressions.parse import parse_rules
from leakreport.suppressions.rules import Rule
from tests.suppressions.rule_support import MATCHER, leak


def rule(*lines: str, kinds: str = "definite", head: str = "Memcheck:Leak") -> Rule:
    extra = [f"match-leak-kinds: {kinds}"] if kinds else []
    (found,) = parse_rules("\n".join(["{", "known", head, *extra, *lines, "}"]), "known.supp")
    return found


DEEP = "malloc grow@libnet.so.2 net::open(int)@libnet.so.2 serve main"
CASES = [
    # lines, matched lines, frame where it stopped, what the reason has in it
    (("fun:malloc", "fun:grow", "fun:net_open"), 2, 2, "name has changed"),
    (("fun:malloc", "fun:grow", "fun:net::open"), 2, 2, "readable"),
    (("fun:malloc", "fun:grow", "fun:serve"), 2, 2, "put ... before"),
    (("fun:grow",), 0, 0, "begins with the allocator"),
    (("fun:malloc", "...", "fun:gone"), 2, 1, "no frame from there on"),
    (("fun:malloc", "obj:*/libnet.so.1"), 1, 1, "another folder or version"),
    (("fun:malloc", "obj:*/libold.so"), 1, 1, "libnet.so.2"),
    (("fun:malloc", "fun:grow.isra.0"), 1, 1, "copy"),
    (("fun:malloc", "fun:grow", "...", "fun:main", "fun:start"), 4, None, "stack ends"),
    (("fun:malloc", "fun:_ZN3net4growE*"), 1, 1, "C++ linker name"),
    (("fun:malloc", "src:b.c"), 1, 1, "a.c"),
]


@pytest.mark.parametrize(("lines", "matched", "frame", "reason"), CASES)
def test_the_frame_and_the_reason_are_told(
    lines: tuple[str, ...], matched: int, frame: int | None, reason: str
) -> None:
    near = nearness(rule(*lines), leak(DEEP), MATCHER)
    assert near.answer is Answer.NO
    assert (near.matched, near.frame) == (matched, frame)
    assert reason in near.reason


def test_another_kind_is_told() -> None:
    near = nearness(rule("fun:malloc", "fun:lose"), leak(kind=LeakKind.POSSIBLE), MATCHER)
    assert near.answer is Answer.NO
    assert near.matched == 2
    assert near.reason == "the leak is possible, and the rule is for definite"


def test_another_tool_and_another_error_are_told() -> None:
    assert "Helgrind" in nearness(rule("fun:malloc", kinds="", head="Helgrind:Race"), leak(), MATCHER).reason
    assert "Cond" in nearness(rule("fun:malloc", kinds="", head="Memcheck:Cond"), leak(), MATCHER).reason


@pytest.mark.parametrize(
    ("pattern", "reason"), [("^los$", "binds the pattern"), ("_ZN3foo", "linker's"), ("gone", "no frame")]
)
def test_a_pattern_of_the_leak_sanitizer_says_why(pattern: str, reason: str) -> None:
    (found,) = parse_rules(f"leak:{pattern}\n", "known.txt")
    near = nearness(found, leak(), MATCHER)
    assert near.answer is Answer.NO
    assert reason in near.reason


def test_what_hides_comes_first_and_then_what_is_nearest() -> None:
    rules = [
        rule("fun:calloc"),
        rule("fun:malloc", "fun:x"),
        rule("fun:malloc", "fun:lose"),
        rule("fun:malloc", "fun:lose", "fun:y"),
    ]
    found = nearest(rules, leak(), MATCHER)
    assert [rules.index(near.rule) for near in found] == [2, 3, 1, 0]
    assert found[0].answer is Answer.YES
