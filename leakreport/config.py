"""Settings: one table with type, help and default; from flags, the environment, a file, in this order.

The file is `leakreport.toml`, or `[tool.leakreport]` in `pyproject.toml`, nearest above the working directory, or the
one that `--config` names. Keys are the long options without dashes in front: `own = ["src/**"]`, `fail-on = "definite"`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from leakreport.errors import ConfigError, UsageError
from leakreport.units import parse_size

ENVIRONMENT_PREFIX = "LEAKREPORT_"
FILE_NAMES = ("leakreport.toml", "pyproject.toml")
_PATH_LISTS = frozenset(("symbol-path", "suppressions"))
"""Lists whose entries are separated as in PATH when they come from the environment."""
_NO_SETTINGS = frozenset(("LEAKREPORT_REQUIRE_TOOLS", "LEAKREPORT_FUZZ_SECONDS", "LEAKREPORT_DEBUG"))
"""Variables that are no settings: of the tests, and of whoever looks for a bug."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be configured."""

    name: str
    """The long option without its dashes."""
    kind: type
    """`str`, `int`, `bool`, `list` for a list of texts, or `dict` for a table of texts by text."""
    help: str
    default: str = ""
    """What holds where nobody says anything, in words; empty for nothing."""
    choices: tuple[str, ...] = ()
    """Words that it takes, where they are few; some settings take others, too."""
    is_closed: bool = False
    """It takes no other words than `choices`."""
    is_size: bool = False
    """It is a size: `64KiB`."""


SETTINGS = (
    Setting(
        "own",
        list,
        "What is yours: a source path glob, or lib:GLOB for a module's base name.",
        "told by folders and names",
    ),
    Setting("owners", dict, "Who owns what: a path pattern, or lib:GLOB for a module's base name, and a team."),
    Setting(
        "codeowners", str, "A CODEOWNERS file; github:FILE or gitlab:FILE says the dialect.", "that of the repository"
    ),
    Setting("source-url", str, "Links to source: https://…/{commit}/{path}#L{line}."),
    Setting("commit", str, "The commit that links lead to.", "that of the CI job, or the one checked out"),
    Setting(
        "editor",
        str,
        "Links that open an editor: vscode, idea, emacs, or a URL template with {file} and {line}.",
        choices=("vscode", "idea", "emacs"),
    ),
    Setting(
        "as",
        str,
        "Several inputs are a series, processes or runs.",
        "told by the inputs",
        choices=("series", "processes", "runs"),
        is_closed=True,
    ),
    Setting(
        "at",
        str,
        "The judged snapshot of analyze and diff: last, peak, or an index.",
        "told by the format",
        choices=("last", "peak"),
    ),
    Setting("metric", str, "The metric that ranks the paths.", "retained_bytes; leaked_bytes of a comparison"),
    Setting(
        "sort", str, "Of a trend: points by time or name.", "the order given", choices=("time", "name"), is_closed=True
    ),
    Setting("limit", str, "Of a trend: say when the total reaches this.", is_size=True),
    Setting("records", bool, "JSON rows name the input's own records.", "false"),
    Setting("alloc-fn", list, "Functions (globs) that count as allocators, like massif's --alloc-fn."),
    Setting("suppressions", list, "Files of rules that take known memory out of the figures; it is counted and shown."),
    Setting(
        "fail-on",
        list,
        "Fail on definite, indirect, possible, reachable, any, errors, fds.",
        choices=("definite", "indirect", "possible", "reachable", "any", "errors", "fds", "growth", "new"),
        is_closed=True,
    ),
    Setting("max-leaked", str, "Fail when more than this is lost.", is_size=True),
    Setting("min-change", str, "Of a comparison: smaller changes of a path are noise.", "by the formats", is_size=True),
    Setting("max-growth", list, "Fail when more than this grew; GLOB=SIZE for a library or function alone."),
    Setting("min-growth", str, "Of a trend: series that range over less are flat.", "0", is_size=True),
    Setting("per", str, "Of a comparison: the work of each side, as N, UNIT=N or UNIT=BEFORE,AFTER."),
    Setting("force-compare", bool, "Judge two runs even where they cannot be compared.", "false"),
    Setting("partial", bool, "Accept incomplete inputs; a gate that only passed is then inconclusive.", "false"),
    Setting("baseline", str, "The baseline that check and baseline use, instead of the nearest one."),
    Setting("budget", list, "Of a check: SCOPE=LIMIT for everything, a library, an owner, a folder or a path."),
    Setting("ratchet", bool, "Of baseline update: amounts and budgets only go down, clean folders stay clean."),
    Setting("focus", str, "Only paths with a function, file or module that this regular expression finds."),
    Setting("ignore", str, "No paths with such a function, file or module."),
    Setting(
        "group-by",
        str,
        "Add sums by path, function, file, module, kind or owner.",
        "path",
        choices=("path", "function", "file", "module", "kind", "owner"),
        is_closed=True,
    ),
    Setting("top", int, "Only the first N entries of the reading list.", "all"),
    Setting("max-paths", int, "At most N paths in the JSON.", "all"),
    Setting(
        "max-nodes",
        str,
        "At most N nodes of the call tree in a report, or all.",
        "20000, fewer where a node has many figures",
        choices=("all",),
    ),
    Setting("source-root", list, "A folder below which source may be shown, besides the working directory."),
    Setting("no-source", bool, "Show no source lines: tickets travel further than source does.", "false"),
    Setting("symbol-path", list, "Folders with the profiled binaries or their debug files."),
    Setting("sysroot", str, "A folder that stands for / of the profiled machine."),
    Setting("build-id", list, "OBJECT=HEX: the build of an object that was profiled, where the profile does not say."),
    Setting("no-symbols", bool, "Leave addresses as they are.", "false"),
    Setting("redact", bool, "Replace every name of the input by a token; ids, shapes and bytes stay.", "false"),
    Setting("include-host", bool, "Keep home folders, hosts and what looks like secrets.", "false"),
    Setting("color", str, "auto, always or never.", "auto", choices=("auto", "always", "never"), is_closed=True),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}

