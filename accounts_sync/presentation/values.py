"""Single values in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext

from dbms.snapshots import canonical_text


def shown(value: Any) -> str:
    """A stored value: times in the reader's zone, truth as words, nothing as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, str):
        moment = parse_datetime(value) if len(value) >= 19 and value[4] == "-" else None
        return date_format(localtime(moment), "DATETIME_FORMAT") if moment and moment.tzinfo else value
    return str(value) if isinstance(value, int | float) else canonical_text(value)


def options_shown(options: Mapping[str, Any]) -> Iterator[str]:
    """Options of a membership: those that hold by name, the others as missing."""
    for key, value in options.items():
        if isinstance(value, bool):
            yield key if value else gettext("no {option}").format(option=key)
        else:
            yield f"{key}: {shown(value)}"
