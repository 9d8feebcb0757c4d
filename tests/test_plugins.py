"""Formats of other packages: found late, held to the interface, and never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leakreport import readers
from leakreport.errors import AmbiguousInput, OutputError, PluginError, PluginFailed, UnrecognisedInput, UsageError
from leakreport.limits import DEFAULT_LIMITS
from leakreport.readers import get_reader, pick_reader, plugin_readers
from leakreport.render import get_renderer, is_renderer, plugin_renderers
from leakreport.render.interface import RenderOptions
from tests.cli.test_cli import run
from tests.render.test_golden import leak_report
from tests.support import MemoryStream, fixture_path

ROOT = Path(__file__).resolve().parent.parent
MODULE = """
from leakreport.limits import Limits
from leakreport.model.raw import RawSnapshot, SampleTableBuilder, SnapshotMeta, Frame
from leakreport.readers.interface import Confidence, FormatInfo

MARK = b"{mark}"

class Reader:
    info = FormatInfo("{name}", "Toy", "toytool", (".toy",), "toytool record", "none", api={api})

    def sniff(self, head, name):
        {sniff}
        return Confidence.CERTAIN if MARK in head else Confidence.NO

    def read(self, stream, limits):
        {read}
        builder = SampleTableBuilder(("retained_bytes",))
        builder.add([Frame("main")], (7,))
        yield RawSnapshot(SnapshotMeta(stream.name, "{name}"), dict(retained_bytes=7), builder.build())

class Renderer:
    name, suffix, is_binary = "{name}", ".toy", {binary}
    {attributes}

    def render(self, report, options):
        {render}
        return f"toy {{report.totals['retained_bytes']}}"
