"""C++ and Rust names made short enough to show, without ever cutting inside an operator, a lambda or a hash.

The full name stays in titles and data; only what is shown gets shorter, step by step, until it fits.
All steps are linear in the length of the name: hostile names have 100,000 characters and 50,000 levels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

ELLIPSIS = "…"


class _Kind(IntEnum):
    TEXT = 0
    WHOLE = 1
    """Never cut inside: operators, lambdas, hashes."""
    SPACE = 2
    SCOPE = 3
    COMMA = 4
    OPEN_TEMPLATE = 5
    CLOSE_TEMPLATE = 6
    OPEN_PAREN = 7
    CLOSE_PAREN = 8
    OPEN_BRACE = 9
    CLOSE_BRACE = 10


class _Token(NamedTuple):
    text: str
    kind: _Kind


# Bounded repetitions keep the scan linear where a closing character never comes.
_TOKEN = re.compile(
    r"(?P<whole>\boperator(?:\(\)|\[\]|->\*?|<=>|<<=|>>=|<<|>>|\+\+|--|&&|\|\||[-+*/%^&|=!<>]=?|[~,]"
    r"|\s?\"\"\s?\w{1,200}|\s(?:new|delete)(?:\[\])?|\sco_await)"
    r"|\(anonymous namespace\)|\(below main\)|\[abi:[^\]]{0,64}\]|\[clone [^\]]{0,200}\]|'[^'<>()]{0,64}'"
    r"|\bh[0-9a-f]{16}\b|->)"
    r"|(?P<word>[\w$@~.#]+)|(?P<space>\s+)|(?P<scope>::)|(?P<comma>,)|(?P<sign>[<>(){}])|(?P<other>.)",
    re.DOTALL,
)
_SIGNS = {
    "<": _Kind.OPEN_TEMPLATE,
    ">": _Kind.CLOSE_TEMPLATE,
    "(": _Kind.OPEN_PAREN,
    ")": _Kind.CLOSE_PAREN,
    "{": _Kind.OPEN_BRACE,
    "}": _Kind.CLOSE_BRACE,
}
_GROUP_KINDS = {
    "whole": _Kind.WHOLE,
    "word": _Kind.TEXT,
    "space": _Kind.SPACE,
    "scope": _Kind.SCOPE,
    "comma": _Kind.COMMA,
    "other": _Kind.TEXT,
}
_OPENS = {
    _Kind.CLOSE_TEMPLATE: _Kind.OPEN_TEMPLATE,
    _Kind.CLOSE_PAREN: _Kind.OPEN_PAREN,
    _Kind.CLOSE_BRACE: _Kind.OPEN_BRACE,
}
_DEFAULT_ARGUMENT = re.compile(
    r"std::(?:__\w{1,20}::|pmr::)?"
    r"(?:allocator|polymorphic_allocator|char_traits|less|greater|hash|equal_to|default_delete)\Z"
)
_STRING = re.compile(r"std::(?:__cxx11::|__1::|__ndk1::)?basic_string<(char|wchar_t)\s?>")
_INLINE_NAMESPACE = re.compile(r"\b(?:__1|__ndk1|__cxx11|_V2)::|\[abi:[^\]]{0,64}\]")
_LAMBDA = re.compile(r"\A\{lambda\(.{2,}\)(#\d+\}|\})\Z", re.DOTALL)
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}\Z")


@lru_cache(maxsize=1 << 12)
def shorten_name(name: str, characters: int) -> str:
    """The name in at most so many characters, by the steps of the report specification, each only as far as needed.

    >>> shorten_name("imgkit::jpeg::Decoder::create_tables(imgkit::jpeg::Header const&)", 40)
    'imgkit::jpeg::Decoder::create_tables'
    >>> shorten_name("shop::Table<std::string, int>::operator<<(int)", 26)
    'shop::Table<…>::operator<<'
    >>> shorten_name("shop::Table<std::string, int>::operator<<(int)", 20)
    '…::operator<<'
    """
    if len(name) <= characters:
        return name
    for step in (_without_default_arguments, _with_string, _without_noise, _without_parameters):
        name = step(name)
        if len(name) <= characters:
            return name
    tokens = _with_elided_arguments(_tokens(name), characters)
    if _length(tokens) > characters:
        tokens = _without_leading_scopes(tokens, characters)
    return _text(tokens) if _length(tokens) <= characters else _cut_end(tokens, characters)


def _tokens(name: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(name):
        group = match.lastgroup or "other"
        kind = _SIGNS[match[0]] if group == "sign" else _GROUP_KINDS[group]
        found.append(_Token(match[0], kind))
    return _matched(_with_whole_braces(found))


def _with_whole_braces(tokens: Sequence[_Token]) -> list[_Token]:
    """`{lambda(int)#2}` and `{{closure}}` become one token each."""
    partners = _partners(tokens, only=_Kind.OPEN_BRACE)
    found = []
    position = 0
    while position < len(tokens):
        end = partners[position]
        if end > position:
            found.append(_Token(_text(tokens[position : end + 1]), _Kind.WHOLE))
            position = end + 1
        else:
            found.append(tokens[position])
            position += 1
    return found


def _matched(tokens: list[_Token]) -> list[_Token]:
    """The same tokens; brackets without a partner are text."""
    partners = _partners(tokens)
    return [
        _Token(token.text, _Kind.TEXT) if token.kind >= _Kind.OPEN_TEMPLATE and partner < 0 else token
        for token, partner in zip(tokens, partners, strict=True)
    ]


def _partners(tokens: Sequence[_Token], only: _Kind | None = None) -> list[int]:
    """Per token the position of the bracket that closes or opens it, else -1."""
    partners = [-1] * len(tokens)
    waiting: list[int] = []
    open_counts = dict.fromkeys(_OPENS.values(), 0)
    for position, token in enumerate(tokens):
        if token.kind in open_counts and only in {None, token.kind}:
            waiting.append(position)
            open_counts[token.kind] += 1
        elif token.kind in _OPENS and open_counts[_OPENS[token.kind]]:
            wanted = _OPENS[token.kind]
            # `(a < b)`: a parenthesis closes over comparison signs; `a > b` inside one closes nothing outside it.
            if wanted is _Kind.OPEN_TEMPLATE and tokens[waiting[-1]].kind is not wanted:
                continue
            while tokens[waiting[-1]].kind is not wanted:
                open_counts[tokens[waiting.pop()].kind] -= 1
            opening = waiting.pop()
            open_counts[wanted] -= 1
            partners[opening], partners[position] = position, opening
    return partners


def _text(tokens: Sequence[_Token]) -> str:
    return "".join(token.text for token in tokens)


def _length(tokens: Sequence[_Token]) -> int:
    return sum(len(token.text) for token in tokens)


def _without_default_arguments(name: str) -> str:
    """Heuristic: `std::allocator<…>` as a later argument is the default; wrong for `std::pair<int, std::less<int>>`."""
    kept: list[_Token] = []
    commas: list[list[int]] = [[]]
    for token in _tokens(name):
        if token.kind in {_Kind.OPEN_TEMPLATE, _Kind.OPEN_PAREN}:
            commas.append([])
        elif token.kind in {_Kind.CLOSE_TEMPLATE, _Kind.CLOSE_PAREN}:
            places = commas.pop()
            while token.kind is _Kind.CLOSE_TEMPLATE and places and _is_default(kept, places[-1] + 1):
                del kept[places.pop() :]
        elif token.kind is _Kind.COMMA:
            commas[-1].append(len(kept))
        kept.append(token)
    return _text(kept)


def _is_default(tokens: Sequence[_Token], start: int) -> bool:
    words = []
    for token in tokens[start : start + 8]:
        if token.kind is _Kind.OPEN_TEMPLATE:
            break
        if token.kind is not _Kind.SPACE:
            words.append(token.text)
    return _DEFAULT_ARGUMENT.match("".join(words)) is not None


def _with_string(name: str) -> str:
    return _STRING.sub(lambda match: "std::wstring" if match[1] == "wchar_t" else "std::string", name)


def _without_noise(name: str) -> str:
    return _RUST_HASH.sub("", _INLINE_NAMESPACE.sub("", name))


def _without_parameters(name: str) -> str:
    """Without parameter lists, the qualifiers behind them, and the return type in front that templates carry."""
    kept: list[_Token] = []
    end = -1
    for group in _top_level(_tokens(name)):
        if group[0].kind is _Kind.OPEN_PAREN and kept:
            end = len(kept)
        else:
            kept.extend(_Token(_LAMBDA.sub(r"{lambda(…)\1", token.text), token.kind) for token in group)
    if end < 0:
        return _text(kept)
    if end < len(kept) and kept[end].kind is _Kind.SPACE:
        del kept[end:]
    return _text(kept[_name_start(kept) :])


def _name_start(tokens: Sequence[_Token]) -> int:
    """Where the name begins: behind the last space outside brackets. What stands behind `operator` is its name."""
    start = position = 0
    for group in _top_level(tokens):
        position += len(group)
        if group[0].text.startswith("operator"):
            break
        if group[0].kind is _Kind.SPACE and position < len(tokens):
            start = position
    return start


def _top_level(tokens: Sequence[_Token]) -> Iterator[Sequence[_Token]]:
    """The tokens one by one, but bracketed groups whole."""
    partners = _partners(tokens)
    position = 0
    while position < len(tokens):
        end = max(partners[position], position) + 1
        yield tokens[position:end]
        position = end


def _with_elided_arguments(tokens: Sequence[_Token], characters: int) -> list[_Token]:
    """Template arguments replaced by `<…>`, the innermost first, as many levels as it takes."""
    level = _level_that_fits(tokens, characters)
    kept: list[_Token] = []
    depth = 0
    for token in tokens:
        if token.kind is _Kind.CLOSE_TEMPLATE:
            depth -= 1
        if depth < level:
            kept.append(token)
        if token.kind is _Kind.OPEN_TEMPLATE:
            if depth == level - 1:
                kept.append(_Token(ELLIPSIS, _Kind.TEXT))
            depth += 1
    return kept


def _level_that_fits(tokens: Sequence[_Token], characters: int) -> int:
    """The greatest nesting level from which arguments must go so that the rest fits; 1 where nothing fits."""
    lengths, groups = [0], [0]
    depth = 0
    for token in tokens:
        if token.kind is _Kind.CLOSE_TEMPLATE:
            depth -= 1
        lengths[depth] += len(token.text)
        if token.kind is _Kind.OPEN_TEMPLATE:
            groups[depth] += 1
            depth += 1
            if depth == len(lengths):
                lengths.append(0)
                groups.append(0)
    total = 0
    best = 1
    for level in range(1, len(lengths)):
        total += lengths[level - 1]
        if total + groups[level - 1] * len(ELLIPSIS) <= characters:
            best = level
    return best


def _without_leading_scopes(tokens: Sequence[_Token], characters: int) -> list[_Token]:
    """`…::Decoder::create_tables`: as many leading scopes go as it takes, the last name stays."""
    starts = []
    position = 0
    for group in _top_level(tokens):
        if group[0].kind is _Kind.SCOPE and position:
            starts.append(position)
        position += len(group)
    left = _length(tokens)
    done = 0
    for start in starts:
        left -= _length(tokens[done:start])
        done = start
        if left + len(ELLIPSIS) <= characters or start == starts[-1]:
            return [_Token(ELLIPSIS, _Kind.TEXT), *tokens[start:]]
    return list(tokens)


def _cut_end(tokens: Sequence[_Token], characters: int) -> str:
    room = characters - len(ELLIPSIS)
    kept = []
    for token in tokens:
        if len(token.text) > room:
            if token.kind is not _Kind.WHOLE:
                kept.append(token.text[:room])
            break
        kept.append(token.text)
        room -= len(token.text)
    return "".join(kept).removesuffix(ELLIPSIS) + ELLIPSIS
