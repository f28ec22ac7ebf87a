"""The inventory as a CSV file."""

from __future__ import annotations

import csv
import io
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from instances import inventory, services
from instances.models import Instance
from tests.instances.factories import CredentialFactory, InstanceFactory, TagFactory
from whalefall.errors import RequestDataEmpty, ValidationFailed

HEADER = "name,db_type,host\n"


@pytest.mark.django_db
def test_every_column_arrives(ca_pem: str):
    CredentialFactory(name="monitor")
    TagFactory(name="prod")
    TagFactory(name="eu")
    quoted = f'"{ca_pem}"'
    text = (
        "\ufeffNAME,DB_Type,host,port,database_name,description,credential,tags,tls_mode,tls_ca,"
        "connect_timeout,statement_timeout,is_active\r\n"
        f'a, PG ,db1,5433,app,"two\nlines",monitor,prod; eu ;,Verify,{quoted},3,9,No\r\n'
        "b,postgresql,db2,,,,,,,,,,\r\n"
    )
    report = inventory.import_csv(text)
    assert (report.success, report.rows, report.created) == (True, 2, 2)
    a, b = Instance.objects.order_by("name")
    assert (a.db_type, a.host, a.port, a.database_name) == ("postgresql", "db1", 5433, "app")
    assert (a.description, a.tls_mode, a.tls_ca) == ("two\nlines", "verify", ca_pem.strip())
    assert (a.connect_timeout, a.statement_timeout, a.is_active) == (3, 9, False)
    assert a.credential.name == "monitor"
    assert sorted(tag.name for tag in a.tags.all()) == ["eu", "prod"]
    assert (b.port, b.credential, b.is_active, b.tls_mode, b.connect_timeout) == (5432, None, True, "disable", None)


@pytest.mark.django_db
def test_every_bad_row_is_reported_and_none_is_imported():
    InstanceFactory(name="taken")
    CredentialFactory(name="monitor")
    text = (
        "name,db_type,host,port,credential,tags,tls_mode,is_active\n"
        "good,pg,db,,monitor,,,\n"  # 2
        ",pg,db,,,,,\n"  # 3
        "kind,cobol,db,,,,,\n"  # 4
        '"two\nlines",pg,db,,,,,\n'  # 5 and 6
        "host,pg,a b,,,,,\n"  # 7
        "\n"  # 8 is blank
        "port,pg,db,x,,,,\n"  # 9
        "port2,pg,db,70000,,,,\n"  # 10
        "credential,pg,db,,nobody,,,\n"  # 11
        "tag,pg,db,,,nothing,,\n"  # 12
        "tls,pg,db,,,,verify,\n"  # 13
        "active,pg,db,,,,,maybe\n"  # 14
        "taken,pg,db,,,,,\n"  # 15
        "good,pg,db,,,,,\n"  # 16
        "short,pg\n"  # 17
        'quote,pg,"d"b,,,,,\n'  # 18
    )
    report = inventory.import_csv(text)
    assert [(error.line, error.message_code) for error in report.errors] == [
        (3, "VALIDATION_ERROR"),
        (4, "VALIDATION_ERROR"),
        (5, "VALIDATION_ERROR"),
        (7, "VALIDATION_ERROR"),
        (9, "VALIDATION_ERROR"),
        (10, "VALIDATION_ERROR"),
        (11, "RESOURCE_NOT_FOUND"),
        (12, "RESOURCE_NOT_FOUND"),
        (13, "VALIDATION_ERROR"),
        (14, "VALIDATION_ERROR"),
        (15, "NAME_EXISTS"),
        (16, "VALIDATION_ERROR"),
        (17, "VALIDATION_ERROR"),
        (18, "VALIDATION_ERROR"),
    ]
    assert "line 2" in report.errors[11].text
    assert report.errors[3].name == "host"
    assert not report.success
    assert report.created == 0
    assert Instance.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", HEADER, HEADER + " , , \n"])
