"""What may be done with instances, credentials and tags. Admin, API and commands call these and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from instances import breaker, encryption
from instances.models import Credential, Instance, InstanceQuerySet, Tag
from whalefall.errors import (
    ConstraintViolation,
    CredentialInUse,
    NameExists,
    NotFound,
    TagInUse,
    UnknownInstance,
    ValidationFailed,
)

# Who may change these decides where a stored password is sent to.
CONNECTION_FIELDS = frozenset({"db_type", "host", "port", "database_name", "credential", "tls_mode", "tls_ca"})
NOT_REJECTED: dict[str, Any] = {"rejected_login": "", "rejected_reason": "", "rejected_at": None}


# Instances ------------------------------------------------------------------------------------------------------


def get_instance(name: str) -> Instance:
    """The instance of a name, with its credential. Raises UnknownInstance with similar names."""
    try:
        return Instance.objects.present().select_related("credential").get(name=name)
    except Instance.DoesNotExist:
        names = Instance.objects.present().values_list("name", flat=True)
        similar = ", ".join(get_close_matches(name, names)) or "–"
        raise UnknownInstance(name=name, similar=similar) from None


@transaction.atomic
def create_instance(*, tags: Iterable[Tag] = (), **fields: Any) -> Instance:
    """Register an instance; `port` defaults to its kind's. Raises ValidationFailed, NameExists."""
    instance = Instance(**{"port": None, **fields})
    _save(instance)
    instance.tags.set(tags)
    return instance


@transaction.atomic
def update_instance(instance: Instance, *, tags: Iterable[Tag] | None = None, **fields: Any) -> Instance:
    """Change what is named and keep the rest; another login or address ends a suspension and closes the breaker.

    Raises ValidationFailed, NameExists.
    """
    if CONNECTION_FIELDS & fields.keys():
        fields |= NOT_REJECTED | breaker.CLOSED
    for name, value in fields.items():
        setattr(instance, name, value)
    _save(instance, fields)
    if tags is not None:
        instance.tags.set(tags)
    return instance


def soft_delete(instances: InstanceQuerySet) -> int:
    """Move instances to the recycle bin, where they keep their names; returns how many were not there yet."""
    return instances.present().update(deleted_at=timezone.now(), updated_at=timezone.now())


def restore(instances: InstanceQuerySet) -> int:
    """Take instances back out of the recycle bin; returns how many were there."""
    return instances.filter(deleted_at__isnull=False).update(deleted_at=None, updated_at=timezone.now())


@transaction.atomic
def purge(instances: InstanceQuerySet) -> int:
    """Delete instances for good, with everything known about them; returns how many.

    Raises ConstraintViolation, and deletes none, when one is not in the recycle bin.
    """
    outside = list(instances.present().values_list("name", flat=True)[:5])
    if outside:
        raise ConstraintViolation(detail=_("not in the recycle bin: %(names)s") % {"names": ", ".join(outside)})
    _total, by_model = instances.filter(deleted_at__isnull=False).delete()
    return by_model.get(Instance._meta.label, 0)


# Credentials ----------------------------------------------------------------------------------------------------


def get_credential(name: str) -> Credential:
    """The credential of a name. Raises NotFound."""
    try:
        return Credential.objects.get(name=name)
    except Credential.DoesNotExist:
        raise NotFound(what=_("Credential"), name=name) from None


def create_credential(*, password: str, **fields: Any) -> Credential:
    """Keep a login; the password is encrypted. Raises ValidationFailed, NameExists."""
    credential = Credential(**fields)
    credential.set_password(password)
    _save(credential)
    return credential


@transaction.atomic
def update_credential(credential: Credential, *, password: str = "", **fields: Any) -> Credential:
    """Change what is named; an empty password keeps the stored one. A change ends the login's suspensions.

    Raises ValidationFailed, NameExists.
    """
    for name, value in fields.items():
        setattr(credential, name, value)
    if password:
        credential.set_password(password)
    _save(credential, {*fields, "password_encrypted"} if password else fields)
    if password or "username" in fields:
        credential.instances.suspended().update(**NOT_REJECTED)
    return credential


