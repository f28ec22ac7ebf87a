"""The catalogue of a SQL Server as a test states it: rows of its views, which the double on the wire answers with."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dbms import statements
from tests.twins.sqlserver.server import Result, Session, TdsError

SLEEP = "SELECT COUNT(*) FROM sys.all_columns AS a, sys.all_columns AS b, sys.all_columns AS c"
MANY_ROWS = "SELECT a.name FROM sys.all_columns AS a"
SETTINGS = re.compile(r"(SET (LANGUAGE us_english|LOCK_TIMEOUT \d+|DEADLOCK_PRIORITY LOW)(; |$))+")
SEPARATOR = re.compile(r";\n(?=/\* whalefall \*/\n)")
NAME = r"\[(?P<database>(?:[^\]]|\]\])*)\]"

VIEW_DEFINITION = 1


def patterns() -> dict[str, re.Pattern[str]]:
    """{noun: what a server gets of the file}; the database's name is the group `database`."""
    found = {}
    for statement in statements.load("dbms.sqlserver"):
        first, *further = map(re.escape, statement.text.strip().split("{database}"))
        text = first + (NAME + further[0] if further else "")
        text += "".join(r"\[(?P=database)\]" + part for part in further[1:])
        found[statement.noun] = re.compile(text)
    return found


def sid_of(name: str) -> bytes:
    return b"\x01\x05" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:16]


