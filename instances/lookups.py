"""Rows of a related row whose id no column holds: there are none. Django says so of a row's own id alone.

Addresses carry such numbers; without this they are errors of the database's driver in the middle of a page.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import ForeignKey, IntegerField, lookups
from django.db.models.fields import related_lookups

BIGGEST_ID = 2**63 - 1


def is_storable(value: Any) -> bool:
    """Whether a column for whole numbers can hold this; what is no number is another matter."""
    return not isinstance(value, int) or -BIGGEST_ID - 1 <= value <= BIGGEST_ID


class RelatedExact(related_lookups.RelatedExact):
    def process_rhs(self, compiler: Any, connection: Any) -> Any:
        if not is_storable(self.rhs):
            raise EmptyResultSet
        return super().process_rhs(compiler, connection)


class RelatedIn(related_lookups.RelatedIn):
    def process_rhs(self, compiler: Any, connection: Any) -> Any:
        if self.rhs_is_direct_value():
            self.rhs = [value for value in self.rhs if is_storable(value)]
        return super().process_rhs(compiler, connection)


class IntegerIn(lookups.In):
    def process_rhs(self, compiler: Any, connection: Any) -> Any:
        if self.rhs_is_direct_value():
            self.rhs = [value for value in self.rhs if is_storable(value)]
        return super().process_rhs(compiler, connection)


def register() -> None:
    """Make every query know."""
    ForeignKey.register_lookup(RelatedExact)
    ForeignKey.register_lookup(RelatedIn)
    IntegerField.register_lookup(IntegerIn)
