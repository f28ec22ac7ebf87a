"""`manage.py aggregate` does what it was asked for, and its exit status says whether."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from aggregation.models import DatabaseSizeAggregation
from sessions_app.models import SyncSession
from tests.aggregation.conftest import make_instance, measure, poisoned
from tests.aggregation.test_session import fleet

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_back_fill_rolls_up_every_day_of_its_range(manage):
    fleet(2, days=40)
    first = timezone.localdate() - timedelta(days=40)
    done = manage("aggregate", "--from", str(first), "--period", "daily", "--json")
    assert done.status == 0
    sessions = [json.loads(line) for line in done.out.splitlines()]
    assert [session["summary"]["periods"]["daily"]["rows"] for session in sessions] == [2 * 3 * 31, 2 * 3 * 9]
    days = DatabaseSizeAggregation.objects.filter(database_name="app").values_list("period_start", flat=True)
    assert sorted(set(days)) == [first + timedelta(days=i) for i in range(40)]


def test_a_back_fill_begins_with_the_first_day_that_was_measured(manage):
    fleet(1, days=3)
    done = manage("aggregate", "--from", "0002-01-01", "--period", "daily", "--json")
    assert done.status == 0
    assert [json.loads(line)["summary"]["periods"]["daily"]["rows"] for line in done.out.splitlines()] == [3 * 3]


def test_it_takes_the_named_instances_alone(manage):
    instances = fleet(2)
    assert manage("aggregate", "--instance", "db01").status == 0
    assert set(DatabaseSizeAggregation.objects.values_list("instance_id", flat=True)) == {instances[1].pk}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--period", "yearly"], "VALIDATION_ERROR"),
        (["--period", "daily", "--period", "daily"], "VALIDATION_ERROR"),
        (["--from", "2100-01-01", "--to", "2100-02-01"], "VALIDATION_ERROR"),
        (["--from", "2001-01-01", "--to", "2001-02-01"], "VALIDATION_ERROR"),  # long before the first size
        (["--instance", "nowhere"], "RESOURCE_NOT_FOUND"),
    ],
)
def test_what_it_cannot_do_is_one_line_and_status_1(manage, arguments, code):
    fleet(1)
    done = manage("aggregate", *arguments)
    assert done.status == 1
    assert done.err.startswith(code)
    assert not SyncSession.objects.exists()


def test_a_failed_instance_is_exit_status_1(manage):
    instances = fleet(2)
    first = timezone.localdate() - timedelta(days=9)
    with poisoned(instances[1]):
        done = manage("aggregate", "--from", str(first), "--period", "daily", "--period", "weekly")
    assert done.status == 1


def test_a_run_that_finds_nothing_to_roll_up_is_exit_status_1_and_an_empty_part_of_a_range_is_not(manage):
    instance = make_instance("new")
    assert manage("aggregate").status == 1
    today = timezone.localdate()
    measure(instance, {(today - timedelta(days=ago)).isoformat(): 5 for ago in (80, 1)})
    asked = ("--from", str(today - timedelta(days=80)), "--period", "daily", "--json")
    done = manage("aggregate", *asked)
    assert [json.loads(line)["outcome"] for line in done.out.splitlines()] == ["clean", "empty", "clean"]
    assert done.status == 0


def test_switched_off_it_fails(manage, settings):
    settings.AGGREGATION_ENABLED = False
    done = manage("aggregate")
    assert (done.status, done.err.startswith("AGGREGATION_DISABLED")) == (1, True)
