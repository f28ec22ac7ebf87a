"""`manage.py tokens …`: API tokens for scripts. A token is stored hashed and shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from knox.models import AuthToken

from whalefall.commands import DomainCommand
from whalefall.errors import NotFound, ValidationFailed


class Command(DomainCommand):
    help = "Create, list and revoke API tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a token and print it, this once")
        create.add_argument("user")
        create.add_argument("--days", type=int, default=settings.API_TOKEN_DAYS)
        listing = actions.add_parser("list", help="the tokens that exist")
        listing.add_argument("user", nargs="?")
        revoke = actions.add_parser("revoke", help="make a token worthless")
        revoke.add_argument("token_key", help="as the list shows it")
        for action in actions.choices.values():
            action.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, options["action"])(options)

    def create(self, options: dict[str, Any]) -> None:
        if options["days"] < 1:
            raise ValidationFailed(detail=_("--days must be at least 1"))
        user = _user(options["user"])
        if not user.is_active:
            raise ValidationFailed(detail=_("user {name} is not active").format(name=user.username))
        made, token = AuthToken.objects.create(user, expiry=timedelta(days=options["days"]))
        if options["json"]:
            self.print_json({**_document(made), "token": token})
        else:
            self.stderr.write(_("Keep it: it cannot be shown again. It expires at {time}.").format(time=made.expiry))
            self.stdout.write(token)

    def list(self, options: dict[str, Any]) -> None:
        tokens = AuthToken.objects.select_related("user").order_by("user__username", "created")
        if options["user"]:
            tokens = tokens.filter(user=_user(options["user"]))
        if options["json"]:
            self.print_json([_document(token) for token in tokens])
            return
        for token in tokens:
            state = _("expired") if token.expiry and token.expiry < timezone.now() else ""
            self.stdout.write(
                f"{token.token_key}  {token.user.username}  {token.created}  {token.expiry}  {state}".rstrip()
            )

    def revoke(self, options: dict[str, Any]) -> None:
        revoked, _details = AuthToken.objects.filter(token_key=options["token_key"]).delete()
        if not revoked:
            raise NotFound(what="Token", name=options["token_key"])
        if options["json"]:
            self.print_json({"revoked": revoked})
        else:
            self.stdout.write(_("Revoked"))


def _user(name: str) -> User:
    try:
        return User.objects.get(username=name)
    except User.DoesNotExist:
        raise NotFound(what="User", name=name) from None


def _document(token: AuthToken) -> dict[str, Any]:
    return {
        "token_key": token.token_key,
        "user": token.user.username,
        "created": token.created,
        "expiry": token.expiry,
    }
