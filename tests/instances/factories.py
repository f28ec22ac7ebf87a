"""Believable rows to test with. No server stands behind their addresses."""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from instances.models import Credential, Instance, Tag


class TagFactory(DjangoModelFactory):
    class Meta:
        model = Tag

    name = factory.Sequence("tag-{}".format)


class CredentialFactory(DjangoModelFactory):
    """A credential with the password `secret`, unless `password` says otherwise."""

    class Meta:
        model = Credential
        skip_postgeneration_save = True

    name = factory.Sequence("credential-{}".format)
    username = "whalefall"

    @classmethod
    def _create(cls, model_class: type[Credential], *args: Any, password: str = "secret", **fields: Any) -> Credential:
        credential = model_class(*args, **fields)
        credential.set_password(password)
        credential.save()
        return credential


class InstanceFactory(DjangoModelFactory):
    """An active PostgreSQL instance on an address reserved for examples (RFC 5737); `tags` takes a list of tags."""

    class Meta:
        model = Instance
        skip_postgeneration_save = True

    name = factory.Sequence("instance-{}".format)
    db_type = "postgresql"
    host = factory.Sequence(lambda number: f"192.0.2.{number % 250 + 1}")
    port = 5432
    credential = factory.SubFactory(CredentialFactory)

    @factory.post_generation
    def tags(self, create: bool, extracted: list[Tag] | None, **_: Any) -> None:
        if create and extracted:
            self.tags.set(extracted)
