"""Where the templates and assets of the report are: in the wheel below the package, in a checkout beside it.

Source: hatchling's `force-include` puts `templates/` into the wheel as `leakreport/_templates`. An editable install
also leaves a stale copy in site-packages (pypa/hatch#1627); the package of the checkout wins the import, so that copy
is never asked for.
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from leakreport.errors import BrokenInstall

_ENTRY = "report.html.j2"
_LINES_OF_COMMENT = re.compile(r"^[ \t]*(?:/\*\*.*?\*/|//[^\n]*)[ \t]*\n", re.MULTILINE | re.DOTALL)
_INNER_COMMENT = re.compile(r"/\*\*.*?\*/[ ]?", re.DOTALL)
_INDENTATION = re.compile(r"^[ \t]+|\n+(?=\n)", re.MULTILINE)
_LAST_COMMA = re.compile(r",(?=\n[)\]}])")


def templates_folder() -> Traversable:
    """The folder of the templates.

    Raises:
        BrokenInstall: there is none.
    """
    package = files("leakreport")
    candidates: list[Traversable] = [package / "_templates"]
    if isinstance(package, Path):
        candidates.append(package.parent / "templates")
    for folder in candidates:
        # A folder of that name beside site-packages' leakreport could be anybody's.
        if (folder / _ENTRY).is_file():
            return folder
    raise BrokenInstall("the templates of the HTML report are missing", where=str(package))


def template_folder() -> Path:
    """The same as a path of the file system.

    Raises:
        BrokenInstall: there is none.
    """
    return Path(str(templates_folder()))


def assets_text(kind: str) -> str:
    """The style sheets (`css`) or scripts (`js`) of the manifest, joined in its order.

    Raises:
        BrokenInstall: the manifest or a file it lists is missing.
    """
    folder = templates_folder() / "assets"
    manifest = tomllib.loads(_text(folder / "manifest.toml", "assets/manifest.toml"))
    return "\n".join(_text(folder / name, f"assets/{name}").strip() for name in manifest[kind])


def style_text() -> str:
    """The style sheets of the manifest in one line.

    Raises:
        BrokenInstall: the manifest or a file it lists is missing.
    """
    return assets_text("css").replace("\n", "").replace(";}", "}")


def script_text() -> str:
    """The scripts of the manifest in one function, so that the page's names stay its own; `main` starts them.

    Comments, types among them, indentation and commas behind the last of a list are for those who work on the files,
    and stay there; lines stay as they are. tests/js/test_scripts.py sees that nothing else is taken away.

    Raises:
        BrokenInstall: the manifest or a file it lists is missing.
    """
    text = _INDENTATION.sub("", _INNER_COMMENT.sub("", _LINES_OF_COMMENT.sub("", assets_text("js"))))
    text = _LAST_COMMA.sub("", text)
    return f'(function () {{\n"use strict";\n{text}\nmain();\n}})();'


def _text(file: Traversable, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise BrokenInstall(f"{name} of the HTML report is missing") from error
