"""What is read is what was granted on every level, compared with the server's own words in SHOW GRANTS."""

from __future__ import annotations

import json
import random

import pytest

from tests.dbms.mysql.conftest import MariaDbScene
from tests.dbms.mysql.naming import backticked
from tests.dbms.mysql.reading import account_of, as_shown, categories, category, facts_of, read
from tests.dbms.mysql.show_grants import ROUTINES, truth


@pytest.fixture
def shop(scene) -> str:
    """A database with a table and one routine of each kind."""
    name = scene.database("shop")
    scene.run(
        "CREATE TABLE shop.t (id int, `odd col` int, `a,b` int, `c)d` int, `e``f` int, Note text)",
        "CREATE FUNCTION shop.f() RETURNS int RETURN 1",
        "CREATE PROCEDURE shop.f() SELECT 1",
        "CREATE PROCEDURE shop.`P q`() SELECT 1",
        *in_oracle_mode(
            "CREATE PACKAGE shop.pk AS PROCEDURE a(); END",
            "CREATE PACKAGE BODY shop.pk AS PROCEDURE a() AS BEGIN SELECT 1; END; END",
        ),
    )
    return name


def in_oracle_mode(*statements: str) -> tuple[str, ...]:
    """Nothing else knows the word PACKAGE."""
    return ("SET SESSION sql_mode = 'ORACLE'", *statements, "SET SESSION sql_mode = DEFAULT")


def agrees(scene, words) -> dict:
    """Everything that was read, once it is what SHOW GRANTS says of everybody."""
    snapshot = read(scene.server)
    expected = truth(scene, words)
    found = {account.key: as_shown(account) for account in snapshot.accounts}
    assert found.keys() == expected.keys()
    for who, held in expected.items():
        assert found[who] == held, who
    return found


