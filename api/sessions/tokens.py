"""Refresh tokens: `sid ‖ generation ‖ HMAC-SHA256`, in base64url, opaque to everybody else. Nothing of one is stored:
the key is the application's, the session's row has the generation that is good now, and the same generation always
makes the same token. The cookie by which a device is known again is made in the same way."""

import base64
import hmac
from collections.abc import Sequence
from uuid import UUID


def make(key: bytes, sid: UUID, generation: int) -> str:
    """The refresh token for that generation of the session."""
    return _seal(key, sid.bytes + generation.to_bytes(4))


def read(keys: Sequence[bytes], token: str) -> tuple[UUID, int] | None:
    """The session and generation that a token names; None unless it was made with one of the keys."""
    body = _open(keys, token, 20)
    return (UUID(bytes=body[:16]), int.from_bytes(body[16:])) if body else None


def make_device(key: bytes, id: UUID) -> str:
    """The cookie that knows a device again."""
    return _seal(key, id.bytes)


def read_device(keys: Sequence[bytes], token: str) -> UUID | None:
    """The device that a cookie names; None unless it was made with one of the keys."""
    body = _open(keys, token, 16)
    return UUID(bytes=body) if body else None


def _seal(key: bytes, body: bytes) -> str:
    return base64.urlsafe_b64encode(body + hmac.digest(key, body, "sha256")).rstrip(b"=").decode()


def _open(keys: Sequence[bytes], token: str, length: int) -> bytes | None:
    try:
        body = base64.urlsafe_b64decode(token + "==")[:length]
    except ValueError:
        return None
    # The token is made again, whole, because base64 can be spelled in several ways and only one is ours.
    if len(body) != length or not token.isascii():
        return None
    return body if any(hmac.compare_digest(_seal(key, body), token) for key in keys) else None