"""

DEFAULTS = {
    "mark": "TOY",
    "api": 1,
    "sniff": "pass",
    "read": "pass",
    "binary": False,
    "attributes": "pass",
    "render": "pass",
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    _forget()
    yield folder
    _forget()
    for name in [name for name in sys.modules if name.startswith("toypkg_")]:
        del sys.modules[name]


def _forget() -> None:
    plugin_readers.cache_clear()
    plugin_renderers.cache_clear()


def install(
    site: Path, name: str = "toy", *, module: str | None = None, package: str = "toypkg", **changes: object
) -> None:
    """A package with a reader and a renderer of a name."""
    own = f"{package.replace('-', '_')}_{name}".replace("toypkg", "toypkg_")
    source = MODULE.format(**(DEFAULTS | {"name": name} | changes)) if module is None else module
    (site / f"{own}.py").write_text(source, encoding="utf-8")
    info = site / f"{own}-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        f"[leakreport.readers]\n{name} = {own}:Reader\n\n[leakreport.renderers]\n{name} = {own}:Renderer\n",
        encoding="utf-8",
    )


def stream(content: bytes = b"TOY data") -> MemoryStream:
    return MemoryStream("x.bin", content)


def test_a_reader_is_found_by_content_and_by_name(site: Path) -> None:
    install(site)
    for reader in (pick_reader(stream(), DEFAULT_LIMITS), get_reader("toy")):
        assert reader.info.name == "toy"
        (raw,) = reader.read(stream(), DEFAULT_LIMITS)
        assert raw.totals == {"retained_bytes": 7}
    assert plugin_readers()[0]["toy"].origin == "toypkg 2.1"


def test_what_is_built_in_goes_first(site: Path) -> None:
    install(site, mark="heap", sniff="return Confidence.CERTAIN")
    content = fixture_path("dhat", "kinds").read_bytes()
    assert pick_reader(MemoryStream("x", content), DEFAULT_LIMITS).info.name == "dhat"
    assert plugin_readers.cache_info().misses == 0


def test_two_plugins_that_are_equally_sure_are_told(site: Path) -> None:
    install(site, "toy")
    install(site, "toy2")
    with pytest.raises(AmbiguousInput, match="toy and toy2"):
        pick_reader(stream(), DEFAULT_LIMITS)


def test_a_renderer_is_found_by_name(site: Path) -> None:
    install(site)
    assert is_renderer("toy") and not is_renderer("toys")
    assert get_renderer("toy").render(leak_report(), RenderOptions()) == "toy 48893952"


@pytest.mark.parametrize("api", [0, 2, "'1'"])
def test_another_version_of_the_interface_is_refused_by_name(
    site: Path, api: object, caplog: pytest.LogCaptureFixture
) -> None:
    install(site, api=api, attributes=f"api = {api}")
    words = rf"plug-in 'toy' of toypkg 2.1 is made for version {str(api).strip(chr(39))} of .*has version 1.*of toypkg"
    with pytest.raises(PluginError, match=words):
        get_reader("toy")
    with pytest.raises(PluginError, match=words):
        get_renderer("toy")
    with pytest.raises(UnrecognisedInput):
        pick_reader(stream(), DEFAULT_LIMITS)
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("import not_there_at_all", "ModuleNotFoundError: No module named"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 +", "SyntaxError"),
        ("Reader = Renderer = None", "TypeError"),
        ("Reader = Renderer = dict", "it lacks"),
        ("", "AttributeError"),
        (MODULE.format(**(DEFAULTS | {"name": "other"})), "calls its format 'other'"),
    ],
)
def test_a_broken_plugin_is_a_warning_and_an_error_by_name(
    site: Path, module: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    install(site, "bad", module=module)
    install(site, "toy")
    assert pick_reader(stream(), DEFAULT_LIMITS).info.name == "toy"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "'bad' of toypkg 2.1" in caplog.text and words in caplog.text
    with pytest.raises(PluginError, match=words):
        get_reader("bad")
    with pytest.raises(PluginError, match=words):
        get_renderer("bad")


def test_a_name_that_is_taken_is_refused(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    install(site, "massif")
    install(site, "json")
    install(site, "toy")
    install(site, "toy", package="toypkg-second")
    assert set(plugin_readers()[0]) == {"toy", "json"}
    assert get_reader("massif").__class__.__module__ == "leakreport.readers.massif"
    assert get_renderer("json").__class__.__module__ == "leakreport.render.json"
    assert "'massif' of toypkg 2.1 has the name of a format of leakreport itself" in caplog.text
    assert "'toy' of toypkg-second 2.1 has the name of a format of another plug-in" in caplog.text
    assert plugin_readers()[0]["toy"].origin == "toypkg 2.1"


def test_an_unknown_name_lists_plugins_too(site: Path) -> None:
    install(site)
    for get in (get_reader, get_renderer):
        with pytest.raises(UsageError, match=r"json|massif.*toy"):
            get("nonsense")


def test_a_plugin_that_fails_is_named(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    install(site, sniff="1 / 0", read="1 / 0", render="1 / 0")
    with pytest.raises(UnrecognisedInput):
        pick_reader(stream(), DEFAULT_LIMITS)
    assert "'toy' of toypkg 2.1 failed to look at x.bin: ZeroDivisionError" in caplog.text
    with pytest.raises(PluginFailed, match=r"'toy' of toypkg 2.1 failed: ZeroDivisionError"):
        list(get_reader("toy").read(stream(), DEFAULT_LIMITS))
    with pytest.raises(OutputError, match=r"'toy' of toypkg 2.1 failed: ZeroDivisionError"):
        get_renderer("toy").render(leak_report(), RenderOptions())


def test_what_a_plugin_gives_is_looked_at(site: Path) -> None:
    install(site, sniff="return 'yes'", read="yield 5", render="return b''")
    with pytest.raises(UnrecognisedInput):
        pick_reader(stream(), DEFAULT_LIMITS)
    with pytest.raises(PluginFailed, match="gave a int"):
        list(get_reader("toy").read(stream(), DEFAULT_LIMITS))
    with pytest.raises(OutputError, match="gave a bytes"):
        get_renderer("toy").render(leak_report(), RenderOptions())


def test_errors_of_input_pass_as_they_are(site: Path) -> None:
    words = "from leakreport.errors import MalformedInput; raise MalformedInput('no toy')"
    install(site, read=words, render="from leakreport.errors import OutputError; raise OutputError('no toy')")
    with pytest.raises(Exception, match=r"\Ano toy"):
        list(get_reader("toy").read(stream(), DEFAULT_LIMITS))
    with pytest.raises(OutputError, match=r"\Ano toy"):
        get_renderer("toy").render(leak_report(), RenderOptions())


def test_the_command_line_lists_reads_writes_and_warns(site: Path, tmp_path: Path) -> None:
    install(site)
    install(site, "bad", module="import not_there_at_all")
    (tmp_path / "x.bin").write_bytes(b"TOY")
    listed = run("formats", PYTHONPATH=f"{site}:{ROOT}")
    assert listed.returncode == 0
    assert "toy             Toy (toytool), by toypkg 2.1" in listed.stdout
    assert "toy             .toy, by toypkg 2.1" in listed.stdout
    assert listed.stderr.count("warning: the plug-in 'bad' of toypkg 2.1 cannot be loaded") == 2
    done = run("convert", tmp_path / "x.bin", "--to", "toy", PYTHONPATH=f"{site}:{ROOT}")
    assert (done.returncode, done.stdout) == (0, "toy 7")
    named = run("analyze", tmp_path / "x.bin", "--format", "bad", PYTHONPATH=f"{site}:{ROOT}")
    assert named.returncode == 2 and "error[plugin]" in named.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["formats", "--help"], ["analyze", "INPUT"]])
def test_no_package_is_looked_at_while_nothing_built_in_fails(site: Path, arguments: list[str]) -> None:
    install(site, module="print('LOADED')")
    found = str(fixture_path("dhat", "kinds"))
    program = (
        "import importlib.metadata as m\n"
        "def seen(*a, **k): print('SCANNED'); return ()\n"
        "m.entry_points = seen\n"
        "from leakreport.cli import main\n"
        f"assert main({[found if word == 'INPUT' else word for word in arguments]!r}) == 0\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "LOADED" not in done.stdout and "SCANNED" not in done.stdout


def test_built_in_tables_are_what_the_modules_say() -> None:
    assert all(get_reader(name).info.name == name and get_reader(name).info.api == 1 for name in readers.BUILTIN)


def test_formats_are_listed_for_scripts(site: Path) -> None:
    install(site)
    install(site, "bad", module="1 / 0")
    document = json.loads(run("formats", "--to", "json", PYTHONPATH=f"{site}:{ROOT}").stdout)
    assert [entry["name"] for entry in document["read"]] == [*readers.BUILTIN, "toy"]
    assert document["read"][-1] == {
        "name": "toy", "title": "Toy", "tool": "toytool", "suffixes": [".toy"], "record_command": "toytool record",
        "specification": "none", "origin": "toypkg 2.1",
    }  # fmt: skip
    assert document["written"][-1] == {"name": "toy", "suffix": ".toy", "binary": False, "origin": "toypkg 2.1"}
    assert document["written"][0]["origin"] == "leakreport"
    assert ["ZeroDivisionError" in problem for problem in document["problems"]] == [True, True]
    assert run("formats", "--to", "xml").returncode == 2
