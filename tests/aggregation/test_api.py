"""Rolled-up sizes for programs: shapes, filters, numbers, CSV, and starting a run."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest

from capacity.models import InstanceDatabase
from sessions_app.models import SyncSession
from tests.aggregation.conftest import TODAY, aggregate, make_instance, store
from tests.aggregation.reference import Day, Total
from tests.people import api
from whalefall import spreadsheet

pytestmark = pytest.mark.django_db

URL = "/api/v1/capacity"
RUN = f"{URL}/aggregations/actions/run"
MB = 1024 * 1024
YESTERDAY = TODAY - timedelta(days=1)
PERIOD_KEYS = {
    "instance_id", "instance", "period_type", "period_start", "period_end", "data_count", "expected_days",
    "is_complete", "is_stale", "calculated_at", "created_at", "growth_rate", "max_size", "max_size_mb", "min_size",
    "avg_size", "avg_size_mb",
}  # fmt: skip
DATABASE_KEYS = PERIOD_KEYS | {
    "database_name", "avg_data_size", "max_log_size_mb", "size_change", "size_change_mb", "size_change_percent",
    "data_size_change_percent", "log_size_change",
}  # fmt: skip
INSTANCE_KEYS = PERIOD_KEYS | {
    "total_size", "total_size_mb", "database_count", "avg_database_count", "total_size_change",
    "total_size_change_percent", "database_count_change_percent", "trend_direction", "is_lower_bound",
}  # fmt: skip


@pytest.fixture
def fleet(db):
    """Two instances; a hidden and a vanished database; all period types."""
    one, two = make_instance("one"), make_instance("=two")
    two.db_type = "mysql"
    two.save()
    days = [YESTERDAY - timedelta(days=i) for i in range(2)]
    store(
        [Day(one.pk, "app", days[0], 30 * MB), Day(one.pk, "app", days[1], 10 * MB), Day(one.pk, "gone", days[1], MB),
         Day(one.pk, "sys", days[0], 999 * MB), Day(two.pk, "-web", days[1], 5 * MB + 1)],
        [Total(one.pk, days[0], 30 * MB, 1, True), Total(one.pk, days[1], 11 * MB, 2, True),
         Total(two.pk, days[1], 5 * MB + 1, 1, True)],
    )  # fmt: skip
    InstanceDatabase.objects.create(
        instance=one, database_name="sys", is_system=True, first_seen_date=days[1], last_seen_date=days[0]
    )
    aggregate(one, two, start_date=days[1].isoformat(), end_date=TODAY.isoformat())
    aggregate(one, two, use_current_period=True)
    return one, two


def items(what, **query):
    answer = api("viewer").get(f"{URL}/{what}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]["items"]


def test_rows_have_every_field_of_the_contract_and_sizes_in_mb(fleet):
    row = items("databases")[0]
    assert row.keys() >= DATABASE_KEYS
    assert (row["avg_size"], row["avg_size_mb"], row["size_change_mb"], row["growth_rate"]) == (
        30 * MB,
        30,
        20,
        "200.00",
    )
    assert row["instance"] == {"id": fleet[0].pk, "name": "one", "db_type": "postgresql"}
    assert items("instances")[0].keys() >= INSTANCE_KEYS


def test_a_list_is_of_one_period_type_and_of_days_unless_another_is_named(fleet):
    assert {row["period_type"] for row in items("databases")} == {"daily"}
    assert {row["period_type"] for row in items("instances", period_type="weekly")} == {"weekly"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["app", "app", "gone", "-web"]),
        ({"database_name": "app"}, ["app", "app"]),
        ({"include_hidden": "true", "start_date": str(YESTERDAY)}, ["app", "sys"]),
        ({"db_type": ["mysql", "oracle"]}, ["-web"]),
        ({"end_date": str(YESTERDAY - timedelta(days=1))}, ["app", "gone", "-web"]),
    ],
)
def test_lists_are_narrowed(fleet, query, expected):
    assert sorted(row["database_name"] for row in items("databases", **query)) == sorted(expected)


def test_instances_are_chosen_by_their_ids(fleet):
    for one in fleet:
        assert {row["instance_id"] for row in items("instances", instance_id=[one.pk])} == {one.pk}


def test_rows_are_sorted_and_unknown_values_refused(fleet):
    sizes = [row["avg_size"] for row in items("databases", sort="avg_size", order="asc")]
    assert sizes == sorted(sizes)
    for query in (
        {"sort": "password"},
        {"period_type": "yearly"},
        {"db_type": "dbase"},
        {"start_date": "soon"},
        {"start_date": "03/04/2026"},  # March or April, by the reader's language
        {"end_date": "4 March 2026"},
        {"instance_id": 10**9},
    ):
        answer = api("viewer").get(f"{URL}/databases", query)
        assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR"), query


def test_a_summary_has_the_numbers_of_the_newest_period_and_hidden_databases_only_when_asked_for(fleet):
    summary = api("viewer").get(f"{URL}/databases/summary").json()["data"]["summary"]
    assert (summary["period_type"], summary["total_databases"], summary["total_instances"]) == ("daily", 1, 1)
    assert (summary["total_size"], summary["total_size_mb"], summary["avg_size"]) == (30 * MB, 30, 30 * MB)
    assert (summary["size_change"], summary["growth_rate"]) == (20 * MB, "200.00")
    hidden = api("viewer").get(f"{URL}/databases/summary", {"include_hidden": "true"}).json()["data"]["summary"]
    assert (hidden["total_databases"], hidden["total_size"], hidden["max_size"]) == (2, 1029 * MB, 999 * MB)
    before = {"end_date": str(YESTERDAY - timedelta(days=1))}
    totals = api("viewer").get(f"{URL}/instances/summary", before).json()["data"]["summary"]
    assert (totals["total_instances"], totals["total_size"], totals["max_size"]) == (2, 16 * MB + 1, 11 * MB)
    assert (totals["avg_size"], totals["growth_rate"]) == (8 * MB + 1, None)


def test_a_csv_file_has_every_row_and_no_formula(fleet):
    answer = api("viewer").get(f"{URL}/databases/exports", {"start_date": "2026-03-01"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert answer["Content-Type"].startswith("text/csv")
    assert [(row["instance"], row["database_name"]) for row in rows if row["db_type"] == "mysql"] == [
        ("'=two", "'-web")
    ]
    assert sorted(int(row["avg_size"]) for row in rows) == sorted([30 * MB, 10 * MB, MB, 5 * MB + 1])
    answer = api("viewer").get(f"{URL}/instances/exports", {"period_type": "daily"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert {row["trend_direction"] for row in rows} == {"growing", ""}


@pytest.mark.parametrize("what", ["databases", "instances"])
def test_a_csv_file_says_of_each_row_what_the_list_says(fleet, what):
    found = items(what, sort="period_start", order="desc")
    answer = api("viewer").get(f"{URL}/{what}/exports", {"period_type": "daily"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    by_id = {row["id"]: row for row in rows}
    assert len(rows) == len(found) > 1
    for row in found:
        instance = row.pop("instance")
        told = {name: value for name, value in row.items() if not name.endswith("_mb")}
        told |= {"instance": instance["name"], "db_type": instance["db_type"]}
        written = by_id[str(row["id"])]
        assert written.keys() == told.keys()
        for name, value in told.items():
            if name in ("collected_at", "calculated_at", "created_at"):  # which a file tells to the second
                assert abs(datetime.fromisoformat(written[name]) - datetime.fromisoformat(value)) < timedelta(seconds=1)
            else:
                assert spreadsheet.unguard(written[name]) == as_text(value)


def as_text(value):
    """A value of a JSON document as a cell."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_lists_take_a_fixed_number_of_statements(fleet, django_assert_max_num_queries):
    client = api("viewer")
    for what in ("databases", "instances"):
        with django_assert_max_num_queries(7):
            client.get(f"{URL}/{what}")


def test_an_operator_starts_a_run_and_a_viewer_does_not(fleet):
    assert api("viewer").post(RUN).status_code == 403
    answer = api("operator").post(RUN, {"periods": ["weekly"], "scope": "instance"})
    assert answer.status_code == 200
    session = SyncSession.objects.get(session_id=answer.json()["data"]["session_id"])
    assert session.parameters == {"periods": ["weekly"], "scope": "instance", "use_current_period": False}
    assert (session.sync_category, session.sync_type) == ("aggregation", "manual_task")


@pytest.mark.parametrize(
    "body",
    [
        {"periods": ["yearly"]},
        {"periods": ["daily", "daily"]},
        {"periods": []},
        {"scope": "x"},
        {"period_type": "daily"},
    ],
)
def test_a_run_that_is_not_understood_is_refused(fleet, body):
    answer = api("operator").post(RUN, body)
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
    assert not SyncSession.objects.exists()


def test_switched_off_the_answer_says_so(fleet, settings):
    settings.AGGREGATION_ENABLED = False
    answer = api("operator").post(RUN)
    assert (answer.status_code, answer.json()["data"]) == (
        200,
        {"skipped": True, "message_code": "AGGREGATION_DISABLED"},
    )
    assert not SyncSession.objects.exists()
