"""What tests of pages need: names meant to break them, and a parser that sees what a page would load or run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.trend import trend
from leakreport.analysis.trendreport import TrendReport
from leakreport.model.builder import build_run
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import Frame, LeakSearch, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run

HOSTILE = ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'", "<!--<script>", "{{7*7}}", "{% raw %}", "\0", "\u2028", "\u202e", "x" * 5000, "&lt;", "</style>", "javascript:alert(1)", "\ud800", "https://evil.example/x"]  # fmt: skip


class Collector(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.starts: list[str] = []
        """Start tags as they are written."""
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        """Every style and script: its tag, attributes and text."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.starts.append(self.get_starttag_text() or "")
        if tag in {"style", "script"}:
            self.raw.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is not None:
            tag, attributes, text = self.raw[-1]
            self.raw[-1] = (tag, attributes, text + data)


def collected(text: str) -> Collector:
    collector = Collector()
    collector.feed(text)
    return collector


def static_part(text: str) -> str:
    """The page without its style sheet, script and data: what everybody sees."""
    return re.sub(r"(<(style|script)\b[^>]*>).*?(</\2>)", r"\1\3", text, flags=re.DOTALL)


def check_is_closed(text: str) -> None:
    """Fail if a page could load anything, run anything but our script, or names an element twice."""
    found = collected(text)
    scripts = [(attributes, content) for tag, attributes, content in found.raw if tag == "script"]
    data = [content for attributes, content in scripts if attributes.get("id") == "payload"]
    assert [attributes for attributes, _ in scripts if attributes.get("id") != "payload"] == [{}]
    assert len(data) <= 1
    for content in data:
        text = text.replace(content, "")
    assert not {"img", "link", "iframe", "object", "embed", "base", "form"} & set(found.tags)
    assert "http:" not in text
    assert "://" not in text
    assert "url(" not in text
    for tag, attribute, value in found.attributes:
        assert attribute != "style", tag
        assert not attribute.startswith("on"), (tag, attribute)
        assert attribute not in {"src", "srcset", "action", "formaction"}, tag
        if attribute == "href":
            assert (value or "").startswith("#")
    ids = [value for _, attribute, value in found.attributes if attribute == "id"]
    assert len(ids) == len(set(ids))
    assert found.tags.count("h1") == 1
    assert text.count("<style>") == 1


def run_of(stacks: list[tuple[list[str], int]], source: str, label: str | None = None) -> Run:
    """A check of a program in which each stack lost so many bytes."""
    builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    for names, amount in stacks:
        frames = [Frame(name, f"/app/{name}"[:300], name, name, 1) for name in names]
        builder.add(frames, (amount, 1), leak_kind=LeakKind.DEFINITE)
    total = sum(amount for _, amount in stacks)
    meta = SnapshotMeta(source, "memcheck-xml", command=tuple(HOSTILE), leak_search=LeakSearch.COMPLETE, kinds_recorded=frozenset(LEAK_KINDS), label=label)  # fmt: skip
    totals = {"retained_bytes": total, "leaked_bytes": total, "definite_bytes": total}
    return build_run([RawSnapshot(meta, totals, builder.build())])


def hostile_diff() -> DiffReport:
    """A comparison in which every name is meant to break the page."""
    before = [([name, "x", name], 1000) for name in HOSTILE[::2]]
    after = [([name, "y", name], 5000) for name in HOSTILE]
    return compare(run_of(before, HOSTILE[0], HOSTILE[1]), run_of(after, HOSTILE[3]))


def made_trend(series: dict[str, list[int]], *, has_time: bool = False, total: list[int] | None = None) -> TrendReport:
    """A trend of series by the name of the function that holds them."""
    raws = []
    length = len(next(iter(series.values()))) if series else len(total or ())
    for number in range(length):
        builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
        for name, amounts in series.items():
            frames = [Frame("main", "/app/x"), Frame(name, f"/app/{name}"[:300], name, name, 3)]
            builder.add(frames, (amounts[number], max(amounts[number] // 100, 1)), leak_kind=LeakKind.NONE)
        held = sum(amounts[number] for amounts in series.values()) if total is None else total[number]
        meta = SnapshotMeta("x", "massif", command=tuple(HOSTILE), time=float(number * 250) if has_time else None, time_unit="ms" if has_time else None)  # fmt: skip
        raws.append(RawSnapshot(meta, {"retained_bytes": held}, builder.build()))
    return trend(build_run(raws))
