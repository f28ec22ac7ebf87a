"""The documents say what is so: settings, queries, file names and commands are compared with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.db import connection

from tests import statements

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
READ_SETTING = re.compile(r'\b(?:env(?:\.\w+)?|secret)\(\s*"([A-Z][A-Z0-9_]+)"')
SETTING_ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \|", re.MULTILINE)
QUERY = re.compile(r"^([^\n]+):\n\n```sql\n(.+?)```", re.MULTILINE | re.DOTALL)
PLACEHOLDERS = {":session_id": "'00000000-0000-0000-0000-000000000000'", ":instance_id": "0"}
# `folder/…` or a file with a known ending, as prose names it.
NAMED_FILE = re.compile(
    r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|sql|md|txt|toml|yaml)|(?:[\w.-]+/)+|Makefile|\.ci/run|bin/[\w-]+)`"
)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def exists(name: str) -> bool:
    """From the root; or, for what every app or DBMS has, in any folder below it."""
    folders = [folder for folder in ROOT.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    below = (path for folder in folders for path in folder.rglob(name.rstrip("/")))
    return (ROOT / name).exists() or ("/" not in name.rstrip("/") and any(below))


def queries() -> list[tuple[str, str]]:
    return QUERY.findall(text("docs/sql.md"))


def test_every_environment_variable_is_documented_and_every_documented_one_is_read() -> None:
    documented = SETTING_ROW.findall(text("docs/settings.md"))
    assert sorted(documented) == sorted(set(READ_SETTING.findall(text("whalefall/settings.py"))))


def test_every_query_of_the_document_is_found_by_these_tests() -> None:
    assert len(queries()) == text("docs/sql.md").count("```sql") > 0


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the queries are written for PostgreSQL")
@pytest.mark.parametrize(("title", "query"), queries(), ids=[title for title, _ in queries()])
def test_query_runs_on_our_tables(title: str, query: str) -> None:
    for placeholder, value in PLACEHOLDERS.items():
        query = query.replace(placeholder, value)
    with connection.cursor() as cursor:
        cursor.execute(query)
        assert cursor.description


def test_page_of_statements_is_made_from_the_files_as_they_are() -> None:
    folders = {path.parent.name for path in ROOT.glob("dbms/*/sql")}
    assert set(statements.SECTIONS) == folders
    assert text("docs/statements.md") == statements.page(), f"run {statements.WRITE}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_document_names_only_files_that_exist(document: Path) -> None:
    generated = {"var/", ".venv/"}  # made on the first run
    named = set(NAMED_FILE.findall(document.read_text(encoding="utf-8"))) - generated
    assert [name for name in sorted(named) if not exists(name)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_document_names_only_commands_and_targets_that_exist(document: Path) -> None:
    content = document.read_text(encoding="utf-8")
    commands = set(re.findall(r"manage\.py ([a-z_]+)", content))
    assert commands <= set(get_commands())
    targets = set(re.findall(r"`make ([a-z]+)", content))
    assert targets <= set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))


def test_both_readmes_have_the_same_sections_and_name_the_same_files() -> None:
    english, chinese = text("README.md"), text("README.zh-CN.md")
    for pattern in (r"^(#+) ", r"^```(\w*)"):
        assert re.findall(pattern, english, re.MULTILINE) == re.findall(pattern, chinese, re.MULTILINE)
    assert set(NAMED_FILE.findall(english)) == set(NAMED_FILE.findall(chinese))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []
