"""What can be explained without an input: rules, errors and notes by slug, patterns of the table, and functions they know."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from leakreport.advice.matching import by_function
from leakreport.advice.pattern import Pattern
from leakreport.advice.table import BY_SLUG, PATTERNS
from leakreport.analysis.advice import (
    LEAK_TEXTS,
    NO_DEBUG_INFO_ADVICE,
    PROBLEM_TEXTS,
    SIGNAL_TEXT,
    STACK_CUT_ADVICE,
    UNKNOWN_PROBLEM,
    WRAPPER_ADVICE,
    ProblemText,
)
from leakreport.analysis.reason_text import RULES as GROWTH_RULES
from leakreport.errors import UsageError
from leakreport.explain.answer import Answer, Section, six_sections
from leakreport.explain.kinds import DESCRIPTOR_WORDS, ERROR_WORDS, GROWTH_WORDS, KIND_WORDS, Words
from leakreport.explain.leak import words_of_rule
from leakreport.explain.messages import Message, messages
from leakreport.explain.tables import table_words
from leakreport.model.metrics import LeakKind

_RECORDING = {
    "recording.stack-cut": ProblemText("Stacks end at the limit of the recording", STACK_CUT_ADVICE),
    "recording.no-debug-info": ProblemText("Places in your code have no file and line", NO_DEBUG_INFO_ADVICE),
    "recording.wrapper": ProblemText(
        "Paths are named by a function that looks like an allocation wrapper", WRAPPER_ADVICE.format(name="NAME")
    ),
}
_GROWTH = {
    "growth.changed-library": ProblemText(
        "A library that changed between two runs, and what grew in it or through it",
        "Compare with a run that differs in this library alone, and read what its makers changed.",
    ),
    "growth.call-edge": ProblemText(
        "One of the fewest calls that together carry 80 % of the growth",
        "Look at what this call keeps, and who is meant to release it.",
    ),
    "growth.common-function": ProblemText(
        "The deepest function that nearly all of the growth goes through", "Look at what differs between two calls of it."
    ),
    "growth.responsible-frame": ProblemText(
        "The function of yours that names most of the growth", "Start reading there."
    ),
}  # fmt: skip
_GROWN = ("new", "grown", "growing")
"""Families of rules that comparisons and trends have in the formats for pipelines, one rule for each leak kind."""
_GROWN_KINDS = {f"{family}.{kind.word}": (family, kind) for family in _GROWN for kind in LEAK_TEXTS}
_KINDS = {f"leak.{kind.word}": kind for kind in LEAK_TEXTS}
_MISTYPED = 0.85
"""How alike a name is to a known one that it is meant to be."""
_SURE = "A pattern is recognised by names in the stack. A stack shows who allocated, and not who should have released it: read it as a possibility."


def rules() -> tuple[str, ...]:
    """The rules of findings, as reports show them."""
    problems = (_rule_of(kind) for kind in PROBLEM_TEXTS)
    return (*_KINDS, *sorted(problems), "signal", *_RECORDING, *GROWTH_RULES, *_GROWN_KINDS)


def _rule_of(kind: str) -> str:
    return f"{'descriptor' if kind.startswith('Fd') else 'error'}.{kind}"


def explain_topic(given: str) -> Answer:
    """A rule, an error or note, a pattern, or a function.

    Raises:
        UsageError: nothing is known by that name.
    """
    if given in _GROWN_KINDS:
        return _grown(given)
    for name in (given, f"leak.{given}", _rule_of(given), f"recording.{given}", f"growth.{given}"):
        if name in _KINDS:
            return _kind(name, _KINDS[name])
        if name in rules() or name.startswith("signal."):
            return _rule(name)
    found_message = messages().get(given) or messages().get(given.removeprefix("report."))
    if found_message is not None:
        return _message(found_message)
    if given in table_words():
        return _word(given)
    if given.startswith("report."):
        return explain_topic(given.removeprefix("report."))
    if given in BY_SLUG:
        return _pattern(given, [BY_SLUG[given]])
    found = by_function(given.removesuffix("()"))
    if found:
        return _pattern(given, found)
    known = [
        *rules(),
        *PROBLEM_TEXTS,
        *(kind.word for kind in LEAK_TEXTS),
        *messages(),
        *table_words(),
        *BY_SLUG,
        *_functions(),
    ]
    if given.startswith("error.") and not get_close_matches(given, rules(), n=1, cutoff=_MISTYPED):
        # Tools have more kinds than are described, and reports print them as they are.
        kind = given.partition(".")[2]
        what = f"The tool calls it {kind}."
        return _answer(given, f"Error {kind}", what, UNKNOWN_PROBLEM.advice, ERROR_WORDS)
    near = get_close_matches(given, known, n=3, cutoff=0.5)
    advice = f"Nearest: {', '.join(dict.fromkeys(near))}." if near else "leakreport explain lists what is known."
    raise UsageError(f"nothing is known by the name {given}", advice=advice)


def topics() -> Answer:
    """Everything that can be explained, by name."""
    slugs = messages().values()
    return Answer(
        "explanation",
        "What can be explained",
        (
            Section("A path or finding of a report", ("leakreport explain ID [INPUT...]",)),
            Section("Rules", rules()),
            Section("Errors", tuple(message.slug for message in slugs if message.is_error)),
            Section(
                "Notes", tuple(message.slug for message in slugs if not (message.is_error or message.is_of_outputs))
            ),
            Section(
                "Rules of formats for pipelines", tuple(message.slug for message in slugs if message.is_of_outputs)
            ),
            Section("States and reasons of a check, faults of an audit", tuple(table_words())),
            Section("Patterns of stacks", tuple(pattern.slug for pattern in PATTERNS)),
            Section("Functions", ("Those of the patterns: leakreport explain fopen",)),
        ),
    )


def _functions() -> Iterator[str]:
    for pattern in PATTERNS:
        yield from (name for name in pattern.calls if "*" not in name)


def _kind(rule: str, kind: LeakKind) -> Answer:
    words, text = KIND_WORDS[kind], LEAK_TEXTS[kind]
    title = kind.title if kind is not LeakKind.NONE else "retained"
    what = f"{title[:1].upper()}{title[1:]}: {text.meaning}."
    return _answer(rule, title, what, text.advice, words)


def _grown(rule: str) -> Answer:
    family, kind = _GROWN_KINDS[rule]
    text = LEAK_TEXTS[kind]
    title = kind.title if kind is not LeakKind.NONE else "retained"
    what = (*messages()[family].text, f"{title[:1].upper()}{title[1:]}: {text.meaning}.")
    words = KIND_WORDS[kind]
    sections = six_sections(
        what, (words.why,), (words.sure,), (text.advice,), (GROWTH_WORDS.ignore,), (GROWTH_WORDS.prove,)
    )
    return Answer("explanation", f"{rule}: {title}, {family}", sections, (), {"rule": rule})


def _rule(rule: str) -> Answer:
    family, _, kind = rule.partition(".")
    if family == "growth":
        text, words = _GROWTH[rule], GROWTH_WORDS
    elif family == "recording":
        text, words = _RECORDING[rule], words_of_rule(rule)
    elif family == "signal":
        text, words = SIGNAL_TEXT, words_of_rule(rule)
    else:
        text, words = PROBLEM_TEXTS[kind], DESCRIPTOR_WORDS if family == "descriptor" else ERROR_WORDS
    return _answer(rule, text.title, f"{text.title}.", text.advice, words)


def _answer(rule: str, title: str, what: str, advice: str, words: Words) -> Answer:
    return Answer(
        "explanation",
        f"{rule}: {title}",
        six_sections((what,), (words.why,), (words.sure,), (advice,), (words.ignore,), (words.prove,)),
        (),
        {"rule": rule},
    )


def _message(message: Message) -> Answer:
    kind = "an error" if message.is_error else "a rule of outputs" if message.is_of_outputs else "a note on the data"
    return Answer(
        "explanation",
        f"{message.slug}: {kind}",
        (Section("What", message.text), *table_words().get(message.slug, ())),
        (),
        {"message": message.slug, "is_error": message.is_error},
    )


def _word(word: str) -> Answer:
    sections = table_words()[word]
    return Answer("explanation", f"{word}: {sections[0].heading}", sections, (), {"message": word})


def _pattern(name: str, found: list[Pattern]) -> Answer:
    what, fix, ignore, prove = [], [], [], []
    for pattern in found:
        what.append(f"{pattern.slug}: {pattern.noun}.")
        if pattern.release:
            fix.append(f"It is released by {pattern.release}.")
        fix.extend(pattern.fix)
        ignore.append(pattern.ignore)
        prove.append(pattern.prove)
    is_harmless = all(pattern.is_harmless for pattern in found)
    words = KIND_WORDS[LeakKind.REACHABLE if is_harmless else LeakKind.DEFINITE]
    return Answer(
        "explanation",
        name,
        six_sections(tuple(what), (words.why,), (_SURE,), tuple(fix), (*ignore, words.ignore), (*prove, words.prove)),
        (),
        {"patterns": [pattern.slug for pattern in found], "release": found[0].release},
    )
