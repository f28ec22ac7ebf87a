"""Why a twin does not run a statement."""

from __future__ import annotations


class TwinError(Exception):
    """The statement is not SQL, or DuckDB could not run it."""


class Refused(TwinError):
    """It says what the twin cannot show, or what the house rules leave to Python."""


class UnknownObject(TwinError):
    """It names a view or a database that this server does not have, or that is kept from the reader."""


class UnknownColumn(TwinError):
    """It names a column that this version does not have, or that several views have."""


class Undocumented(TwinError):
    """It compares a column with, or a test stores, a value that the documentation does not list."""


class Conflict(TwinError):
    """Names of different collations meet: SQL Server's errors 451 and 468."""
