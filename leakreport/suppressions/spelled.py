"""What texts a linker name can have in it, by the readable name: names, which it spells out, and letters for types.

A text that is part of a name is in the linker name, which spells names where they first occur. One that none of the
names has, and that the letters of types and operators cannot make, is in no linker name.

Source: Itanium C++ ABI, "Mangling".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from leakreport.suppressions.answers import Answer
from leakreport.suppressions.globs import Glob, as_bytes

_KEPT = 100_000
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_ANONYMOUS = "(anonymous namespace)"
_ANONYMOUS_LINKER = "_GLOBAL__N_1"
_NOT_SPELLED = frozenset(
    "std allocator basic_string string char_traits basic_istream basic_ostream basic_iostream istream ostream iostream "
    "const volatile restrict unsigned signed char short int long float double bool void wchar_t char8_t char16_t char32_t "
    "__int128 __float128 operator new delete decltype auto lambda virtual thunk to non vtable for guard variable typeinfo "
    "anonymous namespace true false nullptr clone abi noexcept sizeof requires construction".split()
)
"""Words of readable names that have short forms in linker names, or none."""
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


def contents_answer(glob: Glob, name: str) -> Answer:
    """Whether a glob with wildcards fits a linker name for what is in it; the readable name of the function is known."""
    if not glob.text.strip("*"):
        return Answer.YES
    if "(" not in name:
        # Rust: a hash, or the name of a crate's build, is not shown.
        return Answer.UNKNOWN
    words = _words(name)
    if not all(_may_contain(piece, words, name) for piece in glob.pieces if piece):
        return Answer.NO
    inner = glob.text.strip("*")
    is_part = glob.text.startswith("*") and glob.text.endswith("*") and "*" not in inner and "?" not in inner
    if is_part and any(as_bytes(inner) in word for word in words if word not in _NOT_SPELLED):
        return Answer.YES
    return Answer.UNKNOWN


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
