"""What a benchmark measured, against which floor, and how far it may be from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One measured time in seconds, its floor, and the largest ratio that is good enough."""

    name: str
    measured: float
    floor: float
    limit: float

    @property
    def ratio(self) -> float:
        """How many times the floor was needed."""
        return self.measured / self.floor

    @property
    def within(self) -> bool:
        """Whether that is good enough."""
        return self.ratio <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One measured quantity and the range that is good enough."""

    name: str
    measured: float
    at_most: float
    at_least: float = 0
    unit: str = ""

    @property
    def within(self) -> bool:
        """Whether that is good enough."""
        return self.at_least <= self.measured <= self.at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A benchmark's bars, the first of which is its headline, and limits. `statements`: on our own database."""

    name: str
    bars: tuple[Bar, ...]
    statements: int
    limits: tuple[Limit, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def within(self) -> bool:
        """Whether nothing was missed."""
        return all(measured.within for measured in (*self.bars, *self.limits))

    def table(self) -> str:
        """For people."""
        lines = [f"{self.name:<34}{'measured':>10}{'floor':>10}{'ratio':>8}{'at most':>9}"]
        for bar in self.bars:
            mark = "" if bar.within else "  missed"
            lines.append(
                f"  {bar.name:<32}{bar.measured:>8.2f} s{bar.floor:>8.2f} s{bar.ratio:>8.2f}{bar.limit:>9.1f}{mark}"
            )
        for limit in self.limits:
            mark = "" if limit.within else "  missed"
            lines.append(f"  {limit.name:<32}{limit.measured:>8.4g} {limit.unit:<17}{limit.at_most:>10.4g}{mark}")
        lines += [f"  {key}: {value}" for key, value in {"statements": self.statements, **self.detail}.items()]
        return "\n".join(lines)

    def json(self) -> str:
        """For scripts: one line."""
        headline = self.bars[0]
        bars = {
            bar.name: {
                "measured": round(bar.measured, 3),
                "floor": round(bar.floor, 3),
                "ratio": round(bar.ratio, 2),
                "limit": bar.limit,
                "within": bar.within,
            }
            for bar in self.bars
        }
        limits = {
            limit.name: {
                "measured": round(limit.measured, 3),
                "unit": limit.unit,
                "at_least": limit.at_least,
                "at_most": limit.at_most,
                "within": limit.within,
            }
            for limit in self.limits
        }
        return json.dumps(
            {
                "name": self.name,
                "unit": "s",
                "measured": round(headline.measured, 3),
                "floor": round(headline.floor, 3),
                "ratio": round(headline.ratio, 2),
                "statements": self.statements,
                "detail": {"within": self.within, "bars": bars, "limits": limits, **self.detail},
            }
        )
