"""The forms of the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget

from instances.models import Credential, Instance


class InstanceForm(forms.ModelForm):
    """An instance; an empty port becomes the usual one of its kind."""

    class Meta:
        model = Instance
        fields = [
            "name",
            "db_type",
            "host",
            "port",
            "database_name",
            "credential",
            "tls_mode",
            "tls_ca",
            "connect_timeout",
            "statement_timeout",
            "tags",
            "description",
            "is_active",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "port" in self.fields:
            self.fields["port"].required = False
            self.fields["port"].help_text = _("Empty for the usual one.")


class CredentialForm(forms.ModelForm):
    """A credential; its password can be entered but never be seen."""

    password = forms.CharField(
        label=_("password"),
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Never shown. Empty keeps the present one."),
    )

    class Meta:
        model = Credential
        fields = ["name", "db_type", "username", "description", "is_active"]
