"""Whatever is granted and revoked, on every level and under every name, is read as SHOW GRANTS shows it."""

from __future__ import annotations

import random

import pytest

from tests.dbms.mysql.conftest import MariaDbScene
from tests.dbms.mysql.naming import backticked
from tests.dbms.mysql.reading import agrees
from tests.dbms.mysql.show_grants import ROUTINES

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
