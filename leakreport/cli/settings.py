"""Flags over environment over file, as the option objects of analysis and rendering."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leakreport.config import Value, cache_folder, load_settings
from leakreport.errors import UsageError
from leakreport.units import parse_size, parse_work

if TYPE_CHECKING:
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.render.interface import RenderOptions
    from leakreport.symbols.options import SymbolOptions


@dataclass(frozen=True, slots=True)
class Chosen:
    """The value of every setting that has one."""

    values: Mapping[str, Value]

    def text(self, name: str) -> str | None:
        """A text setting."""
        value = self.values.get(name)
        return None if value is None else str(value)

    def flag(self, name: str) -> bool:
        """A yes-or-no setting."""
        return self.values.get(name) is True

    def number(self, name: str) -> int | None:
        """A whole number."""
        value = self.values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list."""
        value = self.values.get(name)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, tuple) else ()

    def table(self, name: str) -> tuple[tuple[str, str], ...]:
        """The entries of a table, in their order."""
        value = self.values.get(name)
        return tuple(item for item in value if isinstance(item, tuple)) if isinstance(value, tuple) else ()

    def fail_on(self) -> tuple[str, ...]:
        """The words of the gate, each once.

        Raises:
            UsageError: it is given and has none.
        """
        words = [word for text in self.texts("fail-on") for word in text.replace(" ", "").split(",") if word]
        if "fail-on" in self.values and not words:
            raise UsageError(
                "--fail-on names nothing", advice="An empty gate would always pass: leave it out, or name a kind."
            )
        return tuple(dict.fromkeys(words))

    def analysis_options(
        self, *, at: str | None, metric: str | None, grouping: str | None, command: str = "analyze"
    ) -> AnalysisOptions:
        """What the analysis is asked for by a command: `analyze`, `diff`, `trend` or `check`.

        Args:
            at: the flag of the command; a setting counts where it was not given, as with the next two.
            metric: as above.
            grouping: as above.
            command: whose gates count.

        Raises:
            UsageError: a word is not one of the known ones.
        """
        from leakreport.analysis.options import FAIL_ON, GROUP_BY, AnalysisOptions
        from leakreport.analysis.processes import Grouping
        from leakreport.cli.checkout import owners_of
        from leakreport.cli.growth import growth_limits

        words = self.fail_on()
        for word in words:
            one_of(word, FAIL_ON, "--fail-on")
            _check_gate(word, command)
        at = at or (None if command == "trend" else self.text("at"))
        metric, grouping = metric or self.text("metric"), grouping or self.text("as")
        max_leaked = self.text("max-leaked")
        per = self.text("per") if command == "diff" else None
        min_change, min_growth = self.text("min-change"), self.text("min-growth")
        whole, parts = growth_limits(self.texts("max-growth"))
        return AnalysisOptions(
            own=self.texts("own"),
            owners=owners_of(self),
            allocators=self.texts("alloc-fn"),
            grouping=None if grouping is None else Grouping(one_of(grouping, [*Grouping], "--as")),
            at=at,
            metric=metric,
            focus=self.text("focus"),
            ignore=self.text("ignore"),
            group_by=one_of(self.text("group-by") or "path", GROUP_BY, "--group-by"),
            top=self.number("top"),
            fail_on=words,
            max_leaked_bytes=None if max_leaked is None else parse_size(max_leaked),
            max_leaked_text=max_leaked or "",
            max_nodes=_node_limit(self.text("max-nodes")),
            redact=self.flag("redact"),
            min_change_bytes=None if min_change is None else parse_size(min_change),
            max_growth_bytes=None if whole is None else whole.limit,
            max_growth_text="" if whole is None else whole.text,
            max_growth_of=parts,
            min_growth=0 if min_growth is None else parse_size(min_growth),
            force_compare=self.flag("force-compare"),
            per=None if per is None else parse_work(per),
        )

    def symbol_options(self) -> SymbolOptions | None:
        """Where names for addresses are searched; None for nowhere.

        Raises:
            UsageError: a build id is not OBJECT=HEX, or a folder does not exist.
        """
        from leakreport.symbols.options import SymbolOptions, parse_pins

        pins = parse_pins(self.texts("build-id"))
        sysroot = self.text("sysroot")
        for option, folder in [
            ("--sysroot", sysroot),
            *(("--symbol-path", path) for path in self.texts("symbol-path")),
        ]:
            if folder is not None and not os.path.isdir(folder):
                raise UsageError(f"{option} {folder} is no folder", advice="Check the path.")
        if self.flag("no-symbols"):
            return None
        return SymbolOptions(
            symbol_paths=self.texts("symbol-path"),
            sysroot=sysroot,
            pinned=pins,
            cache_folder=cache_folder(os.environ),
        )

    def render_options(
        self,
        *,
        command: tuple[str, ...],
        records: bool = False,
        width: int = 100,
        is_terminal: bool = False,
        with_colour: bool = False,
        verbosity: int = 0,
        is_forced: bool = False,
    ) -> RenderOptions:
        """How the report is written.

        Raises:
            UsageError: the template of links to source is none.
        """
        from leakreport.cli.checkout import repository_of, source_links_of
        from leakreport.render.interface import RenderOptions

        return RenderOptions(
            command=command,
            records=records,
            max_paths=self.number("max-paths"),
            with_source=not self.flag("no-source"),
            source_roots=self.texts("source-root"),
            repository=repository_of(self),
            source_links=source_links_of(self),
            include_host=self.flag("include-host"),
            width=width,
            is_terminal=is_terminal,
            with_colour=with_colour,
            verbosity=verbosity,
            is_forced=is_forced,
        )


