"""Limits and filters in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from capacity.models import CapacityLimit, DatabaseFilter, InstanceDatabase
from tests.capacity.conftest import GIB, collect, make_instance, sizes


def test_an_operator_raises_a_limit_and_is_told_what_a_size_is(operator: Page, live_server):
    instance = make_instance("orders-db")
    collect(instance, sizes(orders=190 * GIB))
    limit = CapacityLimit.objects.create(instance=instance, database_name="orders", limit_bytes=200 * GIB)
    operator.get_by_role("link", name="Capacity limits").click()
    expect(operator.get_by_role("row", name="orders")).to_contain_text("95.0 %")
    operator.get_by_role("link", name="orders", exact=True).click()
    field = operator.get_by_label("Limit")
    expect(field).to_have_value("200 GB")
    field.fill("500")
    operator.get_by_role("button", name="Save", exact=True).click()
    expect(operator.get_by_text("A size is a number with a unit")).to_be_visible()
    operator.get_by_label("Limit").fill("1.5 TB")
    operator.get_by_role("button", name="Save", exact=True).click()
    expect(operator.get_by_role("row", name="orders")).to_contain_text("12.4 %")
    limit.refresh_from_db()
    assert limit.limit_bytes == 1536 * GIB


def test_a_changed_filter_says_what_it_did(operator: Page, live_server):
    collect(make_instance("orders-db"), sizes(app=1, test1=2, test2=3))
    DatabaseFilter.objects.create(db_type="postgresql", match="like", pattern="nothing%")
    operator.get_by_role("link", name="Database filters").click()
    operator.get_by_role("link", name="nothing%").click()
    operator.get_by_label("Name or pattern").fill("test%")
    operator.get_by_role("button", name="Save", exact=True).click()
    expect(operator.get_by_text("2 known databases are now shown or left out differently")).to_be_visible()
    expect(operator.get_by_role("row", name="test%")).to_contain_text("2")
    assert InstanceDatabase.objects.filter(filtered_by="test%").count() == 2
