"""What a call path is, beyond one build: canonical function names and the stable path id.

Names of one function differ between builds and compilers: clones, inline namespaces, lambda numbers, return types,
Rust hashes. The canonical form takes these away; a part that a name does not tell is None, and unknown is not
different. The path id is a hash of the canonical names of your frames, so that a finding keeps its name in tickets.

Source: the rules and what they were measured on are in `docs/identity.md`. Their version is the 1 of `p1-`: any change
of a canonical form is another version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

ID_VERSION = "p1"
_ID_DIGITS = 16

_CLONES = re.compile(
    r"(?: \[clone [^\[\]]*\]"
    r"|\.(?:constprop|isra|part|cold|lto_priv|localalias|actor|destroy|llvm|resume|cleanup)(?:\.\d+)*"
    r"|\.\d+)+\Z"
)
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}\Z")
_ABI_TAG = re.compile(r"\[abi:[^\]]*\]")
_STD_STRING = re.compile(r"std::basic_string<char, std::char_traits<char>, std::allocator<char> ?>")
_LAMBDA = re.compile(
    r"\{lambda\([^{}]*\)#(\d+)\}|<lambda\([^<>]*\)>|'lambda(\d*)'\([^()]*\)|\$_(\d+)"
    r"|\{\{closure\}\}|\{closure(?:_env)?#(\d+)\}(?:::\{closure_env#\d+\})?|\{lambda\}"
)
_OPERATOR = re.compile(r"operator(\(\)|\[\]|<<=|>>=|<=>|->\*|->|<<|>>|<=|>=|<(?![A-Za-z_:(])|>|,)")
_OPERATOR_WORDS = {
    "()": "call",
    "[]": "index",
    "<<=": "shl_assign",
    ">>=": "shr_assign",
    "<=>": "spaceship",
    "->*": "arrow_star",
    "->": "arrow",
    "<<": "shl",
    ">>": "shr",
    "<=": "le",
    ">=": "ge",
    "<": "lt",
    ">": "gt",
    ",": "comma",
}
_QUALIFIERS = re.compile(r"\)(?: const| volatile| noexcept| &&?)+")
_CONVERSION = re.compile(r"\boperator (?=\w)")
_UNNAMED = {"", "???", "UnknownInlinedFun", "UnknownFn???"}
LAMBDA = "LAMBDA"
ANONYMOUS = "ANON"
_WORD = re.compile(r"\w+")
_ADDED_WORDS = {LAMBDA, ANONYMOUS, *(f"operator_{word}" for word in _OPERATOR_WORDS.values())}


class CanonicalName(NamedTuple):
    """The parts of a function name that mean something in every build; None where the name does not tell."""

    base: str | None
    scope: tuple[str, ...] | None
    template_arguments: str
    arguments: str | None
    lambda_number: str | None

    @property
    def key(self) -> str:
        """The part that path ids are made from: `scope::base<template arguments>`."""
        if self.base is None:
            return "?"
        return "::".join((*(self.scope or ()), self.base)) + self.template_arguments


def is_verbatim(function: str) -> bool:
    """Whether a name is no function's: a path, or a group in brackets.

    >>> is_verbatim("/data/a (1).log"), is_verbatim("[glibc arena]"), is_verbatim("main")
    (True, True, False)
    """
    return function.startswith("/") or (function.startswith("[") and function.endswith("]"))


UNKNOWN = CanonicalName(None, None, "", None, None)


@lru_cache(maxsize=1 << 11)
def canonical_name(function: str | None) -> CanonicalName:
    """The canonical form of a function name as some tool writes it.

    >>> canonical_name("expr::Node<int>* expr::grow<int>(int) [clone .constprop.0]").key
    'expr::grow<int>'
    >>> canonical_name("<T as Trait>::f::h0123456789abcdef").key, canonical_name("f(int)::{lambda(char)#2}::operator()").key
    ('T::f', 'f::LAMBDA')
    """
    if function is None or function in _UNNAMED or function.startswith("0x"):
        return UNKNOWN
    if function.startswith("(") and function.find(")") == len(function) - 1:  # (below main)
        return CanonicalName(function, (), "", None, None)
    if is_verbatim(function):
        return CanonicalName(module_stem(function) if ".so" in function else function, (), "", None, None)
    text, number = _plain_spelling(function)
    text, trait_arguments = _without_impl_head(text)
    plain, templates, arguments = _split_brackets(text)
    if "operator " in plain:
        plain = _CONVERSION.sub("operator_cv_", plain)
    # What stands before the last blank is the return type of a template function.
    parts = [part for part in plain.strip().split(" ")[-1].lstrip("*&").split("::") if part]
    if not parts:
        return UNKNOWN
    base = parts[-1]
    scope = parts[:-1]
    if base in {LAMBDA, "operator_call"} and (base == LAMBDA or LAMBDA in scope or not scope):
        base = LAMBDA
        scope = [part for part in scope if part != LAMBDA]
    return CanonicalName(
        base=base,
        # A bare name without parameters is an inlined function: its scope is not told.
        scope=tuple(scope) if scope or arguments is not None else None,
        template_arguments=trait_arguments + templates,
        arguments=arguments,
        lambda_number=number,
    )


def _plain_spelling(text: str) -> tuple[str, str | None]:
    """One spelling for what tools and compilers write in several ways, and the number of the lambda, if there is one.

    Most names have none of it: looking for a word first is ten times faster than a pattern.
    """
    if "." in text or "[clone " in text:
        text = _CLONES.sub("", text)
    if "::h" in text:
        text = _RUST_HASH.sub("", text)
    if "[abi:" in text:
        text = _ABI_TAG.sub("", text)
    if "std::" in text:
        text = text.replace("std::__cxx11::", "std::").replace("std::__1::", "std::")
        text = _STD_STRING.sub("std::string", text)
    for spelling in ("(anonymous namespace)", "{anonymous}", "_GLOBAL__N_1"):
        text = text.replace(spelling, ANONYMOUS)
    number = None
    if "{" in text or "lambda" in text or "$_" in text:
        found = _LAMBDA.search(text)
        if found is not None:
            number = next((part for part in found.groups() if part), None)
            text = _LAMBDA.sub(LAMBDA, text)
    if "operator" in text:
        text = _OPERATOR.sub(lambda match: f"operator_{_OPERATOR_WORDS[match[1]]}", text)
    if ") " in text or ")&" in text:
        text = _QUALIFIERS.sub(")", text)
    return text.replace("->", "\x01").replace("::<", "<"), number


def _without_impl_head(text: str) -> tuple[str, str]:
    """Rust's `<T as Trait>::f` as `T::f`, with the template arguments of T apart."""
    if not text.startswith("<"):
        return text, ""
    depth = 0
    type_end = 0
    for position, character in enumerate(text):
        if character in "<([":
            depth += 1
        elif character in ">)]":
            depth -= 1
            if depth == 0:
                if not text.startswith("::", position + 1):
                    return text, ""
                type_text, templates, _ = _split_brackets(text[1 : type_end or position])
                type_text = type_text.lstrip("&").replace("dyn ", "").replace("mut ", "").strip()
                return type_text + text[position + 1 :], templates
        elif depth == 1 and not type_end and text.startswith(" as ", position):
            type_end = position
    return text, ""


