"""Signing secrets: their form and their signatures (Standard Webhooks 1.0.0), and their encryption in the database.

Unlike a password, a signing secret is needed in clear, so it cannot be hashed. It is encrypted with a key that is
derived from SECRET_KEY: a copy of the database alone signs nothing."""

import base64
import functools
import hashlib
import hmac
import secrets
from uuid import UUID

from api import kernel
from api.kernel import Settings

PREFIX = "whsec_"
GENERATED = 32
"""Bytes of a secret."""


class SecretLost(Exception):
    """No current key decrypts the secret: SECRET_KEY was replaced without SECRET_KEY_PREVIOUS."""


def generate() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(GENERATED)).decode()


def seal(settings: Settings, endpoint_id: UUID, secret: str) -> str:
    """Encrypt a secret of an endpoint, bound to the endpoint's id."""
    sealed = kernel.seal(_keys(settings)[0], secret.encode(), endpoint_id.bytes)
    return mark(settings) + base64.b64encode(sealed).decode()


def mark(settings: Settings) -> str:
    """Return the beginning of all secrets that are encrypted with the current key."""
    return hmac.digest(_keys(settings)[0], b"mark", hashlib.sha256).hex()[:8] + "."


def unseal(settings: Settings, endpoint_id: UUID, sealed: str) -> str:
    """Decrypt a secret with SECRET_KEY, or else SECRET_KEY_PREVIOUS. Raises SecretLost."""
    return _unseal(_keys(settings), endpoint_id, sealed)


@functools.lru_cache(1000)
def _unseal(keys: tuple[bytes, ...], endpoint_id: UUID, sealed: str) -> str:
    secret = kernel.unseal(keys, base64.b64decode(sealed.partition(".")[2]), endpoint_id.bytes)
    if secret is None:
        raise SecretLost
    return secret.decode()


def _keys(settings: Settings) -> tuple[bytes, ...]:
    return kernel.verifying_keys(settings, "webhook secrets")


def sign(secrets: list[str], id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature`: a signature with each secret, HMAC-SHA256 of `id.timestamp.body`."""
    signed = f"{id}.{timestamp}.".encode() + body
    digests = (hmac.digest(base64.b64decode(each.removeprefix(PREFIX)), signed, hashlib.sha256) for each in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
