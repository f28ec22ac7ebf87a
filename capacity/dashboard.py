"""What the dashboard and a session's page say of sizes."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from capacity import freshness, units
from capacity.models import GrowthEvent, InstanceDatabase, InstanceSizeStat
from instances.models import Instance
from sessions_app.models import SyncCategoryName, SyncSession
from whalefall.cards import Card

RECENT = timedelta(hours=24)
WEEK = timedelta(days=7)
NAMES = 3  # on a card


def cards(request: HttpRequest) -> list[Card]:
    """How large the fleet is and how that develops, what grew suddenly, and what is not measured."""
    shown: list[Card] = []
    if request.user.has_perm("capacity.view_instancedatabase"):
        shown += [_total(), *_unmeasured(), *_overdue()]
    if request.user.has_perm("capacity.view_growthevent"):
        shown.append(_grown())
    return shown


def session_cards(request: HttpRequest, session: SyncSession) -> list[Card]:
    """What a capacity session measured: while it runs, up to now."""
    allowed = request.user.has_perm("capacity.view_instancedatabase")
    if session.sync_category != SyncCategoryName.CAPACITY or not allowed:
        return []
    metrics = session.summary.get("metrics", {}) if session.is_final else {}
    # Frozen at the end: a later session of the same day takes over the rows of the totals.
    size, databases = metrics.get("total_size_bytes"), metrics.get("items_synced")
    if size is None or databases is None:
        live = InstanceSizeStat.objects.filter(session=session).aggregate(
            size=Sum("total_size_bytes", default=0), databases=Sum("database_count", default=0)
        )
        size, databases = live["size"], live["databases"]
    return [
        Card(
            title=_("Total size"),
            value=units.readable(size),
            detail=ngettext("%d database read", "%d databases read", databases) % databases,
            link=_page("instancedatabase"),
            icon="hard_drive",
        )
    ]


def _total() -> Card:
    numbers = InstanceDatabase.objects.listed().aggregate(
        size=Sum("size_bytes", default=0), databases=Count("pk"), instances=Count("instance", distinct=True)
    )
    detail = _("%(databases)d databases on %(instances)d instances") % numbers
    if change := _change():
        signed = f"{'+' if change > 0 else '−'}{units.readable(abs(change))}"
        detail += " · " + _("%(change)s in 7 days") % {"change": signed}
    elif change == 0:
        detail += " · " + _("unchanged in 7 days")
    return Card(
        title=_("Total size"),
        value=units.readable(numbers["size"]),
        detail=detail,
        link=_page("instancedatabase"),
        icon="hard_drive",
    )


def _change() -> int | None:
    """By how many bytes the instances grew in a week of which both ends are known completely; None when none is.

    An instance that came meanwhile is no growth.
    """
    today = timezone.localdate()
    now = _complete_totals().filter(collected_date__gt=today - WEEK)
    before = _complete_totals().filter(collected_date__range=(today - 2 * WEEK, today - WEEK))
    found = (
        Instance.objects.present()
        .annotate(
            now=Subquery(now.values("total_size_bytes")[:1]), before=Subquery(before.values("total_size_bytes")[:1])
        )
        .aggregate(change=Sum(F("now") - F("before"), filter=Q(now__isnull=False, before__isnull=False)))
    )
    change: int | None = found["change"]
    return change


def _complete_totals() -> QuerySet[InstanceSizeStat]:
    return InstanceSizeStat.objects.filter(instance=OuterRef("pk"), is_complete=True).order_by("-collected_date")


def _grown() -> Card:
    recent = GrowthEvent.objects.filter(instance__deleted_at__isnull=True, created_at__gte=timezone.now() - RECENT)
    count = recent.count()
    largest = recent.order_by((F("size_before") - F("size_after")).asc(), "pk")[:NAMES] if count else ()
    names = ", ".join(f"{event.database_name} +{units.readable(event.growth_bytes)}" for event in largest)
    return Card(
        title=_("Grown in 24 hours"),
        value=str(count),
        detail=names + (" …" if count > NAMES else "") if count else _("no database grew suddenly"),
        link=_page("growthevent"),
        icon="trending_up",
        tone="warning" if count else "neutral",
    )


def _unmeasured() -> list[Card]:
    """Databases that the last read could not measure; no card without any."""
    found = InstanceDatabase.objects.listed().filter(freshness.unmeasured(), instance__is_active=True)
    numbers = found.aggregate(databases=Count("pk"), instances=Count("instance", distinct=True))
    if not numbers["databases"]:
        return []
    return [
        Card(
            title=_("Not measurable"),
            value=str(numbers["databases"]),
            detail=ngettext(
                "on %d instance; the connection test says which grant is missing",
                "on %d instances; the connection test says which grant is missing",
                numbers["instances"],
            )
            % numbers["instances"],
            link=_page("instancedatabase"),
            icon="help",
            tone="warning",
        )
    ]


def _overdue() -> list[Card]:
    """Instances whose sizes should be there by now and are not; no card without any."""
    found = freshness.overdue_instances(freshness.last_due())
    count = found.count()
    if not count:
        return []
    names = found.order_by("name").values_list("name", flat=True)[:NAMES]
    return [
        Card(
            title=_("Sizes overdue"),
            value=str(count),
            detail=", ".join(names) + (" …" if count > NAMES else ""),
            link=reverse("admin:instances_instance_changelist"),
            icon="hourglass_disabled",
            tone="warning",
        )
    ]


def _page(model: str) -> str:
    try:
        return reverse(f"admin:capacity_{model}_changelist")
    except NoReverseMatch:
        return ""
