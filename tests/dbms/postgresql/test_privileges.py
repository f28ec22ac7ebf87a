"""What is read is what was granted, on every kind of object and under every name."""

from __future__ import annotations

import random

import psycopg
import pytest
from psycopg import sql

from dbms.postgresql import privileges
from tests.dbms.conftest import admin_of
from tests.dbms.postgresql.reading import account_of, category, coverage_of, public_of, read

HOSTILE = [
    "it's", 'say "hi"', "100%", "%s", "a.b", "two words", "new\nline", "tab\there", "back\\slash", "имя", "名前", "😀",
    "UPPER", "select", "*", "a:b", "; DROP TABLE t; --", "x" * 63,
]  # fmt: skip


def identifier(name: str) -> sql.Identifier:
    return sql.Identifier(name)


@pytest.fixture
def app(scene) -> str:
    """A database with one object of each kind, and a role `bob` that holds nothing yet."""
    name = scene.database("app")
    scene.role("bob")
    scene.role("owner")
    scene.run(
        "CREATE SCHEMA s AUTHORIZATION owner",
        "CREATE TABLE s.t (id int, note text)",
        "CREATE VIEW s.v AS SELECT 1 AS one",
        "CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS one",
        "CREATE TABLE s.parted (id int) PARTITION BY LIST (id)",
        "CREATE SEQUENCE s.q",
        "CREATE FUNCTION s.f(number integer, word text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION s.f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION s.many(VARIADIC integer[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1'",
        "CREATE AGGREGATE s.total(integer) (SFUNC = int4pl, STYPE = integer)",
        "CREATE TYPE s.mood AS ENUM ('sad')",
        "CREATE DOMAIN s.small AS int",
        "CREATE FOREIGN DATA WRAPPER wrapper",
        "CREATE SERVER remote FOREIGN DATA WRAPPER wrapper",
        "CREATE FOREIGN TABLE s.foreign_table (id int) SERVER remote",
        "SELECT lo_create(4711)",
        database=name,
    )
    return name


