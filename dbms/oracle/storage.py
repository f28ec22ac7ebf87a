"""What the files of each container take on disk: as its dictionary says while it is open, else as the control file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field

from dbms.oracle.answers import Answers
from dbms.oracle.containers import OWN

PERMANENT = "PERMANENT"
DATA, TEMP, FILES = "data_files", "temp_files", "physical_files"
PHYSICAL = "v$datafile"

Place = tuple[int, str]  # (container, tablespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Bytes of all files of a container; `permanent` is None where nobody tells them from undo."""

    size: int
    permanent: int | None = None
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tablespace:
    """Bytes of the files of a tablespace: now, and when they have grown as far as they may; None: a file is offline."""

    size: int | None
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What is known of files, by container. `tablespaces` {(container, name)} are those of open containers."""

    allocations: Mapping[int, Allocation] = field(default_factory=dict)
    tablespaces: Mapping[Place, Tablespace] = field(default_factory=dict)
    used: Mapping[Place, int] = field(default_factory=dict)

    @property
    def containers(self) -> Set[int]:
        """The numbers of the containers that files are known of."""
        return self.allocations.keys() | {container for container, _ in self.tablespaces}


def read_storage(answers: Answers) -> Storage:
    """All that the statements about files and tablespaces answered; what could not be read is not there."""
    kinds: dict[Place, tuple[str, int]] = {
        (int(container), name): (contents, int(block))
        for container, name, contents, block in answers.rows_if_any("tablespaces")
    }
    tablespaces = dict(_tablespaces(answers))
    used = {
        (int(container), name): int(blocks) * kinds[int(container), name][1]
        for container, name, blocks in answers.rows_if_any("tablespace_usage")
        if blocks is not None and (int(container), name) in kinds
    }
    open_containers = {container for container, _ in tablespaces}
    by_dictionary = {} if answers.failed(DATA) or answers.failed(TEMP) else {
        container: allocation
        for container in open_containers
        if (allocation := _by_dictionary(answers, container, tablespaces, kinds)) is not None
    }  # fmt: skip
    return Storage(
        allocations={**dict(_by_control_file(answers)), **by_dictionary},
        tablespaces=tablespaces,
        used=used,
    )


def _tablespaces(answers: Answers) -> Iterator[tuple[Place, Tablespace]]:
    for noun in (DATA, TEMP):
        for container, name, size, most, unknown in answers.rows_if_any(noun):
            yield (
                (int(container), name),
                Tablespace(size=None, most=None) if unknown else Tablespace(size=int(size), most=int(most)),
            )


def _by_dictionary(
    answers: Answers, container: int, tablespaces: Mapping[Place, Tablespace], kinds: Mapping[Place, tuple[str, int]]
) -> Allocation | None:
    """The sum over a container's tablespaces; None when one of them does not tell the size of a file."""
    own = {place: tablespace for place, tablespace in tablespaces.items() if place[0] == container}
    if any(tablespace.size is None for tablespace in own.values()):
        return None
    permanent = [tablespace.size or 0 for place, tablespace in own.items() if kinds.get(place, ("",))[0] == PERMANENT]
    return Allocation(
        size=sum(tablespace.size or 0 for tablespace in own.values()),
        permanent=sum(permanent) if permanent else None,
        method=answers.needed(DATA).removeprefix("SYS.").lower(),
    )


def _by_control_file(answers: Answers) -> Iterator[tuple[int, Allocation]]:
    """What V$DATAFILE and V$TEMPFILE say of containers whose data files can all be accessed."""
    connection = answers.connection
    sizes: dict[int, int] = {}
    unknown = set()
    for number, kind, size, inaccessible in answers.rows_if_any(FILES):
        container = int(number) if connection.is_root else OWN
        if not connection.is_root and int(number) != connection.container:
            continue  # shared with the other containers
        sizes[container] = sizes.get(container, 0) + int(size or 0)
        if kind == "data" and inaccessible:
            unknown.add(container)
    yield from (
        (container, Allocation(size=size, method=PHYSICAL))
        for container, size in sizes.items()
        if container not in unknown and size
    )
