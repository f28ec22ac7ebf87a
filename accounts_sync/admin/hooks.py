"""What other apps add to the pages of accounts; the lists of settings say who."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.contrib.admin import ListFilter
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString

from accounts_sync.models import InstanceAccount


def filters(request: HttpRequest) -> list[type[ListFilter]]:
    """The filters of ACCOUNT_FILTERS for this user."""
    return [found for path in settings.ACCOUNT_FILTERS for found in import_string(path)(request)]


def badges(request: HttpRequest, accounts: Sequence[InstanceAccount]) -> dict[int, list[tuple[str, str]]]:
    """{account id: (tone, word) pairs} of ACCOUNT_BADGES, each asked once for all accounts of a page."""
    found: dict[int, list[tuple[str, str]]] = {}
    for path in settings.ACCOUNT_BADGES:
        for pk, words in import_string(path)(request, accounts).items():
            found.setdefault(pk, []).extend(words)
    return found


def panels(request: HttpRequest, account: InstanceAccount) -> list[SafeString]:
    """The panels of ACCOUNT_PANELS that have something to show to this user."""
    made = (import_string(path)(request, account) for path in settings.ACCOUNT_PANELS)
    return [panel for panel in made if panel]
