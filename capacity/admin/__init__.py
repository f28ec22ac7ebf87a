"""Sizes in the admin: what was measured and grew, what counts, and how large it may become."""

from capacity.admin.databases import DatabasePage
from capacity.admin.events import GrowthEventPage
from capacity.admin.filters import DatabaseFilterPage
from capacity.admin.limits import CapacityLimitPage

__all__ = ["CapacityLimitPage", "DatabaseFilterPage", "DatabasePage", "GrowthEventPage"]
