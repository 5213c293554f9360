"""C-295: the end of a stream: by its token, its session, its process, or a client that does not read."""

import asyncio
import contextlib
import time
from pathlib import Path
from uuid import UUID

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.identity.auth import ACCESS_SECONDS, LEEWAY_SECONDS, Tokens
from api.kernel.live.places import PER_ACCOUNT, PER_NETWORK, PER_SESSION
from tests.factories import PASSWORD, make_user
from tests.live.conftest import MODULE, client_of, comment, left, sign_in, sign_out
from tests.live.following import Follower, Sent
from tests.wire import Web, serving


def reason(sent: list[Sent]) -> str:
    """Return the reason for which a stream ended."""
    assert [each.name for each in sent][-1:] == ["bye"], sent
    return str(sent[-1].data["reason"])


async def test_a_stream_ends_with_its_session(newsroom: Web, archive: Context) -> None:
    """At the next heartbeat; a new stream is refused."""
    token = await sign_in(newsroom, archive)
    async with Follower(newsroom.port, "/news/live", authorization=f"Bearer {token}") as follower:
        await follower.opened()
        await sign_out(newsroom, token)
        assert reason(await follower.rest()) == "signed_out"
    async with Follower(newsroom.port, "/news/live", authorization=f"Bearer {token}") as again:
        assert again.status == 401


async def test_a_stream_ends_with_its_token(newsroom: Web, archive: Context) -> None:
    """Not earlier: an expired token may be refreshed, and the stream resumed."""
    token = await sign_in(newsroom, archive)
    claims = archive.tokens.verify(token)
    begun = time.time() - ACCESS_SECONDS - LEEWAY_SECONDS + 5
    late = Tokens(archive.settings, lambda: begun)
    token = late.issue(sub=claims.sub, sid=claims.sid, jti=claims.sid, email=claims.email, name=None, roles=())
    async with Follower(newsroom.port, "/news/live", authorization=f"Bearer {token}") as follower:
        await follower.opened()
        assert reason(await follower.rest()) == "expired"
        assert time.time() >= begun + ACCESS_SECONDS + LEEWAY_SECONDS - 1


async def test_a_stream_needs_a_valid_token(newsroom: Web) -> None:
    for headers in ({}, {"authorization": "Bearer nothing"}, {"cookie": "__Host-access=nothing"}):
        async with Follower(newsroom.port, "/news/live", **headers) as follower:
            assert follower.status == 401
    async with Follower(newsroom.port, "/news/live?access_token=nothing") as follower:
        assert follower.status == 401


async def test_a_page_of_an_allowed_origin_follows_with_its_cookie(newsroom: Web, archive: Context) -> None:
    """An EventSource sends no headers of its own; CORS decides which origins may read it."""
    cookie = f"__Host-access={await sign_in(newsroom, archive)}"
    for origin, allowed in (("http://localhost:4200", "http://localhost:4200"), ("https://evil.example", None)):
        async with Follower(newsroom.port, "/news/live", cookie=cookie, origin=origin) as follower:
            assert follower.status == 200
            assert follower.headers.get("access-control-allow-origin") == allowed


async def test_the_oldest_streams_of_a_caller_make_room(newsroom: Web, archive: Context) -> None:
    """C-296: a browser that reconnects does not wait for connections that it has lost. Clients that know only `retry`
    come back after minutes, since each would end another one."""
    person = await make_user(archive)
    async with client_of(newsroom) as client, contextlib.AsyncExitStack() as stack:

        async def open_stream(token: str) -> Follower:
            follower = Follower(newsroom.port, "/news/live", authorization=f"Bearer {token}")
            assert (await stack.enter_async_context(follower)).status == 200
            return await follower.opened()

        async def new_session() -> str:
            pair = await client.post("/auth/jwt/login", data={"username": person.email, "password": PASSWORD})
            return str(pair.json()["access_token"])

        token = await new_session()
        mine = [await open_stream(token) for _ in range(PER_SESSION + 1)]
        assert reason(await mine[0].rest()) == "too_many"
        assert mine[0].retry >= 60_000
        others: list[Follower] = []
        while len(mine) - 1 + len(others) <= PER_ACCOUNT:
            token = await new_session()
            others += [await open_stream(token) for _ in range(PER_SESSION)]
        many = len(mine) - 1 + len(others) - PER_ACCOUNT
        for follower in mine[1 : 1 + many]:
            assert reason(await follower.rest()) == "too_many"
        id = uuid7()
        await comment(archive, id, 1)
        for follower in (*mine[1 + many :], *others):
            assert await follower.numbers(1) == [1]