Value = str | int | bool | tuple[str, ...] | tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Configured:
    """A value with its origin."""

    value: Value
    origin: str
    """`pyproject.toml:12`, or the name of a variable."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the environment and the file say."""

    values: Mapping[str, Configured]
    file: Path | None
    """The one that was used."""
    looked_at: tuple[Path, ...]
    """Those that could have been, in order; the last one is used where one is."""
    warnings: tuple[ConfigError, ...] = ()
    """Variables that are no setting but look like one."""


def load_settings(config_file: str | None, environment: Mapping[str, str], folder: Path) -> Configuration:
    """The settings of the environment and the file; flags are laid over them by the command.

    Raises:
        ConfigError: a file or variable is not readable, a key is unknown, a value of the wrong type.
    """
    found: dict[str, Configured] = {}
    looked_at = (Path(config_file),) if config_file else tuple(_candidates(folder))
    path = Path(config_file) if config_file else next((path for path in reversed(looked_at) if _is_used(path)), None)
    if path is not None:
        text = _text_of(path)
        table = _table_of(text, path)
        lines = _lines_of_keys(text)
        for key, value in table.items():
            origin = f"{path}:{lines[key]}" if key in lines else str(path)
            setting = _setting(key, origin)
            found[setting.name] = Configured(_checked(setting, _typed(setting, value, origin), origin), origin)
    warnings = []
    for name, text in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name in _NO_SETTINGS:
            continue
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("_", "-")
        if key in _BY_NAME:
            found[key] = Configured(_checked(_BY_NAME[key], _from_text(_BY_NAME[key], text, name), name), name)
        elif near := get_close_matches(key, _BY_NAME, n=1, cutoff=0.8):
            # Somebody else's variable may share the prefix: only files are ours alone.
            warnings.append(ConfigError(f"{name} is no setting", advice=f"Did you mean {variable_of(near[0])}?"))
    return Configuration(found, path, looked_at, tuple(warnings))


def variable_of(name: str) -> str:
    """The environment variable of a setting.

    >>> variable_of("fail-on")
    'LEAKREPORT_FAIL_ON'
    """
    return ENVIRONMENT_PREFIX + name.upper().replace("-", "_")


def cache_folder(environment: Mapping[str, str]) -> str:
    """Where leakreport may keep what it can make again. Source: XDG Base Directory Specification 0.8."""
    given = environment.get("XDG_CACHE_HOME", "")
    return os.path.join(given if os.path.isabs(given) else os.path.expanduser("~/.cache"), "leakreport")


def _candidates(folder: Path) -> Iterator[Path]:
    """Files that could have settings, the nearest first, until one has."""
    for parent in (folder, *folder.parents):
        for name in FILE_NAMES:
            path = parent / name
            if path.is_file():
                yield path
                if _is_used(path):
                    return


def _is_used(path: Path) -> bool:
    return path.name != "pyproject.toml" or _has_table(path)


