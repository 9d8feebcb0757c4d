"""One self-contained HTML file: every fact of the report as HTML and SVG, readable without script and without style.

Input is hostile: the templates escape everything, and the Content-Security-Policy allows nothing but the one style sheet
and the one script, each by its hash. What the script reads stands in the page as data, written by `payload`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from leakreport import __version__
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Report, Verdict
from leakreport.analysis.trendreport import TrendReport
from leakreport.render.analysis_html import AnalysisPage
from leakreport.render.embedded import embedded
from leakreport.render.interface import Failure, RenderOptions
from leakreport.render.issues import issues_of_failure
from leakreport.render.names import shorten_name
from leakreport.render.page import PageText
from leakreport.render.payload import AnyReport, payload_element
from leakreport.render.phrases import cut
from leakreport.render.resources import script_text, style_text, template_folder
from leakreport.units import format_bytes, format_change, format_count, format_exact_bytes, format_share, plural

if TYPE_CHECKING:
    from jinja2 import Environment


class HtmlRenderer:
    """Writes the report that people attach to tickets."""

    name = "html"
    suffix = ".html"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """The whole page. Same report and options, same bytes."""
        return _rendered("report.html.j2", AnalysisPage(report, options), report, report.verdict, options)

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The page of a comparison."""
        from leakreport.render.diff_html import DiffPage

        return _rendered("diff.html.j2", DiffPage(report, options), report, report.verdict, options)

    def render_trend(self, report: TrendReport, options: RenderOptions) -> str:
        """The page of a trend."""
        from leakreport.render.trend_html import TrendPage

        page = TrendPage(report, options)
        return _rendered("trend.html.j2", page, report, page.verdict, options)

    def render_failure(self, kind: str, failures: Sequence[Failure], options: RenderOptions) -> str:
        """The page where there is no report: text alone, nothing runs."""
        found, page = issues_of_failure(kind, failures), PageText(options)
        template = _environment(page.text).get_template("failure.html.j2")
        return template.render(
            page=page,
            report=found,
            verdict=found.verdict,
            style=embedded(style_text()),
            script=None,
            version=__version__,
        )


def _rendered(template: str, page: PageText, report: AnyReport, verdict: Verdict, options: RenderOptions) -> str:
    return (
        _environment(page.text)
        .get_template(template)
        .render(
            page=page,
            report=report,
            verdict=verdict,
            style=embedded(style_text()),
            script=embedded(script_text()),
            payload=payload_element(report, options),
            version=__version__,
        )
    )


def _environment(text: Callable[[str], str]) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(template_folder()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        bytes=format_bytes,
        exact=format_exact_bytes,
        count=format_count,
        text=text,
        plural=plural,
        share=format_share,
        change=format_change,
        short=shorten_name,
        clip=cut,
    )
    return environment
