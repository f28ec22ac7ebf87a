"""A SQL Server instance with everything that has misled a reader: its rows, as its catalogue would hold them.

Names with brackets and quotes, or alike but for letter case; denials; users without a login, a login without a sid;
files of 2.4 TB; permissions of every class whose ids are the same number, so that a join without its class finds more.
"""

from __future__ import annotations

import uuid

from tests.twins import catalog

SA, APP, UPPER, QUOTED, GONE = b"\x01", b"\x06app", b"\x06APP", b"\x06ob", b"\x06gone"
SALES, ODD = "sales", "we]ird.db"
GROUP, OTHER_GROUP = uuid.UUID(int=1), uuid.UUID(int=2)
SHARED_ID = 5  # of an object, a schema, a type, a principal, an assembly, keys and a certificate
PAGE_COUNTS = (
    "in_row_data_page_count", "in_row_used_page_count", "in_row_reserved_page_count", "lob_used_page_count",
    "lob_reserved_page_count", "row_overflow_used_page_count", "row_overflow_reserved_page_count", "used_page_count",
    "reserved_page_count", "row_count",
)  # fmt: skip
PAGES = 300_000_000  # 2.4 TB: times 8192 they overflow an int


def principal(id, name, type, sid, *, disabled=False, fixed=False, database="master"):
    return {
        "principal_id": id,
        "name": name,
        "type": type,
        "sid": sid,
        "is_disabled": disabled,
        "is_fixed_role": fixed,
        "default_database_name": database,
    }


def database(id, name, owner, **changes):
    return {"database_id": id, "name": name, "owner_sid": owner, "state": 0, "source_database_id": None,
            "is_distributor": False, "is_trustworthy_on": False, **changes}  # fmt: skip


def login(id, name, sid, *, policy, expiration):
    return {"principal_id": id, "name": name, "sid": sid, "is_disabled": sid == SA, "is_policy_checked": policy,
            "is_expiration_checked": expiration}  # fmt: skip


def user(id, name, type, sid, authentication, schema=None, *, fixed=False):
    return {
        "principal_id": id,
        "name": name,
        "type": type,
        "sid": sid,
        "authentication_type": authentication,
        "default_schema_name": schema,
        "is_fixed_role": fixed,
    }


def permission(class_, major, grantee, code, name, state, *, minor=0):
    return {
        "class": class_,
        "major_id": major,
        "minor_id": minor,
        "grantee_principal_id": grantee,
        "grantor_principal_id": 1,
        "type": code,
        "permission_name": name,
        "state": state,
    }


def partition(object_id, index, *, number=1, scale=1):
    """A row of sys.dm_db_partition_stats in which no two counts, nor sums of them, are the same."""
    counts = dict(zip(PAGE_COUNTS, (1, 2, 4, 8, 16, 32, 64, 128, 256, 1000), strict=True))
    return {
        "partition_id": 7_000_000_000 + object_id,
        "object_id": object_id,
        "index_id": index,
        "partition_number": number,
        **{name: count * scale for name, count in counts.items()},
    }


def member(role, of):
    return {"role_principal_id": role, "member_principal_id": of}


