"""The log level at run time: followed by all processes, for a time, and without secrets."""

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import api.operations.levels
from api.kernel.context import Context
from api.kernel.settings import Settings
from api.operations.levels import Levels, follow_log_levels, loggers
from api.operations.types import EffectiveLevel
from tests.factories import make_user
from tests.processes import MailServer, Processes
from tests.sessions.signing import bearer, login
from tests.test_canary import ADA, MARKS, Life, leaks
from tests.worker.jobs import soon

pytestmark = pytest.mark.case(441)
LEVEL = "/api/operations/log-level"
LIBRARIES = ("httpx", "httpcore", "asyncpg", "aiokafka", "arq", "aiosmtplib", "redis", "uvicorn")
SET, RESET = '"set_to": "DEBUG"', '"set_to": null'


async def written(log: Path, text: str) -> None:
    """Wait until another process has written a text to its log."""
    await soon(lambda: text in log.read_text())


async def change(client: httpx.AsyncClient, **body: object) -> httpx.Response:
    return await client.patch(LEVEL, json=body)


async def test_all_processes_follow_and_return(
    environment: dict[str, str], cloned: Settings, live: Context, tmp_path: Path
) -> None:
    """Also without Redis: PostgreSQL stores the level."""
    root = await make_user(live, "root@example.com", superuser=True)
    own = {"DATABASE_URL": cloned.database_url, "REDIS_URL": "redis://127.0.0.1:1"}
    with Processes(environment | own, tmp_path) as processes:
        worker = await processes.worker()
        async with processes.web() as client:
            client.headers.update(bearer((await login(client, root.email)).json()))
            both = (tmp_path / "api.log", worker.log)
            assert all('"level": "DEBUG"' not in each.read_text() for each in both)
            answer = (await change(client, level="DEBUG", minutes=10)).json()
            assert [(each["logger"], each["level"]) for each in answer["changes"]] == [(None, "DEBUG")]
            assert answer["changes"][0]["changed_by_email"] == "root@example.com"
            for each in both:
                await written(each, SET)
                await written(each, '"message": "statement"')
            assert (await change(client, level=None)).json()["changes"] == []
            for each in both:
                await written(each, RESET)
            await change(client, level="DEBUG", logger="api.kernel.data")
            for each in both:
                await written(each, '"name": "api.kernel.data", "set_to": "DEBUG"')
            await live.db.fetch("update operation_log_levels set until = now()")
            for each in both:
                await written(each, '"name": "api.kernel.data", "set_to": null')
        assert await audited(live) == ["DEBUG", "DEBUG", None]


async def audited(live: Context) -> list[str | None]:
    rows = await live.db.fetch(
        "select data ->> 'level' from audit_entries where type = 'operations.log_level_changed'"
        " and principal_id is not null order by data ->> 'level'"
    )
    return [row[0] for row in rows]


@pytest.mark.case(442)
async def test_no_secret_is_written_at_debug(
    environment: dict[str, str],
    cloned: Settings,
    live: Context,
    mail_server: MailServer,
    tmp_path: Path,
) -> None:
    root = await make_user(live, "root@example.com", superuser=True)
    own = {"DATABASE_URL": cloned.database_url, "KAFKA_PREFIX": cloned.kafka.prefix, "SMTP_URL": mail_server.url}
    with Processes(environment | own, tmp_path) as processes:
        worker = await processes.worker()
        async with processes.web() as client:
            headers = bearer((await login(client, root.email)).json())
            assert (await client.patch(LEVEL, json={"level": "DEBUG"}, headers=headers)).status_code == 200
            await worker.said(SET)
            await written(tmp_path / "api.log", SET)
            client.headers.update({"cookie": f"session={MARKS['cookie']}", "x-canary": MARKS["header"]})
            life = Life(client, mail_server)
            life.keep("the superuser's token", headers["authorization"].removeprefix("Bearer "))
            await life.begin()
            await life.lead_in_a_browser()
        await worker.stop()
    logs = {"web's log": (tmp_path / "api.log").read_text(), "worker's log": worker.log.read_text()}
    assert '"message": "task ended"' in logs["worker's log"]
    assert all('"message": "statement"' in log for log in logs.values())
    assert not any(f'"logger": "{name}' in log for name in LIBRARIES for log in logs.values() if '"DEBUG"' in log)
    assert leaks(MARKS | life.secrets | {"address": ADA}, logs) == []


@pytest.fixture
def levels() -> Iterator[Levels]:
    made = Levels()
    yield made
    made.apply([])


@pytest.mark.case(442)
def test_loggers_of_libraries_keep_their_level(levels: Levels) -> None:
    before = {name: logging.getLogger(name).getEffectiveLevel() for name in ("", *LIBRARIES)}
    levels.apply([EffectiveLevel("", "DEBUG", 60)])
    assert {name: logging.getLogger(name).getEffectiveLevel() for name in ("", *LIBRARIES)} == before
    assert logging.getLogger("api.users.tasks").getEffectiveLevel() == logging.DEBUG
    assert logging.getLogger("worker.relay").getEffectiveLevel() == logging.DEBUG


def test_a_logger_of_its_own_precedes_all(levels: Levels) -> None:
    levels.apply([EffectiveLevel("api.users", "ERROR", 60), EffectiveLevel("", "DEBUG", 60)])
    assert logging.getLogger("api.users.tasks").getEffectiveLevel() == logging.ERROR
    assert logging.getLogger("api.sessions").getEffectiveLevel() == logging.DEBUG
    levels.apply([EffectiveLevel("", "DEBUG", 60)])
    assert logging.getLogger("api.users.tasks").getEffectiveLevel() == logging.DEBUG


async def test_a_level_ends_although_postgresql_is_down(nowhere_context: Context) -> None:
    api.operations.levels._levels.apply([EffectiveLevel("api.users", "DEBUG", 0.0)])
    assert logging.getLogger("api.users").level == logging.DEBUG
    assert await follow_log_levels(nowhere_context) == 0
    assert logging.getLogger("api.users").level == logging.NOTSET


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *(({"level": "DEBUG", "logger": name}, 400) for name in (*LIBRARIES, "", "root", "api.nothing", "api.users\n")),
        ({"level": "DEBUG", "logger": "a" * 101}, 422),
        ({"level": "DEBUG", "logger": "\x00"}, 422),
        ({"level": "TRACE"}, 422),
        ({"minutes": 5}, 422),
        ({"level": "DEBUG", "minutes": 0}, 422),
        ({"level": "DEBUG", "minutes": 241}, 422),
        ({"level": "DEBUG", "minutes": 2**63}, 422),
        ({"level": "DEBUG", "until": "2027-01-01"}, 422),
    ],
)
@pytest.mark.case(442)
async def test_other_changes_are_refused(operator: httpx.AsyncClient, body: dict[str, object], status: int) -> None:
    assert (await change(operator, **body)).status_code == status
    assert (await operator.get(LEVEL)).json()["changes"] == []


async def test_each_package_of_the_application_can_be_changed(operator: httpx.AsyncClient) -> None:
    assert {"api", "worker", "api.access", "api.users", "api.kernel.data"} <= set(loggers())
    assert (await operator.get(LEVEL)).json()["loggers"] == list(loggers())
    for name in loggers():
        assert (await change(operator, level="INFO", logger=name)).status_code == 200
    assert len((await operator.get(LEVEL)).json()["changes"]) == len(loggers())
