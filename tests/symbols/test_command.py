"""The options of `leakreport analyze` about names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leakreport.cli import main
from leakreport.config import cache_folder
from tests.support import fixture_path

PROFILE = str(fixture_path("gperftools", "series-v2-0012"))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def analyzed(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["analyze", PROFILE, "--to", "json", *options]) == 0
    return capsys.readouterr().out


def test_symbol_paths_name_the_leak(binaries: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(
        analyzed(capsys, "--symbol-path", str(binaries / "v1"), "--symbol-path", str(binaries / "v2"))
    )
    assert "thumbs::detail::alloc_pixels" in json.dumps(document)
    assert "build-unverified" in {note["slug"] for note in document["inputs"][0]["notes"]}


def test_a_configured_sysroot_is_used(
    binaries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "shopd").symlink_to(binaries)
    monkeypatch.setenv("LEAKREPORT_SYSROOT", str(tmp_path))
    assert "alloc_pixels" in analyzed(capsys)
    assert "alloc_pixels" not in analyzed(capsys, "--no-symbols")


def test_a_pinned_build_refuses_another(binaries: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ("--symbol-path", str(binaries / "v2"))
    assert "alloc_pixels" not in analyzed(capsys, *folder, "--build-id", "libthumbs.so=aabbccdd")


@pytest.mark.parametrize(
    "options", [("--symbol-path", "/nonexistent"), ("--sysroot", "/nonexistent"), ("--build-id", "libthumbs.so")]
)
def test_options_that_make_no_sense_are_told(options: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", PROFILE, *options]) == 2
    assert options[0] in capsys.readouterr().err


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert cache_folder({"XDG_CACHE_HOME": "/var/cache/ann"}) == "/var/cache/ann/leakreport"
    assert cache_folder({"XDG_CACHE_HOME": "relative"}) == "/home/ann/.cache/leakreport"
    assert cache_folder({}) == "/home/ann/.cache/leakreport"
