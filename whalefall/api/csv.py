"""CSV files as answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone

from whalefall.api.envelope import EnvelopeRenderer


class CsvRenderer(EnvelopeRenderer):
    """Lets a client ask for `text/csv`; what fails is a JSON document all the same."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        if (response := (renderer_context or {}).get("response")) is not None:
            response["Content-Type"] = EnvelopeRenderer.media_type
        return super().render(data, accepted_media_type, renderer_context)


class CsvFile(StreamingHttpResponse):
    """A file to save, sent line by line; its name ends with the local time."""

    def __init__(self, lines: Iterator[str], *, name: str, at: datetime | None = None) -> None:
        stamp = timezone.localtime(at).strftime("%Y%m%d_%H%M%S")
        super().__init__(
            lines,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}_{stamp}.csv"'},
        )
