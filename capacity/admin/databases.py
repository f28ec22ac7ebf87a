"""The list of databases, and the page of one: how large it is, how it grows, and what is in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.views import ChangeList

import dbms
from capacity import freshness, growth_rates, tables, units
from capacity.admin import page
from capacity.admin.list_filters import HiddenFilter, PresenceFilter, UnmeasuredFilter
from capacity.listing import described
from capacity.models import InstanceDatabase, InstanceDatabaseQuerySet
from capacity.outlook import signed
from instances.models import Instance
from sessions_app import services
from sessions_app.admin.dialogs import attempt, go
from sessions_app.admin.links import badges, link, page_url
from sessions_app.admin.readonly import ReadOnlyAdmin
from sessions_app.models import SyncCategoryName, SyncType
from whalefall.errors import WhaleFallError
from whalefall.messages import hint, render_error, translated


class DescribedPage(ChangeList):
    """Looks up what is told of a database for the page that is shown, and not for all that were sorted to find it."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = described([row.pk for row in self.result_list])


@admin.register(InstanceDatabase)
class DatabasePage(ReadOnlyAdmin):
    """Every database of every instance."""

    list_display = ("name", "server", "kind", "size", "day", "week", "month", "measured", "flags")
    list_display_links = ("name",)
    list_filter = (
        ("instance", RelatedDropdownFilter),
        ("instance__db_type", ChoicesDropdownFilter),
        PresenceFilter,
        HiddenFilter,
        UnmeasuredFilter,
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    list_select_related = ("instance",)
    show_full_result_count = False
    search_fields = ("database_name", "instance__name")
    search_help_text = _("Database or instance")
    ordering = (F("size_bytes").desc(nulls_last=True), "pk")
    fields = ()
    change_form_template = "capacity/database.html"
    actions_detail = ("measure_tables", "collect_now")

    class Media:
        css = {"all": ["capacity/capacity.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[InstanceDatabase]:
        databases: InstanceDatabaseQuerySet = super().get_queryset(request)
        return databases.filter(instance__deleted_at__isnull=True).alias(**growth_rates.grown())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DescribedPage

    # The list

    @display(description=_("database"), ordering="database_name")
    def name(self, database: InstanceDatabase) -> str:
        return database.database_name

    @display(description=_("instance"), ordering="instance__name")
    def server(self, database: InstanceDatabase) -> str:
        return link(page_url("instances_instance", database.instance_id), database.instance.name)

    @display(description=_("database kind"), ordering="instance__db_type", label=True)
    def kind(self, database: InstanceDatabase) -> str:
        return dict(dbms.choices()).get(database.instance.db_type, database.instance.db_type)

    @display(description=_("size"), ordering=F("size_bytes").asc(nulls_first=True), empty_value="—")
    def size(self, database: InstanceDatabase) -> str | None:
        return None if database.size_bytes is None else units.readable(database.size_bytes)

    @display(description=_("1 day"), ordering=F("grown_1").asc(nulls_first=True))
    def day(self, database: InstanceDatabase) -> str:
        return growth_cell(database, 1)

    @display(description=_("7 days"), ordering=F("grown_7").asc(nulls_first=True))
    def week(self, database: InstanceDatabase) -> str:
        return growth_cell(database, 7)

    @display(description=_("30 days"), ordering=F("grown_30").asc(nulls_first=True))
    def month(self, database: InstanceDatabase) -> str:
        return growth_cell(database, 30)

    @display(description=_("measured"), ordering=F("collected_at").asc(nulls_first=True))
    def measured(self, database: Any) -> str:
        if database.collected_at is None:
            return gettext("never")
        age = gettext("%(age)s ago") % {"age": timesince(database.collected_at, depth=1)}
        late = freshness.is_stale(database, cast("datetime", database.due_at)) and database.is_active
        mark = badges([("warning", gettext("Late"))]) if late else ""
        return format_html('<span title="{}">{}</span> {}', page.moment(database.collected_at), age, mark)

    @display(description=_("state"))
    def flags(self, database: InstanceDatabase) -> str:
        reason = translated(database.unread_reason or "")  # type: ignore[attr-defined]
        return format_html('{} <span class="wf-hint">{}</span>', badges(page.flags(database)), reason)

    # The page of one

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
        form_url: str = "", obj: InstanceDatabase | None = None,
    ) -> HttpResponse:  # fmt: skip
        if obj is not None:
            context.update(page.context(request, described([obj.pk])[0]))
        response: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)
        return response

    def has_run_sync_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Who may read servers may measure what is on them."""
        return request.user.has_perm("instances.run_sync")

    @action(
        description=_("Measure tables now"),
        icon="table_chart",
        permissions=["run_sync"],
        dialog={
            "title": _("Measure the largest tables?"),
            "description": _("WhaleFall logs in to the server now and asks for the sizes of this database's tables."),
            "form_submit_text": _("Measure"),
        },
    )
    def measure_tables(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        database = self._chosen(request, object_id)
        user = cast("User", request.user)
        try:
            made = tables.measure_tables(instance=database.instance, database_name=database.database_name, user=user)
        except WhaleFallError as error:
            advice = hint(error.message_code, error.reason, error.params)
            self.message_user(request, f"{render_error(error).rstrip('.')}. {advice}".strip(), messages.ERROR)
        else:
            done = {"count": len(made.tables), "seconds": made.duration_seconds}
            text = ngettext(
                "%(count)d table was measured in %(seconds).2f s",
                "%(count)d tables were measured in %(seconds).2f s",
                done["count"],
            )
            self.message_user(request, text % done, messages.SUCCESS)
        return go(request, reverse("admin:capacity_instancedatabase_change", args=[database.pk]))

    @action(
        description=_("Collect capacity now"),
        icon="sync",
        permissions=["run_sync"],
        dialog={
            "title": _("Measure all databases of this instance?"),
            "description": _("The workers read this instance; the session shows how it goes."),
            "form_submit_text": _("Start"),
        },
    )
    def collect_now(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        database = self._chosen(request, object_id)
        attempt(
            request,
            lambda: services.start_session(
                category=SyncCategoryName.CAPACITY,
                sync_type=SyncType.MANUAL_BATCH,
                instances=Instance.objects.filter(pk=database.instance_id),
                user=cast("User", request.user),
            ),
            str(_("Session {session} has started")),
        )
        return go(request, reverse("admin:capacity_instancedatabase_change", args=[database.pk]))

    def _chosen(self, request: HttpRequest, object_id: str) -> InstanceDatabase:
        database: InstanceDatabase | None = self.get_object(request, unquote(object_id))
        if database is None:
            raise Http404
        return database


def growth_cell(database: InstanceDatabase, days: int) -> str:
    """By how much a database grew, with its share as a hint; a dash where nobody knows."""
    grown = growth_rates.growth(database)[days]
    if grown is None:
        return "—"
    return format_html('<span class="wf-grown" title="{}">{}</span>', page.share(grown), signed(grown.bytes))
