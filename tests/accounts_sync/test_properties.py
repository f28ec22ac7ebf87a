"""Random histories of a server, read with random holes: what was not read is never reported as taken away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts_sync.models import InstanceAccount
from tests.accounts_sync.conftest import Syncs, make_instance
from tests.accounts_sync.fakes import CONNECTS, MEMBERSHIPS, OBJECTS, role, snapshot

NAMES, DATABASES, OBJECT_NAMES = ("ada", "bob", "eve"), ("app", "web"), ("relation:s.a", "schema:s")
privileges = st.lists(st.sampled_from(["SELECT", "UPDATE"]), min_size=1, max_size=2, unique=True).map(sorted)
accounts = st.fixed_dictionaries(
    {
        "connect": st.dictionaries(st.sampled_from(DATABASES), privileges),
        "objects": st.dictionaries(
            st.sampled_from(DATABASES), st.dictionaries(st.sampled_from(OBJECT_NAMES), privileges, min_size=1)
        ),
        "superuser": st.booleans(),
    }
)
truths = st.dictionaries(st.sampled_from(NAMES), accounts, min_size=1)
statuses = st.sampled_from(["ok", "ok", "denied", "timeout", "offline"])
reads = st.fixed_dictionaries(
    {"truth": truths, "server": statuses, "app": statuses, "web": statuses, "listed": st.booleans()}
)


def observed(read: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """What a reader would bring home from this truth, and the status of each database that it names."""
    named = {name: read[name] for name in DATABASES if read["listed"] or read[name] == "ok"}
    seen = [
        role(
            name,
            connect=held["connect"],
            superuser=held["superuser"],
            objects={database: of for database, of in held["objects"].items() if named.get(database) == "ok"},
        )
        for name, held in read["truth"].items()
    ]
    server = [MEMBERSHIPS, CONNECTS, OBJECTS, "postgresql_role_attributes", *(["databases"] if read["listed"] else [])]
    return snapshot(*seen, databases=named, server=server, server_status=read["server"]), named


@pytest.mark.usefixtures("adapter")
class TestHoles(TestCase):
    @given(history=st.lists(reads, min_size=2, max_size=5))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def test_what_was_not_read_is_never_taken_away(self, history: list[dict[str, Any]]) -> None:
        sync = Syncs(make_instance())
        known: dict[str, dict[str, Any]] = {}  # what an honest observer knows: {account: {database: objects}}
        for read in history:
            taken, named = observed(read)
            sync(taken, force=True)
            is_server_read = read["server"] == "ok"
            for row in sync.log():
                if row.change_type == "delete":
                    assert is_server_read
                    assert row.username not in read["truth"]
                for entry in row.privilege_diff["entries"]:
                    if entry["field"] == OBJECTS and entry["action"] == "REVOKE":
                        database = entry["object"].split(":")[0]
                        assert named.get(database) == "ok"
                        gone = set(entry["permissions"])
                        held = read["truth"][row.username]["objects"].get(database, {})
                        assert gone.isdisjoint(held.get(entry["object"].partition(": ")[2], ()))
                    elif entry["action"] == "REVOKE":
                        assert is_server_read
            # The document equals what was read where it was read, and what was known where it was not.
            if is_server_read:  # whoever is not there took all grants along, and comes back without any
                known = {name: known.get(name, {}) for name in read["truth"]}
            for name in known.keys() & read["truth"].keys():
                if is_server_read or InstanceAccount.objects.filter(username=name, is_active=True).exists():
                    for database, status in named.items():
                        if status == "ok":
                            known[name] = {**known[name], database: read["truth"][name]["objects"].get(database, {})}
                    if is_server_read and read["listed"]:
                        known[name] = {base: held for base, held in known[name].items() if base in named}
            for account in InstanceAccount.objects.filter(is_active=True).select_related("permission"):
                stored = account.permission.permission_snapshot["categories"].get(OBJECTS, {})
                assert stored == {base: held for base, held in known[account.username].items() if held}
