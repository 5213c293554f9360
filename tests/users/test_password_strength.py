"""Passwords that are easy to guess are refused, with the estimator's score and hint (ASVS 6.2)."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.identity.passwords import Passwords
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.sessions.signing import bearer, login

LEET = "4@8({[<63&9#!1|0$5+7%2" * 5
"""Nearly every character is a substitution, the slowest case for an estimator."""
WEAK = [
    ("aaaaaaaa", 'Repeats like "aaa" are easy to guess.'),
    ("        ", 'Repeats like "aaa" are easy to guess.'),
    ("passw0rd!", "Predictable substitutions"),
    ("PassWord1", "common password"),
    ("password", "top-10 common password"),
    ("x7" * 64, "Repeats like"),
    ("🦉" * 128, "Repeats like"),
    ("qwertyuiop", "common password"),
    ("abcdefgh12345", "is needed."),
    ("Berlin1989", "is needed."),
]


@pytest.mark.parametrize(("password", "hint"), WEAK)
async def test_a_weak_password_is_refused_with_its_score_and_a_hint(
    client: httpx.AsyncClient, context: Context, password: str, hint: str
) -> None:
    """C-49, C-154."""
    answer = await client.post("/api/auth/register", json={"email": "eve@example.com", "password": password})
    assert (answer.status_code, answer.json()["code"]) == (400, "REGISTER_INVALID_PASSWORD")
    assert "its score is " in answer.json()["detail"]
    assert " of 4, and 2 is needed." in answer.json()["detail"]
    assert hint in answer.json()["detail"]
    assert await context.db.fetch("select 1 from users") == []


@pytest.mark.asvs("6.2.4")
async def test_none_of_the_3000_most_common_passwords_is_accepted(passwords: Passwords) -> None:
    """C-49: those that are long enough, in lower case, capitalised and in capitals."""
    common = Path(__file__).with_name("common_passwords.txt").read_text("utf-8").split()
    assert len(common) == 3000
    accepted = [
        each
        for word in common
        for each in (word, word.capitalize(), word.upper())
        if await passwords.weakness(each, []) is None
    ]
    assert accepted == []


@pytest.mark.parametrize("password", [PASSWORD, "k7#Vq2pL", "merlin of camelot", "Zoë mag Müsli", LEET])
async def test_a_strong_password_is_accepted(passwords: Passwords, password: str) -> None:
    """C-49, C-154: eight random characters are enough, and no rule requires digits or symbols."""
    assert await passwords.weakness(password, ["ada@example.com", "Ada Lovelace"]) is None


@pytest.mark.parametrize("path", ["register", "reset", "change", "profile", "admin"])
async def test_ones_own_address_and_name_weaken_a_password(
    client: httpx.AsyncClient, context: Context, path: str
) -> None:
    """C-154: `brzezinskaja7` is a strong password for other users."""
    email = "maria.brzezinskaja@example.com" if path == "register" else "m@example.com"
    weak, codes = "brzezinskaja7", {"register": "REGISTER", "reset": "RESET_PASSWORD", "change": "CHANGE_PASSWORD"}
    assert await context.passwords.weakness(weak, ["ada@example.com"]) is None
    user = await make_user(context, email, superuser=True) if path != "register" else None
    headers = bearer((await login(client, email)).json()) if user else {}
    if user:
        await context.db.fetch("update users set name = 'Maria Brzezinskaja' where id = $1", user.id)
    if path == "register":
        answer = await client.post("/api/auth/register", json={"email": email, "password": weak})
    elif path == "change":
        proof = {"current_password": PASSWORD, "new_password": weak}
        answer = await client.post("/api/users/change-password", json=proof, headers=headers)
    elif path == "profile":
        proof = {"current_password": PASSWORD, "password": weak}
        answer = await client.patch("/api/users/me", json=proof, headers=headers)
    elif path == "admin":
        assert user is not None
        boss = await make_user(context, "boss@example.com", superuser=True)
        headers = bearer((await login(client, boss.email)).json())
        answer = await client.patch(f"/api/users/{user.id}", json={"password": weak}, headers=headers)
    else:
        await client.post("/api/auth/forgot-password", json={"email": email})
        [(_, token)] = [each for each in await mailed(context) if each[0] == email]
        answer = await client.post("/api/auth/reset-password", json={"token": token, "password": weak})
    assert answer.json()["code"] == f"{codes.get(path, 'UPDATE_USER')}_INVALID_PASSWORD"
    assert "its score is " in answer.json()["detail"]


@pytest.mark.alone
@pytest.mark.hashing
async def test_no_password_takes_long_to_estimate_or_blocks_other_requests(passwords: Passwords) -> None:
    """C-57, C-154: estimating it in one piece would take seconds, longer than a hundred hashes."""
    await passwords.weakness("warm up", [])

    async def cost(work: str) -> float:
        began = time.process_time()
        for _ in range(3):
            await (passwords.hash("x") if work == "hash" else passwords.weakness(LEET[:128], ["ada@example.com"]))
        return time.process_time() - began

    assert await cost("estimate") < 10 * await cost("hash")
    estimating = asyncio.create_task(passwords.weakness("a" * 120 + LEET[:8], []))
    turns = 0
    while not estimating.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 1
