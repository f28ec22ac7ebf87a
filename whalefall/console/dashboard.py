"""The first page: cards from every app, what needs somebody first."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from whalefall.cards import Card


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's hook: adds the cards that this user may see."""
    cards: list[Card] = [card for path in settings.DASHBOARD_CARDS for card in import_string(path)(request)]
    context["urgent_cards"] = [card for card in cards if card.urgent]
    context["cards"] = [card for card in cards if not card.urgent]
    return context
