"""What other pages say of trends: that of an instance, and the dashboard."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.aggregation.rows import last, text, total

pytestmark = pytest.mark.django_db


def test_the_page_of_an_instance_tells_of_each_period_type(viewer, two):
    page = text(viewer.get(reverse("admin:instances_instance_change", args=[two[0].pk])))
    trends = page[page.index("Last complete") :]
    assert f"Day {last().label} 12.0 GB +2.0 GB +20.00 % Growing 1 of 1 days" in trends
    assert f"Week {last('weekly').label} not rolled up" in trends
    assert f"Month {last('monthly').label} 8.0 GB +7.0 GB +700.00 %" in trends


def test_the_dashboard_tells_of_the_growth_of_the_last_month(viewer, two):
    total(two[1], 100, None, period=last("monthly"))
    page = text(viewer.get(reverse("admin:index")))
    assert f"Growth in {last('monthly').label} +7.0 GB +700.00 % against the month before, of 1 instances" in page
