"""Trends in the admin: how instances and databases develop by day, week, month and quarter."""

from aggregation.admin.databases import DatabaseTrendPage
from aggregation.admin.instances import InstanceTrendPage

__all__ = ["DatabaseTrendPage", "InstanceTrendPage"]
