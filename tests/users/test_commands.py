"""users.commands: commands of other services about accounts."""

import base64
import hashlib
from typing import Any

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.errors import NOT_FOUND, VALIDATION_FAILED
from api.kernel.outbox.consumers import Delivery
from api.users import queries
from api.users.commands import consumers
from api.users.errors import LAST_SUPERUSER, USER_ALREADY_EXISTS
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed

[commands] = consumers
BCRYPT = "$2b$04$" + "a" * 53
ARGON2 = "$argon2id$v=19$m={m},t={t},p={p}$c29tZXNhbHQxMjM0NTY$" + "A" * 43


async def give(context: Context, kind: str, id: str | None = None, /, **data: object) -> bool:
    """Deliver a command. Returns whether it was new."""
    name = id or str(uuid7())
    return await commands.handle(context, Delivery("", name, kind, "application/json", msgspec.json.encode(data)))


async def recorded(context: Context) -> list[tuple[Any, ...]]:
    rows = await context.db.fetch("select type, principal_id, address from outbox_events order by seq")
    return [tuple(row) for row in rows]


async def test_an_imported_account_signs_in_with_its_password(context: Context, client: httpx.AsyncClient) -> None:
    known = await context.passwords.hash(PASSWORD)
    await give(
        context,
        "users.import",
        email="Ada@Example.com",
        name="Ada",
        roles=["notifier"],
        password_hash=known,
        is_verified=True,
    )
    assert await recorded(context) == [("users.registered", None, None)]
    assert await mailed(context) == []
    form = {"username": "ada@example.com", "password": PASSWORD}
    answer = await client.post("/api/auth/jwt/login", data=form)
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    me = (await client.get("/api/users/me", headers=bearer)).json()
    assert (me["email"], me["name"], me["is_verified"], me["is_superuser"]) == ("ada@example.com", "Ada", True, False)
    assert me["roles"] == ["notifier"]


async def test_an_account_without_a_password_is_invited(context: Context) -> None:
    await give(context, "users.import", email="ada@example.com")
    assert await recorded(context) == [("users.invited", None, None)]
    [(to, _)] = await mailed(context)
    assert to == "ada@example.com"


async def test_a_repeated_command_does_nothing(context: Context) -> None:
    given = [await give(context, "users.import", "once", email="ada@example.com") for _ in range(2)]
    assert given == [True, False]
    assert len(await recorded(context)) == 1


async def test_a_taken_address_is_refused_and_nothing_is_stored(context: Context) -> None:
    await make_user(context, "ada@example.com")
    with pytest.raises(USER_ALREADY_EXISTS):
        await give(context, "users.import", email="ADA@example.com")
    assert await recorded(context) == []
    assert await context.db.fetch("select 1 from inbox") == []


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(BCRYPT, id="bcrypt"),
        pytest.param(ARGON2.format(m=65536, t=10, p=4), id="argon2id"),
    ],
)
async def test_supported_hashes_are_accepted(context: Context, known: str) -> None:
    assert await give(context, "users.import", email="ada@example.com", password_hash=known)


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(ARGON2.format(m=4194304, t=2, p=1), id="memory"),
        pytest.param(ARGON2.format(m=19456, t=11, p=1), id="passes"),
        pytest.param(ARGON2.format(m=19456, t=2, p=9), id="lanes"),
        pytest.param(ARGON2.format(m=19456, t=2, p=1).replace("argon2id", "argon2d"), id="another argon2"),
        pytest.param(ARGON2.format(m=19456, t=2, p=1) + "\n", id="a line more"),
        pytest.param(BCRYPT.replace("$04$", "$16$"), id="rounds"),
        pytest.param("pbkdf2_sha256$9000000$salt$" + "A" * 43, id="iterations"),
        pytest.param("$argon2id$v=19$m=19456,t=2,p=1$$", id="nothing in it"),
        pytest.param("{noop}correct horse battery staple", id="plain text"),
        pytest.param("correct horse battery staple", id="no hash at all"),
    ],
)
async def test_unsupported_and_expensive_hashes_are_refused(context: Context, foreign: str) -> None:
    """C-59: none above the accepted cost, and none that cannot be verified."""
    with pytest.raises(VALIDATION_FAILED) as refused:
        await give(context, "users.import", email="ada@example.com", password_hash=foreign)
    assert [each.pointer for each in refused.value.errors] == ["/password_hash"]
    assert foreign not in str(refused.value) + refused.value.errors[0].detail


async def test_an_account_of_django_is_imported_by_a_command(context: Context, client: httpx.AsyncClient) -> None:
    """C-259: in the form in which Django stores the hash."""
    salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"sodium", 1000)
    written = f"pbkdf2_sha256$1000$sodium${base64.b64encode(salted).decode()}"
    await give(context, "users.import", email="ada@example.com", password_hash=written, language="de", is_active=True)
    form = {"username": "ada@example.com", "password": PASSWORD}
    assert (await client.post("/api/auth/jwt/login", data=form)).status_code == 200
    [row] = await context.db.fetch("select password_hash, language from users")
    assert row["password_hash"].startswith("$argon2id$"), "the hash is renewed"
    assert row["language"] == "de"


async def test_a_command_creates_no_superuser(context: Context) -> None:
    await give(context, "users.import", email="ada@example.com", is_superuser=True)
    rows = await context.db.fetch("select email, is_superuser from users")
    assert [tuple(row) for row in rows] == [("ada@example.com", False)]


async def test_disabling_signs_out_and_a_repetition_does_nothing(
    context: Context, signed_in: httpx.AsyncClient
) -> None:
    id = (await signed_in.get("/api/users/me")).json()["id"]
    before = len(await recorded(context))
    assert await give(context, "users.disable", user_id=id)
    assert [kind for kind, *_ in (await recorded(context))[before:]] == ["users.updated", "users.disabled"]
    assert await give(context, "users.disable", user_id=id)
    assert len(await recorded(context)) == before + 2


async def test_an_unknown_account_and_the_last_superuser_are_not_disabled(context: Context) -> None:
    with pytest.raises(NOT_FOUND):
        await give(context, "users.disable", user_id=uuid7())
    last = await make_user(context, superuser=True)
    with pytest.raises(LAST_SUPERUSER):
        await give(context, "users.disable", user_id=last.id)
    assert (await queries.get(context.db, last.id)).is_active


async def test_the_audit_names_the_system(context: Context) -> None:
    user = await make_user(context)
    await give(context, "users.disable", user_id=user.id)
    rows = await context.db.fetch("select type, principal_id, address, user_agent from audit_entries order by type")
    assert [tuple(row) for row in rows] == [
        ("users.disabled", None, None, None),
        ("users.updated", None, None, None),
    ]
