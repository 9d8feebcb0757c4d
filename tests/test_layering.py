"""The pipeline has one direction: who may import whom. See docs/decisions/0001-pipeline.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "leakreport"

# A name stands for the module and all below it. Every room may import itself and `leakreport` (the version).
MAY_IMPORT: dict[str, frozenset[str] | None] = {
    "__init__": frozenset(),
    "__main__": frozenset({"cli"}),
    "errors": frozenset(),
    "limits": frozenset(),
    "units": frozenset({"errors"}),
    "ids": frozenset({"errors"}),
    "mappings": frozenset(),
    "config": frozenset({"errors", "limits", "units"}),
    "plugins": frozenset({"errors"}),
    "testing": frozenset({"readers", "model", "limits", "errors"}),
    "model": frozenset({"limits", "errors"}),
    # Heaptrack's profiles have suppressions inside: the matching stands once.
    "readers": frozenset({"model", "limits", "errors", "plugins", "suppressions.globs", "mappings"}),
    # Bytes of /proc go through the readers, as those of a recording do.
    "live": frozenset({"readers", "model", "limits", "errors", "units", "privacy.texts"}),
    "symbols": frozenset({"model", "limits", "errors"}),
    "suppressions": frozenset({"model", "limits", "errors", "units", "ids"}),
    "privacy": frozenset({"model"}),
    # What a stack alone tells; knows frames' names and nothing of reports.
    "advice": frozenset({"model"}),
    "analysis": frozenset({"model", "errors", "units", "privacy.texts", "owners.owners", "advice"}),
    "explain": frozenset({"advice", "analysis", "model", "units", "errors", "ids"}),
    # Looks at recordings as reports, at folders through a function that recognises, at a program's own headers.
    "doctor": frozenset(
        {"explain.answer", "analysis", "readers.interface", "symbols.elf", "privacy.texts", "model", "units", "errors"}
    ),
    "repository": frozenset({"errors", "limits"}),
    "owners": frozenset({"repository", "errors", "limits"}),
    # A check is a comparison by analysis; what is stored must name nobody.
    "baseline": frozenset({"analysis", "model", "errors", "units", "ids", "privacy.texts"}),
    "render": frozenset(
        {
            "explain.answer",
            "analysis.report",
            "analysis.checkreport",
            "analysis.diffreport",
            "analysis.outcome",
            "analysis.pagetree",
            "analysis.trendreport",
            "analysis.advice",
            "model",
            "units",
            "errors",
            "limits",
            "plugins",
            "privacy.texts",
            "repository.paths",
        }
    ),
    "api": None,
    "cli": frozenset(
        {
            "api",
            "config",
            "errors",
            "units",
            "baseline",
            "analysis.options",
            "analysis.processes",
            "analysis.diffreport",
            "analysis.trendreport",
            "model.snapshot",
            "analysis.report",
            "analysis.looks",
            "explain",
            "live",
            "readers",
            "render",
            "suppressions",
            "symbols.options",
            "repository",
            "owners",
        }
    ),
}
ENTRANCES = frozenset({"api", "cli"})


def _room(module: str) -> str:
    return module.partition(".")[0]


def _module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _imported(tree: ast.AST) -> list[tuple[int, str]]:
    """Line and module, sorted, without `leakreport.`; a name that is a module of its own comes with its folder."""
    return sorted(set(_import_statements(tree)))


def _import_statements(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("leakreport."):
                    yield node.lineno, alias.name.removeprefix("leakreport.")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            module = node.module or ""
            if module != "leakreport" and not module.startswith("leakreport."):
                continue
            for alias in node.names:
                inner = f"{module}.{alias.name}".removeprefix("leakreport.")
                path = PACKAGE.joinpath(*inner.split("."))
                if path.is_dir() or path.with_suffix(".py").is_file():
                    yield node.lineno, inner
                elif module != "leakreport":
                    yield node.lineno, module.removeprefix("leakreport.")


def _is_allowed(importer: str, imported: str) -> bool:
    room = _room(importer)
    if room == _room(imported):
        return True
    allowed = MAY_IMPORT[room]
    if allowed is None:
        return _room(imported) not in ENTRANCES
    return any(imported == name or imported.startswith(f"{name}.") for name in allowed)


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=_module_name)
def test_imports_follow_the_table(path: Path) -> None:
    importer = _module_name(path)
    assert _room(importer) in MAY_IMPORT, f"{importer} is in no room of the table"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    against = [
        f"{path.name}:{line} imports {name}" for line, name in _imported(tree) if not _is_allowed(importer, name)
    ]
    assert not against


@pytest.mark.parametrize("path", MODULES, ids=_module_name)
def test_private_modules_stay_in_their_room(path: Path) -> None:
    importer = _module_name(path)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    private = [
        f"{path.name}:{line} imports {name}"
        for line, name in _imported(tree)
        if any(part.startswith("_") for part in name.split("."))
        and _room(name) != _room(importer)
        and _room(importer) != "api"
    ]
    assert not private


def test_an_arrow_against_the_table_is_seen() -> None:
    tree = ast.parse(
        "from leakreport.cli import main\nfrom leakreport import api, __version__\nimport leakreport.readers\n"
    )
    assert _imported(tree) == [(1, "cli"), (2, "api"), (3, "readers")]
    assert not _is_allowed("analysis.analyze", "readers.interface")
    assert not _is_allowed("render.html", "analysis.rows")
    assert not _is_allowed("readers.memcheck_xml", "api")
    assert not _is_allowed("api", "cli")
