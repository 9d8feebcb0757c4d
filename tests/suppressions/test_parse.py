"""Files of rules: what valgrind and LeakSanitizer read, and what they refuse, in their words."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from leakreport.errors import EXIT_USAGE, SuppressionError
from leakreport.limits import Limits
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.suppressions.parse import parse_rules, read_rules
from leakreport.suppressions.rules import Dialect, FramePattern, Place

RULE = "{\n n\n Memcheck:Leak\n%s}\n"
BROKEN = {
    "neither": "malloc\n",
    "second rule": RULE % " fun:malloc\n" + "{ a\n",
    "no name": "{\n}\n",
    "end after the brace": "{\n",
    "end after the name": "{\n n\n",
    "no colon": "{\n n\n Memcheck\n fun:malloc\n}\n",
    "unknown kind": "{\n n\n Memcheck:Leek\n fun:malloc\n}\n",
    "unknown size": "{\n n\n Memcheck:Addr3\n fun:malloc\n}\n",
    "blank in the kinds": RULE % " match-leak-kinds: definite, possible\n fun:malloc\n",
    "none among the kinds": RULE % " match-leak-kinds: definite,none\n fun:malloc\n",
    "no kinds": RULE % " match-leak-kinds:\n fun:malloc\n",
    "kinds twice": RULE % " match-leak-kinds: all\n match-leak-kinds: all\n fun:malloc\n",
    "source first": RULE % " src:a.c\n",
    "no frames": RULE % "",
    "kinds and no frames": RULE % " match-leak-kinds: all\n",
    "any frames alone": RULE % " ...\n",
    "no location": RULE % " fun:malloc\n foo:f\n",
    "end in the frames": "{\n n\n Memcheck:Leak\n fun:malloc\n\n # nothing\n",
    "end without a line": "{\n n\n Memcheck:Leak\n fun:malloc",
    "parameter without a name": "{\n n\n Memcheck:Param\n fun:malloc\n}\n",
    "parameter without frames": "{\n n\n Memcheck:Param\n write(buf)\n}\n",
    "end in another tool's": "{\n n\n Helgrind:Race\n nonsense\n",
    "too many frames": RULE % (" fun:f\n" * 501),
}
READ = {
    "nothing": ("", 0),
    "comments": ("# a\n\n  # b\n", 0),
    "windows": ((RULE % " fun:malloc\n").replace("\n", "\r\n"), 1),
    "no line at the end": ((RULE % " fun:malloc\n").rstrip(), 1),
    "names with signs": ("{\n name, & <x> {\n Memcheck,Helgrind:Leak\n fun:operator new\n}\n", 1),
    "other tools": ("{\n n\n Helgrind:Whatever\n nonsense\n}\n" + RULE % " fun:f\n", 2),
    "comments inside": ("{\n # a\n n\n Memcheck:Cond\n # b\n fun:a b\n\n}\n# c\n", 1),
    "none": (RULE % " match-leak-kinds: none\n fun:f\n", 1),
    "any frames first": (RULE % " ...\n src:a.c:3\n", 1),
    "as many frames as can be": (RULE % (" fun:f\n" * 500), 1),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_name_the_line(case: str) -> None:
    with pytest.raises(SuppressionError) as caught:
        parse_rules(BROKEN[case], "x.supp")
    assert re.fullmatch(r"x\.supp:\d+", caught.value.where)
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.profilers
def test_valgrind_says_the_same_of_the_same_line(tool: Callable[[str], str], tmp_path: Path) -> None:
    for case, text in BROKEN.items():
        path = tmp_path / "x.supp"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [tool("valgrind"), "--num-callers=500", f"--suppressions={path}", "/bin/true"],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = re.search(r"near line (\d+):\n==\d+==\s+(.*)", done.stderr)
        assert said is not None, case
        with pytest.raises(SuppressionError) as caught:
            parse_rules(text, "x.supp")
        # It counts ends of lines; a last line without one is not counted.
        line = int(said[1]) + (not text.endswith("\n"))
        assert (caught.value.where, caught.value.what) == (f"x.supp:{line}", said[2]), case


@pytest.mark.profilers
def test_valgrind_reads_what_we_read(tool: Callable[[str], str], tmp_path: Path) -> None:
    for case, (text, _) in READ.items():
        path = tmp_path / "x.supp"
        path.write_bytes(text.encode())
        command = [tool("valgrind"), "-q", "--num-callers=500", f"--suppressions={path}", "/bin/true"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, (case, done.stderr)


@pytest.mark.parametrize("case", READ)
def test_files_are_read(case: str) -> None:
    text, count = READ[case]
    assert len(parse_rules(text, "x.supp")) == count


def test_a_rule_has_what_its_lines_say() -> None:
    text = "# c\n{\n  my rule\n Memcheck,Addrcheck:Leak\n match-leak-kinds: definite,possible\n fun:f*\n ...\n src:a.c:7\n obj:/lib/x y\n}\n"
    (rule,) = parse_rules(text, "x.supp")
    assert (rule.name, rule.where, rule.dialect) == ("my rule", "x.supp:3", Dialect.VALGRIND)
    assert (rule.tools, rule.kind, rule.kinds) == (
        ("Memcheck", "Addrcheck"),
        "Leak",
        frozenset({LeakKind.DEFINITE, LeakKind.POSSIBLE}),
    )
    assert rule.frames == (
        FramePattern(Place.FUNCTION, "f*"),
        FramePattern(Place.ANY_FRAMES),
        FramePattern(Place.SOURCE, "a.c", 7),
        FramePattern(Place.OBJECT, "/lib/x y"),
    )


def test_kinds_are_all_where_nothing_is_said() -> None:
    (every, named) = parse_rules(RULE % " fun:f\n" + RULE % " match-leak-kinds: all\n fun:f\n", "x")
    assert every.kinds is None
    assert named.kinds == frozenset(LEAK_KINDS)


def test_lines_of_leak_sanitizer() -> None:
    rules = parse_rules("# c\nleak:libfoo.so\n  leak:^main$ \r\n", "x.txt")
    assert [(rule.name, rule.dialect, rule.line) for rule in rules] == [
        ("libfoo.so", Dialect.LSAN, 2),
        ("^main$", Dialect.LSAN, 3),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("leak:a\n{\n", "valgrind's"),
        (RULE % " fun:f\n" + "leak:a\n", "LeakSanitizer's"),
        ("race:a\n", "leak:PATTERN"),
        ("leak:\n", "hide everything"),
    ],
)
def test_a_line_of_another_dialect_is_recognised(text: str, words: str) -> None:
    with pytest.raises(SuppressionError, match=re.escape(words)):
        parse_rules(text, "x")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SuppressionError, match="cannot open"):
        read_rules([tmp_path / "missing.supp"])
    with pytest.raises(SuppressionError, match="is a directory"):
        read_rules([tmp_path])
    large = tmp_path / "large.supp"
    large.write_bytes(b"#" * 101)
    with pytest.raises(SuppressionError, match="more than 100 bytes"):
        read_rules([large], Limits(element_bytes=100))


def test_bytes_that_are_no_text_are_names(tmp_path: Path) -> None:
    path = tmp_path / "x.supp"
    path.write_bytes((RULE % " fun:f\n").replace("n\n", "n\xe9\n", 1).encode("latin-1"))
    assert len(read_rules([path])) == 1
