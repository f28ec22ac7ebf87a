"""What a small account may not read is denied, never empty; and reading costs the same whatever there is."""

from __future__ import annotations

import pytest

from tests.dbms.mysql.conftest import MariaDbScene, login
from tests.dbms.mysql.naming import grantee
from tests.dbms.mysql.reading import ADAPTER, account_of, category, coverage_of, read, target_of
from whalefall.errors import PrivilegeMissing

SCOPES = {
    "db": "category:mysql_database_privileges",
    "tables_priv": "category:mysql_table_privileges",
    "columns_priv": "category:mysql_column_privileges",
    "procs_priv": "category:mysql_routine_privileges",
    "proxies_priv": "category:mysql_proxy_privileges",
    "roles_mapping": "category:mysql_granted_roles",
}
TABLES = ("global_priv", *SCOPES)


def monitor(scene, *tables: str, name: str = "monitor") -> str:
    who = scene.user(name)
    scene.run(*(f"GRANT SELECT ON mysql.{table} TO {who}" for table in tables))
    return who


@pytest.fixture
def crowd(scene):
    """Somebody with a grant of each kind."""
    scene.database("shop")
    scene.run("CREATE TABLE shop.t (id int, note text)", "CREATE PROCEDURE shop.p() SELECT 1")
    scene.role("team")
    scene.user("boss")
    who = scene.user("bob", options="IDENTIFIED BY 's3cret'")
    scene.run(
        f"GRANT PROCESS ON *.* TO {who}",
        f"GRANT SELECT ON `sh%`.* TO {who}",
        f"GRANT INSERT, UPDATE (id) ON shop.t TO {who}",
        f"GRANT EXECUTE ON PROCEDURE shop.p TO {who}",
        f"GRANT PROXY ON boss TO {who}",
        f"GRANT team TO {who}",
        f"SET DEFAULT ROLE team FOR {who}",
    )


def privileges(snapshot, *without: str) -> dict:
    """What is compared of each account but the monitoring one, as digests of each scope."""
    return {
        account.key: {scope: digest for scope, digest in account.digests.items() if scope not in without}
        for account in snapshot.accounts
        if account.username != "monitor"
    }


class TestAMonitoringAccount:
    def test_reads_all_with_select_on_the_seven_tables(self, scene, crowd):
        monitor(scene, *TABLES)
        assert not scene.may("SELECT 1 FROM mysql.user", "monitor")
        small, all_of_it = read(scene.server, username="monitor"), read(scene.server)
        assert privileges(small) == privileges(all_of_it)
        assert {part.scope: part.status for part in small.coverage} == dict.fromkeys(["server", *SCOPES.values()], "ok")
        assert [account.type_specific for account in small.accounts] == [a.type_specific for a in all_of_it.accounts]

    @pytest.mark.parametrize("missing", SCOPES)
    def test_without_one_table_reads_the_rest(self, scene, crowd, missing):
        monitor(scene, *(table for table in TABLES if table != missing))
        assert not scene.may(f"SELECT 1 FROM mysql.{missing}", "monitor")
        small, all_of_it = read(scene.server, username="monitor"), read(scene.server)
        assert {part.scope for part in small.coverage if part.status != "ok"} == {SCOPES[missing]}
        denied = coverage_of(small, SCOPES[missing])
        assert denied.status == "denied"
        assert "SELECT" in denied.reason
        assert missing in denied.reason
        assert privileges(small) == privileges(all_of_it, SCOPES[missing])
        assert not category(account_of(small, "bob"), SCOPES[missing].removeprefix("category:mysql_"))
        assert category(account_of(all_of_it, "bob"), SCOPES[missing].removeprefix("category:mysql_"))

    def test_without_the_table_of_users_reads_nothing(self, scene):
        monitor(scene, *SCOPES)
        with pytest.raises(PrivilegeMissing) as caught:
            read(scene.server, username="monitor")
        assert "global_priv" in str(caught.value)

    def test_is_told_from_another_of_its_name_on_another_host(self, scene):
        monitor(scene, "global_priv")
        scene.run(f"GRANT SELECT ON mysql.global_priv TO {scene.user('monitor', '127.0.0.1')}")
        scene.run(*ADAPTER.grants(read(scene.server, username="monitor"), "monitor"))
        assert {part.status for part in read(scene.server, username="monitor").coverage} == {"ok"}
        assert len(scene.rows("SHOW GRANTS FOR monitor@`%`")) == 2  # nobody else got anything

    def test_knows_all_databases_only_with_show_databases(self, scene):
        who = monitor(scene, *TABLES)
        assert "databases" not in coverage_of(read(scene.server, username="monitor"), "server").categories
        scene.run(f"GRANT SHOW DATABASES ON *.* TO {who}")
        assert "databases" in coverage_of(read(scene.server, username="monitor"), "server").categories

    @pytest.mark.parametrize("name", ["monitor", "the `DBA's` \\ monitor", "a@b"])
    def test_can_do_all_after_the_statements_that_it_asks_for(self, scene, crowd, name):
        monitor(scene, "global_priv", name=name)
        before = read(scene.server, username=name)
        assert {part.scope for part in before.coverage if part.status == "denied"} == set(SCOPES.values())
        statements = ADAPTER.grants(before, name)
        assert all(statement.startswith("GRANT ") for statement in statements)
        scene.run(*statements)
        after = read(scene.server, username=name)
        assert {part.status for part in after.coverage} == {"ok"}
        assert "databases" in coverage_of(after, "server").categories
        assert ADAPTER.grants(after, name) == ()
        assert not scene.may("SELECT * FROM shop.t", name)  # no more than it needs


