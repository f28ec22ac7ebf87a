"""The login: O5LOGON with a verifier of 12c."""

from __future__ import annotations

import hashlib
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.twins.oracle import wire
from tests.twins.oracle.errors import OracleError
from tests.twins.oracle.wire import Reader

WRONG_LOGIN = 1017
VERIFIER_ITERATIONS, KEY_ITERATIONS = 4096, 3


def credentials(request: Reader) -> tuple[str, dict[str, str]]:
    """The account that a message of a login names, as it is written in quotes, and what else it says."""
    request.skip("bnnb")
    count = request.number()
    request.skip("bb")
    name = (request.value() or b"").decode()
    pairs = {}
    for _ in range(count):
        key = request.text()
        pairs[key] = request.text()
        request.number()
    return (name[1:-1] if name.startswith('"') else name.upper()), pairs


class Challenge:
    """One attempt to log in, with the password that would be right; None: there is no such account."""

    def __init__(self, password: str | None) -> None:
        self._password = os.urandom(16).hex() if password is None else password
        self._salt, self._key_salt = os.urandom(16), os.urandom(16)
        stretched = _stretched(self._password.encode(), self._salt + b"AUTH_PBKDF2_SPEEDY_KEY", 64, VERIFIER_ITERATIONS)
        self._verifier = hashlib.sha512(stretched + self._salt).digest()[:32]
        self._own_half = os.urandom(32)

    def question(self) -> bytes:
        """What the client has to know to prove that it knows the password."""
        return _parameters(
            ("AUTH_SESSKEY", _encrypted(self._verifier, self._own_half).hex().upper(), 0),
            ("AUTH_VFR_DATA", self._salt.hex().upper(), 0x4815),
            ("AUTH_PBKDF2_CSK_SALT", self._key_salt.hex().upper(), 0),
            ("AUTH_PBKDF2_VGEN_COUNT", str(VERIFIER_ITERATIONS), 0),
            ("AUTH_PBKDF2_SDER_COUNT", str(KEY_ITERATIONS), 0),
        )

    def key(self, pairs: dict[str, str]) -> bytes:
        """The key of the session. Raises OracleError when the password is wrong."""
        other_half = _decrypted(self._verifier, bytes.fromhex(pairs["AUTH_SESSKEY"]))
        both = (other_half[:32] + self._own_half).hex().upper().encode()
        key = _stretched(both, self._key_salt, 32, KEY_ITERATIONS)
        given = _decrypted(key, bytes.fromhex(pairs["AUTH_PASSWORD"]))
        if given[16 : -given[-1]] != self._password.encode():
            raise OracleError(WRONG_LOGIN, "invalid username/password; logon denied")
        return key


def welcome(key: bytes, *, version: int, service: str) -> bytes:
    """What a server says of itself to somebody whom it lets in."""
    proof = _encrypted(key, os.urandom(16) + b"SERVER_TO_CLIENT" + bytes([16]) * 16)
    return _parameters(
        ("AUTH_VERSION_NO", str(version), 0), ("AUTH_SVR_RESPONSE", proof.hex().upper(), 0),
        ("AUTH_SESSION_ID", "77", 0), ("AUTH_SERIAL_NUM", "5", 0), ("AUTH_SC_DBUNIQUE_NAME", "ORCL", 0),
        ("AUTH_SC_SERVICE_NAME", service, 0), ("AUTH_INSTANCENAME", "orcl", 0),
        ("AUTH_MAX_OPEN_CURSORS", "300", 0), ("AUTH_MAX_IDEN_LENGTH", "128", 0),
    )  # fmt: skip


def _parameters(*items: tuple[str, str, int]) -> bytes:
    written = (wire.text(key) + wire.text(value) + wire.number(flags) for key, value, flags in items)
    return b"\x08" + wire.number(len(items)) + b"".join(written) + wire.STATUS


def _stretched(key: bytes, salt: bytes, length: int, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", key, salt, iterations, length)


def _encrypted(key: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return cipher.update(data) + cipher.finalize()


def _decrypted(key: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor()
    return cipher.update(data) + cipher.finalize()