class TestObjects:
    def test_of_every_kind_are_read_as_granted(self, scene, app):
        assert scene.value("SELECT has_table_privilege('bob', 's.t', 'SELECT')", database=app) is False
        scene.run(
            "GRANT USAGE, CREATE ON SCHEMA s TO bob",
            "GRANT SELECT, UPDATE ON s.t TO bob",
            "GRANT SELECT ON s.v, s.m, s.parted, s.foreign_table TO bob",
            "GRANT INSERT (id), SELECT (note) ON s.t TO bob",
            "GRANT USAGE ON SEQUENCE s.q TO bob WITH GRANT OPTION",
            "GRANT EXECUTE ON FUNCTION s.f(integer, text), s.many(integer[]) TO bob",
            "GRANT EXECUTE ON PROCEDURE s.p() TO bob",
            "GRANT EXECUTE ON FUNCTION s.total(integer) TO bob",
            "GRANT USAGE ON TYPE s.mood, s.small TO bob",
            "GRANT USAGE ON LANGUAGE plpgsql TO bob",
            "GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO bob",
            "GRANT USAGE ON FOREIGN SERVER remote TO bob",
            "GRANT SELECT ON LARGE OBJECT 4711 TO bob",
            database=app,
        )
        assert category(account_of(read(scene.server), "bob"), "object_privileges", app) == {
            "schema:s": ["CREATE", "USAGE"],
            "relation:s.t": ["SELECT", "UPDATE"],
            "relation:s.v": ["SELECT"],
            "relation:s.m": ["SELECT"],
            "relation:s.parted": ["SELECT"],
            "relation:s.foreign_table": ["SELECT"],
            "column:s.t.id": ["INSERT"],
            "column:s.t.note": ["SELECT"],
            "sequence:s.q": ["USAGE WITH GRANT OPTION"],
            "function:s.f(integer, text)": ["EXECUTE"],
            "function:s.many(integer[])": ["EXECUTE"],
            "function:s.p()": ["EXECUTE"],
            "function:s.total(integer)": ["EXECUTE"],
            "type:s.mood": ["USAGE"],
            "type:s.small": ["USAGE"],
            "language:plpgsql": ["USAGE"],
            "fdw:wrapper": ["USAGE"],
            "server:remote": ["USAGE"],
            "largeobject:4711": ["SELECT"],
        }

    def test_of_the_whole_server_are_read_once(self, scene):
        scene.role("bob")
        expected = {"tablespace:pg_default": ["CREATE WITH GRANT OPTION"]}
        scene.run("GRANT CREATE ON TABLESPACE pg_default TO bob WITH GRANT OPTION")
        scene.run("GRANT SET, ALTER SYSTEM ON PARAMETER work_mem TO bob", "GRANT SET ON PARAMETER my.own TO bob")
        expected |= {"parameter:work_mem": ["ALTER SYSTEM", "SET"], "parameter:my.own": ["SET"]}
        assert category(account_of(read(scene.server), "bob"), "object_privileges") == {"": expected}
        scene.run("REVOKE CREATE ON TABLESPACE pg_default FROM bob")

    def test_hold_no_rights_of_their_owner(self, scene, app):
        scene.run("CREATE TABLE s.mine ()", "ALTER TABLE s.mine OWNER TO owner", database=app)
        scene.run("GRANT SELECT ON s.mine TO bob", database=app)  # makes the owner's ACL entry explicit
        snapshot = read(scene.server)
        assert category(account_of(snapshot, "owner"), "object_privileges", app) == {}
        assert set(category(account_of(snapshot, "owner"), "owned", app)) == {"schema:s", "relation:s.mine"}

    def test_granted_by_several_people_are_one(self, scene, app):
        scene.role("carol")
        scene.run(
            "GRANT USAGE ON SCHEMA s TO carol",
            "GRANT SELECT ON s.t TO bob",
            "GRANT SELECT ON s.t TO carol WITH GRANT OPTION",
            database=app,
        )
        scene.run("GRANT SELECT ON s.t TO bob WITH GRANT OPTION", database=app, user="carol")
        assert scene.value("SELECT count(*) FROM pg_class, aclexplode(relacl) e WHERE relname = 't'"
                           " AND e.grantee = 'bob'::regrole", database=app) == 2  # fmt: skip
        held = category(account_of(read(scene.server), "bob"), "object_privileges", app)
        assert held["relation:s.t"] == ["SELECT WITH GRANT OPTION"]

    def test_of_the_system_count_when_somebody_changed_them(self, scene, app):
        before = category(public_of(read(scene.server)), "default_revoked", app)
        assert before == {}
        scene.run(
            "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO bob",
            "GRANT SELECT ON pg_authid TO bob",
            "GRANT SELECT (usename) ON pg_user TO bob",
            "REVOKE SELECT ON pg_stat_activity FROM PUBLIC",
            "REVOKE SELECT ON information_schema.tables FROM PUBLIC",
            "REVOKE EXECUTE ON FUNCTION version() FROM PUBLIC",
            database=app,
        )
        snapshot = read(scene.server)
        assert category(account_of(snapshot, "bob"), "object_privileges", app) == {
            "function:pg_catalog.pg_read_file(text)": ["EXECUTE"],
            "relation:pg_catalog.pg_authid": ["SELECT"],
            "column:pg_catalog.pg_user.usename": ["SELECT"],
        }
        assert category(public_of(snapshot), "default_revoked", app) == [
            "function:pg_catalog.version()",
            "relation:information_schema.tables",
            "relation:pg_catalog.pg_stat_activity",
        ]

    def test_of_the_system_count_when_a_grant_option_was_added(self, scene, app):
        scene.run("GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO pg_monitor WITH GRANT OPTION", database=app)
        assert category(account_of(read(scene.server), "pg_monitor"), "object_privileges", app) == {
            "function:pg_catalog.pg_ls_waldir()": ["EXECUTE WITH GRANT OPTION"]
        }

    def test_in_temporary_schemas_do_not_come_and_go(self, scene, app):
        with admin_of(scene.server, app) as admin:
            admin.execute("CREATE TEMP TABLE passing (id int)")
            admin.execute("GRANT SELECT ON passing TO bob")
            admin.execute("GRANT SELECT (id) ON passing TO bob")
            assert category(account_of(read(scene.server), "bob"), "object_privileges", app) == {}

    @pytest.mark.parametrize("name", HOSTILE)
    def test_and_roles_with_hostile_names_keep_them(self, scene, name):
        database = scene.database(name)
        role = scene.role(name)
        scene.run(
            sql.SQL("CREATE SCHEMA {}").format(identifier(name)),
            sql.SQL("CREATE TABLE {0}.{0} ({0} int)").format(identifier(name)),
            sql.SQL("GRANT SELECT, INSERT ({0}) ON {0}.{0} TO {0}").format(identifier(name)),
            sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {0} IN SCHEMA {0} GRANT SELECT ON TABLES TO PUBLIC").format(
                identifier(name)
            ),
            database=database,
        )
        quoted = scene.value("SELECT quote_ident(%s)", name)
        snapshot = read(scene.server)
        assert category(account_of(snapshot, role), "object_privileges", database) == {
            f"relation:{quoted}.{quoted}": ["SELECT"],
            f"column:{quoted}.{quoted}.{quoted}": ["INSERT"],
        }
        assert category(public_of(snapshot), "default_privileges", database) == {
            f"schema {quoted}: relation by {quoted}": ["SELECT"]
        }

    def test_with_an_acl_entry_of_a_vanished_role_are_read(self, scene, app):
        scene.run(
            "GRANT SELECT ON s.t TO bob",
            "UPDATE pg_class SET relacl = relacl || makeaclitem(4000000000, relowner, 'SELECT', false)"
            " WHERE relname = 't'",
            database=app,
        )
        snapshot = read(scene.server)
        assert category(account_of(snapshot, "bob"), "object_privileges", app) == {"relation:s.t": ["SELECT"]}

    def test_granted_at_random_agree_with_has_table_privilege(self, scene):
        rng = random.Random(5)
        database = scene.database("random")
        roles = [scene.role(f"r{number}") for number in range(4)]
        tables = [f"t{number}" for number in range(12)]
        scene.run(*(f"CREATE TABLE {table} (a int, b int)" for table in tables), database=database)
        words = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
        statements = []
        for _ in range(150):
            verb, table, role = rng.choice(["GRANT", "GRANT", "REVOKE"]), rng.choice(tables), rng.choice(roles)
            some = ", ".join(rng.sample(words, rng.randint(1, 4)))
            if verb == "GRANT":
                statements.append(f"GRANT {some} ON {table} TO {role} {rng.choice(['', 'WITH GRANT OPTION'])}")
            else:
                option = rng.choice(["", "GRANT OPTION FOR "])
                statements.append(f"REVOKE {option}{some} ON {table} FROM {role}")
        scene.run(*statements, database=database)
        snapshot = read(scene.server)
        with admin_of(scene.server, database) as admin:
            for role in roles:
                truth = {}
                for table in tables:
                    held = []
                    for word in words:
                        query = "SELECT has_table_privilege(%s, %s, %s), has_table_privilege(%s, %s, %s)"
                        option = f"{word} WITH GRANT OPTION"
                        has, may_grant = admin.execute(query, [role, table, word, role, table, option]).fetchone()
                        if has:
                            held.append(option if may_grant else word)
                    if held:
                        truth[f"relation:public.{table}"] = sorted(held)
                assert category(account_of(snapshot, role), "object_privileges", database) == truth