class TestStatements:
    def sent(self, scene, user: str) -> list[str]:
        """What the server's own log says that a user sent since the last look."""
        found = scene.rows(
            "SELECT argument FROM mysql.general_log WHERE user_host LIKE %s"
            " AND command_type IN ('Query', 'Prepare', 'Execute', 'Init DB', 'Field List', 'Change user')",
            f"{user}[%",
        )
        scene.run("TRUNCATE mysql.general_log")
        return [argument for (argument,) in found]

    def test_are_few_and_as_many_for_500_accounts_as_for_5(self, logging_scene):
        scene = logging_scene
        monitor(scene, *TABLES)
        scene.database("shop")
        scene.run("CREATE TABLE shop.t (id int)")
        self.sent(scene, "monitor")
        counts = {}
        for size in (5, 500):
            names = [f"{size}_{number}" for number in range(size)]
            users = [grantee(name, "%") for name in names]
            scene.run(f"CREATE USER {', '.join(users)}")
            scene.adopt(*names)
            scene.run(f"GRANT SELECT ON shop.* TO {', '.join(users)}", f"GRANT INSERT ON shop.t TO {', '.join(users)}")
            with ADAPTER.connect(target_of(scene.server, username="monitor")) as connection:
                snapshot = ADAPTER.read_accounts(connection)
                counted = connection.statements
            assert len(snapshot.accounts) > size
            counts[size] = len(self.sent(scene, "monitor"))
            assert counted == counts[size]
        assert counts[5] == counts[500] <= 14

    def test_change_nothing(self, logging_scene):
        monitor(logging_scene, *TABLES)
        self.sent(logging_scene, "monitor")
        read(logging_scene.server, username="monitor")
        verbs = {argument.split()[0].upper() for argument in self.sent(logging_scene, "monitor") if argument[:1] != "/"}
        assert verbs <= {"SELECT", "SHOW", "SET", "WITH", "COMMIT", "ROLLBACK", "START", "--"}


