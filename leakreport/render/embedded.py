"""Our own style sheet and script as they stand in a page, and the words by which its policy allows them.

Source: Content Security Policy Level 3, section 2.3.1, `hash-source`.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markupsafe import Markup


class Embedded(NamedTuple):
    """A text that is put into the page as it is; `source` is its hash, without the quotes of the policy."""

    text: Markup
    source: str


def embedded(text: str) -> Embedded:
    """An asset of ours, never input: beside the payload the only text of a page that is not escaped."""
    from markupsafe import Markup

    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Embedded(Markup(text), f"sha256-{digest}")  # noqa: S704 - our own file, never input
