"""Before, what was read, after: one small table per rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts_sync.models import AccountChangeLog, AccountPermission, InstanceAccount
from accounts_sync.reconcile import reconcile
from instances.models import Instance
from sessions_app.models import InstanceCoverage
from tests.accounts_sync.conftest import Syncs, make_instance
from tests.accounts_sync.fakes import (
    ATTRIBUTES,
    CONNECTS,
    DEFAULTS,
    MEMBERSHIPS,
    OBJECTS,
    OWNED,
    SERVER_CATEGORIES,
    role,
    snapshot,
)
from whalefall.errors import AccountListShrunk

pytestmark = pytest.mark.django_db

READ = {"relation:s.t": ["SELECT"]}
WRITE = {"relation:s.t": ["SELECT", "UPDATE"]}
INCOMPLETE = tuple(category for category in SERVER_CATEGORIES if category != "databases")


def categories(sync, username):
    return sync.account(username).permission.permission_snapshot["categories"]


# --- New, changed, gone, back ---------------------------------------------------------------------------------------


def test_the_first_read_is_a_baseline(sync):
    counts = sync(snapshot(role("ada", objects={"app": READ}), databases=["app"]))
    assert (counts.synced, counts.created, counts.updated, counts.deleted) == (1, 1, 0, 0)
    [row] = sync.log()
    assert (row.change_type, row.is_baseline, row.username, row.account) == ("add", True, "ada", sync.account("ada"))
    assert sync.said() == [("ada", "add", "")]  # what it may do is in its document, not told a second time
    assert categories(sync, "ada")[OBJECTS] == {"app": READ}


def test_an_account_that_appears_later_is_no_baseline(sync):
    sync(snapshot(role("ada")))
    counts = sync(snapshot(role("ada"), role("bob", superuser=True)))
    assert (counts.synced, counts.created) == (2, 1)
    [row] = sync.log()
    assert (row.username, row.change_type, row.is_baseline) == ("bob", "add", False)
    assert sync.said()[0][2] == "GRANT can_login,can_super; is_superuser: None → True (direct)"


def test_an_unchanged_account_is_not_written(sync):
    read = snapshot(role("ada", objects={"app": READ}), databases=["app"])
    sync(read)
    before = InstanceAccount.objects.values().get(), AccountPermission.objects.values().get()
    counts = sync(read)
    assert (InstanceAccount.objects.values().get(), AccountPermission.objects.values().get()) == before
    assert (counts.synced, counts.created, counts.updated, counts.deleted) == (1, 0, 0, 0)
    assert sync.log() == []


def test_granted_and_revoked_privileges_make_one_row(sync):
    sync(snapshot(role("ada", objects={"app": READ}, connect={"app": ["CONNECT"]}), databases=["app"]))
    first = sync.account("ada")
    counts = sync(snapshot(role("ada", objects={"app": {"relation:s.t": ["UPDATE"]}}), databases=["app"]))
    assert counts.updated == 1
    assert sync.said() == [
        ("ada", "modify_privilege",
         "REVOKE CONNECT app; GRANT UPDATE app: relation:s.t; REVOKE SELECT app: relation:s.t")
    ]  # fmt: skip
    changed = sync.account("ada")
    assert changed.first_seen_at == first.first_seen_at
    assert changed.last_changed_at > first.last_changed_at
    assert changed.permission.last_change_type == "modify_privilege"
    assert changed.permission.last_change_time == changed.last_changed_at == sync.log()[0].change_time


def test_a_changed_setting_is_another_change(sync):
    until = datetime(2030, 1, 1, tzinfo=UTC)
    sync(snapshot(role("ada", specific={"config": "a"}), role("bob")))
    sync(snapshot(role("ada", specific={"config": "b"}, valid_until=until, is_locked=True), role("bob", limit=5)))
    assert sync.said() == [
        ("ada", "modify_other",
         "is_locked: False → True; valid_until: None → 2030-01-01T00:00:00+00:00; type_specific.config: a → b"),
        ("bob", "modify_privilege", "ALTER connection_limit=5"),
    ]  # fmt: skip
    assert (sync.account("ada").valid_until, sync.account("ada").is_locked) == (until, True)


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("kind", "user", "group"),
        ("is_system", False, True),
        ("is_locked", True, False),
        ("valid_until", datetime(2030, 1, 1, tzinfo=UTC), None),
        ("locked_until", None, datetime(2030, 1, 1, 12, tzinfo=UTC)),
        ("password_expires_at", datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)),
    ],
)
def test_every_setting_is_followed(sync, field, before, after):
    sync(snapshot(role("ada", **{field: before})))
    sync(snapshot(role("ada", **{field: after})))
    assert getattr(sync.account("ada"), field) == after
    [row] = sync.log()
    assert [entry["field"] for entry in row.other_diff["entries"]] == [field]


def test_a_missing_account_is_deleted_once_and_keeps_its_last_document(sync):
    sync(snapshot(role("ada"), role("bob", superuser=True)))
    counts = sync(snapshot(role("ada")))
    assert (counts.synced, counts.deleted) == (1, 1)
    assert [(row.username, row.change_type) for row in sync.log()] == [("bob", "delete")]
    bob = sync.account("bob")
    assert (bob.is_active, bob.deleted_at, bob.permission.last_change_type) == (False, bob.last_changed_at, "delete")
    assert categories(sync, "bob")[ATTRIBUTES]["can_super"] is True
    assert sync(snapshot(role("ada"))).deleted == 0
    assert sync.log() == []


def test_an_account_that_comes_back_says_what_is_different(sync):
    sync(snapshot(role("ada"), role("bob", connect={"app": ["CONNECT"]}, principal_id="1")))
    sync(snapshot(role("ada")))
    counts = sync(snapshot(role("ada"), role("bob", superuser=True, principal_id="2")))
    assert (counts.created, counts.updated, counts.details["reactivated"]) == (1, 0, 1)
    assert sync.said() == [
        ("bob", "reactivate", "REVOKE CONNECT app; GRANT can_super; principal_id: 1 → 2 (recreated); "
                              "is_superuser: False → True (direct)")
    ]  # fmt: skip
    bob = sync.account("bob")
    assert (bob.is_active, bob.deleted_at, bob.is_superuser) == (True, None, True)


def test_drop_and_create_under_one_name_is_seen(sync):
    sync(snapshot(role("ada", principal_id="10"), role("bob", principal_id="11", connect={"app": ["CONNECT"]})))
    sync(snapshot(role("ada", principal_id="20"), role("bob", principal_id="21")))
    assert sync.said() == [
        ("ada", "modify_other", "principal_id: 10 → 20 (recreated)"),
        ("bob", "modify_privilege", "REVOKE CONNECT app; principal_id: 11 → 21 (recreated)"),
    ]


def test_names_that_differ_in_case_and_hosts_are_different_accounts(sync):
    sync(snapshot(role("ada"), role("Ada"), role("ada", host="10.0.0.1")))
    assert sorted(account.display_name for account in InstanceAccount.objects.all()) == ["Ada", "ada", "ada@10.0.0.1"]


def test_hostile_names_are_stored_as_they_are(sync):
    name = "'; DROP TABLE x; -- \"\n% 名 <script>"
    sync(snapshot(role(name, objects={'a"b%': {f"relation:{name}.t": ["SELECT"]}}), databases=['a"b%']))
    assert categories(sync, name)[OBJECTS] == {'a"b%': {f"relation:{name}.t": ["SELECT"]}}


def test_characters_that_no_database_of_ours_can_store_are_written_out(sync):
    read = snapshot(role("nul\0", specific={"note": "half \udc80"}, connect={"a\0": ["CONNECT"]}))
    sync(read)
    assert categories(sync, "nul\\x00")[CONNECTS] == {"a\\x00": ["CONNECT"]}
    assert sync.account("nul\\x00").permission.type_specific == {"note": "half \\udc80"}
    assert sync(read).updated == 0


# --- Lists that cannot be true --------------------------------------------------------------------------------------


def many(count):
    return [role(f"user{number}") for number in range(count)]


@pytest.mark.parametrize("listed", [[], [role("PUBLIC", kind="public")]])
def test_an_empty_list_is_refused(sync, listed):
    with pytest.raises(AccountListShrunk):
        sync(snapshot(*listed))
    assert not InstanceAccount.objects.exists()
    assert not InstanceCoverage.objects.exists()


@pytest.mark.parametrize(
    ("before", "after", "is_refused"),
    [
        (20, 10, False),
        (20, 9, True),
        (21, 10, True),
        (19, 9, True),
        (19, 10, False),
        (18, 9, False),
        (10, 1, False),
        (11, 1, True),
    ],
)
def test_a_list_below_half_and_by_ten_or_more_is_refused(sync, before, after, is_refused):
    sync(snapshot(*many(before)))
    if is_refused:
        with pytest.raises(AccountListShrunk) as refused:
            sync(snapshot(*many(after)))
        assert (refused.value.params["before"], refused.value.params["after"]) == (before, after)
        assert InstanceAccount.objects.active().count() == before
        assert sync(snapshot(*many(after)), force=True).deleted == before - after
    else:
        assert sync(snapshot(*many(after))).deleted == before - after


def test_force_accepts_an_empty_list(sync):
    sync(snapshot(*many(3)))
    assert sync(snapshot(), force=True).deleted == 3


def test_replaced_accounts_are_no_shrunk_list(sync):
    sync(snapshot(*many(20)))
    counts = sync(snapshot(*(role(f"other{number}") for number in range(20))))
    assert (counts.created, counts.deleted) == (20, 20)


# --- Scopes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["denied", "timeout", "offline", "error"])
def test_an_unread_database_keeps_its_part_and_its_digest(sync, status):
    sync(snapshot(role("ada", objects={"app": READ, "web": READ}), databases=["app", "web"]))
    digest = sync.account("ada").permission.scope_digests["database:app"]
    counts = sync(snapshot(role("ada", objects={"web": WRITE}), databases={"app": status, "web": "ok"}))
    assert sync.said() == [("ada", "modify_privilege", "GRANT UPDATE web: relation:s.t")]
    assert categories(sync, "ada")[OBJECTS] == {"app": READ, "web": WRITE}
    assert sync.account("ada").permission.scope_digests["database:app"] == digest
    assert counts.details["unread_scopes"] == [
        {"scope": "database:app", "status": status, "reason": f"because {status}"}
    ]
    sync(snapshot(role("ada", objects={"app": WRITE, "web": WRITE}), databases=["app", "web"]))
    assert sync.said() == [("ada", "modify_privilege", "GRANT UPDATE app: relation:s.t")]


def test_counts_beside_the_document_stay_with_their_database(sync):
    counts = {"app": {"relation:s.*": {"SELECT": 7}}}
    sync(snapshot(role("ada", objects={"app": READ}, meta={"summarised": counts}), databases=["app", "web"]))
    sync(snapshot(role("ada", limit=1), databases={"app": "timeout", "web": "ok"}))
    assert sync.account("ada").permission.permission_snapshot["meta"]["summarised"] == counts
    sync(snapshot(role("ada", limit=2), databases=["app", "web"]))
    assert "summarised" not in sync.account("ada").permission.permission_snapshot["meta"]


def test_a_partial_read_alone_changes_nothing(sync):
    sync(snapshot(role("ada", objects={"app": READ}), databases=["app"]))
    before = AccountPermission.objects.values().get()
    counts = sync(snapshot(role("ada"), databases={"app": "timeout"}))
    assert (counts.updated, AccountPermission.objects.values().get()) == (0, before)


def test_parts_that_a_reader_left_from_an_unread_database_are_not_believed(sync):
    sync(snapshot(role("ada", objects={"app": WRITE}), databases=["app"]))
    sync(snapshot(role("ada", objects={"app": READ}, limit=3), databases={"app": "timeout"}))
    assert sync.said() == [("ada", "modify_privilege", "ALTER connection_limit=3")]
    assert categories(sync, "ada")[OBJECTS] == {"app": WRITE}


def test_a_database_that_an_incomplete_list_omits_is_kept(sync):
    sync(snapshot(role("ada", objects={"app": READ}), databases=["app"]))
    sync(snapshot(role("ada"), server=INCOMPLETE))
    assert sync.log() == []
    assert categories(sync, "ada")[OBJECTS] == {"app": READ}
    assert InstanceCoverage.objects.filter(scope="database:app").exists()


def test_a_dropped_database_is_logged_once_per_account_with_its_reason(sync):
    grants = {"objects": {"app": READ}, "connect": {"app": ["CONNECT"], "web": ["CONNECT"]}}
    sync(snapshot(role("ada", **grants), role("bob", connect={"app": ["TEMPORARY"]}), role("eve"), databases=["app"]))
    counts = sync(snapshot(role("ada", connect={"web": ["CONNECT"]}), role("bob"), role("eve")))
    assert sync.said() == [
        ("ada", "modify_privilege",
         "REVOKE CONNECT app (database_dropped); REVOKE SELECT app: relation:s.t (database_dropped)"),
        ("bob", "modify_privilege", "REVOKE TEMPORARY app (database_dropped)"),
    ]  # fmt: skip
    assert OBJECTS not in categories(sync, "ada")
    assert "database:app" not in sync.account("ada").permission.scope_digests
    assert counts.details["gone_scopes"] == ["database:app"]
    assert set(InstanceCoverage.objects.values_list("scope", flat=True)) == {"server"}
    assert sync(snapshot(role("ada", connect={"web": ["CONNECT"]}), role("bob"), role("eve"))).updated == 0


def test_grants_in_a_new_database_are_changes(sync):
    sync(snapshot(role("ada")))
    sync(snapshot(role("ada", objects={"app": READ}), databases=["app"]))
    assert sync.said() == [("ada", "modify_privilege", "GRANT SELECT app: relation:s.t")]


def test_grants_in_a_database_of_which_nothing_was_known_are_not(sync):
    sync(snapshot(role("ada"), server=INCOMPLETE))
    counts = sync(snapshot(role("ada", objects={"app": READ}), databases=["app"]))
    assert sync.log() == []
    assert counts.details["silently_updated"] == 1
    assert categories(sync, "ada")[OBJECTS] == {"app": READ}


def test_the_first_read_of_a_database_that_was_denied_before_is_silent(sync):
    sync(snapshot(role("ada"), databases={"app": "denied"}))
    sync(snapshot(role("ada", objects={"app": READ}), databases=["app"]))
    assert sync.log() == []
    assert categories(sync, "ada")[OBJECTS] == {"app": READ}
    sync(snapshot(role("ada", objects={"app": WRITE}), databases=["app"]))
    assert sync.said() == [("ada", "modify_privilege", "GRANT UPDATE app: relation:s.t")]


def test_a_category_that_was_not_read_before_is_silent(sync):
    only_objects = {"app": [OBJECTS]}
    sync(snapshot(role("ada", objects={"app": READ}), databases=["app"], shapes=only_objects))
    defaults = {"app": {"*: relation by ada": ["SELECT"]}}
    sync(snapshot(role("ada", objects={"app": WRITE}, defaults=defaults), databases=["app"]))
    assert sync.said() == [("ada", "modify_privilege", "GRANT UPDATE app: relation:s.t")]
    assert categories(sync, "ada")[DEFAULTS] == defaults
    sync(snapshot(role("ada", objects={"app": WRITE}), databases=["app"], shapes=only_objects))
    assert sync.log() == []
    assert DEFAULTS not in categories(sync, "ada")


def test_a_category_read_in_another_shape_is_silent_and_comparable_again_afterwards(sync):
    summarised = {"app": [f"{OBJECTS}:summarised", DEFAULTS]}
    one, two = {"app": {"relation:s.*": ["SELECT"]}}, {"app": {"relation:s.*": ["UPDATE"]}}
    sync(snapshot(role("ada", objects={"app": READ}), databases=["app"]))
    sync(snapshot(role("ada", objects=one), databases=["app"], shapes=summarised))
    assert sync.log() == []
    assert categories(sync, "ada")[OBJECTS] == one
    sync(snapshot(role("ada", objects=two), databases=["app"], shapes=summarised))
    assert sync.said() == [
        ("ada", "modify_privilege", "GRANT UPDATE app: relation:s.*; REVOKE SELECT app: relation:s.*")
    ]


def test_an_account_that_was_away_while_the_shape_changed_comes_back_without_a_diff(sync):
    summarised = {"app": [f"{OBJECTS}:summarised", DEFAULTS]}
    ada = role("ada", objects={"app": {"relation:s.*": ["SELECT"]}})
    sync(snapshot(role("ada", objects={"app": READ}), role("bob"), databases=["app"]))
    sync(snapshot(role("bob"), databases=["app"]))
    sync(snapshot(role("bob"), databases=["app"], shapes=summarised))
    sync(snapshot(role("bob"), databases=["app"], shapes=summarised))
    sync(snapshot(ada, role("bob"), databases=["app"], shapes=summarised))
    assert sync.said() == [("ada", "reactivate", "")]
    assert categories(sync, "ada")[OBJECTS] == {"app": {"relation:s.*": ["SELECT"]}}


def test_without_the_server_scope_nobody_is_created_deleted_or_demoted(sync):
    sync(snapshot(role("ada", superuser=True, objects={"app": READ}), role("bob"), databases=["app"]))
    facts = sync.account("ada").permission.permission_facts
    partial = role("ada", objects={"app": WRITE}, is_locked=True)
    counts = sync(snapshot(partial, role("new"), databases=["app"], server_status="denied"))
    assert (counts.synced, counts.created, counts.updated, counts.deleted) == (1, 0, 1, 0)
    assert sync.said() == [("ada", "modify_privilege", "GRANT UPDATE app: relation:s.t")]
    ada = sync.account("ada")
    assert (ada.is_superuser, ada.is_locked, ada.permission.permission_facts) == (True, False, facts)
    assert categories(sync, "ada")[ATTRIBUTES]["can_super"] is True
    sync(snapshot(role("ada", superuser=True, objects={"app": WRITE}), role("bob"), databases=["app"]))
    assert sync.log() == []
    assert sync.account("ada").permission.facts_version == 1


def test_a_databases_own_user_is_deleted_only_by_a_read_of_that_database(sync):
    own = role("own", host="app")
    sync(snapshot(role("ada"), own, databases=["app"]))
    assert sync(snapshot(role("ada"), databases={"app": "offline"})).deleted == 0
    assert sync(snapshot(role("ada"), databases=["app"])).deleted == 1
    sync(snapshot(role("ada"), own, databases=["app"]))
    sync(snapshot(role("ada")))
    assert sync.said() == [("own@app", "delete", "is_active: True → False (database_dropped)")]


def test_a_databases_own_users_are_a_baseline_when_it_is_read_for_the_first_time(sync):
    sync(snapshot(role("ada"), databases={"app": "denied"}))
    sync(snapshot(role("ada"), role("own", host="app"), databases=["app"]))
    assert [(row.username, row.is_baseline) for row in sync.log()] == [("own@app", True)]


# --- Derived and volatile things --------------------------------------------------------------------------------------


def test_becoming_superuser_through_a_role_is_logged_with_the_path(sync):
    team, admins = role("team", member_of=["admins"]), role("admins", kind="group")
    sync(snapshot(role("ada", member_of=["team"]), team, admins))
    sync(snapshot(role("ada", member_of=["team"]), team, role("admins", kind="group", superuser=True)))
    assert sync.said() == [
        ("ada", "modify_other", "is_superuser: False → True (team → admins)"),
        ("admins", "modify_privilege", "GRANT can_super; is_superuser: False → True (direct)"),
        ("team", "modify_other", "is_superuser: False → True (admins)"),
    ]
    assert sync.account("ada").is_superuser
    assert sync.account("ada").permission.permission_facts["capabilities"] == ["SUPERUSER"]


def test_a_reach_that_changes_nothing_visible_only_rewrites_the_facts(sync):
    sync(snapshot(role("ada", member_of=["team"]), role("team")))
    counts = sync(snapshot(role("ada", member_of=["team"]), role("team", member_of=["more"]), role("more")))
    assert [name for name, *_ in sync.said()] == ["more", "team"]
    assert counts.details["silently_updated"] == 1
    assert sync.account("ada").permission.permission_facts["roles"] == ["more", "team"]


def test_a_newly_read_membership_makes_superusers_silently(sync):
    blind = tuple(category for category in SERVER_CATEGORIES if category != MEMBERSHIPS)
    admins = role("admins", superuser=True)
    sync(snapshot(role("ada"), admins, server=blind))
    sync(snapshot(role("ada", member_of=["admins"]), admins))
    assert sync.log() == []
    assert sync.account("ada").is_superuser


@pytest.mark.parametrize("versions", [{"facts_version": 2}, {"reader_version": 2}])
def test_an_older_version_is_rewritten_without_a_log_row(sync, adapter, versions):
    read = snapshot(role("ada"))
    sync(read)
    changed = sync.account("ada").last_changed_at
    adapter(**versions)
    counts = sync(read)
    assert (counts.updated, counts.details["silently_updated"], sync.log()) == (0, 1, [])
    [(name, version)] = versions.items()
    ada = sync.account("ada")
    assert getattr(ada.permission, name) == version
    assert (ada.last_changed_at, ada.permission.last_change_type) == (changed, "add")


def test_settings_that_a_new_reader_sees_differently_are_no_change(sync, adapter):
    sync(snapshot(role("ada")))
    changed = sync.account("ada").last_changed_at
    adapter(reader_version=2)
    sync(snapshot(role("ada", is_system=True, is_locked=True, principal_id="7")))
    assert sync.log() == []
    assert (sync.account("ada").is_system, sync.account("ada").is_locked) == (True, True)
    assert sync.account("ada").last_changed_at == changed


def test_what_changes_by_use_is_neither_written_nor_logged(sync):
    sync(snapshot(role("ada", observed={"last_login": 1}), databases=["app"]))
    before = AccountPermission.objects.values().get()
    sync(snapshot(role("ada", observed={"last_login": 2}), databases=["app"]))
    assert (AccountPermission.objects.values().get(), sync.log()) == (before, [])
    sync(snapshot(role("ada", observed={"last_login": 3}, limit=1), databases=["app"]))
    assert sync.said() == [("ada", "modify_privilege", "ALTER connection_limit=1")]
    assert sync.account("ada").permission.permission_snapshot["meta"]["observed"] == {"last_login": 3}


@pytest.mark.parametrize("damage", ["missing", "emptied"])
def test_a_damaged_document_is_rebuilt_from_what_is_read(sync, damage):
    sync(snapshot(role("ada", objects={"app": READ}), databases=["app"]))
    if damage == "missing":
        AccountPermission.objects.all().delete()
    else:
        AccountPermission.objects.update(permission_snapshot={}, scope_digests={"server": "x"})
    sync(snapshot(role("ada", objects={"app": READ}), databases=["app"]))
    assert sync.log() == []
    assert categories(sync, "ada")[OBJECTS] == {"app": READ}


# --- Shown, not compared --------------------------------------------------------------------------------------------


def test_ownership_that_moves_is_stored_without_a_word(sync):
    sync(snapshot(role("a", owned={"app": ["relation:s.t"]}), role("b"), databases=["app"]))
    sync(snapshot(role("a"), role("b", owned={"app": ["relation:s.t"]}), databases=["app"]))
    assert sync.log() == []
    assert OWNED not in categories(sync, "a")
    assert categories(sync, "b")[OWNED] == {"app": ["relation:s.t"]}


def test_ownership_in_a_database_that_was_not_read_stays(sync):
    both = {"app": "ok", "shut": "ok"}
    sync(snapshot(role("a", owned={"app": ["relation:s.t"], "shut": ["relation:x.y"]}), databases=both))
    sync(snapshot(role("a", owned={"app": ["relation:s.u"]}), databases={"app": "ok", "shut": "denied"}))
    assert categories(sync, "a")[OWNED] == {"app": ["relation:s.u"], "shut": ["relation:x.y"]}
    assert sync.log() == []


def test_the_accounts_that_every_server_brings_along_hide_no_collapse(sync):
    system = [role(f"pg_{number}", is_system=True) for number in range(16)]
    sync(snapshot(*system, *(role(f"user{number}") for number in range(15))))
    with pytest.raises(AccountListShrunk):
        sync(snapshot(*system))
    sync(snapshot(*system), force=True)
    sync(snapshot(*system))  # nobody was there before, so nobody is missing


# --- The rest of the record -----------------------------------------------------------------------------------------


def test_the_log_outlives_its_session_and_knows_where_it_came_from(sync):
    sync(snapshot(role("ada")))
    [row] = sync.log()
    assert (row.session.session_id, row.record.instance, row.db_type) == (
        sync.last_session,
        sync.instance,
        "postgresql",
    )
    row.session.delete()
    row.refresh_from_db()
    assert (row.session, row.record, row.session_uuid) == (None, None, sync.last_session)


def test_times_come_from_the_database(sync, monkeypatch):
    run = sync.run()
    with monkeypatch.context() as wrong_clock:
        wrong_clock.setattr("django.utils.timezone.now", lambda: datetime(2001, 1, 1, tzinfo=UTC))
        reconcile(sync.instance, snapshot(role("ada")), run)
    sync(snapshot(role("bob")))
    for moment in (sync.account("ada").first_seen_at, sync.account("ada").deleted_at, sync.log()[0].change_time):
        assert abs(moment - datetime.now(UTC)) < timedelta(minutes=5)


def test_other_instances_are_left_alone(sync):
    other = Syncs(make_instance("db2"))
    other(snapshot(role("ada"), role("bob")))
    sync(snapshot(role("ada")))
    sync(snapshot(role("ada", superuser=True)))
    assert list(other.instance.accounts.values_list("username", "is_superuser", "is_active").order_by("username")) == [
        ("ada", False, True),
        ("bob", False, True),
    ]
    assert AccountChangeLog.objects.filter(instance=other.instance).count() == 2


@pytest.mark.parametrize("count", [10, 2000])
def test_the_number_of_statements_does_not_depend_on_the_number_of_accounts(sync, count):
    def read(version: int):
        """Everything at once: new, changed, deleted, returned, a dropped, a new and an unread database."""
        present = [number for number in range(count) if (number + version) % 5]
        databases = {"app": "ok", "old" if version < 2 else "young": "ok", "shut": "ok" if version == 0 else "denied"}
        return snapshot(
            *(role(f"user{number}", objects={name: {f"relation:s.t{version}": ["SELECT"]} for name in databases})
              for number in present),
            databases=databases, version=f"PostgreSQL 15.{version}",
        )  # fmt: skip

    for version in range(3):
        run, rows_before = sync.run(), AccountChangeLog.objects.count()
        fresh = Instance.objects.get()
        with CaptureQueriesContext(connection) as captured:
            reconcile(fresh, read(version), run)
        logged = AccountChangeLog.objects.count() - rows_before
        limit = 11
        assert logged >= count * 4 // 5
        assert len(captured) <= limit, [query["sql"][:120] for query in captured]

    again = sync.run()
    fresh = Instance.objects.get()
    with CaptureQueriesContext(connection) as captured:
        reconcile(fresh, read(2), again)
    assert len(captured) <= 5
    assert not [query for query in captured if "instance_accounts" in query["sql"] and "SELECT" not in query["sql"]]
