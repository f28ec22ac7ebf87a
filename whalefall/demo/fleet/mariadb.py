"""The demo's MariaDB server.

Plain SQL, run by root through the socket in the server's private directory. Nobody but the monitoring account needs to
log in, so no password fits the others. Some names are what an attacker or a careless colleague would choose; they have
to arrive unharmed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

from whalefall.demo import servers
from whalefall.demo.fleet.host import MONITOR, Change, Dbms, Host
from whalefall.demo.servers import ThrowawayServer

# The superuser without a password only through the private socket.
NO_ROOT_FROM_THE_NETWORK = "DROP USER root@'127.0.0.1';\n"
GRANT_TABLES = ("global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping", "proxies_priv")

NOBODY = "IDENTIFIED VIA mysql_native_password USING 'invalid'"
INJECTION = "x'; DROP TABLE sync_sessions; --"
PERCENT = "100%s of {everything}"
NEWLINE = "two\nlines"
LONGEST = "内容管理系统数据库管理员" * 6 + "第一小组组长乙班"  # 80 characters


def start(binary: Path) -> AbstractContextManager[ThrowawayServer]:
    """A server whose root exists at the socket only."""
    return servers.mariadb(binary, script=NO_ROOT_FROM_THE_NETWORK)


def prepare(server: ThrowawayServer, databases: tuple[str, ...], monitor_password: str) -> None:
    """Make the databases, and a monitoring account that may read the grant tables and sizes, and list databases."""
    monitor = (MONITOR, server.host)
    with _cursor(server, "mysql") as cursor:
        for database in databases:
            cursor.execute(f"CREATE DATABASE `{database}`")
        cursor.execute("CREATE USER %s@%s IDENTIFIED BY %s", (*monitor, monitor_password))
        cursor.execute("GRANT SHOW DATABASES, PROCESS, SHOW VIEW ON *.* TO %s@%s", monitor)
        for table in GRANT_TABLES:
            cursor.execute(f"GRANT SELECT ON {table} TO %s@%s", monitor)


def execute(server: ThrowawayServer, database: str, script: str) -> None:
    """Run a script in a database, down to its last statement."""
    with _cursor(server, database) as cursor:
        cursor.execute(script)
        while cursor.nextset() is not None:
            pass


@contextmanager
def _cursor(server: ThrowawayServer, database: str) -> Iterator[Any]:
    import MySQLdb  # not at the top: without its native library the rest of the demo works

    socket = str(server.directory / servers.MARIADB_SOCKET)
    connection = MySQLdb.connect(unix_socket=socket, user=server.superuser, database=database, charset="utf8mb4")
    with closing(connection), closing(connection.cursor()) as cursor:
        yield cursor


MARIADB = Dbms(
    name="MariaDB",
    db_type="mysql",
    package="mariadb-server-core",
    find=servers.installed_mariadb,
    start=start,
    prepare=prepare,
    execute=execute,
)

BLOG = Host(
    name="blog-primary",
    description="Blog: posts, comments, newsletters",
    dbms=MARIADB,
    databases=("blog", "blog_media", "newsletter_2024", "newsletter_2025", "newsletterXtest"),
    scripts=(
        (
            "blog",
            """
            CREATE TABLE posts (id int PRIMARY KEY, author int, title text, body text);
            CREATE TABLE comments (id int PRIMARY KEY, post int, author text, email text, body text);
            CREATE TABLE subscribers (id int PRIMARY KEY, email text, birthday date, card_token text);
            CREATE TABLE `odd.name``s` (id int);
            CREATE PROCEDURE unsubscribe(subscriber int) DELETE FROM subscribers WHERE id = subscriber;
            CREATE FUNCTION slug(title text) RETURNS text DETERMINISTIC RETURN lower(replace(title, ' ', '-'));
            INSERT INTO posts SELECT seq, seq % 7, concat('Post ', seq), repeat('Whales sing. ', 300)
                FROM seq_1_to_2000;
            INSERT INTO comments SELECT seq, seq % 2000, 'reader', 'reader@example.com', repeat('Yes! ', 20)
                FROM seq_1_to_5000;
            CREATE TABLE blog_media.thumbnails (id int PRIMARY KEY, image blob);
            INSERT INTO blog_media.thumbnails SELECT seq, repeat(char(seq), 20000) FROM seq_1_to_800;
            CREATE TABLE newsletter_2024.sent (id int PRIMARY KEY, email text, body text);
            INSERT INTO newsletter_2024.sent SELECT seq, 'reader@example.com', repeat('News! ', 100) FROM seq_1_to_3000;
            """,
        ),
        (
            "blog",
            f"""
            -- People who run the servers: superuser only through a role within a role.
            CREATE ROLE dba;
            GRANT ALL ON *.* TO dba WITH GRANT OPTION;
            CREATE ROLE on_call;
            GRANT dba TO on_call;
            CREATE USER 'anna.dba'@'10.20.%' {NOBODY};
            GRANT on_call TO 'anna.dba'@'10.20.%';
            SET DEFAULT ROLE on_call FOR 'anna.dba'@'10.20.%';
            CREATE USER 'li.wei'@'10.20.%' {NOBODY};
            CREATE USER helpdesk@'10.20.%' {NOBODY};
            GRANT CREATE USER, RELOAD, PROCESS ON *.* TO helpdesk@'10.20.%';
            -- The application: one name, three hosts, three accounts.
            CREATE USER blog_app@'10.20.30.%' {NOBODY} WITH MAX_USER_CONNECTIONS 50;
            CREATE USER blog_app@'%.blog.example.com' {NOBODY} REQUIRE SSL;
            CREATE USER blog_app@localhost IDENTIFIED VIA unix_socket;
            GRANT SELECT, INSERT, UPDATE, DELETE ON `blog`.* TO blog_app@'10.20.30.%';
            GRANT SELECT ON `blog`.* TO blog_app@'%.blog.example.com';
            GRANT ALL ON `blog`.* TO blog_app@localhost;
            -- What everybody forgets: whoever has no account gets this one.
            CREATE USER ''@localhost {NOBODY};
            GRANT SELECT ON blog_media.* TO ''@localhost;
            -- Readers, nested; the chief editor passes the role on.
            CREATE ROLE readers;
            CREATE ROLE editors;
            GRANT readers TO editors;
            GRANT SELECT ON blog.posts TO readers;
            GRANT SELECT ON blog.comments TO readers;
            GRANT INSERT, UPDATE, DELETE ON blog.posts TO editors;
            CREATE USER 'Zoë Müller'@'%' {NOBODY};
            CREATE USER '王芳'@'%' {NOBODY};
            GRANT editors TO 'Zoë Müller'@'%' WITH ADMIN OPTION;
            GRANT editors TO '王芳'@'%';
            SET DEFAULT ROLE editors FOR 'Zoë Müller'@'%';
            /*M!101100 GRANT EXECUTE ON FUNCTION blog.slug TO PUBLIC */;
            -- Patterns: one escaped, one that also reaches newsletterXtest.
            CREATE USER mailer@'10.20.40.%' {NOBODY};
            GRANT SELECT, INSERT ON `newsletter\\_%`.* TO mailer@'10.20.40.%';
            CREATE USER mail_reports@'10.20.40.%' {NOBODY};
            GRANT SELECT ON `newsletter_%`.* TO mail_reports@'10.20.40.%';
            -- Columns, routines, proxies.
            CREATE USER support@'10.20.%' {NOBODY};
            GRANT SELECT (id, email), UPDATE (email) ON blog.subscribers TO support@'10.20.%';
            GRANT EXECUTE ON PROCEDURE blog.unsubscribe TO support@'10.20.%';
            CREATE USER moderator@'10.20.%' {NOBODY};
            GRANT SELECT ON blog.comments TO moderator@'10.20.%' WITH GRANT OPTION;
            CREATE USER deploy@'10.20.50.1' {NOBODY};
            GRANT PROXY ON blog_app@localhost TO deploy@'10.20.50.1';
            CREATE USER replica@'10.20.0.0/255.255.0.0' {NOBODY};
            GRANT REPLICATION SLAVE ON *.* TO replica@'10.20.0.0/255.255.0.0';
            CREATE USER backup@localhost IDENTIFIED VIA unix_socket;
            GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER ON *.* TO backup@localhost;
            -- People who left, in the usual ways.
            CREATE USER former_admin@'%' {NOBODY} ACCOUNT LOCK;
            GRANT ALL ON *.* TO former_admin@'%' WITH GRANT OPTION;
            CREATE USER contractor@'%' {NOBODY} PASSWORD EXPIRE;
            GRANT SELECT ON blog.* TO contractor@'%';
            CREATE USER intern_2023@'%' {NOBODY} PASSWORD EXPIRE INTERVAL 90 DAY;
            CREATE USER left_last_month@'%' {NOBODY};
            GRANT SELECT ON blog.* TO left_last_month@'%';
            -- Names.
            CREATE USER `{INJECTION}`@'%' {NOBODY};
            CREATE USER '{PERCENT}'@'%' {NOBODY};
            CREATE USER '{NEWLINE}'@'%' {NOBODY};
            CREATE USER '{LONGEST}'@'%' {NOBODY};
            CREATE USER 'sales@example.com'@'%' {NOBODY};
            GRANT SELECT ON blog.`odd.name``s` TO '{PERCENT}'@'%';
            """,
        ),
    ),
    changes=(
        Change(
            database="blog",
            statement="GRANT DELETE ON blog.comments TO moderator@'10.20.%'",
            account="moderator@10.20.%",
            change_type="modify_privilege",
        ),
        Change(
            database="blog",
            statement="REVOKE UPDATE (email) ON blog.subscribers FROM support@'10.20.%'",
            account="support@10.20.%",
            change_type="modify_privilege",
        ),
        Change(
            database="blog",
            statement="GRANT on_call TO 'li.wei'@'10.20.%'",
            account="li.wei@10.20.%",
            change_type="modify_privilege",
        ),
        Change(
            database="blog",
            statement="ALTER USER contractor@'%' ACCOUNT LOCK",
            account="contractor@%",
            change_type="modify_other",
        ),
        Change(
            database="blog",
            statement=f"CREATE USER trainee@'10.20.%' {NOBODY}",
            account="trainee@10.20.%",
            change_type="add",
        ),
        Change(
            database="blog",
            statement="DROP USER left_last_month@'%'",
            account="left_last_month@%",
            change_type="delete",
        ),
    ),
)

HOSTS = (BLOG,)
