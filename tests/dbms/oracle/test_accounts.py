"""Every account of a database without containers, and what it was granted there."""

from __future__ import annotations

import datetime

import pytest

from dbms.oracle import adapter
from dbms.snapshots import SERVER
from tests.dbms.oracle.conftest import by_name, covered, held
from tests.twins.oracle.errors import LineDropped, OracleError
from whalefall.errors import PrivilegeMissing, ProtocolViolation

NOON = datetime.datetime(2030, 5, 1, 12, 0)


class TestUsers:
    def test_keep_the_case_of_their_names(self, scene):
        for name in ("APP", "app", "App User"):
            scene.database.add_login(name, "x")
        names = {account.username for account in scene.read().accounts}
        assert {"APP", "app", "App User"} <= names

    def test_of_oracle_are_tagged_and_not_those_that_only_sound_so(self, scene):
        scene.database.add_login("ORDERS", "x")
        snapshot = scene.read()
        assert by_name(snapshot, "SYS").is_system
        assert not by_name(snapshot, "ORDERS").is_system

    @pytest.mark.parametrize(
        ("status", "is_locked"),
        [
            ("OPEN", False),
            ("EXPIRED", False),
            ("EXPIRED(GRACE)", False),
            ("LOCKED", True),
            ("LOCKED(TIMED)", False),
            ("EXPIRED & LOCKED", True),
            ("EXPIRED & LOCKED(TIMED)", False),
            ("EXPIRED(GRACE) & LOCKED", True),
            ("OPEN & IN ROLLOVER", False),
            ("LOCKED & IN ROLLOVER", True),
            ("EXPIRED & LOCKED(TIMED) & IN ROL", False),  # the column holds 32 characters
            ("EXPIRED(GRACE) & LOCKED(TIMED) &", False),
            ("EXPIRED(GRACE) & LOCKED & IN ROL", True),
            ("EXPIRED (GRACE) & LOCKED (TIMED)", False),
        ],
    )
    def test_are_locked_as_their_status_says(self, scene, status, is_locked):
        scene.database.add_login("BOB", "x", account_status=status)
        bob = by_name(scene.read(), "BOB")
        assert bob.is_locked is is_locked
        assert bob.observed == {"account_status": status}

    @pytest.mark.parametrize(
        ("status", "is_expired"),
        [("EXPIRED & IN ROLLOVER", True), ("EXPIRED(GRACE) & LOCKED(TIMED) &", False), ("EXPIRED (GRACE)", False)],
    )
    def test_are_expired_for_good_only_without_grace(self, scene, status, is_expired):
        scene.database.add_login("BOB", "x", account_status=status)
        assert (by_name(scene.read(), "BOB").password_expires_at is not None) is is_expired

    def test_show_the_day_of_their_last_login_and_no_other_login_of_that_day_is_a_change(self, scene):
        scene.database.add_login("BOB", "x", last_login=datetime.datetime(2030, 5, 1, 23, 59))
        first = scene.read()
        assert by_name(first, "BOB").observed == {"account_status": "OPEN", "last_login": "2030-05-01"}
        scene.database.run("UPDATE all_users SET last_login = '2030-05-01 00:01:00' WHERE username = 'BOB'")
        assert scene.read(known_digest=first.digest).is_known
        scene.database.run("UPDATE all_users SET last_login = '2030-05-02 00:01:00' WHERE username = 'BOB'")
        second = scene.read(known_digest=first.digest)
        assert not second.is_known
        assert by_name(second, "BOB").digests == by_name(first, "BOB").digests

    def test_that_nobody_can_log_in_as_are_locked(self, scene):
        scene.database.add_login("SCHEMA_ONLY", "x", authentication_type="NONE")
        assert by_name(scene.read(), "SCHEMA_ONLY").is_locked

    def test_locked_for_a_time_say_until_when_by_the_servers_own_clock(self, scene):
        utc = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        scene.database.clock = lambda: utc + datetime.timedelta(hours=8)
        scene.database.add_login("BOB", "x", account_status="LOCKED(TIMED)", lock_date=NOON, expiry_date=NOON)
        bob = by_name(scene.read(), "BOB")
        assert bob.locked_until == datetime.datetime(2030, 5, 2, 4, 0, tzinfo=datetime.UTC)
        assert bob.password_expires_at == datetime.datetime(2030, 5, 1, 4, 0, tzinfo=datetime.UTC)

    def test_locked_for_a_time_without_end_are_locked(self, scene):
        scene.database.insert("profiles", 0, profile="STRICT", resource_name="PASSWORD_LOCK_TIME", limit="UNLIMITED")
        scene.database.add_login("BOB", "x", account_status="LOCKED(TIMED)", lock_date=NOON, profile="STRICT")
        bob = by_name(scene.read(), "BOB")
        assert (bob.is_locked, bob.locked_until) == (True, None)

    def test_of_a_profile_that_says_default_are_locked_for_as_long_as_that(self, scene):
        scene.database.insert("profiles", 0, profile="SOFT", resource_name="PASSWORD_LOCK_TIME", limit="DEFAULT")
        scene.database.add_login("BOB", "x", account_status="LOCKED(TIMED)", lock_date=NOON, profile="SOFT")
        assert by_name(scene.read(), "BOB").locked_until == datetime.datetime(2030, 5, 2, 12, tzinfo=datetime.UTC)

    def test_show_no_password_verifier(self, scene):
        snapshot = scene.read()
        assert [hash_ for hash_ in scene.database.hashes() if hash_ in repr(snapshot)] == []


