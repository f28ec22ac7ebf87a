"""A back-fill over a range: which ranges it takes, and how its progress is shown."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from aggregation.options import Options
from aggregation.periods import PeriodType
from sessions_app.models import SyncSession
from tests.aggregation.conftest import TODAY, make_instance, measure
from whalefall.errors import ValidationFailed


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@given(st.dates() | st.dates(max_value=date(3, 1, 1)) | st.dates(min_value=date(9997, 1, 1)), st.dates())
def test_every_range_is_either_right_or_refused(one, other):
    start, end = sorted((one, other))
    try:
        asked = Options.of({"start_date": start, "end_date": end})
    except ValidationFailed:
        assert start.year < 2 or end.year > 9998
        return
    quarters = asked.periods(PeriodType.QUARTERLY, TODAY)
    assert all(quarter.previous.end < quarter.start <= quarter.end < TODAY for quarter in quarters)
    assert not quarters or (quarters[0].start <= start <= quarters[0].end and quarters[-1].start <= end)


def test_a_range_that_reaches_far_into_the_future_costs_no_more_than_one_up_to_today():
    asked = Options.of({"start_date": date(2026, 3, 10), "end_date": date(9998, 12, 31), "periods": ["daily"]})
    assert [one.start.day for one in asked.periods(PeriodType.DAILY, TODAY)] == list(range(10, 18))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "9999-12-01"),
        ("--from", "9999-12-31", "--current"),
        ("--from", "0001-01-01"),
        ("--from", "2026-01-01", "--to", "9999-12-31"),
        ("--from", "9998-12-31"),
        ("--to", "2026-01-31"),
    ],
)
def test_a_range_that_cannot_be_is_refused_in_one_line(manage, arguments):
    make_instance("db1")
    done = manage("aggregate", *arguments)
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert done.err.startswith("VALIDATION_ERROR")
    assert not SyncSession.objects.exists()


@pytest.mark.django_db
def test_an_end_without_a_beginning_is_refused_by_the_words_of_the_command(manage):
    make_instance("db1")
    assert "--to needs --from" in manage("aggregate", "--to", "2026-01-31").err


@pytest.mark.django_db(transaction=True)
def test_one_bar_shows_how_far_the_whole_back_fill_is(manage, monkeypatch):
    today = timezone.localdate()
    for name in ("db1", "db2"):
        measure(make_instance(name), {(today - timedelta(days=ago)).isoformat(): 5 for ago in (80, 1)})
    terminal = Terminal()
    monkeypatch.setattr("sessions_app.progress_bar.POLL_SECONDS", 60)  # how far it is, is shown at each end, too
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", terminal)
        manage("aggregate", "--from", str(today - timedelta(days=80)), "--period", "daily")
    shown = re.findall(r"(\d+)/(\d+|\?)", terminal.getvalue())
    assert SyncSession.objects.count() == 3
    assert ("6", "6") in shown
    assert {total for _done, total in shown} <= {"6", "?"}
    done = [int(number) for number, _total in shown]
    assert done == sorted(done)
