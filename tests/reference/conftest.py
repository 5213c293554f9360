"""FastAPI Users 15's router tests, mirrored by name against this system's routes, so that its clients keep working.
Differences of the contract are noted in each place.

Its tests of router names (`test_route_names`, `test_*_namespace`) reverse URLs inside the server and have no
counterpart; the tests themselves check paths. Its tests of OAuth (25) come with `/auth/{provider}`: of TestAuthorize
`test_success`, `test_with_redirect_url`; of TestCallback `test_invalid_state`, `test_active_user`,
`test_inactive_user`, `test_redirect_url_router`, an unavailable address, an existing account, the state's cookie; and
the same for associating."""

from dataclasses import dataclass
from uuid import UUID

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD, make_user


@dataclass(frozen=True)
class Person:
    """An account, and the headers of its requests."""

    id: UUID
    email: str
    headers: dict[str, str]


@pytest.fixture
def requires_verification(request: pytest.FixtureRequest) -> bool:
    """Sets REQUIRE_VERIFICATION, for the modules that test both values."""
    return bool(getattr(request, "param", False))


@pytest.fixture
def context(context: Context, requires_verification: bool) -> Context:
    settings = msgspec.structs.replace(context.settings, require_verification=requires_verification)
    return msgspec.structs.replace(context, settings=settings)


async def sign_in(
    client: httpx.AsyncClient,
    context: Context,
    email: str,
    *,
    is_active: bool = True,
    is_superuser: bool = False,
    is_verified: bool = False,
) -> Person:
    """Sign in, then set the flags, which may forbid signing in."""
    user = await make_user(context, email)
    pair = (await client.post("/api/auth/jwt/login", data={"username": email, "password": PASSWORD})).json()
    await context.db.fetch(
        "update users set is_active = $2, is_superuser = $3, is_verified = $4 where id = $1",
        user.id,
        is_active,
        is_superuser,
        is_verified,
    )
    return Person(user.id, email, {"authorization": f"Bearer {pair['access_token']}"})


@pytest.fixture
async def user(client: httpx.AsyncClient, context: Context) -> Person:
    return await sign_in(client, context, "king.arthur@camelot.bt")


@pytest.fixture
async def inactive_user(client: httpx.AsyncClient, context: Context) -> Person:
    return await sign_in(client, context, "percival@camelot.bt", is_active=False)


@pytest.fixture
async def verified_user(client: httpx.AsyncClient, context: Context) -> Person:
    return await sign_in(client, context, "lake.lady@camelot.bt", is_verified=True)


@pytest.fixture
async def superuser(client: httpx.AsyncClient, context: Context) -> Person:
    return await sign_in(client, context, "merlin@camelot.bt", is_superuser=True)


@pytest.fixture
async def verified_superuser(client: httpx.AsyncClient, context: Context) -> Person:
    return await sign_in(client, context, "the.real.merlin@camelot.bt", is_superuser=True, is_verified=True)


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return the code: `detail` in FastAPI Users, `code` here, where `detail` is a message."""
    return response.status_code, response.json()["code"]


async def password_hash(context: Context, person: Person) -> str:
    [row] = await context.db.fetch("select password_hash from users where id = $1", person.id)
    return str(row[0])
