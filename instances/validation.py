"""What may be stored about an instance: the same rules for admin, API, commands and CSV files."""

from __future__ import annotations

import ipaddress
import re
import ssl
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# No server and no file format takes these, and terminals act on them.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
HOST_NAME = re.compile(r"[\w.-]+")


def validate_line(text: str) -> None:
    """One line of text without control characters."""
    if CONTROL.search(text):
        raise ValidationError(_("Control characters and line breaks are not allowed."), code="control")


def validate_text(text: str) -> None:
    """Text of several lines without other control characters."""
    if CONTROL_BUT_LINES.search(text):
        raise ValidationError(_("Control characters are not allowed."), code="control")


def validate_host(host: str) -> None:
    """A host name or an IP address and nothing else: no URL, port, path, list or credentials."""
    if is_ip_address(host):
        return
    if re.search(r"\s", host):
        raise ValidationError(_("A host has no white space."), code="host")
    if "://" in host or "/" in host:
        raise ValidationError(_("Enter the host alone, not a URL or a path."), code="host")
    if "@" in host:
        raise ValidationError(_("Enter the host alone; user name and password belong to a credential."), code="host")
    if re.search(r":\d+$", host):
        raise ValidationError(_("Enter the host alone; the port has a field of its own."), code="host")
    try:
        host.encode("idna")  # what the resolver will do with it: empty and overlong labels fail
    except UnicodeError:
        raise ValidationError(_("This is neither a host name nor an IP address."), code="host") from None
    if not HOST_NAME.fullmatch(host):
        raise ValidationError(_("This is neither a host name nor an IP address."), code="host")


def is_ip_address(host: str) -> bool:
    """Whether it is an IPv4 or IPv6 address, without brackets."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def validate_ca(pem: str) -> None:
    """PEM text of one or more CA certificates, and no private key."""
    if "PRIVATE KEY-----" in pem:
        raise ValidationError(_("This holds a private key; enter certificates only."), code="ca")
    if not _is_ca(pem):
        raise ValidationError(_("This is no PEM text of CA certificates."), code="ca")


@lru_cache(maxsize=64)  # a CSV file of thousands of instances names few authorities
def _is_ca(pem: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError, TypeError):
        return False
    return True
