"""The data dictionary of the double: documented views over tables in SQLite, seen as each session may see them."""

from __future__ import annotations

import datetime
import re
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.twins.oracle import views
from tests.twins.oracle.errors import OracleError
from tests.twins.oracle.session import Session

Answer = tuple[list[tuple[str, str]], Sequence[tuple[Any, ...]]]

ROOT, SEED, NO_CONTAINERS = 1, 2, 0
SYSTEM_BYTES, TEMP_BYTES = 900 * 1024**2, 32 * 1024**2  # of every container from the beginning

READABLE = re.compile(r"\b(?:FROM|JOIN)\s+([a-z][\w$]*)", re.IGNORECASE)
BIND = re.compile(r":(\w+)")
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE|CREATE|DROP|ALTER|GRANT|REVOKE)\b", re.IGNORECASE)
LEVELS = re.compile(r"SELECT RPAD\('x', (\d+), 'x'\) FROM dual CONNECT BY LEVEL <= (\d+)", re.IGNORECASE)
SLEEP = re.compile(r"\s*BEGIN\s+DBMS_SESSION\.SLEEP\((\d+)\);\s*END;\s*", re.IGNORECASE)

sqlite3.register_converter("MOMENT", lambda raw: datetime.datetime.fromisoformat(raw.decode()))


@dataclass
class Login:
    """A user as a session logs in to it."""

    password: str
    container: int
    refused: OracleError | None = None
    hidden: set[str] = field(default_factory=set)  # views that it may not select from
    containers: set[int] | None = None  # what its CONTAINER_DATA names; None: all of them


