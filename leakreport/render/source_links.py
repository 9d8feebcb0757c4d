"""Links from a frame to its source: in the web interface of a forge, and in an editor. One function for all outputs.

File names come from the input and are hostile. A link leads to a file of the repository or nowhere, every part that is
filled in is percent-encoded, and only schemes that are known to open pages or editors are written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from urllib.parse import quote, urlsplit

from leakreport.errors import UsageError
from leakreport.model.raw import Frame
from leakreport.repository.paths import RepositoryPaths

EDITORS = {
    "vscode": "vscode://file{file}:{line}",
    "idea": "idea://open?file={file}&line={line}",
    "emacs": "emacs://open?url=file://{file}&line={line}",
}
"""What the URL handlers of these editors take."""
WEB_SCHEMES = frozenset(("http", "https"))
EDITOR_SCHEMES = WEB_SCHEMES | frozenset(
    "vscode vscode-insiders vscodium cursor windsurf zed idea jetbrains clion emacs org-protocol subl txmt mvim nvim "
    "kate".split()
)
_UNSAFE = re.compile(r"[\s<>\"'`\\^|\x00-\x1f\x7f-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class SourceLinks:
    """Links for the frames of a report."""

    paths: RepositoryPaths
    template: str | None = None
    """Of a web interface, with `{path}` and maybe `{commit}` and `{line}`; checked by `checked_template`."""
    commit: str = ""
    editor: str | None = None
    """Of an editor, with `{file}`, the file on this machine, and maybe `{line}`."""

    def url(self, frame: Frame) -> str | None:
        """The page that shows the line of a frame; None where its file is not one of the repository for sure."""
        path = frame.actual.path
        if self.template is None or path is None or frame.hidden is not None:
            return None
        place = self.paths.path_of(path)
        if place is None:
            return None
        return _filled(self.template, {"path": place, "commit": self.commit}, frame.line)

    def editor_url(self, frame: Frame) -> str | None:
        """What opens an editor at the line of a frame; None where its file is not at hand."""
        path = frame.actual.path
        if self.editor is None or path is None or frame.hidden is not None:
            return None
        file = self.paths.file_of(path)
        place = self.paths.path_of(path)
        if file is None or place is None:
            return None
        return _filled(self.editor, {"file": file.as_posix(), "path": place, "commit": self.commit}, frame.line)


def source_template(text: str) -> str:
    """The template of `--source-url`.

    Raises:
        UsageError: it is none.
    """
    return checked_template(text, "--source-url", WEB_SCHEMES, {"path", "commit", "line"}, needs="path")


def editor_template(text: str) -> str:
    """The template of `--editor`, which is a name or a template.

    Raises:
        UsageError: it is neither.
    """
    if text in EDITORS:
        return EDITORS[text]
    if "{" not in text:
        raise UsageError(
            f"--editor {text!r} is not known", advice=f"Known: {', '.join(EDITORS)}, or a URL with {{file}}."
        )
    return checked_template(text, "--editor", EDITOR_SCHEMES, {"file", "path", "commit", "line"}, needs="file")


def checked_template(text: str, option: str, schemes: frozenset[str], known: set[str], *, needs: str) -> str:
    """A template that makes nothing but links of some schemes.

    Raises:
        UsageError: it has another scheme, another placeholder, a sign that no URL has, or a placeholder in the host.
    """
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        is_plain = all(spec in {"", None} and change is None for _, _, spec, change in Formatter().parse(text))
        parts = urlsplit(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is no URL template: {error}", advice=_advice(needs)) from error
    wrong = sorted(set(names) - known)
    if parts.scheme not in schemes:
        problem = f"has the scheme {parts.scheme!r}" if parts.scheme else "has no scheme"
    elif wrong or not is_plain:
        problem = f"has {{{wrong[0]}}}" if wrong else "has a placeholder with a format"
    elif needs not in names:
        problem = f"does not name {{{needs}}}"
    elif _UNSAFE.search(text):
        problem = "has a sign that stands in no URL"
    elif parts.scheme in WEB_SCHEMES and (not parts.netloc or "{" in parts.netloc or "@" in parts.netloc):
        problem = "needs a host, without a user or placeholder"
    else:
        return text
    raise UsageError(f"{option} {text!r} {problem}", advice=_advice(needs))


def _advice(needs: str) -> str:
    if needs == "file":
        return "Write vscode://file{file}:{line}, for example."
    return "Write https://forge.example/group/project/blob/{commit}/{path}#L{line}, for example."


def _filled(template: str, values: Mapping[str, str], line: int | None) -> str:
    page, _, fragment = template.partition("#")
    if line is None and "{line}" in fragment:
        # Of a frame without a line the page is shown from its top.
        template = page
    encoded = {name: quote(text.encode("utf-8", "replace"), safe="/") for name, text in values.items()}
    return template.format(**encoded, line=line or 1)
