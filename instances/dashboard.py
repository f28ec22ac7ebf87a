"""What the dashboard says of instances."""

from __future__ import annotations

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from instances.models import Instance
from whalefall.cards import Card


def cards(request: HttpRequest) -> list[Card]:
    """How many instances are looked after, and which of them are not read because their login was rejected."""
    if not request.user.has_perm("instances.view_instance"):
        return []
    numbers = Instance.objects.present().aggregate(
        active=Count("pk", filter=Q(is_active=True)),
        disabled=Count("pk", filter=Q(is_active=False)),
        suspended=Count("pk", filter=Q(is_active=True) & ~Q(rejected_login="")),
    )
    link = reverse("admin:instances_instance_changelist")
    shown = [
        Card(
            title=_("Instances"),
            value=str(numbers["active"]),
            detail=_("%d disabled") % numbers["disabled"] if numbers["disabled"] else _("all of them active"),
            link=link,
            icon="database",
        )
    ]
    if suspended := numbers["suspended"]:
        names = Instance.objects.active().suspended().order_by("-rejected_at").values_list("name", flat=True)[:3]
        shown.append(
            Card(
                title=_("Credential suspended"),
                value=str(suspended),
                detail=ngettext(
                    "%(names)s: the login was rejected. Schedules leave it alone until the credential or the instance"
                    " changes, or a connection test succeeds.",
                    "%(names)s: the logins were rejected. Schedules leave them alone until the credential or the"
                    " instance changes, or a connection test succeeds.",
                    suspended,
                )
                % {"names": ", ".join(names) + (" …" if suspended > 3 else "")},
                link=f"{link}?state=suspended",
                icon="lock_person",
                tone="bad",
                urgent=True,
            )
        )
    return shown
