"""`cache=` on a route line: Cache-Control, Vary, and the answers that no cache may store."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.contract.openapi import document
from api.kernel.errors import conflict
from api.kernel.feature import Feature
from api.kernel.http.caching import CacheControl
from api.kernel.http.cookies import Cookies
from api.kernel.http.routing import Reply, Route, get, inputs_of, post
from api.kernel.identity.auth import Claims, Principal, anyone, holder, signed_in
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Rate, Settings
from tests.kernel.test_routing import app_of, problem

OUT = conflict("OUT_OF_PRINT", "It is out of print.")
PUBLIC = CacheControl(seconds=60, public=True, stale_while_revalidate=30)
PRIVATE = CacheControl(seconds=60)
ORIGIN = "http://localhost:4200"


async def list_news(context: Context) -> list[str]:
    """The news, the same for everyone."""
    return ["news"]


async def show_front(language: str) -> str:
    """The front page in the reader's language."""
    return {"de": "Zeitung"}.get(language, "newspaper")


async def show_article(principal: Principal | None) -> str:
    """An article, with the reader's mark."""
    return str(principal.id) if principal else "guest"


async def show_mine(principal: Principal) -> str:
    """The reader's own page."""
    return str(principal.id)


async def revalidate(language: str) -> str:
    """Always asked for again."""
    return "current"


async def show_plain() -> str:
    """Not stored."""
    return "now"


async def greet(cookies: Cookies) -> str:
    """Know the browser again."""
    cookies.set("seen", "1", 60)
    return "hello"


async def download() -> Reply:
    """A file."""
    return Reply(content=b"a,b", media_type="text/csv", headers={"content-disposition": "attachment"})


async def fail() -> None:
    """Refused."""
    raise OUT


async def authenticate(context: Context, claims: Claims) -> Principal:
    return Principal(id=claims.sub, sid=claims.sid, is_superuser=False, is_verified=True, roles=())


GAZETTE = Feature(
    name="gazette",
    routes=[
        get("/news", list_news, guard=anyone, cache=PUBLIC, etag=True),
        get("/front", show_front, guard=anyone, cache=PUBLIC),
        get("/article", show_article, guard=anyone, cache=PRIVATE),
        get("/mine", show_mine, guard=signed_in, cache=PRIVATE),
        get("/current", revalidate, guard=anyone, cache=CacheControl(seconds=0, public=True), etag=True),
        get("/greet", greet, guard=anyone, cache=PRIVATE),
        get("/file", download, guard=anyone, cache=PUBLIC),
        get("/fail", fail, guard=anyone, cache=PUBLIC, errors=(OUT,)),
        get("/plain", show_plain, guard=anyone),
    ],
    authenticate=authenticate,
)


