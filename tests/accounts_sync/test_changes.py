"""Diffs of documents: by shape, and complete enough to lead from the old document to the new one."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts_sync.changes import ENTRIES_MAX, privilege_changes, privilege_document

LIST, MAP, NESTED, DEEP = "oracle_roles", "mysql_database_privileges", "postgresql_object_privileges", "sqlserver_x"
MEMBERSHIPS, ATTRIBUTES = "postgresql_memberships", "postgresql_role_attributes"


def entries(before: dict[str, Any], after: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    return privilege_document(privilege_changes(before, after, **options))["entries"]


def brief(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(entry["object"], entry["action"], entry["permissions"]) for entry in entries(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({LIST: ["A", "B"]}, {LIST: ["B", "C"]}, [("", "GRANT", ["C"]), ("", "REVOKE", ["A"])]),
        ({LIST: ["A"]}, {}, [("", "REVOKE", ["A"])]),
        ({MAP: {"a": ["X"]}}, {MAP: {"b": ["X"]}}, [("a", "REVOKE", ["X"]), ("b", "GRANT", ["X"])]),
        ({MAP: {}}, {}, []),
        ({LIST: []}, {}, []),
        ({LIST: ["A", "B"]}, {LIST: ["B", "A"]}, []),
        (
            {NESTED: {"db": {"relation:s.t": ["SELECT"]}}},
            {NESTED: {"db": {"relation:s.t": ["SELECT WITH GRANT OPTION"]}, "": {"tablespace:x": ["CREATE"]}}},
            [
                ("tablespace:x", "GRANT", ["CREATE"]),
                ("db: relation:s.t", "GRANT", ["SELECT WITH GRANT OPTION"]),
                ("db: relation:s.t", "REVOKE", ["SELECT"]),
            ],
        ),
        (
            {DEEP: {"db": {"database": ["CONNECT"], "schema": {"s": ["SELECT"]}}}},
            {DEEP: {"db": {"database": ["CONNECT"], "schema": {"s": ["DENY SELECT"]}, "object": {"s.o": ["EXECUTE"]}}}},
            [
                ("db: object:s.o", "GRANT", ["EXECUTE"]),
                ("db: schema:s", "GRANT", ["DENY SELECT"]),
                ("db: schema:s", "REVOKE", ["SELECT"]),
            ],
        ),
        (
            {ATTRIBUTES: {"can_super": False, "can_login": True, "connection_limit": -1}},
            {ATTRIBUTES: {"can_super": True, "can_login": False, "connection_limit": 10}},
            [("", "GRANT", ["can_super"]), ("", "REVOKE", ["can_login"]), ("", "ALTER", ["connection_limit=10"])],
        ),
        ({}, {ATTRIBUTES: {"can_super": False, "connection_limit": -1}}, []),
        ({MAP: ["A"]}, {MAP: {"a": ["A"]}}, [("", "REVOKE", ["A"]), ("a", "GRANT", ["A"])]),
        (
            {"postgresql_default_revoked": {"db": ["function:s.f()"]}, "mysql_restrictions": {}},
            {"postgresql_default_revoked": {"db": ["function:s.g()"]}, "mysql_restrictions": {"db": ["INSERT"]}},
            [
                ("db", "REVOKE", ["INSERT"]),
                ("db", "REVOKE", ["function:s.g()"]),
                ("db", "GRANT", ["function:s.f()"]),
            ],
        ),
        ({"postgresql_owned": {"db": ["relation:s.t"]}}, {}, []),
        ({"unheard_of": {"x": {"y": {"z": ["A"]}}}}, {}, [("x: y:z", "REVOKE", ["A"])]),
    ],
)
def test_a_difference_is_told_by_the_shape_of_the_values(before, after, expected):
    assert brief(before, after) == expected


def test_memberships_are_granted_revoked_and_altered_by_role():
    before = [{"role": "a", "admin": False, "inherit": True}, {"role": "b", "admin": True}]
    after = [{"role": "a", "admin": True, "inherit": True}, {"role": "c", "admin": True}]
    granted, revoked, altered = entries({MEMBERSHIPS: before}, {MEMBERSHIPS: after})
    assert (granted["action"], granted["permissions"], granted["options"]) == ("GRANT", ["c"], {"admin": True})
    assert (revoked["action"], revoked["permissions"]) == ("REVOKE", ["b"])
    assert (altered["action"], altered["object"], altered["permissions"], altered["before"]) == (
        "ALTER", "a", ["admin=true"], ["admin=false"],
    )  # fmt: skip


def test_entries_name_their_category_and_their_reason():
    [entry] = entries({"postgresql_database_privileges": {"app": ["CONNECT"]}}, {}, reason="database_dropped")
    assert entry == {
        "field": "postgresql_database_privileges", "label": "Database privileges", "object": "app",
        "action": "REVOKE", "permissions": ["CONNECT"], "reason": "database_dropped",
    }  # fmt: skip


@pytest.mark.parametrize(("tables", "expected"), [(20, 20), (21, 1)])
def test_more_than_twenty_equal_entries_of_a_schema_are_one(tables, expected):
    granted = {f'relation:"a.b".t{number}': ["SELECT"] for number in range(tables)}
    others = {"relation:other.t": ["SELECT"], "schema:s": ["USAGE"], 'relation:"a.b".u': ["UPDATE"]}
    found = entries({}, {NESTED: {"db": granted | others}})
    assert len(found) == expected + len(others)
    if expected == 1:
        [group] = [entry for entry in found if "count" in entry]
        assert (group["object"], group["count"], group["permissions"]) == ('db: relation:"a.b".*', 21, ["SELECT"])


def test_groups_keep_databases_and_privileges_apart():
    grants = {f"relation:s.t{number}": ["SELECT" if number % 2 else "UPDATE"] for number in range(60)}
    found = entries({}, {NESTED: {"a": grants, "b": grants}})
    assert sorted((entry["object"], entry["permissions"][0], entry["count"]) for entry in found) == [
        (f"{database}: relation:s.*", privilege, 30) for database in "ab" for privilege in ("SELECT", "UPDATE")
    ]


def test_entries_beyond_the_limit_are_counted():
    document = privilege_document(privilege_changes({}, {MAP: {f"db{n}": ["A"] for n in range(ENTRIES_MAX + 7)}}))
    assert (len(document["entries"]), document["truncated"]) == (ENTRIES_MAX, 7)


def test_entries_that_only_fit_ungrouped_are_counted_once():
    grants = {f"relation:s{schema}.t{table}": ["SELECT"] for schema in range(30) for table in range(20)}
    document = privilege_document(privilege_changes({}, {NESTED: {"db": grants}}))
    assert (len(document["entries"]), document["truncated"]) == (ENTRIES_MAX, 100)


def test_a_huge_difference_is_not_held_in_memory():
    import tracemalloc

    several = {f"relation:s{number % 1000}.t{number}": ["SELECT"] for number in range(60_000)}
    grants = {NESTED: {"db": several}, MAP: {f"db{number}": ["SELECT"] for number in range(60_000)}}
    tracemalloc.start()
    document = privilege_document(privilege_changes({}, grants))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(entry.get("count", 1) for entry in document["entries"]) + document["truncated"] == 120_000
    assert peak < 25_000_000


# --- The entries lead from the old document to the new one ------------------------------------------------------------

word = st.sampled_from(["SELECT", "UPDATE", "SELECT WITH GRANT OPTION", "a b"])
words = st.lists(word, unique=True, min_size=1).map(sorted)
name = st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"]), min_size=1, max_size=5)
memberships = st.dictionaries(name, st.fixed_dictionaries({"admin": st.booleans(), "set": st.booleans()}))
documents = st.fixed_dictionaries(
    {
        LIST: st.lists(word, unique=True).map(sorted),
        MAP: st.dictionaries(name, words, max_size=3),
        NESTED: st.dictionaries(name, st.dictionaries(name, words, min_size=1, max_size=3), max_size=3),
        MEMBERSHIPS: memberships.map(lambda held: [{"role": role, **held[role]} for role in sorted(held)]),
        ATTRIBUTES: st.fixed_dictionaries({"can_super": st.booleans(), "connection_limit": st.integers(-1, 5)}),
    }
)


def apply(document: dict[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any]:
    """What a client that knows only the contract makes of a document and its entries."""
    document = copy.deepcopy(document)
    for entry in changes:
        value, given = document[entry["field"]], set(entry["permissions"])
        if entry["field"] == ATTRIBUTES:
            if entry["action"] == "ALTER":
                value.update({pair.split("=")[0]: json.loads(pair.split("=")[1]) for pair in given})
            else:
                value.update(dict.fromkeys(given, entry["action"] == "GRANT"))
        elif entry["field"] == MEMBERSHIPS:
            if entry["action"] == "GRANT":
                value.extend({"role": role, **entry["options"]} for role in given)
            elif entry["action"] == "REVOKE":
                value[:] = [held for held in value if held["role"] not in given]
            else:
                [held] = [held for held in value if held["role"] == entry["object"]]
                held.update({pair.split("=")[0]: json.loads(pair.split("=")[1]) for pair in given})
            value.sort(key=lambda held: held["role"])
        elif entry["field"] == LIST:
            value[:] = sorted(set(value) | given if entry["action"] == "GRANT" else set(value) - given)
        else:
            *path, last = entry["object"].split(": ")
            holder = value
            for key in path:
                holder = holder.setdefault(key, {})
            held = set(holder.get(last, ()))
            left = sorted(held | given if entry["action"] == "GRANT" else held - given)
            if left:
                holder[last] = left
            else:
                del holder[last]
    document[NESTED] = {database: held for database, held in document[NESTED].items() if held}
    return document


@given(before=documents, after=documents)
def test_applying_the_entries_to_the_old_document_gives_the_new_one(before, after):
    assert apply(before, entries(before, after)) == after


@given(document=documents)
def test_equal_documents_differ_in_nothing(document):
    assert entries(document, copy.deepcopy(document)) == []
