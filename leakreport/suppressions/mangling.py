"""Globs for linker names, made from readable C++ names.

Valgrind compares `fun:` with the name the linker knows, and shows and records the readable one. Of that, scope and name
are enough for a glob that the linker's name matches: its parts carry their lengths, so `4open` is `open` and nothing else.
What is left open are parameters, template arguments, numbers of lambdas, and what libstdc++ and libc++ name differently.

Source: Itanium C++ ABI, section 5.1 (mangling); libiberty and LLVM print the readable names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from leakreport.suppressions.globpairs import covers, may_meet
from leakreport.suppressions.globs import as_bytes

_OPERATORS = {
    "~": "co", "%": "rm", "/": "dv", "|": "or", "^": "eo", "=": "aS", "+=": "pL", "-=": "mI", "*=": "mL", "/=": "dV",
    "%=": "rM", "&=": "aN", "|=": "oR", "^=": "eO", "<<": "ls", ">>": "rs", "<<=": "lS", ">>=": "rS", "==": "eq",
    "!=": "ne", "<": "lt", ">": "gt", "<=": "le", ">=": "ge", "<=>": "ss", "!": "nt", "&&": "aa", "||": "oo",
    "++": "pp", "--": "mm", ",": "cm", "->*": "pm", "->": "pt", "()": "cl", "[]": "ix", " new": "nw", " new[]": "na",
    " delete": "dl", " delete[]": "da", " co_await": "aw",
    "+": "p?", "-": "??", "*": "??", "&": "a?",
}  # fmt: skip
_BY_OPERANDS = {"+": ("ps", "pl"), "-": ("ng", "mi"), "*": ("de", "ml"), "&": ("ad", "an")}
"""Of operators that take one operand or two: with one parameter, only the linker's name tells which it is."""
_BUILT_IN = {
    "void": "v", "bool": "b", "char": "c", "signed char": "a", "unsigned char": "h", "short": "s", "unsigned short": "t",
    "int": "i", "unsigned int": "j", "long": "l", "unsigned long": "m", "long long": "x", "unsigned long long": "y",
    "float": "f", "double": "d", "long double": "e", "...": "z",
}  # fmt: skip
_BY_LENGTH = sorted(_OPERATORS, key=len, reverse=True)
_IDENTIFIER = re.compile(r"[^\W\d][\w$]*|\$\w+")
_ABI_TAG = re.compile(r"\[abi:(\w+)\]")
_QUALIFIERS = re.compile(r"(?: (?:const|volatile|&&?|noexcept|\[clone [^\]]*\]))*")
_CLONES = re.compile(r"(?: \[clone [^\[\]]*\])+\Z|(?:\.(?:cold|isra|part|constprop|llvm|lto_priv|[0-9]+))+\Z")
_INLINE_SCOPES = re.compile(r"__(?:cxx11|debug|\d+|ndk\d+|8|7)\Z|_V2\Z|__cxx1998\Z")
_ABBREVIATED = frozenset(("allocator", "basic_string", "string", "istream", "ostream", "iostream",
                          "basic_istream", "basic_ostream", "basic_iostream"))  # fmt: skip
_STD_CLASS = re.compile(r"std::__cxx11::\w+\s*(?:,|\Z)")
_NEVER_LOCAL = frozenset(("nw", "na", "dl", "da"))
_NO_FUNCTION = re.compile(r"(?:non-virtual |virtual |covariant return )?thunk to |\w+(?: \w+)? for |transaction clone")
_ANONYMOUS = "(anonymous namespace)"
_OPEN, _CLOSED = "<([{", ">)]}"
_LONGEST = 10_000


class _Part(NamedTuple):
    """One name between two `::`."""

    text: str
    """The identifier; "" for a lambda or another type without a name."""
    code: str | None = None
    """How the linker's name has it, where that is not length and identifier."""
    arguments: str | None = None
    """Of a template, as written, without the brackets."""
    is_function: bool = False
    """Parameters follow: what comes behind is local to it."""
    parameters: str = ""
    """As written, without the brackets."""
    qualifiers: str = ""
    tags: str = ""