class Database:
    """A database without containers, or a CDB with some; `services` says where a session begins."""

    def __init__(self, *, is_cdb: bool = False) -> None:
        self.is_cdb = is_cdb
        self.home = ROOT if is_cdb else NO_CONTAINERS
        self.services = {"orcl": self.home}
        self.logins: dict[tuple[str, int], Login] = {}
        self.written: set[str] = set()  # statements that changed something
        self.clock = utc_now  # of the server's machine
        self._session: Session | None = None  # whose statement runs
        self._lock = threading.Lock()
        self._names = {ROOT: "CDB$ROOT", NO_CONTAINERS: "ORCL"}
        self._tables = sqlite3.connect(":memory:", check_same_thread=False, detect_types=sqlite3.PARSE_DECLTYPES)
        self._make_views()
        for con_id in (self.home,):
            self._furnish(con_id)

    def _make_views(self) -> None:
        names = self._tables.create_function
        names("seen", 1, lambda con_id: con_id in self._visible())
        names("here", 0, lambda: self._container())
        names("sys_context", 2, lambda _, name: self._context(name))
        names("sys_extract_utc", 1, lambda moment: moment)  # the tables hold UTC
        names("clock", 0, lambda: self.clock().isoformat(" ", "seconds"))
        views.make(self._tables)

    def _furnish(self, con_id: int) -> None:
        """What every container has from the beginning."""
        everywhere = "YES" if self.is_cdb else "NO"
        for name in ("SYS", "SYSTEM"):
            self.insert("users", con_id, username=name, user_id=0 if name == "SYS" else 9, account_status="OPEN",
                        profile="DEFAULT", authentication_type="PASSWORD", common=everywhere, oracle_maintained="Y",
                        password_versions="11G 12C ", password="S:8F1B2C3D4E5F60718293A4B5C6D7E8F9")  # fmt: skip
        for name in ("DBA", "CONNECT", "SELECT_CATALOG_ROLE"):
            self.insert(
                "roles", con_id, role=name, authentication_type="NONE", common=everywhere, oracle_maintained="Y"
            )
        for role, privilege in (
            ("CONNECT", "CREATE SESSION"),
            ("DBA", "CREATE SESSION"),
            ("DBA", "GRANT ANY PRIVILEGE"),
        ):
            self.insert("sys_privs", con_id, grantee=role, privilege=privilege, admin_option="NO", common=everywhere)
        for user in ("SYS", "SYSTEM"):
            self.insert("role_privs", con_id, grantee=user, granted_role="DBA", admin_option="YES", default_role="YES",
                        common=everywhere)  # fmt: skip
        self.add_file(con_id, "SYSTEM", SYSTEM_BYTES)
        self.add_file(con_id, "TEMP", TEMP_BYTES, contents="TEMPORARY")
        self.insert("profiles", con_id, profile="DEFAULT", resource_name="PASSWORD_LOCK_TIME", resource_type="PASSWORD",
                    limit="1")  # fmt: skip
        self.insert("tab_privs", con_id, grantee="PUBLIC", owner="SYS", table_name="UTL_FILE", grantor="SYS",
                    privilege="EXECUTE", grantable="NO", common=everywhere, type="PACKAGE")  # fmt: skip
        self.insert("tab_privs", con_id, grantee="PUBLIC", owner="SYS", table_name="DUAL", grantor="SYS",
                    privilege="SELECT", grantable="YES", common=everywhere, type="TABLE")  # fmt: skip

    # Setting scenes -------------------------------------------------------------------------------------------------

    def insert(self, view: str, con_id: int, **values: Any) -> None:
        """A row of a view in one container."""
        names = ", ".join(f'"{name}"' for name in values)
        held = [value.isoformat(" ") if isinstance(value, datetime.datetime) else value for value in values.values()]
        marks = ", ".join("?" * (len(held) + 1))
        with self._lock:
            self._tables.execute(f"INSERT INTO all_{view} (con_id, {names}) VALUES ({marks})", (con_id, *held))

    def add_file(
        self, con_id: int, tablespace: str, size: int | None, *, contents: str = "PERMANENT", most: int = 0,
        block: int = 8192,
    ) -> None:  # fmt: skip
        """A file of a tablespace, which is made with its first one; `most` is how far it may grow, 0 not at all."""
        kind = "temp" if contents == "TEMPORARY" else "data"
        known = "SELECT 1 FROM all_tablespaces WHERE con_id = ? AND tablespace_name = ?"
        with self._lock:
            is_new = self._tables.execute(known, (con_id, tablespace)).fetchone() is None
        if is_new:
            self.insert("tablespaces", con_id, tablespace_name=tablespace, contents=contents, block_size=block)
        self.insert(f"{kind}_files", con_id, tablespace_name=tablespace, bytes=size, maxbytes=most,
                    autoextensible="YES" if most else "NO")  # fmt: skip
        self.insert(f"v${kind}file", con_id, bytes=size or 0)

    def close_pdb(self, con_id: int, *, open_mode: str = "MOUNTED", restricted: str | None = None) -> None:
        """Nothing of its dictionary can be seen any more."""
        self.run("UPDATE all_containers SET open_mode = ?, restricted = ? WHERE con_id = ?",
                 open_mode, restricted, con_id)  # fmt: skip
        for view in views.DICTIONARY:
            self.run(f"DELETE FROM all_{view} WHERE con_id = ?", con_id)

    def run(self, sql: str, *values: Any) -> None:
        """Change the tables behind the views."""
        with self._lock:
            self._tables.execute(sql, values)

    def add_pdb(self, name: str, *, open_mode: str = "READ WRITE", restricted: str = "NO") -> int:
        """A pluggable database with a service of its own; answers its number."""
        con_id = max((2, *self._names)) + 1
        self._names[con_id] = name
        self.services[name.lower()] = con_id
        self.run("INSERT INTO all_containers VALUES (?, ?, ?, ?)", con_id, name, open_mode, restricted)
        self._furnish(con_id)
        return con_id

    def add_login(
        self, name: str, password: str, *, con_id: int | None = None, is_known: bool = False, **settings: Any
    ) -> Login:
        """Somebody who may log in, as CREATE USER and GRANT CREATE SESSION leave an account.

        One who `is_known` stands in the views already.
        """
        place = self.home if con_id is None else con_id
        login = self.logins[name, place] = Login(password, place)
        if is_known:
            return login
        common = "YES" if self.is_cdb and place == ROOT else "NO"
        values = {
            "user_id": 100 + len(self.logins), "account_status": "OPEN", "profile": "DEFAULT", "common": common,
            "authentication_type": "PASSWORD", "oracle_maintained": "N", "password_versions": "11G 12C ",
            "proxy_only_connect": "N", "default_tablespace": "USERS", "temporary_tablespace": "TEMP",
            "password": "S:0A1B2C3D4E5F", **settings,
        }  # fmt: skip
        places = list(self._names) if common == "YES" else [place]
        for each in places:
            if each != NO_CONTAINERS or not self.is_cdb:
                self.insert("users", each, username=name, **values)
                self.insert(
                    "sys_privs", each, grantee=name, privilege="CREATE SESSION", admin_option="NO", common=common
                )
        return login

    def grant_all_containers(self, name: str) -> None:
        self.run("INSERT INTO dba_container_data VALUES (?, 'Y', 'Y', NULL)", name)

    def hashes(self) -> list[str]:
        """Every password verifier that is stored."""
        with self._lock:
            return [row[0] for row in self._tables.execute("SELECT DISTINCT password FROM all_users")]

    def created(self) -> set[str]:
        """The names in all statements that changed something."""
        return {word for statement in self.written for word in re.findall(r"\w+", statement)}

    # What sessions get ----------------------------------------------------------------------------------------------

    def container_of(self, service: str) -> int | None:
        return self.services.get(service.lower())

    def login(self, username: str, service: str) -> Login | None:
        """Who logs in under a name: a common user everywhere, a local one in its container."""
        place = self.services[service.lower()]
        return self.logins.get((username, place)) or self.logins.get((username, self.home))

    def password(self, username: str, service: str) -> str | None:
        login = self.login(username, service)
        return login.password if login else None

    def admit(self, username: str, service: str) -> None:
        """Raises OracleError when the account may not log in."""
        login = self.login(username, service)
        if login is None:
            raise OracleError(1017, "invalid username/password; logon denied")
        if login.refused is not None:
            raise login.refused

    def execute(self, session: Session, sql: str, binds: list[Any]) -> Answer | None:
        """The rows of a query; None for what returns none. Raises OracleError."""
        if re.fullmatch(r"\s*SET\s+TRANSACTION\s+READ\s+ONLY\s*", sql, re.IGNORECASE):
            session.is_read_only = True
            return None
        if found := SLEEP.fullmatch(sql):
            session.wait(int(found[1]))
            return None
        if found := LEVELS.fullmatch(sql):
            return [("RPAD", "varchar2")], [("x" * int(found[1]),)] * int(found[2])
        if WRITES.match(sql):
            if session.is_read_only:
                raise OracleError(1456, "may not perform insert, delete, update inside a READ ONLY transaction")
            self.written.add(sql)
            return None
        login = self.login(session.username, session.service)
        for view in READABLE.findall(sql):
            if login is None or view.lower() in login.hidden:
                raise OracleError(942, "table or view does not exist")
        names = list(dict.fromkeys(BIND.findall(re.sub(r"'[^']*'", "", sql))))
        with self._lock:
            self._session = session
            try:
                self._tables.execute("UPDATE one SET sysdate = clock()")
                cursor = self._tables.execute(sql, dict(zip(names, binds, strict=True)))
                rows = cursor.fetchall()
            except sqlite3.OperationalError as error:
                raise self._refusal(str(error)) from error
            finally:
                self._session = None
        heads = [entry[0].upper() for entry in cursor.description]
        rows = [tuple(map(_typed, heads, row)) for row in rows]
        return [(head, _kind(row[at] for row in rows)) for at, head in enumerate(heads)], rows

    @staticmethod
    def _refusal(text: str) -> OracleError:
        if "no such table" in text:
            return OracleError(942, "table or view does not exist")
        if "no such column" in text:
            return OracleError(904, f'"{text.rpartition(": ")[2].upper()}": invalid identifier')
        return OracleError(900, f"invalid SQL statement ({text})")

    def _container(self) -> int:
        return self.services[self._session.service.lower()] if self._session else self.home

    def _visible(self) -> set[int]:
        """The containers whose rows a CDB_ view shows: the own one, from the root all that are open to everybody."""
        here = self._container()
        login = self.login(self._session.username, self._session.service) if self._session else None
        if here != ROOT or login is None:
            return {here}
        return {ROOT, *({SEED, *self._names} if login.containers is None else login.containers)}

    def _context(self, name: str) -> str:
        here = self._container()
        session = self._session
        values = {"SESSION_USER": session.username if session else "", "CON_ID": str(here),
                  "CON_NAME": self._names[here]}  # fmt: skip
        return values[name]


def utc_now() -> datetime.datetime:
    """The time without a time zone, as SYSDATE is."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _typed(head: str, held: Any) -> Any:
    """The value of a column; SQLite loses what is a moment in an expression."""
    return datetime.datetime.fromisoformat(held) if held and head.startswith("SYS_EXTRACT_UTC(") else held


def _kind(values: Iterable[Any]) -> str:
    """The type of a column, by what it holds."""
    held = next((value for value in values if value is not None), "")
    if isinstance(held, datetime.datetime):
        return "date"
    return "number" if isinstance(held, int | float) else "varchar2"
