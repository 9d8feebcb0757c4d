"""What tests of pages need: names meant to break them, and a parser that sees what a page would load or run."""

from __future__ import annotations

from html.parser import HTMLParser

HOSTILE = ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'", "<!--<script>", "{{7*7}}", "{% raw %}", "\0", "\u2028", "\u202e", "x" * 5000, "&lt;", "</style>", "javascript:alert(1)", "\ud800", "https://evil.example/x"]  # fmt: skip


class Collector(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]


def collected(text: str) -> Collector:
    collector = Collector()
    collector.feed(text)
    return collector


def check_is_closed(text: str) -> None:
    """Fail if a page could load or run anything, or names an element twice."""
    found = collected(text)
    assert not {"script", "img", "link", "iframe", "object", "embed", "base", "form"} & set(found.tags)
    assert "http:" not in text
    assert "https:/" not in text
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
