"""What the dashboard says of instances."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from instances.models import Instance
from whalefall.cards import Card

SHOWN = 3  # names on a card


def cards(request: HttpRequest) -> list[Card]:
    """How many instances are looked after, and which of them are not read and why."""
    if not request.user.has_perm("instances.view_instance"):
        return []
    numbers = Instance.objects.present().aggregate(
        active=Count("pk", filter=Q(is_active=True)),
        disabled=Count("pk", filter=Q(is_active=False)),
        suspended=Count("pk", filter=Q(is_active=True) & ~Q(rejected_login="")),
        unreachable=Count("pk", filter=Q(is_active=True, breaker_opened_at__isnull=False)),
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
        names = Instance.objects.active().suspended().order_by("-rejected_at").values_list("name", flat=True)[:SHOWN]
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
                % {"names": _few(names, suspended)},
                link=f"{link}?state=suspended",
                icon="lock_person",
                tone="bad",
                urgent=True,
            )
        )
    if unreachable := numbers["unreachable"]:
        names = Instance.objects.active().unreachable().order_by("-breaker_opened_at").values_list("name", flat=True)
        shown.append(
            Card(
                title=_("Unreachable"),
                value=str(unreachable),
                detail=ngettext(
                    "%(names)s: nobody could connect. Schedules only probe it until it answers.",
                    "%(names)s: nobody could connect. Schedules only probe them until they answer.",
                    unreachable,
                )
                % {"names": _few(names[:SHOWN], unreachable)},
                link=f"{link}?state=unreachable",
                icon="cloud_off",
                tone="bad",
            )
        )
    return shown


def _few(names: Iterable[str], count: int) -> str:
    return ", ".join(names) + (" …" if count > SHOWN else "")
