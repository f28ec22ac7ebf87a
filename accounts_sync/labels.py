"""What the keys of stored documents are called. Rows keep the English source; pages translate it when they render."""

from __future__ import annotations

from django.utils.translation import gettext_noop as N_

CATEGORIES: dict[str, str] = {
    "postgresql_role_attributes": N_("Role attributes"),
    "postgresql_memberships": N_("Role memberships"),
    "postgresql_predefined_roles": N_("Predefined roles"),
    "postgresql_database_privileges": N_("Database privileges"),
    "postgresql_object_privileges": N_("Object privileges"),
    "postgresql_default_privileges": N_("Default privileges for future objects"),
    "postgresql_default_revoked": N_("Defaults taken away"),
    "postgresql_owned": N_("Owned objects"),
    "mysql_global_privileges": N_("Global privileges"),
    "mysql_database_privileges": N_("Database privileges"),
    "mysql_table_privileges": N_("Table privileges"),
    "mysql_column_privileges": N_("Column privileges"),
    "mysql_routine_privileges": N_("Routine privileges"),
    "mysql_proxy_privileges": N_("Proxy privileges"),
    "mysql_granted_roles": N_("Granted roles"),
    "mysql_role_members": N_("Role members"),
    "mysql_restrictions": N_("Restrictions"),
    "sqlserver_server_roles": N_("Server roles"),
    "sqlserver_server_permissions": N_("Server permissions"),
    "sqlserver_database_users": N_("Database users"),
    "sqlserver_database_roles": N_("Database roles"),
    "sqlserver_database_permissions": N_("Database permissions"),
    "sqlserver_escalations": N_("Ways to sysadmin through a TRUSTWORTHY database"),
    **{
        f"oracle_{place}{noun}": label  # of the container of the login, and of the pluggable databases seen from it
        for place in ("", "pdb_")
        for noun, label in {
            "roles": N_("Roles"),
            "non_default_roles": N_("Roles not enabled at login"),
            "system_privileges": N_("System privileges"),
            "schema_privileges": N_("Schema privileges"),
            "object_privileges": N_("Object privileges"),
            "column_privileges": N_("Column privileges"),
            "admin_privileges": N_("Administrative privileges"),
            "proxies": N_("Proxy users"),
            "quotas": N_("Tablespace quotas"),
        }.items()
    },
    "type_specific": N_("Attributes"),
}

FIELDS: dict[str, str] = {
    "is_superuser": N_("Superuser"),
    "is_locked": N_("Locked"),
    "is_system": N_("System account"),
    "is_active": N_("Active"),
    "kind": N_("Kind"),
    "valid_until": N_("Valid until"),
    "locked_until": N_("Locked until"),
    "password_expires_at": N_("Password expires"),
    "principal_id": N_("Identity on the server"),
    "is_role": N_("Role"),
}

# What is set on an account beside its privileges; shown when it holds, logged when it changes.
ATTRIBUTES: dict[str, str] = {
    "settings": N_("Settings"),
    "plugins": N_("Authentication"),
    "authentication_type": N_("Authentication"),
    "external_name": N_("External name"),
    "profile": N_("Profile"),
    "password_versions": N_("Kinds of password verifiers"),
    "default_tablespace": N_("Default tablespace"),
    "temporary_tablespace": N_("Temporary tablespace"),
    "proxy_only_connect": N_("Connects through a proxy only"),
    "is_common": N_("Known in all containers"),
    "password_empty": N_("Empty password"),
    "password_expired": N_("Password expired by hand"),
    "password_last_changed": N_("Password set"),
    "password_lifetime": N_("Password lifetime in days"),
    "password_locking": N_("Locked after failed logins"),
    "has_second_password": N_("Has a second password"),
    "ssl_type": N_("Requires TLS"),
    "ssl_cipher": N_("Requires the cipher"),
    "x509_issuer": N_("Requires the certificate issuer"),
    "x509_subject": N_("Requires the certificate subject"),
    "max_questions": N_("Statements per hour"),
    "max_updates": N_("Updates per hour"),
    "max_connections": N_("Connections per hour"),
    "max_user_connections": N_("Connections at a time"),
    "max_statement_time": N_("Seconds per statement"),
}

# How roles are held, in the categories that tell it.
ROLE_LISTS: dict[str, str] = {
    "direct": N_("granted"),
    "default": N_("active from the login on"),
    "mandatory": N_("of everybody"),
}

# Words that rows store in place of a sentence: why an entry exists.
REASONS: dict[str, str] = {
    "database_dropped": N_("The database was dropped"),
    "recreated": N_("Dropped and created again under the same name"),
}

# How facts say that a capability comes through roles.
WAYS: dict[str, str] = {
    "member of ": N_("member of {path}"),
    "inherits from ": N_("inherits from {path}"),
}

# What happened to an account, by change type.
SENTENCES: dict[str, str] = {
    "add": N_("{account} was added"),
    "modify_privilege": N_("The privileges of {account} changed"),
    "modify_other": N_("The attributes of {account} changed"),
    "delete": N_("{account} no longer exists"),
    "reactivate": N_("{account} came back"),
}

CAPABILITIES: dict[str, str] = {
    "SUPERUSER": N_("Superuser"),
    "GRANT_ADMIN": N_("Can grant to others"),
    "escalation": N_("Could gain superuser rights"),
    "LOCKED": N_("Cannot log in"),
    "can_super": N_("Superuser attribute"),
    "can_create_role": N_("Can create roles"),
    "can_create_db": N_("Can create databases"),
    "can_replicate": N_("Can replicate"),
    "can_bypass_rls": N_("Bypasses row-level security"),
    "can_login": N_("Can log in"),
    "can_inherit": N_("Inherits from its roles"),
    "connection_limit": N_("Connection limit"),
}


def category(key: str) -> str:
    """The English name of a snapshot category; an unknown one is shown by its key."""
    return CATEGORIES.get(key, key)


def attribute(key: str) -> str:
    """The English name of an attribute in a document; an unknown one is shown by its key."""
    return CAPABILITIES.get(key) or ATTRIBUTES.get(key, key)


def field(key: str) -> str:
    """The English name of a compared attribute; an unknown one is shown by its key."""
    return FIELDS.get(key) or ATTRIBUTES.get(key.removeprefix("type_specific."), key)
