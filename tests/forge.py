"""Access tokens, ours and forged ones."""

import base64
import hmac
import json
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.kernel.identity.auth import (
    TOKEN_INVALID,
    Tokens,
    derive_key,
)
from api.kernel.settings import Settings

NOW = 1_800_000_000
SUB, SID, JTI = (UUID(f"0192f1a0-0000-7000-8000-00000000000{digit}") for digit in "123")
GOOD: dict[str, Any] = {
    "iss": "http://localhost:8000",
    "aud": "http://localhost:8000/api",
    "sub": str(SUB),
    "sid": str(SID),
    "jti": str(JTI),
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 900,
    "email": "ada@example.com",
    "name": None,
    "roles": ["notifier"],
}
MISSING = Ellipsis


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


ES256, OLD_ES256 = (pem(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
EDDSA = pem(ed25519.Ed25519PrivateKey.generate())


def at(settings: Settings, now: float = NOW, **changes: Any) -> Tokens:
    return Tokens(msgspec.structs.replace(settings, **changes), lambda: now)


def with_key(settings: Settings, algorithm: str, now: float = NOW) -> Tokens:
    return at(settings, now, jwt_algorithm=algorithm, jwt_private_key={"ES256": ES256, "EdDSA": EDDSA}.get(algorithm))


def issue(tokens: Tokens) -> str:
    return tokens.issue(sub=SUB, sid=SID, jti=JTI, email="ada@example.com", name=None, roles=("notifier",))


def ours(settings: Settings) -> bytes:
    """The HS256 key itself, for tokens that only a mistake of ours would make."""
    return derive_key(settings.secret_key, "access-token")


def signed(secret: bytes, claims: dict[str, Any], **header: Any) -> str:
    """Signed with HMAC-SHA256, whatever the header says, and without the checks that libraries make."""
    head = {"alg": "HS256", "typ": "at+jwt"} | header
    parts = [{name: value for name, value in part.items() if value is not MISSING} for part in (head, claims)]
    message = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = hmac.digest(secret, message, "sha256")
    return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(TOKEN_INVALID) as problem:
        tokens.verify(token)
    assert problem.value.detail == TOKEN_INVALID.detail
    assert problem.value.headers == {"www-authenticate": 'Bearer error="invalid_token"'}
