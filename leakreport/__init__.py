"""leakreport: what native memory a program retains, on which call path, and what grew since the last build.

`import leakreport` loads nothing but the standard library; every public name is found when it is first used.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_PUBLIC = {
    "load": "leakreport.api",
    "symbolize": "leakreport.api",
    "analyze": "leakreport.api",
    "compare": "leakreport.api",
    "trend": "leakreport.api",
    "check": "leakreport.model.check",
    "CallTree": "leakreport.model.calltree",
    "Frame": "leakreport.model.raw",
    "Metric": "leakreport.model.metrics",
    "Run": "leakreport.model.snapshot",
    "Snapshot": "leakreport.model.snapshot",
    "Report": "leakreport.analysis.report",
    "Finding": "leakreport.analysis.report",
    "Verdict": "leakreport.analysis.report",
    "LeakreportError": "leakreport.errors",
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604 - names, resolved when first used


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'leakreport' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
