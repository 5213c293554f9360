"""Tokens in and out, Principal, and the guards that stand on a route line. Access tokens are JWTs after RFC 9068; the
claims are validated by Authlib's registry for it, always, because decoding alone accepts an expired token."""

import functools
import time
import warnings
from collections.abc import Awaitable, Callable
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
REMEMBERED_SECONDS = 1.0
_MOST_REMEMBERED = 4096
_INVALID = {"www-authenticate": 'Bearer error="invalid_token"'}

TOKEN_INVALID = unauthorized("TOKEN_INVALID", "The access token is not valid; sign in again.")


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token says. Times are seconds since 1970."""

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
    """Written out as a class because it keeps what the token said: it was ours, so it still says who is to be
    counted."""

    status = 401
    code = "TOKEN_EXPIRED"
    detail = "The access token has expired; refresh it."
    claims: Claims | None = None


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking, as the database knows them now, not as the token knew them when it was made."""

    id: UUID
    sid: UUID
    is_superuser: bool
    is_verified: bool
    roles: tuple[str, ...]


class Principals:
    """Who stood behind each `sid` a moment ago, so that a page's requests ask it once. An answer is remembered for
    REMEMBERED_SECONDS from before its question was asked: whatever was committed before is known to every process
    that much later, and at once to one that is told to `forget`. So is the answer that there is none: whoever sends the
    token of a sign-in that has ended again and again costs one query a second."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: dict[tuple[UUID, UUID], tuple[float, Principal | None]] = {}

    async def find(self, claims: Claims, ask: Callable[[Claims], Awaitable[Principal]]) -> Principal:
        """The principal that the claims stand for. `ask` raises TOKEN_INVALID where there is none, and so does this."""
        key, now = (claims.sid, claims.sub), self._now()
        until, principal = self._known.get(key, (0.0, None))
        if until <= now:
            try:
                principal = await ask(claims)
            except TOKEN_INVALID:
                principal = None
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = (now + REMEMBERED_SECONDS, principal)
        if principal is None:
            raise TOKEN_INVALID(headers=_INVALID)
        return principal

    def forget(self, id: UUID) -> None:
        """Ask anew about this `sid`, or about all that this principal (`sub`) has. Call it after the commit."""
        for key in [key for key in self._known if id in key]:
            del self._known[key]


class Guard(msgspec.Struct, frozen=True):
    """Who may call a route. `admits` is None where nobody is asked who they are now."""

    name: str
    admits: Callable[[Principal], bool] | None
    asks: bool = True
    """Whether a token is needed at all."""


anyone = Guard("anyone", None, asks=False)
holder = Guard("whoever holds a token of ours, even one that has expired", None)
signed_in = Guard("signed in", lambda principal: True)
superuser = Guard("superuser", lambda principal: principal.is_superuser)


def role(name: str) -> Guard:
    """Those who hold the role, and superusers."""
    return Guard(f"role {name}", lambda principal: principal.is_superuser or name in principal.roles)


@functools.cache
def derive_key(secret_key: str, purpose: str) -> bytes:
    """32 bytes for one purpose, from the one secret (HKDF, RFC 5869): what one key signs, no other key accepts."""
    return HKDF(hashes.SHA256(), 32, None, purpose.encode()).derive(secret_key.encode())


def verifying_keys(settings: Settings, purpose: str) -> tuple[bytes, ...]:
    """The keys for one purpose that verify: SECRET_KEY's, which also signs, and then SECRET_KEY_PREVIOUS's if set."""
    secrets = (settings.secret_key, settings.secret_key_previous)
    return tuple(derive_key(secret, purpose) for secret in secrets if secret)


class Tokens:
    """Issues and verifies access tokens. Keys are made once; a token's `kid` picks among them and from nowhere else."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._algorithm = settings.jwt_algorithm
        self._issuer = settings.public_url
        self._audience = f"{settings.public_url}/api"
        self._now = now
        self._most_seconds = settings.sign_in_most_days * 86400
        self._keys: dict[str | None, jwk.Key] = {}
        self._previous: jwk.Key | None = None
        """SECRET_KEY_PREVIOUS's with HS256, whose tokens have no `kid`: tried where the signature is not the current
        key's."""
        self._verified: dict[str, Claims] = {}
        """Tokens whose signature was checked: a client sends the same one for a quarter of an hour."""
        self.jwks: list[dict[str, str]] = []
        """The public keys as a JWK Set (RFC 7517); none with HS256, whose key is nobody's business."""
        if self._algorithm == "HS256":
            self._kid = None
            current, *previous = map(jwk.OctKey.import_key, verifying_keys(settings, "access-token"))
            self._keys[None], self._previous = current, next(iter(previous), None)
        else:
            self._kid = self._add(settings.jwt_private_key or "")
            for pem in settings.jwt_previous_keys:
                self._add(pem)
            # RFC 9864 calls it Ed25519 from now on; those who verify our tokens know it as EdDSA.
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
        kid = key.thumbprint()  # RFC 7638: the same in every process that holds the key
        self._keys[kid] = key
        public = {name: str(value) for name, value in key.as_dict(private=False).items()}
        self.jwks.append({**public, "kid": kid, "use": "sig", "alg": self._algorithm})
        return kid

    def issue(self, *, sub: UUID, sid: UUID, jti: UUID, email: str, name: str | None, roles: tuple[str, ...]) -> str:
        """A signed access token for ACCESS_SECONDS."""
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
        """Whether a sign-in with this id may still live: a UUIDv7 begins with its time (RFC 9562 §5.7), and none lives
        longer than SIGN_IN_MOST_DAYS. Asks no database; an old token is counted as somebody's for so long only."""
        age = self._now() - int.from_bytes(sid.bytes[:6]) / 1000
        return sid.version == 7 and -LEEWAY_SECONDS <= age < self._most_seconds

    def verify(self, token: str, *, expired: bool = False) -> Claims:
        """The claims of a token that we issued and that holds now, or held once where `expired` ones are good enough.
        Raises TOKEN_EXPIRED or TOKEN_INVALID, whatever is wrong."""
        known = self._verified.get(token)
        if known is not None and known.exp > self._now() - LEEWAY_SECONDS:
            return known
        try:
            if len(token) > _MAX_LENGTH:
                raise ValueError("too long")
            decoded = self._decode(token)
            if {**decoded.header, "kid": None} != {"alg": self._algorithm, "typ": _TYPE, "kid": None}:
                raise ValueError("another kind of token, or a header that we never write")
            claims = msgspec.convert(decoded.claims, Claims)  # first, for an `exp` of another type has not expired
            self._registry.validate(decoded.claims)
            if len(self._verified) >= _MOST_REMEMBERED:
                self._verified.clear()
            self._verified[token] = claims
            return claims
        except ExpiredTokenError:
            if expired:  # it was ours, by its signature and its header
                return claims
            refusal = TOKEN_EXPIRED(headers=_INVALID)
            refusal.claims = claims
            raise refusal from None
        except Exception:  # noqa: BLE001  # hostile input meets a parser: whatever it raises, the token is not ours
            raise TOKEN_INVALID(headers=_INVALID) from None

    def _decode(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, lambda signed: self._keys[signed.headers().get("kid")], [self._algorithm])
        except BadSignatureError:
            if self._previous is None:
                raise
            return jwt.decode(token, self._previous, [self._algorithm])


def bearer(authorization: bytes) -> str:
    """The token in an Authorization header (RFC 6750 §2.1). Raises UNAUTHORIZED."""
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() == "bearer" and token and token.isascii():
        return token
    raise UNAUTHORIZED