class TestPublic:
    def test_has_its_hard_wired_rights_once_per_database(self, scene, app):
        held = category(public_of(read(scene.server)), "object_privileges", app)
        assert held == {
            "function:*": ["EXECUTE"],
            "language:*": ["USAGE"],
            "type:*": ["USAGE"],
            "schema:public": ["USAGE"],
        }

    def test_lacks_what_was_taken_away(self, scene, app):
        scene.run(
            "REVOKE EXECUTE ON FUNCTION s.f(text) FROM PUBLIC",
            "REVOKE USAGE ON TYPE s.mood FROM PUBLIC",
            "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC",
            "ALTER DEFAULT PRIVILEGES FOR ROLE owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
            database=app,
        )
        query = "SELECT has_function_privilege('bob', 's.f(text)', 'EXECUTE')"
        assert scene.value(query, database=app) is False
        assert category(public_of(read(scene.server)), "default_revoked", app) == [
            "*: function by owner",
            "function:s.f(text)",
            "language:plpgsql",
            "type:s.mood",
        ]

    def test_keeps_its_default_beside_a_grant_to_another(self, scene, app):
        scene.run("GRANT EXECUTE ON FUNCTION s.f(text) TO bob", database=app)
        public = public_of(read(scene.server))
        assert category(public, "object_privileges", app)["function:s.f(text)"] == ["EXECUTE"]
        assert category(public, "default_revoked", app) == {}

    def test_may_connect_where_it_may(self, scene):
        open_one, closed_one = scene.database("open"), scene.database("closed")
        scene.role("bob")
        scene.run("REVOKE CONNECT ON DATABASE closed FROM PUBLIC", "GRANT CREATE ON DATABASE open TO bob")
        snapshot = read(scene.server)
        held = category(public_of(snapshot), "database_privileges")
        assert held[open_one] == ["CONNECT", "TEMPORARY"]
        assert held[closed_one] == ["TEMPORARY"]
        assert category(account_of(snapshot, "bob"), "database_privileges") == {open_one: ["CREATE"]}
        with admin_of(scene.server, open_one, "bob"):
            pass
        with pytest.raises(psycopg.OperationalError), admin_of(scene.server, closed_one, "bob"):
            pass

    def test_is_not_the_role_of_its_name(self, scene, app):
        scene.role("PUBLIC")
        scene.run('GRANT SELECT ON s.t TO "PUBLIC"', "GRANT INSERT ON s.t TO PUBLIC", database=app)
        snapshot = read(scene.server)
        assert category(account_of(snapshot, "PUBLIC"), "object_privileges", app) == {"relation:s.t": ["SELECT"]}
        assert category(public_of(snapshot), "object_privileges", app)["relation:s.t"] == ["INSERT"]
        assert public_of(snapshot).kind == "public"
        assert account_of(snapshot, "PUBLIC").kind == "user"


