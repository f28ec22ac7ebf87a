"""Sizes in the admin: what counts, how large it may become, and what grew."""

from capacity.admin.events import GrowthEventPage
from capacity.admin.filters import DatabaseFilterPage
from capacity.admin.limits import CapacityLimitPage

__all__ = ["CapacityLimitPage", "DatabaseFilterPage", "GrowthEventPage"]
