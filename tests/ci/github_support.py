"""A fake of the part of GitHub's API that comments need: pages of 100, a Link header, add and replace."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

COMMENTS = re.compile(r"/repos/acme/shop/issues/(\d+)/comments")
COMMENT = re.compile(r"/repos/acme/shop/issues/comments/(\d+)")
BOT = "github-actions[bot]"


class FakeGithub:
    """Comments by id, in order, and what was asked."""

    def __init__(self) -> None:
        self.comments: dict[int, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.refuses_with: int | None = None
        self.url = ""

    def add(self, body: str | None, author: str = BOT) -> int:
        """A comment that is there already; its id."""
        number = len(self.comments) + 1
        self.comments[number] = {"id": number, "body": body, "user": {"login": author}, "issue": 7}
        return number

    def answer(self, method: str, target: str, content: Any) -> tuple[int, Any, str]:
        """Status, document and Link header."""
        self.asked.append(f"{method} {target}")
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if self.refuses_with is not None and method != "GET":
            return self.refuses_with, {"message": "Resource not accessible by integration"}, ""
        if match := COMMENT.fullmatch(path):
            assert method == "PATCH"
            self.comments[int(match[1])]["body"] = content["body"]
            return 200, self.comments[int(match[1])], ""
        match = COMMENTS.fullmatch(path)
        if match is None or match[1] != "7":
            return 404, {"message": "Not Found"}, ""
        if method == "POST":
            return 201, self.comments[self.add(content["body"])], ""
        size, page = int(query["per_page"][0]), int(query["page"][0])
        assert size <= 100
        shown = list(self.comments.values())[(page - 1) * size : page * size]
        more = len(self.comments) > page * size
        return 200, shown, f'<{self.url}{path}?page={page + 1}>; rel="next"' if more else ""

    @contextmanager
    def serving(self) -> Iterator[FakeGithub]:
        """Answers at `url` while this lasts."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                assert self.headers["Authorization"] == "Bearer a-token"
                length = int(self.headers.get("Content-Length") or 0)
                content = json.loads(self.rfile.read(length)) if length else None
                status, document, link = fake.answer(self.command, self.path, content)
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if link:
                    self.send_header("Link", link)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = _do  # noqa: N815 - names of http.server

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            self.url = f"http://127.0.0.1:{server.server_port}"
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