class TestGrants:
    def test_of_every_kind_arrive_word_by_word(self, scene):
        database = scene.database
        database.add_login("APP", "x")
        database.add_login("BOB", "x")
        scene.role("READER")
        scene.grant_role("READER", "BOB", admin=True, default=False)
        scene.grant_role("CONNECT", "BOB")
        scene.grant("CREATE TABLE", "BOB", admin=True)
        scene.grant_on("APP", "T", "SELECT", "BOB", option=True)
        scene.grant_on("APP", "T", "UPDATE", "BOB")
        scene.grant_on("APP", "mixed Case", "SELECT", "BOB")
        scene.grant_on("SYS", "DATA_DIR", "READ", "BOB", kind="DIRECTORY")
        database.insert("col_privs", 0, grantee="BOB", owner="APP", table_name="T", column_name="c d",
                        privilege="UPDATE", grantable="YES", common="NO")  # fmt: skip
        database.insert("proxies", 0, proxy="BOB", client="APP", role="READER",
                        authorization_constraint="PROXY MAY ACTIVATE ROLE")  # fmt: skip
        database.insert(
            "proxies", 0, proxy="BOB", client="app", authorization_constraint="NO CLIENT ROLES MAY BE ACTIVATED"
        )
        database.insert("ts_quotas", 0, username="BOB", tablespace_name="USERS", max_bytes=-1, dropped="NO")
        database.insert("ts_quotas", 0, username="BOB", tablespace_name="DATA", max_bytes=5 * 10**12, dropped="NO")
        database.insert("ts_quotas", 0, username="BOB", tablespace_name="GONE", max_bytes=-1, dropped="YES")
        scene.in_password_file("BOB", "SYSDBA", "SYSASM", "SYSBACKUP")
        snapshot = scene.read()
        assert held(snapshot, "BOB") == {
            "oracle_roles": ["CONNECT", "READER WITH ADMIN OPTION"],
            "oracle_non_default_roles": ["READER"],
            "oracle_system_privileges": ["CREATE SESSION", "CREATE TABLE WITH ADMIN OPTION"],
            "oracle_object_privileges": {
                "APP.T": ["SELECT WITH GRANT OPTION", "UPDATE"],
                'APP."mixed Case"': ["SELECT"],
                "DIRECTORY DATA_DIR": ["READ"],
            },
            "oracle_column_privileges": {'APP.T."c d"': ["UPDATE WITH GRANT OPTION"]},
            "oracle_admin_privileges": ["SYSDBA", "SYSASM", "SYSBACKUP"],
            "oracle_proxies": ['"app" WITH NO ROLES', "APP WITH ROLE READER"],
            "oracle_quotas": {"USERS": ["QUOTA UNLIMITED"], "DATA": ["QUOTA 5000000000000"]},
        }
        assert by_name(snapshot, "BOB").is_superuser
        assert {status for status, _ in covered(snapshot).values()} == {"ok"}

    def test_twice_of_one_privilege_stand_once_with_the_stronger_option(self, scene):
        scene.grant("CREATE TABLE", "MONITOR")
        scene.grant("CREATE TABLE", "MONITOR", admin=True, common=True)
        words = held(scene.read(), "MONITOR")["oracle_system_privileges"]
        assert words == ["CREATE SESSION", "CREATE TABLE WITH ADMIN OPTION"]

    def test_to_public_stand_on_public_alone_and_leave_out_what_oracle_ships_except_packages(self, scene):
        scene.database.add_login("APP", "x")
        scene.grant_on("APP", "T", "SELECT", "PUBLIC")
        snapshot = scene.read()
        public = by_name(snapshot, "PUBLIC")
        assert (public.kind, held(snapshot, "PUBLIC")) == (
            "public",
            {"oracle_object_privileges": {"APP.T": ["SELECT"], "SYS.UTL_FILE": ["EXECUTE"]}},
        )
        assert "oracle_object_privileges" not in held(snapshot, "APP")

    def test_of_oracles_objects_to_somebody_and_of_somebodys_objects_to_oracles_roles_are_kept(self, scene):
        scene.database.add_login("APP", "x")
        scene.grant_on("SYS", "USER$", "SELECT", "APP")
        scene.grant_on("APP", "T", "SELECT", "DBA")
        scene.grant_on("SYS", "V_$SESSION", "SELECT", "DBA")
        snapshot = scene.read()
        assert held(snapshot, "APP")["oracle_object_privileges"] == {"SYS.USER$": ["SELECT"]}
        assert held(snapshot, "DBA")["oracle_object_privileges"] == {"APP.T": ["SELECT"]}

    def test_beyond_the_cap_are_grouped_by_owner_with_their_number(self, scene):
        scene.database.add_login("APP", "x")
        for number in range(12):
            scene.grant_on("APP", f"T{number}", "SELECT", "MONITOR", option=number % 2 == 0)
        snapshot = scene.read(cap=10)
        counted = {"APP.*": {"SELECT": 6, "SELECT WITH GRANT OPTION": 6}}
        assert held(snapshot, "MONITOR")["oracle_object_privileges"] == {
            "APP.*": ["SELECT", "SELECT WITH GRANT OPTION"]
        }
        assert by_name(snapshot, "MONITOR").meta == {"summarised": {"category:oracle_object_privileges": counted}}
        (part,) = [part for part in snapshot.coverage if part.scope == "category:oracle_object_privileges"]
        assert (part.status, part.reason, part.categories) == (
            "ok",
            "summarised",
            ("oracle_object_privileges:summarised",),
        )


