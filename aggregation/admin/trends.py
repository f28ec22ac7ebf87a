"""What the two pages of trends share: the table, the export, and starting the aggregation."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

import dbms
from aggregation.admin import cells, page
from aggregation.admin.filters import CompleteFilter, TagFilter
from aggregation.admin.view import DATABASE, OURS, View
from aggregation.exports import csv_response
from aggregation.models import DatabaseSizeAggregation
from aggregation.options import Options
from aggregation.periods import PeriodType
from aggregation.services import start_aggregation
from instances.models import Instance, InstanceQuerySet
from sessions_app.admin.dialogs import attempt, go
from sessions_app.admin.links import link
from sessions_app.admin.readonly import ReadOnlyAdmin


class AggregateDialog(BaseDialogForm):
    """Asks which periods to roll up."""

    periods = forms.MultipleChoiceField(
        label=_("Periods"), choices=PeriodType.choices, initial=PeriodType.values,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )  # fmt: skip
    use_current_period = forms.BooleanField(
        label=_("Also the periods that are not over"),
        help_text=_("Their rows are marked: the days to come are missing."),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )


class TrendList(ChangeList):
    """The rows of one period, or all periods of one: never of two period types."""

    def __init__(self, request: HttpRequest, model: Any, *args: Any, **kwargs: Any) -> None:
        self.view = View.of(request)
        self.is_history = self.view.is_history(model)
        self.period = self.view.period(model)
        super().__init__(request, model, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in OURS}

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        found = found.filter(period_type=self.view.period_type)
        if self.is_history:
            own = {DATABASE: self.view.database} if self.model is DatabaseSizeAggregation else {}
            return found.filter(**own)
        return found.filter(period_start=self.period.start)


class TrendPage(ReadOnlyAdmin):
    """A list without pages of single rows: what a row leads to is the history of what it is of."""

    list_filter: tuple[Any, ...] = (
        ("instance", AutocompleteSelectFilter),
        ("instance__db_type", ChoicesDropdownFilter),
        TagFilter,
        CompleteFilter,
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    list_display_links = None
    list_select_related = ("instance",)
    list_before_template = "aggregation/trends.html"
    show_full_result_count = False
    actions = ("aggregate_chosen",)  # type: ignore[assignment]
    actions_list = ("aggregate_all",)
    named: tuple[str, ...]  # the columns that say what a row is of

    class Media:
        css = {"all": ["capacity/capacity.css", "aggregation/aggregation.css"]}
        js = ("capacity/chart.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(instance__deleted_at__isnull=True)  # type: ignore[no-any-return]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TrendList

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        first = ("period",) if View.of(request).is_history(self.model) else self.named
        return (*first, "average", "smallest", "largest", "change", "percent", "trend", "coverage")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        is_history = View.of(request).is_history(self.model)
        return ("-period_start",) if is_history else (f"-{self.model.MEASURES['size']}",)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/", self.admin_site.admin_view(self.export), name=name), *super().get_urls()]

    # The page

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, {"title": _("Trends"), **(extra_context or {})})
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            shown: TrendList = response.context_data["cl"]
            narrowed = bool(shown.query or shown.has_active_filters)
            above = page.context(request, shown.queryset, shown.view, shown.period, narrowed=narrowed)
            response.context_data.update(above)
        return response

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """A row has no page of its own: on to the history that it is a part of."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            response: HttpResponse = super().change_view(request, object_id, *args, **kwargs)
            return response
        return HttpResponseRedirect(page.row_url(row))

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The rows that the page lists, all of them, in its order."""
        if not self.has_view_permission(request):
            return cast("HttpResponseBase", self.admin_site.login(request))
        try:
            return csv_response(self.get_changelist_instance(request).queryset)
        except IncorrectLookupParameters:  # as the page itself does
            return HttpResponseRedirect(page.trends_url(self.model, **{ERROR_FLAG: 1}))

    # The columns

    @display(description=_("period"), ordering="period_start")
    def period(self, row: Any) -> str:
        return str(row.period.label)

    @display(description=_("instance"), ordering="instance__name")
    def server(self, row: Any) -> str:
        return link(
            page.trends_url(self.model, period_type=row.period_type, instance__id__exact=row.instance_id),
            row.instance.name,
        )

    @display(description=_("database kind"), ordering="instance__db_type", label=True)
    def kind(self, row: Any) -> str:
        db_type: str = row.instance.db_type
        return dict(dbms.choices()).get(db_type, db_type)

    @display(description=_("smallest"), ordering="min_size")
    def smallest(self, row: Any) -> str:
        return cells.unbroken(cells.size(row, "min_size"))

    @display(description=_("largest"), ordering="max_size")
    def largest(self, row: Any) -> str:
        return cells.unbroken(cells.size(row, "max_size"))

    @display(description=_("coverage"), ordering="data_count")
    def coverage(self, row: Any) -> str:
        return cells.coverage(row)

    # Starting the aggregation

    def has_run_sync_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Who may start sessions, as long as the aggregation is not switched off."""
        return settings.AGGREGATION_ENABLED and request.user.has_perm("instances.run_sync")

    @admin.action(description=_("Aggregate the instances of the selected rows now"), permissions=["run_sync"])
    def aggregate_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        chosen = Instance.objects.filter(pk__in=queryset.order_by().values("instance"))
        self._start(request, Options(), chosen)

    @action(
        description=_("Aggregate now"),
        icon="functions",
        permissions=["run_sync"],
        dialog={
            "title": _("Aggregate the sizes of all active instances?"),
            "description": _("The workers roll up what was measured; no server is asked."),
            "form_class": AggregateDialog,
            "form_submit_text": _("Start"),
        },
    )
    def aggregate_all(self, request: HttpRequest, form: AggregateDialog) -> HttpResponse:
        self._start(request, Options.of(form.cleaned_data))
        shown = request.headers.get("HX-Current-URL", "")
        is_ours = url_has_allowed_host_and_scheme(shown, allowed_hosts={request.get_host()})
        return go(request, shown if is_ours else page.trends_url(self.model))

    def _start(self, request: HttpRequest, options: Options, instances: InstanceQuerySet | None = None) -> None:
        attempt(
            request,
            lambda: start_aggregation(options, instances=instances, user=cast("User", request.user)),
            str(_("Session {session} has started")),
        )
