"""C-252: the effects of each service's absence on answers, mails, events, consumers and the status, and the recovery:
the table of docs/operations.md, cell by cell."""

import asyncio
import contextlib
import re
import signal
from collections.abc import AsyncIterator

import msgspec
import pytest

from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from tests.conftest import clone
from tests.deploy import manual
from tests.deploy.world import SECONDS, Names, World
from tests.faults.rig import connected
from tests.processes import MailServer, Processes


class Cells(msgspec.Struct, frozen=True):
    """The expected state while a service is absent: the answers to registering and `ready`, and whether `/health/full`
    is ok and an earlier mail, event and message are delivered."""

    register: int = 201
    ready: int = 200
    status: str = "degraded"
    mails: bool = False
    events: bool = False
    consumers: bool = False


ABSENT = {
    "PostgreSQL": Cells(register=503, ready=503),
    "Redis": Cells(events=True, consumers=True),
    "Kafka": Cells(mails=True),
    "SMTP": Cells(status="ok", events=True, consumers=True),
    "worker": Cells(),
    "standard output": Cells(status="ok", mails=True, events=True, consumers=True),
    "OTLP collector": Cells(status="ok", mails=True, events=True, consumers=True),
    "DNS": Cells(register=503, ready=503),
}


@pytest.fixture(scope="module")
async def world(
    environment: dict[str, str], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("absence")
    async with contextlib.AsyncExitStack() as stack:
        mails = await stack.enter_async_context(MailServer())
        made = World(await stack.enter_async_context(clone(settings)), mails, Names(folder))
        await made.connect(stack)
        own = environment | made.environment()
        processes = stack.enter_context(Processes(own, folder, made.names.privileges, patient=False))
        client = await stack.enter_async_context(processes.web())
        await made.start(processes, client)
        await made.command("first@example.com")
        async with connected(made.settings.database_url) as connection, asyncio.timeout(SECONDS):
            while not await connection.fetchval("select count(*) from inbox"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        yield made


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", ABSENT)
async def test_an_absent_service_has_the_documented_effects_and_recovers(part: str, world: World) -> None:
    if part == "DNS" and not world.names.can_go:
        pytest.skip("needs to be root, to have names of its own")
    expected, email = ABSENT[part], f"{uuid7().hex}@example.com"
    world.worker.child.send_signal(signal.SIGSTOP)  # so that work is pending when the service stops
    assert await world.register(email) == 201
    await world.command(f"c-{email}")
    await world.take_away(part)
    if part != "worker":
        world.worker.child.send_signal(signal.SIGCONT)
    try:
        assert await world.register(f"during-{email}") == expected.register
        assert (await world.client.get("/api/health/live")).status_code == 200
        wanted = expected.mails, expected.events, expected.consumers
        await world.until_delivered(email, wanted)
        await world.until(ready=expected.ready, full=expected.status)
        assert await world.shown() == (expected.status != "ok")
        assert await world.delivered(email) == wanted
    finally:
        await world.give_back(part)
    await world.until(ready=200, full="ok")
    await world.until_delivered(email, (True, True, True))
    if expected.register == 201:
        await world.until_delivered(f"during-{email}", (True, True, False))
    assert await world.register(f"after-{email}") == 201


def rows() -> dict[str, list[str]]:
    section = manual.OPERATIONS.read_text().partition("## When something is absent\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", section, re.M)]
    return {row[0]: row[1:] for row in cells[2:]}


def test_each_cell_of_the_table_names_its_test() -> None:
    table = rows()
    assert table.keys() >= ABSENT.keys()
    references = dict(re.findall(r"^- \[(\d+)\]\s+(.*(?:\n  .*)*)", manual.OPERATIONS.read_text(), re.MULTILINE))
    for part, cells in table.items():
        assert len(cells) == 6
        for cell in cells:
            assert re.search(r"\[\d+\]", cell), f"{part}: {cell}"
            assert set(re.findall(r"\[(\d+)\]", cell)) <= references.keys()
        assert part not in ABSENT or all("[1]" in cell for cell in cells), part
    for text in references.values():
        found = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
        assert found, text
        for file, test in found:
            assert f"def {test}(" in (manual.ROOT / "tests" / file).read_text(), f"{file}::{test}"