@pytest.fixture
async def gazette(settings: Settings, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    limited = msgspec.structs.replace(settings, rate_limit_anonymous=Rate(500, 3600))
    context = msgspec.structs.replace(context, limiter=Limiter(limited, context.cache))
    transport = httpx.ASGITransport(app_of(limited, context, GAZETTE), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
        yield client


def varies(answer: httpx.Response) -> set[str]:
    return {name.strip() for name in answer.headers["vary"].split(",")}


@pytest.mark.parametrize("origin", [None, ORIGIN, "https://elsewhere.example"])
@pytest.mark.parametrize(
    ("path", "control", "vary"),
    [
        ("/news", "public, max-age=60, stale-while-revalidate=30", set()),
        ("/front", "public, max-age=60, stale-while-revalidate=30", {"Accept-Language"}),
        ("/article", "private, max-age=60", {"Authorization", "Cookie"}),
        ("/mine", "private, max-age=60", {"Authorization", "Cookie"}),
        ("/current", "public, no-cache", {"Accept-Language"}),
        ("/file", "public, max-age=60, stale-while-revalidate=30", set()),
        ("/plain", "no-store", set()),
    ],
)
async def test_an_answer_declares_its_caching_and_vary(
    gazette: httpx.AsyncClient, bearer: dict[str, str], path: str, control: str, vary: set[str], origin: str | None
) -> None:
    """C-301: private unless the route declares otherwise. CORS headers differ by origin, so every answer varies by
    it."""
    headers = bearer | ({"origin": origin} if origin else {})
    answer = await gazette.get(path, headers=headers)
    assert answer.status_code == 200
    assert answer.headers.get_list("cache-control") == [control]
    assert varies(answer) == vary | {"Origin"}
    assert len(answer.headers.get_list("vary")) == 1, "nginx before 1.23 reads one line only"


async def test_a_public_answer_has_no_data_of_the_caller(gazette: httpx.AsyncClient, bearer: dict[str, str]) -> None:
    """C-301: a cache would show others this caller's remaining limit."""
    private, public = await gazette.get("/article"), await gazette.get("/news", headers=bearer)
    assert [name for name in public.headers if "ratelimit" in name] == []
    assert [name for name in private.headers if "ratelimit" in name] != []


async def test_an_answer_in_the_readers_language_varies_by_it(gazette: httpx.AsyncClient) -> None:
    answers = [await gazette.get("/front", headers={"accept-language": each}) for each in ("de-CH, en;q=0.5", "en")]
    assert [answer.json() for answer in answers] == ["Zeitung", "newspaper"]
    assert all("Accept-Language" in varies(answer) for answer in answers)


async def test_a_revalidated_answer_is_a_304_with_the_same_fields(gazette: httpx.AsyncClient) -> None:
    """RFC 9110 §15.4.5."""
    for path in ("/news", "/current"):
        first = await gazette.get(path)
        again = await gazette.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert again.headers[name] == first.headers[name]


async def test_no_error_is_stored(gazette: httpx.AsyncClient) -> None:
    """C-301."""
    problem(await gazette.get("/fail"), 409, "OUT_OF_PRINT")
    problem(await gazette.post("/news"), 405, "METHOD_NOT_ALLOWED")
    problem(await gazette.get("/mine"), 401, "UNAUTHORIZED")


async def test_no_answer_with_cookies_is_stored(gazette: httpx.AsyncClient) -> None:
    """C-302."""
    answer = await gazette.get("/greet")
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert answer.headers["set-cookie"].startswith("seen=1")


@pytest.mark.parametrize("path", ["/news", "/file"])
async def test_no_answer_that_clears_cookies_is_stored(gazette: httpx.AsyncClient, path: str) -> None:
    """C-302: a request with a planted second cookie would otherwise sign out every user behind a shared cache."""
    twice = await gazette.get(path, headers={"cookie": "__Host-access=a; __Host-access=b"})
    assert twice.headers["clear-site-data"] == '"cookies"'
    assert twice.headers.get_list("cache-control") == ["no-store"]
    assert (await gazette.get(path)).headers["cache-control"].startswith("public")


async def change() -> None: ...
async def renewed(principal: Principal, renew: Any) -> None: ...
async def by_cookie(cookies: Cookies) -> None: ...
async def by_claims(claims: Claims) -> None: ...


@pytest.mark.parametrize(
    ("route", "told"),
    [
        (post("/x", change, guard=anyone, cache=PRIVATE), r"change \(POST /x\): cache is for GET"),
        (get("/x", change, guard=signed_in, cache=PUBLIC), r"depends on the caller: it has a guard that requires"),
        (get("/x", by_claims, guard=holder, cache=PUBLIC), r"depends on the caller: it has a guard that requires"),
        (get("/x", show_article, guard=anyone, cache=PUBLIC), r"depends on the caller: it has `principal`"),
        (get("/x", by_cookie, guard=anyone, cache=PUBLIC), r"depends on the caller: it has `cookies`"),
        (get("/x", renewed, guard=signed_in, cache=PRIVATE), r"cache cannot store new tokens"),
        (get("/x", change, guard=anyone, cache=CacheControl(seconds=-1)), r"seconds of 0 or more"),
        (get("/x", change, guard=anyone, cache=CacheControl(seconds=0)), r"needs etag=True"),
    ],
)
def test_an_invalid_cache_is_refused_at_start(route: Route, told: str) -> None:
    """C-301."""
    with pytest.raises(TypeError, match=told):
        inputs_of(route)


def test_the_document_has_caching_and_vary() -> None:
    paths = json.loads(document([GAZETTE]))["paths"]
    shown = paths["/front"]["get"]
    headers = shown["responses"]["200"]["headers"]
    assert {name: told["schema"]["examples"] for name, told in headers.items()} == {
        "Cache-Control": ["public, max-age=60, stale-while-revalidate=30"],
        "Vary": ["Accept-Language"],
    }
    assert [(one["name"], one["in"], one["required"]) for one in shown["parameters"]] == [
        ("Accept-Language", "header", False)
    ]
    assert "headers" not in paths["/plain"]["get"]["responses"]["200"]
    assert paths["/article"]["get"]["security"] == [{}, {"bearer": []}, {"cookie": []}]
    codes = paths["/article"]["get"]["responses"]["401"]["content"]["application/problem+json"]["examples"].keys()
    assert codes == {"UNAUTHORIZED", "TOKEN_INVALID", "TOKEN_EXPIRED"}
