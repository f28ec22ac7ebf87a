"""The `.sql` files of an adapter: one statement each, with a header that says what it needs and returns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# A line that goes on with a part is indented.
HEADER = re.compile(r"^-- (Returns|Needs|Since): (.+(?:\n--  .+)*)$", re.MULTILINE)
CONTINUATION = re.compile(r"\s*\n--\s+")
NAME = re.compile(r"^(?P<noun>[a-z_]+)(?:\.(?P<fork>mariadb|cdb))?(?:\.before_(?P<before>[0-9_]+))?\.sql$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One `.sql` file. `before` is the first version that must not use it; empty for the current variant.

    `fork` is the fork or kind of server that it is for; empty for every server that has no variant of its own.
    """

    noun: str
    fork: str
    filename: str
    before: tuple[int, ...]
    text: str
    header: dict[str, str]


@cache
def load(package: str) -> tuple[Statement, ...]:
    """Every statement of a package's `sql` folder, in the order of their file names."""
    found = []
    for path in sorted(files(package).joinpath("sql").iterdir(), key=lambda path: path.name):
        match = NAME.match(path.name)
        if match is None:
            raise ValueError(f"{package}/sql/{path.name} is not named <noun>[.<fork>][.before_<version>].sql")
        text = path.read_text(encoding="utf-8")
        before = tuple(int(part) for part in match["before"].split("_")) if match["before"] else ()
        found.append(
            Statement(
                noun=match["noun"],
                fork=match["fork"] or "",
                filename=path.name,
                before=before,
                text=text,
                header={part: CONTINUATION.sub(" ", said) for part, said in HEADER.findall(text)},
            )
        )
    return tuple(found)


@cache
def find(package: str, noun: str, version: tuple[int, ...], fork: str = "") -> Statement:
    """The variant of a statement for a server: its fork's if there is one, and of these the oldest `before_…` that is
    still newer than its version."""
    named = [statement for statement in load(package) if statement.noun == noun]
    variants = [statement for statement in named if statement.fork == fork] if fork else []
    variants = variants or [statement for statement in named if not statement.fork]
    if not variants:
        raise LookupError(f"{package} has no statement {noun}")
    fitting = [statement for statement in variants if statement.before and version < statement.before]
    if fitting:
        return min(fitting, key=lambda statement: statement.before)
    return next(statement for statement in variants if not statement.before)


def text(package: str, noun: str, version: tuple[int, ...], fork: str = "") -> str:
    """The text of that variant."""
    return find(package, noun, version, fork).text
