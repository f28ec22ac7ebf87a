"""What the tests of instances share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@pytest.fixture(scope="session")
def private_key() -> ec.EllipticCurvePrivateKey:
    """The key of `ca_pem`."""
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def ca_pem(private_key: ec.EllipticCurvePrivateKey) -> str:
    """A self-signed CA certificate."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "WhaleFall test CA")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private_key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="session")
def private_key_pem(private_key: ec.EllipticCurvePrivateKey) -> str:
    """The private key, which nobody should paste into a form."""
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
