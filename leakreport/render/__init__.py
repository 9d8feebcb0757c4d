"""The formats leakreport writes: the built-in table, plug-ins, and choosing one by name or file suffix."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from leakreport.errors import PluginError, UsageError
from leakreport.plugins import RENDERERS, by_name, load_plugins
from leakreport.render.interface import DiffRenderer, FailureRenderer, Renderer, TrendRenderer

if TYPE_CHECKING:
    from leakreport.analysis.diffreport import DiffReport
    from leakreport.analysis.report import Report
    from leakreport.analysis.trendreport import TrendReport
    from leakreport.render._plugins import PluginRenderer
    from leakreport.render.interface import Failure, RenderOptions

BUILTIN = {
    "terminal": "leakreport.render.terminal:TerminalRenderer",
    "json": "leakreport.render.json:JsonRenderer",
    "html": "leakreport.render.html:HtmlRenderer",
    "markdown": "leakreport.render.markdown:MarkdownRenderer",
    "pprof": "leakreport.render.pprof:PprofRenderer",
    "folded": "leakreport.render.folded:FoldedRenderer",
    "speedscope": "leakreport.render.speedscope:SpeedscopeRenderer",
    "csv": "leakreport.render.csv:CsvRenderer",
    "sarif": "leakreport.render.sarif:SarifRenderer",
    "sarif-full": "leakreport.render.sarif:SarifFullRenderer",
    "codequality": "leakreport.render.codequality:CodeQualityRenderer",
    "junit": "leakreport.render.junit:JunitRenderer",
    "sonar": "leakreport.render.sonar:SonarRenderer",
    "github": "leakreport.render.github:GithubRenderer",
    "github-summary": "leakreport.render.comment:GithubSummaryRenderer",
    "comment": "leakreport.render.comment:CommentRenderer",
    "prometheus": "leakreport.render.prometheus:PrometheusRenderer",
    "teamcity": "leakreport.render.teamcity:TeamcityRenderer",
}
SUFFIXES = {
    ".txt": "terminal",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".csv": "csv",
    ".folded": "folded",
    ".pb.gz": "pprof",
    ".sarif": "sarif",
    ".prom": "prometheus",
}


def renderer_names() -> tuple[str, ...]:
    """The names of the built-in formats."""
    return tuple(BUILTIN)


def is_renderer(name: str) -> bool:
    """Whether a format of that name can be written, built in or by a plug-in that works."""
    return name in BUILTIN or name in plugin_renderers()[0]


@cache
def plugin_renderers() -> tuple[dict[str, PluginRenderer], dict[str, PluginError]]:
    """The renderers of other packages by name, and what is wrong with those that cannot be used."""
    from leakreport.render._plugins import PluginRenderer

    return load_plugins(RENDERERS, PluginRenderer, BUILTIN)


def as_trend(renderer: Renderer) -> TrendRenderer:
    """The renderer, if it can write a trend.

    Raises:
        UsageError: it cannot.
    """
    if not isinstance(renderer, TrendRenderer):
        raise UsageError(
            f"{renderer.name} cannot hold a trend in this version", advice=f"Use {_names_of(TrendRenderer)}."
        )
    return renderer


def as_diff(renderer: Renderer) -> DiffRenderer:
    """The renderer, if it can write a comparison.

    Raises:
        UsageError: it cannot.
    """
    if not isinstance(renderer, DiffRenderer):
        raise UsageError(f"{renderer.name} holds one run, not a comparison", advice=f"Use {_names_of(DiffRenderer)}.")
    return renderer


def _names_of(kind: type[DiffRenderer | TrendRenderer]) -> str:
    """The built-in formats that can write a kind of report."""
    names = [name for name in BUILTIN if isinstance(get_renderer(name), kind)]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def get_renderer(name: str) -> Renderer:
    """The renderer of a format.

    Raises:
        PluginError: it is that of a plug-in that cannot be used.
        UsageError: no such format.
    """
    if name not in BUILTIN:
        return by_name(name, *plugin_renderers(), BUILTIN, "output format")
    module, _, attribute = BUILTIN[name].partition(":")
    renderer: Renderer = getattr(import_module(module), attribute)()
    return renderer


def write(report: Report | DiffReport | TrendReport, name: str, options: RenderOptions) -> str | bytes:
    """A report in a format, whatever its kind.

    Raises:
        PluginError: the format is that of a plug-in that cannot be used.
        UsageError: no such format, or one that cannot hold such a report.
    """
    renderer = get_renderer(name)
    match report.kind:
        case "trend":
            return as_trend(renderer).render_trend(cast("TrendReport", report), options)
        case "diff":
            return as_diff(renderer).render_diff(cast("DiffReport", report), options)
        case _:
            return renderer.render(cast("Report", report), options)


def write_failure(kind: str, failures: Sequence[Failure], name: str, options: RenderOptions) -> str | None:
    """That there is no report, in a format; None where the format holds nothing but reports."""
    renderer = get_renderer(name)
    return renderer.render_failure(kind, failures, options) if isinstance(renderer, FailureRenderer) else None


def renderer_for_path(path: str) -> str:
    """The name of the format that a file's suffix stands for.

    Raises:
        UsageError: the suffix stands for none.
    """
    name = PurePath(path).name.lower()
    suffix = next((suffix for suffix in SUFFIXES if name.endswith(suffix) and name != suffix), None)
    if suffix is not None:
        return SUFFIXES[suffix]
    if name.endswith(".xml"):
        raise UsageError(
            f"the suffix of {path!r} stands for several formats",
            advice=f"Say which in front, as in -o junit:FILE. This version writes {', '.join(BUILTIN)}.",
        )
    raise UsageError(
        f"the suffix of {path!r} names no output format",
        advice=f"Use {', '.join(SUFFIXES)}, or say it in front: -o markdown:{path}",
    )
