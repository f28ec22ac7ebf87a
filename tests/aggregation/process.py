"""A process of its own over the test's database: `python -m tests.aggregation.process TODAY PK…` rolls up one chunk."""

from __future__ import annotations

import os
import sys
from datetime import date

import django


def main(today: str, *pks: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whalefall.settings")
    django.setup()

    from django.db import transaction

    from instances.models import Instance
    from tests.aggregation.conftest import aggregate

    found = Instance.objects.in_bulk([int(pk) for pk in pks])
    with transaction.atomic():
        aggregate(*(found[int(pk)] for pk in pks), today=date.fromisoformat(today), use_current_period=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
