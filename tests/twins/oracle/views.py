"""The views of the double: those of the data dictionary, of each container, and those about the server."""

from __future__ import annotations

import sqlite3

# View without its prefix → the columns that it has in every release since 12.1, as far as they matter here: "Oracle
# Database Reference". Those that end in _date are of the type DATE.
DICTIONARY = {
    "users": "username user_id password account_status lock_date expiry_date default_tablespace temporary_tablespace"
    " profile external_name password_versions authentication_type proxy_only_connect common oracle_maintained"
    " last_login",
    "roles": "role authentication_type common oracle_maintained",
    "role_privs": "grantee granted_role admin_option default_role common",
    "sys_privs": "grantee privilege admin_option common",
    "tab_privs": "grantee owner table_name grantor privilege grantable common type",
    "col_privs": "grantee owner table_name column_name grantor privilege grantable common",
    "schema_privs": "grantee privilege schema admin_option common",
    "proxies": "proxy client authentication authorization_constraint role",
    "ts_quotas": "tablespace_name username bytes max_bytes dropped",
    "data_files": "tablespace_name bytes autoextensible maxbytes",
    "temp_files": "tablespace_name bytes autoextensible maxbytes",
    "tablespaces": "tablespace_name block_size contents",
    "tablespace_usage_metrics": "tablespace_name used_space tablespace_size",
    "segments": "owner segment_name partition_name segment_type bytes",
    "tables": "owner table_name num_rows",
    "indexes": "owner index_name index_type table_owner table_name",
    "lobs": "owner table_name column_name segment_name index_name",
    "profiles": 'profile resource_name resource_type "limit"',
}
# V$ view → its columns beside CON_ID. A row of the container 0 is everybody's.
SERVER = {
    "v$pwfile_users": "username sysdba sysoper sysasm sysbackup sysdg syskm",
    "v$datafile": "bytes",
    "v$tempfile": "bytes",
    "v$log": "bytes members",
}


def make(tables: sqlite3.Connection) -> None:
    """Tables that hold the rows of all containers, and views of them as a session may see them.

    The functions seen(con_id) and here() of the connection say what that is.
    """
    run = tables.execute
    for view, columns in DICTIONARY.items():
        typed = ", ".join(f"{name} MOMENT" if name.endswith("_date") else name for name in columns.split())
        run(f"CREATE TABLE all_{view} (con_id, {typed})")
        plain = ", ".join(columns.split())
        run(f"CREATE VIEW cdb_{view} AS SELECT con_id, {plain} FROM all_{view} WHERE seen(con_id)")
        run(f"CREATE VIEW dba_{view} AS SELECT {plain} FROM all_{view} WHERE con_id = here()")
    for view, columns in SERVER.items():
        run(f"CREATE TABLE all_{view} (con_id, {', '.join(columns.split())})")
        run(f"CREATE VIEW {view} AS SELECT * FROM all_{view} WHERE con_id = 0 OR seen(con_id)")
    run("CREATE TABLE all_containers (con_id, name, open_mode, restricted)")
    run("CREATE VIEW v$containers AS SELECT * FROM all_containers WHERE seen(con_id)")
    run("CREATE VIEW dba_pdbs AS SELECT con_id AS pdb_id, name AS pdb_name FROM all_containers WHERE con_id > 1")
    run("CREATE TABLE dba_container_data (username, default_attr, all_containers, container_name)")
    run("CREATE TABLE one (dummy, sysdate MOMENT)")
    run("CREATE VIEW dual AS SELECT dummy, sysdate FROM one")
    run("INSERT INTO one VALUES ('X', NULL)")
