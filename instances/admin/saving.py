"""Saving a form while others save theirs."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError
from unfold.admin import ModelAdmin

from whalefall.errors import ConstraintViolation, NameExists


class CheckedTwiceAdmin(ModelAdmin):
    """Shows it as a fault of the form when somebody takes the name, or deletes the credential, while it is saved."""

    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(*args, **kwargs)
        except (IntegrityError, NameExists, ConstraintViolation):
            # Rolled back. What came between the form's check and the database's is there now: the form sees it, too.
            return super().changeform_view(*args, **kwargs)
