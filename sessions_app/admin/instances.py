"""Starts sessions from the pages of instances: the same three actions for each category of SYNC_CATEGORIES."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from instances.admin import InstanceAdmin
from instances.models import Instance, InstanceQuerySet
from sessions_app import categories, services
from sessions_app.admin.dialogs import ForcibleSyncDialog, SyncDialog, attempt, go
from sessions_app.models import SyncType

LISTED = 50  # names on the confirming page

LABELS = {
    "account": _("Sync accounts"),
    "capacity": _("Sync capacity"),
    "aggregation": _("Aggregate sizes"),
    "classification": _("Classify accounts"),
}


def _dialog(category: str) -> type[SyncDialog]:
    return ForcibleSyncDialog if categories.get(category).can_force else SyncDialog


def _explained(category: str, reading: Any) -> Any:
    """What a dialog says will happen; local work asks no server."""
    return _("The workers use what is stored; no server is asked.") if categories.get(category).is_local else reading


def _start(
    request: HttpRequest, category: str, sync_type: SyncType, instances: InstanceQuerySet, form: SyncDialog
) -> None:
    attempt(
        request,
        lambda: services.start_session(
            category=category,
            sync_type=sync_type,
            instances=instances,
            user=request.user,  # type: ignore[arg-type]
            parameters=form.parameters,
        ),
        str(_("Session {session} has started")),
    )


def sync_chosen(category: str) -> Callable[..., HttpResponse]:
    """The list's action over the ticked instances: asks first, on a page of its own."""

    def chosen(model_admin: InstanceAdmin, request: HttpRequest, queryset: QuerySet[Instance]) -> HttpResponse:
        answered = "_form_submitted" in request.POST
        form = _dialog(category)(data=request.POST if answered else None, request=request)
        if not form.is_valid():
            return _ask(model_admin, request, queryset, category, form)
        instances = Instance.objects.filter(pk__in=queryset.order_by().values("pk"))
        _start(request, category, SyncType.MANUAL_BATCH, instances, form)
        return HttpResponseRedirect(request.get_full_path())

    chosen.__name__ = f"sync_{category}"
    described: Callable[..., HttpResponse] = admin.action(description=LABELS[category], permissions=["run_sync"])(
        chosen
    )
    return described


def _ask(
    model_admin: InstanceAdmin, request: HttpRequest, queryset: QuerySet[Instance], category: str, form: SyncDialog
) -> TemplateResponse:
    count = queryset.count()
    return TemplateResponse(
        request,
        "sessions_app/sync_instances.html",
        {
            **model_admin.admin_site.each_context(request),
            "title": LABELS[category],
            "opts": model_admin.opts,
            "form": form,
            "instances": queryset.order_by("name")[:LISTED],
            "count": count,
            "more": max(0, count - LISTED),
            "inactive": queryset.filter(is_active=False).count(),
            "action": f"sync_{category}",
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "select_across": request.POST.get("select_across", "0"),
        },
    )


def sync_one(category: str) -> Callable[..., HttpResponse]:
    """The button of an instance's page: a session of one, by the workers."""

    def one(self: InstanceAdmin, request: HttpRequest, form: SyncDialog, object_id: str) -> HttpResponse:
        pk = unquote(object_id)
        _start(request, category, SyncType.MANUAL_BATCH, Instance.objects.filter(pk=pk), form)
        return go(request, reverse("admin:instances_instance_change", args=[pk]))

    button: Callable[..., HttpResponse] = action(
        description=LABELS[category],
        url_path=f"sync-{category}",
        icon="sync",
        permissions=["run_sync"],
        dialog={
            "title": LABELS[category],
            "description": _explained(category, _("The workers read this instance; the session shows how it goes.")),
            "form_class": _dialog(category),
            "form_submit_text": _("Start"),
        },
    )(one)
    return button


def sync_all(category: str) -> Callable[..., HttpResponse]:
    """The button of the list: every active instance."""

    def everything(self: InstanceAdmin, request: HttpRequest, form: SyncDialog) -> HttpResponse:
        _start(request, category, SyncType.MANUAL_TASK, Instance.objects.active(), form)
        return go(request, reverse("admin:instances_instance_changelist"))

    button: Callable[..., HttpResponse] = action(
        description=LABELS[category],
        url_path=f"sync-{category}-all",
        icon="sync",
        permissions=["run_sync"],
        dialog={
            "title": LABELS[category],
            "description": _explained(
                category, _("The workers read every active instance; the session shows how it goes.")
            ),
            "form_class": _dialog(category),
            "form_submit_text": _("Start"),
        },
    )(everything)
    return button


def with_sync_actions(base: type[InstanceAdmin]) -> type[InstanceAdmin]:
    """The instance admin with what the categories add to it."""
    keys = list(categories.table())
    added: dict[str, Any] = {
        "actions": [*(base.actions or ()), *(sync_chosen(key) for key in keys)],
        "actions_list": [*base.actions_list, *(f"sync_{key}_all" for key in keys)],
        "actions_detail": [*base.actions_detail, *(f"sync_{key}_now" for key in keys)],
        # A method and no dotted name: for those, unfold's system check asks the database, which may be empty yet.
        "has_run_sync_permission": lambda self, request, object_id=None: request.user.has_perm("instances.run_sync"),
    }
    for key in keys:
        added[f"sync_{key}_all"] = sync_all(key)
        added[f"sync_{key}_now"] = sync_one(key)
    return type("InstancePage", (base,), added)


InstancePage = with_sync_actions(InstanceAdmin)
admin.site.unregister(Instance)
admin.site.register(Instance, InstancePage)
