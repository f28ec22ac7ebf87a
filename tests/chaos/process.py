"""A worker process of a test: `python -m tests.chaos.process CATEGORY` works until no session runs any more.

Its exit status is the number of its threads that a driver never gave back.
"""

from __future__ import annotations

import os
import sys
import threading
import time

import django
from django.conf import settings


def main(category: str) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whalefall.settings")
    settings.SYNC_CATEGORIES, settings.SYNC_FOLLOW_UPS = [category], {}
    django.setup()

    from sessions_app import engine
    from sessions_app.models import SyncSession

    while SyncSession.objects.filter(status="running").exists():
        engine.run(seconds=5)
        time.sleep(0.05)  # everything that is left is in other hands
    return sum(thread.name.startswith("fetch-") for thread in threading.enumerate())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