async def test_streams_of_a_network_are_refused(newsroom: Web) -> None:
    """C-296: the oldest ones may be those of strangers."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(PER_NETWORK):
            follower = Follower(newsroom.port, f"/news/{uuid7()}/live")
            assert (await stack.enter_async_context(follower)).status == 200
        async with Follower(newsroom.port, f"/news/{uuid7()}/live") as refused:
            assert refused.status == 429


async def test_a_stopping_process_sends_its_clients_to_another(
    newsroom: Web, newsroom_environment: dict[str, str], archive: Context, tmp_path: Path
) -> None:
    """C-297: at once, with different delays, and no event is missed."""
    id = uuid7()
    path = f"/news/{id}/live"
    async with contextlib.AsyncExitStack() as stack:
        web = stack.enter_context(serving(newsroom_environment, tmp_path, MODULE))
        followers = [await stack.enter_async_context(Follower(web.port, path)) for _ in range(30)]
        await asyncio.gather(*(follower.opened() for follower in followers))
        ending = asyncio.create_task(asyncio.to_thread(web.stop))
        for sent in await asyncio.gather(*(follower.rest() for follower in followers)):
            assert reason(sent) == "restart"
        assert await ending == 0
        assert "timeout graceful shutdown exceeded" not in web.logged(), "the process does not wait for its streams"
        assert "Traceback" not in web.logged()
    assert len({follower.retry for follower in followers}) > 10
    assert all(1000 <= follower.retry <= 10_000 for follower in followers)
    await comment(archive, id, 1)
    async with Follower(newsroom.port, path, last_event_id=followers[0].last) as again:
        assert await again.numbers(1) == [1]


async def fill(archive: Context, article: UUID, many: int) -> None:
    await comment(archive, article, *range(many), text="x" * 50_000)


async def test_a_client_that_does_not_read_delays_no_other(
    newsroom_environment: dict[str, str], archive: Context, tmp_path: Path
) -> None:
    """C-298, C-458: its stream ends, costs little memory (all that 20 of them do not read is 200 MB), and it gets the
    rest after reconnecting (F-28)."""
    id = uuid7()
    path = f"/news/{id}/live"
    short = newsroom_environment | {"SLOW_SECONDS": "5", "WRITE_SECONDS": "5"}
    async with contextlib.AsyncExitStack() as stack:
        web = stack.enter_context(serving(short, tmp_path, MODULE))
        async with Follower(web.port, path) as reader:
            await reader.opened()
            deaf = [await stack.enter_async_context(Follower(web.port, path)) for _ in range(20)]
            for each in deaf:
                await each.opened()
                each.writer.transport.pause_reading()  # type: ignore[attr-defined]
            memory = web.memory()
            many = 200
            await asyncio.gather(fill(archive, id, many), seen := asyncio.create_task(reader.numbers(many)))
            assert seen.result() == list(range(many))
            assert web.memory() - memory < 20 * 2**20, "the unread events are stored for each client"
            await left(web, 1)
            for each in deaf:
                each.writer.transport.resume_reading()  # type: ignore[attr-defined]
            for each in deaf:
                got = [sent.data["number"] for sent in await each.rest() if sent.name != "bye"]
                assert got == list(range(len(got)))
                assert len(got) < many
        async with Follower(web.port, path, last_event_id=deaf[-1].last) as again:
            assert await again.numbers(many - len(got)) == list(range(len(got), many))
        assert web.stop() == 0
