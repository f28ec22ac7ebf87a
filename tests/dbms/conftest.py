"""Private servers with passwords and TLS, and shorthands to set a scene on any server."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg import sql

from dbms.base import Target
from tests.twins.oracle.database import Database
from tests.twins.oracle.server import OracleServer, serving
from whalefall.demo import servers
from whalefall.demo.servers import ThrowawayServer


@contextmanager
def admin_of(server: ThrowawayServer, database: str = "postgres", user: str = "postgres", **options):
    """A connection that sets the scene."""
    with psycopg.connect(
        host=server.host, port=server.port, user=user, dbname=database, autocommit=True, **options
    ) as connection:
        yield connection


def target_of(server: ThrowawayServer, **changes) -> Target:
    """Where a test reads from: the superuser without a password unless said otherwise."""
    values = {"username": server.superuser, "password": "", "connect_timeout": 5, "statement_timeout": 20}
    return Target(db_type="postgresql", host=server.host, port=server.port, **{**values, **changes})


class Scene:
    """Makes roles and databases on a server and takes them away again."""

    def __init__(self, server: ThrowawayServer) -> None:
        self.server = server
        self._databases: list[str] = []
        self._roles: list[str] = []

    def run(self, *statements: str | sql.Composed, database: str = "postgres", user: str = "postgres") -> None:
        with admin_of(self.server, database, user) as connection:
            for statement in statements:
                connection.execute(statement)

    def value(self, query: str, *parameters, database: str = "postgres", user: str = "postgres"):
        with admin_of(self.server, database, user) as connection:
            return connection.execute(query, parameters or None).fetchone()[0]

    def role(self, name: str, options: str = "LOGIN") -> str:
        self.run(sql.SQL("CREATE ROLE {} " + options).format(sql.Identifier(name)))
        self.adopt_role(name)
        return name

    def adopt_role(self, name: str) -> None:
        """Take a role away at the end that the test itself makes."""
        self._roles.append(name)

    def database(self, name: str, options: str = "") -> str:
        self.run(sql.SQL("CREATE DATABASE {} " + options).format(sql.Identifier(name)))
        self._databases.append(name)
        return name

    def clean(self) -> None:
        with admin_of(self.server) as connection:
            for name in self._databases:
                # PostgreSQL 15 and later: nothing may be connected any more
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            for name in self._roles:
                known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
                if known:
                    connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
            for name in self._roles:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


@pytest.fixture
def scene(postgresql: ThrowawayServer) -> Iterator[Scene]:
    """A scene on each generation of PostgreSQL."""
    scene = Scene(postgresql)
    yield scene
    scene.clean()


@dataclass(frozen=True)
class Authority:
    """A certificate authority for one test run."""

    pem: str
    issue: Callable[[str], tuple[bytes, bytes]]


def authority(name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)

    def builder(holder: x509.Name, public_key) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(holder)
            .issuer_name(subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    own = builder(subject, key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    pem = own.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def issue(address: str) -> tuple[bytes, bytes]:
        """(certificate, key) of a server at an address."""
        server_key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        holder = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
        certificate = builder(holder, server_key.public_key()).add_extension(names, False).sign(key, hashes.SHA256())
        return (
            certificate.public_bytes(serialization.Encoding.PEM),
            server_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )

    return Authority(pem=pem, issue=issue)


@pytest.fixture(scope="session")
def trusted_ca() -> Authority:
    return authority("trusted")


@pytest.fixture(scope="session")
def other_ca() -> Authority:
    return authority("somebody else")


@pytest.fixture(scope="session")
def guarded(trusted_ca: Authority) -> Iterator[ThrowawayServer]:
    """A server that asks for passwords, offers TLS and turns some logins and databases away."""
    certificate, key = trusted_ca.issue("127.0.0.1")
    rules = (
        "host all postgres 127.0.0.1/32 trust",
        "host closed_database all all reject",
        "hostssl all tls_only all scram-sha-256",
        "hostnossl all tls_only all reject",
        "host all unwanted all reject",
        "host all passwordless all trust",
        "host all all 127.0.0.1/32 scram-sha-256",
    )
    with servers.postgresql(
        servers.installed_postgresql(),
        hba="\n".join(rules) + "\n",
        files={"server.crt": certificate, "server.key": key},
        settings={"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "log_statement": "all"},
    ) as server:
        yield server


@pytest.fixture(scope="session")
def guarded_mariadb(trusted_ca: Authority) -> Iterator[ThrowawayServer]:
    """A MariaDB server that offers TLS and writes down every statement that it gets."""
    certificate, key = trusted_ca.issue("127.0.0.1")
    with servers.mariadb(
        servers.installed_mariadb(),
        files={"server.crt": certificate, "server.key": key},
        # relative to the data directory
        settings={
            "ssl-cert": "../server.crt",
            "ssl-key": "../server.key",
            "general-log": "1",
            "general-log-file": "general",
            "max-user-connections": "150",  # so that a test can change it
        },
    ) as server:
        yield server


@pytest.fixture(scope="session")
def oracle_certificate(trusted_ca: Authority, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """What a double shows to those who ask for TLS."""
    certificate, key = trusted_ca.issue("127.0.0.1")
    directory = tmp_path_factory.mktemp("oracle")
    for name, content in (("server.crt", certificate), ("server.key", key)):
        (directory / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.crt", directory / "server.key")
    return context


@pytest.fixture
def oracle_server(oracle_certificate: ssl.SSLContext) -> Iterator[OracleServer]:
    """A double of a CDB without pluggable databases, whose administrator is SYSTEM."""
    database = Database(is_cdb=True)
    database.add_login("SYSTEM", "manager", is_known=True)
    database.grant_all_containers("SYSTEM")
    with serving(database, tls=oracle_certificate) as server:
        yield server


@pytest.fixture
def oracle_without_tls() -> Iterator[OracleServer]:
    with serving(Database()) as server:
        yield server
