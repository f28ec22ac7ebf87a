"""What WhaleFall looks after: instances, the credentials to read them with, and tags."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

import dbms
from dbms.base import Interrupt, Target, TlsMode
from instances import encryption, validation
from whalefall.errors import CredentialMissing, CredentialUnreadable, ValidationFailed


class Tag(models.Model):
    """A label to group instances by."""

    name = models.CharField(
        _("name"),
        max_length=64,
        unique=True,
        validators=[validation.validate_line, RegexValidator("^[^;]*$", _("A tag has no semicolon in its name."))],
    )
    display_name = models.CharField(
        _("display name"), max_length=128, blank=True, validators=[validation.validate_line]
    )
    category = models.CharField(_("category"), max_length=64, blank=True, validators=[validation.validate_line])
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        db_table = "tags"
        verbose_name = _("tag")
        verbose_name_plural = _("tags")

    def __str__(self) -> str:
        return self.display_name or self.name


class Credential(models.Model):
    """A user name and password on database servers; the password is encrypted at rest and never shown."""

    class Type(models.TextChoices):
        DATABASE = "database", _("Database")

    name = models.CharField(_("name"), max_length=128, unique=True, validators=[validation.validate_line])
    credential_type = models.CharField(_("type"), max_length=32, choices=Type, default=Type.DATABASE)
    db_type = models.CharField(_("database kind"), max_length=32, choices=dbms.choices, blank=True)
    username = models.CharField(_("user name"), max_length=256, validators=[validation.validate_line])
    password_encrypted = models.TextField(editable=False, blank=True)
    description = models.CharField(_("description"), max_length=500, blank=True, validators=[validation.validate_text])
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        db_table = "credentials"
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")

    def __str__(self) -> str:
        return self.name

    def set_password(self, password: str) -> None:
        """Encrypt and keep the password; the caller saves."""
        self.password_encrypted = encryption.encrypt(password)

    def reveal_password(self) -> str:
        """The plain password, for a connection and nothing else. Raises CredentialUnreadable."""
        if not self.password_encrypted:
            return ""
        try:
            return encryption.decrypt(self.password_encrypted)
        except encryption.InvalidToken as error:
            raise CredentialUnreadable(credential=self.name) from error


class InstanceQuerySet(models.QuerySet["Instance"]):
    def present(self) -> InstanceQuerySet:
        """Not in the recycle bin."""
        return self.filter(deleted_at__isnull=True)

    def binned(self) -> InstanceQuerySet:
        """In the recycle bin."""
        return self.filter(deleted_at__isnull=False)

    def active(self) -> InstanceQuerySet:
        """Present and enabled: what schedules look at."""
        return self.present().filter(is_active=True)

    def described(self) -> InstanceQuerySet:
        """With credential and tags at hand, for showing."""
        return self.select_related("credential").prefetch_related("tags")

    def suspended(self) -> InstanceQuerySet:
        """Whose login was rejected and which wait for a change or a successful test."""
        return self.exclude(rejected_login="")

    def unreachable(self) -> InstanceQuerySet:
        """Whose breaker is open: connecting failed so often in a row that schedules only probe them."""
        return self.filter(breaker_opened_at__isnull=False)


class Instance(models.Model):
    """One database server that WhaleFall reads."""

    class Tls(models.TextChoices):
        DISABLE = "disable", _("Off: plain text")
        REQUIRE = "require", _("Required, certificate not checked")
        VERIFY = "verify", _("Required, certificate and name checked against the CA")

    name = models.CharField(_("name"), max_length=255, unique=True, validators=[validation.validate_line])
    db_type = models.CharField(_("database kind"), max_length=32, choices=dbms.choices, db_index=True)
    host = models.CharField(
        _("host"),
        max_length=255,
        validators=[validation.validate_host],
        help_text=_("Host name or IP address, without port."),
    )
    port = models.PositiveIntegerField(_("port"), validators=[MinValueValidator(1), MaxValueValidator(65535)])
    database_name = models.CharField(
        _("database"),
        max_length=255,
        blank=True,
        validators=[validation.validate_line],
        help_text=_("Where to connect to; empty for the usual one."),
    )
    database_version = models.CharField(_("version"), max_length=255, blank=True, editable=False)
    main_version = models.CharField(_("main version"), max_length=64, blank=True, editable=False)
    detailed_version = models.TextField(_("version as reported"), blank=True, editable=False)
    credential = models.ForeignKey(
        Credential,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="instances",
        verbose_name=_("credential"),
    )
    tags = models.ManyToManyField(
        Tag, blank=True, related_name="instances", db_table="instance_tags", verbose_name=_("tags")
    )
    description = models.CharField(_("description"), max_length=500, blank=True, validators=[validation.validate_text])
    is_active = models.BooleanField(_("active"), default=True)
    tls_mode = models.CharField(_("TLS"), max_length=16, choices=Tls, default=Tls.DISABLE)
    tls_ca = models.TextField(
        _("CA certificate"),
        blank=True,
        validators=[validation.validate_ca],
        help_text=_("PEM text; needed for checked TLS."),
    )
    connect_timeout = models.PositiveIntegerField(
        _("connect time-out"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text=_("Seconds; empty for the default."),
    )
    statement_timeout = models.PositiveIntegerField(
        _("statement time-out"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(240)],
        help_text=_("Seconds; empty for the default."),
    )
    last_connected_at = models.DateTimeField(_("last connected"), null=True, blank=True, editable=False)
    sync_count = models.PositiveIntegerField(_("completed syncs"), default=0, editable=False)
    snapshot_bytes = models.BigIntegerField(null=True, blank=True, editable=False)
    # Lock-out guard: what was rejected and how; see login_key().
    rejected_login = models.CharField(max_length=64, blank=True, editable=False)
    rejected_reason = models.CharField(_("rejected because"), max_length=32, blank=True, editable=False)
    rejected_at = models.DateTimeField(_("rejected at"), null=True, blank=True, editable=False)
    # Breaker: how often in a row nobody could connect; see instances/breaker.py.
    connection_failures = models.PositiveIntegerField(_("failed connections in a row"), default=0, editable=False)
    breaker_opened_at = models.DateTimeField(_("unreachable since"), null=True, blank=True, editable=False)
    probed_at = models.DateTimeField(_("last tried in vain"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True, editable=False)

    objects = InstanceQuerySet.as_manager()

    class Meta:
        db_table = "instances"
        verbose_name = _("instance")
        verbose_name_plural = _("instances")
        permissions = [("run_sync", "Can start sync sessions")]

    def __str__(self) -> str:
        return self.name

    def normalize(self) -> None:
        """Bring what a person entered into its stored form: aliases, brackets, white space, the usual port."""
        for field in ("name", "db_type", "host", "database_name", "description", "tls_mode", "tls_ca"):
            setattr(self, field, getattr(self, field).strip())
        with suppress(ValidationFailed):  # the field's choices say it better
            self.db_type = dbms.normalize(self.db_type)
        if self.port is None and self.db_type in dbms.ADAPTERS:
            self.port = dbms.ADAPTERS[self.db_type].default_port
        if self.host.startswith("[") and self.host.endswith("]"):
            self.host = self.host[1:-1]
        self.tls_mode = self.tls_mode.lower() or self.Tls.DISABLE

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        self.normalize()
        super().clean_fields(exclude)

    def clean(self) -> None:
        if self.tls_mode == self.Tls.VERIFY and not self.tls_ca:
            raise ValidationError({"tls_ca": _("Checked TLS needs the certificate of the CA.")})

    def target(self, *, interrupt: Interrupt | None = None) -> Target:
        """What a fetch thread may know. Raises CredentialMissing or CredentialUnreadable."""
        if self.credential is None or not self.credential.is_active:
            raise CredentialMissing(instance=self.name)
        extra: dict[str, Any] = {} if interrupt is None else {"interrupt": interrupt}
        return Target(
            db_type=self.db_type,
            host=self.host,
            port=self.port,
            username=self.credential.username,
            password=self.credential.reveal_password(),
            database=self.database_name,
            tls_mode=cast("TlsMode", self.tls_mode),
            tls_ca=self.tls_ca,
            connect_timeout=self.connect_timeout or settings.SYNC_CONNECT_SECONDS,
            statement_timeout=self.statement_timeout or settings.SYNC_STATEMENT_SECONDS,
            fetch_timeout=settings.SYNC_FETCH_SECONDS,
            **extra,
        )

    @property
    def is_unreachable(self) -> bool:
        """Whether its breaker is open."""
        return self.breaker_opened_at is not None

    @property
    def host_key(self) -> str:
        """What the per-host limit counts by."""
        return self.host.strip().lower()

    @staticmethod
    def login_key(target: Target) -> str:
        """Identifies one login at one address, so that a suspension ends by itself when either changes."""
        secret = "\x00".join((target.host, str(target.port), target.username, target.password))
        return salted_hmac("instances.login", secret, algorithm="sha256").hexdigest()

    def is_suspended(self, target: Target) -> bool:
        """Whether exactly this login was rejected before."""
        return bool(self.rejected_login) and self.rejected_login == self.login_key(target)
