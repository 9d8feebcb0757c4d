"""The formats leakreport writes: the built-in table, and choosing one by name or file suffix."""

from __future__ import annotations

from importlib import import_module
from pathlib import PurePath

from leakreport.errors import UsageError
from leakreport.render.interface import Renderer

BUILTIN = {
    "terminal": "leakreport.render.terminal:TerminalRenderer",
    "json": "leakreport.render.json:JsonRenderer",
    "html": "leakreport.render.html:HtmlRenderer",
    "markdown": "leakreport.render.markdown:MarkdownRenderer",
    "pprof": "leakreport.render.pprof:PprofRenderer",
    "folded": "leakreport.render.folded:FoldedRenderer",
    "speedscope": "leakreport.render.speedscope:SpeedscopeRenderer",
    "csv": "leakreport.render.csv:CsvRenderer",
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
}


def renderer_names() -> tuple[str, ...]:
    """The names that `--to` takes."""
    return tuple(BUILTIN)


def get_renderer(name: str) -> Renderer:
    """The renderer of a format.

    Raises:
        UsageError: no such format.
    """
    if name not in BUILTIN:
        raise UsageError(f"no output format is called {name!r}", advice=f"Known: {', '.join(BUILTIN)}.")
    module, _, attribute = BUILTIN[name].partition(":")
    renderer: Renderer = getattr(import_module(module), attribute)()
    return renderer


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
