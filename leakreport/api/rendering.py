"""Reports, and failures to read, to text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from leakreport.errors import (
    LeakreportError,
)

if TYPE_CHECKING:
    from leakreport.analysis.diffreport import DiffReport
    from leakreport.analysis.report import Report
    from leakreport.analysis.trendreport import TrendReport
    from leakreport.render.interface import RenderOptions


def render(
    report: Report | DiffReport | TrendReport, *, to: str = "html", options: RenderOptions | None = None
) -> str | bytes:
    """A report in a format: text, or bytes where the format is binary.

    What leaves here names nobody: without `include_host` home folders, hosts and secrets are taken out of the report
    before a renderer sees it.

    Raises:
        UsageError: no such format, or one that cannot hold such a report.
    """
    from leakreport.privacy.copies import public_copy
    from leakreport.privacy.texts import told_command
    from leakreport.render import write
    from leakreport.render.interface import RenderOptions

    options = options or RenderOptions()
    if report.is_redacted:
        command = told_command(options.command)
        options = replace(options, command=command, with_source=False, source_roots=())
        options = replace(options, source_links=None, repository=None)
    if options.include_host:
        return write(report, to, options)
    public = public_copy(report, options.command, keeps_commands=options.is_terminal)
    return write(public.report, to, replace(options, command=public.command, hidden_arguments=public.hidden_arguments))


def render_failure(
    errors: Sequence[LeakreportError],
    *,
    to: str,
    kind: str = "analysis",
    options: RenderOptions | None = None,
    is_redacted: bool = False,
) -> str | None:
    """That nothing could be read and why, in a format that people or pipelines read; None in one that holds nothing but reports.

    Args:
        errors: one for each input, or what else was wrong.
        to: the format.
        kind: of the report that was asked for, or `check`.
        options: as of `render`; without `include_host` home folders and secrets are taken out.
        is_redacted: inputs are numbered, and only the kinds of the errors are told.
    """
    from leakreport.privacy.texts import prose_without_secrets, source_without_host, without_home
    from leakreport.render import write_failure
    from leakreport.render.interface import Failure, RenderOptions

    options = options or RenderOptions()
    failures = []
    for number, error in enumerate(errors, 1):
        text, source = f"{error.what.rstrip('.')}. {error.advice}".rstrip(), _file_of(error.where)
        if is_redacted:
            text, source = f"The input could not be read ({error.slug}).", f"input-{number}"
        elif not options.include_host:
            text, source = prose_without_secrets(without_home(text)), source_without_host(without_home(source))
        failures.append(Failure(error.slug, text, source))
    return write_failure(kind, failures, to, options)


def _file_of(where: str) -> str:
    """A place in an input without the line."""
    file, _, line = where.rpartition(":")
    return file if line.isdecimal() else where
