"""Tasks that wait or run, schedules, and sweeps."""

import asyncio
import datetime
from uuid import uuid4

import httpx
import pytest
from arq.connections import ArqRedis

from api.kernel import Sweep
from api.kernel.context import Context
from api.kernel.outbox.tasks import LEASE_SECONDS
from api.kernel.settings import Settings
from tests.worker.jobs import Gate, add_tasks, postpone, until, working
from worker import queries
from worker.kafka import Publisher
from worker.main import open_queue
from worker.relay import Relay

TASKS = "/api/operations/tasks"


async def listed(client: httpx.AsyncClient, **parameters: object) -> list[dict[str, object]]:
    answer = await client.get(TASKS, params=parameters)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["items"]
    return found


@pytest.mark.case(445)
async def test_tasks_are_listed_by_state_without_their_values(operator: httpx.AsyncClient, live: Context) -> None:
    due, again, later, dead = await add_tasks(live.db, "users.send_reset", count=4)
    [running] = await add_tasks(live.db, "worker.wait_at_gate")
    await postpone(live, again)
    await live.db.fetch("update outbox_tasks set available_at = now() + interval '1 day' where id = $1", later)
    await live.db.fetch("update outbox_tasks set dead_at = now() where id = $1", dead)
    await live.db.fetch('update outbox_tasks set data = \'{"email": "ada@example.com"}\'')
    await queries.lease_tasks(live.db, ["worker.wait_at_gate"], 1, LEASE_SECONDS)
    states = {each["id"]: each["state"] for each in await listed(operator)}
    wanted = {str(due): "pending", str(again): "retrying", str(later): "later", str(running): "running"}
    assert states == wanted
    for id, state in wanted.items():
        assert [each["id"] for each in await listed(operator, state=state)] == [id]
    answer = await operator.get(TASKS, params={"name": "users.send_reset", "limit": 1})
    assert (answer.json()["total"], answer.json()["items"][0]["id"]) == (3, str(due))
    await live.db.fetch("delete from outbox_tasks where id = $1", due)
    following = await listed(operator, name="users.send_reset", cursor=answer.json()["next_cursor"])
    assert [each["id"] for each in following] == [str(again), str(later)]
    counts = {each["name"]: each for each in (await operator.get(f"{TASKS}/counts")).json()["items"]}
    assert {key: counts["users.send_reset"][key] for key in ("pending", "retrying", "later", "dead")} == {
        "pending": 0,
        "retrying": 1,
        "later": 1,
        "dead": 1,
    }
    assert counts["worker.wait_at_gate"]["running"] == 1
    assert "ada@example.com" not in (await operator.get(TASKS)).text


@pytest.mark.case(445)
async def test_a_task_that_waits_after_a_failure_runs_now(operator: httpx.AsyncClient, live: Context) -> None:
    waiting, due, later = await add_tasks(live.db, count=3)
    await postpone(live, waiting)
    await live.db.fetch("update outbox_tasks set available_at = now() + interval '1 day' where id = $1", later)
    for id in (due, later):
        answer = await operator.post(f"{TASKS}/{id}/retry")
        assert (answer.status_code, answer.json()["code"]) == (409, "TASK_NOT_WAITING")
    assert (await operator.post(f"{TASKS}/{waiting}/retry")).status_code == 204
    assert {each["id"] for each in await listed(operator, state="pending")} == {str(waiting), str(due)}
    assert (await operator.post(f"{TASKS}/{uuid4()}/retry")).status_code == 404


