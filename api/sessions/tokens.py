"""Refresh tokens: `sid ‖ generation ‖ HMAC-SHA256` in base64url, opaque to clients. Tokens are not stored: the key
belongs to the application, the session's row has the current generation, and a generation always yields the same token.
Device cookies are made in the same way."""

import base64
import hmac
from collections.abc import Sequence
from uuid import UUID


def make(key: bytes, sid: UUID, generation: int) -> str:
    """Create the refresh token for a generation of the session."""
    return _seal(key, sid.bytes + generation.to_bytes(4))


def read(keys: Sequence[bytes], token: str) -> tuple[UUID, int] | None:
    """Return the session and generation of a token; None if no key verifies it."""
    body = _open(keys, token, 20)
    return (UUID(bytes=body[:16]), int.from_bytes(body[16:])) if body else None


def make_device(key: bytes, id: UUID) -> str:
    """Create the value of the device cookie."""
    return _seal(key, id.bytes)


def read_device(keys: Sequence[bytes], token: str) -> UUID | None:
    """Return the device id of a cookie; None if no key verifies it."""
    body = _open(keys, token, 16)
    return UUID(bytes=body) if body else None


def _seal(key: bytes, body: bytes) -> str:
    return base64.urlsafe_b64encode(body + hmac.digest(key, body, "sha256")).rstrip(b"=").decode()


def _open(keys: Sequence[bytes], token: str, length: int) -> bytes | None:
    try:
        body = base64.urlsafe_b64decode(token + "==")[:length]
    except ValueError:
        return None
    # The whole token is compared, because several base64 texts decode to the same bytes and only one is valid.
    if len(body) != length or not token.isascii():
        return None
    return body if any(hmac.compare_digest(_seal(key, body), token) for key in keys) else None
