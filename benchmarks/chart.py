"""How long the page of a database takes that draws three years, among a fleet with as long a history."""

from __future__ import annotations

from http import HTTPStatus

import psycopg

from benchmarks.aggregation.fill import fill
from benchmarks.product import timed

SERVERS, DATABASES, DAYS, ROUNDS = 100, 20, 1_096, 15
INVENTORY = """
    INSERT INTO instance_databases (
        instance_id, database_name, is_active, is_system, filtered_by, size_bytes, data_size_bytes, log_size_bytes,
        method, is_estimate, collected_date, collected_at, first_seen_date, last_seen_date
    )
    SELECT
        instance_id, database_name, true, false, '', size_bytes, data_size_bytes, log_size_bytes, method, is_estimate,
        collected_date, collected_at, collected_date - %(days)s::integer, collected_date
    FROM database_size_stats
    WHERE collected_date = (SELECT max(collected_date) FROM database_size_stats)
"""


def page(url: str, *, registered: int) -> float:
    """The seconds that our side takes for it: the least of many, since only other work on the machine adds to that.

    So many servers are registered already; none may have sizes.
    """
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    from capacity.models import InstanceDatabase

    fill(url, instances=SERVERS - registered, databases=DATABASES, days=DAYS)
    with psycopg.connect(url, autocommit=True) as own:
        own.execute(INVENTORY, {"days": DAYS - 1})
        own.execute("VACUUM ANALYZE instance_databases")
    settings.ALLOWED_HOSTS = ["localhost"]
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("reader"))
    shown = InstanceDatabase.objects.order_by("pk")[SERVERS * DATABASES // 2]
    times = []
    for _ in range(ROUNDS):
        seconds, answer = timed(lambda: client.get(f"/admin/capacity/instancedatabase/{shown.pk}/change/?range=all"))
        first = shown.first_seen_date.isoformat()
        if answer.status_code != HTTPStatus.OK or first not in answer.content.decode():
            raise SystemExit(f"The page answered {answer.status_code}, or not with the whole history")
        times.append(seconds)
    return min(times)
