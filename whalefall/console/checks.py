"""Settings of the pages that span apps."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string


@register()
def check_metrics(**kwargs: Any) -> list[CheckMessage]:
    """What may scrape is a network, and what is scraped imports."""
    messages: list[CheckMessage] = []
    for network in settings.METRICS_ALLOWED:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            messages.append(
                Error(
                    f"METRICS_ALLOWED: {error}.",
                    hint="Name networks like 10.1.0.0/16, or single addresses, separated by commas.",
                    id="console.E001",
                )
            )
    for path in settings.METRICS:
        try:
            import_string(path)
        except ImportError as error:
            messages.append(Error(f"METRICS: {path} cannot be imported: {error}", id="console.E002"))
    return messages
