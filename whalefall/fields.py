"""Column types of our own."""

from __future__ import annotations

from typing import Any

from django.db import models


class DocumentField(models.JSONField):
    """A JSONField for documents of many kilobytes that are written in bulk.

    On PostgreSQL Django inserts many rows as one array per column, and psycopg escapes every quote of a JSON text
    inside an array one by one in Python: more work than reading the server. A field with a placeholder of its own is
    written as plain values instead.
    """

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        """The same as a JSONField's; that it exists is what counts."""
        return "%s"