SERVER = {
    "sys.server_principals": [
        principal(1, "sa", "S", SA, disabled=True),
        principal(2, "public", "R", b"\x00R2"),
        principal(3, "sysadmin", "R", b"\x00R3", fixed=True),
        principal(4, "securityadmin", "R", b"\x00R4", fixed=True),
        principal(257, "app", "S", APP, database=SALES),
        principal(258, "APP", "S", UPPER),
        principal(259, "o'brien]x", "S", QUOTED, database=ODD),
        principal(260, "DOM\\dba", "G", b"\x05G"),
        principal(261, "audit role", "R", b"\x00R261"),
        principal(262, "##MS_AgentSigningCertificate##", "C", None),
    ],
    "sys.sql_logins": [
        login(1, "sa", SA, policy=False, expiration=False),
        login(257, "app", APP, policy=True, expiration=False),
        login(258, "APP", UPPER, policy=True, expiration=True),
        login(259, "o'brien]x", QUOTED, policy=False, expiration=True),
    ],
    "sys.server_role_members": [member(3, 1), member(3, 260), member(261, 257), member(4, 261)],
    "sys.server_permissions": [
        permission(100, 0, 257, "COSQ", "CONNECT SQL", "G"),
        permission(100, 0, 260, "COSQ", "CONNECT SQL", "D"),
        permission(100, 0, 258, "CL", "CONTROL SERVER", "W"),
        permission(101, 257, 259, "IM", "IMPERSONATE", "W"),
        permission(105, 4, 2, "CO", "CONNECT", "G"),
        permission(101, 4, 261, "VW", "VIEW DEFINITION", "G"),
        permission(105, 262, 258, "CO", "CONNECT", "D"),  # an endpoint that the reader does not see
        permission(108, 4, 258, "AL", "ALTER", "G"),
        permission(108, 257, 258, "CL", "CONTROL", "G"),  # of a group that the reader does not see
    ],
    "sys.endpoints": [
        {"endpoint_id": 4, "name": "TSQL Default TCP", "type": 2, "principal_id": 1},
        {"endpoint_id": 257, "name": "Mirroring", "type": 4, "principal_id": 260},
        {"endpoint_id": 0, "name": "Dedicated Admin Connection", "type": 2, "principal_id": 1},
    ],
    "sys.availability_groups": [
        {"group_id": GROUP, "name": "ag]1"},
        {"group_id": OTHER_GROUP, "name": "ag 2"},
    ],
    "sys.availability_replicas": [
        {"replica_id": OTHER_GROUP, "group_id": GROUP, "replica_metadata_id": 4},
        {"replica_id": GROUP, "group_id": OTHER_GROUP, "replica_metadata_id": 262},
        {"replica_id": uuid.UUID(int=3), "group_id": OTHER_GROUP, "replica_metadata_id": None},
    ],
    "sys.databases": [
        database(1, "master", SA),
        database(5, SALES, APP, is_trustworthy_on=True),
        database(6, ODD, None),
        database(7, "Sales", GONE, state=6),
        database(8, "distribution", SA, is_distributor=True),
        database(10, "sales before", APP, source_database_id=5),
    ],
    "sys.master_files": [
        {"database_id": 1, "file_id": 1, "type": 0, "size": 512},
        {"database_id": 1, "file_id": 2, "type": 1, "size": 128},
        {"database_id": 5, "file_id": 1, "type": 0, "size": PAGES},
        {"database_id": 5, "file_id": 2, "type": 1, "size": 1000},
        {"database_id": 5, "file_id": 3, "type": 0, "size": 8},
        {"database_id": 5, "file_id": 65537, "type": 2, "size": 0},
        {"database_id": 7, "file_id": 1, "type": 0, "size": 64},
        {"database_id": 9, "file_id": 1, "type": 0, "size": 64},  # of a database that the reader does not see
    ],
    "sys.dm_io_virtual_file_stats": [
        {"database_id": 5, "file_id": 1, "num_of_bytes_read": 11, "size_on_disk_bytes": PAGES * 8192},
        {"database_id": 9, "file_id": 1, "num_of_bytes_read": 12, "size_on_disk_bytes": 64 * 8192},
        {"database_id": 10, "file_id": 1, "num_of_bytes_read": 13, "size_on_disk_bytes": 3 * 65536},
        {"database_id": 10, "file_id": 3, "num_of_bytes_read": 14, "size_on_disk_bytes": 2**40},
    ],
}
DATABASE = {
    "sys.database_principals": [
        user(0, "public", "R", b"\x01\x05P", 0),
        user(1, "dbo", "S", APP, 1, "dbo"),
        user(2, "guest", "S", b"\x00", 0, "guest"),
        user(SHARED_ID, "rep_user", "S", QUOTED, 1, "shop"),
        user(6, "Rep_User", "S", GONE, 1, "dbo"),  # its login is gone
        user(7, "readers", "R", b"\x01\x05R", 0),
        user(8, "contained", "S", b"\x01\x05C", 2, "dbo"),
        user(9, "no login", "S", b"\x01\x05N", 0, "dbo"),
        user(10, "app role", "A", b"\x01\x05A", 0, "dbo"),
        user(11, "signer", "C", None, 0),
        user(16384, "db_owner", "R", b"\x01\x05\x40", 0, fixed=True),
    ],
    "sys.database_role_members": [member(16384, 1), member(7, SHARED_ID), member(16384, 7)],
    "sys.schemas": [
        {"schema_id": 1, "name": "dbo", "principal_id": 1},
        {"schema_id": SHARED_ID, "name": "shop", "principal_id": 7},
        {"schema_id": 7, "name": "Shop", "principal_id": SHARED_ID},
    ],
    "sys.all_objects": [
        {"object_id": SHARED_ID, "name": "or]ders", "schema_id": 7, "type": "U"},
        {"object_id": 101, "name": "p_pay", "schema_id": 1, "type": "P"},
        {"object_id": 102, "name": "P_Pay", "schema_id": 1, "type": "P"},
        {"object_id": -10, "name": "all_views", "schema_id": 1, "type": "V"},
    ],
    "sys.all_columns": [
        {"object_id": SHARED_ID, "column_id": 1, "name": "id"},
        {"object_id": SHARED_ID, "column_id": 2, "name": "am'ount"},
        {"object_id": 101, "column_id": 2, "name": "@p"},
    ],
    "sys.types": [
        {"user_type_id": SHARED_ID, "name": "money type", "schema_id": 1, "system_type_id": 60},
        {"user_type_id": 256, "name": "unused type", "schema_id": 7, "system_type_id": 60},
    ],
    "sys.assemblies": [
        {"assembly_id": SHARED_ID, "name": "clr lib", "principal_id": 1},
        {"assembly_id": 1, "name": "Microsoft.SqlServer.Types", "principal_id": 4},
    ],
    "sys.symmetric_keys": [
        {"symmetric_key_id": SHARED_ID, "name": "sym key", "principal_id": 1},
        {"symmetric_key_id": 101, "name": "##MS_DatabaseMasterKey##", "principal_id": 1},
    ],
    "sys.certificates": [
        {"certificate_id": SHARED_ID, "name": "cert", "principal_id": 1},
        {"certificate_id": 256, "name": "unused cert", "principal_id": 1},
    ],
    "sys.asymmetric_keys": [
        {"asymmetric_key_id": SHARED_ID, "name": "asym key", "principal_id": 1},
        {"asymmetric_key_id": 256, "name": "unused key", "principal_id": 1},
    ],
    **{
        f"sys.{view}": [
            {key: SHARED_ID, "name": name, "principal_id": 7, **changes},
            {key: 257, "name": f"unused {name}", "principal_id": SHARED_ID, **changes},
        ]
        for view, key, name, changes in (
            ("xml_schema_collections", "xml_collection_id", "xml] set", {"schema_id": 1}),
            ("service_message_types", "message_type_id", "//msg/Type", {}),
            ("service_contracts", "service_contract_id", "//msg/Contract", {}),
            ("services", "service_id", "//msg/Service", {}),
            ("remote_service_bindings", "remote_service_binding_id", "binding", {}),
            ("routes", "route_id", "route", {}),
            ("fulltext_catalogs", "fulltext_catalog_id", "ft catalog", {}),
        )
    },
    "sys.objects": [
        {"object_id": SHARED_ID, "name": "or]ders", "schema_id": 7, "type": "U"},
        {"object_id": 101, "name": "p_pay", "schema_id": 1, "type": "P"},
        {"object_id": 200, "name": "o'brien", "schema_id": SHARED_ID, "type": "U"},
        {"object_id": 201, "name": "O'Brien", "schema_id": SHARED_ID, "type": "V"},
        {"object_id": 202, "name": "hidden schema", "schema_id": 99, "type": "U"},
        {"object_id": 300, "name": "xml_index_nodes_200_1", "schema_id": 7, "type": "IT", "parent_object_id": 200},
        {"object_id": 301, "name": "sysallocunits", "schema_id": 7, "type": "S"},
    ],
    "sys.internal_tables": [
        {
            "object_id": 300,
            "name": "xml_index_nodes_200_1",
            "schema_id": 7,
            "type": "IT",
            "parent_id": 200,
            "internal_type": 202,
        },
    ],
    "sys.dm_db_partition_stats": [
        partition(SHARED_ID, 1, scale=PAGES),
        partition(SHARED_ID, 1, number=2, scale=3),
        partition(SHARED_ID, 2),
        partition(200, 0, scale=5),
        partition(200, 3, scale=7),
        partition(300, 1, scale=11),
        partition(201, 1, scale=13),
        *(partition(other, 1) for other in (101, 202, 301, 404)),
    ],
    "sys.database_files": [
        {"file_id": 1, "type": 0, "size": PAGES},
        {"file_id": 3, "type": 0, "size": PAGES},
        {"file_id": 2, "type": 1, "size": 64},
        {"file_id": 65537, "type": 2, "size": 128},
    ],
    "sys.database_permissions": [
        permission(0, 0, SHARED_ID, "CO", "CONNECT", "G"),
        permission(0, 0, 6, "CO", "CONNECT", "D"),
        permission(0, 0, 0, "VWCK", "VIEW ANY COLUMN ENCRYPTION KEY DEFINITION", "G"),
        permission(1, SHARED_ID, 7, "SL", "SELECT", "G"),
        permission(1, SHARED_ID, SHARED_ID, "SL", "SELECT", "G"),
        permission(1, SHARED_ID, SHARED_ID, "SL", "SELECT", "R", minor=2),
        permission(1, SHARED_ID, SHARED_ID, "UP", "UPDATE", "D", minor=1),
        permission(1, SHARED_ID, 7, "UP", "UPDATE", "G", minor=1),
        permission(1, SHARED_ID, SHARED_ID, "UP", "UPDATE", "D", minor=2),
        permission(1, 101, SHARED_ID, "EX", "EXECUTE", "W"),
        permission(1, 102, SHARED_ID, "EX", "EXECUTE", "W"),
        permission(1, -10, 0, "SL", "SELECT", "G"),  # public's on what the system brings
        permission(1, -10, 8, "SL", "SELECT", "D"),
        permission(1, SHARED_ID, 0, "SL", "SELECT", "G"),  # public's on what somebody made
        permission(3, SHARED_ID, 6, "SL", "SELECT", "G"),
        permission(4, SHARED_ID, 7, "IM", "IMPERSONATE", "G"),
        permission(5, SHARED_ID, 7, "CL", "CONTROL", "G"),
        permission(6, SHARED_ID, 7, "RF", "REFERENCES", "G"),
        permission(24, SHARED_ID, 7, "CL", "CONTROL", "G"),
        permission(25, SHARED_ID, 7, "CL", "CONTROL", "D"),
        permission(26, SHARED_ID, 7, "CL", "CONTROL", "W"),
        permission(10, SHARED_ID, 7, "EX", "EXECUTE", "G"),
        *(permission(class_, SHARED_ID, 7, "VW", "VIEW DEFINITION", "G") for class_ in (15, 16, 17, 18, 19, 23)),
        permission(17, 6, 7, "SN", "SEND", "G"),  # of a service that the reader does not see
    ],
}
ANSWERS = (
    ("SERVERPROPERTY", "Edition", "Enterprise Edition: Core-based Licensing (64-bit)"),
    ("SERVERPROPERTY", "EngineEdition", 3),
    ("SERVERPROPERTY", "ServerName", "TWIN\\A"),
    ("SUSER_SNAME", "DOM\\monitor"),
    ("HAS_PERMS_BY_NAME", None, None, "VIEW ANY DEFINITION", 1),
    ("HAS_PERMS_BY_NAME", None, None, "VIEW ANY DATABASE", 0),
    ("HAS_DBACCESS", "master", 1),
    ("HAS_DBACCESS", SALES, 1),
    ("HAS_DBACCESS", ODD, 0),
    ("LOGINPROPERTY", "app", "IsLocked", 1),
    ("LOGINPROPERTY", "app", "IsExpired", 0),
    ("LOGINPROPERTY", "app", "IsMustChange", 0),
    ("LOGINPROPERTY", "APP", "IsLocked", 0),
    ("LOGINPROPERTY", "APP", "IsExpired", 1),
    ("LOGINPROPERTY", "APP", "IsMustChange", 1),
    ("LOGINPROPERTY", "APP", "DaysUntilExpiration", 30),
    ("LOGINPROPERTY", "o'brien]x", "IsLocked", 0),
)
# What a version has beyond the one before: a permission, and its number.
SINCE_2022 = (("HAS_PERMS_BY_NAME", None, None, "VIEW ANY SECURITY DEFINITION", 1),)
NUMBERS = {2012: "11.0.7001.0", 2016: "13.0.6300.2", 2022: "16.0.4135.4"}


def sample(year):
    """The instance as a server of that year: master and two databases with the same catalogue, all names exact."""
    twin = catalog.load("sqlserver", version=(year,), case_sensitive=True)
    twin.server(SERVER)
    for name in (SALES, ODD):
        twin.database(name, DATABASE)
    answers = ANSWERS + (SINCE_2022 if year >= 2022 else ())
    for function, *arguments, value in (*answers, ("SERVERPROPERTY", "ProductVersion", NUMBERS[year])):
        twin.answer(function, *arguments, value=value)
    for database in ("master", SALES, ODD):
        # A name of one part, as an identifier is written: a plain one needs no brackets, one with a dot does.
        for written in {f"[{database.replace(']', ']]')}]", database} - {ODD}:
            twin.answer("HAS_PERMS_BY_NAME", written, "DATABASE", "VIEW DEFINITION", value=int(database != SALES))
            if year >= 2022:
                twin.answer("HAS_PERMS_BY_NAME", written, "DATABASE", "VIEW SECURITY DEFINITION", value=1)
    return twin
