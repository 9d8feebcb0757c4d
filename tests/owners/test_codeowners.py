"""Files of owners: the examples of both documentations, and what each forge does with lines it cannot read."""

from __future__ import annotations

import pytest

from leakreport.owners.codeowners import CodeOwners, Dialect, has_sections, parse_codeowners


def github(text: str) -> CodeOwners:
    return parse_codeowners(text, Dialect.GITHUB)


def gitlab(text: str) -> CodeOwners:
    return parse_codeowners(text, Dialect.GITLAB)


def test_the_last_line_that_matches_decides_at_github() -> None:
    rules = github("* @global-owner1 @global-owner2\n*.js @js-owner #an inline comment\n*.go docs@example.com\n")
    assert rules.of("a/x.c") == ("@global-owner1", "@global-owner2")
    assert rules.of("a/x.js") == ("@js-owner",)
    assert rules.of("x.go") == ("docs@example.com",)
    assert rules.problems == ()


def test_a_line_without_owners_takes_them_away_at_github() -> None:
    rules = github("/apps/ @octocat\n/apps/github\n")
    assert rules.of("apps/x.c") == ("@octocat",)
    assert rules.of("apps/github/x.c") == ()


def test_spaces_are_escaped() -> None:
    for rules in (github("path\\ with\\ spaces/ @a\n"), gitlab("path\\ with\\ spaces/ @a\n")):
        assert rules.of("path with spaces/x.c") == ("@a",)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("!x.c @a", "begins with !"),
        ("\\#x.c @a", "begins with \\#"),
        ("[ab].c @a", "[ ]"),
        ("[Section] @a", "[ ]"),
        ("x.c nobody", "nobody is no owner"),
        ("x.c @a, @b", "@a, is no owner"),
        ("x.c @@maintainer", "@@maintainer is no owner"),
        ("x\\", "backslash"),
    ],
)
def test_lines_that_github_does_not_know_are_passed_over_and_named(line: str, what: str) -> None:
    rules = github(f"* @all\n{line}\n")
    assert [problem.line for problem in rules.problems] == [2]
    assert what in rules.problems[0].what
    assert rules.of("x.c") == ("@all",)


SECTIONS = """
* @admin

[README Owners]
README.md @user1 @user2
internal/README.md @user4

[README other owners]
README.md @user3
"""


def test_each_section_has_a_last_match_of_its_own_at_gitlab() -> None:
    rules = gitlab(SECTIONS)
    assert rules.of("README.md") == ("@admin", "@user1", "@user2", "@user3")
    assert rules.of("internal/README.md") == ("@admin", "@user4", "@user3")
    assert rules.of("x.c") == ("@admin",)


def test_sections_have_default_owners() -> None:
    rules = gitlab(
        "[Documentation][2] @docs-team\ndocs/\nREADME.md\n\n^[Database] @database-team @agarcia\nmodel/db/\n"
        "config/db/database-setup.md @docs-team\n"
    )
    assert rules.of("docs/x/y.md") == ("@docs-team",)
    assert rules.of("model/db/x.rb") == ("@database-team", "@agarcia")
    assert rules.of("config/db/database-setup.md") == ("@docs-team",)


def test_regular_entries_are_a_section_of_their_own() -> None:
    rules = gitlab("* @general-approvers\n[Documentation] @docs-team\n*.txt\n[Database] @database-team\nmodel/db/\n")
    assert rules.of("model/db/CHANGELOG.txt") == ("@general-approvers", "@docs-team", "@database-team")


def test_sections_of_one_name_are_one_whatever_the_case() -> None:
    rules = gitlab(
        "[Documentation]\nREADME.md @docs\n[Database]\nREADME.md @database\n[DOCUMENTATION]\nREADME.md @late\n"
    )
    assert rules.of("README.md") == ("@late", "@database")


def test_an_exclusion_holds_in_its_section_whatever_follows() -> None:
    rules = gitlab(
        "* @username\n!pom.xml\n[Ruby]\n*.rb @ruby-team\n!/config/**/*.rb\n/config/routes.rb @ops\n[Config]\n/config/ @ops-team\n"
    )
    assert rules.of("pom.xml") == ()
    assert rules.of("config/routes.rb") == ("@username", "@ops-team")
    assert rules.of("lib/x.rb") == ("@username", "@ruby-team")


def test_roles_groups_and_addresses_are_owners_at_gitlab() -> None:
    rules = gitlab("file.md @@developer @@Maintainers ann@corp.example @group/with-nested/subgroup nobody\n")
    assert rules.of("file.md") == ("@@developer", "@@Maintainers", "ann@corp.example", "@group/with-nested/subgroup")


def test_owners_in_a_comment_behind_an_entry_count_at_gitlab() -> None:
    assert gitlab("x.c @a # and @b\n").of("x.c") == ("@a", "@b")


def test_an_escaped_number_sign_is_a_name_at_gitlab() -> None:
    assert gitlab("\\#x.c @a\n").of("#x.c") == ("@a",)


def test_a_heading_that_does_not_end_is_an_entry() -> None:
    rules = gitlab("[Docs]\ndocs/**/* @group\n\n[Section name\nlib/ @docs_group\n")
    assert rules.of("docs/a.md") == ("@group",)
    assert rules.of("lib/a.c") == ("@docs_group",)
    assert [problem.what for problem in rules.problems] == ["it names no owner"]


def test_an_entry_without_an_owner_is_named() -> None:
    assert [problem.line for problem in gitlab("* @a\nx.c\n").problems] == [2]
    assert gitlab("* @a\nx.c\n").of("x.c") == ()


def test_sections_tell_the_dialect() -> None:
    assert has_sections(SECTIONS)
    assert has_sections("^[Go][2] @a @b/c\n")
    assert not has_sections("* @a\n# [no]\n/x/[ab].c @a\n")


def test_nothing_in_a_file_breaks_the_reader() -> None:
    hostile = (
        "\ufeff* @a\r\n\0\x1b[31m @b\n[\n[]\n[][] @x\n\\\n!\n!!a @b\n" + "*" * 5000 + " @c\n" + "**/" * 500 + "x @d\n"
    )
    for rules in (github(hostile), gitlab(hostile)):
        for path in ("a" * 4000, "a/" * 2000 + "x", "x", "\0", ""):
            rules.of(path)
    assert github("\ufeff* @a\r\n").of("x") == ("@a",)
