"""Credentials in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from instances import services
from instances.admin.forms import CredentialForm
from instances.admin.saving import CheckedTwiceAdmin
from instances.models import Credential


@admin.register(Credential)
class CredentialAdmin(CheckedTwiceAdmin):
    """Logins. Passwords go in and never come out."""

    form = CredentialForm
    list_display = ("name", "username", "db_type", "in_use", "is_active", "updated_at")
    list_filter = (("db_type", ChoicesDropdownFilter), "is_active")
    list_filter_submit = True
    ordering = ("name",)
    search_fields = ("name", "username", "description")
    fields = ("name", ("username", "password"), "db_type", "description", "is_active")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(instance_count=Count("instances"))

    @display(description=_("instances"), ordering="instance_count")
    def in_use(self, credential: Any) -> int:
        return int(credential.instance_count)

    @method_decorator(sensitive_post_parameters("password"))
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(*args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Credential, form: Any, change: bool) -> None:
        password = form.cleaned_data["password"]
        if not change:
            obj.set_password(password)
            super().save_model(request, obj, form, change)
            return
        changed = {name: form.cleaned_data[name] for name in form.changed_data if name != "password"}
        services.update_credential(obj, password=password, **changed)
