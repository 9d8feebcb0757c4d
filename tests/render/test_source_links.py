"""Links to source: to files of the repository only, whatever the input says, and in a form that nothing can leave."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import Report
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import analyze, compare, load, render, trend
from leakreport.errors import UsageError
from leakreport.model.raw import Frame
from leakreport.render.interface import RenderOptions
from leakreport.render.source_links import EDITORS, SourceLinks, editor_template, source_template
from leakreport.repository.paths import RepositoryPaths
from tests.support import FIXTURES

FORGE = "https://forge.example/g/p/blob/{commit}/{path}#L{line}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
DEMO = FIXTURES / "demo" / "memcheck.xml"


def frame(path: str, line: int | None = 7) -> Frame:
    folder, _, name = path.rpartition("/")
    return Frame("f", None, folder or None, name, line)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("src/net/conn.c", "build/svc.c", "a b/ü#%?&(x).c", "svc.h"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    return tmp_path


def links(root: Path | None, template: str | None = FORGE, editor: str | None = None) -> SourceLinks:
    return SourceLinks(RepositoryPaths.below(root), template, COMMIT, editor)


def test_a_frame_leads_to_its_line_at_the_commit(root: Path) -> None:
    found = links(root)
    assert found.url(frame("/builds/1/src/net/conn.c")) == f"https://forge.example/g/p/blob/{COMMIT}/src/net/conn.c#L7"
    assert (
        found.url(frame("/builds/1/src/net/conn.c", None)) == f"https://forge.example/g/p/blob/{COMMIT}/src/net/conn.c"
    )
    assert (
        links(root, "https://x.example/{path}?l={line}").url(frame("conn.c", None))
        == "https://x.example/src/net/conn.c?l=1"
    )


@pytest.mark.parametrize(
    "path",
    [
        "/usr/include/c++/12/bits/stl_vector.h",
        "../../../etc/passwd",
        "vg_replace_malloc.c",
        "javascript:alert(1)//x.c",
        "",
    ],
)
def test_what_is_no_file_of_the_repository_leads_nowhere(root: Path, path: str) -> None:
    assert links(root).url(frame(path)) is None
    assert links(root).url(Frame("f")) is None


def test_redacted_frames_lead_nowhere(root: Path) -> None:
    hidden = frame("/b/src/net/conn.c")
    assert links(root, editor=EDITORS["vscode"]).url(Frame("fn-1", hidden=hidden)) is None
    assert links(root, editor=EDITORS["vscode"]).editor_url(Frame("fn-1", hidden=hidden)) is None


def test_every_part_is_encoded(root: Path) -> None:
    url = links(root).url(frame("/x/a b/ü#%?&(x).c"))
    assert url is not None and url.isascii()
    parts = urlsplit(url)
    assert (parts.query, parts.fragment) == ("", "L7")
    assert unquote(parts.path) == f"/g/p/blob/{COMMIT}/a b/ü#%?&(x).c"
    editor = links(root, editor=EDITORS["idea"]).editor_url(frame("/x/a b/ü#%?&(x).c"))
    assert editor is not None
    assert parse_qs(urlsplit(editor).query) == {"file": [f"{root.resolve()}/a b/ü#%?&(x).c"], "line": ["7"]}


@given(path=st.text(max_size=40), line=st.none() | st.integers(-5, 10**12))
def test_no_path_leaves_its_place(path: str, line: int | None) -> None:
    url = SourceLinks(RepositoryPaths(), FORGE, COMMIT).url(frame(path, line))
    if url is not None:
        assert re.fullmatch(rf"https://forge\.example/g/p/blob/{COMMIT}/[\w.~%/-]+(#L-?\d+)?", url, re.ASCII)
        assert ".." not in urlsplit(url).path.split("/")


@pytest.mark.parametrize("name", sorted(EDITORS))
def test_editors_open_the_file_on_this_machine(root: Path, name: str) -> None:
    found = links(root, None, editor_template(name))
    url = found.editor_url(frame("/b/src/net/conn.c"))
    assert url is not None
    assert f"{root.resolve().as_posix()}/src/net/conn.c" in unquote(url)
    assert url.endswith("7")
    assert found.url(frame("/b/src/net/conn.c")) is None
    assert found.editor_url(frame("/b/src/net/gone.c")) is None


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("javascript:alert({path})", "scheme 'javascript'"),
        ("data:text/html,{path}", "scheme 'data'"),
        ("//forge.example/{path}", "no scheme"),
        ("vscode://file/{path}", "scheme 'vscode'"),
        ("https://forge.example/", "does not name {path}"),
        ("https://forge.example/{path}/{user}", "has {user}"),
        ("https://forge.example/{path.__class__}", "has {path.__class__}"),
        ("https://forge.example/{path!r}", "format"),
        ("https://forge.example/{path:>9999999999}", "format"),
        ("https://forge.example/{path", "is no URL template"),
        ("https://forge.example/{}{path}", "has {}"),
        ('https://forge.example/{path}"onclick=x', "no URL"),
        ("https://forge.example/ {path}", "no URL"),
        ("https://forge.example/{path}|", "no URL"),
        ("https:///{path}", "needs a host"),
        ("https://{path}/x", "needs a host"),
        ("https://user:pw@forge.example/{path}", "needs a host"),
        ("https://[/{path}", "is no URL template"),
    ],
)
def test_templates_that_make_no_safe_link_are_refused(template: str, problem: str) -> None:
    with pytest.raises(UsageError) as raised:
        source_template(template)
    assert problem in str(raised.value)


@pytest.mark.parametrize("text", ["vim", "javascript:{file}", "file://{file}", "vscode://file{path}", "data:{file}"])
def test_editors_that_are_not_known_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        editor_template(text)


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def _outside(page: str) -> list[dict[str, str | None]]:
    parser = _Anchors()
    parser.feed(page)
    return [anchor for anchor in parser.found if not (anchor["href"] or "").startswith("#")]


def _growing(folder: Path) -> list[Path]:
    """Runs in which every leak of the demo is larger than in the one before."""
    text = DEMO.read_text(encoding="utf-8")
    found = []
    for number in range(1, 9):
        parts = re.split(r"(?<=<leakedbytes>)(\d+)(?=<)", text)
        parts[1::2] = [str(int(amount) * number) for amount in parts[1::2]]
        found.append(folder / f"{number}.xml")
        found[-1].write_text("".join(parts), encoding="utf-8")
    return found


def _report(kind: str, folder: Path) -> Report | DiffReport | TrendReport:
    if kind == "analysis":
        return analyze(load(DEMO))
    if kind == "diff":
        return compare(load(FIXTURES / "memcheck-xml" / "kinds" / "input.xml"), load(DEMO))
    return trend(load(_growing(folder)))


@pytest.mark.parametrize("kind", ["analysis", "diff", "trend"])
def test_pages_and_comments_have_links(root: Path, tmp_path: Path, kind: str) -> None:
    report = _report(kind, tmp_path)
    plain = RenderOptions(with_source=False)
    with_links = RenderOptions(with_source=False, source_links=links(root, editor=EDITORS["vscode"]), include_host=True)
    page = str(render(report, options=with_links))
    anchors = _outside(page)
    assert anchors
    assert {anchor["rel"] for anchor in anchors} == {"noreferrer"}
    hrefs = [anchor["href"] or "" for anchor in anchors]
    assert any(href.startswith(f"https://forge.example/g/p/blob/{COMMIT}/build/svc.c#L") for href in hrefs)
    assert any(href.startswith(f"vscode://file{root.resolve()}/build/svc.c:") for href in hrefs)
    comment = str(render(report, to="markdown", options=with_links))
    assert f"svc.c:66`](https://forge.example/g/p/blob/{COMMIT}/build/svc.c#L66)" in comment
    assert "vscode" not in comment
    assert _outside(str(render(report, options=plain))) == []
    assert "forge.example" not in str(render(report, to="markdown", options=plain))


def test_a_redacted_report_has_no_links(root: Path) -> None:
    report = analyze(load(DEMO), config=AnalysisOptions(redact=True))
    options = RenderOptions(source_links=links(root, editor=EDITORS["vscode"]))
    for name in ("html", "markdown"):
        text = str(render(report, to=name, options=options))
        assert "forge.example" not in text
        assert "vscode" not in text


def test_a_link_in_markdown_is_not_ended_by_a_path(tmp_path: Path) -> None:
    from leakreport.render.markdown import linked_place

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x)(|`.c").write_text("", encoding="utf-8")
    options = RenderOptions(source_links=links(tmp_path, "https://forge.example/(x)/{path}"))
    shown = linked_place(frame("/b/a/x)(|`.c"), options)
    assert shown.endswith("](https://forge.example/%28x%29/a/x%29%28%7C%60.c)")
