"""Options that several commands share: each stands here once, and a command names the groups that it takes.

    @takes(READING, WRITING)
    def analyze(inputs: Inputs, given: Given, fail_on: FailOn = None) -> int: ...

The parameter `given` becomes all options of the groups, and holds what was given of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from leakreport.config import SETTINGS

if TYPE_CHECKING:
    from leakreport.cli.settings import Chosen


@dataclass(frozen=True, slots=True)
class Given:
    """What was given of the shared options; the names are those of the parameters, `format_name`, `max_paths`."""

    values: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """A text, None where it was not given."""
        value = self.values.get(name)
        return None if value is None else str(value)

    def texts(self, name: str) -> list[str]:
        """What may be given several times."""
        return list(self.values.get(name) or [])

    def flag(self, name: str) -> bool:
        """Whether a flag was given."""
        return self.values.get(name) is True

    def count(self, name: str) -> int:
        """How often a flag was given."""
        return int(self.values.get(name) or 0)

    @property
    def to(self) -> str:
        """The format of standard output."""
        return str(self.values["to"])

    def chosen(self, own: Mapping[str, object] | None = None) -> Chosen:
        """These options and the command's own ones laid over the environment and the configuration file.

        Raises:
            ConfigError: the file or the environment does not make sense.
            UsageError: a flag has an unknown word.
        """
        from leakreport.cli.settings import merged

        shared = {setting_name(name): value for name, value in self.values.items()}
        settings = {setting.name for setting in SETTINGS}
        return merged(
            self.text("config"), {name: value for name, value in shared.items() if name in settings} | dict(own or {})
        )


class Flag(NamedTuple):
    """One shared option."""

    name: str
    """Of the parameter."""
    annotation: Any
    default: Any = None


def takes(*groups: tuple[Flag, ...]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command the options of some groups in place of its parameter `given`."""
    flags = [flag for group in groups for flag in group]

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        signature = inspect.signature(command, eval_str=True)
        shared = [
            inspect.Parameter(
                flag.name, inspect.Parameter.KEYWORD_ONLY, default=flag.default, annotation=flag.annotation
            )
            for flag in flags
        ]
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in signature.parameters.values()
            if parameter.name != "given"
        ]
        first = [parameter for parameter in own if isinstance(_info(parameter), typer.models.ArgumentInfo)]
        rest = [parameter for parameter in own if parameter not in first]

        @wraps(command)
        def run(**values: Any) -> int:  # noqa: ANN401 - whatever the options are
            common = {flag.name: values.pop(flag.name) for flag in flags}
            return command(given=Given(common), **values)

        parameters = [*first, *rest, *shared]
        vars(run)["__signature__"] = signature.replace(parameters=parameters)
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": int}
        # What typer would look through to the signature of the command itself.
        del run.__wrapped__
        return run

    return decorate


def settable(*groups: tuple[Flag, ...]) -> tuple[Flag, ...]:
    """The options of some groups that are settings, too, and where these are read from."""
    names = {"config", *(setting.name for setting in SETTINGS)}
    return tuple(flag for group in groups for flag in group if setting_name(flag.name) in names)


def setting_name(parameter: str) -> str:
    """The setting of a parameter, which may be a word of Python.

    >>> setting_name("fail_on"), setting_name("as_")
    ('fail-on', 'as')
    """
    return parameter.rstrip("_").replace("_", "-")


def _info(parameter: inspect.Parameter) -> object:
    return next(iter(getattr(parameter.annotation, "__metadata__", ())), None)


