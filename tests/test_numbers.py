"""Numbers that no column holds, and words that are no yes or no: lists refuse them, and no page breaks on them."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse

from instances.models import Instance, Tag
from tests.people import api, browser, person

pytestmark = pytest.mark.django_db

TOO_BIG = ["9223372036854775808", "-9223372036854775809", "1" + 30 * "0"]


def lists():
    """(path, parameter) of every list that the schema describes, with the parameter's schema."""
    paths = api("root").get("/api/v1/openapi.json").json()["paths"]
    return [
        (path, parameter["name"], parameter["schema"])
        for path, methods in paths.items()
        if "get" in methods and "{" not in path
        for parameter in methods["get"].get("parameters", [])
        if parameter["in"] == "query"
    ]


def test_no_list_breaks_on_a_number_that_is_too_big():
    client, asked = api("root"), lists()
    assert ("/api/v1/capacity/instances", "instance_id") in {(path, name) for path, name, _schema in asked}
    for path, name, _schema in asked:
        answer = client.get(path, {name: TOO_BIG[-1]})
        assert answer.status_code in (200, 400), (path, name)
        if re.fullmatch(r"(instance|account|classification|rule)_id", name):
            for number in TOO_BIG:
                answer = client.get(path, {name: number})
                assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR"), (path, name)


def test_what_is_no_yes_or_no_is_refused():
    client = api("root")
    flags = [(path, name) for path, name, schema in lists() if schema.get("type") == "boolean"]
    assert ("/api/v1/capacity/databases/summary", "include_hidden") in flags
    for path, name in flags:
        answer = client.get(path, {name: "x"})
        assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR"), (path, name)


@pytest.mark.parametrize("name", ["started_after", "started_before"])
@pytest.mark.parametrize("moment", ["0001-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_a_moment_at_the_calendars_ends_is_refused(name, moment):
    assert api("root").get("/api/v1/sync-sessions", {name: moment}).status_code == 400


def addresses():
    """Every filter of a related row on every page with a list."""
    request = RequestFactory().get("/")
    request.user = person("root")
    for model, page in admin.site._registry.items():
        try:
            url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        except NoReverseMatch:
            continue
        for chosen in page.get_list_filter(request):
            field = chosen[0] if isinstance(chosen, (tuple, list)) else chosen
            if isinstance(field, str):
                yield from ((url, f"{field}{how}") for how in ("__id__exact", "__exact", "__in"))


def test_no_page_breaks_on_a_number_that_is_too_big():
    client = browser("root")
    asked = list(addresses())
    trends = reverse("admin:aggregation_instancesizeaggregation_changelist")
    assert (trends, "instance__id__exact") in asked
    for url, name in asked:
        answer = client.get(url, {name: TOO_BIG[-1]})
        assert answer.status_code in (200, 302, 400), (url, name)


def test_a_related_row_is_found_by_the_numbers_that_can_be_and_by_no_other():
    tag = Tag.objects.create(name="core", display_name="Core")
    instance = Instance.objects.create(name="db1", db_type="postgresql", host="127.0.0.1", port=5432)
    instance.tags.add(tag)
    links = Instance.tags.through.objects
    big = 2**63
    assert list(links.filter(instance__in=[big, instance.pk])) == list(links.all())
    assert list(links.filter(instance=big)) == list(links.filter(instance__in=[big])) == []
    assert list(links.exclude(instance=big)) == list(links.exclude(instance__in=[big])) == list(links.all())
    assert list(Instance.objects.filter(pk__in=[big, instance.pk])) == [instance]
    assert list(links.filter(instance=2**63 - 1)) == []
    assert not Instance.objects.filter(credential=-(2**63) - 1).exists()
