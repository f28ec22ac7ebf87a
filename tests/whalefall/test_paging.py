"""page, limit, sort and order, on a real list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_app.models import SyncSession
from tests.people import api

URL = "/api/v1/sync-sessions"

pytestmark = pytest.mark.django_db


@pytest.fixture
def sessions() -> list[SyncSession]:
    now = timezone.now()
    return [
        SyncSession.objects.create(
            sync_type="scheduled_task",
            sync_category="account",
            status="completed",
            started_at=now - timedelta(hours=number),
            completed_at=now - timedelta(hours=number, minutes=-number),
        )
        for number in range(25)
    ]


def test_the_first_page_has_twenty_items_and_says_how_many_there_are(sessions):
    data = api("viewer").get(URL).json()["data"]
    assert set(data) == {"items", "total", "page", "pages", "limit"}
    assert (len(data["items"]), data["total"], data["page"], data["pages"], data["limit"]) == (20, 25, 1, 2, 20)
    assert [item["id"] for item in data["items"]] == [session.pk for session in sessions[:20]]


def test_pages_follow_each_other_without_gap_or_overlap(sessions):
    client = api("viewer")
    seen = [
        item["id"]
        for page in (1, 2, 3)
        for item in client.get(URL, {"page": page, "limit": 10}).json()["data"]["items"]
    ]
    assert seen == [session.pk for session in sessions]


def test_beyond_the_last_page_is_empty_and_no_error(sessions):
    data = api("viewer").get(URL, {"page": 9}).json()["data"]
    assert (data["items"], data["total"], data["page"], data["pages"]) == ([], 25, 9, 2)


def test_an_empty_list_has_no_pages():
    data = api("viewer").get(URL).json()["data"]
    assert (data["items"], data["total"], data["pages"]) == ([], 0, 0)


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"}, {"page": "-1"}, {"page": "one"}, {"page": "1.5"}, {"page": "٣"}, {"page": "9" * 30},
        {"limit": "0"}, {"limit": "101"}, {"limit": "all"},
        {"sort": "password"}, {"sort": "-started_at"}, {"order": "down"}, {"order": "DESC"},
        {"status": "done"}, {"sync_type": "nightly"}, {"sync_category": "accounts"},
        {"started_after": "yesterday"}, {"instance_id": "seven"}, {"instance_id": "0"},
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_and_never_guessed(query):
    answer = api("viewer").get(URL, query)
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
    assert next(iter(query)) in answer.json()["message"]


def test_a_blank_value_means_the_default(sessions):
    data = api("viewer").get(URL, {"page": "", "limit": "", "sort": "", "order": "", "status": ""}).json()["data"]
    assert (data["page"], data["limit"], data["total"]) == (1, 20, 25)


def test_an_unknown_parameter_is_ignored(sessions):
    assert api("viewer").get(URL, {"_": "1700000000"}).status_code == 200


def test_the_hundredth_page_of_a_hundred_is_the_deepest():
    client = api("viewer")
    assert client.get(URL, {"page": 100, "limit": 100}).status_code == 200
    answer = client.get(URL, {"page": 101, "limit": 100})
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
    assert "updated_since" in answer.json()["suggestions"][0]


def test_sorting_works_both_ways_and_puts_what_has_no_value_last(sessions):
    running = SyncSession.objects.create(sync_type="manual_task", sync_category="account")
    client = api("viewer")
    for order in ("asc", "desc"):
        items = client.get(URL, {"sort": "completed_at", "order": order, "limit": 100}).json()["data"]["items"]
        ended = [item["completed_at"] for item in items[:-1]]
        assert ended == sorted(ended, reverse=order == "desc")
        assert items[-1]["id"] == running.pk