def _node_limit(text: str | None) -> int | None:
    """The number of `--max-nodes`; None for the usual one.

    Raises:
        UsageError: it is neither a number above 0 nor `all`.
    """
    from leakreport.analysis.options import MOST_NODES

    if text is None:
        return None
    if text == "all":
        return MOST_NODES
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= MOST_NODES:
        raise UsageError(f"--max-nodes {text}", advice=f"Give a number from 1 to {MOST_NODES:,}, or all.")
    return int(text)


def merged(config_file: str | None, flags: Mapping[str, object]) -> Chosen:
    """The settings of file and environment with the given flags laid over them.

    Raises:
        ConfigError: the file or the environment does not make sense.
        UsageError: a flag has an unknown word.
    """
    from leakreport.cli.shared import say

    configured = load_settings(config_file, os.environ, Path.cwd())
    for warning in configured.warnings:
        say("warning", warning)
    values: dict[str, Value] = {name: found.value for name, found in configured.values.items()}
    for name, value in flags.items():
        if isinstance(value, list):
            if value:
                values[name] = tuple(str(item) for item in value)
        elif isinstance(value, str | int):
            values[name] = value
    for name in ("top", "max-paths"):
        number = values.get(name)
        if isinstance(number, int) and number < (0 if name == "max-paths" else 1):
            raise UsageError(f"{name} is {number}", advice="Give a number of at least 1.")
    color = values.get("color", "auto")
    if color not in {"auto", "always", "never"}:
        raise UsageError(f"color is {color!r}", advice="Choose auto, always or never.")
    chosen = Chosen(values)
    if chosen.text("source-url") or chosen.text("editor"):
        from leakreport.cli.checkout import source_links_of

        # What is wrong with them is said before anything is read.
        source_links_of(chosen, lambda error: say("warning", error))
    return chosen


def _check_gate(word: str, command: str) -> None:
    """See that a word of `--fail-on` is one of a command."""
    if command == "diff" and word not in {"growth", "new", "any"}:
        raise UsageError(f"--fail-on {word} is of one run", advice="A comparison takes growth, new or any.")
    if command == "trend" and word not in {"growth", "any"}:
        what = "compares two runs" if word == "new" else "is of one run"
        raise UsageError(f"--fail-on {word} {what}", advice="A trend takes growth or any, which is the same there.")
    if command == "analyze" and word in {"growth", "new"}:
        raise UsageError(f"--fail-on {word} compares runs", advice="analyze looks at one run only.")


def one_of(word: str, known: tuple[str, ...] | list[str], option: str) -> str:
    """A word of a closed list.

    Raises:
        UsageError: it is another one; the message names the nearest.
    """
    from difflib import get_close_matches

    if word in known:
        return word
    near = get_close_matches(word, known, n=1)
    advice = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    raise UsageError(f"{option} {word!r} is not known", advice=advice)
