"""The inventory in the admin."""

from instances.admin.credentials import CredentialAdmin
from instances.admin.instances import InstanceAdmin
from instances.admin.tags import TagAdmin

__all__ = ["CredentialAdmin", "InstanceAdmin", "TagAdmin"]