def test_an_empty_file_is_no_success(text: str):
    with pytest.raises(RequestDataEmpty):
        inventory.import_csv(text)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("name,host", "db_type"),
        ("name,db_type,host,credental", "credental"),
        ("name,db_type,host,Name", "repeated"),
        ("name;db_type;host", "missing"),
        ('"name', "."),
    ],
)
def test_a_header_that_cannot_be_meant_is_refused(header: str, fault: str):
    with pytest.raises(ValidationFailed, match=fault):
        inventory.import_csv(f"{header}\na,pg,db\n")


def test_a_file_in_another_encoding_is_refused():
    assert inventory.decode("\ufeff数据".encode()) == "数据"
    with pytest.raises(ValidationFailed, match="UTF-8"):
        inventory.decode("数据".encode("gbk"))


@pytest.mark.django_db
def test_the_template_can_be_imported():
    assert inventory.import_csv(inventory.template_csv()).success


@pytest.mark.django_db
@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "'=1+1", "''=1+1", "＝1+1"])
def test_no_cell_of_an_export_is_a_formula(formula: str):
    InstanceFactory(name=formula, description=formula, credential__name=formula, tags=[TagFactory(name=formula)])
    (row,) = csv.DictReader(io.StringIO(inventory.export_csv(Instance.objects.all()), newline=""))
    for column in ("name", "description", "credential", "tags"):
        assert row[column] == f"'{formula}"


@pytest.mark.django_db
def test_an_export_holds_no_secret():
    InstanceFactory(credential__password="hunter2-unique")
    text = inventory.export_csv(Instance.objects.all())
    assert "hunter2-unique" not in text
    assert Instance.objects.get().credential.password_encrypted not in text


@pytest.mark.django_db
def test_the_statements_do_not_grow_with_the_rows():
    CredentialFactory(name="monitor")
    TagFactory(name="prod")

    def statements(rows: int, prefix: str) -> tuple[int, float]:
        lines = [f"{prefix}{number},pg,db{number},monitor,prod" for number in range(rows)]
        started = time.monotonic()
        with CaptureQueriesContext(connection) as queries:
            assert inventory.import_csv("name,db_type,host,credential,tags\n" + "\n".join(lines)).created == rows
        return len(queries), time.monotonic() - started

    few, _ = statements(10, "few-")
    many, seconds = statements(5000, "many-")
    # SQLite limits the parameters of a statement, so Django sends several there.
    allowed = few if connection.vendor == "postgresql" else few + 5000 * 30 // 900
    assert few <= 10
    assert many <= allowed
    assert seconds < 10
    with CaptureQueriesContext(connection) as queries:
        inventory.export_csv(Instance.objects.all())
    assert len(queries) == 2


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20).map(str.strip)
AWKWARD = st.sampled_from(["", "'", "=", "+", "-", "@", "'=", '"', ",", ";", "\r\n", "\t", "＝"])
DESCRIPTION = st.lists(AWKWARD | TEXT, max_size=5).map("".join).map(str.strip)
NAME = st.tuples(AWKWARD.filter(lambda text: text.isprintable()), TEXT).map("".join).map(str.strip).filter(bool)
TAG = NAME.filter(lambda text: ";" not in text)


ROW = st.tuples(NAME, DESCRIPTION, st.sets(TAG, max_size=2))
ROWS = st.lists(ROW, unique_by=lambda row: row[0], max_size=4)


class RoundTrip(TestCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        rows=st.lists(st.tuples(NAME, DESCRIPTION, st.sets(TAG, max_size=2)), unique_by=lambda row: row[0], max_size=4)
    )
    def test_what_was_exported_is_imported_the_same(self, rows: list[tuple[str, str, set[str]]]):
        for name, description, tags in rows:
            services.create_instance(
                name=name, db_type="pg", host="db", description=description, tags=services.tags_named(sorted(tags))
            )
        exported = inventory.export_csv(Instance.objects.all())
        Instance.objects.all().delete()
        if rows:
            assert inventory.import_csv(exported).errors == ()
        stored = {
            (instance.name, instance.description, frozenset(tag.name for tag in instance.tags.all()))
            for instance in Instance.objects.all()
        }
        assert stored == {(name, description, frozenset(tags)) for name, description, tags in rows}
