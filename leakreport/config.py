"""Settings: one table with type, help and default; from flags, the environment, a file, in this order.

The file is `leakreport.toml`, or `[tool.leakreport]` in `pyproject.toml`, nearest above the working directory, or the
one that `--config` names. Keys are the long options without dashes in front: `own = ["src/**"]`, `fail-on = "definite"`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from leakreport.errors import ConfigError

ENVIRONMENT_PREFIX = "LEAKREPORT_"
FILE_NAMES = ("leakreport.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be configured."""

    name: str
    """The long option without its dashes."""
    kind: type
    """`str`, `int`, `bool`, or `list` for a list of texts."""
    help: str


SETTINGS = (
    Setting("own", list, "What is yours: a source path glob, or lib:GLOB for a module's base name."),
    Setting("suppressions", list, "Files of rules that take known memory out of the figures; it is counted and shown."),
    Setting("alloc-fn", list, "Functions (globs) that count as allocators, like massif's --alloc-fn."),
    Setting("fail-on", list, "Fail on definite, indirect, possible, reachable, any, errors, fds."),
    Setting("max-leaked", str, "Fail when more than this is lost."),
    Setting("min-change", str, "Of a comparison: smaller changes of a path are noise."),
    Setting("max-growth", list, "Fail when more than this grew; GLOB=SIZE for a library or function alone."),
    Setting("min-growth", str, "Of a trend: series that range over less are flat."),
    Setting("per", str, "Of a comparison: the work of each side, as N, UNIT=N or UNIT=BEFORE,AFTER."),
    Setting("force-compare", bool, "Judge two runs even where they cannot be compared."),
    Setting("partial", bool, "Accept incomplete inputs; a gate that only passed is then inconclusive."),
    Setting("focus", str, "Only paths with a function, file or module that this regular expression finds."),
    Setting("ignore", str, "No paths with such a function, file or module."),
    Setting("group-by", str, "Add sums by path, function, file, module, kind or owner."),
    Setting("top", int, "Only the first N entries of the reading list."),
    Setting("max-paths", int, "At most N paths in the JSON."),
    Setting("max-nodes", str, "At most N nodes of the call tree in a report, or all."),
    Setting("source-root", list, "A folder below which source may be shown, besides the working directory."),
    Setting("no-source", bool, "Show no source lines: tickets travel further than source does."),
    Setting("symbol-path", list, "Folders with the profiled binaries or their debug files."),
    Setting("sysroot", str, "A folder that stands for / of the profiled machine."),
    Setting("build-id", list, "OBJECT=HEX: the build of an object that was profiled, where the profile does not say."),
    Setting("no-symbols", bool, "Leave addresses as they are."),
    Setting("redact", bool, "Replace every name of the input by a token; ids, shapes and bytes stay."),
    Setting("include-host", bool, "Keep home folders, hosts and what looks like secrets."),
    Setting("color", str, "auto, always or never."),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}

Value = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Configured:
    """A value with its origin."""

    value: Value
    origin: str


def load_settings(config_file: str | None, environment: Mapping[str, str], folder: Path) -> dict[str, Configured]:
    """The settings of the environment and the file; flags are laid over them by the command.

    Raises:
        ConfigError: a file or variable is not readable, a key is unknown, a value of the wrong type.
    """
    found: dict[str, Configured] = {}
    path = Path(config_file) if config_file else _nearest_file(folder)
    if path is not None:
        for key, value in _read_file(path, is_named=config_file is not None).items():
            setting = _setting(key, str(path))
            found[setting.name] = Configured(_typed(setting, value, str(path)), str(path))
    for name, text in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name in {"LEAKREPORT_REQUIRE_TOOLS", "LEAKREPORT_FUZZ_SECONDS"}:
            continue
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("_", "-")
        if key not in _BY_NAME:
            # Somebody else's variable may share the prefix; only files are ours alone.
            continue
        setting = _BY_NAME[key]
        found[key] = Configured(_from_text(setting, text, name), name)
    return found


def cache_folder(environment: Mapping[str, str]) -> str:
    """Where leakreport may keep what it can make again. Source: XDG Base Directory Specification 0.8."""
    given = environment.get("XDG_CACHE_HOME", "")
    return os.path.join(given if os.path.isabs(given) else os.path.expanduser("~/.cache"), "leakreport")


def _nearest_file(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        for name in FILE_NAMES:
            path = parent / name
            if path.is_file() and (name != "pyproject.toml" or _has_table(path)):
                return path
    return None


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


def _read_file(path: Path, *, is_named: bool) -> Mapping[str, object]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}", advice="Check --config.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} is not TOML: {error}", advice="Correct it, or give another one with --config."
        ) from error
    table = document
    if path.name == "pyproject.toml" or (is_named and "tool" in document):
        tool = document.get("tool", {})
        if not isinstance(tool, dict):
            raise ConfigError(f"tool in {path} is not a table", advice="Write [tool.leakreport].")
        table = tool.get("leakreport", {})
    if not isinstance(table, dict):
        raise ConfigError(f"tool.leakreport in {path} is not a table", advice="Write [tool.leakreport].")
    return table


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
    elif setting.kind is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif setting.kind is bool:
        if isinstance(value, bool):
            return value
    elif isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    words = {list: "a list of texts", int: "a whole number", bool: "true or false", str: "a text"}[setting.kind]
    raise ConfigError(f"{setting.name} must be {words}, not {value!r}", where=origin)


def _from_text(setting: Setting, text: str, origin: str) -> Value:
    if setting.kind is list:
        return tuple(
            part for part in text.split(os.pathsep if setting.name in {"symbol-path", "suppressions"} else ",") if part
        )
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
