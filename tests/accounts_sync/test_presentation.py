"""Stored documents as a person reads them."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.utils import translation
from django.utils.formats import date_format

from accounts_sync import labels
from accounts_sync.changes import other_entry, privilege_changes, privilege_document
from accounts_sync.presentation import changes, documents
from accounts_sync.presentation.documents import ROWS_SHOWN
from tests.accounts_sync.fakes import ATTRIBUTES, BY_DATABASE, CONNECTS, DEFAULTS, MEMBERSHIPS, OBJECTS, OWNED

DOCUMENT = {
    "version": 4,
    "categories": {
        OWNED: {"app": ["relation:s.mine"]},
        OBJECTS: {"": {"tablespace:fast": ["CREATE"]}, "app": {"relation:s.t": ["SELECT", "UPDATE"], "schema:s": []}},
        DEFAULTS: {"web": {"*: relation by ada": ["SELECT"]}},
        CONNECTS: {"web": ["CONNECT"], "app": ["CONNECT", "TEMPORARY"]},
        MEMBERSHIPS: [{"role": "team", "admin": True, "inherit": False}],
        ATTRIBUTES: {"can_super": False, "can_login": True, "connection_limit": 5},
        "sqlserver_database_permissions": {"shop": {"database": ["CONNECT"], "object": {"s.o": ["DENY SELECT"]}}},
        "something_new": ["A"],
        "postgresql_predefined_roles": [],
    },
}


def told(document, by_database=BY_DATABASE):
    return {
        view.name: {section.title: [(row.object, row.words) for row in section.rows] for section in view.sections}
        for view in documents.scope_views(document, by_database)
    }


def test_a_document_is_told_by_scope_and_category():
    assert told(DOCUMENT) == {
        "": {
            "Role attributes": [("", ("Can log in", "Connection limit: 5"))],
            "Role memberships": [("team", ("admin", "no inherit"))],
            "Database privileges": [("app", ("CONNECT", "TEMPORARY")), ("web", ("CONNECT",))],
            "Object privileges": [("tablespace:fast", ("CREATE",))],
            "Database permissions": [("shop: database", ("CONNECT",)), ("shop: object: s.o", ("DENY SELECT",))],
            "something_new": [("", ("A",))],
        },
        "app": {
            "Object privileges": [("relation:s.t", ("SELECT", "UPDATE"))],
            "Owned objects": [("", ("relation:s.mine",))],
        },
        "web": {"Default privileges for future objects": [("*: relation by ada", ("SELECT",))]},
    }


def test_the_server_comes_first_and_databases_by_name():
    assert [view.name for view in documents.scope_views(DOCUMENT, BY_DATABASE)] == ["", "app", "web"]


def test_a_long_section_is_cut_and_says_so():
    many = {"categories": {CONNECTS: {f"db{number:04}": ["CONNECT"] for number in range(ROWS_SHOWN + 5)}}}
    [section] = documents.scope_views(many, BY_DATABASE)[0].sections
    assert (len(section.rows), section.hidden) == (ROWS_SHOWN, 5)


@pytest.mark.parametrize("document", [{}, {"categories": {}}, {"categories": {CONNECTS: {}, OBJECTS: {"app": {}}}}])
def test_an_empty_document_shows_nothing(document):
    assert documents.scope_views(document, BY_DATABASE) == []


def test_capabilities_name_the_way_that_leads_to_them():
    facts = {
        "capabilities": ["SUPERUSER", "can_login", "NEW"],
        "capability_reasons": {"SUPERUSER": ["SUPERUSER", "member of team → admins"]},
        "meta": {"escalation": ["pg_read_server_files"]},
    }
    assert [(held.title, held.reasons) for held in documents.capabilities(facts)] == [
        ("Could gain superuser rights", ("pg_read_server_files",)),
        ("Superuser", ("SUPERUSER", "member of team → admins")),
        ("NEW", ()),
    ]


def test_grouped_objects_say_how_many_they_are():
    document = {
        "categories": {OBJECTS: {"app": {"relation:s.*": ["SELECT"]}}, OWNED: {"app": ["relation:s.*", "schema:s"]}},
        "meta": {"summarised": {"app": {"relation:s.*": {"SELECT": 7}}}, "owned_counts": {"app": {"relation:s.*": 9}}},
    }
    assert told(document) == {
        "app": {
            "Object privileges": [("relation:s.*", ("SELECT × 7",))],
            "Owned objects": [("", ("relation:s.* × 9", "schema:s"))],
        }
    }


def test_changes_are_told_as_statements():
    before = {ATTRIBUTES: {"can_super": False, "connection_limit": -1}, MEMBERSHIPS: [], CONNECTS: {"app": ["CONNECT"]}}
    after = {
        ATTRIBUTES: {"can_super": True, "connection_limit": 3}, MEMBERSHIPS: [{"role": "team", "admin": False}],
        CONNECTS: {},
    }  # fmt: skip
    lines = changes.changed_privileges(privilege_document(privilege_changes(before, after)))
    assert {(line.action, line.category, line.object, line.words, line.before) for line in lines} == {
        ("GRANT", "Role attributes", "", ("Superuser attribute",), ()),
        ("ALTER", "Role attributes", "", ("Connection limit: 3",), ("Connection limit: -1",)),
        ("GRANT", "Role memberships", "", ("team", "no admin"), ()),
        ("REVOKE", "Database privileges", "app", ("CONNECT",), ()),
    }


def test_a_dropped_database_and_a_recreated_account_are_explained():
    [line] = changes.changed_privileges(
        privilege_document(privilege_changes({CONNECTS: {"app": ["CONNECT"]}}, {}, reason="database_dropped"))
    )
    assert line.reason == "The database was dropped"
    entries = [other_entry("principal_id", "1", "2", description="recreated"), other_entry("is_locked", False, None)]
    recreated, locked = changes.changed_attributes({"entries": entries})
    assert recreated.note == "Dropped and created again under the same name"
    assert (locked.title, locked.before, locked.after) == ("Locked", "No", "–")


def test_times_are_told_in_the_readers_zone(settings):
    settings.TIME_ZONE = "Asia/Shanghai"
    entry = other_entry("valid_until", None, "2030-01-01T00:00:00+00:00")
    [line] = changes.changed_attributes({"entries": [entry]})
    assert line.after == date_format(datetime(2030, 1, 1, 8), "DATETIME_FORMAT")  # Asia/Shanghai


@pytest.mark.parametrize("change_type", list(labels.SENTENCES))
def test_every_kind_of_change_has_a_sentence(change_type):
    text = changes.sentence(change_type, "ada {x} %s", {}, {})
    assert "ada {x} %s" in text
    assert "{account}" not in text


def test_a_connection_limit_that_limits_nothing_is_not_told():
    assert told({"categories": {ATTRIBUTES: {"can_login": True, "connection_limit": -1}}}) == {
        "": {"Role attributes": [("", ("Can log in",))]}
    }


def test_a_sentence_names_a_few_short_attributes():
    few = [other_entry("is_superuser", False, True), other_entry("kind", "user", "group")]
    assert changes.sentence("modify_other", "ada", {}, {"entries": few}) == (
        "The attributes of ada changed: Superuser (No → Yes), Kind (user → group)"
    )
    long = [other_entry("type_specific.settings", "a" * 100, "b" * 100)]
    assert changes.sentence("modify_other", "ada", {}, {"entries": long}) == (
        "The attributes of ada changed: 1 attribute"
    )


def test_a_sentence_counts_what_changed():
    entries = [
        {"action": "GRANT", "count": 30}, {"action": "GRANT"}, {"action": "REVOKE"}, {"action": "ALTER"},
    ]  # fmt: skip
    others = [other_entry(name, False, True) for name in ("is_superuser", "is_locked", "is_system")]
    text = changes.sentence("modify_privilege", "ada", {"entries": entries, "truncated": 7}, {"entries": others})
    assert text == (
        "The privileges of ada changed: 31 grants, 1 revocation, 1 alteration, 3 attributes, 7 further changes"
    )


def test_labels_are_stored_in_english_whatever_the_language_is():
    with translation.override("zh-hans"):
        [entry] = privilege_document(privilege_changes({CONNECTS: {"app": ["CONNECT"]}}, {}))["entries"]
    assert entry["label"] == "Database privileges"