class TestTheCap:
    @pytest.fixture
    def crowded(self, scene):
        scene.database("big one")
        scene.database("small")
        scene.run("CREATE TABLE small.t (id int)")
        who = scene.user("bob")
        for number in range(12):
            scene.run(
                f"CREATE TABLE `big one`.t{number} (id int)",
                f"CREATE PROCEDURE `big one`.p{number}() SELECT 1",
                f"GRANT SELECT, UPDATE (id) ON `big one`.t{number} TO {who}",
                f"GRANT EXECUTE ON PROCEDURE `big one`.p{number} TO {who}",
            )
        scene.run(f"GRANT DELETE ON `big one`.t7 TO {who}", f"GRANT INSERT ON small.t TO {who}")

    def test_summarises_what_is_too_much_by_database(self, scene, crowded):
        snapshot = read(scene.server, grant_row_cap=10)
        bob = account_of(snapshot, "bob")
        assert category(bob, "table_privileges") == {"`big one`.*": ["DELETE", "SELECT"], "small.*": ["INSERT"]}
        assert category(bob, "column_privileges") == {"`big one`.*.*": ["UPDATE"]}
        assert category(bob, "routine_privileges") == {"PROCEDURE `big one`.*": ["EXECUTE"]}
        for name in ("table", "column", "routine"):
            covered = coverage_of(snapshot, f"category:mysql_{name}_privileges")
            assert (covered.status, covered.reason) == ("ok", "summarised")
            assert covered.categories == (f"mysql_{name}_privileges:summarised",)
        counts = {key: held for part in bob.meta["summarised"].values() for key, held in part.items()}
        assert counts["`big one`.*"] == {"SELECT": 12, "DELETE": 1}
        assert counts["`big one`.*.*"] == {"UPDATE": 12}
        assert counts["PROCEDURE `big one`.*"] == {"EXECUTE": 12}

    def test_lets_the_rest_be_exact(self, scene, crowded):
        rows = scene.value("SELECT COUNT(*) FROM mysql.tables_priv")
        for cap, reason in {rows: "", rows - 1: "summarised"}.items():
            assert (
                coverage_of(read(scene.server, grant_row_cap=cap), "category:mysql_table_privileges").reason == reason
            )
        assert coverage_of(read(scene.server, grant_row_cap=rows - 1), "category:mysql_routine_privileges").reason == ""

    def test_keeps_digests_when_one_more_table_is_granted(self, scene, crowded):
        before = account_of(read(scene.server, grant_row_cap=10), "bob")
        scene.run("CREATE TABLE `big one`.more (id int)", "GRANT SELECT ON `big one`.more TO bob")
        after = account_of(read(scene.server, grant_row_cap=10), "bob")
        assert after.digests == before.digests
        assert after.meta != before.meta


@pytest.fixture(scope="module")
def populated(logging_mariadb):
    """Thirty accounts, one of them with a grant of each kind."""
    scene = MariaDbScene(logging_mariadb)
    scene.database("shop")
    scene.run("CREATE TABLE shop.t (id int, note text)", "CREATE PROCEDURE shop.p() SELECT 1")
    scene.role("team")
    who = scene.user("bob", options="IDENTIFIED BY 's3cret'")
    scene.run(
        f"GRANT PROCESS, RELOAD, SUPER ON *.* TO {who}",
        f"GRANT SELECT, INSERT, UPDATE ON `sh%`.* TO {who}",
        f"GRANT INSERT, DELETE, UPDATE (id, note) ON shop.t TO {who}",
        f"GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE shop.p TO {who}",
        f"GRANT team TO {who}",
        *(f"GRANT SELECT, UPDATE (id) ON shop.t TO {scene.user(f'app {number}')}" for number in range(30)),
    )
    yield scene
    scene.clean()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("sql_mode", "'EMPTY_STRING_IS_NULL'"),
        ("sql_mode", "'PAD_CHAR_TO_FULL_LENGTH'"),
        ("sql_mode", "'ANSI_QUOTES,PIPES_AS_CONCAT,IGNORE_SPACE,NO_BACKSLASH_ESCAPES'"),
        ("sql_mode", "'ORACLE'"),
        ("sql_mode", "'TRADITIONAL,ONLY_FULL_GROUP_BY'"),
        ("sql_select_limit", "2"),
        ("sql_select_limit", "25"),
        ("group_concat_max_len", "4"),
        ("autocommit", "0"),
        ("time_zone", "'+09:00'"),
        ("character_set_server", "ucs2"),
        ("collation_connection", "latin1_german2_ci"),
    ],
)
def test_settings_of_the_server_change_nothing_in_what_is_read(populated, variable, value):
    before = read(populated.server), read(populated.server, grant_row_cap=1)
    populated.run(f"SET GLOBAL {variable} = {value}")
    try:
        after = read(populated.server), read(populated.server, grant_row_cap=1)
    finally:
        populated.run(f"SET GLOBAL {variable} = DEFAULT")
    assert after == before


def test_a_login_that_is_locked_reads_nothing(scene):
    """The monitoring account itself, to be sure that the helpers here really log in."""
    scene.user("bob", options="ACCOUNT LOCK")
    assert not scene.may("SELECT 1", "bob")
    with login(scene.server, "root") as cursor:
        cursor.execute("SELECT 1")
