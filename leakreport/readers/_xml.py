"""Cuts an XML stream of a tool into its top-level elements, whatever the state of the document around them.

Valgrind writes XML that no strict parser accepts: unescaped thread names, paths and comments, raw control characters,
several documents in one file, tails without a head, program output in between, files that end early. So the stream is
cut at the tags of the known top-level elements, and each complete element alone is given to libxml2 (no DTD, no network,
no entities). What libxml2 refuses is repaired once (stray `&`, `<`, control characters, bytes that are not UTF-8) and
tried again. An element that is not whole is never looked at. Memory is bounded by the largest single element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from leakreport.errors import MalformedInput
from leakreport.limits import Limits
from leakreport.readers.interface import InputStream

_CHUNK = 1 << 20
_CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), "\ufffd")


class Piece(NamedTuple):
    """One thing found in the stream."""

    kind: str
    """`element`, `open` and `close` of the root, `prolog`, `damaged` for an element that cannot be read, `end`."""
    tag: str
    line: int
    """1-based, where it begins; for `end`, where the input ends."""
    element: etree._Element | None = None


class ElementCutter:
    """Finds the top-level elements of one kind of document."""

    def __init__(
        self, root: str, elements: tuple[str, ...], leaves: tuple[str, ...], nested: tuple[str, ...], repeated: str
    ) -> None:
        """Know the document.

        Args:
            root: the tag of the document.
            elements: the tags of its children.
            leaves: tags inside them that hold text only.
            nested: tags inside them that hold other tags.
            repeated: a tag inside them whose very same text stands many times: each distinct text is parsed once and
                stands in the element as `<tag n="INDEX"/>`, an index of `shared`.
        """
        self.shared: list[etree._Element | None] = []
        """Each repeated element once; whoever has taken one over may put None in its place."""
        self._shared_index: dict[bytes, bytes] = {}
        self._repeated_start = f"<{repeated}>".encode()
        self._repeated_end = f"</{repeated}>".encode()
        names = "|".join(map(re.escape, elements))
        self._start = re.compile(
            rf"<(?P<tag>{names})>|<(?P<open>{root})>|</(?P<close>{root})>|(?P<prolog><\?xml)|(?P<dtd><!(?:DOCTYPE|ENTITY))".encode()
        )
        self._leaf = re.compile(rf"<({'|'.join(leaves)})>(.*?)</\1>", re.DOTALL)
        known = "|".join((*elements, *leaves, *nested))
        self._stray = re.compile(
            rf"<(?!/?(?:{known})>|{repeated} n=\"\d+\"/>|!\[CDATA\[)|&(?!(?:lt|gt|amp|quot|apos|#\d+|#x[0-9a-fA-F]+);)"
        )
        self._parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )

    def pieces(self, stream: InputStream, limits: Limits) -> Iterator[Piece]:
        """What the stream holds, in order; the last piece is `end`, with the tag of the element that was cut, if any.

        Raises:
            MalformedInput: the document declares a DTD or entities.
        """
        buffer = b""
        line = 1
        is_last = False
        while True:
            consumed, counted, pending = 0, 0, ""
            for piece, end in self._scan(buffer, limits, is_last=is_last):
                if piece.kind == "pending":
                    pending = piece.tag
                    consumed = end
                    break
                # Offsets only rise: every byte is counted once.
                line += buffer.count(b"\n", counted, piece.line)
                counted, here = piece.line, line
                if piece.kind == "dtd":
                    raise MalformedInput(
                        "the XML declares a DTD or entities",
                        where=f"{stream.name}:{here}",
                        advice="No profiler writes that; it can be an attack. Record again.",
                    )
                yield piece._replace(line=here)
                consumed = end
            line += buffer.count(b"\n", counted, consumed)
            buffer = buffer[consumed:]
            if pending and len(buffer) > limits.element_bytes:
                yield Piece("damaged", pending, line)
                # Go on behind its start tag: what is whole inside or after it still counts.
                buffer = buffer[1:]
                continue
            if is_last:
                yield Piece("end", pending, line + buffer.count(b"\n") - buffer.endswith(b"\n"))
                return
            # Large elements need few joins: the piece read grows with what is pending.
            more = stream.read(max(_CHUNK, len(buffer)))
            is_last = not more
            buffer += more

    def _scan(self, buffer: bytes, limits: Limits, *, is_last: bool) -> Iterator[tuple[Piece, int]]:
        """Pieces with their start offset as `line`, and the offset behind each; `pending` for one that is not whole yet."""
        position = 0
        while (match := self._start.search(buffer, position)) is not None:
            name = match.lastgroup or ""
            start = match.start()
            if name != "tag":
                kind = name
                position = match.end()
                yield Piece(kind, "", start), position
                continue
            tag = match["tag"].decode()
            end = buffer.find(b"</" + match["tag"] + b">", match.end())
            # Another process writing into the same file, or the same element beginning again, cuts this one off.
            restart = self._interruption(buffer, match, end)
            if restart >= 0:
                yield Piece("damaged", tag, start), restart
                position = restart
                continue
            if end < 0:
                yield Piece("pending", tag, start), start
                return
            position = end + len(tag) + 3
            if position - start > limits.element_bytes:
                yield Piece("damaged", tag, start), position
                continue
            element = self._parse(buffer[start:position])
            yield Piece("damaged" if element is None else "element", tag, start, element), position
        # What could be the beginning of a tag stays for the next round.
        keep = 0 if is_last else 64
        yield Piece("pending", "", 0), max(position, len(buffer) - keep)

    @staticmethod
    def _interruption(buffer: bytes, match: re.Match[bytes], end: int) -> int:
        """Where a new document or the same element begins before the end of this one; -1 if it does not."""
        if match["tag"] == b"usercomment":
            return -1
        stop = end if end >= 0 else len(buffer)
        places = [
            place
            for marker in (b"<?xml", b"<" + match["tag"] + b">", b"<error>", b"</valgrindoutput>")
            if (place := buffer.find(marker, match.end(), stop)) >= 0
        ]
        return min(places, default=-1)

    def _share(self, content: bytes) -> bytes:
        """What stands for the text of a repeated element."""
        reference = self._shared_index.get(content)
        if reference is None:
            whole = self._repeated_start + content + self._repeated_end
            element = self._parse_whole(whole)
            if element is None:
                return whole
            reference = b'%s n="%d"/>' % (self._repeated_start[:-1], len(self.shared))
            self._shared_index[content] = reference
            self.shared.append(element)
        return reference

    def _parse(self, content: bytes) -> etree._Element | None:
        """The element with its repeated parts taken out; splitting is much faster than a lazy regular expression."""
        head, *parts = content.split(self._repeated_start)
        kept = [head]
        for part in parts:
            inner, end, rest = part.partition(self._repeated_end)
            kept.append((self._share(inner) if end else self._repeated_start + inner) + rest)
        return self._parse_whole(b"".join(kept))

    def _parse_whole(self, content: bytes) -> etree._Element | None:
        try:
            return etree.fromstring(content, self._parser)
        except etree.XMLSyntaxError:
            pass
        text = content.decode("utf-8", "replace").translate(_CONTROL)
        text = self._leaf.sub(lambda match: f"<{match[1]}>{_escaped(match[2])}</{match[1]}>", text)
        text = self._stray.sub(lambda match: "&lt;" if match[0] == "<" else "&amp;", text)
        try:
            return etree.fromstring(text.encode(), self._parser)
        except etree.XMLSyntaxError:
            return None


_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#\d+|#x[0-9a-fA-F]+);)")


def _escaped(text: str) -> str:
    return _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace("]]>", "]]&gt;")
