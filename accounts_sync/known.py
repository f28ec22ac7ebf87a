"""The last read that was stored to its end: an equal one has nothing to tell."""

from __future__ import annotations

from collections.abc import Mapping

import dbms
from dbms.snapshots import SERVER, AccountsSnapshot
from instances.models import Instance
from sessions_app.models import InstanceCoverage, SyncCategoryName

RULES_VERSION = 1  # rises when an equal read has to be stored in another way


def digest(instance: Instance) -> str:
    """What the last read of an instance amounted to; empty when it has to be read anew. One query."""
    rows = InstanceCoverage.objects.filter(
        instance=instance, sync_category=SyncCategoryName.ACCOUNT, scope=SERVER
    ).values_list("read_digest", flat=True)
    stamped = rows.first() or ""
    prefix = _prefix(instance)
    return stamped.removeprefix(prefix) if stamped.startswith(prefix) else ""


def stamp(instance: Instance, snapshot: AccountsSnapshot) -> str:
    """The digest of a read with the versions of what took it apart, to be stored; empty when it has none."""
    return _prefix(instance) + snapshot.digest if snapshot.digest else ""


def is_known(instance: Instance, snapshot: AccountsSnapshot, ledger: Mapping[str, InstanceCoverage]) -> bool:
    """Whether everything in a read is stored already."""
    return bool(snapshot.digest) and SERVER in ledger and ledger[SERVER].read_digest == stamp(instance, snapshot)


def _prefix(instance: Instance) -> str:
    adapter = dbms.get(instance.db_type)
    return f"{adapter.reader_version}.{adapter.facts_version}.{RULES_VERSION}:"
