"""The catalogue files say of each fact where it stands, and nothing that a twin would not understand."""

from __future__ import annotations

import pytest

from tests.twins.catalog import TWINS, documented

EVERYTHING = (9999,)


@pytest.mark.parametrize("db_type", TWINS)
def test_every_view_names_its_source_and_every_type_is_one_that_can_be_stored(db_type):
    for view in documented.views(db_type, EVERYTHING).values():
        assert view.source
        assert view.columns
        assert all(column.duckdb for column in view.columns.values())
        assert all(column.since >= view.since for column in view.columns.values())


@pytest.mark.parametrize("db_type", TWINS)
def test_no_column_that_holds_a_password_is_known(db_type):
    names = {name for view in documented.views(db_type, EVERYTHING).values() for name in view.columns}
    assert not names & {"PASSWORD", "PASSWORD_HASH", "SPARE4"}


def test_every_view_of_sql_server_belongs_to_the_server_or_to_a_database():
    scopes = {view.name: view.scope for view in documented.views("sqlserver", EVERYTHING).values()}
    assert set(scopes.values()) == {"server", "database"}
    assert (scopes["sys.server_principals"], scopes["sys.database_principals"]) == ("server", "database")


def test_an_older_version_has_fewer_columns():
    def known(version):
        return set(documented.views("sqlserver", version)["SYS.DATABASES"].columns)

    assert known((2012,)) < known((2016,)) < known((2022,))
    assert {"CONTAINMENT", "OWNER_SID"} <= known((2012,))
