"""Filters: whole names, LIKE patterns with their wildcards, and what editing them does to stored databases."""

from __future__ import annotations

import pytest

from capacity.filters import Filters, apply_again
from capacity.models import DatabaseFilter, InstanceDatabase
from tests.capacity.conftest import collect, make_instance, sizes


@pytest.mark.parametrize(
    ("match", "pattern", "hits", "misses"),
    [
        ("exact", "sys", ["sys", "SYS"], ["system", "sys ", ""]),
        ("exact", "a%b", ["a%b"], ["axb"]),
        ("like", "tmp%", ["tmp", "tmp_1", "TMPx", "tmp\nx"], ["atmp", "tm"]),
        ("like", r"tmp\_%", ["tmp_", "tmp_1"], ["tmp", "tmpx1"]),
        ("like", "t_p", ["tmp", "t_p", "t\np"], ["tp", "tmmp"]),
        ("like", r"100\%", ["100%"], ["100", "1000"]),
        ("like", r"a\\b", ["a\\b"], ["ab", "a\\\\b"]),
        ("like", "a.*[b]", ["a.*[b]"], ["axxb"]),
        ("like", "ends\\", ["ends\\"], ["ends"]),
    ],
)
def test_a_filter_hits(match, pattern, hits, misses):
    filters = Filters([DatabaseFilter(db_type="mysql", match=match, pattern=pattern)])
    assert [name for name in hits if not filters.matching(name)] == []
    assert [name for name in misses if filters.matching(name)] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("db_type", "hidden", "shown"),
    [
        ("mysql", ["mysql", "sys", "information_schema", "performance_schema", "tmp_a", "temp_b", "#sql-1"], ["tmpl"]),
        ("postgresql", ["template0", "template1", "postgres", "pg_archive"], ["pgwatch", "app"]),
        ("sqlserver", ["master", "model", "msdb", "tempdb", "ReportServerTempDB"], ["Reports"]),
        ("oracle", ["SYSTEM", "SYSAUX", "USERS"], ["ORCLPDB1"]),
    ],
)
def test_every_installation_begins_with_the_known_filters(db_type, hidden, shown):
    filters = Filters.of(db_type)
    assert [name for name in hidden if not filters.matching(name)] == []
    assert [name for name in shown if filters.matching(name)] == []


@pytest.mark.django_db
def test_an_edited_filter_tags_what_is_stored_already():
    instance, other = make_instance(), make_instance("other", "mysql")
    collect(instance, sizes(app=1, test1=2, postgres=3))
    collect(other, sizes(test1=1))
    DatabaseFilter.objects.create(db_type="postgresql", match="like", pattern="test%")
    DatabaseFilter.objects.filter(db_type="postgresql", pattern="postgres").update(is_active=False)
    assert apply_again("postgresql") == 2
    assert apply_again("postgresql") == 0
    rows = InstanceDatabase.objects.order_by("instance", "database_name").values_list("database_name", "filtered_by")
    assert list(rows) == [("app", ""), ("postgres", ""), ("test1", "test%"), ("test1", "")]
