"""Refresh tokens: `sid ‖ generation ‖ HMAC-SHA256`, in base64url, opaque to everybody else. Nothing of one is stored:
the key is the application's, the session's row has the generation that is good now, and the same generation always
makes the same token."""

import base64
import binascii
import hmac
from uuid import UUID

_BODY = 20
_LENGTH = _BODY + 32


def make(key: bytes, sid: UUID, generation: int) -> str:
    """The refresh token for that generation of the session."""
    body = sid.bytes + generation.to_bytes(4)
    return base64.urlsafe_b64encode(body + hmac.digest(key, body, "sha256")).rstrip(b"=").decode()


def read(key: bytes, token: str) -> tuple[UUID, int] | None:
    """The session and generation a token names, or None where we did not make it."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, signature = raw[:_BODY], raw[_BODY:]
    if len(raw) != _LENGTH or not hmac.compare_digest(signature, hmac.digest(key, body, "sha256")):
        return None
    return UUID(bytes=body[:16]), int.from_bytes(body[16:])
