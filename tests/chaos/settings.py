"""WhaleFall's settings with a category whose reads and writes are known, and times short enough to wait for."""

from __future__ import annotations

from whalefall.settings import *  # noqa: F403
from whalefall.settings import INSTALLED_APPS as OURS

INSTALLED_APPS = [*OURS, "tests.chaos"]
SYNC_CATEGORIES = ["tests.chaos.category.Slow"]
SYNC_FOLLOW_UPS: dict[str, list[str]] = {}
