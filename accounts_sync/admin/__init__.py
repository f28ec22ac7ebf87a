"""Accounts and their changes in the admin: to read, never to edit."""

from __future__ import annotations

from accounts_sync.admin.accounts import AccountPage
from accounts_sync.admin.changes import ChangePage

__all__ = ["AccountPage", "ChangePage"]
