"""What an operator sees of sizes: the chart, its ranges, and tables measured at the press of a button."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from capacity import tables
from capacity.models import CapacityLimit, InstanceDatabase, TableSizeSnapshot
from tests.capacity.conftest import GIB, MIB, make_instance
from tests.capacity.history import measured, totalled

# Painted pixels of a canvas, and how many different colours they have.
INK = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const colours = new Set();
    let painted = 0;
    for (let at = 0; at < pixels.length; at += 4)
        if (pixels[at + 3]) { painted += 1; colours.add(`${pixels[at]} ${pixels[at + 1]} ${pixels[at + 2]}`); }
    return { painted, colours: colours.size };
}"""


@pytest.fixture
def console(page: Page, troubles: list[str]) -> None:
    """What a page complains of in the console is trouble, too."""
    page.on("console", lambda line: troubles.append(line.text) if line.type in ("error", "warning") else None)


@pytest.fixture
def shop(operator: Page, console: None) -> InstanceDatabase:
    """Two years of a database, with a gap, and of its instance."""
    today = timezone.localdate()
    sizes = {today - timedelta(days=age): (900 - age) * GIB for age in range(700) if not 40 < age < 50}
    instance = make_instance("billing")
    totalled(instance, sizes, incomplete=(today - timedelta(days=2),))
    CapacityLimit.objects.create(instance=instance, database_name="shop", limit_bytes=1000 * GIB)
    return measured(instance, "shop", sizes, data_size_bytes=300 * GIB, log_size_bytes=50 * GIB)


def page_url(live_server: Any, database: InstanceDatabase) -> str:
    return f"{live_server.url}/admin/capacity/instancedatabase/{database.pk}/change/"


def labels(page: Page) -> list[str]:
    return page.evaluate("Chart.getChart(document.querySelector('canvas[data-chart]')).data.labels")


def test_the_chart_of_a_database_is_drawn_and_its_range_switched(operator: Page, live_server, shop):
    operator.goto(f"{live_server.url}/admin/capacity/instancedatabase/")
    operator.get_by_role("link", name="shop").click()
    chart = operator.get_by_role("img", name="Size of shop over time")
    expect(chart).to_be_visible()
    ink = chart.evaluate(INK)
    assert ink["painted"] > 5_000
    assert ink["colours"] > 5
    assert len(labels(operator)) == 90 + 22
    today = timezone.localdate()
    for label, days in {"30 days": 30, "1 year": 365, "All": 700}.items():
        operator.get_by_role("navigation", name="Range").get_by_role("link", name=label).click()
        expect(operator.get_by_role("navigation", name="Range").locator("[aria-current]")).to_have_text(label)
        assert labels(operator)[0] == (today - timedelta(days=days - 1)).isoformat()
        assert operator.get_by_role("img", name="Size of shop over time").evaluate(INK)["painted"] > 5_000
    operator.get_by_text("The figures as a table").click()
    expect(operator.get_by_role("cell", name=today.isoformat())).to_be_visible()


def test_the_chart_is_drawn_anew_in_the_colours_of_the_other_theme(operator: Page, live_server, shop):
    operator.goto(page_url(live_server, shop))
    colour = "Chart.getChart(document.querySelector('canvas[data-chart]')).data.datasets[0].borderColor"
    light = operator.evaluate(colour)
    for _ in range(2):  # from the system's theme to the light one, and on to the dark one
        operator.keyboard.press("Control+e")
    operator.wait_for_function(f"{colour} !== {light!r}")
    assert operator.get_by_role("img", name="Size of shop over time").evaluate(INK)["painted"] > 5_000


def test_the_page_of_an_instance_has_the_chart_of_its_total(operator: Page, live_server, shop):
    operator.goto(f"{live_server.url}/admin/instances/instance/{shop.instance_id}/change/")
    chart = operator.get_by_role("img", name="Total size of billing over time")
    assert chart.evaluate(INK)["painted"] > 5_000
    operator.get_by_role("navigation", name="Range").get_by_role("link", name="30 days").click()
    expect(operator.get_by_text("On 1 day, marked in the chart")).to_be_visible()
    operator.get_by_role("link", name="Its databases", exact=True).click()
    expect(operator.get_by_role("link", name="shop")).to_be_visible()


def test_tables_are_measured_at_the_press_of_a_button(operator: Page, live_server, shop, monkeypatch):
    def measure(*, instance: Any, database_name: str, user: Any) -> TableSizeSnapshot:
        row = {"schema": "public", "name": "orders", "size_bytes": 5 * MIB, "data_size_bytes": None,
               "index_size_bytes": None, "row_estimate": 7}  # fmt: skip
        return TableSizeSnapshot.objects.create(
            instance=instance,
            database_name=database_name,
            tables=[row],
            asked_for=9,
            duration_seconds=1,
            created_by=user,
        )

    monkeypatch.setattr(tables, "measure_tables", measure)
    operator.goto(page_url(live_server, shop))
    expect(operator.get_by_text("Nobody has asked for them yet.")).to_be_visible()
    operator.get_by_text("Measure tables now").click()
    operator.get_by_role("button", name="Measure").click()
    expect(operator.get_by_text("1 table was measured")).to_be_visible()
    expect(operator.get_by_role("cell", name="public.orders")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_telephone_without_scrolling_sideways(operator: Page, live_server, shop, scheme):
    operator.emulate_media(color_scheme=scheme)
    operator.set_viewport_size({"width": 390, "height": 844})
    for path in ("", f"{shop.pk}/change/?range=all", f"../../instances/instance/{shop.instance_id}/change/"):
        operator.goto(f"{live_server.url}/admin/capacity/instancedatabase/{path}")
        assert operator.evaluate("document.documentElement.scrollWidth") <= 390, path
        for canvas in operator.locator("canvas[data-chart]").all():
            assert canvas.bounding_box()["width"] <= 390
            assert canvas.evaluate(INK)["painted"] > 3_000