class TestMissingGrants:
    @pytest.mark.parametrize(
        ("view", "scope", "needed"),
        [
            ("dba_role_privs", "oracle_roles", "SYS.DBA_ROLE_PRIVS"),
            ("dba_sys_privs", "oracle_system_privileges", "SYS.DBA_SYS_PRIVS"),
            ("dba_tab_privs", "oracle_object_privileges", "SYS.DBA_TAB_PRIVS"),
            ("dba_col_privs", "oracle_column_privileges", "SYS.DBA_COL_PRIVS"),
            ("dba_proxies", "oracle_proxies", "SYS.DBA_PROXIES"),
            ("dba_ts_quotas", "oracle_quotas", "SYS.DBA_TS_QUOTAS"),
            ("v$pwfile_users", "oracle_admin_privileges", "SYS.V_$PWFILE_USERS"),
        ],
    )
    def test_cost_their_own_category_alone_and_are_named(self, scene, view, scope, needed):
        scene.hide(view)
        snapshot = scene.read()
        parts = covered(snapshot)
        assert parts.pop(f"category:{scope}") == ("denied", f"no SELECT on {needed}")
        assert {status for status, _ in parts.values()} == {"ok"}
        assert f"category:{scope}" not in {name for account in snapshot.accounts for name in account.parts}
        assert adapter.grants(snapshot, "monitor") == (f'GRANT SELECT ON {needed} TO "MONITOR"',)

    @pytest.mark.parametrize(("view", "needed"), [("dba_users", "SYS.DBA_USERS"), ("dba_roles", "SYS.DBA_ROLES")])
    def test_on_who_exists_fail_the_read_and_say_what_helps(self, scene, view, needed):
        scene.hide(view)
        with pytest.raises(PrivilegeMissing) as caught:
            scene.read()
        assert caught.value.params["detail"] == f'GRANT SELECT ON {needed} TO "MONITOR"'

    def test_on_profiles_only_leave_open_until_when_somebody_is_locked(self, scene):
        scene.database.add_login("BOB", "x", account_status="LOCKED(TIMED)", lock_date=NOON)
        scene.hide("dba_profiles")
        snapshot = scene.read()
        bob = by_name(snapshot, "BOB")
        assert (bob.is_locked, bob.locked_until) == (False, None)
        assert covered(snapshot)[SERVER] == ("ok", "no SELECT on SYS.DBA_PROFILES")
        assert adapter.grants(snapshot, "") == ('GRANT SELECT ON SYS.DBA_PROFILES TO "MONITOR"',)

    def test_need_nothing_when_all_was_read(self, scene):
        assert adapter.grants(scene.read(), "monitor") == ()


