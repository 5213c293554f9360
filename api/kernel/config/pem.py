"""Keys and certificates in PEM, from an environment variable: as text, often with escaped newlines, or as a path."""

import contextlib
import datetime
import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\n.*?-----END \1-----", re.DOTALL)
_CURVES = {"ES256": "secp256r1", "EdDSA": "Ed25519"}
_SOON = datetime.timedelta(days=14)


def read_keys(text: str, algorithm: str, *, signing: bool) -> tuple[str, ...]:
    """Read concatenated PEM keys. A signing key must be private and single. Returns no keys for HS256, which does not
    use them. Raises ValueError."""
    if algorithm not in _CURVES:
        return ()
    text = text.replace("\\n", "\n")  # many PaaS forms store newlines escaped
    pems = tuple(match[0] for match in _PEM.finditer(text))
    fit = not _PEM.sub("", text).strip() and all(_curve_of(pem).startswith(_CURVES[algorithm]) for pem in pems)
    if not fit or (signing and (len(pems) != 1 or "PRIVATE" not in pems[0])):
        what = "one private key" if signing else "keys"
        raise ValueError(f"must be {what} in PEM, without a password: P-256 for ES256, Ed25519 for EdDSA.")
    return pems


def read_certificates(text: str) -> str | None:
    """Read certificates, as text or from a file; None for an empty text. Raises ValueError."""
    if not text:
        return None
    pems = _text_of(text)
    try:
        if not _certificates(pems):
            raise ValueError
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pems)  # stricter, and used later
    except (ValueError, ssl.SSLError):
        raise ValueError("must be a certificate in PEM (-----BEGIN CERTIFICATE-----), or the path of one.") from None
    return pems


def read_private_key(text: str) -> str | None:
    """Read a private key without a password, as text or from a file; None for an empty text. Raises ValueError."""
    if not text:
        return None
    pem = _text_of(text)
    try:
        load_pem_private_key(pem.encode(), None)
    except TypeError:
        raise ValueError("is encrypted: remove its password (openssl pkey -in KEY -out PLAIN).") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("must be a private key in PEM (-----BEGIN PRIVATE KEY-----), or the path of one.") from None
    return pem


def belong_together(certificates: str, key: str) -> bool:
    """Return whether the key belongs to the first certificate. Both must come from the functions above."""
    first = _certificates(certificates)[0].public_key()
    own = load_pem_private_key(key.encode(), None).public_key()
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return first.public_bytes(*form) == own.public_bytes(*form)


def validity_warning(certificates: str) -> str | None:
    """Return a warning if a certificate is not valid now, or will expire soon."""
    now = datetime.datetime.now(datetime.UTC)
    for certificate in _certificates(certificates):
        if certificate.not_valid_after_utc < now + _SOON:
            tense = "expired" if certificate.not_valid_after_utc < now else "expires"
            return f"{tense} on {certificate.not_valid_after_utc:%Y-%m-%d}"
        if certificate.not_valid_before_utc > now:
            return f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
    return None


def client_context(ca_cert: str | None) -> ssl.SSLContext:
    """Return a context that verifies a server's certificate and name, by the public authorities or by `ca_cert`."""
    context = ssl.create_default_context(cadata=ca_cert)
    if ca_cert:  # many private authorities' certificates fail the strict checks of Python 3.13
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


@contextlib.contextmanager
def as_file(text: str) -> Iterator[str]:
    """Yield a path from which the text can be read while the block runs. OpenSSL and libpq read some items only from
    files. The file is in memory, so no folder needs to be writable and no key is written to disk."""
    descriptor = os.memfd_create("pem")
    try:
        os.write(descriptor, text.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _certificates(pems: str) -> "list[Certificate]":
    from cryptography.x509 import load_pem_x509_certificates  # 20 ms of the start; few deployments set a certificate

    return load_pem_x509_certificates(pems.encode())


def _text_of(text: str) -> str:
    if "-----BEGIN" in text:
        return text.replace("\\n", "\n")
    try:
        return Path(text).read_text("ascii")
    except (OSError, ValueError):
        raise ValueError("must be in PEM (-----BEGIN … -----END …), or the path of a readable file.") from None


def _curve_of(pem: str) -> str:
    try:
        key = load_pem_private_key(pem.encode(), None) if "PRIVATE" in pem else load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):  # not a key, encrypted, or of an unknown kind
        return ""
    return str(getattr(getattr(key, "curve", key), "name", type(key).__name__))  # secp256r1, Ed25519PrivateKey
