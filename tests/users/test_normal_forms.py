"""One normal form of each address and each password, for every spelling."""

import contextlib
import statistics
import time
import unicodedata
from collections.abc import Callable

import argon2
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.context import Context
from api.kernel.identity.passwords import normal_password
from api.kernel.input.addresses import normal_address
from api.users.names import normal_name
from tests.factories import make_user
from tests.sessions.signing import bearer, login

DOMAIN = "xn--mnchen-3ya.example"
SPELLINGS = [
    "Ada@münchen.example",
    "ada@MÜNCHEN.EXAMPLE",
    "ADA@mu\u0308nchen.example",  # NFD
    "ada@münchen\u3002example",  # IDEOGRAPHIC FULL STOP
    "ada@XN--MNCHEN-3YA.example",
]
COMPOSED = "pässwörter für Zoë"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


async def register(client: httpx.AsyncClient, email: str, password: str = COMPOSED) -> httpx.Response:
    return await client.post("/api/auth/register", json={"email": email, "password": password})


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_an_international_domain_is_one_address_in_every_spelling(
    client: httpx.AsyncClient, context: Context, spelling: str
) -> None:
    """C-31, C-150."""
    answer = await register(client, spelling)
    assert (answer.status_code, answer.json()["email"]) == (201, "ada@münchen.example")
    assert [row[0] for row in await context.db.fetch("select email from users")] == [f"ada@{DOMAIN}"]
    for other in SPELLINGS:
        assert (await register(client, other)).json()["code"] == "REGISTER_USER_ALREADY_EXISTS"
        assert (await login(client, other, COMPOSED)).status_code == 200


async def test_every_route_accepts_an_address_in_any_spelling(
    client: httpx.AsyncClient, context: Context, signed_in: httpx.AsyncClient
) -> None:
    """C-150: requested mails, a change of address, an invitation, an administrator's search and change."""
    user = await make_user(context, f"eve@{DOMAIN}")
    for path in ("forgot-password", "request-verify-token"):
        assert (await client.post(f"/api/auth/{path}", json={"email": "EVE@MÜNCHEN.example"})).status_code == 202
    asked = await context.db.fetch("select distinct data->>'email' from outbox_tasks where data ? 'email'")
    assert [row[0] for row in asked] == [f"eve@{DOMAIN}"]
    taken = {"email": "Eve@München.example", "current_password": "correct horse battery staple"}
    answer = await signed_in.patch("/api/users/me", json=taken)
    assert answer.json()["code"] == "UPDATE_USER_EMAIL_ALREADY_EXISTS"
    await make_user(context, "root@example.com", superuser=True)
    admin = bearer((await login(client, "ROOT@example.com")).json())
    answer = await client.post("/api/users", json={"email": "EVE@münchen.example"}, headers=admin)
    assert answer.json()["code"] == "USER_ALREADY_EXISTS"
    found = await client.get("/api/users", params={"q": "Eve@MÜNCHEN.example"}, headers=admin)
    assert [each["id"] for each in found.json()["items"]] == [str(user.id)]
    same = await client.patch(f"/api/users/{user.id}", json={"email": "EVE@MÜNCHEN.example"}, headers=admin)
    assert (same.status_code, same.json()["is_verified"]) == (200, True), "it is the account's own address"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text("aAkK\u212aıİſß@.é\u0301\u3002", max_size=12))
def test_normalising_twice_changes_nothing(text: str, typed: str) -> None:
    """C-150, for any input of a sign-in."""
    for each in (text, typed, text + "@" + typed):
        assert normal_address(normal_address(each)) == normal_address(each)
        if each.isascii():
            assert normal_address(each) == each.lower()


@pytest.mark.parametrize("known", [True, False])
async def test_an_address_and_its_lookalike_are_counted_separately(
    client: httpx.AsyncClient, context: Context, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C-151: five wrong attempts with KELVIN SIGN must not count against k only if there is no account."""
    monkeypatch.setattr(context.limiter, "_factor", 1.0)
    if known:
        await make_user(context, "kate@example.com")
    for _ in range(5):
        assert (await login(client, "\u212aate@example.com", "wrong")).status_code == 400
    assert (await login(client, "\u212aate@example.com", "wrong")).status_code == 429
    assert (await login(client, "Kate@example.com", "wrong")).status_code == 400


@pytest.mark.parametrize(("first", "then"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
async def test_a_password_matches_in_every_composition(client: httpx.AsyncClient, first: str, then: str) -> None:
    """C-152."""
    assert (await register(client, "ada@example.com", first)).status_code == 201
    pair = await login(client, "ada@example.com", then)
    assert pair.status_code == 200
    proof = {"current_password": then, "new_password": "another horse and battery"}
    answer = await client.post("/api/users/change-password", json=proof, headers=bearer(pair.json()))
    assert answer.status_code == 204


async def test_a_hash_of_an_unnormalised_password_still_matches_and_is_renewed(
    client: httpx.AsyncClient, context: Context
) -> None:
    """C-152: from before passwords were normalised."""
    user = await make_user(context)
    old = argon2.PasswordHasher(2, 19_456, 1).hash(DECOMPOSED)
    await context.db.fetch("update users set password_hash = $2 where id = $1", user.id, old)
    assert (await login(client, user.email, COMPOSED)).status_code == 400
    assert (await login(client, user.email, DECOMPOSED)).status_code == 200
    assert (await login(client, user.email, COMPOSED)).status_code == 200


async def test_the_length_is_that_of_the_normal_form(client: httpx.AsyncClient) -> None:
    """C-152: 128 letters, each typed as two characters; and seven, typed as eleven."""
    letters = unicodedata.normalize("NFD", ("Äpfel öffnen Übermütige große Türme, ñandú! " * 4)[:128])
    assert len(letters) > 128
    assert (await register(client, "ada@example.com", letters)).status_code == 201
    assert (await login(client, "ada@example.com", letters)).status_code == 200
    answer = await register(client, "eve@example.com", unicodedata.normalize("NFD", "éàöüñçx"))
    assert "at least 8 characters" in answer.json()["detail"]


async def test_the_address_in_another_spelling_is_not_a_valid_password(client: httpx.AsyncClient) -> None:
    """C-49, C-152."""
    answer = await register(client, f"ada.lovelace@{DOMAIN}", "Ada.Lovelace@MÜNCHEN.example")
    assert "must not be the e-mail address" in answer.json()["detail"]


@pytest.mark.parametrize("form", [normal_address, normal_name, normal_password])
def test_no_text_takes_long_to_normalise(form: Callable[[str], str]) -> None:
    """C-57, C-152, C-153: ordering marks takes the square of their number, seconds for a body full of them."""

    def cost(marks: int) -> float:
        taken = []
        for _ in range(5):
            began = time.process_time()
            with contextlib.suppress(ValueError):
                form("x@" + "\u0301\u0323" * (marks // 2))
            taken.append(time.process_time() - began)
        return statistics.median(taken)

    assert cost(30_000) < 200 * cost(1000), "the length is between 30 and 900"