def _has_table(path: Path) -> bool:
    """Whether a pyproject.toml speaks of leakreport at all; one that is no TOML does if the name stands in it."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    if b"leakreport" not in content:
        return False
    try:
        tool = tomllib.loads(content.decode()).get("tool")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return b"[tool.leakreport" in content
    return isinstance(tool, dict) and "leakreport" in tool


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}", advice="Check --config.") from error
    except UnicodeDecodeError as error:
        raise _no_toml(path, error) from error


def _no_toml(path: Path, error: ValueError) -> ConfigError:
    return ConfigError(f"{path} is not TOML: {error}", advice="Correct it, or give another one with --config.")


def _table_of(text: str, path: Path) -> Mapping[str, object]:
    """The settings of a file, as TOML has them."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(path, error) from error
    table = document
    if path.name == "pyproject.toml" or "tool" in document:
        if path.name == "leakreport.toml" and len(document) > 1:
            others = ", ".join(key for key in document if key != "tool")
            raise ConfigError(
                f"{path} has settings in [tool.leakreport] and beside it: {others}",
                advice="Leave out the line [tool.leakreport]: the whole file is leakreport's.",
            )
        tool = document.get("tool", {})
        if not isinstance(tool, dict):
            raise ConfigError(f"tool in {path} is not a table", advice="Write [tool.leakreport].")
        table = tool.get("leakreport", {})
    if not isinstance(table, dict):
        raise ConfigError(f"tool.leakreport in {path} is not a table", advice="Write [tool.leakreport].")
    return table


_HEADER = re.compile(r"\s*\[\s*(?P<name>[^\[\]]+?)\s*\]\s*(?:#.*)?\Z")
_KEY = re.compile(r"\s*(?P<quote>[\"']?)(?P<key>[\w-]+)(?P=quote)\s*[=.]")


def _lines_of_keys(text: str) -> dict[str, int]:
    """Where the keys of the table stand, from 1.

    Heuristic: TOML is not parsed for it. It errs where a text of several lines holds what looks like a key.
    """
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            table = header["name"].replace(" ", "").removeprefix("tool.leakreport").removeprefix(".")
            if table in _BY_NAME:
                found.setdefault(table, number)
        elif table == "" and (key := _KEY.match(line)) is not None:
            found.setdefault(key["key"], number)
    return found


def _setting(key: str, origin: str) -> Setting:
    name = key.replace("_", "-")
    if name in _BY_NAME:
        return _BY_NAME[name]
    near = get_close_matches(name, _BY_NAME, n=1)
    advice = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(_BY_NAME)}."
    raise ConfigError(f"unknown setting {key!r}", where=origin, advice=advice)


def _typed(setting: Setting, value: object, origin: str) -> Value:
    if setting.kind is list:
        items = value if isinstance(value, list) else [value]
        if setting.name == "max-growth":
            # A size may be a plain number of bytes.
            items = [str(item) if isinstance(item, int) and not isinstance(item, bool) else item for item in items]
        if all(isinstance(item, str) for item in items):
            return tuple(items)
    elif setting.kind is dict:
        if isinstance(value, dict):
            entries = {key: " ".join(owner) if _are_texts(owner) else owner for key, owner in value.items()}
            if all(isinstance(entry, str) for entry in entries.values()):
                return tuple(entries.items())
    elif setting.kind is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif setting.kind is bool:
        if isinstance(value, bool):
            return value
    elif isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    words = {
        list: "a list of texts",
        dict: 'a table of texts like {"src/net/**" = "@net"}',
        int: "a whole number",
        bool: "true or false",
        str: "a text",
    }[setting.kind]
    raise ConfigError(f"{setting.name} must be {words}, not {value!r}", where=origin)


def _checked(setting: Setting, value: Value, origin: str) -> Value:
    """The value, where it is one of the words or a size as the setting asks for."""
    texts = value if isinstance(value, tuple) else (value,)
    if setting.is_closed:
        for word in (word.strip() for text in texts for word in str(text).split(",")):
            if word and word not in setting.choices:
                near = get_close_matches(word, setting.choices, n=1)
                advice = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(setting.choices)}."
                raise ConfigError(f"{setting.name} is {word!r}", where=origin, advice=advice)
    if setting.is_size:
        try:
            parse_size(str(value))
        except UsageError as error:
            raise ConfigError(
                f"{setting.name} is {value!r}: {error.what}", where=origin, advice=error.advice
            ) from error
    return value


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _from_text(setting: Setting, text: str, origin: str) -> Value:
    if setting.kind is list:
        return tuple(part for part in text.split(os.pathsep if setting.name in _PATH_LISTS else ",") if part)
    if setting.kind is dict:
        entries = [part.rpartition("=") for part in text.split(",") if part.strip()]
        if any(not sign for _, sign, _ in entries):
            raise ConfigError(f"{origin} must be PATTERN=TEXT,PATTERN=TEXT, not {text!r}")
        return tuple((pattern.strip(), entry.strip()) for pattern, _, entry in entries)
    if setting.kind is bool:
        lowered = text.strip().lower()
        if lowered in {"1", "true", "yes", "on"}:
            return True
        if lowered in {"", "0", "false", "no", "off"}:
            return False
        raise ConfigError(f"{origin} must be true or false, not {text!r}")
    if setting.kind is int:
        if text.strip().isascii() and text.strip().isdecimal():
            return int(text)
        raise ConfigError(f"{origin} must be a whole number, not {text!r}")
    return text