def _balanced(opening: str, closing: str, other: str, depth: int) -> str:
    """A pattern for a balanced bracket at most so deep; possessive, so that it never tries twice."""
    both = f"[^{opening}{closing}{other[:1]}]++"
    pattern = rf"\{opening}(?:{both}{other and '|' + other[1:]})*+\{closing}"
    for _ in range(depth):
        pattern = rf"\{opening}(?:{both}|{pattern}{other and '|' + other[1:]})*+\{closing}"
    return pattern


_ANGLES = _balanced("<", ">", "", 12)
_PARENTHESES = _balanced("(", ")", "<" + _ANGLES, 3)
_PART = re.compile(rf"([^<>() ]++)|({_ANGLES})|({_PARENTHESES})|( )")
_BRACKET_OR_BLANK = re.compile(r"[<>() ]")


def _split_brackets(text: str) -> tuple[str, str, str | None]:
    """The text outside brackets, all <…> parts joined, and the last (…) part."""
    plain, templates, arguments = "", "", None
    position = 0
    while (match := _PART.match(text, position)) is not None:
        position = match.end()
        if match[1]:
            plain += match[1]
        elif match[2]:
            templates += match[2]
        elif match[3]:
            arguments = match[3]
        else:
            plain += " "
            if arguments is None:
                # A blank before the parameters ends the return type, whose template arguments are not the function's.
                templates = ""
    return (plain, templates, arguments) if position == len(text) else _split_odd_brackets(text)


def _split_odd_brackets(text: str) -> tuple[str, str, str | None]:
    """The same for brackets that do not match or are very deep. One pass with a counter."""
    plain: list[str] = []
    templates: list[str] = []
    arguments: list[str] | None = None
    angle = paren = start = 0
    for match in _BRACKET_OR_BLANK.finditer(text):
        character = match[0]
        # What stands before a bracket belongs to what was open before it; a bracket belongs to what it opens or closes.
        target = (arguments or []) if paren else templates if angle else plain
        target.append(text[start : match.start()])
        start = match.end()
        if character == "<":
            angle += 1
        elif character == "(" and angle == 0:
            paren += 1
            if paren == 1:
                arguments = []
        if paren:
            assert arguments is not None
            arguments.append(character)
        elif angle:
            templates.append(character)
        else:
            plain.append(character)
            if character == " " and arguments is None:
                # A blank before the parameters ends the return type, whose template arguments are not the function's.
                templates.clear()
        if character == ">" and angle:
            angle -= 1
        elif character == ")" and paren and angle == 0:
            paren -= 1
    target = (arguments or []) if paren else templates if angle else plain
    target.append(text[start:])
    return "".join(plain), "".join(templates), None if arguments is None else "".join(arguments)


