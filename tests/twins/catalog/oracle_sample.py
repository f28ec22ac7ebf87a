"""An Oracle CDB with a root and three pluggable databases, and a plain database: rows as their dictionaries hold them.

Names that only quotes keep apart; the same name, privilege and role in several containers; common and local grants of
the same thing; roles that are held but not enabled; what Oracle's own accounts hold, and what everybody holds.
"""

from __future__ import annotations

import datetime as dt

from tests.twins import catalog
from tests.twins.catalog.oracle_storage import FILES, OF_SALES, REDO_LOGS, STORAGE

LOCKED_AT, EXPIRES = dt.datetime(2024, 2, 1, 8, 30), dt.datetime(2024, 6, 1, 0, 0)
LOGGED_IN = dt.datetime(2024, 2, 29, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5)))
ROOT = "CDB$ROOT"
VERSIONS = ((12, 1, 0, 2), (19, 0), (23, 0))


def user(id, name, status="OPEN", *, common="NO", oracle="N", authentication="PASSWORD", **more):
    return {
        "USER_ID": id,
        "USERNAME": name,
        "ACCOUNT_STATUS": status,
        "PROFILE": "DEFAULT",
        "AUTHENTICATION_TYPE": authentication,
        "PASSWORD_VERSIONS": "11G 12C",
        "DEFAULT_TABLESPACE": "USERS",
        "TEMPORARY_TABLESPACE": "TEMP",
        "PROXY_ONLY_CONNECT": "N",
        "COMMON": common,
        "ORACLE_MAINTAINED": oracle,
        **more,
    }


def role(name, *, common="NO", oracle="N", authentication="NONE"):
    return {"ROLE": name, "AUTHENTICATION_TYPE": authentication, "COMMON": common, "ORACLE_MAINTAINED": oracle}


def on_object(grantee, privilege, owner, name, type_="TABLE", *, grantable="NO", common="NO"):
    return {
        "GRANTEE": grantee,
        "PRIVILEGE": privilege,
        "OWNER": owner,
        "TABLE_NAME": name,
        "TYPE": type_,
        "GRANTOR": "SYSTEM",
        "GRANTABLE": grantable,
        "HIERARCHY": "NO",
        "COMMON": common,
    }


def on_column(grantee, privilege, owner, name, column, *, grantable="NO"):
    return {
        "GRANTEE": grantee,
        "PRIVILEGE": privilege,
        "OWNER": owner,
        "TABLE_NAME": name,
        "COLUMN_NAME": column,
        "GRANTOR": "SYSTEM",
        "GRANTABLE": grantable,
        "COMMON": "NO",
    }


def granted(grantee, name, *, admin="NO", default="YES", common="NO"):
    return {"GRANTEE": grantee, "GRANTED_ROLE": name, "ADMIN_OPTION": admin, "DEFAULT_ROLE": default, "COMMON": common}


def system(grantee, privilege, *, admin="NO", common="NO"):
    return {"GRANTEE": grantee, "PRIVILEGE": privilege, "ADMIN_OPTION": admin, "COMMON": common}


def on_schema(grantee, privilege, schema, *, admin="NO"):
    return {"GRANTEE": grantee, "PRIVILEGE": privilege, "SCHEMA": schema, "ADMIN_OPTION": admin, "COMMON": "NO"}


def quota(name, tablespace, most, *, dropped="NO"):
    return {"USERNAME": name, "TABLESPACE_NAME": tablespace, "MAX_BYTES": most, "BYTES": 4096, "DROPPED": dropped}


def limit(profile, resource, value):
    return {"PROFILE": profile, "RESOURCE_NAME": resource, "RESOURCE_TYPE": "PASSWORD", "LIMIT": value}


def proxy(name, client, role_name, constraint):
    return {"PROXY": name, "CLIENT": client, "ROLE": role_name, "AUTHORIZATION_CONSTRAINT": constraint}


def in_password_file(name, con_id, *held):
    privileges = ("SYSDBA", "SYSOPER", "SYSASM", "SYSBACKUP", "SYSDG", "SYSKM")
    return {"USERNAME": name, "CON_ID": con_id, **{known: str(known in held).upper() for known in privileges}}


