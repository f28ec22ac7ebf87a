"""`manage.py sync CATEGORY`: start a sync session by hand."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Q
from django.utils.translation import gettext as _

import dbms
from instances.models import Instance, InstanceQuerySet, Tag
from instances.services import get_instance
from sessions_app import categories, engine, report, services
from sessions_app.models import Outcome, SyncSession, SyncType
from sessions_app.progress_bar import ProgressBar
from whalefall.commands import DomainCommand
from whalefall.errors import InstanceDisabled, NotFound, ValidationFailed


class Command(DomainCommand):
    help = "Start a sync session over all active instances, or over those that the options name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("category", help=", ".join(categories.table()))
        parser.add_argument("--instance", action="append", default=[], metavar="NAME", help="repeatable")
        parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="repeatable: any of them")
        parser.add_argument("--db-type", metavar="X")
        parser.add_argument("--force", action="store_true", help="accounts only: accept a list that shrank a lot")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--inline", action="store_true", help="work in this process, without retries")
        how.add_argument("--wait", action="store_true", help="wait for the workers")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _chosen(options["instance"], options["tag"], options["db_type"])
        if options["force"] and not categories.get(options["category"]).can_force:
            raise ValidationFailed(detail=_("{category} refuses nothing that --force could accept").format(**options))
        session = services.start_session(
            category=options["category"],
            sync_type=SyncType.MANUAL_TASK if chosen is None else SyncType.MANUAL_BATCH,
            instances=Instance.objects.all() if chosen is None else chosen,
            parameters={"force": True} if options["force"] else {},
            max_attempts=1 if options["inline"] else None,
        )
        if options["inline"]:
            with ProgressBar(session.sync_category) as bar:
                session = bar.work(session, lambda: engine.run(session=session))
        elif options["wait"]:
            with ProgressBar(session.sync_category) as bar:
                session = bar.follow(session)
        elif not session.is_final:
            report.print_session(self, session, as_json=options["json"])
            return
        report.print_outcome(self, session, as_json=options["json"])
        if not _did_what_was_asked(session, by_name=bool(options["instance"])):
            sys.exit(1)


def _did_what_was_asked(session: SyncSession, *, by_name: bool) -> bool:
    """Whether an ended session read something without a failure, and each instance that was named."""
    return session.outcome == Outcome.CLEAN and not (by_name and session.skipped_instances)


def _chosen(names: list[str], tags: list[str], db_type: str | None) -> InstanceQuerySet | None:
    """The instances that the options name; None when they name none.

    Raises NotFound, ValidationFailed, and InstanceDisabled for one that is named itself.
    """
    if not (names or tags or db_type):
        return None
    wanted = Instance.objects.present()
    if names:
        named = [get_instance(name) for name in names]
        for instance in named:
            if not instance.is_active:
                raise InstanceDisabled(instance=instance.name)
        wanted = wanted.filter(pk__in=[instance.pk for instance in named])
    if tags:
        known = set(Tag.objects.filter(name__in=tags).values_list("name", flat=True))
        for tag in tags:
            if tag not in known:
                raise NotFound(what="tag", name=tag)
        wanted = wanted.filter(Q(tags__name__in=tags)).distinct()
    if db_type:
        wanted = wanted.filter(db_type=dbms.normalize(db_type))
    return wanted
