CATEGORIES_BY_DATABASE = frozenset(
    {"postgresql_object_privileges", "postgresql_default_privileges", "postgresql_owned", "postgresql_default_revoked"}
)


def read_accounts(connection): ...