class TestWords:
    @pytest.mark.parametrize(
        ("level", "where", "category_name", "at"),
        [
            ("everywhere", "*.*", "mysql_global_privileges", None),
            ("database", "shop.*", "mysql_database_privileges", "shop"),
            ("table", "shop.t", "mysql_table_privileges", "shop.t"),
            ("routine", "PROCEDURE shop.f", "mysql_routine_privileges", "PROCEDURE shop.f"),
            ("routine", "PACKAGE BODY shop.pk", "mysql_routine_privileges", "PACKAGE BODY shop.pk"),
        ],
    )
    def test_are_the_servers_own_on_every_level(self, scene, words, shop, level, where, category_name, at):
        known = sorted(getattr(words, level))
        grants = [f"GRANT ALL ON {where} TO {scene.user('all')}"]
        grants += [f"GRANT USAGE ON {where} TO {scene.user('option')} WITH GRANT OPTION"]
        for word in known:
            grants += [f"GRANT {word} ON {where} TO {scene.user(word)}"]
            grants += [f"GRANT {word} ON {where} TO {scene.user(word + ' too')} WITH GRANT OPTION"]
        scene.run(*(in_oracle_mode(*grants) if "PACKAGE" in where else grants))
        found = agrees(scene, words)

        def held(name):
            granted = found[name, "%", False].get(category_name)
            return granted if at is None or granted is None else granted[at]

        assert {word: held(word) for word in known} == {word: [word] for word in known}
        assert {word: held(word + " too") for word in known} == {word: sorted([word, "GRANT OPTION"]) for word in known}
        assert held("all") == known
        assert held("option") == ["GRANT OPTION"]

    def test_on_columns_are_told_apart_from_the_tables(self, scene, words, shop):
        who = scene.user("bob")
        scene.run(
            f"GRANT SELECT (id, `odd col`), INSERT (`a,b`, `c)d`, `e``f`), UPDATE (NOTE, id) ON shop.t TO {who}",
            f"GRANT DELETE ON shop.t TO {who}",
            f"GRANT REFERENCES (`c)d`, id) ON shop.t TO {who}",
        )
        scene.run(f"GRANT SELECT, SELECT (id), INSERT (id) ON shop.t TO {scene.user('carol')} WITH GRANT OPTION")
        found = agrees(scene, words)
        assert found["bob", "%", False] == {
            "mysql_table_privileges": {"shop.t": ["DELETE"]},
            "mysql_column_privileges": {
                "shop.t.id": ["REFERENCES", "SELECT", "UPDATE"],
                "shop.t.`odd col`": ["SELECT"],
                "shop.t.`a,b`": ["INSERT"],
                "shop.t.`c)d`": ["INSERT", "REFERENCES"],
                "shop.t.`e``f`": ["INSERT"],
                "shop.t.NOTE": ["UPDATE"],
            },
        }
        assert found["carol", "%", False] == {
            "mysql_table_privileges": {"shop.t": ["GRANT OPTION", "SELECT"]},
            "mysql_column_privileges": {"shop.t.id": ["INSERT", "SELECT"]},
        }
        assert scene.may("SELECT id FROM shop.t", "bob")
        assert not scene.may("SELECT Note FROM shop.t", "bob")
        assert not scene.may("SELECT * FROM shop.t", "bob")
        assert scene.may("SELECT * FROM shop.t", "carol")

    def test_on_routines_tell_kinds_of_one_name_apart(self, scene, words, shop):
        who = scene.user("bob")
        scene.run(
            f"GRANT EXECUTE ON FUNCTION shop.f TO {who}",
            f"GRANT ALTER ROUTINE ON PROCEDURE shop.f TO {who} WITH GRANT OPTION",
            f"GRANT EXECUTE ON PROCEDURE shop.`P q` TO {who}",
            *in_oracle_mode(
                f"GRANT EXECUTE ON PACKAGE shop.pk TO {who}",
                f"GRANT ALTER ROUTINE ON PACKAGE BODY shop.pk TO {who}",
            ),
        )
        agrees(scene, words)
        assert categories(account_of(read(scene.server), "bob")) == {
            "mysql_routine_privileges": {
                "FUNCTION shop.f": ["EXECUTE"],
                "PROCEDURE shop.f": ["ALTER ROUTINE", "GRANT OPTION"],
                "PROCEDURE shop.`P q`": ["EXECUTE"],
                "PACKAGE shop.pk": ["EXECUTE"],
                "PACKAGE BODY shop.pk": ["ALTER ROUTINE"],
            }
        }
        assert scene.may("SELECT shop.f()", "bob")
        assert not scene.may("CALL shop.f()", "bob")

    def test_of_databases_that_differ_by_case_are_kept_apart(self, scene, words, shop):
        if scene.value("SELECT @@lower_case_table_names"):
            pytest.skip("the file system of this server knows no case")
        scene.database("Shop")
        scene.run("CREATE TABLE Shop.T (id int)")
        scene.run(
            f"GRANT SELECT ON shop.* TO {scene.user('lower')}", f"GRANT INSERT ON Shop.* TO {scene.user('upper')}"
        )
        scene.run(f"GRANT SELECT ON Shop.T TO {scene.user('table')}")
        found = agrees(scene, words)
        assert found["lower", "%", False] == {"mysql_database_privileges": {"shop": ["SELECT"]}}
        assert found["upper", "%", False] == {"mysql_database_privileges": {"Shop": ["INSERT"]}}
        assert found["table", "%", False] == {"mysql_table_privileges": {"Shop.T": ["SELECT"]}}
        assert scene.may("SELECT * FROM shop.t", "lower")
        assert not scene.may("SELECT * FROM Shop.T", "lower")

    def test_to_be_a_proxy_name_the_other_account(self, scene, words):
        scene.user("boss", "10.1.2.3")
        scene.user("a@b", "10.%")
        who = scene.user("bob")
        scene.run(
            f"GRANT PROXY ON boss@`10.1.2.3` TO {who} WITH GRANT OPTION",
            f"GRANT PROXY ON `a@b`@`10.%` TO {who}",
            f"GRANT PROXY ON nobody@`%` TO {who}",
        )
        scene.run(f"GRANT PROXY ON ''@'' TO {scene.user('anyone')}")
        found = agrees(scene, words)
        assert found["bob", "%", False]["mysql_proxy_privileges"] == [
            "`a@b`@`10.%`", "boss@10.1.2.3 WITH GRANT OPTION", "nobody@%",
        ]  # fmt: skip
        root = account_of(read(scene.server), "root", "127.0.0.1")
        assert category(root, "proxy_privileges") == ["@ WITH GRANT OPTION"]


def bits_written(scene, version: int | None, patterns: list[int]) -> None:
    """Accounts as a version of the server stored them, each with some bits of `access`."""
    for bits in patterns:
        row = {"access": bits, "plugin": "mysql_native_password", "authentication_string": ""}
        row |= {} if version is None else {"version_id": version}
        scene.run(f"INSERT INTO mysql.global_priv VALUES ('%', 'bits {bits}', '{json.dumps(row)}')")
    scene.adopt(*(f"bits {bits}" for bits in patterns))


