"""The independent truth: what SHOW GRANTS says of every account, in the shape of a snapshot's categories."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.dbms.mysql.naming import backticked, grantee, identity, key

TOKEN = re.compile(
    r"`(?P<name>(?:[^`]|``)*)`|'(?:[^'\\]|''|\\.)*'|(?P<word>[A-Za-z_]+|[*(),.@])|[0-9]+(?:\.[0-9]+)?|\s+", re.DOTALL
)
ROUTINES = ("PROCEDURE", "FUNCTION", "PACKAGE", "PACKAGE BODY")


@dataclass(frozen=True, kw_only=True)
class Words:
    """The privileges that a server takes on each level: what ALL PRIVILEGES means there."""

    everywhere: frozenset[str]
    database: frozenset[str]
    table: frozenset[str]
    column: frozenset[str]
    routine: frozenset[str]


@dataclass(kw_only=True)
class Line:
    """One line: GRANT `what` ON `where` TO `whom` WITH `options`."""

    privileges: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)  # (word, its columns)
    role: str = ""
    kind: str = ""  # PROXY, PROCEDURE, …
    where: list[str] = field(default_factory=list)
    whom: list[str] = field(default_factory=list)
    options: str = ""


def truth(scene, words: Words) -> dict[tuple[str, str, bool], dict]:
    """{account key: categories} of the whole server, without the categories that hold nothing.

    The server is made to read its tables again, because MariaDB's memory is not always what it wrote: a second
    GRANT PROXY changes its grant option in memory alone, and a routine's database is stored as if it were Latin 1.
    """
    scene.run("FLUSH PRIVILEGES")
    accounts = [
        (user, host, bool(is_role))
        for host, user, is_role in scene.rows(
            "SELECT Host, User, JSON_VALUE(Priv, '$.is_role') IS NOT NULL FROM mysql.global_priv"
        )
    ]
    found = {account: categories(account, _shown(scene, account), words) for account in accounts}
    members = defaultdict(lambda: {"direct": [], "default": []})
    for (user, host, _), held in found.items():
        for way, roles in held.get("mysql_granted_roles", {}).items():
            for role in roles:
                members[role.removesuffix(" WITH ADMIN OPTION")][way].append(identity(user, host))
    for (user, host, is_role), held in found.items():
        if is_role and identity(user, host) in members:
            ways = members[identity(user, host)]
            held["mysql_role_members"] = {way: sorted(names) for way, names in ways.items()}
    return found


def _shown(scene, account: tuple[str, str, bool]) -> list[str]:
    user, host, is_role = account
    if is_role:
        return [line for (line,) in scene.rows(f"SHOW GRANTS FOR {'PUBLIC' if user == 'PUBLIC' else backticked(user)}")]
    return [line for (line,) in scene.rows(f"SHOW GRANTS FOR {grantee(user, host)}")]


def categories(account: tuple[str, str, bool], lines: Iterable[str], words: Words) -> dict:
    """What the lines grant to the account itself: those of a role go on with the roles that it holds."""
    user, host, is_role = account
    itself = [user] if is_role else [user, host]
    everywhere: set[str] = set()
    held: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    proxies: set[str] = set()
    roles: dict[str, list[str]] = {"direct": [], "default": []}
    for text in lines:
        line = parsed(text)
        if line.whom != itself:
            assert is_role, text
            continue
        grantable = {"GRANT OPTION"} if "GRANT OPTION" in line.options else set()
        if line.kind == "DEFAULT":
            roles["default"].append(identity(line.role, ""))
        elif line.role:
            roles["direct"].append(
                identity(line.role, "") + (" WITH ADMIN OPTION" if "ADMIN OPTION" in line.options else "")
            )
        elif line.kind == "PROXY":
            proxies.add(identity(*line.where) + (" WITH GRANT OPTION" if grantable else ""))
        elif line.kind in ROUTINES:
            name = f"{line.kind} {key(*line.where)}"
            held["mysql_routine_privileges"][name] |= _whole(line, words.routine) | grantable
        elif line.where == ["*", "*"]:
            everywhere |= _whole(line, words.everywhere) | grantable
        elif line.where[1] == "*":
            held["mysql_database_privileges"][line.where[0]] |= _whole(line, words.database) | grantable
        else:
            held["mysql_table_privileges"][key(*line.where)] |= _whole(line, words.table) | grantable
            for word, columns in line.privileges:
                for column in columns:
                    held["mysql_column_privileges"][key(*line.where, column)].add(word)
    found: dict = {
        name: {where: sorted(granted) for where, granted in grants.items() if granted} for name, grants in held.items()
    }
    found["mysql_global_privileges"] = sorted(everywhere)
    found["mysql_proxy_privileges"] = sorted(proxies)
    if roles["direct"] or roles["default"]:
        found["mysql_granted_roles"] = {way: sorted(names) for way, names in roles.items()}
    return {name: granted for name, granted in found.items() if granted}


def _whole(line: Line, everything: frozenset[str]) -> set[str]:
    """The privileges of a line on the whole object."""
    granted = {word for word, columns in line.privileges if not columns} - {"USAGE"}
    return granted - {"ALL PRIVILEGES"} | everything if "ALL PRIVILEGES" in granted else granted


def parsed(text: str) -> Line:
    tokens = list(_tokens(text))
    line = Line()
    if tokens[:3] == ["SET", "DEFAULT", "ROLE"]:
        line.kind, line.role = "DEFAULT", tokens[3][1]
        line.whom = _names(tokens[5:])
        return line
    assert tokens[0] == "GRANT", text
    to = tokens.index("TO")
    line.options = " ".join(token for token in tokens[to:] if isinstance(token, str))
    line.whom = _names(tokens[to + 1 :])
    if "ON" not in tokens[:to]:
        ((_, line.role),) = tokens[1:to]
        return line
    on = tokens.index("ON")
    what, where = tokens[1:on], tokens[on + 1 : to]
    if what == ["PROXY"]:
        line.kind = "PROXY"
    else:
        line.privileges = list(_privileges(what))
    while where[0] in ("PROCEDURE", "FUNCTION", "PACKAGE", "BODY"):
        line.kind = f"{line.kind} {where.pop(0)}".strip()
    line.where = [token if token == "*" else token[1] for token in where if token not in (".", "@")]
    return line


def _tokens(text: str) -> Iterator[str | tuple[str, str]]:
    """Words and marks as they are, quoted names as ("name", …); what is between quotes is no word."""
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        assert match, text[position:]
        position = match.end()
        if match["name"] is not None:
            yield "name", match["name"].replace("``", "`")
        elif match["word"]:
            yield match["word"]


def _names(tokens: list) -> list[str]:
    """The names that an account begins with: [role] or [user, host]."""
    if tokens[0] == "PUBLIC":
        return ["PUBLIC"]
    return [tokens[0][1], tokens[2][1]] if tokens[1:2] == ["@"] else [tokens[0][1]]


def _privileges(tokens: list) -> Iterator[tuple[str, tuple[str, ...]]]:
    """SELECT, INSERT (`a`, `b`), CREATE VIEW as (word, columns)."""
    word: list[str] = []
    columns: list[str] = []
    inside = False
    for token in [*tokens, ","]:
        if isinstance(token, tuple):
            columns.append(token[1])
        elif token in "()":
            inside = token == "("
        elif token != ",":
            word.append(token)
        elif not inside:
            yield " ".join(word), tuple(columns)
            word, columns = [], []
