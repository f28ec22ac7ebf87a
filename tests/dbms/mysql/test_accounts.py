"""Who is there: every identity as it is stored, and whether a real login gets in."""

from __future__ import annotations

import datetime
import json
import re

import MySQLdb

from dbms.snapshots import document
from tests.dbms.mysql.conftest import login
from tests.dbms.mysql.naming import backticked
from tests.dbms.mysql.reading import account_of, categories, category, read, role_of

HOSTILE = [
    "it's", 'say "hi"', "back`tick", "back\\slash", "trailing\\", "100%", "%s", "under_score", "a@b", "a@'b'@c", "@",
    " leading", "two  words", "new\nline", "tab\there", "имя", "数据库", "%", "*", "; DROP USER root; --", "select",
    "n" * 80, "名" * 80, "PUBLIC", "NONE", "current_role", "\x07bell", "a.b", "123", "0x41",
]  # fmt: skip
NO_ROLE_NAMES = ("PUBLIC", "NONE")  # the server's own
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def last_changed(scene, user: str) -> datetime.datetime:
    seconds = scene.value(
        "SELECT JSON_VALUE(Priv, '$.password_last_changed') FROM mysql.global_priv WHERE User = %s", user
    )
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)


def refused(scene, user: str, password: str = "", host: str = "127.0.0.1") -> int:
    """The number of the error with which a real login is turned away; 0 when it is let in."""
    try:
        with login(scene.server, user, host, password) as cursor:
            cursor.execute("SELECT 1")
    except MySQLdb.Error as error:
        return error.args[0]
    return 0


class TestIdentities:
    def test_are_read_whatever_their_names(self, scene):
        for name in HOSTILE:
            scene.user(name, "127.0.0.1")
            with login(scene.server, name) as cursor:
                cursor.execute("SELECT CURRENT_USER()")
                assert cursor.fetchone() == (f"{name}@127.0.0.1",)
        keys = [account.key for account in read(scene.server).accounts]
        for name in HOSTILE:
            assert keys.count((name, "127.0.0.1", False)) == 1, name

    def test_are_all_that_the_server_has_and_no_others(self, scene):
        scene.user("bob")
        scene.role("team")
        stored = {(user, host) for host, user in scene.rows("SELECT Host, User FROM mysql.global_priv")}
        assert {account.key[:2] for account in read(scene.server).accounts} == stored

    def test_of_roles_are_apart_from_users_of_their_name(self, scene):
        for name in [name for name in HOSTILE if name not in NO_ROLE_NAMES]:
            scene.role(name)
            scene.user(name)
            snapshot = read(scene.server)
            assert (role_of(snapshot, name).kind, account_of(snapshot, name).kind) == ("role", "user")

    def test_hold_their_privileges_whatever_the_names(self, scene):
        databases = [
            "it's",
            "back`tick",
            "a.b",
            "two words",
            "数据库",
            "123",
            'say "hi"',
            "new\nline",
            "UPPER",
            "d" * 64,
        ]
        for name in databases:
            scene.database(name)
            scene.run(f"CREATE TABLE {backticked(name)}.{backticked(name)} ({backticked(name)} int)")
        for name in HOSTILE:
            who = scene.user(name)
            scene.run(
                f"GRANT SELECT ON {backticked(databases[0])}.* TO {who}",
                *(
                    f"GRANT INSERT, UPDATE ({backticked(d)}) ON {backticked(d)}.{backticked(d)} TO {who}"
                    for d in databases
                ),
            )
        snapshot = read(scene.server)
        written = {
            "it's": "`it's`", "back`tick": "`back``tick`", "a.b": "`a.b`", "two words": "`two words`", "123": "`123`",
            'say "hi"': '`say "hi"`', "new\nline": "`new\nline`",
        }  # fmt: skip
        parts = [written.get(name, name) for name in databases]
        for name in HOSTILE:
            assert categories(account_of(snapshot, name)) == {
                "mysql_database_privileges": {"it's": ["SELECT"]},
                "mysql_table_privileges": {f"{part}.{part}": ["INSERT"] for part in parts},
                "mysql_column_privileges": {f"{part}.{part}.{part}": ["UPDATE"] for part in parts},
            }, name

    def test_of_one_user_on_three_hosts_hold_what_each_was_granted(self, scene):
        scene.database("shop")
        scene.run("CREATE TABLE shop.t (id int)", "INSERT INTO shop.t VALUES (1)")
        hosts = {"127.0.0.1": "SELECT", "localhost": "INSERT", "10.0.0.0/255.0.0.0": "DELETE", "%": "UPDATE"}
        for host, privilege in hosts.items():
            scene.run(f"GRANT {privilege} ON shop.* TO {scene.user('bob', host)}")
        assert scene.may("SELECT * FROM shop.t", "bob", "127.0.0.1")
        assert not scene.may("INSERT INTO shop.t VALUES (2)", "bob", "127.0.0.1")
        assert scene.may("INSERT INTO shop.t VALUES (2)", "bob", "localhost")
        assert not scene.may("SELECT * FROM shop.t", "bob", "localhost")
        snapshot = read(scene.server)
        held = {host: categories(account_of(snapshot, "bob", host)) for host in hosts}
        assert held == {host: {"mysql_database_privileges": {"shop": [word]}} for host, word in hosts.items()}

    def test_without_a_name_are_accounts_that_take_logins_away_from_others(self, scene):
        scene.database("shop")
        scene.run("CREATE TABLE shop.t (id int)")
        scene.run(f"GRANT SELECT ON shop.* TO {scene.user('bob')}")
        assert scene.may("SELECT * FROM shop.t", "bob")
        anonymous = scene.user("", "127.0.0.1")
        with login(scene.server, "bob") as cursor:
            cursor.execute("SELECT CURRENT_USER()")
            assert cursor.fetchone() == ("@127.0.0.1",)
        assert not scene.may("SELECT * FROM shop.t", "bob")
        scene.run(f"GRANT INSERT ON shop.t TO {anonymous}")
        snapshot = read(scene.server)
        assert account_of(snapshot, "", "127.0.0.1").kind == "user"
        assert categories(account_of(snapshot, "", "127.0.0.1")) == {"mysql_table_privileges": {"shop.t": ["INSERT"]}}
        assert categories(account_of(snapshot, "bob")) == {"mysql_database_privileges": {"shop": ["SELECT"]}}

    def test_differ_by_case_in_names_but_not_in_hosts(self, scene):
        scene.user("Bob", "DB.Example.ORG")
        scene.user("bob", "db.example.org")
        keys = {account.key for account in read(scene.server).accounts}
        assert {("Bob", "db.example.org", False), ("bob", "db.example.org", False)} <= keys

    def test_of_the_system_are_marked(self, scene):
        snapshot = read(scene.server)
        assert account_of(snapshot, "mariadb.sys", "localhost").is_system
        assert not account_of(snapshot, "root", "127.0.0.1").is_system

    def test_that_are_superusers_are_marked(self, scene):
        scene.user("bob")
        scene.run(f"GRANT SUPER ON *.* TO {scene.user('dba')}")
        scene.run(f"GRANT ALL ON *.* TO {scene.user('all')}")
        snapshot = read(scene.server)
        marked = {name: account_of(snapshot, name).is_superuser for name in ("bob", "dba", "all")}
        assert marked == {"bob": False, "dba": True, "all": True}
        assert account_of(snapshot, "root", "127.0.0.1").is_superuser


