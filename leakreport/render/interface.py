"""What a renderer is: a report in, text or bytes out. The caller writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Report
from leakreport.analysis.trendreport import TrendReport
from leakreport.render.source_links import SourceLinks
from leakreport.repository.paths import RepositoryPaths


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How a report is written; one object for all renderers, each takes what it needs."""

    command: tuple[str, ...] = ()
    """The command line that made this report, for "how to reproduce"."""
    records: bool = False
    """JSON rows name the input's records."""
    max_paths: int | None = None
    with_source: bool = True
    source_roots: tuple[str, ...] = ()
    """Folders besides the working directory below which source may be read."""
    repository: RepositoryPaths | None = None
    """The checkout at hand, in which files of a build elsewhere are found; None for none."""
    source_links: SourceLinks | None = None
    """Where frames lead to; None for nowhere."""
    include_host: bool = False
    """Home folders, hosts and secrets stay; the caller takes them out of the report where this is not set."""
    hidden_arguments: int = 0
    """How many arguments the caller took out of the command lines because they look like secrets."""
    width: int = 100
    """Columns of a terminal."""
    is_terminal: bool = False
    with_colour: bool = False
    verbosity: int = 0
    unit: str | None = None
    is_forced: bool = False
    """Reports of any size are written."""


class Failure(NamedTuple):
    """Why there is no report: one input that could not be read."""

    slug: str
    """Of the error: `empty-input`."""
    text: str
    source: str = ""
    """The input, empty where it is not one alone."""


class Renderer(Protocol):
    """Report to text, or to bytes where the format is binary."""

    name: str
    suffix: str
    is_binary: bool
    """Whether `render` gives bytes, which no terminal can show."""

    def render(self, report: Report, options: RenderOptions) -> str | bytes:
        """The whole output. Same report and options, same output."""
        ...


@runtime_checkable
class TrendRenderer(Protocol):
    """A renderer that can write a trend, too."""

    def render_trend(self, report: TrendReport, options: RenderOptions) -> str:
        """The whole output."""
        ...


@runtime_checkable
class DiffRenderer(Protocol):
    """A renderer that can write a comparison, too."""

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The whole output."""
        ...


@runtime_checkable
class FailureRenderer(Protocol):
    """A renderer that can say that there is no report, so that whoever reads the format does not take that for a good one."""

    def render_failure(self, kind: str, failures: Sequence[Failure], options: RenderOptions) -> str:
        """The whole output; `kind` is that of the report that was asked for, or `check`."""
        ...
