"""The database servers of the demo: their accounts and grants, and what changes between the two sessions."""

from __future__ import annotations

from whalefall.demo.fleet import mariadb, postgresql
from whalefall.demo.fleet.host import MONITOR, Host

__all__ = ["HOSTS", "MONITOR", "Host"]

HOSTS: tuple[Host, ...] = (*postgresql.HOSTS, *mariadb.HOSTS)
