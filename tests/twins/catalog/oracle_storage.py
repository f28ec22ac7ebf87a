"""Files, tablespaces and segments as a container's dictionary and the control file hold them.

Sizes beyond 32 bits, files that may grow and that may not, that shrank below nothing more than their limit, that are
offline; tables in partitions, in an index, in a cluster, with large objects, and named like an index.
"""

from __future__ import annotations

KB, TB = 1024, 1024**4


def file(number, tablespace, size, most=0, *, grows="NO"):
    return {
        "FILE_NAME": f"/u02/{number}.dbf",
        "FILE_ID": number,
        "RELATIVE_FNO": number + 1000,
        "TABLESPACE_NAME": tablespace,
        "BYTES": size,
        "BLOCKS": number + 20,
        "STATUS": "AVAILABLE",
        "AUTOEXTENSIBLE": grows,
        "MAXBYTES": most,
        "MAXBLOCKS": number + 30,
        "INCREMENT_BY": number + 40,
        "USER_BYTES": number + 50,
        "USER_BLOCKS": number + 60,
    }


def temp_file(number, tablespace, size, most=0, *, grows="NO"):
    return {**file(number, tablespace, size, most, grows=grows), "STATUS": "ONLINE"}


def tablespace(name, contents, block):
    return {"TABLESPACE_NAME": name, "BLOCK_SIZE": block, "CONTENTS": contents, "STATUS": "ONLINE", "MAX_SIZE": 7}


def usage(name, blocks, most):
    return {"TABLESPACE_NAME": name, "USED_SPACE": blocks, "TABLESPACE_SIZE": most, "USED_PERCENT": 3}


def segment(owner, name, type_, size, partition=None):
    blocks = {"BLOCKS": size + 1, "EXTENTS": size + 2, "HEADER_FILE": size + 3, "HEADER_BLOCK": size + 4}
    place = {"OWNER": owner, "SEGMENT_NAME": name, "PARTITION_NAME": partition, "TABLESPACE_NAME": "USERS"}
    return {**place, **blocks, "SEGMENT_TYPE": type_, "BYTES": size}


def index(owner, name, type_, table_owner, table):
    of = {"TABLE_OWNER": table_owner, "TABLE_NAME": table}
    return {"OWNER": owner, "INDEX_NAME": name, "INDEX_TYPE": type_, "TABLESPACE_NAME": "USERS", **of}


def lob(owner, table, segment_name, index_name):
    names = {"SEGMENT_NAME": segment_name, "INDEX_NAME": index_name}
    return {"OWNER": owner, "TABLE_NAME": table, "COLUMN_NAME": "TEXT", "TABLESPACE_NAME": "USERS", **names}


def table(owner, name, rows):
    counted = {"NUM_ROWS": rows, "BLOCKS": 11, "AVG_ROW_LEN": 12}
    return {"OWNER": owner, "TABLE_NAME": name, "TABLESPACE_NAME": "USERS", **counted}


def physical(number, con_id, size):
    numbers = {"FILE#": number, "CREATION_CHANGE#": 5, "TS#": number + 10, "RFILE#": number + 20}
    sizes = {"BYTES": size, "BLOCKS": number + 30, "CREATE_BYTES": number + 40, "BLOCK_SIZE": 8192}
    return {**numbers, **sizes, "NAME": f"/u02/{number}.dbf", "CON_ID": con_id}


def redo_log(group, size, members):
    numbers = {"GROUP#": group, "THREAD#": 1, "SEQUENCE#": 900 + group, "FIRST_CHANGE#": 70 + group}
    return {**numbers, "BYTES": size, "MEMBERS": members, "BLOCKSIZE": 512, "NEXT_CHANGE#": 80 + group, "CON_ID": 0}