@dataclass
class Login:
    """A row of sys.server_principals, and what sys.sql_logins keeps to itself."""

    id: int
    name: str
    type: str = "S"
    password: str = ""
    is_disabled: bool = False
    is_fixed_role: bool = False
    default_database: str | None = "master"
    refused_by: TdsError | None = None
    policy: tuple = (True, False, 0, 0, 0, None)
    sid: bytes = b""

    def __post_init__(self) -> None:
        self.sid = self.sid or sid_of(self.name)

    @property
    def password_hash(self) -> str:
        return "0x0200" + hashlib.sha512(self.password.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def row(self) -> tuple:
        policy = self.policy if self.type == "S" else (None,) * 6
        return (self.id, self.name, self.sid, self.type, self.is_disabled, self.is_fixed_role, self.default_database,
                *policy)  # fmt: skip


@dataclass
class Database:
    """A database with the rows of its views, as the statements return them."""

    name: str
    state: int = 0
    state_text: str = "ONLINE"
    has_access: int = 1
    sees_definitions: int | None = 1
    is_listed: bool = True
    id: int = 0  # by its place, when none is given
    snapshot_of: int | None = None
    is_distributor: bool = False
    owner: bytes = b"\x01"
    is_trustworthy: bool = False
    files: dict[int, int] = field(default_factory=lambda: {0: 8192, 1: 8192})  # as the server lists them
    own_files: dict[int, int] | None = None  # as the database itself does
    on_disk: int | None = 65536  # bytes of its files, while they are open
    tables: list[tuple] = field(default_factory=list)
    users: list[tuple] = field(default_factory=list)
    roles: list[tuple] = field(default_factory=list)
    permissions: list[tuple] = field(default_factory=list)
    summarised: list[tuple] = field(default_factory=list)
    broker: list[tuple] = field(default_factory=list)
    error: TdsError | Callable[[Session], TdsError] | None = None

    def __post_init__(self) -> None:
        self.users = self.users or [
            (0, "public", sid_of("db public"), "R", False, None, 0),
            (1, "dbo", b"\x01", "S", False, "dbo", 1),
            (2, "guest", b"\x00", "S", False, "guest", 1),
            (3, "INFORMATION_SCHEMA", None, "S", False, None, 0),
            (4, "sys", None, "S", False, None, 0),
            (16384, "db_owner", sid_of("db_owner"), "R", True, None, 0),
        ]
        self.roles = self.roles or [(16384, 1)]

    def user(self, number: int, name: str, *, sid: bytes | None, type: str = "S", authentication: int = 1) -> int:
        self.users.append((number, name, sid, type, False, None if type == "R" else "dbo", authentication))
        return number

    def grant(self, grantee: int, permission: str, *, on: tuple = (0, "DATABASE", 0, None, None, 0, None),
              state: str = "G") -> None:  # fmt: skip
        """`on` is class, its word, id, schema, name, column id, column."""
        level, word, number, schema, name, column_id, column = on
        self.permissions.append((grantee, level, word, permission, state, number, schema, name, column_id, column))


class Catalogue:
    """What a server holds, and its answers. `rows` is by noun; nothing in it is computed from what is asked."""

    def __init__(self, version: tuple[int, int, int] = (16, 0, 4135)) -> None:
        self.version = version
        self.edition, self.engine_edition = "Developer Edition (64-bit)", 3
        self.sees_definitions, self.sees_security_definitions, self.sees_databases = 1, 1, 1
        self.state_error: TdsError | None = None  # to whoever asks for the state of the server
        self.logins = {
            login.name: login
            for login in (
                Login(1, "sa", password="Secret-1", sid=b"\x01"),
                Login(2, "public", type="R", default_database=None),
                Login(3, "sysadmin", type="R", is_fixed_role=True, default_database=None),
                Login(4, "securityadmin", type="R", is_fixed_role=True, default_database=None),
            )
        }
        self.server_roles: list[tuple] = [(3, 1)]
        self.server_permissions: list[tuple] = [(1, 100, "SERVER", "CONNECT SQL", "G", 0, None)]
        self.databases = {"master": Database("master", id=1)}
        self.crossed = threading.Event()  # set when a slow statement has begun
        self._patterns = patterns()

    def login(self, name: str, *, connect: str | None = "G", **changes) -> Login:
        """Add a login of the next id; `connect` is the state of its CONNECT SQL."""
        login = Login(max(each.id for each in self.logins.values()) + 1, name, **changes)
        self.logins[name] = login
        if connect and login.type != "R":
            self.grant(login, "CONNECT SQL", state=connect)
        return login

    def role(self, name: str, *members: Login) -> Login:
        role = self.login(name, type="R", default_database=None)
        self.server_roles += [(role.id, member.id) for member in members]
        return role

    def grant(self, grantee: Login, permission: str, *, state: str = "G", on: tuple = (100, "SERVER", 0, None)) -> None:
        """`on` is class, its word, id, name."""
        level, word, number, name = on
        self.server_permissions.append((grantee.id, level, word, permission, state, number, name))

    def database(self, name: str, **changes) -> Database:
        self.databases[name] = Database(name, **changes)
        return self.databases[name]

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Everything as it was, when the block is left."""
        kept = {name: list(held) if isinstance(held, list) else dict(held) if isinstance(held, dict) else held
                for name, held in vars(self).items()}  # fmt: skip
        yield
        vars(self).update(kept)

    # What the double asks -------------------------------------------------------------------------------------

    def refusals(self, session: Session) -> list[TdsError]:
        login = self.logins.get(session.username)
        failed = TdsError(18456, f"Login failed for user '{session.username}'.", 14)
        if login is None or login.type != "S" or login.password != session.password:
            return [failed]
        if login.refused_by is not None:
            return [login.refused_by]
        if session.database not in self.databases:
            text = f'Cannot open database "{session.database}" requested by the login. The login failed.'
            return [TdsError(4060, text, 11), failed]
        return []

    def answer(self, session: Session, text: str) -> list[Result | TdsError]:
        if SETTINGS.fullmatch(text):
            return [Result(width=0)]
        if text == SLEEP:
            self.crossed.set()
            session.wait(60)
        if text == MANY_ROWS:
            return [Result(rows=[("x" * 1000,)] * 20_000, width=1)]
        found: list[Result | TdsError] = []
        for piece in SEPARATOR.split(text):
            result = self._result(session, piece)
            found.append(result)
            if isinstance(result, TdsError):
                break
        return found

    def _result(self, session: Session, text: str) -> Result | TdsError:
        for noun, pattern in self._patterns.items():
            if match := pattern.fullmatch(text):
                name = match.groupdict().get("database")
                rows = (
                    self._rows(noun, session) if name is None else self._rows_of(noun, name.replace("]]", "]"), session)
                )
                return rows if isinstance(rows, TdsError) else Result(rows=rows, width=len(rows[0]) if rows else 1)
        return TdsError(102, f"Incorrect syntax near '{text[:20]}'.", 15)

    def _rows(self, noun: str, session: Session) -> list[tuple] | TdsError:
        if noun == "sizes_on_disk" and self.state_error:
            return self.state_error
        version = ".".join(map(str, self.version)) + ".4"
        numbers = {each.name: each.id or place for place, each in enumerate(self.databases.values(), 5)}
        listed = [database for database in self.databases.values() if database.is_listed]
        return {
            "server": [(version, self.edition, self.engine_edition, self.sees_definitions,
                        self.sees_security_definitions, self.sees_databases, session.username, session.database)],
            "principals": [login.row for login in self.logins.values()],
            "azure_logins": [(login.id, login.name, login.sid, login.is_disabled) for login in self.logins.values()
                             if login.type == "S"],
            "server_roles": self.server_roles,
            "server_permissions": self.server_permissions,
            "databases": [(numbers[each.name], each.name, each.state, each.state_text, each.snapshot_of,
                           each.is_distributor, each.owner, each.is_trustworthy, each.has_access,
                           each.sees_definitions, None) for each in listed],
            "database_files": [(numbers[each.name], each.name if each.is_listed else None)
                               for each in self.databases.values() if self.sees_definitions],
            "file_sizes": [(numbers[each.name], each.name if each.is_listed else None, kind, size)
                           for each in self.databases.values() for kind, size in each.files.items()
                           if self.sees_definitions],
            "sizes_on_disk": [(numbers[each.name], each.on_disk) for each in self.databases.values()
                              if each.on_disk is not None],
        }[noun]  # fmt: skip

    def _rows_of(self, noun: str, name: str, session: Session) -> list[tuple] | TdsError:
        database = self.databases.get(name)
        if database is None:
            return TdsError(911, f"Database '{name}' does not exist. Make sure that the name is entered correctly.")
        if database.error is not None:
            return database.error if isinstance(database.error, TdsError) else database.error(session)
        return {
            "database_sizes": list((database.own_files or database.files).items()),
            "database_tables": database.tables,
            "database_users": database.users,
            "database_roles": database.roles,
            "database_permissions": database.permissions,
            "database_broker": database.broker,
            "database_permissions_summarised": database.summarised,
        }[noun]
