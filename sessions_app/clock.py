"""Expressions on the database's clock. A worker's own clock decides nothing about a lease."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.functions import Now


def from_now(seconds: float) -> ExpressionWrapper:
    """The database's time, `seconds` from now."""
    return ExpressionWrapper(Now() + Value(timedelta(seconds=seconds)), output_field=DateTimeField())
