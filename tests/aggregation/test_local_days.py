"""Days are those of TIME_ZONE, also where a change of clocks takes midnight away or a day has 23 or 25 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from aggregation import late, periods
from aggregation.models import InstanceSizeAggregation
from aggregation.periods import PeriodType
from aggregation.sync import AggregationSync
from capacity.models import InstanceSizeStat
from sessions_app.categories import Run
from tests.aggregation.conftest import make_instance, measure

pytestmark = pytest.mark.django_db

SANTIAGO = ZoneInfo("America/Santiago")
SPRING = date(2025, 9, 7)  # a Sunday that begins at 01:00
AUTUMN = date(2025, 4, 6)  # a Sunday; the Saturday before it has its last hour twice
DAYS = dict.fromkeys((SPRING - timedelta(days=2), SPRING - timedelta(days=1), SPRING), 10)


@pytest.fixture
def santiago(settings):
    settings.TIME_ZONE = "America/Santiago"


def run(*instances, at, **parameters):
    parameters = Run(
        session_pk=0, session_id=uuid4(), record_pk=0, started_at=at, began_at=at, parameters=parameters
    )  # fmt: skip
    return AggregationSync().apply_many(instances, parameters)


def last_day():
    return InstanceSizeAggregation.objects.filter(period_type="daily").latest("period_start").period_start


def test_the_zone_is_one_where_midnight_does_not_exist():
    midnight = datetime(SPRING.year, SPRING.month, SPRING.day, tzinfo=SANTIAGO)
    assert midnight.astimezone(UTC).astimezone(SANTIAGO).hour == 1


@pytest.mark.parametrize(
    ("moment", "last"),
    [
        # 03:59 UTC is 23:59 on Saturday, 04:00 UTC is 01:00 on Sunday.
        ("2025-09-07T03:59:59", SPRING - timedelta(days=2)),
        ("2025-09-07T04:00:00", SPRING - timedelta(days=1)),
        ("2025-09-08T02:59:59", SPRING - timedelta(days=1)),
        ("2025-09-08T03:00:00", SPRING),
    ],
)
def test_a_run_means_the_local_day_on_which_its_session_began(santiago, moment, last):
    instance = make_instance("db1")
    measure(instance, {day.isoformat(): size for day, size in DAYS.items()})
    run(instance, at=datetime.fromisoformat(moment).replace(tzinfo=UTC), periods=["daily"])
    assert last_day() == last


@pytest.mark.parametrize(("moment", "day"), [("2025-04-06T02:59:59", 5), ("2025-04-06T03:30:00", 5),
                                             ("2025-04-06T03:59:59", 5), ("2025-04-06T04:00:00", 6)])  # fmt: skip
def test_the_hour_that_comes_twice_belongs_to_the_day_before(santiago, moment, day):
    """Clocks go from 24:00 back to 23:00."""
    today = timezone.localdate(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert periods.last_complete(PeriodType.DAILY, today).end == date(2025, 4, day - 1)
    # A week is over when the local Sunday is, whatever the clocks do on it.
    assert periods.last_complete(PeriodType.WEEKLY, today).end == AUTUMN - timedelta(days=7)


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
@pytest.mark.parametrize("type", list(PeriodType))
def test_no_change_of_clocks_moves_a_border(santiago, change, type):
    for shift in range(-3, 4):
        own = periods.containing(type, change + timedelta(days=shift))
        assert own.days == {"daily": 1, "weekly": 7, "monthly": 30, "quarterly": 92 if change is SPRING else 91}[type]
        assert own.next.previous == own


def test_what_is_measured_anew_on_the_day_of_the_change_is_late_and_the_unfinished_day_is_not(santiago):
    instance = make_instance("db1")
    measure(instance, {day.isoformat(): size for day, size in DAYS.items()})
    run(instance, at=datetime(2025, 9, 8, 7, tzinfo=UTC), periods=["daily"], start_date="2025-09-05",
        end_date="2025-09-07")  # fmt: skip
    anew = datetime(2025, 9, 8, 8, tzinfo=UTC)
    InstanceSizeStat.objects.filter(collected_date=SPRING).update(collected_at=anew)
    daily = {pair for pair in late.find([instance.pk], SPRING + timedelta(days=1)).instances if pair[1].type == "daily"}
    assert daily == {(instance.pk, periods.containing(PeriodType.DAILY, SPRING))}
    assert late.find([instance.pk], SPRING).instances == set()