def is_readable_cplusplus(function: str) -> bool:
    """Whether a name is C++ as a demangler prints it: with parameters, so that the linker has another one.

    Inlined functions have bare names in debug information, and valgrind compares these as they are; `operator()` is one.

    >>> is_readable_cplusplus("net::open(int)"), is_readable_cplusplus("open"), is_readable_cplusplus("operator()<int>")
    (True, False, False)
    """
    if function.startswith(("(below main)", "???", "_Z")):
        return False
    parts = _parts(function)
    return bool(parts) and parts[-1].is_function if parts is not None else "(" in _without_templates(function)


def without_clone(function: str) -> str:
    """A name without what compilers append to parts and copies of a function.

    >>> without_clone("ev_io_start.cold"), without_clone("net::open(int) [clone .isra.0]"), without_clone("a.b")
    ('ev_io_start', 'net::open(int)', 'a.b')
    """
    return _CLONES.sub("", function) or function


@lru_cache(maxsize=1 << 14)
def mangled_glob(function: str, *, local: str = "*", is_exact: bool = False) -> str | None:
    """A glob for the linker's name of a readable C++ or Rust function; None where the name cannot be read.

    Args:
        function: as a demangler prints it.
        local: what marks functions that only their file sees: "L" where they are, "" where not, "*" where nothing tells.
        is_exact: with template arguments and parameters as far as they are plain: `open(int)` and not `open(char*)`.

    >>> mangled_glob("net::Client::open(int, std::string const&)"), mangled_glob("net::Client::size() const")
    ('_ZN3net6Client*4openE*', '_ZNK3net6Client4sizeE*')
    >>> mangled_glob("shop::Table<std::string, int>::Table()"), mangled_glob("main::{lambda(int)#1}::operator()(int) const")
    ('_ZN4shop5TableI*EC?E*', '_ZZ4mainENK*clE*')
    """
    parts = _parts(without_clone(function)) if len(function) <= _LONGEST else None
    if not parts:
        return None
    if not parts[-1].is_function:
        return _rust_glob(parts)
    code = ""
    for group in _groups(parts):
        encoded = _name(group, local, is_exact=is_exact)
        code = encoded if not code else f"Z{code}E{encoded}"
        if group[-1].is_function:
            first = _first_parameter(group)
            code += f"{_parameters(group) or first if is_exact else first}*"
    return re.sub(r"\*{2,}", "*", f"_Z{code}")


def _groups(parts: Sequence[_Part]) -> list[list[_Part]]:
    """The parts cut behind each function that others are local to."""
    groups: list[list[_Part]] = [[]]
    for number, part in enumerate(parts):
        groups[-1].append(part)
        is_main = number == 0 and part.text == "main" and not part.is_function
        if number + 1 < len(parts) and (part.is_function or is_main):
            groups.append([])
    return groups


def _first_parameter(group: Sequence[_Part]) -> str:
    """How the parameters begin, where that is plain to see: members of the same name have an E there.

    A template has its return type there.
    """
    part = group[-1]
    if len(group) > 1:
        return ""
    first = part.parameters.partition(",")[0].strip()
    if part.arguments is not None or "<" in first or "(" in first:
        return ""
    return "P" if first.endswith("*") else "R" if first.endswith("&") else _BUILT_IN.get(first or "void", "")


def _parameters(group: Sequence[_Part]) -> str:
    """The parameters, where all are of plain types; else nothing. Types of a template's arguments are written otherwise."""
    if group[0].text == "std" or any(part.arguments is not None for part in group):
        return ""
    codes: list[str] = []
    for text in (group[-1].parameters or "void").split(","):
        code = _plain_type(text.strip())
        if code is None:
            return ""
        # A type of several signs that stood before is referred to.
        codes.append("S*_" if len(code) > 1 and code in codes else code)
    # References count inner types too: behind the first, their numbers are anybody's guess.
    return "".join(codes) if sum(len(code) > 1 for code in codes) < 2 else codes[0]


def _plain_type(text: str) -> str | None:
    """The code of a built-in type or a pointer or reference to one; None for any other."""
    prefix = ""
    while text.endswith(("*", "&")):
        sign, text = text[-1], text[:-1].rstrip()
        if text.endswith("&"):
            sign, text = "&&", text[:-1].rstrip()
        prefix += {"*": "P", "&": "R", "&&": "O"}[sign]
    if prefix and text.endswith(" const"):
        prefix, text = f"{prefix}K", text.removesuffix(" const")
    built_in = _BUILT_IN.get(text)
    return None if built_in is None else prefix + built_in


