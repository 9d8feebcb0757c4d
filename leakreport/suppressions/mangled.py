"""What a readable C++ name tells of its linker name, as far as it is certain.

The linker name of `shop::Table<int>::add(int) const` begins with `_ZNK4shop5TableI`; the return type of a template, what
`S_` and `S0_` repeat, and whether a function is static is not to be seen. So two kinds of globs can be answered:

- `_ZN4shop5Table*`: a beginning made of whole or begun names, then anything,
- `*Table*`: a text that is part of a name, which linker names spell out where it first occurs.

A text that none of the names has, and that the letters of types and operators cannot make, is in no linker name.

Source: Itanium C++ ABI, "Mangling".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from leakreport.suppressions.answers import Answer
from leakreport.suppressions.globs import Glob, as_bytes

_KEPT = 100_000
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_PLAIN_PART = re.compile(r"~?[^\W\d]\w*\Z")
_ANONYMOUS = "(anonymous namespace)"
_ANONYMOUS_LINKER = "_GLOBAL__N_1"
_NOT_SPELLED = frozenset(
    "std allocator basic_string string char_traits basic_istream basic_ostream basic_iostream istream ostream iostream "
    "const volatile restrict unsigned signed char short int long float double bool void wchar_t char8_t char16_t char32_t "
    "__int128 __float128 operator new delete decltype auto lambda virtual thunk to non vtable for guard variable typeinfo "
    "anonymous namespace true false nullptr clone abi noexcept sizeof requires construction".split()
)
"""Words of readable names that have short forms in linker names, or none."""
_UNTOLD = ""
_TAIL = re.compile(r"\*+(?:E\*+)?\Z")
_LENGTH = re.compile(r"[1-9]\d*")
_TYPE_LETTERS = {
    "v": ("void", "()"),
    "w": ("wchar_t",),
    "b": ("bool", "true", "false"),
    "a": ("signed char", "std::", "operator", "char"),
    "c": ("char", "operator", "char_traits"),
    "h": ("unsigned char",),
    "s": ("short", "std::", "operator"),
    "t": ("unsigned short", "std::", "operator", "decltype"),
    "i": ("int", "std::", "operator", "char"),
    "j": ("unsigned int", "[", "("),
    "l": ("long", "operator", "{"),
    "m": ("unsigned long",),
    "x": ("long long", "operator"),
    "y": ("unsigned long long",),
    "n": ("__int128", "operator", "nullptr"),
    "o": ("unsigned __int128", "std::", "operator"),
    "f": ("float", "decltype", "operator"),
    "d": ("double", "std::", "operator"),
    "e": ("long double", "operator"),
    "g": ("__float128", "operator"),
    "z": ("...", "operator"),
}


def glob_answer(glob: Glob, name: str) -> Answer:
    """Whether a glob with wildcards fits the linker name of a function of which the readable name is known."""
    if not glob.text.strip("*") or glob.text.rstrip("*") in {"_", "_Z"}:
        return Answer.YES if "::" in name or name.endswith(")") or not glob.text.strip("*") else Answer.UNKNOWN
    if "(" not in name:
        # Rust: a hash, or the name of a crate's build, is not shown.
        return Answer.UNKNOWN
    words = _words(name)
    if not all(_may_contain(piece, words, name) for piece in glob.pieces if piece):
        return Answer.NO
    inner = glob.text.strip("*")
    if glob.text.startswith("*") and glob.text.endswith("*") and "*" not in inner and "?" not in inner:
        is_spelled = any(as_bytes(inner) in word for word in words if word not in _NOT_SPELLED)
        return Answer.YES if is_spelled else Answer.UNKNOWN
    tail = _TAIL.search(glob.text)
    head = glob.text[: tail.start()] if tail else ""
    if head.startswith("_ZN") and "?" not in head and "*" not in head:
        return _beginning_answer(head, name)
    return Answer.UNKNOWN


class _Beginning(NamedTuple):
    """The start of a linker name of a nested function: `_ZNK4shop5TableI3a`."""

    is_const: bool
    names: tuple[str, ...]
    begun: tuple[int, str] | None
    """A last name that is cut: its length, and what is there of it."""
    has_arguments: bool
    """Whether template arguments follow the last name."""


def _beginning_answer(head: str, name: str) -> Answer:
    beginning, parts = _beginning(as_bytes(head)), _qualified(name)
    if beginning is None or parts is None:
        return Answer.UNKNOWN
    if len(parts) < 2 or parts[0][0] == "std":
        # `_Z3foov`, `_ZSt4sort…`, and abbreviations of the standard library.
        return Answer.NO if len(parts) < 2 else Answer.UNKNOWN
    if not beginning.names and beginning.begun is None:
        # `_ZN*`, or `_ZNK*`.
        return Answer.YES if not beginning.is_const or name.endswith(" const") else Answer.NO
    if beginning.is_const != name.endswith(" const"):
        return Answer.NO
    asked = [*beginning.names]
    for position, text in enumerate(asked):
        if position < len(parts) and parts[position][0] == _UNTOLD:
            return Answer.UNKNOWN
        if position >= len(parts) or parts[position][0] != text:
            return Answer.NO
        if parts[position][1] and (position < len(asked) - 1 or beginning.begun is not None):
            return Answer.NO
    reached = len(asked)
    if beginning.has_arguments and not parts[reached - 1][1]:
        return Answer.NO
    if beginning.begun is not None:
        length, text = beginning.begun
        if reached < len(parts) and parts[reached][0] == _UNTOLD:
            return Answer.UNKNOWN
        if reached >= len(parts) or len(parts[reached][0]) != length or not parts[reached][0].startswith(text):
            return Answer.NO
        reached += 1
    # The last name may be that of a static function, which has a letter in front.
    return Answer.YES if reached < len(parts) else Answer.UNKNOWN


@lru_cache(maxsize=_KEPT)
def _beginning(head: str) -> _Beginning | None:
    rest = head.removeprefix("_ZN")
    is_const = rest.startswith("K")
    rest = rest.removeprefix("K")
    names: list[str] = []
    while (match := _LENGTH.match(rest)) is not None:
        length, text = int(match[0][:9]), rest[match.end() :]
        if len(text) < length:
            # A cut length, `_ZN1` of `_ZN12`, tells nothing.
            return _Beginning(is_const, tuple(names), (length, text), has_arguments=False) if text else None
        names.append(text[:length])
        rest = text[length:]
    if rest not in {"", "I"} or (rest == "I" and not names):
        return None
    return _Beginning(is_const, tuple(names), None, has_arguments=rest == "I")


@lru_cache(maxsize=_KEPT)
def _qualified(name: str) -> tuple[tuple[str, bool], ...] | None:
    """The names of a function from the outermost scope on, each with whether it has template arguments.

    None where it is no plain function: an operator, a lambda, a local class.
    """
    text = name.removesuffix(" const")
    if not text.endswith(")") or any(
        sign in text for sign in ("{", "'", "operator", "[", "decltype", "#", "thunk to ")
    ):
        return None
    bare = without_arguments(text.replace(_ANONYMOUS, _ANONYMOUS_LINKER), mark="<>")
    start = bare.find("(")
    if not _is_one_list(bare[start:]):
        return None
    path = bare[:start].rpartition(" ")[2]
    parts = []
    for part in path.split("::"):
        plain = part.removesuffix("<>")
        if not _PLAIN_PART.match(plain):
            return None
        parts.append((as_bytes(plain), plain != part))
    if len(parts) > 1 and parts[-1][0].removeprefix("~") == parts[-2][0]:
        # Constructors and destructors have no name of their own, unless it is a function that is called as its space is.
        parts[-1] = (_UNTOLD, False)
    return tuple(parts)


def _is_one_list(text: str) -> bool:
    """Whether a text is the parameters of a function, and nothing else."""
    depth = 0
    for position, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and position < len(text) - 1:
            return False
    return depth == 0 and not text.startswith(("(*", "(&"))


def without_arguments(name: str, mark: str = "") -> str:
    """A name without its template arguments.

    >>> without_arguments("ns::f<a<b>::c>(int)")
    'ns::f(int)'
    """
    kept: list[str] = []
    depth = 0
    for position, sign in enumerate(name):
        if sign == "<":
            if depth == 0:
                kept.append(mark)
            depth += 1
        elif sign == ">" and depth and name[position - 1] != "-":
            depth -= 1
        elif depth == 0:
            kept.append(sign)
    return "".join(kept)


@lru_cache(maxsize=_KEPT)
def _words(name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_spelled(name)))


def _spelled(name: str) -> Iterator[str]:
    if _ANONYMOUS in name:
        yield _ANONYMOUS_LINKER
    for word in _IDENTIFIER.findall(name):
        yield as_bytes(word)


def _may_contain(piece: str, words: tuple[str, ...], name: str) -> bool:
    """Whether a linker name may have a text in it: in a name, from a name's end on, or made of other letters.

    Everything but lower case letters counts as possible outside of names; a lower case one only where the readable
    name has what it stands for. Digits announce a name, of which the text may have the beginning.
    """
    joined = _joined(words)
    if piece in joined:
        return True
    letters = _letters(name)
    # Where the ends of names that the text begins with end in it.
    ends = [0, *(length for length in range(1, len(piece)) if f"{piece[:length]}\n" in joined)]
    seen = set(ends)
    while ends:
        at = ends.pop()
        if at >= len(piece):
            return True
        following = set()
        if not piece[at].islower() or piece[at] in letters:
            following.add(at + 1)
        if at and piece[at - 1].isdigit():
            if f"\n{piece[at:]}" in joined:
                return True
            following.update(at + len(word) for word in words if piece.startswith(word, at))
        for place in following - seen:
            seen.add(place)
            ends.append(place)
    return False


@lru_cache(maxsize=_KEPT)
def _joined(words: tuple[str, ...]) -> str:
    """The words, each between ends of lines, which no name has."""
    return "".join(f"\n{word}" for word in words) + "\n"


@lru_cache(maxsize=_KEPT)
def _letters(name: str) -> frozenset[str]:
    """The lower case letters that may stand for types and operators in a linker name."""
    if any(
        word in name for word in ("operator", "decltype", "{", "thunk", "noexcept", "char8_t", "char16_t", "char32_t")
    ):
        return frozenset("abcdefghijklmnopqrstuvwxyz")
    found = {letter for letter, texts in _TYPE_LETTERS.items() if any(text in name for text in texts)}
    # Numbers as arguments of templates do not name their type.
    numbers = "ijlmxy" if "<" in name else ""
    # Parameter packs, and what vendors add.
    return frozenset(found) | frozenset(f"pru{numbers}")