class TestDefaultPrivileges:
    def test_are_read_by_schema_and_for_all_schemas(self, scene, app):
        scene.run(
            "ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT SELECT ON TABLES TO bob",
            "ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT USAGE ON SCHEMAS TO bob WITH GRANT OPTION",
            "ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA s GRANT USAGE ON SEQUENCES TO bob",
            "ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO bob",
            "ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT USAGE ON TYPES TO bob",
            database=app,
        )
        assert category(account_of(read(scene.server), "bob"), "default_privileges", app) == {
            "*: relation by owner": ["SELECT"],
            "*: schema by owner": ["USAGE WITH GRANT OPTION"],
            "*: type by owner": ["USAGE"],
            "schema s: function by owner": ["EXECUTE"],
            "schema s: sequence by owner": ["USAGE"],
        }


class TestVolume:
    @pytest.fixture
    def crowded(self, scene) -> str:
        name = scene.database("crowded")
        scene.role("bob")
        scene.run(
            'CREATE SCHEMA "S s"',
            """DO $$ BEGIN
                 FOR n IN 1..30 LOOP
                   EXECUTE format('CREATE TABLE "S s".t%s (id int)', n);
                   EXECUTE format('GRANT SELECT ON "S s".t%s TO bob', n);
                   EXECUTE format('CREATE FUNCTION "S s".f%s() RETURNS int LANGUAGE sql AS ''SELECT 1''', n);
                   EXECUTE format('REVOKE EXECUTE ON FUNCTION "S s".f%s() FROM PUBLIC', n);
                 END LOOP;
               END $$""",
            'GRANT SELECT ON "S s".t7 TO bob WITH GRANT OPTION',
            'GRANT INSERT (id) ON "S s".t8 TO bob',
            'GRANT USAGE ON SCHEMA "S s" TO bob',
            "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO bob",
            'ALTER DEFAULT PRIVILEGES IN SCHEMA "S s" GRANT SELECT ON TABLES TO bob',
            database=name,
        )
        return name

    def test_past_the_cap_is_summarised_by_schema(self, scene, crowded):
        snapshot = read(scene.server, grant_row_cap=40)
        bob = account_of(snapshot, "bob")
        assert category(bob, "object_privileges", crowded) == {
            'relation:"S s".*': ["SELECT", "SELECT WITH GRANT OPTION"],
            'column:"S s".*': ["INSERT"],
            'schema:"S s"': ["USAGE"],
            "function:pg_catalog.pg_read_file(text)": ["EXECUTE"],
        }
        assert category(bob, "default_privileges", crowded) == {'schema "S s": relation by postgres': ["SELECT"]}
        assert category(public_of(snapshot), "default_revoked", crowded) == ['function:"S s".*']
        assert bob.meta["summarised"] == {
            crowded: {
                'relation:"S s".*': {"SELECT": 29, "SELECT WITH GRANT OPTION": 1},
                'column:"S s".*': {"INSERT": 1},
            }
        }
        covered = coverage_of(snapshot, f"database:{crowded}")
        assert (covered.status, covered.reason) == ("ok", "summarised")
        assert "postgresql_object_privileges:summarised" in covered.categories
        assert "postgresql_object_privileges" not in covered.categories

    def test_up_to_the_cap_is_exact(self, scene, crowded):
        mine = 30 + 1 + 1 + 1 + 1  # tables, column, schema, system function, default privileges
        public = 30 + 1  # functions taken away, USAGE on schema public
        rows = mine + public
        assert coverage_of(read(scene.server, grant_row_cap=rows - 1), f"database:{crowded}").reason == "summarised"
        exact = read(scene.server, grant_row_cap=rows)
        assert coverage_of(exact, f"database:{crowded}").reason == ""
        assert len(category(account_of(exact, "bob"), "object_privileges", crowded)) == 33
        assert len(category(public_of(exact), "default_revoked", crowded)) == 30

    def test_a_new_table_changes_no_digest_of_a_summary(self, scene, crowded):
        before = account_of(read(scene.server, grant_row_cap=40), "bob")
        scene.run('CREATE TABLE "S s".another ()', 'GRANT SELECT ON "S s".another TO bob', database=crowded)
        after = account_of(read(scene.server, grant_row_cap=40), "bob")
        assert after.digests == before.digests
        assert after.meta != before.meta

    def test_ownership_beyond_its_cap_is_counted(self, scene, crowded, monkeypatch):
        monkeypatch.setattr(privileges, "OWNED_EXACT_CAP", 50)
        owner = account_of(read(scene.server), "postgres")
        assert category(owner, "owned", crowded) == ['function:"S s".*', 'relation:"S s".*', 'schema:"S s"']
        assert owner.meta["owned_counts"][crowded] == {'function:"S s".*': 30, 'relation:"S s".*': 30}

    def test_ownership_is_never_compared(self, scene, crowded):
        before = account_of(read(scene.server), "bob")
        scene.run("CREATE TABLE mine ()", "ALTER TABLE mine OWNER TO bob", database=crowded)
        after = account_of(read(scene.server), "bob")
        assert category(after, "owned", crowded) == ["relation:public.mine"]
        assert after.digests == before.digests
