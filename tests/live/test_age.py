"""C-352: a connection has a greatest age. Its client comes back and misses nothing."""

import asyncio
from pathlib import Path
from uuid import UUID

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.http.sse import LINES
from api.kernel.live.clients import EARLIER, LONGEST_SECONDS, Client
from tests.live.conftest import MODULE, comment
from tests.live.following import Follower
from tests.live.test_sockets import code, opening
from tests.wire import Web, serving

ENDS = 3


class Reader:
    """A client that comes back whenever its stream ends."""

    def __init__(self, web: Web, article: UUID) -> None:
        self._web, self._path = web, f"/news/{article}/live"
        self.begun = asyncio.Event()
        self.reasons: list[str] = []
        self.numbers: list[int] = []

    async def read(self, last_number: asyncio.Future[int]) -> None:
        position: dict[str, str] = {}
        while not last_number.done() or last_number.result() not in self.numbers:
            async with Follower(self._web.port, self._path, **position) as follower:
                assert follower.status == 200
                self.begun.set()
                while sent := await follower.next():
                    if sent.name == "bye":
                        self.reasons.append(sent.data["reason"])
                    else:
                        self.numbers.append(sent.data["number"])
                position = {"last_event_id": follower.last}


async def test_a_stream_that_is_old_ends_and_its_client_resumes(
    newsroom_environment: dict[str, str], archive: Context, tmp_path: Path
) -> None:
    """Anonymous ones as well, which no token ends."""
    id = uuid7()
    last_number: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with serving(newsroom_environment | {"LONGEST_SECONDS": "1"}, tmp_path, MODULE) as web:
        readers = [Reader(web, id) for _ in range(4)]
        reading = [asyncio.create_task(reader.read(last_number)) for reader in readers]
        async with asyncio.timeout(60):
            await asyncio.gather(*(reader.begun.wait() for reader in readers))
            number = 0
            while not all(len(reader.reasons) >= ENDS for reader in readers):
                number += 1
                await comment(archive, id, number)
            last_number.set_result(number)
            await asyncio.gather(*reading)
        async with opening(web, "/news/knock") as socket:
            assert await code(socket) == 1001
    for reader in readers:
        assert set(reader.reasons) == {"age"}
        assert reader.numbers == list(range(reader.numbers[0], number + 1)), "once each, in order"


def test_clients_that_came_together_do_not_leave_together() -> None:
    ages = [Client(None, LINES).oldest for _ in range(1000)]
    assert LONGEST_SECONDS * EARLIER * 0.5 < max(ages) - min(ages) <= LONGEST_SECONDS * EARLIER + 60
