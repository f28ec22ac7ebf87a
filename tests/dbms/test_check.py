"""`python -m dbms … check` sends every statement that is for a server, and says how each of them ended."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dbms import check, statements
from tests.dbms.contract import SUBJECTS, Subject
from tests.dbms.oracle.conftest import cdb, scene  # noqa: F401 - fixtures
from tests.dbms.sqlserver.catalogue import Catalogue
from tests.dbms.test_main import run
from tests.twins.sqlserver.server import TdsError, TdsServer
from whalefall.demo.servers import free_port

# Of other versions than the suite's servers, or of other kinds.
NEVER_SENT = {
    "mariadb": {"dynamic_privileges.sql", "role_privileges.mariadb.sql"},  # the account needs no role for anything
    "oracle": {"schema_privileges.cdb.sql"},
    "postgresql": {"database_names.sql", "database_size.sql"},  # after a failure of all sizes together
    "sqlserver": {"azure_logins.sql", "sizes_on_disk.sql"},  # the latter where there are database snapshots
}


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    subject = SUBJECTS[request.param](request)
    subject.name = request.param
    yield subject
    subject.clean()


def address(subject: Subject) -> tuple[object, ...]:
    target = subject.target()
    return ("--host", target.host, "--port", target.port, "--user", target.username, "--database", target.database)


def test_sends_every_statement_for_the_server_and_tells_no_other(subject):
    with subject.received() as received:
        done = run(subject.key, "check", *address(subject), "--json", password=subject.password)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    found = {each["file"]: each for each in document["statements"]}
    assert len(found) == len(document["statements"])
    patterns = dict(
        zip((each.filename for each in statements.load(f"dbms.{subject.key}")), subject.files(), strict=True)
    )
    times = {file: sum(bool(patterns[file].fullmatch(text)) for text in received) for file in patterns}
    assert {file: each["sent"] for file, each in found.items()} == {file: times[file] for file in found}
    sent = {patterns[file].pattern for file, number in times.items() if number}  # some variants differ in name alone
    assert sent <= {patterns[file].pattern for file in found}
    assert {file for file, each in found.items() if not each["sent"]} == NEVER_SENT.get(subject.name, set())
    assert {each["file"] for each in document["statements"] if each["errors"]} == set()
    assert document["failures"] == []


def test_prints_a_row_for_each_statement(cdb):  # noqa: F811 - a fixture
    cdb.database.insert("roles", 1, role="ONE", authentication_type="NONE", common="YES", oracle_maintained="N")
    held = len(cdb.database._tables.execute("SELECT * FROM all_roles").fetchall())
    done = run("oracle", "check", *place(cdb), password="geheim")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Oracle Database 19")
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if ".sql" in line}
    assert rows["roles.cdb.sql"][1:4] == ["ok", "1", str(held)]
    assert rows["object_privileges_summarised.cdb.sql"][1:3] == ["ok", "1"]
    assert rows["schema_privileges.cdb.sql"][1:] == ["not", "sent"]
    assert "roles.sql" not in rows


def test_of_what_may_not_be_read_tells_the_servers_number_and_goes_on(scene):  # noqa: F811 - a fixture
    scene.hide("dba_col_privs")
    done = run("oracle", "check", *place(scene), password="geheim")
    assert (done.returncode, done.stderr) == (1, "")
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if ".sql " in line}
    assert rows["column_privileges.sql"][1:4] == ["privilege", "942", "1"]
    assert rows["quotas.sql"][1] == "ok"
    (told,) = [line for line in done.stdout.splitlines() if line.startswith("column_privileges.sql: ")]
    assert "ORA-00942" in told
    said = done.stdout.splitlines()
    assert "not read: category:oracle_column_privileges: denied: no SELECT on SYS.DBA_COL_PRIVS" in said
    assert 'grant: GRANT SELECT ON SYS.DBA_COL_PRIVS TO "MONITOR"' in said
    assert "geheim" not in done.stdout


def test_of_who_exists_being_hidden_says_so_and_tries_the_rest(scene):  # noqa: F811 - a fixture
    scene.hide("dba_users")
    done = run("oracle", "check", *place(scene), "--json", password="geheim")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    found = {each["file"]: each for each in document["statements"]}
    assert [error["cause"] for error in found["users.sql"]["errors"]] == ["privilege 942"]
    assert found["column_privileges_summarised.sql"]["sent"] == 1
    assert found["column_privileges_summarised.sql"]["errors"] == []
    assert 'GRANT SELECT ON SYS.DBA_USERS TO "MONITOR"' in document["failures"][0]


def test_tells_which_statement_of_a_batch_failed_and_in_which_database():
    catalogue = Catalogue()
    bad = catalogue.database("b\nd")
    kept = catalogue._rows_of
    catalogue._rows_of = lambda noun, name, session: (
        TdsError(8115, "Arithmetic overflow error.") if (noun, name) == ("database_roles", bad.name)
        else kept(noun, name, session)
    )  # fmt: skip
    with TdsServer(catalogue) as server:
        place = ("--host", server.host, "--port", server.port, "--user", "sa")
        done = run("sqlserver", "check", *place, "--json", password="Secret-1")
        shown = run("sqlserver", "check", *place, password="Secret-1")
    assert (done.returncode, shown.returncode) == (1, 1)
    found = {each["file"]: each for each in json.loads(done.stdout)["statements"]}
    assert found["principals.sql"]["rows"] == len(catalogue.logins)
    users = sum(len(database.users) for database in catalogue.databases.values())
    assert found["database_users.sql"]["rows"] == users * 2  # in the batch, and each database for itself
    failed = {file: each["errors"] for file, each in found.items() if each["errors"]}
    assert failed == {
        "database_roles.sql": [{"cause": "other", "database": "b\nd", "detail": "Arithmetic overflow error."}]
    }
    assert "database_roles.sql in b\\nd: other: Arithmetic overflow error." in shown.stdout.splitlines()


def test_of_a_server_that_lets_nobody_in_is_one_line():
    done = run("oracle", "check", "--host", "127.0.0.1", "--port", free_port(), "--user", "u")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("DATABASE_CONNECTION_ERROR (refused): ")


def test_ends_at_its_timeout(scene):  # noqa: F811 - a fixture
    scene.server.fault("dba_users", lambda session: session.wait(30))
    done = run("oracle", "check", *place(scene), "--timeout", "2", "--json", password="geheim")
    assert done.returncode == 1
    (failure,) = json.loads(done.stdout)["failures"]
    assert "the whole read took longer than 2 s" in failure


def place(scene) -> tuple[object, ...]:  # noqa: F811 - not the fixture
    return ("--host", "127.0.0.1", "--port", scene.server.port, "--user", scene.reader)


def test_nobody_is_told_of_statements_who_does_not_watch(scene):  # noqa: F811 - a fixture
    told = []
    scene.read(watcher=told.append)
    assert [each.noun for each in told][:2] == ["session", "users"]
    assert check.Tried(statement=None, sent=tuple(told)).errors == []
    scene.read()
