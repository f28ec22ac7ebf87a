"""What other apps add to the page of an instance."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from instances.models import Instance


def panels(request: HttpRequest, instance: Instance) -> list[SafeString]:
    """The panels of INSTANCE_PANELS that have something to show to this user."""
    made = (import_string(path)(request, instance) for path in settings.INSTANCE_PANELS)
    return [panel for panel in made if panel]


class WithPanels(ModelAdmin):
    """Shows the panels above the form."""

    change_form_outer_before_template = "instances/panels.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
        form_url: str = "", obj: Instance | None = None,
    ) -> HttpResponse:  # fmt: skip
        if obj is not None:
            context["panels"] = panels(request, obj)
        response: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)
        return response
