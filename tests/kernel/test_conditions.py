"""Cookies, bearer tokens, expired tokens, conditions, and absent bodies."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from api.app import create_app
from api.kernel.context import Context
from api.kernel.data.database import SERIALIZATION_FAILURE
from api.kernel.errors import conflict
from api.kernel.feature import Feature
from api.kernel.http.cookies import ACCESS, XSRF, Cookies, xsrf_token
from api.kernel.http.routing import ACCEPTED, Reply, get, patch, post
from api.kernel.http.validators import refuse_stale
from api.kernel.identity.auth import TOKEN_INVALID, Claims, Principal, Tokens, anyone, holder, signed_in
from api.kernel.settings import Settings

TAKEN = conflict("TAKEN", "It is taken.")
ENDED = UUID(int=13)
XSRF_HEADER = "x-xsrf-token"


class Room(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: str


class Hotel:
    def __init__(self) -> None:
        self.room, self.tries = Room("blue"), 0

    async def show_room(self, principal: Principal) -> Room:
        return self.room

    async def paint_room(self, if_match: str | None, body: Room) -> Room:
        refuse_stale(if_match, self.room)
        self.room = body
        return body

    async def show_guest(self, principal: Principal, claims: Claims) -> list[str]:
        assert principal.sid == claims.sid
        return [str(claims.sid)]

    async def greet_guest(self, claims: Claims) -> list[str]:
        return [str(claims.sid)]

    async def check_out(self, claims: Claims, cookies: Cookies) -> None:
        cookies.clear(ACCESS, XSRF)

    async def check_in(self, cookies: Cookies, body: Room | None) -> Room | None:
        cookies.set(XSRF, "t", 9)
        if body is not None and body.name == "taken":
            cookies.clear(ACCESS)
            raise TAKEN
        return body

    async def ask(self, body: Room) -> Room | Reply:
        return ACCEPTED if body.name == "taken" else body

    async def collide(self, cookies: Cookies) -> None:
        self.tries += 1
        cookies.set(XSRF, f"try-{self.tries}", 9)
        if self.tries == 1:
            raise SERIALIZATION_FAILURE

    def feature(self) -> Feature:
        return Feature(
            name="hotel",
            routes=[
                get("/room", self.show_room, guard=signed_in, etag=True),
                patch("/room", self.paint_room, guard=anyone, etag=True),
                get("/guest", self.show_guest, guard=signed_in),
                post("/guest", self.greet_guest, guard=signed_in),
                post("/check-out", self.check_out, guard=holder, status=204),
                post("/check-in", self.check_in, guard=anyone, errors=(TAKEN,)),
                post("/ask", self.ask, guard=anyone, status=201),
                post("/collide", self.collide, guard=anyone),
            ],
            authenticate=authenticate,
        )


async def authenticate(context: Context, claims: Claims) -> Principal:
    if claims.sid == ENDED:
        raise TOKEN_INVALID
    return Principal(id=claims.sub, sid=claims.sid, is_superuser=False, is_verified=True, roles=())


@pytest.fixture
def hotel() -> Hotel:
    return Hotel()


@pytest.fixture
async def client(settings: Settings, context: Context, hotel: Hotel) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, (hotel.feature(),))
    app.state.context = context
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as opened:
        yield opened


def token(context: Context, sid: UUID | None = None) -> str:
    return context.tokens.issue(sub=uuid4(), sid=sid or uuid4(), jti=uuid4(), email="a@b.cd", name=None, roles=())


def expired(settings: Settings, sid: UUID) -> str:
    old = Tokens(settings, lambda: 1_600_000_000)
    return old.issue(sub=uuid4(), sid=sid, jti=uuid4(), email="a@b.cd", name=None, roles=())


def by_bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def by_cookie(token: str) -> dict[str, str]:
    return {"cookie": f"theme=dark; {ACCESS}={token}; lang=de"}


def code(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()["code"]


# Cookie or bearer


async def test_a_cookie_authenticates_and_only_reads_without_the_xsrf_token(
    client: httpx.AsyncClient, context: Context, settings: Settings
) -> None:
    sid = uuid4()
    sent = by_cookie(token(context, sid))
    assert (await client.get("/guest", headers=sent)).json() == [str(sid)]
    assert code(await client.post("/guest", headers=sent)) == (403, "XSRF")
    others = sent | {XSRF_HEADER: xsrf_token(settings, uuid4())}
    assert code(await client.post("/guest", headers=others)) == (403, "XSRF")
    meant = sent | {XSRF_HEADER: xsrf_token(settings, sid)}
    assert (await client.post("/guest", headers=meant)).json() == [str(sid)]
    assert code(await client.post("/guest", headers=meant | {"origin": "https://evil.example"})) == (
        403,
        "ORIGIN_NOT_ALLOWED",
    )


async def test_a_bearer_token_precedes_a_cookie_and_needs_no_xsrf_token(
    client: httpx.AsyncClient, context: Context
) -> None:
    sid = uuid4()
    both = by_bearer(token(context, sid)) | by_cookie(token(context))
    for method in ("GET", "POST"):
        assert (await client.request(method, "/guest", headers=both)).json() == [str(sid)]


@pytest.mark.parametrize("sent", ["Bearer x", "Basic dTpw", "Bearer", ""])
async def test_an_invalid_authorization_is_refused_with_any_cookie(
    client: httpx.AsyncClient, context: Context, sent: str
) -> None:
    headers = by_cookie(token(context)) | {"authorization": sent}
    assert (await client.get("/guest", headers=headers)).status_code == 401


@pytest.mark.parametrize("value", ["", '""', "x", "\xff", "a" * 9000])
async def test_an_invalid_cookie_is_a_401(client: httpx.AsyncClient, value: str) -> None:
    raw = [(b"cookie", f"{ACCESS}={value}".encode("latin-1"))]
    assert (await client.get("/guest", headers=raw)).status_code == 401


async def test_an_ended_session_is_refused_by_cookie_too(client: httpx.AsyncClient, context: Context) -> None:
    assert code(await client.get("/guest", headers=by_cookie(token(context, ENDED)))) == (401, "TOKEN_INVALID")


# An expired token


async def test_an_expired_token_may_still_sign_out(
    client: httpx.AsyncClient, context: Context, settings: Settings
) -> None:
    """C-72."""
    old, sid = expired(settings, ENDED), uuid4()
    assert code(await client.get("/guest", headers=by_bearer(old))) == (401, "TOKEN_EXPIRED")
    assert (await client.post("/check-out", headers=by_bearer(old))).status_code == 204
    assert (await client.post("/check-out", headers=by_bearer(token(context)))).status_code == 204
    assert code(await client.post("/check-out", headers=by_bearer(old[:-3] + "abc"))) == (401, "TOKEN_INVALID")
    assert code(await client.post("/check-out")) == (401, "UNAUTHORIZED")
    sent = by_cookie(expired(settings, sid))
    assert code(await client.post("/check-out", headers=sent)) == (403, "XSRF")
    out = await client.post("/check-out", headers=sent | {XSRF_HEADER: xsrf_token(settings, sid)})
    assert (out.status_code, len(out.headers.get_list("set-cookie"))) == (204, 2)


# Set-Cookie


async def test_cookies_are_set_by_answers_and_by_refusals(client: httpx.AsyncClient) -> None:
    answer = await client.post("/check-in")
    assert answer.headers.get_list("set-cookie") == ["XSRF-TOKEN=t; Path=/; Max-Age=9; Secure; SameSite=Strict"]
    refused = await client.post("/check-in", json={"name": "taken"})
    assert code(refused) == (409, "TAKEN")
    assert [each.partition("=")[0] for each in refused.headers.get_list("set-cookie")] == [XSRF, ACCESS]


async def test_a_repeated_handler_sets_its_cookies_once(client: httpx.AsyncClient, hotel: Hotel) -> None:
    [cookie] = (await client.post("/collide")).headers.get_list("set-cookie")
    assert (cookie.partition(";")[0], hotel.tries) == ("XSRF-TOKEN=try-2", 2)


# No body


async def test_a_body_may_be_absent_where_the_handler_allows_it(client: httpx.AsyncClient) -> None:
    assert (await client.post("/check-in")).json() is None
    for length in ("0", "00"):
        assert (await client.post("/check-in", headers={"content-length": length})).json() is None
    assert (await client.request("POST", "/check-in", headers={"content-type": "text/plain"})).json() is None
    assert (await client.post("/check-in", json={"name": "red"})).json() == {"name": "red"}


async def test_a_present_body_is_validated(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"name":'
        yield b' "red"}'

    json = {"content-type": "application/json"}
    assert (await client.post("/check-in", content=chunks(), headers=json)).json() == {"name": "red"}
    assert code(await client.post("/check-in", json={"nam": "red"})) == (422, "VALIDATION_FAILED")
    assert code(await client.post("/check-in", json=None, content=b"null", headers=json)) == (422, "VALIDATION_FAILED")
    assert code(await client.post("/check-in", content=b"{", headers=json)) == (400, "MALFORMED_JSON")
    assert code(await client.post("/check-in", content=b"{}")) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_an_answer_may_be_empty_for_hidden_results(client: httpx.AsyncClient) -> None:
    hidden = await client.post("/ask", json={"name": "taken"})
    assert (hidden.status_code, hidden.json(), hidden.headers["cache-control"]) == (202, None, "no-store")
    told = await client.post("/ask", json={"name": "red"})
    assert (told.status_code, told.json()) == (201, {"name": "red"})


# Conditions (RFC 9110 §13)


async def test_an_unchanged_representation_is_not_sent_again(client: httpx.AsyncClient, context: Context) -> None:
    headers = by_bearer(token(context))
    first = await client.get("/room", headers=headers)
    tag = first.headers["etag"]
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get("/room", headers=headers | {"if-none-match": condition})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-length" not in again.headers
    for condition in ('"other"', "", tag.strip('"')):
        again = await client.get("/room", headers=headers | {"if-none-match": condition})
        assert (again.status_code, again.json()) == (200, {"name": "blue"})
    await client.patch("/room", json={"name": "red"})
    changed = await client.get("/room", headers=headers | {"if-none-match": tag})
    assert (changed.status_code, changed.json()) == (200, {"name": "red"})
    assert changed.headers["etag"] != tag


async def test_a_refused_caller_gets_no_tag(client: httpx.AsyncClient) -> None:
    refused = await client.get("/room", headers={"if-none-match": "*"})
    assert (refused.status_code, "etag" in refused.headers) == (401, False)


async def test_the_second_of_two_changes_is_refused(client: httpx.AsyncClient, hotel: Hotel) -> None:
    """C-98."""
    seen = (await client.patch("/room", json={"name": "blue"})).headers["etag"]
    first = await client.patch("/room", json={"name": "red"}, headers={"if-match": seen})
    assert (first.status_code, first.headers["etag"] != seen) == (200, True)
    second = await client.patch("/room", json={"name": "green"}, headers={"if-match": seen})
    assert code(second) == (412, "PRECONDITION_FAILED")
    assert hotel.room == Room("red")
    for condition in (first.headers["etag"], f"W/{first.headers['etag']}", f"{seen}, {first.headers['etag']}", "*"):
        again = await client.patch("/room", json={"name": "red"}, headers={"if-match": condition})
        assert (again.status_code, again.headers["etag"]) == (200, first.headers["etag"])
    assert (await client.patch("/room", json={"name": "green"})).status_code == 200, "without a condition"
