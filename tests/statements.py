"""Compares docs/statements.md with the `.sql` files that it is made from: `python -m tests.statements [--write]`."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from dbms import statements
from dbms.statements import Statement

PAGE = Path(__file__).parent.parent / "docs" / "statements.md"
WRITE = "python -m tests.statements --write"
# The folders of dbms/ that have statements, in the page's order.
SECTIONS = {
    "postgresql": "PostgreSQL",
    "mysql": "MySQL and MariaDB",
    "sqlserver": "SQL Server",
    "oracle": "Oracle Database",
}
# What a variant is for, where it is not for every server.
VARIANTS = {"mariadb": "MariaDB", "cdb": "the root of a CDB"}
INTRODUCTION = f"""\
# Statements

All that WhaleFall asks of the servers that it looks after, made from the files in `dbms/` by
`{WRITE}`. Each only reads, is sent with a time-out, and begins with `/* whalefall */`, by
which it is found in a server's log. The statements that grant what they need: [Monitoring
accounts](monitoring-accounts.md).
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(part for key in SECTIONS for part in section(key))])


def section(key: str) -> Iterator[str]:
    """One server's statements, variants of one after another."""
    yield f"## {SECTIONS[key]}\n"
    for noun, variants in groupby(statements.load(f"dbms.{key}"), key=lambda statement: statement.noun):
        yield f"### {noun.replace('_', ' ').capitalize()}\n"
        for statement in variants:
            yield entry(statement)


def entry(statement: Statement) -> str:
    """What a statement returns and needs and where it is sent; its text, folded."""
    header = {part: re.sub(r"([*<])", r"\\\1", said) for part, said in statement.header.items()}
    code = statement.text.strip()
    return f"""\
- Returns: {header["Returns"]}
- Needs: {header["Needs"]}
- Sent to: {audience(statement)}

<details><summary>{statement.filename}</summary>

```sql
{code}
```

</details>
"""


def audience(statement: Statement) -> str:
    """The servers that a statement is for: "MariaDB, 10.4 up to, not including, 11.3.1"."""
    versions = f"{statement.header['Since']} and later"
    if statement.before:
        versions = f"{statement.header['Since']} up to, not including, {'.'.join(map(str, statement.before))}"
    return ", ".join(filter(None, [VARIANTS.get(statement.fork, ""), versions]))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.statements", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make the page anew")
    current = page()
    if parser.parse_args().write:
        PAGE.write_text(current, encoding="utf-8")
    written = PAGE.read_text(encoding="utf-8")
    lines = list(
        difflib.unified_diff(written.splitlines(), current.splitlines(), str(PAGE), "the .sql files", lineterm="")
    )
    if lines:
        print(*lines, f"Run: {WRITE}", sep="\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