class TestLogins:
    def test_that_are_locked_are_refused(self, scene):
        who = scene.user("bob", options="IDENTIFIED BY 's3cret'")
        assert refused(scene, "bob", "s3cret") == 0
        assert not account_of(read(scene.server), "bob").is_locked
        scene.run(f"ALTER USER {who} ACCOUNT LOCK")
        assert refused(scene, "bob", "s3cret") == 4151
        assert account_of(read(scene.server), "bob").is_locked
        scene.run(f"ALTER USER {who} ACCOUNT UNLOCK")
        assert not account_of(read(scene.server), "bob").is_locked

    def test_of_roles_and_public_are_impossible(self, scene):
        scene.role("team")
        scene.run(f"GRANT PROCESS ON *.* TO {scene.public()}")
        assert refused(scene, "team")
        assert refused(scene, "PUBLIC")
        snapshot = read(scene.server)
        assert role_of(snapshot, "team").is_locked

    def test_expired_by_hand_are_no_locks(self, scene):
        who = scene.user("bob", options="IDENTIFIED BY 's3cret'")
        assert account_of(read(scene.server), "bob").password_expires_at is None
        scene.run(f"ALTER USER {who} PASSWORD EXPIRE")
        assert refused(scene, "bob", "s3cret") in (1820, 1862)
        bob = account_of(read(scene.server), "bob")
        assert (bob.is_locked, bob.password_expires_at, bob.type_specific["password_expired"]) == (False, EPOCH, True)
        scene.run(f"ALTER USER {who} IDENTIFIED BY 'n3w'")
        assert refused(scene, "bob", "n3w") == 0
        assert account_of(read(scene.server), "bob").password_expires_at is None

    def test_end_with_the_lifetime_of_the_password(self, scene):
        for name, lifetime in {"month": "INTERVAL 30 DAY", "never": "NEVER", "default": "DEFAULT"}.items():
            scene.user(name, options=f"IDENTIFIED BY 's3cret' PASSWORD EXPIRE {lifetime}")
        snapshot = read(scene.server)
        month = account_of(snapshot, "month")
        assert month.password_expires_at == last_changed(scene, "month") + datetime.timedelta(days=30)
        assert month.type_specific["password_lifetime"] == 30
        assert account_of(snapshot, "never").password_expires_at is None
        assert account_of(snapshot, "default").password_expires_at is None  # the server's own lifetime is 0
        scene.run(
            "UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.password_last_changed', UNIX_TIMESTAMP() - 2678400)"
            " WHERE User = 'month'",
            "FLUSH PRIVILEGES",
        )
        assert refused(scene, "month", "s3cret") in (1820, 1862)
        assert account_of(read(scene.server), "month").password_expires_at < datetime.datetime.now(datetime.UTC)

    def test_end_with_the_lifetime_that_the_server_has_for_all(self, logging_scene):
        logging_scene.user("default", options="IDENTIFIED BY 's3cret'")
        logging_scene.user("never", options="IDENTIFIED BY 's3cret' PASSWORD EXPIRE NEVER")
        snapshot = read(logging_scene.server)
        found = account_of(snapshot, "default").password_expires_at
        assert found == last_changed(logging_scene, "default") + datetime.timedelta(days=90)
        assert account_of(snapshot, "never").password_expires_at is None

    def test_by_several_plugins_name_each(self, scene):
        scene.user("both", options="IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('s3cret')")
        scene.user("socket", options="IDENTIFIED VIA unix_socket")
        assert refused(scene, "both", "s3cret") == 0
        assert refused(scene, "socket", "s3cret")
        snapshot = read(scene.server)
        plugins = {name: sorted(account_of(snapshot, name).type_specific["plugins"]) for name in ("both", "socket")}
        assert plugins == {"both": ["mysql_native_password", "unix_socket"], "socket": ["unix_socket"]}

    def test_by_several_plugins_name_them_in_their_order(self, scene):
        password = "mysql_native_password USING PASSWORD('s3cret')"
        scene.user("first", options=f"IDENTIFIED VIA unix_socket OR {password}")
        scene.user("last", options=f"IDENTIFIED VIA {password} OR unix_socket")
        shown = str(scene.rows("SHOW CREATE USER first"))
        assert shown.index("unix_socket") < shown.index("mysql_native_password")
        snapshot = read(scene.server)
        assert account_of(snapshot, "first").type_specific["plugins"] == ["unix_socket", "mysql_native_password"]
        assert account_of(snapshot, "last").type_specific["plugins"] == ["mysql_native_password", "unix_socket"]

    def test_need_tls_and_have_limits_as_the_server_shows_them(self, scene):
        scene.user("plain")
        scene.user("tls", options="REQUIRE SSL")
        scene.user("x509", options="REQUIRE X509")
        scene.user("issued", options="REQUIRE ISSUER '/CN=ca' AND SUBJECT '/CN=bob' AND CIPHER 'AES256-SHA'")
        scene.user(
            "limited",
            options="WITH MAX_QUERIES_PER_HOUR 3 MAX_UPDATES_PER_HOUR 9 MAX_CONNECTIONS_PER_HOUR 7"
            " MAX_USER_CONNECTIONS 4 MAX_STATEMENT_TIME 2.5",
        )
        assert refused(scene, "tls")
        assert refused(scene, "plain") == 0
        columns = ("ssl_type", "max_questions", "max_updates", "max_connections", "max_user_connections")
        snapshot = read(scene.server)
        for name in ("plain", "tls", "x509", "issued", "limited"):
            (shown,) = scene.rows(f"SELECT {', '.join(columns)} FROM mysql.user WHERE User = %s", name)
            held = account_of(snapshot, name).type_specific
            # A limit of 0 is none, and so is a key that is not there.
            assert tuple(held.get(column) or "0" for column in columns) == tuple(
                int(value) if str(value).isdigit() and int(value) else value or "0" for value in shown
            ), name


def test_no_snapshot_holds_a_password_hash(scene):
    scene.user("one", options="IDENTIFIED BY 's3cret'")
    scene.user("two", options="IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('s3cret')")
    scene.user("three", options="IDENTIFIED VIA mysql_native_password USING PASSWORD('s3cret') OR unix_socket")
    digest = scene.value("SELECT PASSWORD('s3cret')")
    assert re.fullmatch(r"\*[0-9A-F]{40}", digest)
    assert scene.value("SELECT COUNT(*) FROM mysql.global_priv WHERE INSTR(Priv, %s)", digest) == 3
    snapshot = read(scene.server)
    text = json.dumps([document(account) for account in snapshot.accounts]) + repr(snapshot)
    assert "mysql_native_password" in text
    assert digest[1:].lower() not in text.lower()
    assert not re.search(r"\*[0-9A-Fa-f]{40}", text)
    assert "authentication_string" not in text


def test_no_category_stands_where_nothing_was_granted(scene):
    scene.user("bob")
    bob = account_of(read(scene.server), "bob")
    assert categories(bob) == {}
    assert category(bob, "restrictions") == {}
