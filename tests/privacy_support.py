"""What tests of privacy look for: the words of an input, the words of leakreport, and everything a page holds."""

from __future__ import annotations

import ast
import base64
import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from leakreport.analysis.tokens import function_token
from leakreport.model.raw import Frame
from leakreport.model.snapshot import Run

ROOT = Path(__file__).resolve().parent.parent
SHORTEST = 4
WORD = re.compile(rf"\w{{{SHORTEST},}}")
PIPELINES = ("sarif", "codequality", "junit", "sonar", "github", "github-summary", "comment", "prometheus", "teamcity")
FORMATS = ("terminal", "json", "markdown", "html", "csv", "pprof", "folded", "speedscope", *PIPELINES)
SLOW = frozenset(("html", *PIPELINES))
"""One case of five has them where there are many cases."""
PUBLIC = frozenset(("main", "start_thread", "clone3", "clone"))
"""Names that every program starts with."""
_PAYLOAD = re.compile(r'<script type="([^"]+)" id="payload"[^>]*>(.*?)</script>', re.DOTALL)


def frames_of(run: Run) -> Iterator[Frame]:
    """Of paths and of problems."""
    yield from run.frames
    for snapshot in run.snapshots:
        for problem in snapshot.problems:
            for stack in problem.stacks:
                yield from stack.frames


def names_of(run: Run) -> set[str]:
    """Every name in a run, whole."""
    names: set[str | None] = set()
    for frame in frames_of(run):
        if frame.function is not None and function_token(frame.function) != frame.function:
            names.add(frame.function)
        names.update((frame.module, frame.module_name, frame.file, frame.directory))
    for snapshot in run.snapshots:
        meta = snapshot.meta
        names.update((meta.source, *meta.command, *(mapping.path for mapping in meta.mappings)))
        names.update(build_id for _, build_id in meta.build_ids)
    return {name for name in names if name and len(name) >= SHORTEST}


def words_of(run: Run) -> set[str]:
    """The words that its names are made of, but for those that leakreport itself has in its texts, and names of tools."""
    found = {word for name in names_of(run) for word in WORD.findall(name)}
    options = {option.partition("=")[0] for snapshot in run.snapshots for option in snapshot.meta.tool_options}
    metas = [snapshot.meta for snapshot in run.snapshots]
    tools = {name for meta in metas for name in (meta.format, meta.tool) if name}
    kept = {word for text in options | tools for word in WORD.findall(text)}
    return {word for word in found if not word.isdecimal()} - own_words() - PUBLIC - kept


@cache
def own_words() -> frozenset[str]:
    """The words in leakreport's own texts: what pages, sentences and formats are made of, whatever the input."""
    found: set[str] = set()
    for path in sorted((ROOT / "leakreport").rglob("*.py")):
        # Lists of names that are recognised are no texts.
        if path.name in {"ownership.py", "libraries.py", "identity.py"} or path.parent.name in {"readers", "symbols"}:
            continue
        for text in _literals(ast.parse(path.read_text(encoding="utf-8"))):
            found.update(WORD.findall(text))
    for path in sorted((ROOT / "templates").rglob("*.*")):
        found.update(WORD.findall(path.read_text(encoding="utf-8")))
    return frozenset(found)


def _literals(tree: ast.AST) -> Iterator[str]:
    """Texts, but for docstrings, and names of fields, which JSON has for keys."""
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def text_of(content: str | bytes) -> str:
    """All text of an output: what is compressed in it, decompressed; what is escaped in JSON, as it is."""
    if isinstance(content, bytes):
        return gzip.decompress(content).decode("utf-8", "replace")
    parts = [content]
    for kind, payload in _PAYLOAD.findall(content):
        raw = payload if kind == "application/json" else gzip.decompress(base64.b64decode(payload)).decode()
        parts.append(json.dumps(json.loads(raw), ensure_ascii=False))
    if content.startswith("{"):
        parts.append(json.dumps(json.loads(content), ensure_ascii=False))
    return "\n".join(parts)