@transaction.atomic
def delete_credential(credential: Credential) -> None:
    """Forget a login. Raises CredentialInUse, also for instances in the recycle bin."""
    try:
        credential.delete()
    except models.ProtectedError as error:
        count = len(error.protected_objects)
        raise CredentialInUse(name=credential.name, count=count) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationReport:
    """What a rotation of the encryption keys did; `unreadable` names the credentials that no key fits."""

    rotated: int
    unreadable: tuple[str, ...]


@transaction.atomic
def rotate_keys() -> RotationReport:
    """Encrypt every password again under the newest key; what cannot be read stays as it is."""
    rotated, unreadable = 0, []
    for pk, name, stored in Credential.objects.exclude(password_encrypted="").values_list(
        "pk", "name", "password_encrypted"
    ):
        try:
            fresh = encryption.rotate(stored)
        except encryption.InvalidToken:
            unreadable.append(name)
            continue
        # Conditional, so that a password entered meanwhile is not overwritten.
        rotated += Credential.objects.filter(pk=pk, password_encrypted=stored).update(password_encrypted=fresh)
    return RotationReport(rotated=rotated, unreadable=tuple(unreadable))


# Tags -----------------------------------------------------------------------------------------------------------


def create_tag(**fields: Any) -> Tag:
    """Make a label. Raises ValidationFailed, NameExists."""
    tag = Tag(**fields)
    _save(tag)
    return tag


def get_tag(name: str) -> Tag:
    """The tag of a name. Raises NotFound."""
    try:
        return Tag.objects.get(name=name)
    except Tag.DoesNotExist:
        raise NotFound(what=_("Tag"), name=name) from None


@transaction.atomic
def tags_named(names: Iterable[str]) -> list[Tag]:
    """The tags of these names, created when missing. Raises ValidationFailed."""
    wanted = list(dict.fromkeys(names))
    known = {tag.name: tag for tag in Tag.objects.filter(name__in=wanted)}
    return [known.get(name) or create_tag(name=name) for name in wanted]


@transaction.atomic
def delete_tag(tag: Tag) -> None:
    """Forget a label. Raises TagInUse, also for instances in the recycle bin."""
    Tag.objects.select_for_update().get(pk=tag.pk)  # nobody assigns it between the count and the deletion
    if count := tag.instances.count():
        raise TagInUse(name=tag.name, count=count)
    tag.delete()


# What all of them share -----------------------------------------------------------------------------------------


def check(row: Instance | Credential | Tag) -> None:
    """Normalize a row and look at every field, without a statement.

    Raises ValidationFailed; `extra["fields"]` holds the faults by field.
    """
    try:
        # The unique name is the database's business, and a foreign key's row is at hand.
        row.full_clean(exclude=["credential"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        faults = {field: " ".join(texts) for field, texts in error.message_dict.items()}
        detail = "; ".join(f"{field}: {text}" for field, text in faults.items())
        raise ValidationFailed(detail=detail, extra={"fields": faults}) from error


def _save(row: Instance | Credential | Tag, changed: Collection[str] | None = None) -> None:
    """Insert a row, or update the changed fields alone: the engine writes others at the same time."""
    check(row)
    same_name = type(row)._default_manager.filter(name=row.name).exclude(pk=row.pk)
    if same_name.exists():
        raise NameExists(name=row.name)
    try:
        with transaction.atomic():
            row.save(update_fields=None if changed is None else {*changed, "updated_at"})
    except IntegrityError as error:  # somebody else took the name meanwhile, or deleted the credential
        if same_name.exists():
            raise NameExists(name=row.name) from error
        raise ConstraintViolation(detail=str(error).partition("\n")[0]) from error
