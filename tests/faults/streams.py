"""An experiment with a client that follows its account's events."""

import asyncio
import contextlib

import httpx

from tests.faults.clients import open_account
from tests.faults.rig import Rig
from tests.live.following import Follower

POSITIONS = """select live.position from outbox_live as live join users on users.id = live.person_id
                where users.email = $1 and live.type = 'users.updated' order by live.position"""
SECONDS = 60.0
SOME = 5
"""Acknowledged changes between two faults."""


class Following:
    """Reads the stream, and connects again whenever it ends."""

    def __init__(self, rig: Rig, token: str) -> None:
        self._port, self._headers = int(rig.environment["PORT"]), {"authorization": token}
        self.positions: list[int] = []
        self.others: set[str] = set()
        self.ends = 0
        self.begun = asyncio.Event()

    async def read(self) -> None:
        while True:
            with contextlib.suppress(OSError, EOFError, IndexError, ValueError, TimeoutError):  # the server is away
                await self._read_once()
            self.ends += 1
            await asyncio.sleep(0.1)

    async def _read_once(self) -> None:
        async with Follower(self._port, "/events", **self._headers) as follower:
            if follower.status != 200:
                return
            try:
                self.begun.set()
                while sent := await follower.next():
                    if sent.name == "users.updated":
                        self.positions.append(sent.position)
                    else:
                        self.others.add(sent.name)
            finally:
                if follower.last:
                    self._headers["last_event_id"] = follower.last


async def follow_events(rig: Rig) -> int:
    """Change an account's name and follow it, while the web process is killed, its connections to PostgreSQL are reset,
    and PostgreSQL crashes. Each change arrives once, in order, and without a `resync`."""
    account, headers = await open_account(rig)
    following, stopping = Following(rig, headers["Authorization"]), asyncio.Event()

    def acknowledged() -> int:
        return sum(outcome == "acked" for _, outcome in account.names)

    async def change() -> None:
        async with httpx.AsyncClient(base_url=rig.url, trust_env=False, timeout=20) as client:
            while not stopping.is_set():
                name, outcome = f"Name {len(account.names)}", "unknown"
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.patch("/api/users/me", json={"name": name}, headers=headers)
                    outcome = "acked" if answer.is_success else "unknown"
                account.names.append((name, outcome))
                await asyncio.sleep(0.05)

    async def more_changes() -> None:
        wanted = acknowledged() + SOME
        async with asyncio.timeout(SECONDS):
            while acknowledged() < wanted:  # noqa: ASYNC110  # the outcomes of calls
                await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(following.read())
        await asyncio.wait_for(following.begun.wait(), SECONDS)
        changing = group.create_task(change())
        for harm in (rig.web.kill, rig.postgresql.cut, rig.end_database):
            await more_changes()
            harm()
        await rig.begin_database()
        await more_changes()
        stopping.set()
        await changing
        expected = await positions(rig, account.email)
        async with asyncio.timeout(SECONDS):
            while len(following.positions) < len(expected):  # events of another process
                await asyncio.sleep(0.2)
                expected = await positions(rig, account.email)
        reading.cancel()
    assert following.positions == expected, "an event is missing, repeated or out of order"
    assert len(expected) >= acknowledged()
    assert following.ends, "the stream was never interrupted"
    assert "resync" not in following.others
    return 3


async def positions(rig: Rig, email: str) -> list[int]:
    """Return the positions of all changes of the account."""
    return [row["position"] for row in await rig.rows(POSITIONS, email)]