@pytest.mark.parametrize(
    ("version", "known"),
    [(None, 30), (100400, 30), (100501, 30), (100502, 38), (100507, 38), (100508, 39), (101105, 39), (110400, 39)],
)
def test_access_bits_mean_what_they_meant_to_the_version_that_wrote_them(scene, words, version, known):
    """An upgraded server keeps the rows of older ones: SUPER became many privileges in 10.5."""
    everything = (1 << known) - 1
    super_and_replication = 1 << 15 | 1 << 19
    bits_written(
        scene, version, [*(1 << bit for bit in range(known)), everything, super_and_replication, (1 << 64) - 1]
    )
    found = agrees(scene, words)
    assert "SUPER" in found[f"bits {1 << 15}", "%", False]["mysql_global_privileges"]


@pytest.mark.xfail(strict=True, reason="bits that the version did not know are read as privileges")
@pytest.mark.parametrize(("version", "known"), [(100400, 30), (100507, 38)])
def test_access_bits_unknown_to_the_version_that_wrote_them_mean_nothing(scene, words, version, known):
    bits_written(scene, version, [1 << bit for bit in range(known, 45)])
    agrees(scene, words)


USERS = [
    ("bob", "%"),
    ("bob", "localhost"),
    ("it's `b`", "%"),
    ("a@b", "10.0.0.0/255.0.0.0"),
    ("", "127.0.0.2"),
    ("名", "%"),
]
ROLES = ["team", "Team", "the `boss`", "two words", "bob"]
DATABASES = ["app", "App", "a.b", "foo_bar", "fooXbar", "数据", "123"]
TABLES = ["t", "T", "odd `name`", "new\nline"]
# Nothing to revoke, a cycle of roles, a default role that is not held: the scene goes on without it.
HARMLESS = (0, 1141, 1147, 1269, 1403, 1410, 1959, 1961, 1962)
COLUMNS = ["id", "a,b", "c) d", "e`f"]


@pytest.fixture(scope="module")
def playground(mariadb):
    """Databases, tables and routines that the random scenes share."""
    scene = MariaDbScene(mariadb)
    columns = ", ".join(f"{backticked(name)} int" for name in COLUMNS)
    for database in DATABASES:
        place = scene.database(database)
        scene.run(*(f"CREATE TABLE {place}.{backticked(table)} ({columns})" for table in TABLES))
        scene.run(f"CREATE PROCEDURE {place}.p() SELECT 1", f"CREATE FUNCTION {place}.p() RETURNS int RETURN 1")
    yield
    scene.clean()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("playground")
def test_random_grants_and_revokes_are_read_as_the_server_shows_them(scene, words, seed):
    dice = random.Random(seed)
    users = [scene.user(*who) for who in USERS]
    roles = [scene.role(name) for name in ROLES]
    everyone = [*users, *roles, scene.public()]
    for _ in range(150):
        number = scene.attempt(statement := random_statement(dice, words, users, roles, dice.choice(everyone)))
        assert number in HARMLESS, statement
    found = agrees(scene, words)
    assert sum(map(bool, found.values())) > 8


def random_statement(dice, words, users, roles, who) -> str:
    def some(of) -> str:
        return ", ".join(dice.sample(sorted(of), dice.randint(1, min(4, len(of)))))

    database = backticked(dice.choice(DATABASES))
    pattern = dice.choice([database, "`foo\\_bar`", "`foo%`", "`%`", "`a__`"])
    table = f"{database}.{backticked(dice.choice(TABLES))}"
    columns = ", ".join(
        f"{word} ({', '.join(map(backticked, dice.sample(COLUMNS, dice.randint(1, 3))))})"
        for word in dice.sample(sorted(words.column), dice.randint(1, 2))
    )
    routine = f"{dice.choice(ROUTINES[:2])} {database}.p"
    what = dice.choice(
        [
            f"{some(words.everywhere)} ON *.*",
            f"{some(words.database)} ON {pattern}.*",
            f"ALL ON {pattern}.*",
            f"{some(words.table)} ON {table}",
            f"{columns} ON {table}",
            f"{columns}, {some(words.table)} ON {table}",
            f"{some(words.routine)} ON {routine}",
        ]
    )
    option = dice.choice(["", "", " WITH GRANT OPTION"])
    member = dice.choice(roles)
    return dice.choices(
        [
            f"GRANT {what} TO {who}{option}",
            f"REVOKE {what} FROM {who}",
            f"GRANT {member} TO {who}{dice.choice(['', ' WITH ADMIN OPTION'])}",
            f"GRANT PROXY ON {dice.choice(users)} TO {dice.choice(users)}{option}",
            f"SET DEFAULT ROLE {member} FOR {dice.choice(users)}",
        ],
        weights=[10, 2, 2, 1, 1],
    )[0]


