"""Starting the aggregation from the pages of trends."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from sessions_app.models import SyncSession
from tests.aggregation.rows import DATABASES, INSTANCES, text

pytestmark = pytest.mark.django_db


def run(client: Client, url: str, rows: list[int]) -> Any:
    return client.post(url, {"action": "aggregate_chosen", "_selected_action": rows}, follow=True)


def test_an_operator_aggregates_the_instances_of_chosen_rows(operator, two):
    row = DatabaseSizeAggregation.objects.get(database_name="small")
    assert "has started" in text(run(operator, DATABASES, [row.pk]))
    session = SyncSession.objects.get()
    assert (session.sync_category, session.sync_type) == ("aggregation", "manual_batch")
    assert [record.instance for record in session.records.all()] == [two[1]]


def test_an_operator_aggregates_all_instances_with_the_periods_of_the_dialog(operator, two):
    url = reverse("admin:aggregation_instancesizeaggregation_aggregate_all")
    operator.post(url, {"periods": ["weekly"], "use_current_period": "on", "_form_submitted": "1"})
    session = SyncSession.objects.get()
    assert session.parameters == {"periods": ["weekly"], "scope": "all", "use_current_period": True}
    assert session.total_instances == 2


def test_a_viewer_starts_nothing(viewer, two):
    run(viewer, INSTANCES, [InstanceSizeAggregation.objects.first().pk])
    viewer.post(reverse("admin:aggregation_instancesizeaggregation_aggregate_all"), {"periods": ["weekly"]})
    assert not SyncSession.objects.exists()
    assert "Aggregate now" not in text(viewer.get(INSTANCES))


def test_switched_off_the_page_says_so_and_nobody_starts_it(operator, two, settings):
    settings.AGGREGATION_ENABLED = False
    page = operator.get(INSTANCES)
    assert "The aggregation is switched off" in text(page)
    assert "Aggregate now" not in text(page)
    assert len(page.context["cl"].result_list) == 2
    run(operator, INSTANCES, [InstanceSizeAggregation.objects.first().pk])
    assert not SyncSession.objects.exists()
