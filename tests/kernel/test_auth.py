"""Access tokens, their signing keys, and guards."""

import base64
import json

import pytest
from joserfc import jwk, jwt

from api.kernel.errors import UNAUTHORIZED
from api.kernel.identity import auth
from api.kernel.identity.auth import (
    ACCESS_SECONDS,
    TOKEN_EXPIRED,
    Principal,
    Tokens,
    anyone,
    bearer,
    role,
    signed_in,
    superuser,
)
from api.kernel.settings import Settings
from tests.forge import (
    ES256,
    GOOD,
    NOW,
    OLD_ES256,
    SID,
    SUB,
    at,
    issue,
    refused,
    with_key,
)


@pytest.mark.parametrize("algorithm", ["HS256", "ES256", "EdDSA"])
def test_a_token_has_the_issued_claims_and_no_secret(settings: Settings, algorithm: str) -> None:
    tokens = with_key(settings, algorithm)
    token = issue(tokens)
    claims = tokens.verify(token)
    assert (claims.sub, claims.sid, claims.roles) == (SUB, SID, ("notifier",))
    header, payload = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert payload == GOOD
    assert header.pop("kid", None) == (tokens.jwks[0]["kid"] if tokens.jwks else None)
    assert header == {"alg": algorithm, "typ": "at+jwt"}


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_the_published_keys_verify_and_cannot_sign(settings: Settings, algorithm: str) -> None:
    tokens = with_key(settings, algorithm)
    published = jwk.KeySet.import_key_set({"keys": tokens.jwks})  # type: ignore[typeddict-item]
    assert jwt.decode(issue(tokens), published, [algorithm]).claims["sub"] == str(SUB)
    assert {"d", "k", "p", "q"}.isdisjoint(tokens.jwks[0])
    assert (tokens.jwks[0]["use"], tokens.jwks[0]["alg"]) == ("sig", algorithm)


def test_the_shared_key_is_not_published(settings: Settings) -> None:
    assert at(settings).jwks == []


def test_tokens_of_the_previous_key_are_valid_and_new_ones_use_the_new_key(settings: Settings) -> None:
    before = at(settings, jwt_algorithm="ES256", jwt_private_key=OLD_ES256)
    after = at(settings, jwt_algorithm="ES256", jwt_private_key=ES256, jwt_previous_keys=(OLD_ES256,))
    assert after.verify(issue(before)).sub == SUB
    assert [key["kid"] for key in after.jwks][1:] == [key["kid"] for key in before.jwks]
    refused(before, issue(after))
    refused(with_key(settings, "ES256"), issue(before))


def test_a_key_has_the_same_kid_in_every_process(settings: Settings) -> None:
    assert with_key(settings, "ES256").jwks == with_key(settings, "ES256").jwks


# Time


@pytest.mark.parametrize(("late", "holds"), [(0, True), (29, True), (30, False), (31, False), (86400, False)])
def test_a_token_expires_with_thirty_seconds_of_grace(settings: Settings, late: int, holds: bool) -> None:
    """C-65. A token is refused from its expiry on (RFC 7519 §4.1.4), hence not valid at 30 s exactly."""
    token = issue(at(settings))
    later = at(settings, NOW + ACCESS_SECONDS + late)
    if holds:
        assert later.verify(token).sub == SUB
    else:
        with pytest.raises(TOKEN_EXPIRED) as problem:
            later.verify(token)
        assert problem.value.headers == {"www-authenticate": 'Bearer error="invalid_token"'}


@pytest.mark.parametrize(("early", "holds"), [(30, True), (31, False)])
def test_clocks_may_differ_by_thirty_seconds(settings: Settings, early: int, holds: bool) -> None:
    """C-65, F-29."""
    token, earlier = issue(at(settings)), at(settings, NOW - early)
    if holds:
        assert earlier.verify(token).sub == SUB
    else:
        refused(earlier, token)


# Guards


def principal(*, is_superuser: bool = False, roles: tuple[str, ...] = ()) -> Principal:
    return Principal(id=SUB, sid=SID, is_superuser=is_superuser, is_verified=True, roles=roles)


def test_guards_admit_the_right_callers() -> None:
    nobody, notifier, boss = principal(), principal(roles=("notifier",)), principal(is_superuser=True)
    assert anyone.admits is None
    for guard, admitted in [
        (signed_in, [True, True, True]),
        (role("notifier"), [False, True, True]),
        (role("auditor"), [False, False, True]),
        (superuser, [False, False, True]),
    ]:
        assert guard.admits is not None
        assert [guard.admits(who) for who in (nobody, notifier, boss)] == admitted


@pytest.mark.parametrize("header", [b"Bearer abc", b"bearer abc", b"BEARER abc"])
def test_the_scheme_is_case_insensitive(header: bytes) -> None:
    """C-65."""
    assert bearer(header) == "abc"


@pytest.mark.parametrize(
    "header",
    [b"", b"Bearer", b"Bearer ", b"abc", b"Basic abc", b"Bearer a\xe9"],
)
def test_anything_but_one_bearer_token_is_anonymous(header: bytes) -> None:
    """C-65."""
    with pytest.raises(UNAUTHORIZED):
        bearer(header)


def test_a_cached_token_still_expires(settings: Settings) -> None:
    clock = [NOW]
    tokens = Tokens(settings, lambda: clock[0])
    token = issue(tokens)
    assert tokens.verify(token) is tokens.verify(token), "its signature is verified once"
    clock[0] = NOW + ACCESS_SECONDS + 30
    with pytest.raises(TOKEN_EXPIRED):
        tokens.verify(token)


def test_the_cache_of_tokens_is_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_MOST_REMEMBERED", 3)
    clock = [NOW]
    tokens = Tokens(settings, lambda: clock[0])
    for second in range(10):
        clock[0] = NOW + second
        tokens.verify(issue(tokens))
        assert len(tokens._verified) <= 3


def test_a_role_is_held_by_those_who_have_it_and_by_superusers() -> None:
    """As the guard `role` decides, for rules that a query applies."""
    for is_superuser, roles, held in ((False, (), False), (False, ("editor",), True), (True, (), True)):
        principal = Principal(id=SUB, sid=SID, is_superuser=is_superuser, is_verified=True, roles=roles)
        admits = role("editor").admits
        assert admits is not None
        assert (principal.has_role("editor"), admits(principal)) == (held, held)
