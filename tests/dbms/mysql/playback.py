"""Plays back what a server would answer, for versions that cannot be started here: `recorded/*.json`.

A file holds, by the noun of the statement, rows in the order and with the types in which the driver would give them;
`tables` are the columns of that version's grant tables, and `sources` says where both were looked up.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import dbms
from dbms import statements
from dbms.base import Target
from dbms.mysql.connection import Connection
from dbms.snapshots import AccountSnapshot, AccountsSnapshot
from dbms.statements import Statement
from tests.dbms.mysql.reading import account_of, facts_of

FOLDER = Path(__file__).parent / "recorded"
FILES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
EIGHT = "mysql_8_0"  # the one with most in it
TARGET = Target(db_type="mysql", host="recorded", port=3306, username="whalefall", password="")


@cache
def recorded(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


class Playback(Connection):
    """The adapter's connection up to the driver, which it does without."""

    def __init__(self, name: str, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(target=TARGET, driver=None)
        self.settings: list[str] = []
        self.sent: dict[str, Statement] = {}
        self._rows = recorded(name)["rows"]
        if variables is not None:
            self._rows = {**self._rows, "variables": list(variables.items())}
        self.begin()

    def _set(self, text: str) -> None:
        self.settings.append(text)

    def rows(self, noun: str, **params: int) -> list[tuple]:
        self.sent[noun] = chosen(noun, self.server.number, self.server.fork)
        rows = self._rows[noun]  # a noun that this version cannot answer is not recorded
        return [tuple(row) for row in rows[: params.get("row_limit")]]


def chosen(noun: str, number: tuple[int, ...], fork: str = "") -> Statement:
    """The variant that a server gets. Refuses one that says of itself that it needs a newer server, or another."""
    text = statements.text("dbms.mysql", noun, number, fork)
    (found,) = [held for held in statements.load("dbms.mysql") if held.noun == noun and held.text == text]
    since = tuple(int(part) for part in found.header["Since"].split("."))
    if number and number < since:
        raise AssertionError(f"{found.filename} is for {since} and later, this is {number}")
    if found.fork != fork and any(held.noun == noun and held.fork == fork for held in statements.load("dbms.mysql")):
        raise AssertionError(f"{found.filename} is for {found.fork or 'MySQL'}, this is {fork or 'MySQL'}")
    return found


@cache
def played(name: str) -> AccountsSnapshot:
    """Everything that is read from a recorded server."""
    return dbms.get("mysql").read_accounts(Playback(name))


def of(name: str, user: str, host: str = "%") -> AccountSnapshot:
    return account_of(played(name), user, host)


def facts(name: str, user: str, host: str = "%") -> dict:
    return facts_of(played(name), of(name, user, host))