@pytest.mark.parametrize("hosts", [("%", "127.0.0.1"), ("127.0.0.1", "localhost", "10.%")])
def test_grants_of_one_user_are_never_mixed_up_between_its_hosts(scene, words, hosts):
    scene.database("shop")
    scene.run("CREATE TABLE shop.t (id int)", "CREATE PROCEDURE shop.p() SELECT 1")
    scene.role("team")
    for number, host in enumerate(hosts):
        who = scene.user("bob", host)
        levels = [
            "SELECT ON shop.*",
            "SELECT ON shop.t",
            "SELECT (id) ON shop.t",
            "EXECUTE ON PROCEDURE shop.p",
            "team",
        ]
        scene.run(*(f"GRANT {what} TO {who}" for what in levels[number::2]))
    agrees(scene, words)


def test_what_was_revoked_leaves_nothing_behind(scene, words):
    scene.database("shop")
    scene.run("CREATE TABLE shop.t (id int, note text)")
    who = scene.user("bob")
    for what in ("SELECT ON shop.*", "SELECT ON shop.t", "SELECT (id), INSERT (note) ON shop.t", "PROCESS ON *.*"):
        scene.run(f"GRANT {what} TO {who}", f"REVOKE {what} FROM {who}")
    assert agrees(scene, words)["bob", "%", False] == {}


def test_rows_that_nobody_made_by_a_statement_are_read_as_the_server_takes_them(scene, words):
    """Restored dumps leave grants behind whose accounts are gone, and rows with little in them."""
    scene.user("bob")
    scene.role("team")
    scene.adopt("empty", "newer")
    scene.run(
        "INSERT INTO mysql.db (Host, Db, User, Select_priv)"
        " VALUES ('%', 'shop', 'ghost', 'Y'), ('', 'shop', 'team', 'Y'), ('%', 'shop', 'bob', 'N')",
        "INSERT INTO mysql.tables_priv (Host, Db, User, Table_name, Table_priv, Column_priv)"
        " VALUES ('%', 'shop', 'ghost', 't', 'Select', ''), ('%', 'shop', 'bob', 't', '', '')",
        "INSERT INTO mysql.global_priv VALUES ('%', 'empty', '{}'),"
        """ ('%', 'newer', '{"access": 1, "new": [1, {}], "auth_or": [{}, {"plugin": "unix_socket"}]}')""",
    )
    try:
        found = agrees(scene, words)
        assert found["newer", "%", False] == {"mysql_global_privileges": ["SELECT"]}
        assert found["empty", "%", False] == found["bob", "%", False] == {}
        assert found["team", "", True]["mysql_database_privileges"] == {"shop": ["SELECT"]}
    finally:
        for table in ("db", "tables_priv"):
            scene.run(f"DELETE FROM mysql.{table} WHERE User IN ('ghost', 'bob', 'team')")
        scene.run("FLUSH PRIVILEGES")


@pytest.mark.xfail(strict=True, reason="a role or member that does not exist counts, even as a user of its name")
@pytest.mark.parametrize(("member", "role"), [("bob", "gone"), ("ghost", "team")])
def test_roles_and_members_that_are_gone_are_nobodys(scene, words, member, role):
    """The server ignores them; so nobody is a superuser because a user is called like a role that is gone."""
    scene.run(f"GRANT SUPER ON *.* TO {scene.user('gone')}")
    scene.role("team")
    scene.user("bob")
    scene.run(f"INSERT INTO mysql.roles_mapping VALUES ('%', '{member}', '{role}', 'N')")
    try:
        snapshot = read(scene.server)
        assert "SUPERUSER" not in facts_of(snapshot, account_of(snapshot, "bob"))["capabilities"]
        agrees(scene, words)
    finally:
        scene.run(f"DELETE FROM mysql.roles_mapping WHERE User = '{member}'", "FLUSH PRIVILEGES")
