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
_MOST_REPAIRED = 2 << 20
"""Bytes of an element that is repaired: it takes twenty times as much memory, and real records are far smaller."""
_HOLE = bytes(16)
"""What a full disk or a crash leaves in a file; whole elements can be gone with it."""
_REGULAR = frozenset(("element", "open", "close", "prolog"))
_CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), "\ufffd")


class Piece(NamedTuple):
    """One thing found in the stream."""

    kind: str
    """`element`, `open` and `close` of the root, `prolog`, `damaged` for an element that cannot be read, `hole` for zeros
    that somewhere stand in the place of text, `end`."""
    tag: str
    line: int
    """1-based, where it begins; for `end`, where the input ends. For pieces in order, a line not far before it."""
    element: etree._Element | None = None


class ElementCutter:
    """Finds the top-level elements of one kind of document."""

    def __init__(
        self,
        root: str,
        elements: tuple[str, ...],
        leaves: tuple[str, ...],
        nested: tuple[str, ...],
        *,
        repeated: str,
        within: str,
        holder: str,
    ) -> None:
        """Know the document.

        Args:
            root: the tag of the document.
            elements: the tags of its children.
            leaves: tags inside them that hold text only.
            nested: tags inside them that hold other tags.
            repeated: a tag inside them whose very same text stands many times, in runs: each distinct text is parsed
                once, and a run of them stands in the element as `<tag n="NUMBERS"/>`, blank-separated indexes of
                `shared`. Where something else is in between, the elements stay as they are.
            within: the tag that holds nothing but such a run.
            holder: the child of the document that most of them stand in.
        """
        self.shared: list[etree._Element | None] = []
        """Each repeated element once; whoever has taken one over may put None in its place."""
        self._numbers = _Numbers(f"</{repeated}>".encode())
        self._repeated_start = f"<{repeated}>".encode()
        self._run_start = f'<{repeated} n="'.encode()
        self._run_end = f"</{within}>".encode()
        self._block_end = f"</{holder}>".encode()
        names = "|".join(map(re.escape, elements))
        self._start = re.compile(
            # Beginning with one literal character, so that text without tags is skipped at the speed of memchr.
            rf"<(?:(?P<tag>{names})>|(?P<open>{root}>)|(?P<close>/{root}>)|(?P<prolog>\?xml)|(?P<dtd>!(?:DOCTYPE|ENTITY)))".encode()
        )
        self._leaf = re.compile(rf"<({'|'.join(leaves)})>(.*?)</\1>", re.DOTALL)
        known = "|".join((*elements, *leaves, *nested))
        self._stray = re.compile(
            rf"<(?!/?(?:{known})>|{repeated} n=\"[\d ]+\"/>|!\[CDATA\[)|&(?!(?:lt|gt|amp|quot|apos|#\d+|#x[0-9a-fA-F]+);)"
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
            block = self._block(buffer, limits)
            pieces = self._quick_pieces(block, line, limits)
            if pieces is not None:
                yield from pieces
                line += block.count(b"\n")
                buffer = buffer[len(block) :]
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
            if _HOLE in more:
                yield Piece("hole", "", line)
            buffer += more

    def _block(self, buffer: bytes, limits: Limits) -> bytes:
        """The part of the buffer up to the last end of a repeated element's holder, if that is not too large."""
        end = buffer.rfind(self._block_end)
        return buffer[: end + len(self._block_end)] if 0 <= end < limits.element_bytes else b""

    def _quick_pieces(self, block: bytes, line: int, limits: Limits) -> list[Piece] | None:
        """The pieces of a block in which nothing is wrong; None where something is, and it must be looked at closely.

        Most bytes of a file are repeated elements: taking them all out first leaves a twentieth to look through.
        """
        content = self._substituted(block) if block else None
        if content is None:
            return None
        pieces: list[Piece] = []
        for piece, end in self._scan(content, limits, is_last=True, is_substituted=True):
            if piece.kind == "pending" and end == len(content):
                return pieces
            if piece.kind not in _REGULAR:
                break
            pieces.append(Piece(piece.kind, piece.tag, line, piece.element))
        return None

    def _scan(
        self, buffer: bytes, limits: Limits, *, is_last: bool, is_substituted: bool = False
    ) -> Iterator[tuple[Piece, int]]:
        """Pieces with their start offset as `line`, and the offset behind each; `pending` for one that is not whole yet."""
        position = 0
        ends: dict[bytes, int] = {}
        while (match := self._start.search(buffer, position)) is not None:
            start = match.start()
            if match.lastgroup != "tag":
                position = match.end()
                yield Piece(match.lastgroup or "", "", start), position
                continue
            name = match["tag"]
            tag = name.decode()
            # Where the next end tag is, is looked for once, not once for every start tag before it.
            if 0 <= (end := ends.get(name, 0)) < match.end():
                end = ends[name] = buffer.find(b"</" + name + b">", match.end())
            # Another process writing into the same file, or the same element beginning again, cuts this one off.
            restart = self._interruption(buffer, name, match.end(), end if end >= 0 else len(buffer))
            if restart >= 0:
                yield Piece("damaged", tag, start), restart
                position = restart
                continue
            if end < 0:
                yield Piece("pending", tag, start), start
                return
            position = end + len(tag) + 3
            element = None
            if position - start <= limits.element_bytes:
                content = buffer[start:position]
                if not is_substituted:
                    content = self._substituted(content) or self._without_numbers(content)
                element = self._parse_whole(content)
            yield Piece("damaged" if element is None else "element", tag, start, element), position
        # What could be the beginning of a tag stays for the next round.
        keep = 0 if is_last else 64
        yield Piece("pending", "", 0), max(position, len(buffer) - keep)

    @staticmethod
    def _interruption(buffer: bytes, tag: bytes, start: int, stop: int) -> int:
        """Where a new document or the same element begins before the end of this one; -1 if it does not."""
        if tag == b"usercomment":
            return -1
        place = -1
        for marker in (b"<" + tag + b">", b"<error>", b"<?xml", b"</valgrindoutput>"):
            found = buffer.find(marker, start, stop)
            if found >= 0:
                place = stop = found
        return place

    def _substituted(self, content: bytes) -> bytes | None:
        """The text of whole elements with all runs of repeated elements replaced by their numbers.

        None where a run holds something else.
        Each byte is touched by `split` and hashed once; only texts not met before are looked into.
        """
        kept: list[bytes] = []
        known = len(self._numbers)
        try:
            for segment in content.split(self._run_end):
                head, *run = segment.split(self._repeated_start)
                if self._run_start in head:
                    run.append(b"")  # the input has something that looks like our numbers
                if run:
                    head += self._run_start + b" ".join(map(self._numbers.__getitem__, run)) + b'"/>'
                kept.append(head)
        except _IrregularRunError:
            self._numbers.forget(known)
            return None
        new = self._numbers.texts[known:]
        if new:
            elements = self._parse_shared(new)
            if elements is None:
                self._numbers.forget(known)
                return None
            self.shared += elements
            self._numbers.texts[known:] = [b""] * len(new)
        return self._run_end.join(kept)

    def _without_numbers(self, content: bytes) -> bytes:
        """The text as it is; what looks like a number of ours in the input is none."""
        return content.replace(self._run_start, self._run_start.replace(b" n=", b" _="))

    def _parse_shared(self, texts: list[bytes]) -> list[etree._Element] | None:
        """The repeated elements of some texts; None where one of them cannot be read alone."""
        joined = self._repeated_start + self._repeated_start.join(texts)
        if any(mark in joined for mark in _FOREIGN):
            return None
        whole = self._parse_whole(b"<r>" + joined + b"</r>")
        if whole is not None and len(whole) == len(texts):
            return list(whole)
        elements = [self._parse_whole(self._repeated_start + text) for text in texts]
        found = [element for element in elements if element is not None]
        return found if len(found) == len(texts) else None

    def _parse_whole(self, content: bytes) -> etree._Element | None:
        try:
            return etree.fromstring(content, self._parser)
        except etree.XMLSyntaxError:
            if len(content) > _MOST_REPAIRED:
                return None
        text = content.decode("utf-8", "replace").translate(_CONTROL)
        text = self._leaf.sub(lambda match: f"<{match[1]}>{_escaped(match[2])}</{match[1]}>", text)
        text = self._stray.sub(lambda match: "&lt;" if match[0] == "<" else "&amp;", text)
        try:
            return etree.fromstring(text.encode(), self._parser)
        except etree.XMLSyntaxError:
            return None


_FOREIGN = (b"<?", b"<!", b"<error>", b" n=")
"""A repeated element holds leaves only: no attributes, comments, or documents of another process."""


class _IrregularRunError(Exception):
    """Between two repeated elements stands something else."""


class _Numbers(dict[bytes, bytes]):
    """By the text from behind a start tag up to the next one: the number of that element, as text."""

    def __init__(self, end_tag: bytes) -> None:
        super().__init__()
        self._end_tag = end_tag
        self.texts: list[bytes] = []
        """Per number the text; emptied by the user once it is parsed, the keys keep it."""

    def __missing__(self, text: bytes) -> bytes:
        _, end, rest = text.partition(self._end_tag)
        if not end or rest.strip():
            raise _IrregularRunError
        self[text] = number = b"%d" % len(self.texts)
        self.texts.append(text)
        return number

    def forget(self, count: int) -> None:
        """Take back all numbers from `count` on."""
        for text in self.texts[count:]:
            del self[text]
        del self.texts[count:]


_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#\d+|#x[0-9a-fA-F]+);)")


def _escaped(text: str) -> str:
    return _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace("]]>", "]]&gt;")
