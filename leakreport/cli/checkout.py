"""What the checkout at hand adds to a report: owners, and links to source."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from leakreport.errors import UsageError

if TYPE_CHECKING:
    from leakreport.cli.settings import Chosen
    from leakreport.owners.owners import Owners
    from leakreport.render.source_links import SourceLinks
    from leakreport.repository.paths import RepositoryPaths


def owners_of(chosen: Chosen) -> Owners | None:
    """The rules of who owns what; None where there are none.

    Raises:
        ConfigError: they do not make sense, or the file that was named cannot be read.
    """
    from leakreport.owners.find import find_codeowners, read_codeowners
    from leakreport.owners.owners import Owners, owner_rules
    from leakreport.repository.checkout import find_root
    from leakreport.repository.paths import RepositoryPaths

    table = owner_rules(chosen.table("owners"))
    root = find_root(Path.cwd())
    given = chosen.text("codeowners")
    if given is None and root is not None:
        found = find_codeowners(root, os.environ)
        given = None if found is None else str(found)
    if given is None and not table:
        return None
    rules = None
    if given is not None:
        file = read_codeowners(given, os.environ, root)
        root, rules = file.root, file.rules
    return Owners(table, rules, RepositoryPaths.below(root, (".", *chosen.texts("source-root"))))


def source_links_of(chosen: Chosen, tell: Callable[[UsageError], None] | None = None) -> SourceLinks | None:
    """Where frames lead to; None for nowhere.

    Args:
        chosen: the settings.
        tell: gets told which links are asked for and not made: a setting of the project must not stop a run elsewhere.

    Raises:
        UsageError: a template is none.
    """
    url, editor = chosen.text("source-url"), chosen.text("editor")
    if not url and not editor:
        return None
    from leakreport.render.source_links import SourceLinks, editor_template, source_template
    from leakreport.repository.checkout import commit_of, find_root
    from leakreport.repository.paths import RepositoryPaths

    template = source_template(url) if url else None
    opener = editor_template(editor) if editor else None
    missing = []
    if opener is not None and not chosen.flag("include-host"):
        what = "no links to the editor: they would name folders of this machine"
        missing.append(
            UsageError(what, advice="Add --include-host if the report is for yourself, or use --source-url.")
        )
        opener = None
    root = find_root(Path.cwd())
    commit = chosen.text("commit") or commit_of(os.environ, root) or ""
    if template is not None and "{commit}" in template and not commit:
        what = "no links to source: the commit is not known"
        missing.append(UsageError(what, advice="Give --commit, or run in a checkout."))
        template = None
    if tell is not None:
        for error in missing:
            tell(error)
    return SourceLinks(RepositoryPaths.below(root, (".", *chosen.texts("source-root"))), template, commit, opener)


def repository_of(chosen: Chosen) -> RepositoryPaths | None:
    """The checkout around the working directory; None for none."""
    from leakreport.repository.checkout import find_root
    from leakreport.repository.paths import RepositoryPaths

    root = find_root(Path.cwd())
    return None if root is None else RepositoryPaths.below(root, (".", *chosen.texts("source-root")))
