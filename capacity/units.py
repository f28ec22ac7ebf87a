"""Sizes as people write and read them: 1 KB is 1024 bytes, as everywhere on the pages."""

from __future__ import annotations

import re
from decimal import Decimal

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from whalefall.errors import ValidationFailed

UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
WRITTEN = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,6})?)\s*(?:(B)|([KMGTP])(?:I?B)?)", re.IGNORECASE)
MIB = 1024**2
MOST = 2**63 - 1  # what a column holds


def parse(text: str) -> int:
    """The bytes of "500 GB", "1.5TiB" or "800m". Raises ValidationFailed for anything else, also without a unit."""
    found = WRITTEN.fullmatch(text.strip())
    size = int(Decimal(found[1]) * 1024 ** UNITS.index(f"{found[3] or ''}B".upper())) if found else 0
    if not found or not 1 <= size <= MOST:
        raise ValidationFailed(detail=_("a size is a number with a unit, for example 500 GB or 1.5 TB"))
    return size


def exact(size: int) -> str:
    """A size that parse() understands and that loses nothing: "500 GB"."""
    power = next(power for power in reversed(range(len(UNITS))) if size % 1024**power == 0 and size >= 1024**power)
    return f"{size // 1024**power} {UNITS[power]}"


def readable(size: int) -> str:
    """A size rounded for the eye, in the reader's language: "1.5 GB"."""
    return filesizeformat(size).replace("\xa0", " ")


def megabytes(size: int) -> float:
    """A size in units of 1,048,576 bytes, to three places."""
    return round(size / MIB, 3)
