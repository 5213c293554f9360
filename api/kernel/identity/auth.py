"""Access tokens, Principal, and the guards on route lines. Tokens are JWTs following RFC 9068. Authlib's registry
always validates the claims, because decoding alone accepts an expired token."""

import functools
import time
import warnings
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaimsValidator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwk, jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, SecurityWarning

from api.kernel.errors import UNAUTHORIZED, Problem, unauthorized
from api.kernel.settings import Settings

ACCESS_SECONDS = 15 * 60
LEEWAY_SECONDS = 30
_TYPE = "at+jwt"
_MAX_LENGTH = 8192
_MOST_REMEMBERED = 4096
INVALID_TOKEN = {"www-authenticate": 'Bearer error="invalid_token"'}

TOKEN_INVALID = unauthorized("TOKEN_INVALID", "The access token is not valid; sign in again.")


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Claims of an access token. Times are seconds since 1970-01-01 UTC."""

    iss: str
    aud: str
    sub: UUID
    sid: UUID
    jti: str
    iat: int
    nbf: int
    exp: int
    email: str
    name: str | None
    roles: tuple[str, ...]


class TOKEN_EXPIRED(Problem):
    """A class of its own, because it keeps the claims: the token is authentic, so it identifies the caller for rate
    limits."""

    status = 401
    code = "TOKEN_EXPIRED"
    detail = "The access token has expired; refresh it."
    claims: Claims | None = None


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The authenticated caller with its current privileges from the database, not those in the token."""

    id: UUID
    sid: UUID
    is_superuser: bool
    is_verified: bool
    roles: tuple[str, ...]

    def has_role(self, name: str) -> bool:
        """Return whether the principal has the role; superusers have all. For rules such as "the owner or an editor",
        pass the result to the query."""
        return self.is_superuser or name in self.roles


class Guard(msgspec.Struct, frozen=True):
    """Restricts who may call a route. `admits` is None if the principal is not looked up."""

    name: str
    admits: Callable[[Principal], bool] | None
    asks: bool = True
    """Whether a token is required."""


anyone = Guard("anyone", None, asks=False)
holder = Guard("any holder of an access token, even an expired one", None)
signed_in = Guard("signed in", lambda principal: True)
superuser = Guard("superuser", lambda principal: principal.is_superuser)


def role(name: str) -> Guard:
    """Admit principals with the role, and superusers."""
    return Guard(f"role {name}", lambda principal: principal.has_role(name))


@functools.cache
def derive_key(secret_key: str, purpose: str) -> bytes:
    """Derive 32 bytes for one purpose from the secret (HKDF, RFC 5869). A signature made for one purpose is invalid for
    any other."""
    return HKDF(hashes.SHA256(), 32, None, purpose.encode()).derive(secret_key.encode())


def verifying_keys(settings: Settings, purpose: str) -> tuple[bytes, ...]:
    """Return the verification keys for one purpose: the key of SECRET_KEY, which also signs, then that of
    SECRET_KEY_PREVIOUS, if set."""
    secrets = (settings.secret_key, settings.secret_key_previous)
    return tuple(derive_key(secret, purpose) for secret in secrets if secret)


