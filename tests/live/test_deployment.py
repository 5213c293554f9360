"""C-456: a process that ends with many open streams, whose clients all come back at once."""

import asyncio
import contextlib
from pathlib import Path

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.live.places import PER_NETWORK
from tests.live.conftest import MODULE, comment
from tests.live.following import Follower
from tests.wire import Web, serving


class Reader:
    """A client that comes back to the next process when its stream ends."""

    def __init__(self, *webs: Web) -> None:
        self._webs = webs
        self.numbers: list[int] = []
        self.reasons: list[str] = []
        self.connected = [asyncio.Event() for _ in webs]

    async def read(self, path: str, last: asyncio.Future[int]) -> None:
        position: dict[str, str] = {}
        for web, connected in zip(self._webs, self.connected, strict=True):
            async with contextlib.AsyncExitStack() as stack:
                follower = await stack.enter_async_context(Follower(web.port, path, **position))
                assert follower.status == 200
                connected.set()
                while not (last.done() and last.result() in self.numbers):
                    sent = await follower.next()
                    if sent is None:
                        break
                    if sent.name == "bye":
                        self.reasons.append(sent.data["reason"])
                    else:
                        self.numbers.append(sent.data["number"])
                position = {"last_event_id": follower.last}


async def test_no_event_is_lost_when_a_process_ends(
    newsroom: Web, newsroom_environment: dict[str, str], archive: Context, tmp_path: Path
) -> None:
    """Each client receives each event once, in order, while events are committed all the time."""
    id = uuid7()
    last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with serving(newsroom_environment, tmp_path, MODULE) as old:
        readers = [Reader(old, newsroom) for _ in range(PER_NETWORK)]
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            for reader in readers:
                group.create_task(reader.read(f"/news/{id}/live", last))
            await asyncio.gather(*(reader.connected[0].wait() for reader in readers))
            await comment(archive, id, 0)
            ending = group.create_task(asyncio.to_thread(old.stop))
            back = group.create_task(
                asyncio.wait([asyncio.ensure_future(each.connected[1].wait()) for each in readers])
            )
            number = 0
            while not (back.done() and ending.done()):
                number += 1
                await comment(archive, id, number)
            last.set_result(number + 1)  # before it is committed: a client that has it ends
            await comment(archive, id, number + 1)
        assert ending.result() == 0
        assert "timeout graceful shutdown exceeded" not in old.logged()
    for reader in readers:
        assert reader.reasons == ["restart"]
        assert reader.numbers == list(range(number + 2))
