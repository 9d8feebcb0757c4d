"""One self-contained HTML file: every fact of the report as HTML and SVG, readable without script and without style.

Input is hostile: the templates escape everything, there is no script, and the Content-Security-Policy allows nothing but
the one style sheet, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from leakreport import __version__
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Report, Verdict
from leakreport.analysis.trendreport import TrendReport
from leakreport.render.analysis_html import AnalysisPage
from leakreport.render.interface import RenderOptions
from leakreport.render.names import shorten_name
from leakreport.render.page import PageText
from leakreport.render.phrases import cut
from leakreport.render.resources import assets_text, template_folder
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
        return _rendered("report.html.j2", AnalysisPage(report, options), report, report.verdict)

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The page of a comparison."""
        from leakreport.render.diff_html import DiffPage

        return _rendered("diff.html.j2", DiffPage(report, options), report, report.verdict)

    def render_trend(self, report: TrendReport, options: RenderOptions) -> str:
        """The page of a trend."""
        from leakreport.render.trend_html import TrendPage

        page = TrendPage(report, options)
        return _rendered("trend.html.j2", page, report, page.verdict)


def _rendered(template: str, page: PageText, report: object, verdict: Verdict) -> str:
    style = _style()
    return (
        _environment(page.text)
        .get_template(template)
        .render(page=page, report=report, verdict=verdict, style=style, style_hash=_hash(style), version=__version__)
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


def _style() -> object:
    """The style sheet, ours and reviewed: the only text that is not escaped."""
    from markupsafe import Markup

    return Markup(assets_text("css"))  # noqa: S704 - our own file, never input


def _hash(style: object) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(str(style).encode()).digest()).decode()
