"""Sizes in the admin."""

from capacity.admin.databases import DatabasePage

__all__ = ["DatabasePage"]
