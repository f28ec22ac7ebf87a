"""Names as MySQL writes them: of accounts, which are user and host, of roles, and of objects."""

from __future__ import annotations

import re
from functools import lru_cache

Identity = tuple[str, str]  # (user, host), exactly as the grant tables hold them; a role of MariaDB has no host

PLAIN = re.compile(r"(?!\d+\Z)[0-9A-Za-z_$\u0080-\uffff]+")  # "Schema Object Names": needs no quotes
AMBIGUOUS = re.compile("[@`]| WITH ")  # could be taken for the @ before a host, a quote, or an option
ANY_HOST = "%"


@lru_cache(maxsize=4096)
def identifier(name: str) -> str:
    """The name of an object, in backticks where it needs them."""
    return name if PLAIN.fullmatch(name) else quoted(name)


def quoted(name: str) -> str:
    """A name in backticks."""
    return "`" + name.replace("`", "``") + "`"


def quoted_account(user: str, host: str) -> str:
    """An account in a statement; a role without host by its name alone."""
    return f"{quoted(user)}@{quoted(host)}" if host else quoted(user)


def written(identity: Identity) -> str:
    """user@host, in backticks where a reader could not tell them apart."""
    user, host = identity
    return quoted_account(user, host) if AMBIGUOUS.search(user + host) else f"{user}@{host}"


def written_role(identity: Identity) -> str:
    """A role as GRANT takes it: without the host when it is the one that a role gets by itself."""
    user, host = identity
    if host in ("", ANY_HOST):
        return quoted(user) if AMBIGUOUS.search(user) else user
    return written(identity)
