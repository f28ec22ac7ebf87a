"""A CDB: its root and its pluggable databases are read together, each with a coverage of its own."""

from __future__ import annotations

import pytest

from dbms.oracle import adapter
from dbms.snapshots import DATABASE_LIST, SERVER, merge, split
from tests.dbms.oracle.conftest import by_name, covered, facts_of, held

SALES, PLAYGROUND = 3, 4


class TestPluggableDatabases:
    def test_are_scopes_of_their_own_and_the_list_is_complete(self, cdb):
        snapshot = cdb.read()
        parts = covered(snapshot)
        assert parts["pdb:SALES"] == parts["pdb:Play ground"] == ("ok", "")
        (server,) = [part for part in snapshot.coverage if part.scope == SERVER]
        assert (server.status, server.reason, server.categories) == ("ok", "", (DATABASE_LIST,))

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"open_mode": "MOUNTED"}, ("offline", "mounted")),
            ({"open_mode": "MIGRATE"}, ("offline", "migrate")),
            ({"restricted": "YES"}, ("offline", "open in restricted mode only")),
        ],
    )
    def test_that_cannot_be_read_say_why_and_name_no_account(self, cdb, changes, expected):
        cdb.database.add_pdb("CLOSED", **changes)
        cdb.database.run("DELETE FROM all_users WHERE con_id = 5")
        snapshot = cdb.read()
        parts = covered(snapshot)
        assert parts["pdb:CLOSED"] == expected
        assert parts["pdb:SALES"][0] == "ok"
        assert "pdb:CLOSED" not in {scope for account in snapshot.accounts for scope in account.parts}

    def test_outside_of_the_logins_container_data_are_denied_and_end_the_completeness_of_the_list(self, cdb):
        cdb.database.logins["C##MONITOR", 1].containers = {SALES}
        cdb.database.run("DELETE FROM dba_container_data")
        snapshot = cdb.read()
        parts = covered(snapshot)
        assert parts["pdb:Play ground"] == ("denied", "not in the CONTAINER_DATA of the monitoring account")
        assert parts["pdb:SALES"][0] == "ok"
        assert [part.categories for part in snapshot.coverage if part.scope == SERVER] == [()]
        assert adapter.grants(snapshot, "c##monitor") == (
            'ALTER USER "C##MONITOR" SET CONTAINER_DATA=ALL CONTAINER=CURRENT',
        )

    @pytest.mark.parametrize(
        ("view", "needed"),
        [("dba_pdbs", "SYS.DBA_PDBS"), ("dba_container_data", "SYS.DBA_CONTAINER_DATA")],
    )
    def test_that_cannot_be_listed_for_sure_leave_the_list_incomplete(self, cdb, view, needed):
        cdb.hide(view)
        snapshot = cdb.read()
        (server,) = [part for part in snapshot.coverage if part.scope == SERVER]
        assert (server.status, server.reason, server.categories) == ("ok", f"no SELECT on {needed}", ())
        assert adapter.grants(snapshot, "") == (f'GRANT SELECT ON {needed} TO "C##MONITOR"',)

    def test_are_denied_as_a_whole_where_one_view_cannot_be_read(self, cdb):
        cdb.hide("cdb_col_privs")
        snapshot = cdb.read()
        parts = covered(snapshot)
        reason = ("denied", "no SELECT on SYS.CDB_COL_PRIVS")
        assert parts["category:oracle_column_privileges"] == parts["pdb:SALES"] == parts["pdb:Play ground"] == reason
        assert parts["category:oracle_roles"] == parts[SERVER] == ("ok", "")
        assert adapter.grants(snapshot, "") == ('GRANT SELECT ON SYS.CDB_COL_PRIVS TO "C##MONITOR"',)

    def test_read_by_themselves_are_one_server(self, cdb):
        cdb.database.add_login("APP", "geheim", con_id=SALES)
        snapshot = cdb.read(username="APP", database="sales")
        assert {scope for scope in covered(snapshot) if scope.startswith("pdb:")} == set()
        assert by_name(snapshot, "APP").host == ""
        assert held(snapshot, "APP") == {"oracle_system_privileges": ["CREATE SESSION"]}

    def test_cost_no_statement_each(self, cdb):
        with adapter.connect(cdb.target()) as connection:
            adapter.read_accounts(connection)
            few = connection.statements
        for number in range(20):
            cdb.database.add_pdb(f"P{number}")
        with adapter.connect(cdb.target()) as connection:
            adapter.read_accounts(connection)
        assert connection.statements == few


