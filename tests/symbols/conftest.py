"""Fixtures: binaries that profiles were made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.symbols.support import unpack


@pytest.fixture(scope="session")
def binaries(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The folder with the binaries of fixtures/symbols, unpacked."""
    return once("symbols", unpack)
