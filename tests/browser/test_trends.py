"""What an operator sees of trends: periods switched, charts drawn, one database followed, a run started."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from aggregation.options import Options
from instances.models import Instance
from sessions_app.models import SyncSession
from tests.aggregation.conftest import aggregate, make_instance, store
from tests.aggregation.reference import Day, Total
from tests.browser.test_capacity import INK, console  # noqa: F401 - a fixture

GIB = 1024**3
LONG = "archive_of_every_order_that_was_ever_placed_in_the_shop_since_2019"
TRENDS = "/admin/aggregation/databasesizeaggregation/"


@pytest.fixture
def fleet(operator: Page, console: None) -> list[Instance]:  # noqa: F811
    """Three instances, each with a database of the same name, over a hundred days; rolled up."""
    today = timezone.localdate()
    fleet = [make_instance(name) for name in ("billing", "crm", "shop")]
    days = [today - timedelta(days=age) for age in range(100, 0, -1)]
    for number, instance in enumerate(fleet, 1):
        sizes = [(day, (number * 100 + age) * GIB) for age, day in enumerate(days)]
        store(
            [Day(instance.pk, name, day, size) for day, size in sizes for name in ("app", LONG)],
            [Total(instance.pk, day, 2 * size, 2, True) for day, size in sizes],
        )
    asked = Options(start_date=days[0], end_date=days[-1]).parameters()
    aggregate(*fleet, today=today, **asked)
    return fleet


def drawn(page: Page, what: str) -> Any:
    return page.evaluate(f"Chart.getChart(document.querySelector('canvas[data-chart]')).{what}")


def choose(page: Page, switch: str, label: str) -> None:
    page.get_by_role("navigation", name=switch, exact=True).get_by_role("link", name=label, exact=True).click()
    expect(page.get_by_role("navigation", name=switch, exact=True).locator("[aria-current]")).to_have_text(label)


def test_periods_and_measures_are_switched_and_drawn(operator: Page, live_server, fleet):
    operator.goto(live_server.url + TRENDS)
    for label in ("Week", "Month", "Day"):
        choose(operator, "Period type", label)
        assert operator.locator("canvas[data-chart]").evaluate(INK)["painted"] > 2_000
    assert len(drawn(operator, "data.datasets")) == 5
    assert len(drawn(operator, "data.labels")) == 60
    choose(operator, "Measure", "Percent")
    assert drawn(operator, "config.type") == "bar"
    assert drawn(operator, "data.labels[0]").endswith("billing")  # the smallest grows fastest in percent
    assert operator.locator("canvas[data-chart]").evaluate(INK)["painted"] > 5_000
    choose(operator, "How many", "10")
    choose(operator, "Trends of", "Instances")
    assert drawn(operator, "data.labels") == ["billing", "crm", "shop"]
    choose(operator, "Period type", "Week")
    operator.get_by_placeholder("Instance").fill("crm")
    operator.keyboard.press("Enter")
    operator.wait_for_url("**q=crm**")
    expect(operator.get_by_role("navigation", name="Period type").locator("[aria-current]")).to_have_text("Week")
    expect(operator.locator("#result_list tbody tr")).to_have_count(1)


def test_a_database_is_followed_from_the_top_list_to_its_history(operator: Page, live_server, fleet):
    operator.goto(live_server.url + TRENDS)
    largest = operator.get_by_role("region", name="Largest")
    largest.get_by_role("link", name="app · shop").click()
    expect(operator.get_by_role("heading", name="app · shop")).to_be_visible()
    assert drawn(operator, "data.datasets.map(one => one.label)") == ["Average", "Largest", "Smallest"]
    choose(operator, "Measure", "Change")
    assert drawn(operator, "data.datasets[0].data").count(GIB) == 60
    operator.get_by_text("The figures as a table").click()
    expect(operator.get_by_role("cell", name="+1.0 GB").first).to_be_visible()
    with operator.expect_download() as download:
        operator.get_by_role("link", name="Export as CSV").click()
    assert len(download.value.path().read_text("utf-8-sig").splitlines()) == 1 + 100


def test_the_aggregation_is_started_from_the_page(operator: Page, live_server, fleet):
    operator.goto(live_server.url + TRENDS)
    operator.get_by_text("Aggregate now").click()
    operator.get_by_role("checkbox", name="Quarter").uncheck()
    operator.get_by_role("button", name="Start").click()
    expect(operator.get_by_text("has started")).to_be_visible()
    assert SyncSession.objects.get().parameters["periods"] == ["daily", "weekly", "monthly"]


def test_the_pages_fit_a_telephone_without_scrolling_sideways(operator: Page, live_server, fleet):
    operator.emulate_media(color_scheme="dark")
    operator.set_viewport_size({"width": 390, "height": 844})
    one = f"&instance__id__exact={fleet[0].pk}"
    for path in (
        TRENDS, f"{TRENDS}?measure=percent&top=20", f"{TRENDS}?period_type=weekly{one}&database_name={LONG}",
        f"/admin/aggregation/instancesizeaggregation/?measure=change{one}",
        f"/admin/instances/instance/{fleet[0].pk}/change/",
    ):  # fmt: skip
        operator.goto(live_server.url + path)
        assert operator.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert operator.locator("canvas[data-chart]").first.evaluate(INK)["painted"] > 1_000


@pytest.mark.parametrize("width", [1400, 400])
def test_long_names_and_a_percentage_of_many_digits_leave_room_for_each_other(
    operator: Page, live_server, fleet, width
):
    yesterday = timezone.localdate() - timedelta(days=1)
    instance = make_instance("billing-production-frankfurt-01.internal.example")
    store([Day(instance.pk, LONG, yesterday - timedelta(days=1), 1), Day(instance.pk, LONG, yesterday, 2 * 10**15)])
    aggregate(instance, today=timezone.localdate(), periods=["daily"])
    operator.set_viewport_size({"width": width, "height": 900})
    operator.goto(f"{live_server.url}{TRENDS}?measure=percent")
    fastest = operator.get_by_role("region", name="Fastest growing in percent").get_by_role("row").first
    expect(fastest).to_contain_text("+2.00·10¹⁷ %")
    assert fastest.get_by_role("cell").first.bounding_box()["width"] > 100
    assert operator.evaluate("document.documentElement.scrollWidth") <= width
    cut = "[...document.querySelectorAll('#result_list td')].filter(cell => cell.scrollWidth > cell.clientWidth).length"
    assert operator.evaluate(cut) == 0
    coverage = operator.locator("#result_list tbody tr").first.locator(".field-coverage").bounding_box()
    assert coverage["x"] + coverage["width"] <= width
