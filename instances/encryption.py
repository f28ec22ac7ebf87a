"""Encryption at rest for passwords: MultiFernet, so that keys can rotate."""

from __future__ import annotations

from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "WHALEFALL_ENCRYPTION_KEYS holds a value that is not a Fernet key (32 url-safe base64-encoded bytes)."
        ) from error


def cipher() -> MultiFernet:
    """Encrypts with the newest key and decrypts with any of ENCRYPTION_KEYS."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS))


def encrypt(text: str) -> str:
    """The ciphertext to store."""
    return cipher().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The plain text. Raises InvalidToken when no key fits."""
    return cipher().decrypt(token.encode()).decode()


def rotate(token: str) -> str:
    """The same text under the newest key. Raises InvalidToken when no key fits."""
    return cipher().rotate(token.encode()).decode()


__all__ = ["InvalidToken", "cipher", "decrypt", "encrypt", "rotate"]