def _arguments(text: str) -> str:
    """Template arguments, as far as they are plain types; a star for what is not."""
    parts = text.split(",")
    codes = [None if re.search(r"[<(]", text) else _plain_type(part.strip()) for part in parts]
    known = [code for code in codes if code is not None]
    if len(known) == len(codes) <= 2 and sum(len(code) > 1 for code in known) < 2:
        return "".join(known)
    # A class of the standard library is no built-in type.
    return "NSt*" if _STD_CLASS.match(_without_templates(text)) else "*"


def _rust_glob(parts: Sequence[_Part]) -> str | None:
    """Rust has no parameters in its names, hashes behind them or before them, and two ways to write them."""
    if len(parts) < 2 or any(part.code is not None or part.arguments is not None or part.is_function for part in parts):
        return None
    return f"_*{''.join(_code(part, None) for part in parts)}*"


def _name(parts: Sequence[_Part], local: str, *, is_exact: bool) -> str:
    """The code of one name with its scopes, without the parameters."""
    last = parts[-1]
    if last.code is not None and (operands := _BY_OPERANDS.get(last.text.removeprefix("operator"))):
        count = 0 if last.parameters in {"", "void"} else 1 + ("," in last.parameters)
        parts = [*parts[:-1], last if count == 1 else last._replace(code=operands[count // 2])]
    # Nothing readable tells a pack of arguments, which the linker's name marks; most are forwarded.
    is_exact = is_exact and parts[0].text != "std" and "&&" not in last.parameters
    codes = [_code(part, parts[number - 1] if number else None, is_exact=is_exact) for number, part in enumerate(parts)]
    for number, code in enumerate(codes):
        if any("NSt" in before for before in codes[:number]):
            # What was written out once is referred to.
            codes[number] = code.replace("INSt*E", "I*E")
    if parts[0].text == "std" and len(parts) > 1:
        return _std_name(parts, codes)
    if len(parts) == 1 and parts[0].code != "*":
        # A function that only its file sees has an L here.
        return codes[0] if parts[0].text == "main" or codes[0] in _NEVER_LOCAL else f"{local}{codes[0]}"
    if _may_be_local_to_file(parts):
        codes[-1] = f"{local}{codes[-1]}"
    return f"N{parts[-1].qualifiers}{''.join(codes)}E"


def _std_name(parts: Sequence[_Part], codes: Sequence[str]) -> str:
    """Names of the standard library: libc++ has them in an inline namespace, libstdc++ has short forms for some."""
    rest = ["*" if _INLINE_SCOPES.match(part.text) else code for part, code in zip(parts[1:], codes[1:], strict=True)]
    names = [part.text for part in parts[1:] if not _INLINE_SCOPES.match(part.text)]
    if len(names) < 2:
        return f"*St*{rest[-1]}"
    start = "Sa*" if names[0] == "allocator" else "S*" if names[0] in _ABBREVIATED else "St*"
    if names[0] in _ABBREVIATED:
        rest = rest[parts[1:].index(next(part for part in parts[1:] if part.text == names[0])) + 1 :]
    return f"N{parts[-1].qualifiers}{start}{''.join(rest)}E"


def _may_be_local_to_file(parts: Sequence[_Part]) -> bool:
    """Whether the last name may be a static function of a namespace. Members of a class and operators say what they are."""
    last = parts[-1]
    return not (
        last.code is not None
        or last.qualifiers
        or any(part.arguments is not None or part.code == "*" for part in parts[:-1])
        or any(part.text == _ANONYMOUS for part in parts)
        or last.text == parts[-2].text
    )


def _code(part: _Part, scope: _Part | None, *, is_exact: bool = False) -> str:
    code = part.code
    if code is None:
        text = part.text
        if scope is not None and text == scope.text:
            code = "C?"
        elif text == _ANONYMOUS:
            code = "12_GLOBAL__N_1"
        else:
            code = f"{len(text.encode('utf-8', 'surrogatepass'))}{text}"
    arguments = ""
    if part.arguments is not None:
        arguments = f"I{_arguments(part.arguments) if is_exact else '*'}E"
    return f"{code}{part.tags}{arguments}"


@lru_cache(maxsize=1 << 14)
def _parts(function: str) -> tuple[_Part, ...] | None:
    """The parts of a readable name behind its return type; None where it is of no known form."""
    if _NO_FUNCTION.match(function) is not None:
        return None
    parts: list[_Part] = []
    at, part = 0, None
    while at < len(function):
        character = function[at]
        if function.startswith("::", at):
            if part is None:
                return None
            parts.append(part)
            at, part = at + 2, None
        elif character == " ":
            # What stood before is the return type.
            parts, part, at = [], None, at + 1
        elif part is None:
            found = _begin(function, at)
            if found is None:
                return None
            part, at = found
        elif character == "<":
            end = _end_of_brackets(function, at)
            if end is None:
                return None
            part, at = part._replace(arguments=function[at + 1 : end - 1]), end
        elif match := _ABI_TAG.match(function, at):
            part, at = part._replace(tags=f"{part.tags}B{len(match[1])}{match[1]}"), match.end()
        elif character == "(":
            end = _end_of_brackets(function, at)
            if end is None or function.startswith(("(*", "(&"), at):
                return None
            qualifiers = _QUALIFIERS.match(function, end)
            assert qualifiers is not None
            if qualifiers.end() < len(function) and not function.startswith("::", qualifiers.end()):
                # decltype (...) and the like.
                at, part = end, part if function[end : end + 1] == " " else None
                continue
            codes = _qualifier_codes(qualifiers[0])
            part = part._replace(is_function=True, parameters=function[at + 1 : end - 1], qualifiers=codes)
            at = qualifiers.end()
        elif character in "*&":
            # Of the return type: the name comes after a blank.
            at += 1
        else:
            return None
    return (*parts, part) if part is not None else None


def _begin(function: str, at: int) -> tuple[_Part, int] | None:
    """The part that begins at a place, and where it ends."""
    if function.startswith(_ANONYMOUS, at):
        return _Part(_ANONYMOUS), at + len(_ANONYMOUS)
    if function[at] == "{":
        end = _end_of_brackets(function, at)
        return None if end is None else (_Part("", "*"), end)
    is_destructor = function[at] == "~"
    match = _IDENTIFIER.match(function, at + is_destructor)
    if match is None:
        return None
    if is_destructor:
        return _Part(f"~{match[0]}", "D?"), match.end()
    if match[0] == "operator":
        return _operator(function, match.end())
    if match[0].startswith("$_"):
        return _Part("", "*"), match.end()
    return _Part(match[0]), match.end()


def _operator(function: str, at: int) -> tuple[_Part, int] | None:
    for sign in _BY_LENGTH:
        if function.startswith(sign, at):
            end = at + len(sign)
            # A blank keeps the sign from the bracket of the template arguments.
            end += function.startswith(" <", end)
            return _Part(f"operator{sign}", _OPERATORS[sign]), end
    if function.startswith('""', at):
        match = _IDENTIFIER.match(function, at + 2 + function.startswith(" ", at + 2))
        return None if match is None else (_Part(match[0], f"li{len(match[0])}{match[0]}"), match.end())
    if not function.startswith(" ", at):
        return None
    # A conversion: a type, up to the empty parameters.
    end = function.rfind("()", at)
    return None if end < 0 else (_Part("operator", "cv*"), end)


def _qualifier_codes(text: str) -> str:
    words = text.split()
    codes = ("V" if "volatile" in words else "") + ("K" if "const" in words else "")
    return codes + ("R" if "&" in words else "O" if "&&" in words else "")


def _end_of_brackets(text: str, at: int) -> int | None:
    """Where the bracket that opens at a place has closed; None where brackets do not match."""
    opened: list[str] = []
    while at < len(text):
        character = text[at]
        if text.startswith("operator", at) and (sign := _sign_at(text, at + len("operator"))):
            at += len("operator") + len(sign)
            continue
        if text.startswith("->", at):
            at += 2
            continue
        if character in _OPEN:
            opened.append(character)
        elif character in _CLOSED:
            if opened[-1] != _OPEN[_CLOSED.index(character)]:
                if character == ">" and opened[-1] == "(":
                    # A comparison within an expression.
                    at += 1
                    continue
                return None
            opened.pop()
            if not opened:
                return at + 1
        at += 1
    return None


def _sign_at(text: str, at: int) -> str | None:
    return next((sign for sign in _BY_LENGTH if text.startswith(sign, at)), None)


def _without_templates(function: str) -> str:
    """A name without what stands in angle brackets, and without the call operator's own signs."""
    kept, depth = [], 0
    for character in function.replace("operator()", "operator"):
        depth += character == "<"
        if not depth:
            kept.append(character)
        depth -= character == ">" and depth > 0
    return "".join(kept)


_LENGTH = re.compile(r"[1-9][0-9]{0,3}(?=[A-Za-z_$])")
_WHOLE_NAME = re.compile(r"(?!h[0-9a-f]{16}\Z)[\w$]+")
_WORD = re.compile(r"[\w$]+")
_NO_LENGTH = re.compile(r"(?:[CDST]|L[a-z])\Z")
"""Before a digit that is the number of a constructor, a reference or a value."""
_PART_OF_NAME = re.compile(
    "\\*(?![\ue000-\uf8ffEI*]|$)|[0-9?](?=[*?])|(?<![CD])\\?|^(?!_Z)|[0-9]{2}|[0-9](?=[A-Za-z])(?<![CDST].)"
)
"""Of a glob with signs: what may stand within an identifier, so that its letters have to be compared."""
_FIRST_SIGN = 0xE000
"""Of Unicode's private use: no name has such."""


def name_answer(glob: str, function: str) -> bool | None:
    """Whether a glob fits the linker's name of a readable function; None where the readable name does not tell.

    >>> name_answer("_ZN3net4openE*", "net::open(int)"), name_answer("_ZN3net4openEi", "net::open(char*)")
    (None, False)
    >>> name_answer("_ZN3net*4openE*", "net::open(int)"), name_answer("_ZN3net*4openE*", "net::Client::close(int)")
    (True, False)
    """
    known = [mangled_glob(function, local=local, is_exact=True) for local in ("", "L")]
    plain = [form for found in known if found is not None for form in _packed_forms(as_bytes(found))]
    glob = as_bytes(glob)
    if not plain:
        return None
    # Who is called like its scope is a constructor, whichever of its copies.
    if all(covers(glob, found) for found in plain):
        return True
    exact = list(dict.fromkeys((*plain, *(other for form in plain for other in _namespace_forms(form)))))
    if not any(may_meet(glob, found) for found in exact):
        return False
    # What a readable name leaves open holds no identifier but those that are to be read beside scope and name.
    signs: dict[str, str] = {}
    short, *shortened = [_with_signs(text, signs) for text in (glob, *exact)]
    if _PART_OF_NAME.search(short) is not None:
        return None
    beside = Counter(_WORD.findall(function))
    beside.subtract(part.text for part in _parts(without_clone(function)) or ())
    closed = frozenset(sign for name, sign in signs.items() if beside[name] <= 0)
    return None if any(may_meet(short, found, closed) for found in shortened) else False


def _packed_forms(glob: str) -> list[str]:
    """With what reads the same: the arguments of a template may be a pack."""
    return list(dict.fromkeys([glob, re.sub(r"I([a-zA-Z]+)E", r"IJ\1EE", glob)]))


def _namespace_forms(glob: str) -> list[str]:
    """What reads like a constructor and is none: a function called like its namespace."""
    at = glob.find("C?E")
    scopes = (found for found in _LENGTH.finditer(glob) if found.end() + int(found[0]) == at)
    scope = next((glob[found.start() : at] for found in scopes), None)
    return [] if scope is None else [f"{glob[:at]}{local}{scope}{glob[at + 2 :]}" for local in ("", "L")]


def _with_signs(glob: str, signs: dict[str, str]) -> str:
    """The glob with one sign of its own in place of each whole identifier and its length."""
    written: list[str] = []
    at = 0
    while at < len(glob):
        match = None if _NO_LENGTH.search(glob, max(0, at - 2), at) else _LENGTH.match(glob, at)
        name = glob[match.end() : match.end() + int(match[0])] if match else ""
        is_open = name.startswith(("E", "_")) and glob[max(0, at - 1)] in "*?"
        if match and len(name) == int(match[0]) and _WHOLE_NAME.fullmatch(name) and not is_open:
            written.append(signs.setdefault(name, chr(_FIRST_SIGN + len(signs))))
            at = match.end() + len(name)
        else:
            written.append(glob[at])
            at += 1
    return "".join(written)
