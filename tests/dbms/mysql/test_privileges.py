"""What is read is what was granted on every level, compared with the server's own words in SHOW GRANTS."""

from __future__ import annotations

import pytest

from tests.dbms.mysql.reading import account_of, agrees, categories, category, read


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
