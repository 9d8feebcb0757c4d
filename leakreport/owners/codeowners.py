"""CODEOWNERS: rules of who owns which files, as GitHub and as GitLab read them.

    # comment
    *             @everyone           GitHub: the last line that matches decides
    /src/net/     @net ann@corp.example
    /src/gen/                         GitHub: nobody owns it; GitLab: the default of the section, if there is one

    [Documentation][2] @docs          GitLab: in each section the last line that matches decides, all sections count
    docs/
    !docs/gen/                        GitLab: left out of the section, whatever follows

Not read: whether an owner exists, and how many must approve. Source: GitHub, "About code owners"; GitLab, "Syntax of
CODEOWNERS file", and its `lib/gitlab/code_owners`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, assert_never

from leakreport.owners.patterns import fnmatch_pattern, gitignore_pattern


class Dialect(StrEnum):
    """Whose rules hold."""

    GITHUB = "github"
    GITLAB = "gitlab"


class Rule(NamedTuple):
    """One line."""

    pattern: re.Pattern[str]
    owners: tuple[str, ...]
    """Empty where the line says that nobody owns it."""
    line: int
    is_exclusion: bool = False


class Problem(NamedTuple):
    """A line that says nothing, and why."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """The rules of one file."""

    dialect: Dialect
    sections: tuple[tuple[Rule, ...], ...]
    """GitHub's files have one."""
    problems: tuple[Problem, ...] = ()

    def of(self, path: str) -> tuple[str, ...]:
        """The owners of a file of the repository; empty where nobody owns it.

        Args:
            path: below the root of the repository, with slashes.
        """
        found: dict[str, None] = {}
        for rules in self.sections:
            matching = [rule for rule in rules if rule.pattern.fullmatch(path)]
            if matching and not any(rule.is_exclusion for rule in matching):
                found |= dict.fromkeys(matching[-1].owners)
        return tuple(found)


def parse_codeowners(text: str, dialect: Dialect) -> CodeOwners:
    """The rules of a file. Lines that the forge itself passes over are passed over and named."""
    match dialect:
        case Dialect.GITHUB:
            return _github(text)
        case Dialect.GITLAB:
            return _gitlab(text)
        case _:
            assert_never(dialect)


def has_sections(text: str) -> bool:
    """Whether a file has headings of sections: GitLab alone reads them, GitHub passes such lines over."""
    return any(_HEADING.fullmatch(line) for _, line in _lines(text))


_OWNER = re.compile(r"@[\w-][\w.-]*(?:/[\w.-]+)*\Z|[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_ENTRY = re.compile(r"(?P<pattern>(?:\\.|[^\\\s])+)(?P<owners>\s.*)?\Z", re.DOTALL)
_HEADING = re.compile(r"(?P<optional>\^?)\[(?P<name>.*?)\](?:\[\d*?\])?(?P<owners>\s+[@\w.\-/\s+]*)?")
# In the order of GitLab's own: the user part of an address is no name.
_REFERENCE = re.compile(
    r"(?<!\S)@@(?:developer|maintainer|owner)s?(?!\S)|[^@\s]{1,100}@[^@\s]{1,255}(?<!\W)|(?<![\w@])@[\w.-]+(?:/[\w.-]+)*",
    re.I,
)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _github(text: str) -> CodeOwners:
    rules, problems = [], []
    for number, line in _lines(text):
        entry = _ENTRY.match(line)
        if entry is None:
            problems.append(Problem(number, "it ends in a backslash"))
            continue
        pattern = entry["pattern"]
        # A word that begins with # begins a comment.
        owners = tuple(re.split(r"(?:\A|\s)#", entry["owners"] or "")[0].split())
        wrong = next((owner for owner in owners if not _OWNER.match(owner)), None)
        if pattern.startswith(("!", "\\#")):
            problems.append(
                Problem(number, f"GitHub knows no pattern that begins with {pattern[: 1 + (pattern[0] != '!')]}")
            )
        elif "[" in pattern:
            problems.append(Problem(number, "GitHub knows no [ ] in patterns"))
        elif wrong is not None:
            problems.append(Problem(number, f"{wrong} is no owner"))
        else:
            rules.append(Rule(gitignore_pattern(pattern), owners, number))
    return CodeOwners(Dialect.GITHUB, (tuple(rules),), tuple(problems))


@dataclass(slots=True)
class _Section:
    rules: dict[str, Rule] = field(default_factory=dict)
    """By pattern: one that stands twice says at its first place what it says last, as at GitLab."""


def _gitlab(text: str) -> CodeOwners:
    sections: dict[str, _Section] = {"": _Section()}
    problems = []
    current, defaults = sections[""], ""
    for number, line in _lines(text):
        heading = _HEADING.match(line)
        if heading is not None:
            current = sections.setdefault(heading["name"].casefold(), _Section())
            defaults = heading["owners"] or ""
            if not heading["name"]:
                problems.append(Problem(number, "the section has no name"))
            continue
        pattern, _, owners = _divided(line)
        is_exclusion = pattern.startswith("!")
        pattern = pattern.removeprefix("!")
        pattern = re.sub(r"\\\s+", " ", re.sub(r"\A\\#", "#", pattern))
        found = () if is_exclusion else _references(owners if owners.strip() else defaults)
        if not found and not is_exclusion:
            problems.append(Problem(number, "it names no owner"))
        current.rules[pattern] = Rule(fnmatch_pattern(pattern), found, number, is_exclusion)
    return CodeOwners(
        Dialect.GITLAB,
        tuple(tuple(section.rules.values()) for section in sections.values()),
        tuple(problems),
    )


def _divided(line: str) -> tuple[str, str, str]:
    """The pattern and what follows the first white space that no backslash stands before."""
    found = re.search(r"(?<!\\)\s+", line)
    return (line, "", "") if found is None else (line[: found.start()], found[0], line[found.end() :])


def _references(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match[0] for match in _REFERENCE.finditer(text)))