class Tokens:
    """Issues and verifies access tokens. A token's `kid` only selects among the configured keys."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._algorithm = settings.jwt_algorithm
        self._issuer = settings.public_url
        self._audience = f"{settings.public_url}/api"
        self._now = now
        self._most_seconds = settings.sign_in_most_days * 86400
        self._keys: dict[str | None, jwk.Key] = {}
        self._previous: jwk.Key | None = None
        """Key of SECRET_KEY_PREVIOUS for HS256, whose tokens have no `kid`: tried if the current key does not match."""
        self._verified: dict[str, Claims] = {}
        """Tokens whose signature was verified. A client sends the same token for 15 minutes."""
        self.jwks: list[dict[str, str]] = []
        """The public keys as a JWK Set (RFC 7517). Empty for HS256, whose key is secret."""
        if self._algorithm == "HS256":
            self._kid = None
            current, *previous = map(jwk.OctKey.import_key, verifying_keys(settings, "access-token"))
            self._keys[None], self._previous = current, next(iter(previous), None)
        else:
            self._kid = self._add(settings.jwt_private_key or "")
            for pem in settings.jwt_previous_keys:
                self._add(pem)
            # RFC 9864 renames EdDSA to Ed25519, but verifiers of our tokens know EdDSA.
            warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)
        claim: Callable[..., Any] = lambda **options: {"essential": True, **options}  # noqa: E731
        self._registry = JWTAccessTokenClaimsValidator(
            now=lambda: int(now()),
            leeway=LEEWAY_SECONDS,
            iss=claim(value=self._issuer),
            aud=claim(value=self._audience),
            **{name: claim() for name in ("sub", "sid", "jti", "iat", "nbf", "exp")},
        )

    def _add(self, pem: str) -> str:
        kind = jwk.ECKey if self._algorithm == "ES256" else jwk.OKPKey
        key = kind.import_key(pem)
        kid = key.thumbprint()  # RFC 7638: equal in every process with the key
        self._keys[kid] = key
        public = {name: str(value) for name, value in key.as_dict(private=False).items()}
        self.jwks.append({**public, "kid": kid, "use": "sig", "alg": self._algorithm})
        return kid

    def issue(self, *, sub: UUID, sid: UUID, jti: UUID, email: str, name: str | None, roles: tuple[str, ...]) -> str:
        """Return a signed access token valid for ACCESS_SECONDS."""
        now = int(self._now())
        header = {"alg": self._algorithm, "typ": _TYPE} | ({"kid": self._kid} if self._kid else {})
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(sub),
            "sid": str(sid),
            "jti": str(jti),
            "iat": now,
            "nbf": now,
            "exp": now + ACCESS_SECONDS,
            "email": email,
            "name": name,
            "roles": list(roles),
        }
        return jwt.encode(header, claims, self._keys[self._kid], [self._algorithm])

    def may_live(self, sid: UUID) -> bool:
        """Return whether a sign-in with this id may still be live: a UUIDv7 begins with its creation time (RFC 9562
        §5.7), and sign-ins last at most SIGN_IN_MOST_DAYS. Needs no query; bounds how long an expired token identifies
        a caller for rate limits."""
        age = self._now() - int.from_bytes(sid.bytes[:6]) / 1000
        return sid.version == 7 and -LEEWAY_SECONDS <= age < self._most_seconds

    def verify(self, token: str, *, expired: bool = False) -> Claims:
        """Return the claims of a valid token, or also of an expired one. Raises TOKEN_EXPIRED, TOKEN_INVALID."""
        known = self._verified.get(token)
        if known is not None and known.exp > self._now() - LEEWAY_SECONDS:
            return known
        try:
            if len(token) > _MAX_LENGTH:
                raise ValueError("too long")
            decoded = self._decode(token)
            if {**decoded.header, "kid": None} != {"alg": self._algorithm, "typ": _TYPE, "kid": None}:
                raise ValueError("wrong token type or header")
            claims = msgspec.convert(decoded.claims, Claims)  # first: an `exp` of another type has not expired
            self._registry.validate(decoded.claims)
            if len(self._verified) >= _MOST_REMEMBERED:
                self._verified.clear()
            self._verified[token] = claims
            return claims
        except ExpiredTokenError:
            if expired:  # authentic by its signature and header
                return claims
            refusal = TOKEN_EXPIRED(headers=INVALID_TOKEN)
            refusal.claims = claims
            raise refusal from None
        except Exception:  # noqa: BLE001  # a parser on hostile input may raise anything
            raise TOKEN_INVALID(headers=INVALID_TOKEN) from None

    def _decode(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, lambda signed: self._keys[signed.headers().get("kid")], [self._algorithm])
        except BadSignatureError:
            if self._previous is None:
                raise
            return jwt.decode(token, self._previous, [self._algorithm])


def bearer(authorization: bytes) -> str:
    """Return the token of an Authorization header (RFC 6750 §2.1). Raises UNAUTHORIZED."""
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() == "bearer" and token and token.isascii():
        return token
    raise UNAUTHORIZED
