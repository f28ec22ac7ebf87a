"""What the dashboard and a session's page say of accounts."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts_sync.models import AccountChangeLog, InstanceAccount
from sessions_app.models import SyncCategoryName, SyncSession
from whalefall.cards import Card

RECENT = timedelta(hours=24)


def cards(request: HttpRequest) -> list[Card]:
    """How many accounts are known, how many are superusers, and what changed in the last day."""
    shown: list[Card] = []
    if request.user.has_perm("accounts_sync.view_instanceaccount"):
        numbers = (
            InstanceAccount.objects.filter(instance__deleted_at__isnull=True)
            .listed()
            .aggregate(
                accounts=Count("pk"),
                instances=Count("instance", distinct=True),
                superusers=Count("pk", filter=Q(is_superuser=True)),
            )
        )
        link = _page("instanceaccount")
        shown.append(
            Card(
                title=_("Accounts"),
                value=str(numbers["accounts"]),
                detail=ngettext("on %d instance", "on %d instances", numbers["instances"]) % numbers["instances"],
                link=link,
                icon="badge",
            )
        )
        shown.append(
            Card(
                title=_("Superusers"),
                value=str(numbers["superusers"]),
                detail=_("directly or through a role"),
                link=f"{link}?is_superuser__exact=1" if link else "",
                icon="shield_person",
            )
        )
    if request.user.has_perm("accounts_sync.view_accountchangelog"):
        recent = AccountChangeLog.objects.filter(is_baseline=False, change_time__gte=timezone.now() - RECENT)
        shown.append(
            Card(
                title=_("Changes in 24 hours"),
                value=str(recent.count()),
                detail=_("accounts that came, went or changed"),
                link=_page("accountchangelog"),
                icon="history",
            )
        )
    return shown


def session_cards(request: HttpRequest, session: SyncSession) -> list[Card]:
    """What an account session changed."""
    allowed = request.user.has_perm("accounts_sync.view_accountchangelog")
    if session.sync_category != SyncCategoryName.ACCOUNT or not allowed:
        return []
    numbers = AccountChangeLog.objects.filter(session_uuid=session.session_id).aggregate(
        changes=Count("pk", filter=Q(is_baseline=False)), baseline=Count("pk", filter=Q(is_baseline=True))
    )
    link = _page("accountchangelog")
    return [
        Card(
            title=_("Account changes"),
            value=str(numbers["changes"]),
            detail=_("%d accounts seen for the first time") % numbers["baseline"] if numbers["baseline"] else "",
            link=f"{link}?session_uuid__exact={session.session_id}" if link else "",
            icon="history",
        )
    ]


def _page(model: str) -> str:
    try:
        return reverse(f"admin:accounts_sync_{model}_changelist")
    except NoReverseMatch:
        return ""
