"""What stands above the table of trends: the period, the numbers of what the table lists, its top and its chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from django.conf import settings
from django.db.models import F, Max, QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aggregation import charts, periods, summaries
from aggregation.admin import cells
from aggregation.admin.view import DATABASE, INSTANCE, MEASURE, OURS, START, TOP, TOPS, TYPE, View, neighbour
from aggregation.models import Aggregation, DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import Period, PeriodType
from capacity import units
from capacity.outlook import signed
from instances.models import Instance

Model = type[Aggregation]
PAGES: tuple[tuple[Model, str], ...] = (
    (InstanceSizeAggregation, "instancesizeaggregation"),
    (DatabaseSizeAggregation, "databasesizeaggregation"),
)


def trends_url(model: Model, **parameters: Any) -> str:
    """The page of a kind of rows; parameters as in the address."""
    query = QueryDict(mutable=True)
    query.update({name: str(value) for name, value in parameters.items()})
    return reverse(f"admin:aggregation_{dict(PAGES)[model]}_changelist") + (f"?{query.urlencode()}" if query else "")


def row_url(row: Any) -> str:
    """All periods of the database or instance of a row."""
    own = {DATABASE: row.database_name} if isinstance(row, DatabaseSizeAggregation) else {}
    return trends_url(type(row), **{TYPE: row.period_type, INSTANCE: row.instance_id, **own})


def row_name(row: Any) -> str:
    """What a row is of; databases of the same name are told apart by their instances."""
    own = f"{row.database_name} · " if isinstance(row, DatabaseSizeAggregation) else ""
    return f"{own}{row.instance.name}"


def context(
    request: HttpRequest, found: QuerySet[Any], view: View, period: Period, *, narrowed: bool
) -> dict[str, Any]:
    """Everything above the table of the rows `found`; a number of statements that no amount of rows changes."""
    model: Model = found.model
    is_history = view.is_history(model)
    return {
        "tabs": [
            (name, _switched(request, to=other), other is model)
            for other, name in ((InstanceSizeAggregation, _("Instances")), (DatabaseSizeAggregation, _("Databases")))
            if request.user.has_perm(f"aggregation.view_{dict(PAGES)[other]}")
        ],
        "types": [
            (type.label, _query(request, **{TYPE: type.value, START: ""}), type is view.period_type)
            for type in PeriodType
        ],
        "measures": [
            (name, _query(request, **{MEASURE: key}), key == view.measure) for key, name in _measures().items()
        ],
        "is_enabled": settings.AGGREGATION_ENABLED,
        "is_history": is_history,
        "export_url": f"export/?{request.GET.urlencode()}",
        **(_history(request, found, view) if is_history else _ranking(request, found, view, period, narrowed)),
    }


def _measures() -> dict[str, str]:
    return {"size": _("Size"), "change": _("Change"), "percent": _("Percent")}


def _history(request: HttpRequest, found: QuerySet[Any], view: View) -> dict[str, Any]:
    """All periods of one: two queries."""
    instance = Instance.objects.filter(pk__in=[view.instance]).values_list("name", flat=True).first() or ""
    name = f"{view.database} · {instance}" if found.model is DatabaseSizeAggregation else instance
    newest: date | None = found.order_by().aggregate(newest=Max("period_start"))["newest"]
    chart = None
    if newest is not None:
        shown = charts.span(periods.containing(view.period_type, newest))
        rows = found.order_by().filter(period_start__gte=shown[0].start)
        labels = {**_measures(), "size": _("Average"), "max": _("Largest"), "min": _("Smallest")}
        chart = charts.history(rows, shown, view.measure, labels)
    others = {TYPE: view.period_type.value, MEASURE: view.measure}
    return {
        "name": name,
        "back_url": trends_url(found.model, **others),
        "siblings_url": trends_url(DatabaseSizeAggregation, **{**others, INSTANCE: view.instance}),
        **_charted(chart, _("{name} by {period}").format(name=name, period=view.period_type.label)),
    }


def _ranking(request: HttpRequest, found: QuerySet[Any], view: View, period: Period, narrowed: bool) -> dict[str, Any]:
    """One period of many: eight queries at most."""
    model: Model = found.model
    numbers = summaries.of_one_period(found)
    tops = {measure: _top(found, measure, view.top) for measure in _measures()}
    chosen = tops[view.measure]
    return {
        "period": period,
        "is_over": period.end < timezone.localdate(),
        "earlier": _beside(request, neighbour(model, period, is_later=False)),
        "later": _beside(request, neighbour(model, period, is_later=True)),
        "facts": _facts(model, numbers) if numbers["rows"] else [],
        "notes": list(_notes(numbers)) + ([] if narrowed else list(_missing(model, period))),
        "top_number": view.top,
        "number_links": [(top, _query(request, **{TOP: top}), int(top) == view.top) for top in TOPS],
        "tops": [
            (title, [(row_url(row), row_name(row), _figure(row, measure)) for row in tops[measure]])
            for measure, title in (
                ("size", _("Largest")), ("change", _("Grown most")), ("percent", _("Fastest growing in percent"))
            )
        ],
        **_charted(
            _lines(found, chosen, period) if view.measure == "size"
            else charts.ranking(chosen, view.measure, row_name, _measures()[view.measure]),
            _("The top {number} of {period}").format(number=view.top, period=period.label),
        ),
    }  # fmt: skip


def _top(found: QuerySet[Any], measure: str, number: int) -> list[Any]:
    """The first by a measure; what did not grow is not among the growing."""
    column = found.model.MEASURES[measure]
    rows = found.filter(**{f"{column}__gt": 0}) if measure != "size" else found
    return list(rows.order_by(F(column).desc(), "pk")[:number])


def _figure(row: Any, measure: str) -> str:
    figure = cells.measure(row, measure)
    return f"{figure} ({cells.measure(row, 'change')})" if measure == "percent" else figure


def _lines(found: QuerySet[Any], chosen: Sequence[Any], period: Period) -> dict[str, Any]:
    """The sizes of the chosen ones up to a period; one query, by the index that begins with the instance."""
    shown = charts.span(period)
    rows = found.model._default_manager.filter(
        instance__in={row.instance_id for row in chosen},
        period_type=period.type,
        period_start__range=(shown[0].start, period.start),
    )
    if found.model is DatabaseSizeAggregation:
        rows = rows.filter(database_name__in={row.database_name for row in chosen})
    return charts.lines(rows, shown, [(_key(row), row_name(row)) for row in chosen], _key)


def _key(row: Any) -> tuple[int, str]:
    return row.instance_id, getattr(row, "database_name", "")


def _charted(chart: dict[str, Any] | None, label: str) -> dict[str, Any]:
    """A chart with the same figures as a table: [(period or name, [figure of each series])], the newest first."""
    if chart is None or not chart["series"]:
        return {"chart": None}
    word = units.readable if chart["kind"] == "line" else signed if chart["unit"] == "size" else _percent
    positions = zip_longest(chart["days"], *(series["values"] for series in chart["series"]))
    rows = [(day, ["—" if value is None else word(value) for value in values]) for day, *values in positions]
    return {
        "chart": chart,
        "chart_label": label,
        "chart_columns": [series["label"] for series in chart["series"]],
        "chart_rows": rows if chart["kind"] == "ranking" else rows[::-1],
        "chart_has_partial": any(series["partial"] for series in chart["series"]),
    }


def _percent(value: float) -> str:
    return cells.percent(Decimal(str(value)))


def _facts(model: Model, numbers: dict[str, Any]) -> list[tuple[str, str]]:
    total = units.readable(numbers["total_size"])
    facts = [
        (_("Instances"), str(numbers["total_instances"])),
        (_("Total, on average"), _("at least {size}").format(size=total) if numbers["lower_bounds"] else total),
    ]
    if model is DatabaseSizeAggregation:
        facts.insert(1, (_("Databases"), str(numbers["rows"])))
    compared = _("{change} ({percent}), of {compared} that can be compared").format(
        change=signed(numbers["size_change"]),
        percent=cells.percent(numbers["growth_rate"]),
        compared=numbers["compared"],
    )
    return [*facts, (_("Change"), compared if numbers["compared"] else cells.UNKNOWN)]


def _notes(numbers: dict[str, Any]) -> Iterator[str]:
    """What makes the figures less than they should be."""
    if incomplete := numbers["incomplete"]:
        text = ngettext(
            "%d row does not rest on every day of the period.",
            "%d rows do not rest on every day of the period.",
            incomplete,
        )
        yield text % incomplete
    if bounds := numbers["lower_bounds"]:
        text = ngettext(
            "%d total is a lower bound: some database could never be measured. It is compared with nothing.",
            "%d totals are lower bounds: some database could never be measured. They are compared with nothing.",
            bounds,
        )
        yield text % bounds
    if stale := numbers["stale"]:
        text = ngettext(
            "%d row is stale: a day was measured since. The next run calculates it anew if its days are kept.",
            "%d rows are stale: days were measured since. The next run calculates them anew if their days are kept.",
            stale,
        )
        yield text % stale


def _missing(model: Model, period: Period) -> Iterator[str]:
    """How many active instances have no row of a period in which they were there; one query."""
    if count := summaries.missing(model, period, Instance.objects.active()):
        text = ngettext(
            "%d active instance has no figures of this period.",
            "%d active instances have no figures of this period.",
            count,
        )
        yield text % count


def _beside(request: HttpRequest, period: Period | None) -> tuple[str, str] | None:
    return (period.label, _query(request, **{START: period.start.isoformat()})) if period else None


def _query(request: HttpRequest, **changed: str) -> str:
    """The address of this page with some parameters changed, "" for gone; the table starts anew."""
    query = request.GET.copy()
    for name in ("p", "o"):
        query.pop(name, None)
    for name, value in changed.items():
        if value:
            query[name] = value
        else:
            query.pop(name, None)
    return f"?{query.urlencode()}"


def _switched(request: HttpRequest, *, to: Model) -> str:
    """The other page with the same period type, period and measure."""
    kept = {name: request.GET[name] for name in OURS if name in request.GET and name != DATABASE}
    return trends_url(to, **kept)
