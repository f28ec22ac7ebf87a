"""Accounts of MySQL 5.7 to 9, which cannot be started here: their rows are recorded, what they mean is written here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.dbms.mysql.playback import EIGHT, FILES, facts, of, played, recorded
from tests.dbms.mysql.reading import categories, category

CHANGED = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", FILES)
def test_everything_of_a_recorded_server_is_read(name):
    snapshot = played(name)
    assert {part.status for part in snapshot.coverage} == {"ok"}
    assert {account.key for account in snapshot.accounts} == {
        (row[0], row[1], False) for row in recorded(name)["rows"]["users"]
    }


class TestPrivileges:
    def test_static_privileges_carry_one_grant_option_for_all(self):
        assert category(of(EIGHT, "grantor"), "global_privileges") == ["GRANT OPTION", "SELECT"]
        assert {"SUPER", "CREATE ROLE", "DROP ROLE", "CREATE TABLESPACE", "GRANT OPTION"} < set(
            category(of(EIGHT, "root", "localhost"), "global_privileges")
        )
        held = category(of("mysql_5_7", "root", "localhost"), "global_privileges")
        assert (len(held), "CREATE ROLE" in held) == (29, False)

    def test_dynamic_privileges_carry_a_grant_option_each(self):
        assert category(of(EIGHT, "role_dba"), "global_privileges") == [
            "ROLE_ADMIN WITH GRANT OPTION",
            "SYSTEM_USER",
            "SYSTEM_VARIABLES_ADMIN WITH GRANT OPTION",
        ]
        assert category(of("mysql_8_0_11", "dev"), "global_privileges") == ["CREATE ROLE", "SET_USER_ID"]

    def test_set_user_id_became_two_privileges_and_still_is_an_escalation(self):
        assert category(of("mysql_8_4", "definer"), "global_privileges") == [
            "ALLOW_NONEXISTENT_DEFINER",
            "SET_ANY_DEFINER",
        ]
        assert facts("mysql_8_4", "definer")["meta"]["escalation"] == ["SET_ANY_DEFINER"]
        assert facts("mysql_8_0_11", "dev")["meta"]["escalation"] == ["SET_USER_ID"]

    def test_partial_revokes_restrict_and_are_no_grants(self):
        assert categories(of(EIGHT, "u1")) == {
            "mysql_global_privileges": ["DELETE", "INSERT", "SELECT", "UPDATE"],
            "mysql_restrictions": {"db2": ["DELETE", "UPDATE"], "mysql": ["INSERT"]},
            "mysql_database_privileges": {"db2": ["SELECT"]},
            "mysql_table_privileges": {"mysql.user": ["SELECT"]},
            "mysql_column_privileges": {"mysql.db.Host": ["SELECT"], "mysql.db.User": ["SELECT"]},
            "mysql_granted_roles": category(of(EIGHT, "dba"), "granted_roles"),  # the mandatory ones
        }
        assert category(of("mysql_9", "guarded"), "restrictions") == {"mysql": ["SELECT"]}
        assert category(of(EIGHT, "dba"), "restrictions") == {}

    def test_who_may_not_write_the_grant_tables_cannot_escalate_by_them(self):
        assert facts(EIGHT, "guarded")["meta"] == {}
        assert facts(EIGHT, "u1")["meta"]["escalation"] == ["UPDATE"]

    def test_grants_on_objects_are_read(self):
        assert categories(of("mysql_5_7", "app", "10.0.%")) == {
            "mysql_database_privileges": {
                "shop_archive": ["INSERT", "SELECT"],
                "shop\\_archive": ["DELETE", "GRANT OPTION"],
            },
            "mysql_table_privileges": {"shop.`order items`": ["CREATE VIEW", "GRANT OPTION", "SELECT", "SHOW VIEW"]},
            "mysql_column_privileges": {"shop.customers.name": ["SELECT", "UPDATE"]},
            "mysql_routine_privileges": {
                "PROCEDURE shop.bill": ["ALTER ROUTINE", "EXECUTE", "GRANT OPTION"],
                "FUNCTION shop.bill": ["EXECUTE"],
            },
        }

    def test_proxies_name_whom_somebody_may_act_as(self):
        assert category(of("mysql_5_7", "root", "localhost"), "proxy_privileges") == ["@ WITH GRANT OPTION"]
        assert category(of("mysql_5_7", "app", "localhost"), "proxy_privileges") == ["app@10.0.%"]

    def test_a_user_is_another_account_on_each_host_and_may_have_no_name(self):
        assert category(of(EIGHT, "app", "localhost"), "global_privileges") == ["RELOAD"]
        assert category(of(EIGHT, "app", "10.0.%"), "global_privileges") == []
        assert category(of("mysql_5_7", "", "localhost"), "global_privileges") == []
        assert category(of("mysql_5_7", "", "%.example.com"), "global_privileges") == ["PROCESS"]

    def test_only_wildcards_that_the_server_takes_as_such_match(self):
        assert of("mysql_5_7", "app", "10.0.%").meta["matches"]["category:mysql_database_privileges"] == {
            "shop_archive": {"count": 2, "databases": ["shopXarchive", "shop_archive"]}
        }
        assert "matches" not in of(EIGHT, "app", "10.0.%").meta  # partial_revokes is on
        assert category(of(EIGHT, "app", "10.0.%"), "database_privileges") == {
            "shop_archive": ["SELECT"],
            "shop\\_archive": ["INSERT"],
        }

    def test_names_have_no_case_where_the_server_says_so(self):
        assert of("mysql_8_4", "app").meta["matches"]["category:mysql_database_privileges"] == {
            "shop_%": {"count": 2, "databases": ["shop_eu", "shopxus"]},
            "SHOP\\_%": {"count": 1, "databases": ["shop_eu"]},
        }


class TestAttributes:
    def test_system_accounts_are_marked(self):
        for name in FILES:
            own = {"mysql.session", "mysql.sys"} | ({"mysql.infoschema"} if name != "mysql_5_7" else set())
            assert {account.username for account in played(name).accounts if account.is_system} == own

    @pytest.mark.parametrize(
        ("name", "user", "expires"),
        [
            (EIGHT, "dba", CHANGED + timedelta(days=90)),  # default_password_lifetime
            (EIGHT, "monthly", CHANGED + timedelta(days=30)),
            (EIGHT, "never", None),
            (EIGHT, "by_hand", EPOCH),
            ("mysql_5_7", "monthly", CHANGED + timedelta(days=30)),
            ("mysql_5_7", "never_changed", None),
            ("mysql_8_4", "app", None),
        ],
    )
    def test_passwords_expire_as_the_account_or_the_server_says(self, name, user, expires):
        assert of(name, user).password_expires_at == expires

    def test_a_password_that_the_server_does_not_keep_does_not_expire(self):
        assert of(EIGHT, "ldap").password_expires_at is None

    def test_expired_is_not_locked(self):
        account = of(EIGHT, "by_hand")
        assert (account.is_locked, account.type_specific["password_expired"]) == (False, True)
        assert (of(EIGHT, "locked").is_locked, of(EIGHT, "locked").type_specific["is_locked"]) == (True, True)

    def test_a_second_password_is_named_and_never_shown(self):
        assert of(EIGHT, "two_passwords").type_specific["has_second_password"] is True
        for user in ("attributes_only", "dba"):
            assert "has_second_password" not in of(EIGHT, user).type_specific

    def test_failed_logins_that_lock_an_account_are_named(self):
        locking = {"failed_login_attempts": 3, "password_lock_time_days": -1}
        assert of(EIGHT, "locking").type_specific["password_locking"] == locking
        assert "password_locking" not in of(EIGHT, "dba").type_specific

    def test_tls_requirements_are_named(self):
        tls = ("ssl_type", "ssl_cipher", "x509_issuer", "x509_subject")
        found = {
            user: {key: value for key, value in of(EIGHT, user).type_specific.items() if key in tls}
            for user in ("any_tls", "x509", "specified", "dba")
        }
        assert found == {
            "any_tls": {"ssl_type": "ANY"},
            "x509": {"ssl_type": "X509"},
            "specified": {
                "ssl_type": "SPECIFIED",
                "ssl_cipher": "ECDHE-RSA-AES256-GCM-SHA384",
                "x509_issuer": "/C=SE/O=MySQL/CN=CA",
                "x509_subject": "/C=SE/O=MySQL/CN=client",
            },
            "dba": {},
        }

    def test_resource_limits_are_named_where_they_limit(self):
        limits = {"max_questions": 100, "max_updates": 50, "max_connections": 10, "max_user_connections": 5}
        for name, user, host in ((EIGHT, "limited", "%"), ("mysql_5_7", "app", "10.0.%")):
            assert limits.items() <= of(name, user, host).type_specific.items()
        assert not limits.keys() & of(EIGHT, "dba").type_specific.keys()

    def test_an_empty_password_counts_where_a_password_is_asked_for(self):
        assert of(EIGHT, "", "localhost").type_specific["password_empty"] is True
        assert of("mysql_5_7", "socket", "localhost").type_specific["password_empty"] is False
        assert of(EIGHT, "ldap").type_specific["plugins"] == ["authentication_ldap_simple"]