STORAGE = {
    "DBA_DATA_FILES": [
        file(1, "SYSTEM", 900 * KB),
        file(2, "USERS", 2 * TB, 32 * TB, grows="YES"),
        file(3, "USERS", 1 * TB, 5 * TB),  # was set to grow once
        file(4, "users", 64 * KB, 32 * KB, grows="YES"),  # resized beyond its limit
        file(5, "UNDOTBS1", 300 * KB, 400 * KB, grows="YES"),
        file(6, "ARCHIVE", 10 * KB),
        file(7, "ARCHIVE", None),
        file(8, "GONE", None),
    ],
    "DBA_TEMP_FILES": [
        temp_file(1, "TEMP", 70 * KB, 90 * KB, grows="YES"),
        temp_file(2, "TEMP", 20 * KB, 95 * KB),
        temp_file(3, "temp", 16 * KB, 8 * KB, grows="YES"),
        temp_file(4, "temp", None),
    ],
    "DBA_TABLESPACES": [
        tablespace("SYSTEM", "PERMANENT", 8192),
        tablespace("USERS", "PERMANENT", 16384),
        tablespace("users", "PERMANENT", 8192),
        tablespace("UNDOTBS1", "UNDO", 8192),
        tablespace("TEMP", "TEMPORARY", 8192),
    ],
    "DBA_TABLESPACE_USAGE_METRICS": [usage("USERS", 7_000_000_000, 9_000_000_000), usage("users", 3, 4)],
    "DBA_SEGMENTS": [
        segment("APP", "ORDERS", "TABLE", 3 * TB),
        segment("APP", "orders", "TABLE", 5),
        segment("app", "ORDERS", "TABLE", 6),
        segment("APP", "LINES", "TABLE PARTITION", 100, "P1"),
        segment("APP", "LINES", "TABLE SUBPARTITION", 250, "P2"),
        segment("APP", "ORDERS", "INDEX", 300),  # an index may be called as its table is
        segment("DBA_OF_APP", "IX", "INDEX PARTITION", 40, "P1"),
        segment("DBA_OF_APP", "IX", "INDEX SUBPARTITION", 45, "P2"),
        segment("DBA_OF_APP", "IX", "TABLE", 17),
        segment("APP", "IX", "INDEX", 2_000),
        segment("APP", "SYS_LOB1", "LOBSEGMENT", 5_000),
        segment("APP", "SYS_LOB1", "TABLE", 4_000),
        segment("APP", "SYS_LOB2", "LOB PARTITION", 600, "P1"),
        segment("APP", "SYS_LOB2", "LOB SUBPARTITION", 700, "P2"),
        segment("DBA_OF_APP", "SYS_LOB2", "LOBSEGMENT", 9_000),
        segment("APP", "SYS_IL1", "LOBINDEX", 20),
        segment("APP", "PK_CODES", "INDEX", 70),
        segment("APP", "CLUSTERED", "CLUSTER", 800),
        segment("APP", "IX_CLUSTERED", "INDEX", 30),
        segment("APP", "TAGS", "NESTED TABLE", 13),
        segment("SYS", "_SYSSMU1$", "TYPE2 UNDO", 99),
    ],
    "DBA_INDEXES": [
        index("APP", "ORDERS", "NORMAL", "APP", "ORDERS"),
        index("DBA_OF_APP", "IX", "BITMAP", "APP", "LINES"),
        index("APP", "IX", "NORMAL", "app", "ORDERS"),
        index("APP", "SYS_IL1", "LOB", "APP", "ORDERS"),
        index("APP", "PK_CODES", "IOT - TOP", "APP", "CODES"),
        index("APP", "IX_CLUSTERED", "CLUSTER", "APP", "CLUSTERED"),
    ],
    "DBA_LOBS": [
        lob("APP", "ORDERS", "SYS_LOB1", "SYS_IL1"),
        lob("APP", "LINES", "SYS_LOB2", "SYS_IL2"),
        lob("DBA_OF_APP", "IX", "SYS_LOB2", "SYS_IL3"),
    ],
    "DBA_TABLES": [
        table("APP", "ORDERS", 10**12),
        table("app", "ORDERS", 2),
        table("APP", "LINES", None),
        table("APP", "CODES", 4),
        table("DBA_OF_APP", "IX", 0),
    ],
}
FILES = {
    "V$DATAFILE": [
        physical(1, 1, 900 * KB),
        physical(2, 1, 3 * TB),
        physical(3, 2, 500 * KB),
        physical(4, 3, 40 * KB),
        physical(5, 4, 50 * KB),
        physical(6, 4, 0),
        physical(7, 4, 0),
    ],
    "V$TEMPFILE": [
        physical(1, 1, 90 * KB),
        physical(2, 4, 0),
        physical(3, 4, 8 * KB),
        physical(4, 4, 0),
        physical(5, 4, 2 * KB),
    ],
}
REDO_LOGS = {"V$LOG": [redo_log(1, 3 * TB, 2), redo_log(2, 200 * KB, 1), redo_log(3, 200 * KB, 3)]}
# Of SALES alone.
OF_SALES = {
    "DBA_SEGMENTS": [
        segment("APP", "ONLY HERE", "TABLE", 30),
        segment("APP", "IX_HERE", "INDEX", 31),
        segment("APP", "SYS_LOB9", "LOBSEGMENT", 32),
    ],
    "DBA_INDEXES": [index("APP", "IX_HERE", "NORMAL", "APP", "ONLY HERE")],
    "DBA_LOBS": [lob("APP", "ONLY HERE", "SYS_LOB9", "SYS_IL9")],
    "DBA_TABLES": [table("APP", "ONLY HERE", 33)],
}
# What the statements make of it.
SIZES = {
    "data_files": [
        ("SYSTEM", 900 * KB, 900 * KB, 0),
        ("USERS", 3 * TB, 33 * TB, 0),
        ("users", 64 * KB, 64 * KB, 0),
        ("UNDOTBS1", 300 * KB, 400 * KB, 0),
        ("ARCHIVE", 10 * KB, 10 * KB, 1),
        ("GONE", None, None, 1),
    ],
    "temp_files": [("TEMP", 90 * KB, 110 * KB, 0), ("temp", 16 * KB, 16 * KB, 1)],
    "tablespaces": [
        ("SYSTEM", "PERMANENT", 8192),
        ("USERS", "PERMANENT", 16384),
        ("users", "PERMANENT", 8192),
        ("UNDOTBS1", "UNDO", 8192),
        ("TEMP", "TEMPORARY", 8192),
    ],
    "tablespace_usage": [("USERS", 7_000_000_000), ("users", 3)],
    "schema_sizes": [("APP", 3 * TB + 13_888), ("app", 6), ("DBA_OF_APP", 9_102), ("SYS", 99)],
}
TABLE_SIZES = [
    ("APP", "ORDERS", 3 * TB + 5_000, 320, 10**12),
    ("DBA_OF_APP", "IX", 9_017, 0, 0),
    ("APP", "SYS_LOB1", 4_000, 0, None),
    ("app", "ORDERS", 6, 2_000, 2),
    ("APP", "LINES", 1_650, 85, None),
    ("APP", "ONLY HERE", 62, 31, 33),
    ("APP", "CODES", 70, 0, 4),
    ("APP", "TAGS", 13, 0, None),
    ("APP", "orders", 5, 0, None),
]
PHYSICAL = {
    True: [
        (1, "data", 3 * TB + 900 * KB, 0),
        (2, "data", 500 * KB, 0),
        (3, "data", 40 * KB, 0),
        (4, "data", 50 * KB, 2),
        (1, "temp", 90 * KB, 0),
        (4, "temp", 10 * KB, 2),
    ],
    False: [(0, "data", 3 * TB + 1490 * KB, 2), (0, "temp", 100 * KB, 2)],
}
ALL_REDO_LOGS = [(3 * TB, 2), (200 * KB, 1), (200 * KB, 3)]
