"""What the checkout at hand adds to a report: owners, and links to source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from leakreport.errors import UsageError

if TYPE_CHECKING:
    from leakreport.cli.settings import Chosen
    from leakreport.owners.owners import Owners
    from leakreport.render.source_links import SourceLinks


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


def source_links_of(chosen: Chosen) -> SourceLinks | None:
    """Where frames lead to; None for nowhere.

    Raises:
        UsageError: a template is none, the commit is not known, or links would name folders of this machine.
    """
    url, editor = chosen.text("source-url"), chosen.text("editor")
    if not url and not editor:
        return None
    from leakreport.render.source_links import SourceLinks, editor_template, source_template
    from leakreport.repository.checkout import commit_of, find_root
    from leakreport.repository.paths import RepositoryPaths

    if editor and not chosen.flag("include-host"):
        raise UsageError(
            "--editor writes the folders of this machine into the report",
            advice="Add --include-host if it is for yourself, or use --source-url.",
        )
    root = find_root(Path.cwd())
    template = source_template(url) if url else None
    commit = chosen.text("commit") or commit_of(os.environ, root) or ""
    if template is not None and "{commit}" in template and not commit:
        raise UsageError(
            "--source-url names {commit}, and which one it is is not known",
            advice="Give --commit, or run in a checkout.",
        )
    paths = RepositoryPaths.below(root, (".", *chosen.texts("source-root")))
    return SourceLinks(paths, template, commit, editor_template(editor) if editor else None)