_OPERATOR_SIGNS = {f"operator_{word}": f"operator{sign}" for sign, word in _OPERATOR_WORDS.items()}


def prose_name(function: str) -> str:
    """A function name for a sentence: scope and name, no template arguments, parameters or return type.

    >>> prose_name("shop::Table<std::string, int>::operator->*(int)"), prose_name("main::{lambda(int)#1}::operator()(int) const")
    ('shop::Table::operator->*', 'main::{lambda}')
    """
    name = canonical_name(function)
    if name.base is None or is_verbatim(function):
        return function
    parts = [*(name.scope or ()), name.base]
    shown = [_OPERATOR_SIGNS.get(part, part).replace("operator_cv_", "operator ") for part in parts]
    return "::".join("{lambda}" if part == LAMBDA else part for part in shown).replace(ANONYMOUS, "(anonymous)")


_VERSIONED = re.compile(r"(?P<stem>.+?)(?:-(?P<dashed>\d[\d.]*))?\.so(?:\.(?P<version>\d[\w.]*))?\Z")


@lru_cache(maxsize=1 << 12)
def module_stem(module: str | None) -> str:
    """The module without folder and version.

    >>> module_stem("/usr/lib/libfoo.so.3.1"), module_stem("/opt/app/bin/tileserver"), module_stem("libbar-1.2.so")
    ('libfoo.so', 'tileserver', 'libbar.so')
    """
    if module is None:
        return "?"
    name = module.rsplit("/", 1)[-1]
    match = _VERSIONED.match(name)
    return f"{match['stem']}.so" if match else name


def module_version(module: str | None) -> str | None:
    """The version that a library's file name carries.

    >>> module_version("/usr/lib/libfoo.so.3.1.4"), module_version("libbar-1.2.so"), module_version("libm.so")
    ('3.1.4', '1.2', None)
    """
    match = _VERSIONED.match(module.rsplit("/", 1)[-1]) if module else None
    return (match["version"] or match["dashed"]) if match else None


def fold_recursion(keys: Sequence[str]) -> list[str]:
    """The chain with each recursion reduced to one round: depth is data, not identity. Outermost first.

    From the innermost key outwards, a key that stands again further out takes everything up to its outermost
    occurrence with it. The innermost frame is kept. Linear.

    >>> fold_recursion(["main", "walk", "visit", "walk", "visit", "leaf"])
    ['main', 'walk', 'visit', 'leaf']
    """
    if len(set(keys)) == len(keys):
        return list(keys)
    outermost = {}
    for position in range(len(keys) - 1, -1, -1):
        outermost[keys[position]] = position
    folded: list[str] = []
    position = len(keys) - 1
    while position >= 0:
        folded.append(keys[position])
        first = outermost[keys[position]]
        position = first - 1 if keys[position] != "?" else position - 1
    folded.reverse()
    return folded


def encoded(text: str) -> bytes:
    """A part of a path text; what an input wrote in no valid encoding stays told apart."""
    return text.encode("utf-8", "surrogatepass")


def path_text(folded_keys: Iterable[bytes], stem: bytes, family: bytes) -> bytes:
    """What a path id is a hash of: the folded canonical chain of your frames, the module, the allocator family."""
    return b"\n".join([*folded_keys, stem, family])


def long_path_id(text: bytes, ordinal: int) -> str:
    """The id of a path with 32 digits; paths that share their text are told apart by an ordinal, the first has none.

    >>> short_path_id(long_path_id(b"main", 1)), long_path_id(b"main", 2) != long_path_id(b"main", 1)
    ('p1-72e0224eca9c0d03', True)
    """
    named = text if ordinal == 1 else b"%b#%d" % (text, ordinal)
    return f"{ID_VERSION}-{blake2b(named, digest_size=16).hexdigest()}"


def problem_id(text: bytes, ordinal: int) -> str:
    """The id of an error, a signal or a descriptor, of the same text as that of a path: `e1-` and 16 digits.

    >>> problem_id(b"main", 1)
    'e1-72e0224eca9c0d03'
    """
    return f"e{short_path_id(long_path_id(text, ordinal))[1:]}"


def short_path_id(long_id: str) -> str:
    """The id as reports show it, with 16 digits; the long one stands only where two paths would share it by chance."""
    return long_id[: len(ID_VERSION) + 1 + _ID_DIGITS]


def is_told(key: str, function: str) -> bool:
    """Whether a canonical name says nothing that a function's name does not: one that is shown must not tell what is hidden.

    >>> is_told("shop::Table::operator_index", "shop::Table<int>::operator[](int)"), is_told("shop::Table", "function-4d2e")
    (True, False)
    """
    return all(
        word in function or word in _ADDED_WORDS or word.removeprefix("operator_cv_") in function
        for word in _WORD.findall(key)
    )
