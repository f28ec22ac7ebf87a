"""Tokens of the API on the command line."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from tests.people import person
from whalefall.errors import NotFound, ValidationFailed

pytestmark = pytest.mark.django_db


def tokens(*arguments: str) -> object:
    said = io.StringIO()
    call_command("tokens", *arguments, "--json", stdout=said)
    return json.loads(said.getvalue())


def test_a_token_made_on_the_command_line_opens_the_api_until_it_is_revoked():
    person("viewer")
    made = tokens("create", "viewer")
    headers = {"Authorization": f"Token {made['token']}"}
    assert APIClient().get("/api/v1/sync-sessions", headers=headers).status_code == 200
    tokens("revoke", made["token_key"])
    assert APIClient().get("/api/v1/sync-sessions", headers=headers).status_code == 401


def test_a_token_lasts_ninety_days_unless_said_otherwise():
    person("viewer")
    for arguments, days in (((), 90), (("--days", "7"), 7)):
        tokens("create", "viewer", *arguments)
        left = AuthToken.objects.latest("created").expiry - timezone.now()
        assert timedelta(days=days) - timedelta(minutes=1) < left <= timedelta(days=days)


def test_the_list_names_tokens_and_shows_none():
    person("viewer")
    made = tokens("create", "viewer")
    (listed,) = tokens("list")
    assert (listed["token_key"], listed["user"]) == (made["token_key"], "viewer")
    assert made["token"] not in json.dumps(listed)


def test_the_token_alone_is_on_stdout_so_that_a_script_can_take_it(capsys):
    person("viewer")
    call_command("tokens", "create", "viewer")
    said = capsys.readouterr()
    assert AuthToken.objects.get().token_key == said.out.strip()[:15]
    assert len(said.out.split()) == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("create", "nobody-knows"), NotFound),
        (("create", "viewer", "--days", "0"), ValidationFailed),
        (("revoke", "nothing"), NotFound),
        (("list", "nobody-knows"), NotFound),
    ],
)
def test_what_cannot_be_done_is_an_error(arguments, error):
    person("viewer")
    with pytest.raises(error):
        call_command("tokens", *arguments)


def test_an_inactive_user_gets_no_token():
    user = person("viewer")
    user.is_active = False
    user.save()
    with pytest.raises(ValidationFailed):
        call_command("tokens", "create", "viewer")
