from __future__ import annotations

import pytest

from tests.accounts_sync.fakes import role, snapshot


@pytest.mark.django_db
def test_first(sync):
    counts = sync(
        snapshot(
            role("ada", connect={"app": ["CONNECT"]}, objects={"app": {"relation:s.t": ["SELECT"]}}),
            role("bob", superuser=True),
            databases=["app"],
        )
    )
    print(counts, sync.said())
    counts = sync(snapshot(role("ada", objects={"app": {"relation:s.t": ["INSERT"]}}), role("bob"), databases=["app"]))
    print(counts, sync.said())
    counts = sync(snapshot(role("ada", objects={"app": {"relation:s.t": ["INSERT"]}}), databases=["app"]))
    print(counts, sync.said())
