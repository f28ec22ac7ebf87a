"""Logins and users become accounts, each with what the catalogue says of it and nothing else."""

from __future__ import annotations

from dbms.snapshots import document
from tests.dbms.sqlserver.catalogue import Database
from tests.dbms.sqlserver.conftest import account_of, category

TABLE = (1, "OBJECT_OR_COLUMN", 900, "sales", "orders", 0, None)
COLUMN = (1, "OBJECT_OR_COLUMN", 900, "sales", "orders", 2, "pri]ce")
SCHEMA = (3, "SCHEMA", 5, "sales", None, 0, None)


class TestLogins:
    def test_of_every_type_have_their_kind_and_are_locked_only_when_nobody_can_log_in(self, scene):
        for name, type in (("ada", "S"), ("DOM\\bob", "U"), ("DOM\\dba", "G"), ("cert", "C"), ("key", "K"),
                           ("eve@x.com", "E"), ("entra group", "X")):  # fmt: skip
            scene.catalogue.login(name, type=type)
        scene.catalogue.login("off", is_disabled=True)
        scene.catalogue.login("denied", connect="D")
        scene.catalogue.login("no right", connect=None)
        scene.catalogue.login("DOM\\through a group", type="U", connect=None)
        scene.catalogue.grant(scene.catalogue.role("connectors", scene.catalogue.login("by role", connect=None)),
                              "CONNECT SQL")  # fmt: skip
        snapshot = scene.read()
        found = {account.username: (account.kind, account.is_locked, account.type_specific["locks"])
                 for account in snapshot.accounts if not account.host}  # fmt: skip
        assert found == {
            "sa": ("user", False, []),
            "public": ("public", False, []),
            "sysadmin": ("role", True, ["role"]),
            "securityadmin": ("role", True, ["role"]),
            "connectors": ("role", True, ["role"]),
            "ada": ("user", False, []),
            "DOM\\bob": ("user", False, []),
            "DOM\\dba": ("group", False, []),
            "cert": ("user", True, ["certificate"]),
            "key": ("user", True, ["asymmetric key"]),
            "eve@x.com": ("user", False, []),
            "entra group": ("group", False, []),
            "off": ("user", True, ["DISABLED"]),
            "denied": ("user", True, ["DENY CONNECT SQL"]),
            "no right": ("user", True, ["no CONNECT SQL"]),
            "DOM\\through a group": ("user", False, []),
            "by role": ("user", False, []),
        }

    def test_of_a_sysadmin_log_in_whatever_is_denied_unless_they_are_disabled(self, scene):
        names = {"denied": {"connect": "D"}, "no right": {"connect": None}, "off": {"is_disabled": True}}
        members = [scene.catalogue.login(name, **changes) for name, changes in names.items()]
        scene.catalogue.server_roles.append((3, scene.catalogue.role("dbas", *members).id))
        snapshot = scene.read()
        assert {name: account_of(snapshot, name).type_specific["locks"] for name in names} == {
            "denied": [],
            "no right": [],
            "off": ["DISABLED"],
        }

    def test_that_differ_by_case_alone_stay_apart(self, scene):
        scene.catalogue.login("App")
        scene.catalogue.login("app")
        found = [account.username for account in scene.read().accounts]
        assert found.count("App") == found.count("app") == 1

    def test_of_the_server_itself_are_tagged_and_nobody_hides_behind_their_names(self, scene):
        scene.catalogue.login("##MS_PolicySigningCertificate##", type="C")
        scene.catalogue.login("##MS_PolicyTsqlExecutionLogin##", is_disabled=True)
        scene.catalogue.login("##MS_evil##")
        scene.catalogue.login("NT SERVICE\\SQLWriter", type="U")
        scene.catalogue.login("NT SERVICE\\evil", type="U")
        found = {account.username for account in scene.read().accounts if account.is_system and not account.host}
        assert found == {"public", "sysadmin", "securityadmin", "##MS_PolicySigningCertificate##",
                         "##MS_PolicyTsqlExecutionLogin##", "NT SERVICE\\SQLWriter"}  # fmt: skip

    def test_tell_of_their_password_what_changes_by_itself_beside_the_snapshot(self, scene):
        scene.catalogue.login("ada", policy=(True, True, 1, 1, 0, -3))
        ada = account_of(scene.read(), "ada")
        assert ada.type_specific == {"type": "SQL", "default_database": "master",
                                     "checks_policy": True, "checks_expiration": True, "locks": []}  # fmt: skip
        assert ada.observed == {"is_locked_out": 1, "must_change": 0, "days_until_expiration": -3}
        assert ada.password_expires_at.year == 1970
        assert not ada.is_locked, "until when the server does not say"

    def test_carry_server_permissions_with_state_and_what_they_are_on(self, scene):
        ada = scene.catalogue.login("ada")
        scene.catalogue.grant(ada, "VIEW SERVER STATE", state="W")
        scene.catalogue.grant(ada, "ALTER ANY LOGIN", state="D")
        scene.catalogue.grant(ada, "IMPERSONATE", on=(101, "SERVER_PRINCIPAL", 1, "s]a"), state="W")
        scene.catalogue.grant(ada, "CONNECT", on=(105, "ENDPOINT", 4, "mirror"))
        scene.catalogue.grant(ada, "CONTROL", on=(108, "AVAILABILITY_GROUP", 65536, None))
        scene.catalogue.grant(ada, "ALTER", on=(108, "AVAILABILITY_GROUP", 65537, "ag 1"))
        assert category(account_of(scene.read(), "ada"), "server_permissions") == [
            "ALTER ON AVAILABILITY GROUP::[ag 1]",
            "CONNECT ON ENDPOINT::mirror",
            "CONNECT SQL",
            "CONTROL ON AVAILABILITY GROUP::65536",
            "DENY ALTER ANY LOGIN",
            "IMPERSONATE ON LOGIN::[s]]a] WITH GRANT OPTION",
            "VIEW SERVER STATE WITH GRANT OPTION",
        ]


