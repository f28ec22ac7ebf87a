"""Names as Oracle writes them: in capitals, or in quotes as they are."""

from __future__ import annotations

import re
from functools import lru_cache

PLAIN = re.compile(r"[A-Z][A-Z0-9_$#]*")  # "Database Object Naming Rules": needs no quotes


@lru_cache(maxsize=4096)
def identifier(name: str) -> str:
    """The name of an object, in double quotes where it needs them."""
    return name if PLAIN.fullmatch(name) else quoted(name)


def quoted(name: str) -> str:
    """A name in double quotes; no name of Oracle holds one."""
    return f'"{name}"'


def written_role(identity: tuple[str, str]) -> str:
    """A role as GRANT takes it, whatever container it is of."""
    return identifier(identity[0])


def account_name(login: str) -> str:
    """The account that a login means: as it stands in quotes, in capitals without them."""
    return login[1:-1] if len(login) > 1 and login[0] == login[-1] == '"' else login.upper()
