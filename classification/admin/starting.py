"""The button that starts a run over all instances."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action

from instances.models import Instance
from sessions_app import services
from sessions_app.admin.dialogs import attempt, go
from sessions_app.models import SyncCategoryName, SyncType


class ClassifyNow(ModelAdmin):
    """A list from which all accounts can be classified."""

    actions_list = ("classify_now",)

    def has_run_sync_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """As for every session."""
        return request.user.has_perm("instances.run_sync")

    @action(
        description=_("Classify now"),
        url_path="classify-now",
        icon="sync",
        permissions=["run_sync"],
        dialog={
            "title": _("Classify the accounts of all active instances?"),
            "description": _("The workers evaluate the active rules over what is stored; no server is asked."),
            "form_submit_text": _("Start"),
        },
    )
    def classify_now(self, request: HttpRequest, form: Any) -> HttpResponse:
        attempt(
            request,
            lambda: services.start_session(
                category=SyncCategoryName.CLASSIFICATION,
                sync_type=SyncType.MANUAL_TASK,
                instances=Instance.objects.active(),
                user=cast("User", request.user),
            ),
            str(_("Session {session} has started")),
        )
        return go(request, reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