@pytest.mark.case(445)
async def test_a_cancelled_task_is_a_dead_letter_that_can_be_retried(
    operator: httpx.AsyncClient, live: Context
) -> None:
    [id] = await add_tasks(live.db)
    answers = await asyncio.gather(*(operator.post(f"{TASKS}/{id}/cancel") for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [204, 404, 404, 404, 404]
    [letter] = (await operator.get("/api/operations/dead-letters")).json()["items"]
    assert (letter["id"], letter["reason"]) == (str(id), "cancelled by an operator")
    assert (await operator.post(f"/api/operations/dead-letters/{id}/retry")).status_code == 204
    assert [each["state"] for each in await listed(operator)] == ["pending"]
    [entry] = await live.db.fetch("select count(*) from audit_entries where type = 'operations.task_cancelled'")
    assert entry[0] == 1


@pytest.mark.case(445)
async def test_a_running_task_is_left_alone(
    operator: httpx.AsyncClient, live: Context, cloned: Settings, queue: ArqRedis
) -> None:
    gate = Gate()
    [id] = await add_tasks(live.db)
    async with working(live, queue, [gate.task]):
        await gate.begun.wait()
        for verb in ("retry", "cancel"):
            answer = await operator.post(f"{TASKS}/{id}/{verb}")
            assert (answer.status_code, answer.json()["code"]) == (409, "TASK_RUNNING")
        gate.open.set()
        await until(live.db, "select not exists (select from outbox_tasks where task = 'worker.wait_at_gate')")
    assert gate.ended == 1


@pytest.fixture
async def queue(cloned: Settings) -> object:
    async with open_queue(cloned) as opened:
        yield opened


@pytest.mark.case(446)
async def test_sweeps_show_their_last_run_and_failure(
    operator: httpx.AsyncClient, live: Context, cloned: Settings, queue: ArqRedis
) -> None:
    rows = [3, 0]

    async def sweep_the_yard(context: Context) -> int:
        return rows.pop(0) if rows else 0

    async def sweep_the_fog(context: Context) -> int:
        raise ValueError("canary")

    publisher = Publisher(cloned)
    relay = Relay(live, publisher, queue, [], [Sweep(sweep_the_yard, 0.05), Sweep(sweep_the_fog, 3600)])
    work = asyncio.create_task(relay.run())
    try:
        found: dict[str, dict[str, object]] = {}

        async def reported() -> bool:
            await relay._sweeper.report()
            answer = (await operator.get("/api/operations/schedules")).json()
            found.update({each["name"]: each for each in answer["sweeps"]})
            return len({"sweep_the_yard", "sweep_the_fog"} & found.keys()) == 2 and bool(
                found["sweep_the_fog"]["error"]
            )

        while not await reported():  # noqa: ASYNC110  # a row of Redis changes without an event
            await asyncio.sleep(0.02)
    finally:
        live.draining.set()
        await work
        await publisher.stop()
    yard, fog = found["sweep_the_yard"], found["sweep_the_fog"]
    assert (yard["rows"], bool(yard["worked_at"]), yard["seconds"]) == (3, True, 0.05)
    assert (fog["error"], fog["ended_at"]) == ("ValueError", None)
    assert "canary" not in str(fog)


@pytest.mark.case(446)
async def test_schedules_show_their_last_and_next_time(operator: httpx.AsyncClient, live: Context) -> None:
    await live.db.fetch(
        "insert into schedules values ('users.remind', '09:00 Europe/Berlin', '2027-01-02T08:00Z', '2027-01-01T08:00Z')"
    )
    answer = (await operator.get("/api/operations/schedules")).json()
    [schedule] = answer["schedules"]
    assert (schedule["task"], schedule["declared"]) == ("users.remind", "09:00 Europe/Berlin")
    assert datetime.datetime.fromisoformat(schedule["next_at"]) > datetime.datetime.fromisoformat(schedule["last_at"])


@pytest.mark.parametrize(
    "query", [{"name": "\x00"}, {"name": ""}, {"name": "a" * 300}, {"state": "dead"}, {"limit": 0}, {"cursor": "x"}]
)
async def test_malformed_filters_of_tasks_are_refused(operator: httpx.AsyncClient, query: dict[str, object]) -> None:
    assert (await operator.get(TASKS, params=query)).status_code == 422  # type: ignore[arg-type]
