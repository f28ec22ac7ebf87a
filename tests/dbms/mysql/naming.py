"""How names are written: in statements, and in the categories of a snapshot."""

from __future__ import annotations

import re

PLAIN = re.compile("[0-9A-Za-z_$\x80-\U0010ffff]+")


def backticked(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def grantee(user: str, host: str) -> str:
    """A user as a statement names it."""
    return f"{backticked(user)}@{backticked(host)}"


def key(*parts: str) -> str:
    """An object in a category: "shop.t", or with backticks around what is no plain word."""
    return ".".join(
        part if PLAIN.fullmatch(part) and not re.fullmatch("[0-9]+", part) else backticked(part) for part in parts
    )


def identity(user: str, host: str) -> str:
    """Another account in a category."""
    if not host:  # a role
        return backticked(user) if set("@`") & set(user) else user
    return grantee(user, host) if set("@`") & set(user + host) else f"{user}@{host}"
