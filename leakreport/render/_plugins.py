"""Renderers of other packages, held to the interface: what they do wrong is told in their name."""

from __future__ import annotations

from leakreport.analysis.report import Report
from leakreport.errors import LeakreportError, OutputError, PluginError
from leakreport.plugins import API, Plugin, in_words
from leakreport.render.interface import Renderer, RenderOptions


class PluginRenderer:
    """A renderer of another package."""

    def __init__(self, plugin: Plugin) -> None:
        """Make it.

        Raises:
            PluginError: it cannot be made, or is no renderer for this version.
        """
        made = plugin.make()
        plugin.check_api(getattr(made, "api", API))
        is_complete = isinstance(getattr(made, "suffix", None), str) and callable(getattr(made, "render", None))
        if not is_complete or not isinstance(getattr(made, "is_binary", None), bool):
            raise PluginError(f"{plugin} is no renderer: it lacks suffix, is_binary or render")
        self._renderer: Renderer = made  # type: ignore[assignment]  # has all that the protocol asks for
        if self._renderer.name != plugin.name:
            raise PluginError(f"{plugin} calls its format {self._renderer.name!r}: both names must be equal")
        self.name = plugin.name
        self.suffix = self._renderer.suffix
        self.is_binary = self._renderer.is_binary
        self.origin = plugin.origin
        self._plugin = plugin

    def render(self, report: Report, options: RenderOptions) -> str | bytes:
        """Its output.

        Raises:
            OutputError: it failed.
        """
        try:
            content = self._renderer.render(report, options)
        except LeakreportError:
            raise
        except Exception as error:
            raise OutputError(f"{self._plugin} failed: {in_words(error)}", advice="Tell its authors.") from error
        if not isinstance(content, bytes if self.is_binary else str):
            raise OutputError(f"{self._plugin} gave a {type(content).__name__}", advice="Tell its authors.")
        return content
