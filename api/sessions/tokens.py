"""Refresh tokens: `sid ‖ generation ‖ HMAC-SHA256`, in base64url, opaque to everybody else. Nothing of one is stored:
the key is the application's, the session's row has the generation that is good now, and the same generation always
makes the same token."""

import base64
import hmac
from uuid import UUID


def make(key: bytes, sid: UUID, generation: int) -> str:
    """The refresh token for that generation of the session."""
    body = sid.bytes + generation.to_bytes(4)
    return base64.urlsafe_b64encode(body + hmac.digest(key, body, "sha256")).rstrip(b"=").decode()


def read(key: bytes, token: str) -> tuple[UUID, int] | None:
    """The session and generation a token names, or None where we did not make it."""
    try:
        body = base64.urlsafe_b64decode(token + "==")[:20]
        sid, generation = UUID(bytes=body[:16]), int.from_bytes(body[16:])
    except ValueError:
        return None
    # The token is made again, whole, because base64 can be spelled in several ways and only one is ours.
    return (sid, generation) if hmac.compare_digest(make(key, sid, generation), token) else None
