"""The sidebar: one literal table, shown as far as the user may see it and the page exists."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Section → (title, icon, model as app.model).
SECTIONS: tuple[tuple[str | Promise, tuple[tuple[str | Promise, str, str], ...]], ...] = (
    (
        _("Synchronization"),
        (
            (_("Sync sessions"), "sync", "sessions_app.syncsession"),
            (_("Instance records"), "checklist", "sessions_app.syncinstancerecord"),
            (_("Schedules"), "schedule", "sessions_app.syncschedule"),
        ),
    ),
    (
        _("Inventory"),
        (
            (_("Instances"), "database", "instances.instance"),
            (_("Credentials"), "key", "instances.credential"),
            (_("Tags"), "sell", "instances.tag"),
        ),
    ),
    (
        _("Accounts"),
        (
            (_("Accounts"), "badge", "accounts_sync.instanceaccount"),
            (_("Account changes"), "history", "accounts_sync.accountchangelog"),
        ),
    ),
    (
        _("Classification"),
        (
            (_("Account classes"), "category", "classification.accountclassification"),
            (_("Classification rules"), "rule", "classification.classificationrule"),
            (_("Classes of accounts"), "assignment_ind", "classification.accountclassificationassignment"),
        ),
    ),
    (
        _("Capacity"),
        (
            (_("Databases"), "hard_drive", "capacity.instancedatabase"),
            (_("Instance trends"), "monitoring", "aggregation.instancesizeaggregation"),
            (_("Database trends"), "ssid_chart", "aggregation.databasesizeaggregation"),
            (_("Growth events"), "trending_up", "capacity.growthevent"),
            (_("Capacity limits"), "straighten", "capacity.capacitylimit"),
            (_("Database filters"), "filter_alt", "capacity.databasefilter"),
        ),
    ),
    (
        _("Operations"),
        (
            (_("Queued tasks"), "stacks", "django_q.ormq"),
            (_("Finished tasks"), "task_alt", "django_q.success"),
            (_("Failed tasks"), "error", "django_q.failure"),
        ),
    ),
    (
        _("Administration"),
        (
            (_("Users"), "person", "auth.user"),
            (_("Roles"), "groups", "auth.group"),
            (_("API tokens"), "vpn_key", "knox.authtoken"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's hook: the sections with what this user may see."""
    pages = {
        f"{model._meta.app_label}.{model._meta.model_name}": model_admin
        for model, model_admin in admin.site._registry.items()
        if model_admin.has_view_permission(request)
    }
    sections: list[dict[str, Any]] = [
        {"title": None, "items": [{"title": _("Dashboard"), "icon": "dashboard", "link": reverse("admin:index")}]}
    ]
    for title, entries in SECTIONS:
        items = [
            {"title": name, "icon": icon, "link": reverse(f"admin:{model.replace('.', '_')}_changelist")}
            for name, icon, model in entries
            if model in pages
        ]
        if items:
            sections.append({"title": title, "separator": True, "items": items})
    return sections
