"""Signing secrets: their form and their signatures (Standard Webhooks 1.0.0), and their encryption in the database.

Unlike a password, a signing secret is needed in clear, so it cannot be hashed. It is encrypted with a key that is
derived from SECRET_KEY: a copy of the database alone signs nothing."""

import base64
import functools
import hashlib
import hmac
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api.kernel import Settings

PREFIX = "whsec_"
GENERATED = 32
"""Bytes of a secret."""
_NONCE = 12


class SecretLost(Exception):
    """No current key decrypts the secret: SECRET_KEY was replaced without SECRET_KEY_PREVIOUS."""


def generate() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(GENERATED)).decode()


def seal(settings: Settings, endpoint_id: UUID, secret: str) -> str:
    """Encrypt a secret of an endpoint (AES-256-GCM, NIST SP 800-38D), bound to the endpoint's id."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(_key(settings.secret_key)).encrypt(nonce, secret.encode(), endpoint_id.bytes)
    return mark(settings) + base64.b64encode(nonce + sealed).decode()


def mark(settings: Settings) -> str:
    """Return the beginning of all secrets that are encrypted with the current key."""
    return hmac.digest(_key(settings.secret_key), b"mark", hashlib.sha256).hex()[:8] + "."


def unseal(settings: Settings, endpoint_id: UUID, sealed: str) -> str:
    """Decrypt a secret with SECRET_KEY, or else SECRET_KEY_PREVIOUS. Raises SecretLost."""
    return _unseal(settings.secret_key, settings.secret_key_previous, endpoint_id, sealed)


@functools.lru_cache(1000)
def _unseal(secret_key: str, previous: str | None, endpoint_id: UUID, sealed: str) -> str:
    whole = base64.b64decode(sealed.partition(".")[2])
    for key in filter(None, (secret_key, previous)):
        try:
            return AESGCM(_key(key)).decrypt(whole[:_NONCE], whole[_NONCE:], endpoint_id.bytes).decode()
        except InvalidTag:
            continue
    raise SecretLost


def sign(secrets: list[str], id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature`: a signature with each secret, HMAC-SHA256 of `id.timestamp.body`."""
    signed = f"{id}.{timestamp}.".encode() + body
    digests = (hmac.digest(base64.b64decode(each.removeprefix(PREFIX)), signed, hashlib.sha256) for each in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


@functools.lru_cache(4)
def _key(secret_key: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, b"webhook secrets").derive(secret_key.encode())