class TestAccounts:
    def test_local_ones_carry_their_container_and_are_told_apart(self, cdb):
        for con_id in (SALES, PLAYGROUND):
            cdb.database.add_login("APP", "x", con_id=con_id)
        cdb.grant("CREATE TABLE", "APP", con_id=SALES)
        snapshot = cdb.read()
        assert held(snapshot, "APP", "SALES") == {
            "oracle_pdb_system_privileges": {"SALES": ["CREATE SESSION", "CREATE TABLE"]}
        }
        assert held(snapshot, "APP", "Play ground") == {
            "oracle_pdb_system_privileges": {"Play ground": ["CREATE SESSION"]}
        }

    def test_common_ones_stand_once_with_what_they_got_in_each_container(self, cdb):
        cdb.grant("CREATE TABLE", "C##MONITOR", con_id=SALES)
        snapshot = cdb.read()
        assert [account.host for account in snapshot.accounts if account.username == "C##MONITOR"] == [""]
        assert held(snapshot, "C##MONITOR") == {
            "oracle_system_privileges": ["CREATE SESSION"],
            "oracle_pdb_system_privileges": {"SALES": ["CREATE TABLE"]},
        }

    def test_parts_add_up_and_come_apart_again_by_scope(self, cdb):
        cdb.grant("CREATE TABLE", "C##MONITOR", con_id=SALES)
        cdb.grant("CREATE VIEW", "C##MONITOR", con_id=PLAYGROUND)
        monitor = by_name(cdb.read(), "C##MONITOR")
        assert split(merge(monitor.parts.values()), adapter.category_scopes) == {
            scope: part for scope, part in monitor.parts.items() if part
        }

    def test_same_local_grant_in_root_and_elsewhere_is_told_of_both(self, cdb):
        for con_id in (1, SALES):
            cdb.grant("CREATE TABLE", "C##MONITOR", con_id=con_id)
        found = held(cdb.read(), "C##MONITOR")
        assert found["oracle_system_privileges"] == ["CREATE SESSION", "CREATE TABLE"]
        assert found["oracle_pdb_system_privileges"] == {"SALES": ["CREATE TABLE"]}

    def test_common_grant_of_an_application_is_no_repetition_of_a_local_one_in_the_root(self, cdb):
        cdb.grant("CREATE TABLE", "C##MONITOR")
        cdb.grant("CREATE TABLE", "C##MONITOR", common=True, con_id=SALES)
        assert held(cdb.read(), "C##MONITOR")["oracle_pdb_system_privileges"] == {"SALES": ["CREATE TABLE"]}

    def test_public_has_the_grants_of_each_container_on_one_account(self, cdb):
        cdb.grant_on("APP", "T", "SELECT", "PUBLIC", con_id=SALES)
        snapshot = cdb.read()
        assert held(snapshot, "PUBLIC") == {
            "oracle_object_privileges": {"SYS.UTL_FILE": ["EXECUTE"]},
            "oracle_pdb_object_privileges": {"SALES": {"APP.T": ["SELECT"]}},
        }

    def test_local_superusers_of_a_container_say_where(self, cdb):
        cdb.database.add_login("APP", "x", con_id=SALES)
        cdb.role("OPS", con_id=SALES)
        cdb.grant_role("OPS", "APP", con_id=SALES)
        cdb.grant_role("DBA", "OPS", con_id=SALES)
        facts = facts_of(cdb.read(), "APP", "SALES")
        assert facts["capability_reasons"]["SUPERUSER"] == ["member of OPS → DBA in SALES"]

    def test_what_a_common_role_got_in_one_container_reaches_its_members_there(self, cdb):
        cdb.role("C##OPS", common=True)
        for con_id in (SALES, PLAYGROUND):
            cdb.role("C##OPS", common=True, con_id=con_id)
        for con_id in (1, SALES, PLAYGROUND):
            cdb.grant_role("C##OPS", "C##MONITOR", common=True, con_id=con_id)
        cdb.grant_role("DBA", "C##OPS", con_id=PLAYGROUND)
        facts = facts_of(cdb.read(), "C##MONITOR")
        assert facts["capability_reasons"]["SUPERUSER"] == ["member of C##OPS → DBA in Play ground"]
        assert facts["roles"] == ["C##OPS", "DBA"]

    def test_local_ones_named_like_a_common_one_are_others(self, cdb):
        cdb.role("OPS", common=True)
        cdb.role("OPS", con_id=SALES)
        cdb.grant("CREATE TABLE", "OPS", con_id=SALES)
        snapshot = cdb.read()
        assert held(snapshot, "OPS") == {}
        assert held(snapshot, "OPS", "SALES") == {"oracle_pdb_system_privileges": {"SALES": ["CREATE TABLE"]}}