# Of interest only in SALES, where somebody made an account and a role of these names.
OF_OUTLN_AND_DBA = [
    on_object("DBA", "SELECT", "SYS", "DBA_USERS", "VIEW"),
    on_object("OUTLN", "EXECUTE", "SYS", "OUTLN_PKG", "PACKAGE"),
    on_object("PUBLIC", "SELECT", "OUTLN", "OL$"),
]
OBJECT_PRIVILEGES = [
    on_object("APP_READ", "SELECT", "APP", "ORDERS"),
    on_object("APP_READ", "SELECT", "APP", "orders"),
    on_object("app", "EXECUTE", "APP", 'pkg"x', "PACKAGE", grantable="YES"),
    on_object("PUBLIC", "SELECT", "app", "NOTES"),
    on_object("SYS", "SELECT", "ORDERS", "LINES"),
    on_object("APP", "SELECT", "SYS", "DBA_USERS", "VIEW"),
    on_object("ORDERS_ADMIN", "READ", "SYS", "BACKUPS", "DIRECTORY", common="YES"),
    on_object("PUBLIC", "EXECUTE", "SYS", "UTL_FILE", "PACKAGE"),
]
# What Oracle grants its own accounts and everybody on its own objects.
ORACLES_OWN = [
    *OF_OUTLN_AND_DBA,
    on_object("PUBLIC", "SELECT", "SYS", "DUAL", "TABLE"),
    on_object("PUBLIC", "EXECUTE", "SYS", "XMLTYPE", "TYPE"),
    on_object("PUBLIC", "DEBUG", "SYS", "DBMS_DEBUG", "PACKAGE"),
]
DICTIONARY = {
    "DBA_USERS": [
        user(0, "SYS", common="YES", oracle="Y"),
        user(13, "OUTLN", "EXPIRED & LOCKED(TIMED)", oracle="Y", LOCK_DATE=LOCKED_AT, EXPIRY_DATE=EXPIRES),
        user(108, "APP", EXPIRY_DATE=EXPIRES, LAST_LOGIN=LOGGED_IN),
        user(109, "app", "LOCKED", LOCK_DATE=LOCKED_AT, PROFILE="STRICT"),
        user(110, 'a"b', authentication="NONE", PASSWORD_VERSIONS=None, PROXY_ONLY_CONNECT="Y"),
        user(111, "C##MON", common="YES", authentication="EXTERNAL", EXTERNAL_NAME="CN=mon", DEFAULT_TABLESPACE="APPS"),
        user(112, "ORDERS"),  # begins like an account of Oracle's
    ],
    "DBA_ROLES": [
        role("DBA", common="YES", oracle="Y"),
        role("APP_READ"),
        role("app_read", authentication="PASSWORD"),
        role("ORDERS_ADMIN", authentication="APPLICATION"),
    ],
    "DBA_ROLE_PRIVS": [
        granted("SYS", "DBA", admin="YES", common="YES"),
        granted("APP", "APP_READ"),
        granted("APP", "app_read", default="NO"),
        granted("APP_READ", "app_read", admin="YES"),
        granted("C##MON", "APP_READ", common="YES"),
        granted("C##MON", "APP_READ"),
    ],
    "DBA_SYS_PRIVS": [
        system("APP", "CREATE SESSION"),
        system("C##MON", "CREATE SESSION", common="YES"),
        system("C##MON", "CREATE SESSION"),
        system("DBA", "SELECT ANY TABLE", admin="YES", common="YES"),
        system("app_read", "GRANT ANY ROLE", admin="YES"),
    ],
    "DBA_TAB_PRIVS": [*OBJECT_PRIVILEGES, *ORACLES_OWN],
    "DBA_COL_PRIVS": [
        on_column("app", "UPDATE", "APP", "ORDERS", "AMOUNT", grantable="YES"),
        on_column("app", "UPDATE", "APP", "ORDERS", 'a"mount', grantable="YES"),
        on_column("APP_READ", "INSERT", "ORDERS", "LINES", "QUANTITY"),
    ],
    "DBA_PROFILES": [
        limit("DEFAULT", "PASSWORD_LOCK_TIME", "1"),
        limit("DEFAULT", "FAILED_LOGIN_ATTEMPTS", "10"),
        limit("STRICT", "PASSWORD_LOCK_TIME", "UNLIMITED"),
    ],
    "DBA_PROXIES": [
        proxy("APP", "ORDERS", None, "PROXY MAY ACTIVATE ALL CLIENT ROLES"),
        proxy("app", 'a"b', "APP_READ", "PROXY MAY ACTIVATE ROLE"),
    ],
    "DBA_TS_QUOTAS": [
        quota("APP", "USERS", -1),
        quota("app", "USERS", 5 * 1024**4),
        quota("APP", "GONE", -1, dropped="YES"),
        quota("ORDERS", "USERS", 0),
    ],
    **STORAGE,
}
SCHEMA_PRIVILEGES = [
    on_schema("APP", "SELECT ANY TABLE", "ORDERS", admin="YES"),
    on_schema("app", "INSERT ANY TABLE", "APP"),
]
INSTANCE = {
    **FILES,
    **REDO_LOGS,
    "V$PWFILE_USERS": [
        in_password_file("SYS", 0, "SYSDBA", "SYSOPER"),
        in_password_file("C##MON", 1, "SYSBACKUP", "SYSKM"),
        in_password_file("KEYS", 1, "SYSKM", "SYSOPER"),
        in_password_file("APP", 3, "SYSDG"),
        in_password_file("ASM", 1, "SYSASM", "SYSDBA"),
    ],
    "V$CONTAINERS": [
        {"CON_ID": 1, "NAME": ROOT, "OPEN_MODE": "READ WRITE", "RESTRICTED": "NO", "DBID": 7001},
        {"CON_ID": 3, "NAME": "SALES", "OPEN_MODE": "READ WRITE", "RESTRICTED": "NO", "DBID": 7003},
        {"CON_ID": 4, "NAME": "CLOSED", "OPEN_MODE": "MOUNTED", "RESTRICTED": None, "DBID": 7004},
        {"CON_ID": 5, "NAME": "UPGRADING", "OPEN_MODE": "READ WRITE", "RESTRICTED": "YES", "DBID": 7005},
    ],
    "DBA_PDBS": [
        {"PDB_ID": 3, "PDB_NAME": "SALES", "DBID": 7003, "STATUS": "NORMAL"},
        {"PDB_ID": 4, "PDB_NAME": "CLOSED", "DBID": 7004, "STATUS": "NORMAL"},
        {"PDB_ID": 5, "PDB_NAME": "UPGRADING", "DBID": 7005, "STATUS": "NORMAL"},
    ],
    "DBA_CONTAINER_DATA": [
        {"USERNAME": "C##MON", "DEFAULT_ATTR": "Y", "ALL_CONTAINERS": "Y"},
        {"USERNAME": "C##FEW", "DEFAULT_ATTR": "Y", "ALL_CONTAINERS": "N", "CONTAINER_NAME": "SALES"},
        {"USERNAME": "C##ONE", "DEFAULT_ATTR": "N", "ALL_CONTAINERS": "Y", "OWNER": "SYS", "OBJECT_NAME": "CDB_USERS"},
    ],
}