class TestDatabases:
    def test_give_a_login_what_the_user_of_its_sid_holds_whatever_that_user_is_called(self, scene):
        ada = scene.catalogue.login("ada")
        shop = scene.catalogue.database("we]ird; shop")
        scene.catalogue.login("other")
        user = shop.user(5, "other", sid=ada.sid)
        shop.user(16400, "clerks", sid=b"role", type="R", authentication=0)
        shop.roles += [(16400, user), (16384, 16400)]
        shop.grant(user, "CONNECT")
        shop.grant(user, "SELECT", on=TABLE, state="W")
        shop.grant(user, "DELETE", on=TABLE, state="D")
        shop.grant(user, "UPDATE", on=COLUMN)
        shop.grant(user, "EXECUTE", on=SCHEMA)
        shop.grant(16400, "VIEW DEFINITION", on=(25, "CERTIFICATE", 257, None, "o'brien", 0, None))
        snapshot = scene.read()
        found = account_of(snapshot, "ada")
        assert category(found, "database_users") == {"we]ird; shop": ["other"]}
        assert category(found, "database_roles") == {"we]ird; shop": ["clerks"]}
        assert category(found, "database_permissions") == {
            "we]ird; shop": {
                "database": ["CONNECT"],
                "schema": {"sales": ["EXECUTE"]},
                "object": {"sales.orders": ["DENY DELETE", "SELECT WITH GRANT OPTION"]},
                "column": {"sales.orders.[pri]]ce]": ["UPDATE"]},
            }
        }
        assert category(account_of(snapshot, "other"), "database_users") is None
        clerks = account_of(snapshot, "clerks", "we]ird; shop")
        assert (clerks.kind, category(clerks, "database_roles")) == ("role", {"we]ird; shop": ["db_owner"]})
        assert category(clerks, "database_permissions") == {
            "we]ird; shop": {"other": {"CERTIFICATE::[o'brien]": ["VIEW DEFINITION"]}}
        }

    def test_name_what_a_permission_is_on_whatever_its_class(self, scene):
        shop = scene.catalogue.database("shop")
        user = shop.user(5, "orphan", sid=b"\x09gone")
        shop.grant(user, "EXECUTE", on=(10, "XML_SCHEMA_COLLECTION", 7, "dbo", "xml] set", 0, None))
        shop.grant(user, "REFERENCES", on=(23, "FULLTEXT_CATALOG", 7, None, "ft", 0, None))
        for level, word in ((15, "MESSAGE_TYPE"), (16, "SERVICE_CONTRACT"), (17, "SERVICE"),
                            (18, "REMOTE_SERVICE_BINDING"), (19, "ROUTE")):  # fmt: skip
            shop.grant(user, "CONTROL", on=(level, word, 7, None, None, 0, None))
            shop.broker += [(level, 7, f"//{word}"), (level, 8, "another")]
        shop.grant(user, "SEND", on=(17, "SERVICE", 9, None, None, 0, None), state="D")  # of one that we do not see
        found = category(account_of(scene.read(), "orphan", "shop"), "database_permissions")
        assert found == {
            "shop": {
                "other": {
                    "CONTRACT::[//SERVICE_CONTRACT]": ["CONTROL"],
                    "FULLTEXT CATALOG::ft": ["REFERENCES"],
                    "MESSAGE TYPE::[//MESSAGE_TYPE]": ["CONTROL"],
                    "REMOTE SERVICE BINDING::[//REMOTE_SERVICE_BINDING]": ["CONTROL"],
                    "ROUTE::[//ROUTE]": ["CONTROL"],
                    "SERVICE::9": ["DENY SEND"],
                    "SERVICE::[//SERVICE]": ["CONTROL"],
                    "XML SCHEMA COLLECTION::dbo.[xml]] set]": ["EXECUTE"],
                }
            }
        }

    def test_make_accounts_of_users_that_no_login_stands_for(self, scene):
        shop = scene.catalogue.database("shop")
        shop.user(5, "orphan", sid=b"\x09gone")
        shop.user(6, "contained", sid=b"\x09own", authentication=2)
        shop.user(7, "nologin", sid=b"\x09none", authentication=0)
        shop.user(8, "DOM\\group member", sid=b"\x09win", type="U", authentication=3)
        shop.user(9, "app role", sid=b"\x09app", type="A", authentication=0)
        shop.user(10, "signer", sid=b"\x09cert", type="C", authentication=0)
        found = {account.username: (account.kind, account.is_system, account.type_specific["locks"])
                 for account in scene.read().accounts if account.host == "shop"}  # fmt: skip
        assert found == {
            "public": ("public", True, []),
            "guest": ("user", True, []),
            "orphan": ("user", False, ["orphaned"]),
            "contained": ("user", False, []),
            "nologin": ("user", False, ["WITHOUT LOGIN"]),
            "DOM\\group member": ("user", False, []),
            "app role": ("role", False, ["role"]),
            "signer": ("user", False, ["certificate"]),
        }

    def test_keep_a_user_without_a_sid_although_some_login_has_none_either(self, scene):
        scene.catalogue.login("nameless").sid = None
        scene.catalogue.database("shop").user(5, "nobody's", sid=None, authentication=0)
        assert ("nobody's", "shop", False) in {account.key for account in scene.read().accounts}

    def test_belong_as_dbo_to_the_login_that_owns_them_and_to_nobody_when_it_is_gone(self, scene):
        scene.catalogue.database("lost").users[1] = (1, "dbo", b"\x09dropped", "S", False, "dbo", 1)
        snapshot = scene.read()
        sa = account_of(snapshot, "sa")
        assert category(sa, "database_users") == {"master": ["dbo"]}
        assert category(sa, "database_roles") == {"master": ["db_owner"]}
        dbo = account_of(snapshot, "dbo", "lost")
        assert (dbo.is_system, dbo.type_specific["locks"]) == (True, ["orphaned"])

    def test_are_read_by_the_dozen_in_one_round_trip(self, scene):
        for number in range(45):
            scene.catalogue.database(f"db {number}").user(5, f"user {number}", sid=b"\x09" + bytes([number]))
        snapshot = scene.read()
        assert {(f"user {n}", f"db {n}", False) for n in range(45)} <= {account.key for account in snapshot.accounts}
        assert len(scene.server.received) == 7 + 3  # 46 databases, 20 at once

    def test_past_the_cap_are_read_by_schema_with_counts(self, scene):
        shop = scene.catalogue.database("shop")
        user = shop.user(5, "orphan", sid=b"\x09gone")
        for number in range(30):
            shop.grant(user, "SELECT", on=(1, "OBJECT_OR_COLUMN", number, "sales", f"t{number}", 0, None))
        shop.summarised = [
            (user, 0, "DATABASE", "CONNECT", "G", 0, None, None, 0, 1),
            (user, 1, "OBJECT_OR_COLUMN", "SELECT", "G", None, "sales", None, 0, 30),
            (user, 1, "OBJECT_OR_COLUMN", "UPDATE", "D", None, "sales", None, 1, 7),
        ]
        snapshot = scene.read(grant_row_cap=20)
        found = document(account_of(snapshot, "orphan", "shop"))
        assert found["categories"]["sqlserver_database_permissions"] == {
            "shop": {
                "database": ["CONNECT"],
                "object": {"sales.*": ["SELECT"]},
                "column": {"sales.*.*": ["DENY UPDATE"]},
            }
        }
        assert found["meta"]["summarised"] == {"shop": {"sales.*": {"SELECT": 30}, "sales.*.*": {"DENY UPDATE": 7}}}
        (part,) = [part for part in snapshot.coverage if part.scope == "database:shop"]
        assert (part.status, part.reason) == ("ok", "summarised")
        assert "sqlserver_database_permissions:summarised" in part.categories


def test_a_name_with_a_line_break_cannot_leave_its_brackets(scene):
    name = "x\nDROP DATABASE shop --]"
    scene.catalogue.databases[name] = Database(name)
    assert ("guest", name, False) in {account.key for account in scene.read().accounts}
    for batch in scene.server.received:
        assert all(line.startswith("DROP") is False or "]]" in line for line in batch.splitlines())
        assert batch.count("\nDROP") == batch.count("[x\nDROP DATABASE shop --]]]")
