"""Forged tokens: each is refused with the same error."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from joserfc import jwk, jwt

from api.kernel.context import Context
from api.kernel.identity.auth import (
    derive_key,
)
from api.kernel.settings import Settings
from tests.factories import make_user
from tests.forge import (
    EDDSA,
    ES256,
    GOOD,
    JTI,
    MISSING,
    NOW,
    SID,
    SUB,
    at,
    issue,
    ours,
    refused,
    signed,
    with_key,
)


def test_the_forger_makes_valid_tokens_by_default(settings: Settings) -> None:
    assert at(settings).verify(signed(ours(settings), GOOD)).sub == SUB


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "nOnE"},
        {"alg": MISSING},
        {"alg": "HS512"},
        {"alg": "RS256"},
        {"alg": ["HS256"]},
        {"alg": {}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/keys"},
        {"x5c": ["AAAA"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["nobody-knows"]},
        {"b64": False, "crit": ["b64"]},
        {"zip": "DEF"},
        {"typ": "JWT"},
        {"typ": "application/at+jwt"},
        {"typ": MISSING},
        {"typ": None},
        {"kid": "unknown"},
        {"kid": ""},
        {"kid": 1},
        {"kid": ["a"]},
        {"kid": {}},
        {"kid": "k" * 9000},
        {"kid": "../../dev/null"},
        {"kid": "' or 1=1--"},
        {"kid": "http://127.0.0.1:1/keys"},
    ],
    ids=lambda header: str(header)[:40],
)
def test_another_header_is_refused(settings: Settings, header: dict[str, Any]) -> None:
    """C-63, C-64: even with a signature of the right key; no key is fetched."""
    refused(at(settings), signed(ours(settings), GOOD, **header))


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_missing_kid_is_refused_where_there_are_several_keys(settings: Settings, algorithm: str) -> None:
    """C-64."""
    tokens = with_key(settings, algorithm)
    key: jwk.Key = jwk.ECKey.import_key(ES256) if algorithm == "ES256" else jwk.OKPKey.import_key(EDDSA)
    refused(tokens, jwt.encode({"alg": algorithm, "typ": "at+jwt"}, GOOD, key, [algorithm]))


def test_the_public_key_is_not_a_shared_secret(settings: Settings) -> None:
    """C-63: HS256 with the published PEM as the secret, and under the other algorithm's name."""
    tokens = with_key(settings, "ES256")
    public = jwk.ECKey.import_key(ES256).as_pem(private=False)
    for secret in (public, public.strip(), json.dumps(tokens.jwks[0]).encode()):
        for algorithm in ("HS256", "ES256"):
            refused(tokens, signed(secret, GOOD, alg=algorithm, kid=tokens.jwks[0]["kid"]))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": MISSING},
        {"exp": str(NOW + 900)},
        {"exp": True},
        {"exp": None},
        {"exp": float("nan")},
        {"exp": 1e308},
        {"exp": NOW + 900.5},
        {"exp": [NOW + 900]},
        {"iat": NOW + 3600},
        {"iat": MISSING},
        {"nbf": NOW + 3600},
        {"nbf": MISSING},
        {"aud": MISSING},
        {"aud": "http://localhost:8000"},
        {"aud": ["http://localhost:8000/api"]},
        {"aud": ""},
        {"iss": "http://evil.example"},
        {"iss": MISSING},
        {"sub": 1},
        {"sub": ""},
        {"sub": MISSING},
        {"sub": "ada"},
        {"sid": MISSING},
        {"sid": "x"},
        {"jti": MISSING},
        {"email": 1},
        {"roles": "superuser"},
        {"roles": [1]},
    ],
    ids=str,
)
def test_invalid_claims_are_refused(settings: Settings, claims: dict[str, Any]) -> None:
    """C-65."""
    refused(at(settings), signed(ours(settings), GOOD | claims))


@pytest.mark.parametrize("purpose", ["refresh-token", "verify", "csrf", "access-token "])
def test_each_purpose_has_a_key_of_its_own(settings: Settings, purpose: str) -> None:
    """C-65."""
    other = derive_key(settings.secret_key, purpose)
    assert len(other) == 32
    assert other != derive_key(settings.secret_key, "access-token")
    assert other != derive_key(settings.secret_key + " ", purpose)
    refused(at(settings), signed(other, GOOD))


MANGLED: list[Callable[[str], str]] = [
    lambda token: "",
    lambda token: ".",
    lambda token: "..",
    lambda token: token.split(".")[0],
    lambda token: token.rpartition(".")[0],
    lambda token: token.rpartition(".")[0] + ".",
    lambda token: token + ".x",
    lambda token: token + "." + token.rpartition(".")[2],
    lambda token: token + "=",
    lambda token: token + "\n",
    lambda token: " " + token,
    lambda token: token.replace(".", " ."),
    lambda token: token + "é",
    lambda token: token + "\x00",
    lambda token: token + "A" * 8192,
    lambda token: token.upper(),
    lambda token: "AAAA" + token,
    lambda token: "[" * 5000,
    lambda token: base64.urlsafe_b64encode(b"[" * 4000).decode() + "..",
    lambda token: '{"payload":"x","signatures":[]}',
]


@pytest.mark.parametrize("mangle", MANGLED)
def test_a_malformed_token_is_refused(settings: Settings, mangle: Callable[[str], str]) -> None:
    """C-65."""
    tokens = at(settings)
    refused(tokens, mangle(issue(tokens)))


@given(st.data())
def test_any_change_of_a_token_is_refused(settings: Settings, data: st.DataObject) -> None:
    tokens = at(settings)
    token = issue(tokens)
    place = data.draw(st.integers(0, len(token) - 1))
    cut = data.draw(st.integers(0, 3))
    new = data.draw(st.text("ABab01-_.=+/ \x00é", max_size=3))
    changed = token[:place] + new + token[place + cut :]
    assume(changed != token)
    # Two last characters of a base64 group may encode the same bytes, which is the same signature.
    parts, whole = changed.split("."), token.split(".")
    assume(parts[:2] != whole[:2] or not _same_bytes(parts[2:], whole[2:]))
    refused(tokens, changed)


def _same_bytes(left: list[str], right: list[str]) -> bool:
    try:
        return [base64.urlsafe_b64decode(part + "==") for part in left] == [
            base64.urlsafe_b64decode(part + "==") for part in right
        ]
    except ValueError:
        return False


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_garbage_raises_no_other_error(settings: Settings, garbage: str) -> None:
    refused(at(settings), garbage)


async def test_every_forgery_gets_the_same_answer(client: httpx.AsyncClient, context: Context) -> None:
    """C-63, C-65: the body neither shows the fault, nor that the session of a valid token has ended."""
    user = await make_user(context)
    good = context.tokens.issue(sub=user.id, sid=SID, jti=JTI, email=user.email, name=None, roles=())
    told = []
    for token in (good, good[:-1], "x", good + " x", signed(ours(context.settings), GOOD, alg="none")):
        answer = await client.get("/api/users/me", headers={"authorization": f"Bearer {token}"})
        body = answer.json()
        del body["trace_id"], body["extra"]
        told.append((answer.status_code, body, answer.headers["www-authenticate"]))
    assert all(each == told[0] for each in told)
    assert (told[0][0], told[0][1]["code"]) == (401, "TOKEN_INVALID")
