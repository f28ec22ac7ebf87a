"""Names that the rule editor looks for while somebody types: of accounts and of roles."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

import dbms
from accounts_sync.models import AccountKind, InstanceAccount

ACCOUNTS_OFFERED, ROLES_OFFERED = 20, 100
MOST_TYPED = 256  # characters that are looked at
ROLES = (AccountKind.ROLE, AccountKind.GROUP)


def accounts(db_type: str, typed: str) -> dict[str, Any]:
    """{accounts: [{id, text}], has_more}: whose name begins with what is typed. One query.

    The same name is on many servers, so each is told with its instance, and "root orders" finds root on the
    instances with orders in their name.
    """
    text = typed.strip()[:MOST_TYPED]
    name, _space, instance = text.partition(" ")
    named = Q(username__istartswith=text)
    if instance:
        named |= Q(username__istartswith=name, instance__name__icontains=instance.strip())
    known = InstanceAccount.objects.active().filter(named, db_type=db_type, instance__deleted_at__isnull=True)
    ordered = known.select_related("instance").order_by("username", "host", "instance__name", "pk")
    found = list(ordered[: ACCOUNTS_OFFERED + 1])
    return {
        "accounts": [{"id": one.pk, "text": label(one)} for one in found[:ACCOUNTS_OFFERED]],
        "has_more": len(found) > ACCOUNTS_OFFERED,
    }


def label(account: InstanceAccount) -> str:
    """An account as nobody can take it for another."""
    kind = dict(dbms.choices()).get(account.db_type, account.db_type)
    return f"{account.display_name} — {account.instance.name} ({kind})"


def roles(db_type: str, typed: str) -> dict[str, Any]:
    """{names, has_more}: the roles whose name contains what is typed, as rules name them. One query."""
    text = typed[:MOST_TYPED]
    known = InstanceAccount.objects.active().filter(
        db_type=db_type, kind__in=ROLES, username__icontains=text, instance__deleted_at__isnull=True
    )
    found = list(known.order_by("username", "host").values_list("username", "host").distinct()[: ROLES_OFFERED + 1])
    names = dict.fromkeys(dbms.get(db_type).written_role(one) for one in found[:ROLES_OFFERED])
    return {"names": list(names), "has_more": len(found) > ROLES_OFFERED}
