"""C-301, C-302: a real nginx as a shared cache in front of the application: stored answers, and their recipients."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.settings import Settings
from tests.kernel.test_caching import GAZETTE
from tests.kernel.test_routing import app_of
from tests.nginx import nginx
from tests.served import serve


@pytest.fixture
def cached(settings: Settings, context: Context, tmp_path: Path) -> Iterator[httpx.Client]:
    with (
        serve(app_of(settings, context, GAZETTE)) as web,
        nginx(web.port, tmp_path, caching=True) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api", headers={"host": "localhost:8000"}) as client,
    ):
        yield client


def bearer(context: Context, id: UUID) -> dict[str, str]:
    token = context.tokens.issue(sub=id, sid=uuid4(), jti=uuid4(), email="a@b.cd", name=None, roles=())
    return {"authorization": f"Bearer {token}"}


def hit(answer: httpx.Response) -> bool:
    assert answer.status_code < 400, answer.text
    return answer.headers["x-cache"] == "HIT"


def test_a_public_answer_is_stored_for_every_caller(cached: httpx.Client, context: Context) -> None:
    for path in ("/news", "/file"):
        assert not hit(cached.get(path))
        again = cached.get(path, headers=bearer(context, uuid4()))
        assert hit(again)
        assert [name for name in again.headers if "ratelimit" in name or name == "set-cookie"] == []


def test_each_language_and_each_origin_has_its_own_entry(cached: httpx.Client) -> None:
    german, english = {"accept-language": "de"}, {"accept-language": "en"}
    for _ in range(2):
        assert [cached.get("/front", headers=each).json() for each in (german, english)] == ["Zeitung", "newspaper"]
    assert hit(cached.get("/front", headers=german))
    ours = {"origin": "http://localhost:4200"}
    assert not hit(cached.get("/news", headers={"origin": "https://elsewhere.example"}))
    shown = cached.get("/news", headers=ours)
    assert shown.headers["access-control-allow-origin"] == ours["origin"]
    assert "access-control-allow-origin" not in cached.get("/news").headers


def test_no_caller_gets_the_answer_of_another(cached: httpx.Client, context: Context) -> None:
    people = [uuid4(), uuid4()]
    for path in ("/article", "/mine"):
        for id in people * 2:
            answer = cached.get(path, headers=bearer(context, id))
            assert (hit(answer), answer.json()) == (False, str(id))
    assert cached.get("/article").json() == "guest"
    assert cached.get("/mine").status_code == 401


def test_neither_errors_nor_cookies_are_stored(cached: httpx.Client) -> None:
    for _ in range(2):
        failed = cached.get("/fail")
        assert (failed.status_code, failed.headers.get("x-cache")) != (409, "HIT")
        assert cached.get("/greet").headers["set-cookie"].startswith("seen=1")
        assert not hit(cached.get("/greet"))
    planted = {"cookie": "__Host-access=a; __Host-access=b"}
    assert "clear-site-data" in cached.get("/news?again", headers=planted).headers
    plain = cached.get("/news?again")
    assert (hit(plain), "clear-site-data" in plain.headers) == (False, False)
    assert hit(cached.get("/news?again"))


def test_an_answer_with_no_cache_is_revalidated_each_time(cached: httpx.Client) -> None:
    assert [hit(cached.get("/current")) for _ in range(3)] == [False] * 3
