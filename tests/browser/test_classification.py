"""A DBA writes a rule without touching JSON, tries it out, saves it and sees what it does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from classification.models import ClassificationRule
from sessions_app import engine
from sessions_app.models import InstanceCoverage, SyncSession
from tests.classification.conftest import (
    classify,
    facts,
    make_account,
    make_instance,
    make_rule,
    restored_classes,  # noqa: F401, a fixture
    superuser,
)
from tests.people import person

pytestmark = pytest.mark.usefixtures("restored_classes")

DEEP = {
    "version": 5,
    "expr": {
        "op": "AND",
        "args": [
            {"fn": "has_role", "args": {"name": "auditors"}},
            {
                "op": "OR",
                "args": [
                    {"fn": "is_superuser", "args": {}},
                    {"op": "NOT", "args": [{"fn": "name_like", "args": {"pattern": "app%"}}]},
                ],
            },
        ],
    },
}


@pytest.fixture
def console(page: Page, troubles: list[str]) -> None:
    """What a page complains of in the console is trouble, too."""
    page.on("console", lambda line: troubles.append(line.text) if line.type in ("error", "warning") else None)


@pytest.fixture(autouse=True)
def alone(settings) -> None:
    settings.SYNC_FOLLOW_UPS = {}


@pytest.fixture
def accounts(operator: Page, console: None) -> dict[str, Any]:
    """Who is in the role that the rule asks for, and who is not; the operator may add rules, too."""
    person("operator").groups.add(Group.objects.get(name="admin"))
    instance = make_instance("orders-db")
    make_account(instance, "auditors", kind="role", is_role=True)
    return {
        "vera": make_account(instance, "vera", facts(roles=["auditors"])),
        "app_root": make_account(instance, "app_root", superuser() | {"roles": ["auditors"]}),
        "app": make_account(instance, "app", facts(roles=["auditors"])),
        "zoe": make_account(instance, "zoe", facts()),
    }


def node(page: Page, name: str) -> Any:
    return page.get_by_role("group", name=name, exact=True)


def written(page: Page) -> Any:
    return json.loads(page.locator("[data-editor] textarea").input_value())


def test_a_rule_of_depth_three_is_built_tried_saved_and_run(operator: Page, live_server, accounts):
    page = operator
    page.goto(f"{live_server.url}/admin/classification/classificationrule/add/")
    page.locator("#id_rule_name").fill("auditors of their own")
    page.locator("#id_classification").select_option(label="Sensitive accounts")
    page.locator("#id_db_type").select_option("postgresql")
    node(page, "Condition 1").get_by_role("combobox", name="Condition 1").select_option("has_role")
    name = node(page, "Condition 1").get_by_label("Name")
    name.fill("audit")
    expect(name.locator("xpath=following-sibling::datalist/option[@value='auditors']")).to_have_count(1)
    name.fill("auditors")
    page.get_by_role("button", name="Add group: Group", exact=True).click()
    node(page, "Group 2").get_by_role("combobox", name="Group 2", exact=True).select_option("OR")
    node(page, "Condition 2.1").get_by_role("combobox").first.select_option("is_superuser")
    page.get_by_role("button", name="Add group: Group 2", exact=True).click()
    node(page, "Group 2.2").get_by_role("combobox", name="Group 2.2", exact=True).select_option("NOT")
    node(page, "Condition 2.2.1").get_by_role("combobox").first.select_option("name_like")
    expect(node(page, "Condition 2.2.1")).to_contain_text("Condition 2.2.1 · Pattern is missing")
    node(page, "Condition 2.2.1").get_by_label("Pattern").fill("app%")
    expect(page.get_by_text("The expression is valid.")).to_be_visible()
    assert written(page) == DEEP

    page.get_by_role("button", name="Who would enter and leave?").click()
    expect(page.locator("[data-list=entering] li")).to_have_text(["vera — orders-db Why?", "app_root — orders-db Why?"])
    expect(page.get_by_text("Would leave: 0")).to_be_visible()
    page.get_by_role("button", name="Why? vera — orders-db").click()
    expect(page.locator("[data-explanation] [data-path='expr.args[1].args[1]']").first).to_contain_text("Not holds")
    page.get_by_label("Explain for an account").fill("zo")
    page.get_by_role("button", name="zoe — orders-db (PostgreSQL)").click()
    expect(page.locator("[data-explanation] [data-path='expr.args[0]']")).to_contain_text("does not hold")
    assert not ClassificationRule.objects.exists()

    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="auditors of their own").first).to_be_visible()
    assert ClassificationRule.objects.get().rule_expression == DEEP
    page.get_by_role("link", name="Classify now").or_(page.get_by_role("button", name="Classify now")).first.click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("has started")).to_be_visible()
    engine.run(session=SyncSession.objects.get())
    page.goto(f"{live_server.url}/admin/accounts_sync/instanceaccount/{accounts['vera'].pk}/change/")
    panel = page.locator("#classes")
    expect(panel.get_by_role("table")).to_contain_text("Sensitive accounts")
    panel.get_by_text("Why auditors of their own says Sensitive accounts").click()
    expect(panel.get_by_text("Has the role Name: auditors")).to_be_visible()


@pytest.fixture
def written_rule(accounts: dict[str, Any]) -> ClassificationRule:
    return make_rule(DEEP, code="sensitive", rule_name="auditors")


@pytest.fixture
def editing(operator: Page, live_server: Any, written_rule: ClassificationRule) -> Page:
    operator.goto(f"{live_server.url}/admin/classification/classificationrule/{written_rule.pk}/change/")
    return operator


def test_keys_move_nest_and_remove_and_the_focus_goes_along(editing: Page):
    first = node(editing, "Condition 1").get_by_role("combobox").first
    first.focus()
    editing.keyboard.press("Alt+ArrowDown")
    assert [arg.get("fn") for arg in written(editing)["expr"]["args"]] == [None, "has_role"]
    expect(node(editing, "Condition 2").locator(":focus")).to_have_count(1)
    editing.keyboard.press("Alt+ArrowRight")
    assert written(editing)["expr"]["args"][1]["args"][0]["fn"] == "has_role"
    expect(node(editing, "Condition 2.1").locator(":focus")).to_have_count(1)
    editing.keyboard.press("Alt+ArrowLeft")
    assert written(editing)["expr"]["args"][1]["fn"] == "has_role"
    editing.keyboard.press("Alt+Delete")
    assert len(written(editing)["expr"]["args"]) == 1
    node(editing, "Condition 1.2.1").get_by_role("button", name="Move out of the group: Condition 1.2.1").click()
    assert written(editing)["expr"]["args"][0]["args"][1]["fn"] == "name_like"


def test_the_json_and_the_tree_stay_in_step(editing: Page):
    area = editing.locator("[data-editor] textarea")
    area.fill('{"version": 4, "expr": {"fn": "has_privilege", "args": {"name": "CREATE", "scope": "database"}}}')
    expect(node(editing, "Condition").get_by_label("Name")).to_have_value("CREATE")
    node(editing, "Condition").get_by_label("Scope").select_option("tablespace")
    assert written(editing)["expr"]["args"]["scope"] == "tablespace"
    node(editing, "Condition").get_by_label("Name").fill("FLY")
    expect(node(editing, "Condition")).to_contain_text("postgresql is not known to have FLY there")
    area.fill('{"version": 4, "expr": ')
    expect(editing.get_by_text("The JSON cannot be read")).to_be_visible()
    area.fill(json.dumps(DEEP))
    expect(editing.get_by_text("The expression is valid.")).to_be_visible()
    expect(node(editing, "Condition 2.2.1").get_by_label("Pattern")).to_have_value("app%")


def test_an_explanation_names_what_was_never_read(editing: Page, accounts):
    InstanceCoverage.objects.create(
        instance=accounts["zoe"].instance, sync_category="account", scope="database:shop", status="denied"
    )
    editing.locator("[data-editor] textarea").fill('{"version": 5, "expr": {"fn": "owns"}}')
    editing.get_by_label("Explain for an account").fill("zo")
    editing.get_by_role("button", name="zoe — orders-db (PostgreSQL)").click()
    told = editing.locator("[data-explanation] [data-path='expr']")
    expect(told).to_contain_text("nobody can say Never read: database:shop")


def test_what_was_found_for_another_draft_is_no_longer_shown(editing: Page):
    editing.get_by_role("button", name="Who would enter and leave?").click()
    expect(editing.get_by_text("Would enter: 2")).to_be_visible()
    node(editing, "Condition 1").get_by_label("Name").fill("others")
    expect(editing.get_by_text("Would enter:")).to_have_count(0)


def test_a_mistake_in_json_that_is_no_tree_is_told_by_its_path(editing: Page):
    editing.locator("[data-editor] textarea").fill('{"version": 4, "expr": {"op": "AND", "args": [{"fn": "ownz"}]}}')
    expect(editing.locator("[data-messages]")).to_contain_text("expr.args[0].fn: 'ownz' is unknown")


def test_the_pages_fit_into_a_narrow_window(editing: Page, live_server, accounts, written_rule):
    editing.set_viewport_size({"width": 390, "height": 900})
    classify()
    rule, top = written_rule.pk, written_rule.classification_id
    for path in (
        f"classification/classificationrule/{rule}/change/",
        "classification/classificationrule/",
        "classification/accountclassification/",
        f"classification/accountclassification/{top}/change/",
        "classification/accountclassificationassignment/",
        f"accounts_sync/instanceaccount/{accounts['vera'].pk}/change/",
    ):
        editing.goto(f"{live_server.url}/admin/{path}")
        assert editing.evaluate("document.documentElement.scrollWidth") <= 390, path
