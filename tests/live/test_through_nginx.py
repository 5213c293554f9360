"""C-294: streams and sockets behind nginx, which buffers answers and recognises sockets by their headers."""

from pathlib import Path

from websockets.asyncio.client import connect

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from tests.live.conftest import comment, sign_in
from tests.live.following import Follower
from tests.live.test_sockets import ask, begun
from tests.nginx import nginx
from tests.wire import Web


async def test_events_arrive_at_once(newsroom: Web, archive: Context, tmp_path: Path) -> None:
    id = uuid7()
    with nginx(newsroom.port, tmp_path) as port:
        async with Follower(port, f"/news/{id}/live") as follower:
            await follower.opened()
            await comment(archive, id, 1)
            assert await follower.numbers(1) == [1]
            await follower.beat()


async def test_a_socket_is_proxied(newsroom: Web, archive: Context, tmp_path: Path) -> None:
    token = await sign_in(newsroom, archive)
    with nginx(newsroom.port, tmp_path) as port:
        url = f"ws://localhost:{port}/api/news/{uuid7()}/socket"
        async with connect(url, proxy=None, additional_headers={"authorization": f"Bearer {token}"}) as socket:
            await begun(socket)
            assert (await ask(socket, {"number": 1}))["event"] == "reply"
