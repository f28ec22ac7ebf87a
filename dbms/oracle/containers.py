"""Which containers a read covers: the own one, and from the root of a CDB the pluggable databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from dbms.oracle.answers import NO_SELECT, Answers
from dbms.snapshots import SERVER, Coverage, pdb_scope
from whalefall.errors import PrivilegeMissing, RemoteError

OWN = 1  # the number that statements give the container of the login; in a CDB's root it is really 1
ALL = 0  # what pertains to the whole CDB
SEED = 2  # nobody logs in to the template of new PDBs
OPEN_MODES = ("READ WRITE", "READ ONLY")
ROOT_NOUNS = ("pdbs", "containers", "container_data")  # statements that only the root of a CDB is asked

NOT_VISIBLE = "not in the CONTAINER_DATA of the monitoring account"
RESTRICTED = "open in restricted mode only"
NO_PDB_LIST = "without CONTAINER_DATA=ALL nobody can say which pluggable databases exist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Containers:
    """What exists beside the root, each by its number: `pdbs` are those that can be read, `unread` says of the others
    why they cannot; `names` has them all, and the template of new ones."""

    pdbs: Mapping[int, str] = field(default_factory=dict)
    unread: Mapping[int, Coverage] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    is_list_complete: bool = True
    reason: str = ""


def read_containers(
    answers: Answers, *, seen: Set[int], failed: Coverage | None, beside: Iterable[str] = ()
) -> Containers:
    """What the login may see of a CDB, by the answers to ROOT_NOUNS.

    `seen` are the numbers of the containers that any row was read of. `failed` says why nothing of any PDB can be
    trusted, None when all was read. `beside` are further statements whose failure has no scope of its own to stand in.
    """
    lacking = _lacking(answers, (*ROOT_NOUNS, *beside))
    if not answers.connection.is_root:
        return Containers(is_list_complete=False, reason=lacking)
    try:
        names = {int(number): name for number, name in answers.rows("pdbs")}
    except RemoteError:
        return Containers(is_list_complete=False, reason=lacking)
    modes = {int(number): (mode, restricted) for number, mode, restricted in answers.rows_if_any("containers")}
    pdbs, unread = {}, {}
    for number, name in names.items():
        if number == SEED:
            continue
        status, reason = _state(modes.get(number), number in seen, can_list=not answers.failed("containers"))
        if status == "ok" and failed is not None:
            status, reason = failed.status, failed.reason
        if status == "ok":
            pdbs[number] = name
        else:
            unread[number] = Coverage(scope=pdb_scope(name), status=status, reason=reason)  # type: ignore[arg-type]
    sees_all = answers.connection.reader in {name for (name,) in answers.rows_if_any("container_data")}
    return Containers(
        pdbs=pdbs,
        unread=unread,
        names=names,
        is_list_complete=sees_all,
        reason=lacking if sees_all or answers.failed("container_data") else NO_PDB_LIST,
    )


def _state(mode: tuple[str, Any] | None, is_seen: bool, *, can_list: bool) -> tuple[str, str]:
    if mode is not None and mode[0] not in OPEN_MODES:
        return "offline", str(mode[0]).lower()
    if mode is not None and mode[1] == "YES":
        return "offline", RESTRICTED
    if not is_seen or (mode is None and can_list):
        return "denied", NOT_VISIBLE
    return "ok", ""


def _lacking(answers: Answers, nouns: Iterable[str]) -> str:
    """What all of these statements that failed lack; the words of the first that failed for another reason."""
    tables = []
    for noun in filter(answers.failed, nouns):
        try:
            answers.rows(noun)
        except PrivilegeMissing:
            tables.append(answers.needed(noun))
        except RemoteError as error:
            return answers.reason(noun, error)[1]
    return NO_SELECT.format(tables=", ".join(tables)) if tables else ""


def server_coverage(containers: Containers, categories: tuple[str, ...]) -> Coverage:
    """The own container's coverage."""
    return Coverage(scope=SERVER, status="ok", reason=containers.reason, categories=categories)
