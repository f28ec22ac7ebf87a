"""Pages and answers for a reader of Chinese: whatever a person reads is Chinese, marked for translation or not."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

import dbms
from sessions_app.models import InstanceCoverage
from tests.accounts_sync.conftest import Syncs, make_instance
from tests.accounts_sync.fakes import role, snapshot
from tests.people import api, browser
from tests.sessions_app.rows import REJECTED, session_with
from whalefall import messages
from whalefall.errors import RemoteTimeout

pytestmark = pytest.mark.django_db

CHINESE = {"Accept-Language": "zh-hans"}
SESSIONS = reverse("admin:sessions_app_syncsession_changelist")
ENGLISH = re.compile(r"[A-Za-z]{2,}[,;]? (?:[A-Za-z]{2,}|a)\b[A-Za-z ]*")
MODELS = (
    "accounts_sync_accountchangelog", "accounts_sync_instanceaccount", "instances_credential", "instances_instance",
    "instances_tag", "sessions_app_syncinstancerecord", "sessions_app_syncsession", "auth_user", "auth_group",
    "sessions_app_syncschedule",
)  # fmt: skip
READ_ATTRIBUTES = {"title", "aria-label", "placeholder", "alt", "data-lost"}
CODE = {"script", "style", "template", "code", "pre"}  # programs, and the words of servers


class Visible(HTMLParser):
    """The texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in READ_ATTRIBUTES and value]
        if tag == "input":
            self.texts += [value or "" for name, value in attrs if name == "value" and ("type", "submit") in attrs]
        if tag in CODE:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not self.inside:
            self.texts.append(" ".join(data.split()))


def english(client: Client, url: str) -> list[str]:
    """What of a page is still English: two or more English words in a row that are no product's name."""
    answer = client.get(url, headers=CHINESE)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert '<html lang="zh-hans"' in page
    assert re.search("[一-鿿]{2}", page)
    found = {match[0] for text in Visible(page).texts for match in [ENGLISH.search(text)] if match}
    return sorted(found - {label for _, label in dbms.choices()})


@pytest.fixture
def sync() -> Syncs:
    return Syncs(make_instance("shop"))


def test_english_would_be_noticed():
    page = Visible(
        '<p title="Go back">所有<b>Sync sessions</b></p><code>GRANT ALL ON x</code><script>let it be</script>'
    )
    assert [text for text in page.texts if ENGLISH.search(text)] == ["Go back", "Sync sessions"]


def test_the_lists_of_the_console_are_chinese():
    session_with("completed", "skipped", "cancelled", sync_type="scheduled_task")
    session_with("completed", {"status": "failed", **REJECTED}, "running", "pending")
    client = browser("root")
    for address in ("index", *(f"{model}_changelist" for model in MODELS)):
        assert english(client, reverse(f"admin:{address}")) == [], address


def test_the_session_list_says_in_chinese_how_sessions_ended():
    session_with("completed", "failed", "skipped", sync_type="scheduled_task")
    page = browser("viewer").get(SESSIONS, headers=CHINESE).content.decode()
    for word in ("同步会话", "定时任务", "部分成功", "3 / 3 · 1 个失败 · 1 个跳过"):
        assert word in page


def test_the_page_of_a_session_is_chinese():
    slow = {"message_code": "DATABASE_TIMEOUT", "reason": "timeout", "error_params": {
        "host": "db.example", "port": 5432, "detail": "the whole read took longer than 300 s",
    }}  # fmt: skip
    session = session_with("completed", {"status": "failed", **REJECTED}, {"status": "failed", **slow})
    url = reverse("admin:sessions_app_syncsession_change", args=[session.pk])
    assert english(browser("operator"), url) == []
    page = browser("operator").get(url, headers=CHINESE).content.decode()
    assert "db.example:5432 拒绝 monitor 登录" in page
    assert "db.example:5432 未在规定时间内应答：整个读取耗时超过 300 秒" in page


def test_the_page_of_an_account_and_its_history_are_chinese(sync: Syncs):
    sync(snapshot(role("ada")))
    sync(snapshot(role("ada", superuser=True)))
    ada = sync.account("ada")
    InstanceCoverage.objects.create(
        instance=ada.instance,
        sync_category="account",
        scope="database:app",
        status="denied",
        reason="no CONNECT privilege",
    )
    url = reverse("admin:accounts_sync_instanceaccount_change", args=[ada.pk])
    assert english(browser("viewer"), url) == []
    page = browser("viewer").get(url, headers=CHINESE).content.decode()
    for word in ("超级用户", "权限结论", "ada 的权限发生变更", "没有 CONNECT 权限"):
        assert word in page
    change = ada.changes.order_by("-pk")[0]
    assert english(browser("viewer"), reverse("admin:accounts_sync_accountchangelog_change", args=[change.pk])) == []


def test_the_pages_of_an_instance_are_chinese():
    instance = make_instance("shop")
    client = browser("root")
    assert english(client, reverse("admin:instances_instance_change", args=[instance.pk])) == []
    assert english(client, reverse("admin:instances_instance_add")) == []
    assert english(client, reverse("admin:instances_credential_add")) == []


def test_an_error_of_the_api_and_its_advice_are_chinese():
    answer = api("operator").post("/api/v1/instances/actions/sync-accounts", {}, headers=CHINESE)
    document = answer.json()
    assert (answer.status_code, document["message_code"]) == (400, "VALIDATION_ERROR")
    assert document["message"] == "没有可同步的活跃实例"
    assert document["suggestions"] == ["请添加或启用实例，或放宽筛选条件。"]
    answer = api("viewer").get("/api/v1/sync-sessions", {"limit": "many"}, headers=CHINESE)
    assert answer.json()["message"] == "输入无效：limit 必须是 1 到 100 之间的整数"


def test_words_of_a_server_stay_as_they_are_beside_our_own():
    said = [
        RemoteTimeout(host="h", port=1, detail=detail) for detail in ("no address answered", "no address for {0}: 不")
    ]
    with translation.override("zh-hans"):
        shown = [messages.render_error(error) for error in said]
    assert shown == ["h:1 未在规定时间内应答：没有地址应答", "h:1 未在规定时间内应答：no address for {0}: 不"]
