"""What a chart of trends shows, as capacity's script draws it: one position per period, or one per ranked row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aggregation.models import Aggregation
from aggregation.periods import Period, PeriodType

# How many periods a chart goes back, the newest included.
PERIODS = {PeriodType.DAILY: 60, PeriodType.WEEKLY: 52, PeriodType.MONTHLY: 24, PeriodType.QUARTERLY: 12}
UNITS = {"size": "size", "change": "size", "percent": "percent"}


def span(last: Period) -> list[Period]:
    """The periods of a chart that ends with this one, in order."""
    found = [last]
    while len(found) < PERIODS[last.type] and found[-1].start.year > 1:
        found.append(found[-1].previous)
    return found[::-1]


def lines(rows: Iterable[Any], shown: Sequence[Period], names: Sequence[tuple[Any, str]], of: Any) -> dict[str, Any]:
    """The average sizes of several, a line each in the order of `names` [(key, label)]; `of` tells the key of a row.

    A period without a row is a gap. {kind, unit, days: [label], series: [{key, label, values, partial: [position]}]}
    """
    found: defaultdict[Any, dict[Any, Any]] = defaultdict(dict)
    for row in rows:
        found[of(row)][row.period_start] = row
    shown = _trimmed(shown, [start for own in found.values() for start in own])
    return _document(
        "line",
        "size",
        shown,
        [_series(f"top-{number}", label, shown, found[key], "size") for number, (key, label) in enumerate(names)],
    )


def history(rows: Iterable[Any], shown: Sequence[Period], measure: str, labels: dict[str, str]) -> dict[str, Any]:
    """One database or instance: its average, largest and smallest sizes as lines, or its changes as bars."""
    found = {row.period_start: row for row in rows}
    shown = _trimmed(shown, list(found))
    series = [_series(measure, labels[measure], shown, found, measure)]
    if measure == "size":
        for name in ("max", "min"):
            values = [getattr(found[one.start], f"{name}_size") if one.start in found else None for one in shown]
            series.append({"key": name, "label": labels[name], "values": values, "partial": []})
    return _document("line" if measure == "size" else "bar", UNITS[measure], shown, series)


def ranking(rows: Sequence[Any], measure: str, name: Callable[[Any], str], label: str) -> dict[str, Any]:
    """A bar for each of some rows of one period."""
    return {
        "kind": "ranking",
        "unit": UNITS[measure],
        "days": [name(row) for row in rows],
        "series": [
            {
                "key": measure,
                "label": label,
                "values": [_number(row, measure) for row in rows],
                "partial": [at for at, row in enumerate(rows) if not row.is_complete],
            }
        ]
        if rows
        else [],
    }


def _trimmed(shown: Sequence[Period], starts: Sequence[Any]) -> Sequence[Period]:
    """Without the periods before the first row: there is no gap in what had not begun."""
    first = min(starts, default=None)
    return [one for one in shown if first is not None and one.start >= first]


def _document(kind: str, unit: str, shown: Sequence[Period], series: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": kind, "unit": unit, "days": [one.label for one in shown], "series": series if shown else []}


def _series(key: str, label: str, shown: Sequence[Period], rows: dict[Any, Any], measure: str) -> dict[str, Any]:
    own = [rows.get(one.start) for one in shown]
    return {
        "key": key,
        "label": label,
        "values": [None if row is None else _number(row, measure) for row in own],
        "partial": [at for at, row in enumerate(own) if row is not None and not row.is_complete],
    }


def _number(row: Aggregation, measure: str) -> int | float | None:
    """Sizes as they are, percentages as JSON knows them."""
    figure = row.measure(measure)
    return float(figure) if figure is not None and measure == "percent" else figure  # type: ignore[return-value]
