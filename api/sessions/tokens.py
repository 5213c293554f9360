"""Refresh tokens: `sid ‖ generation ‖ HMAC-SHA256`, in base64url, opaque to everybody else. Nothing of one is stored:
the key is the application's, the session's row has the generation that is good now, and the same generation always
makes the same token. The cookie by which a device is known again is made in the same way."""

import base64
import hmac
from uuid import UUID


def make(key: bytes, sid: UUID, generation: int) -> str:
    """The refresh token for that generation of the session."""
    return _seal(key, sid.bytes + generation.to_bytes(4))


def read(key: bytes, token: str) -> tuple[UUID, int] | None:
    """The session and generation a token names, or None where we did not make it."""
    body = _open(key, token, 20)
    return (UUID(bytes=body[:16]), int.from_bytes(body[16:])) if body else None


def make_device(key: bytes, id: UUID) -> str:
    """The cookie that knows a device again."""
    return _seal(key, id.bytes)


def read_device(key: bytes, token: str) -> UUID | None:
    """The device that a cookie names, or None where we did not make it."""
    body = _open(key, token, 16)
    return UUID(bytes=body) if body else None


def _seal(key: bytes, body: bytes) -> str:
    return base64.urlsafe_b64encode(body + hmac.digest(key, body, "sha256")).rstrip(b"=").decode()


def _open(key: bytes, token: str, length: int) -> bytes | None:
    try:
        body = base64.urlsafe_b64decode(token + "==")[:length]
    except ValueError:
        return None
    # The token is made again, whole, because base64 can be spelled in several ways and only one is ours.
    return body if len(body) == length and token.isascii() and hmac.compare_digest(_seal(key, body), token) else None
