"""A refusal does the same work for every kind of hash, or none: verifications are counted by kind, which determines the
time (tests/kernel/test_passwords.py measures it)."""

import contextlib
from collections import Counter
from collections.abc import Iterator

import argon2
import bcrypt
import httpx
import pytest

from api.kernel.context import Context
from api.kernel.identity import passwords as module
from api.kernel.identity.hashes import read
from api.sessions import queries
from tests.factories import PASSWORD, make_user
from tests.query_plans import explain, nodes
from tests.sessions.signing import bearer, login

pytestmark = pytest.mark.hashing
# Like other systems' hashes, but cheap.
BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
ARGON2 = argon2.PasswordHasher(1, 64, 2).hash(PASSWORD)
HASHES = {"bcrypt": BCRYPT, "argon2": ARGON2, "invited": None, "corrupt": "$2b$99$x"}
OURS = "$argon2id$v=19$m=19456,t=2,p=1$"
ALL = {"$2b$04$": 1, "$argon2id$v=19$m=64,t=1,p=2$": 1, OURS: 1}


@pytest.fixture
async def imported(context: Context) -> None:
    for kind, password_hash in HASHES.items():
        user = await make_user(context, f"{kind}@example.com")
        await context.db.fetch("update users set password_hash = $2 where id = $1", user.id, password_hash)


@contextlib.contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Return the verifications, by kind."""
    done: Counter[str] = Counter()
    matches = module._matches

    def noted(password_hash: str, password: str, key: bytes | None) -> bool:
        done[read(password_hash).kind] += 1
        return matches(password_hash, password, key)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_matches", noted)
        yield done


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize(("password", "forms"), [("wrong", 1), ("wro\u0308ng", 2)], ids=["NFC", "NFD"])
async def test_no_refusal_shows_the_kind_of_a_hash(
    client: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch, password: str, forms: int
) -> None:
    """C-38, C-156: nor whether an account exists, was invited, or is disabled."""
    await make_user(context, "ours@example.com")
    await make_user(context, "disabled@example.com", active=False)
    for who in (*HASHES, "ours", "disabled", "nobody"):
        with counted(monkeypatch) as done:
            assert (await login(client, f"{who}@example.com", password)).status_code == 400
        assert done == dict.fromkeys(ALL, forms), who


@pytest.mark.usefixtures("imported")
async def test_the_right_password_of_a_disabled_account_does_not_either(
    client: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C-51, C-156."""
    await make_user(context, "disabled@example.com", active=False)
    with counted(monkeypatch) as done:
        assert (await login(client, "disabled@example.com")).status_code == 400
    assert done == ALL


@pytest.mark.usefixtures("imported")
async def test_the_current_password_does_not_either(
    client: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C-156: for sessions older than a replaced hash."""
    for kind in ("ours", *HASHES):
        user = await make_user(context)
        headers = bearer((await login(client, user.email)).json())
        if kind in HASHES:
            await context.db.fetch("update users set password_hash = $2 where id = $1", user.id, HASHES[kind])
        body = {"current_password": "wrong", "new_password": "another horse and battery"}
        with counted(monkeypatch) as done:
            assert (await client.post("/api/users/change-password", json=body, headers=headers)).status_code == 400
        assert done == ALL, kind


@pytest.mark.usefixtures("imported")
async def test_a_success_verifies_only_its_own_hash(
    client: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C-156: after the last of those accounts has signed in, refusals are as cheap as before."""
    await make_user(context, "ours@example.com")
    with counted(monkeypatch) as done:
        for who in ("ours", "bcrypt", "argon2"):
            assert (await login(client, f"{who}@example.com")).status_code == 200
    assert done == ALL
    with counted(monkeypatch) as done:
        assert (await login(client, "nobody@example.com")).status_code == 400
    assert done == {OURS: 1}


async def test_the_kinds_are_those_of_other_systems(context: Context) -> None:
    """C-156: a view and an index contain the application's own parameters, too: changing them needs a migration."""
    user = await make_user(context)
    ours = await context.passwords.hash(PASSWORD)
    await context.db.fetch("update users set password_hash = $2 where id = $1", user.id, ours)
    assert await queries.list_password_kinds(context.db) == []
    hashes = [
        "$2y$10$" + "a" * 53,
        "$2b$04$" + "b" * 53,
        "$2b$04$" + "c" * 53,
        "$argon2i$m=8,t=1,p=1$YWJj$YWJj",
        "junk",
    ]
    hashes.append("")
    for password_hash in hashes:
        user = await make_user(context)
        await context.db.fetch("update users set password_hash = $2 where id = $1", user.id, password_hash)
    found = await queries.list_password_kinds(context.db)
    assert found == ["$2b$04$", "$2y$10$", "$argon2i$m=8,t=1,p=1$"]


@pytest.mark.fresh
async def test_the_kinds_are_found_by_an_index(context: Context) -> None:
    """C-156: each sign-in needs them."""
    insert = (
        "insert into users (id, email, password_hash) select gen_random_uuid(), n || '@example.com', "
        "case when n % 2 = 0 then '$2b$10$' || n else '$argon2id$v=19$m=19456,t=2,p=1$' || n end "
        "from generate_series(1, 5000) as n"
    )
    await context.db.fetch(insert)
    await context.db.fetch("analyze users")
    read = list(nodes(await explain(context.db, "select kind from password_kinds")))
    assert "users_password_kinds" in {node.get("Index Name") for node in read}
    assert "Seq Scan" not in {node["Node Type"] for node in read}
    assert await queries.list_password_kinds(context.db) == ["$2b$10$"]