def made_here(view, column, name):
    """The rows of a view, of which one is not Oracle's."""
    return [{**row, "ORACLE_MAINTAINED": "N"} if row[column] == name else row for row in DICTIONARY[view]]


SALES = {
    **DICTIONARY,
    "DBA_USERS": made_here("DBA_USERS", "USERNAME", "OUTLN"),
    "DBA_ROLES": made_here("DBA_ROLES", "ROLE", "DBA"),
    **{view: [*STORAGE[view], *rows] for view, rows in OF_SALES.items()},
}


def cdb(version):
    """A CDB whose reader is in the root and sees all that is open: the root and SALES."""
    twin = catalog.load("oracle", version=version)
    twin.server({**_with_schema_privileges(DICTIONARY, version), **INSTANCE})
    for con_id, name in ((3, "SALES"), (4, "CLOSED"), (5, "UPGRADING")):
        twin.database(name, _with_schema_privileges(SALES, version), con_id=con_id)
    twin.visible -= {"CLOSED", "UPGRADING"}
    return _reader(twin, "1", ROOT)


def plain(version):
    """A database without containers."""
    twin = catalog.load("oracle", version=version, root="ORCL", con_id=0)
    views = ("V$PWFILE_USERS", *FILES, *REDO_LOGS)
    rows = {view: [{**row, "CON_ID": 0} for row in INSTANCE[view]] for view in views}
    twin.server({**_with_schema_privileges(DICTIONARY, version), **rows})
    return _reader(twin, "0", "ORCL")


def _with_schema_privileges(dictionary, version):
    return {**dictionary, "DBA_SCHEMA_PRIVS": SCHEMA_PRIVILEGES} if version >= (23,) else dictionary


def _reader(twin, con_id, con_name):
    for parameter, value in (("SESSION_USER", "C##MON"), ("CON_ID", con_id), ("CON_NAME", con_name)):
        twin.answer("SYS_CONTEXT", "USERENV", parameter, value=value)
    return twin
