"""C-230: a change of SECRET_KEY, with and without SECRET_KEY_PREVIOUS."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec
import pytest

from api.app import create_app
from api.kernel.context import Context
from api.kernel.http.cookies import ACCESS, DEVICE, REFRESH, XSRF
from api.kernel.identity.auth import Tokens, derive_key
from api.kernel.settings import load
from api.sessions import tokens
from tests.conftest import client_of
from tests.factories import make_user
from tests.kernel.environ import GOOD, SECRET, faults
from tests.sessions.signing import bearer, is_signed_in, login, refresh, refused, sent, set_by, sign_in, sign_in_browser

pytestmark = pytest.mark.case(230)
NEW = "another-secret-of-32-characters-at-least"


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the tokens whose signatures are verified in the block."""
    computed: list[str] = []
    decode = Tokens._decode

    def counting(self: Tokens, token: str) -> object:
        computed.append(token)
        return decode(self, token)

    with monkeypatch.context() as patch:
        patch.setattr(Tokens, "_decode", counting)
        yield computed


def released(context: Context, secret: str, previous: str | None) -> httpx.AsyncClient:
    """Yield a client of a process with these keys; the database and Redis stay the same."""
    settings = msgspec.structs.replace(context.settings, secret_key=secret, secret_key_previous=previous)
    app = create_app(settings)
    app.state.context = msgspec.structs.replace(context, settings=settings, tokens=Tokens(settings))
    return client_of(app)


async def test_with_both_keys_all_sessions_stay(client: httpx.AsyncClient, context: Context) -> None:
    pair, old = await sign_in(client, context), context.settings.secret_key
    async with released(context, NEW, old) as both, released(context, NEW, None) as after:
        assert await is_signed_in(both, pair)
        assert not await is_signed_in(after, pair)
        renewed = (await refresh(both, pair["refresh_token"])).json()
        assert await is_signed_in(after, renewed), "new tokens are signed with the new key"
        assert (await refresh(after, renewed["refresh_token"])).status_code == 200


async def test_cookies_stay_valid_too(client: httpx.AsyncClient, context: Context) -> None:
    cookies, old = await sign_in_browser(client, context), context.settings.secret_key
    async with released(context, NEW, old) as both, released(context, NEW, None) as after:
        change = await both.patch("/api/users/me", json={"name": "Ada"}, headers=sent(cookies))
        assert change.status_code == 200, "XSRF token and access token of the old key"
        answer = await both.post("/api/auth/refresh", headers=sent(cookies))
        assert answer.status_code == 200
        renewed = cookies | set_by(answer)
        assert all(renewed[name] != cookies[name] for name in (ACCESS, REFRESH, XSRF))
        change = await after.patch("/api/users/me", json={"name": "Eve"}, headers=sent(renewed))
        assert change.status_code == 200


async def test_without_the_previous_key_all_old_tokens_are_refused(client: httpx.AsyncClient, context: Context) -> None:
    pair, cookies = await sign_in(client, context), await sign_in_browser(client, context)
    async with released(context, NEW, None) as after:
        assert await refused(after, pair["refresh_token"]) == "REFRESH_TOKEN_INVALID"
        answer = await after.get("/api/users/me", headers=bearer(pair))
        assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")
        for path in ("/api/auth/refresh", "/api/auth/cookie/logout"):
            assert (await after.post(path, headers=sent(cookies))).status_code in (401, 403)
        fresh = set_by(await login(after, (await make_user(context)).email, mode="cookie"))
        mixed = {**fresh, XSRF: cookies[XSRF]}
        answer = await after.patch("/api/users/me", json={"name": "Ada"}, headers=sent(mixed))
        assert answer.json()["code"] == "XSRF"


async def test_the_previous_key_signs_nothing(client: httpx.AsyncClient, context: Context) -> None:
    """A device keeps its id, and an XSRF token of another session is still refused."""
    old, user = context.settings.secret_key, await make_user(context)
    device = set_by(await login(client, user.email, mode="cookie"))[DEVICE]
    async with released(context, NEW, old) as both:
        again = set_by(await login(both, user.email, mode="cookie", cookie=f"{DEVICE}={device}"))
        others = set_by(await login(both, (await make_user(context)).email, mode="cookie"))
    new, former = (derive_key(secret, "device") for secret in (NEW, old))
    assert tokens.read_device([new], again[DEVICE]) == tokens.read_device([former], device) is not None
    assert tokens.read_device([former], again[DEVICE]) is None
    assert tokens.read([derive_key(old, "refresh-token")], again[REFRESH]) is None
    assert (await client.get("/api/users/me", headers={"cookie": f"{ACCESS}={again[ACCESS]}"})).status_code == 401
    async with released(context, NEW, old) as both:
        foreign = await both.patch("/api/users/me", json={}, headers=sent({**again, XSRF: others[XSRF]}))
        assert foreign.json()["code"] == "XSRF"


async def test_a_list_continues_with_an_old_cursor(client: httpx.AsyncClient, context: Context) -> None:
    root = await make_user(context, superuser=True)
    await make_user(context)
    pair, old = (await login(client, root.email)).json(), context.settings.secret_key
    first = (await client.get("/api/users", params={"limit": 1}, headers=bearer(pair))).json()
    query = {"limit": 1, "cursor": first["next_cursor"]}
    async with released(context, NEW, old) as both, released(context, NEW, None) as after:
        page = await both.get("/api/users", params=query, headers=bearer(pair))
        assert page.status_code == 200
        pair = (await refresh(both, pair["refresh_token"])).json()
        assert (await after.get("/api/users", params=query, headers=bearer(pair))).status_code == 422


async def test_an_old_token_is_verified_once_in_each_process(
    client: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = await sign_in(client, context)
    async with released(context, NEW, context.settings.secret_key) as both:
        with counted(monkeypatch) as computed:
            for _ in range(3):
                assert await is_signed_in(both, pair)
    assert len(computed) == 1


async def test_a_rolling_release_in_two_steps(client: httpx.AsyncClient, context: Context) -> None:
    """docs/security.md's procedure: processes of two neighbouring steps accept each other's tokens."""
    old = context.settings.secret_key
    steps = [(old, None), (old, NEW), (NEW, old), (NEW, None)]
    for before, then in itertools.pairwise(steps):
        async with released(context, *before) as one, released(context, *then) as other:
            for here, there in ((one, other), (other, one)):
                pair = (await login(here, (await make_user(context)).email)).json()
                assert await is_signed_in(there, pair)
                assert (await refresh(there, pair["refresh_token"])).status_code == 200


def test_an_invalid_previous_key_is_refused_and_none_is_accepted() -> None:
    assert load(GOOD).secret_key_previous is None
    assert load(GOOD | {"SECRET_KEY_PREVIOUS": NEW}).secret_key_previous == NEW
    for wrong, told in (("short", "is weak"), ("changethis", "is a published default"), (SECRET, "is the same as")):
        [fault] = faults(SECRET_KEY_PREVIOUS=wrong)
        assert fault.startswith(f"  - SECRET_KEY_PREVIOUS {told}")
