"""How many accounts classes and rules had day by day, as the chart and its table take it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

import dbms
from classification.models import AccountClassification, ClassDailyStat, ClassificationRule, RuleDailyStat

RANGES = {"30": 30, "90": 90, "365": 365}  # days by the parameter's value
USUAL = "90"


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeChoice:
    """One link of the range switch."""

    label: str
    url: str
    is_chosen: bool


def of_rule(request: HttpRequest, rule: ClassificationRule) -> dict[str, Any]:
    """The days of a rule through all of its versions. One query."""
    stats = RuleDailyStat.objects.filter(rule__rule_group_id=rule.rule_group_id, stat_date__gte=_since(request))
    # Of a day on which the rule got another version the newer one's number counts.
    rows = stats.order_by("stat_date", "rule__rule_version").values_list("stat_date", "matched_accounts_count")
    return _context(request, {_("Accounts"): dict(rows)})


def of_class(request: HttpRequest, classification: AccountClassification) -> dict[str, Any]:
    """The days of a class, kind by kind. One query. A kind that never had an account is left out."""
    stats = ClassDailyStat.objects.filter(classification=classification, stat_date__gte=_since(request))
    kinds: dict[str, dict[date, int]] = {}
    for kind, day, number in stats.values_list("db_type", "stat_date", "matched_accounts_distinct_count"):
        kinds.setdefault(kind, {})[day] = number
    labels = dict(dbms.choices())
    shown = {labels.get(kind, kind): days for kind, days in sorted(kinds.items()) if any(days.values())}
    return _context(request, shown or {_("Accounts"): next(iter(kinds.values()), {})})


def _chosen(request: HttpRequest) -> str:
    wanted = request.GET.get("range", "")
    return wanted if wanted in RANGES else USUAL


def _since(request: HttpRequest) -> date:
    return timezone.localdate() - timedelta(days=RANGES[_chosen(request)] - 1)


def _context(request: HttpRequest, series: Mapping[str, Mapping[date, int]]) -> dict[str, Any]:
    """{ranges, chart, chart_head, chart_rows}; a day without a run is a gap in the chart and no row of the table."""
    known = sorted({day for numbers in series.values() for day in numbers})
    chosen = _chosen(request)
    labels = {"30": _("30 days"), "90": _("90 days"), "365": _("1 year")}
    return {
        "ranges": [RangeChoice(label=labels[key], url=f"?range={key}#days", is_chosen=key == chosen) for key in RANGES],
        "chart": _chart(known, series),
        "chart_head": list(series),
        "chart_rows": [
            (day.isoformat(), [numbers.get(day, "–") for numbers in series.values()]) for day in reversed(known)
        ],
    }


def _chart(known: list[date], series: Mapping[str, Mapping[date, int]]) -> dict[str, Any]:
    calendar = list(_calendar(known))
    return {
        "days": [day.isoformat() for day in calendar],
        "series": [
            {"label": label, "values": [numbers.get(day) for day in calendar]} for label, numbers in series.items()
        ],
    }


def _calendar(known: list[date]) -> Iterable[date]:
    if known:
        for number in range((known[-1] - known[0]).days + 1):
            yield known[0] + timedelta(days=number)
