"""Forms whose saving is a service's: it decides what is stored, and as which row."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from instances.admin.saving import CheckedTwiceAdmin
from whalefall.errors import WhaleFallError
from whalefall.messages import render_error


class StoringForm(forms.ModelForm):
    """A form that checks by itself what a model form would ask of the database's constraints."""

    def clean(self) -> dict[str, Any]:
        # Without ModelForm.clean(), which would name constraints in a language that no operator speaks.
        if not self.errors:
            self.check()
        return self.cleaned_data

    def check(self) -> None:
        """Add an error for whatever the service would refuse."""

    def store(self, user: User) -> Model:
        """Have a service store it."""
        raise NotImplementedError

    def refuse(self, field: str | None, error: WhaleFallError) -> None:
        """Show what a service refuses, at a field where that is on the form."""
        self.add_error(field if field in self.fields else None, render_error(error))


class StoredByService(CheckedTwiceAdmin):
    """Saves and deletes by services."""

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        return form.store(cast("User", request.user))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Nothing is left to do."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing depends on it."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[Any], dict[str, int], set[str], list]:
        """What a service deletes is the row alone, and what it refuses it says itself."""
        named = [str(one) for one in (objs[:100] if isinstance(objs, QuerySet) else objs)]
        return named, {str(self.opts.verbose_name_plural): len(objs)}, set(), []

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            response: HttpResponse = super().delete_view(request, object_id, extra_context)
        except WhaleFallError as error:
            self.message_user(request, render_error(error), messages.ERROR)
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(name, args=[object_id]))
        return response
