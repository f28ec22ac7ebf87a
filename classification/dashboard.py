"""What the dashboard says of classes."""

from __future__ import annotations

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts_sync.models import InstanceAccount
from classification.account_filters import NONE, TOP, TOP_RISKS, held
from whalefall.cards import Card


def cards(request: HttpRequest) -> list[Card]:
    """How many accounts are dangerous, and how many nobody has a word for. One query."""
    allowed = ("classification.view_accountclassificationassignment", "accounts_sync.view_instanceaccount")
    if not request.user.has_perms(allowed):
        return []
    accounts = InstanceAccount.objects.listed().filter(instance__deleted_at__isnull=True)
    numbers = accounts.aggregate(
        dangerous=Count("pk", filter=Q(held(classification__risk_level__in=TOP_RISKS))),
        unclassified=Count("pk", filter=~Q(held())),
    )
    listed = reverse("admin:accounts_sync_instanceaccount_changelist")
    return [
        Card(
            title=_("Dangerous accounts"),
            value=str(numbers["dangerous"]),
            detail=_("in a class of risk level 1 or 2"),
            link=f"{listed}?risk={TOP}",
            icon="crisis_alert",
            tone="warning" if numbers["dangerous"] else "neutral",
        ),
        Card(
            title=_("Unclassified accounts"),
            value=str(numbers["unclassified"]),
            detail=_("in no class, by no rule and by nobody"),
            link=f"{listed}?class={NONE}",
            icon="help_center",
        ),
    ]