class TestFailures:
    def test_of_one_statement_cost_its_category_alone(self, scene):
        scene.server.fault("dba_tab_privs", OracleError(1555, "snapshot too old"))
        parts = covered(scene.read())
        assert parts["category:oracle_object_privileges"][0] == "error"
        assert parts[SERVER][0] == parts["category:oracle_roles"][0] == "ok"

    def test_of_a_slow_statement_are_a_time_out_of_its_category(self, scene):
        scene.server.fault("dba_tab_privs", lambda session: session.wait(60))
        parts = covered(scene.read(statement_timeout=1))
        assert parts["category:oracle_object_privileges"][0] == "timeout"
        assert parts["category:oracle_quotas"][0] == "ok"

    def test_of_the_line_fail_the_read(self, scene):
        scene.server.fault("dba_tab_privs", LineDropped())
        with pytest.raises(ProtocolViolation):
            scene.read()


class TestKnownDigest:
    def test_of_an_unchanged_server_ends_the_read(self, scene):
        first = scene.read()
        second = scene.read(known_digest=first.digest)
        assert (second.is_known, second.accounts) == (True, ())

    def test_differs_after_any_change(self, scene):
        first = scene.read()
        scene.grant("CREATE TABLE", "MONITOR")
        assert not scene.read(known_digest=first.digest).is_known


class TestVersions:
    def test_since_23_have_privileges_on_schemas(self, scene):
        scene.server.version_number = 0x17000000
        scene.database.insert("schema_privs", 0, grantee="MONITOR", privilege="SELECT ANY TABLE", schema="APP",
                              admin_option="YES", common="NO")  # fmt: skip
        found = held(scene.read(), "MONITOR")
        assert found["oracle_schema_privileges"] == {"APP": ["SELECT ANY TABLE WITH ADMIN OPTION"]}

    def test_before_23_are_not_asked_for_them(self, scene):
        scene.read()
        assert not [text for text in scene.server.received if "schema_privs" in text]

    @pytest.mark.parametrize("version", [0x0C010200, 0x13130000], ids=["12.1.0.2", "19.19"])
    def test_keep_the_password_file_by_container(self, cdb, version):
        cdb.server.version_number = version
        cdb.database.add_login("C##ROOT", "x")
        cdb.database.add_login("APP", "x", con_id=3)
        cdb.in_password_file("C##MONITOR", "SYSDBA")
        cdb.in_password_file("C##ROOT", "SYSOPER", con_id=1)
        cdb.in_password_file("APP", "SYSBACKUP", con_id=3)
        snapshot = cdb.read()
        assert held(snapshot, "C##MONITOR")["oracle_admin_privileges"] == ["SYSDBA"]
        assert held(snapshot, "C##ROOT")["oracle_admin_privileges"] == ["SYSOPER"]
        assert held(snapshot, "APP", "SALES")["oracle_pdb_admin_privileges"] == {"SALES": ["SYSBACKUP"]}
