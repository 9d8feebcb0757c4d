"""Readers of other packages, held to the interface: what they do wrong is told in their name."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from leakreport.errors import LeakreportError, PluginError, PluginFailed
from leakreport.limits import Limits
from leakreport.model.raw import RawSnapshot
from leakreport.plugins import Plugin, in_words
from leakreport.readers.interface import Confidence, FormatInfo, InputStream, Reader

_log = logging.getLogger(__name__)


class PluginReader:
    """A reader of another package."""

    def __init__(self, plugin: Plugin) -> None:
        """Make it.

        Raises:
            PluginError: it cannot be made, or is no reader for this version.
        """
        made = plugin.make()
        info = getattr(made, "info", None)
        if not isinstance(info, FormatInfo) or not all(
            callable(getattr(made, name, None)) for name in ("sniff", "read")
        ):
            raise PluginError(f"{plugin} is no reader: it lacks info, sniff or read")
        plugin.check_api(info.api)
        if info.name != plugin.name:
            raise PluginError(f"{plugin} calls its format {info.name!r}: both names must be equal")
        self.info = info
        self.origin = plugin.origin
        self._plugin = plugin
        self._reader: Reader = made  # type: ignore[assignment]  # has all that the protocol asks for

    def sniff(self, head: bytes, name: str) -> Confidence:
        """What it says; NO and a warning where it fails."""
        try:
            return Confidence(self._reader.sniff(head, name))
        except Exception as error:
            _log.warning("%s failed to look at %s: %s.", self._plugin, name, in_words(error))
            return Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """Its snapshots.

        Raises:
            InputError: of its own.
            PluginFailed: anything else went wrong in it.
        """
        try:
            for raw in self._reader.read(stream, limits):
                yield self._checked(raw)
        except LeakreportError:
            raise
        except Exception as error:
            raise PluginFailed(f"{self._plugin} failed: {in_words(error)}", where=stream.name) from error

    def _checked(self, raw: object) -> RawSnapshot:
        if not isinstance(raw, RawSnapshot):
            raise PluginFailed(f"{self._plugin} gave a {type(raw).__name__} where a snapshot belongs")
        return raw