# fmt: off
Inputs = Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for standard input; .gz .xz .bz2 .zst too.", show_default=False)]
FormatName = Annotated[str | None, typer.Option("--format", metavar="NAME", help="The format of the inputs, instead of recognising it.", show_default=False)]
Unit = Annotated[str | None, typer.Option("--unit", metavar="NAME", help="What the numbers of folded stacks count: bytes or blocks.", show_default=False)]
Own = Annotated[list[str] | None, typer.Option("--own", metavar="GLOB", help="What is yours: a source path ('src/**'), or lib:GLOB for a module's base name. Repeatable.", show_default=False)]
CodeOwnersFile = Annotated[str | None, typer.Option("--codeowners", metavar="FILE", help="Who owns what: a CODEOWNERS file, instead of that of the repository; github:FILE or gitlab:FILE says the dialect.", show_default=False)]
SourceUrl = Annotated[str | None, typer.Option("--source-url", metavar="URL", help="Link frames to their source: https://forge/project/blob/{commit}/{path}#L{line}.", show_default=False)]
Commit = Annotated[str | None, typer.Option("--commit", metavar="COMMIT", help="The commit that links lead to, instead of that of the CI job or the one checked out.", show_default=False)]
Editor = Annotated[str | None, typer.Option("--editor", metavar="NAME|URL", help="Link frames to an editor: vscode, idea, emacs, or a URL with {file} and {line}; with --include-host only.", show_default=False)]
AllocFn = Annotated[list[str] | None, typer.Option("--alloc-fn", metavar="GLOB", help="A function that counts as allocator, like massif's option. Repeatable.", show_default=False)]
Suppressions = Annotated[list[str] | None, typer.Option("--suppressions", metavar="FILE", help="Rules for memory that is known, of valgrind, LeakSanitizer or heaptrack: counted, and not judged. Repeatable.", show_default=False)]
Focus = Annotated[str | None, typer.Option("--focus", metavar="REGEX", help="Only paths with such a function, file or module.", show_default=False)]
Ignore = Annotated[str | None, typer.Option("--ignore", metavar="REGEX", help="No paths with such a function, file or module.", show_default=False)]
At = Annotated[str | None, typer.Option("--at", metavar="WHICH", help="The judged snapshot: last, peak, or an index.", show_default=False)]
RankingMetric = Annotated[str | None, typer.Option("--metric", metavar="NAME", help="The metric that ranks the paths.", show_default=False)]
As = Annotated[str | None, typer.Option("--as", metavar="WHAT", help="Several inputs are a series, processes or runs.", show_default=False)]
MaxGrowth = Annotated[list[str] | None, typer.Option("--max-growth", metavar="[GLOB=]SIZE", help="Exit 1 when more than this grew; with GLOB= for a library or function alone. Repeatable.", show_default=False)]
Partial = Annotated[bool | None, typer.Option("--partial", help="Accept incomplete inputs; a gate that only passed is then inconclusive (exit 5).", show_default=False)]
MaxNodes = Annotated[str | None, typer.Option("--max-nodes", metavar="N|all", help="At most N nodes of the call tree in a report (default 20000, fewer where a node has many figures).", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Write a report of more than 20 MB, too.")]
ConfigFile = Annotated[str | None, typer.Option("--config", metavar="FILE", help="The configuration file, instead of the nearest leakreport.toml or pyproject.toml.", show_default=False)]
SymbolPath = Annotated[list[str] | None, typer.Option("--symbol-path", metavar="DIR", help="A folder with the profiled binaries or their debug files. Repeatable.", show_default=False)]
Sysroot = Annotated[str | None, typer.Option("--sysroot", metavar="DIR", help="A folder that stands for / of the profiled machine.", show_default=False)]
BuildId = Annotated[list[str] | None, typer.Option("--build-id", metavar="OBJECT=HEX", help="The build of an object that was profiled, where the profile does not say. Repeatable.", show_default=False)]
NoSymbols = Annotated[bool | None, typer.Option("--no-symbols", help="Leave addresses as they are.", show_default=False)]
Output = Annotated[list[str] | None, typer.Option("-o", "--output", metavar="FILE", help="Write a file; the format follows from the suffix (.html .json .md .txt) or from FORMAT:FILE. Repeatable.", show_default=False)]
Records = Annotated[bool, typer.Option("--records", help="JSON rows name the input's own records.")]
MaxPaths = Annotated[int | None, typer.Option("--max-paths", metavar="N", min=0, help="At most N paths in the JSON.", show_default=False)]
SourceRoot = Annotated[list[str] | None, typer.Option("--source-root", metavar="DIR", help="A folder below which source may be shown, besides the working directory. Repeatable.", show_default=False)]
NoSource = Annotated[bool | None, typer.Option("--no-source", help="Show no source lines.", show_default=False)]
Redact = Annotated[bool | None, typer.Option("--redact", help="Replace every name of the input by a token; ids, shapes and bytes stay.", show_default=False)]
IncludeHost = Annotated[bool | None, typer.Option("--include-host", help="Keep home folders, hosts and what looks like secrets.", show_default=False)]
Color = Annotated[str | None, typer.Option("--color", metavar="WHEN", help="auto, always or never.", show_default=False)]
To = Annotated[str, typer.Option("--to", metavar="FORMAT", help="What standard output gets: terminal, json, markdown, html, and others that leakreport formats lists.")]
FailOn = Annotated[list[str] | None, typer.Option("--fail-on", metavar="LIST", help="Exit 1 on some of these (comma list): definite, indirect, possible, reachable, any, errors, fds of one run; growth, new of a comparison; growth of a trend.", show_default=False)]
MaxLeaked = Annotated[str | None, typer.Option("--max-leaked", metavar="SIZE", help="Exit 1 when more than this is lost: 64KiB, 2MiB.", show_default=False)]
ForceCompare = Annotated[bool | None, typer.Option("--force-compare", help="Judge even what cannot be compared.", show_default=False)]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Nothing on standard output but what --to asks for; no progress, no hints.")]
Verbose = Annotated[int, typer.Option("-v", "--verbose", count=True, help="All paths; -vv with their stacks.")]
# fmt: on

FINDING_NAMES = (
    Flag("symbol_path", SymbolPath),
    Flag("sysroot", Sysroot),
    Flag("build_id", BuildId),
    Flag("no_symbols", NoSymbols),
)
READING = (
    Flag("format_name", FormatName),
    Flag("unit", Unit),
    Flag("as_", As),
    Flag("metric", RankingMetric),
    Flag("partial", Partial),
    *FINDING_NAMES,
    Flag("suppressions", Suppressions),
    Flag("own", Own),
    Flag("codeowners", CodeOwnersFile),
    Flag("alloc_fn", AllocFn),
    Flag("redact", Redact),
    Flag("include_host", IncludeHost),
    Flag("config", ConfigFile),
)
"""Of every command that reads profiles."""
WRITING = (
    Flag("to", To, "terminal"),
    Flag("output", Output),
    Flag("max_paths", MaxPaths),
    Flag("max_nodes", MaxNodes),
    Flag("force", Force, False),
    Flag("source_root", SourceRoot),
    Flag("no_source", NoSource),
    Flag("source_url", SourceUrl),
    Flag("commit", Commit),
    Flag("editor", Editor),
    Flag("color", Color),
    Flag("quiet", Quiet, False),
    Flag("verbose", Verbose, 0),
)
"""Of every command that writes reports."""
COMPARING = (
    Flag("max_growth", MaxGrowth),
    Flag("force_compare", ForceCompare),
)
"""Of every command that compares."""
SELECTING = (
    Flag("focus", Focus),
    Flag("ignore", Ignore),
)
"""Of every command that may look at some paths only."""
