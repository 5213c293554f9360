"""Queries with together=True: each request gets an answer from after it asked, and shares nothing but the statement."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.kernel.context import Context, Origin, origin
from api.kernel.data import together
from api.kernel.data.database import Database, Record, open_database, uuid7
from api.kernel.errors import NOT_FOUND, UNAVAILABLE
from api.kernel.settings import Settings
from api.kernel.telemetry import span
from api.users import queries
from api.users.types import User
from tests.factories import make_user
from tests.patient import SECONDS


class Slow(Database):
    """The pool of another Database, whose rows stay on their way until `deliver`: answers are as old as they can be."""

    def __init__(self, db: Database) -> None:
        super().__init__(db._pool)
        self.sent: list[tuple[object, ...]] = []
        """The keys of each statement."""
        self.contexts: list[tuple[Origin, trace.Span]] = []
        self._held: list[asyncio.Event] = []
        self._read = 0

    async def _send(self, statement: str, arguments: tuple[object, ...]) -> list[Record]:
        self.sent.append(arguments)
        self.contexts.append((origin.get(), trace.get_current_span()))
        rows, held = await super()._send(statement, arguments), asyncio.Event()
        self._held.append(held)
        self._read += 1
        await held.wait()
        return rows

    def deliver(self, number: int = 0) -> None:
        """Let the rows of one statement arrive, if they were read."""
        if self._held:
            self._held.pop(number % len(self._held)).set()

    async def until_sent(self, count: int) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self.sent) < count:  # noqa: ASYNC110  # a turn of the loop is the event
                await asyncio.sleep(0)

    async def read(self) -> None:
        """Wait until all that can be sent is sent, and its rows are read: a write from now on is not in them."""
        for _ in range(5):
            await asyncio.sleep(0)
        async with asyncio.timeout(SECONDS):
            while self._read < len(self.sent):  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def deliver_all(self, *tasks: "asyncio.Task[Any]") -> None:
        async with asyncio.timeout(SECONDS):
            while not all(task.done() for task in tasks):
                self.deliver()
                await asyncio.sleep(0)


@pytest.fixture
async def slow(live: Context) -> Slow:
    return Slow(live.db)


@pytest.fixture
async def users(live: Context) -> list[User]:
    return [await make_user(live) for _ in range(4)]


def ask(db: Database, id: UUID) -> "asyncio.Task[User]":
    return asyncio.ensure_future(queries.get(db, id))


NUMBERS = st.integers(0, 1)
STEPS = st.tuples(st.sampled_from(["ask", "write", "read", "turn", "deliver"]), NUMBERS)


@pytest.mark.case(343)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=40))
async def test_a_read_sees_each_write_that_was_committed_before_it(
    live: Context, users: list[User], steps: list[tuple[str, int]]
) -> None:
    db, tasks = Slow(live.db), list[asyncio.Task[None]]()
    await live.db.fetch("update users set name = '0'")
    committed = [0] * len(users)

    async def read(key: int) -> None:
        before = committed[key]
        user = await queries.get(db, users[key].id)
        assert user.id == users[key].id
        assert int(user.name or 0) >= before

    for step, number in steps:
        if step == "ask":
            tasks.append(asyncio.create_task(read(number)))
        elif step == "write":
            change = "update users set name = $2 where id = $1"
            await live.db.fetch(change, users[number].id, str(committed[number] + 1))
            committed[number] += 1
        elif step == "deliver":
            db.deliver(number)
        elif step == "read":
            await db.read()
        else:
            await asyncio.sleep(0)
    await db.deliver_all(*tasks)
    await asyncio.gather(*tasks)


async def test_a_request_alone_is_sent_without_waiting(slow: Slow, users: list[User]) -> None:
    task = ask(slow, users[0].id)
    for _ in range(2):  # the task asks, and the next turn of the loop sends
        await asyncio.sleep(0)
    assert len(slow.sent) == 1
    await slow.deliver_all(task)
    assert await task == users[0]


async def test_requests_of_the_same_time_are_one_statement_with_each_key_once(slow: Slow, users: list[User]) -> None:
    asked = [*users, *users, users[0]]
    tasks = [ask(slow, user.id) for user in asked]
    await slow.deliver_all(*tasks)
    assert [await task for task in tasks] == asked
    [(keys,)] = slow.sent
    assert isinstance(keys, Sequence)
    assert sorted(keys) == sorted(user.id for user in users)


async def test_while_two_are_on_their_way_the_others_wait_for_the_next(slow: Slow, users: list[User]) -> None:
    tasks = []
    for number in range(2):
        tasks.append(ask(slow, users[number].id))
        await slow.until_sent(number + 1)
    tasks += [ask(slow, user.id) for user in users]
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(slow.sent) == together.AT_ONCE == 2
    await slow.deliver_all(*tasks)
    assert [await task for task in tasks] == [*users[:2], *users]
    assert len(slow.sent) == 3


async def test_a_batch_is_bounded(slow: Slow, users: list[User]) -> None:
    tasks = [ask(slow, user.id) for user in users]
    strangers = [asyncio.create_task(raises(slow, NOT_FOUND)) for _ in range(2 * together.MOST)]
    await slow.deliver_all(*tasks, *strangers)
    assert [await task for task in tasks] == users
    assert [len(keys) for (keys,) in slow.sent if isinstance(keys, Sequence)] == [together.MOST, together.MOST, 4]


async def raises(db: Database, kind: type[Exception]) -> Exception:
    with pytest.raises(kind) as raised:
        await queries.get(db, uuid7())
    return raised.value


@pytest.mark.case(344)
async def test_a_cancelled_request_cancels_no_other(slow: Slow, users: list[User]) -> None:
    on_the_way = [ask(slow, users[0].id), ask(slow, users[0].id), ask(slow, users[1].id)]
    await slow.until_sent(1)
    second = ask(slow, users[1].id)
    await slow.until_sent(2)
    waiting = [ask(slow, users[2].id), ask(slow, users[3].id)]
    await asyncio.sleep(0)
    for task in (on_the_way[0], waiting[0]):
        task.cancel()
    rest = [*on_the_way[1:], second, waiting[1]]
    await slow.deliver_all(*rest)
    assert [await task for task in rest] == [users[0], users[1], users[1], users[3]]
    assert on_the_way[0].cancelled()
    assert waiting[0].cancelled()
    assert slow.sent[2] == ((users[3].id,),), "no request waits for the other any more"


@pytest.mark.case(344)
async def test_a_batch_that_is_cancelled_fails_those_who_asked_in_it_and_no_other(
    slow: Slow, users: list[User]
) -> None:
    """As when a process ends."""
    before = asyncio.all_tasks()
    first = [asyncio.create_task(raises(slow, UNAVAILABLE)) for _ in range(2)]
    await slow.until_sent(1)
    [batch] = asyncio.all_tasks() - before - {*first}
    second = ask(slow, users[0].id)
    await slow.until_sent(2)
    waiting = ask(slow, users[1].id)
    await asyncio.sleep(0)
    batch.cancel()
    await slow.deliver_all(*first, second, waiting)
    assert [await second, await waiting] == users[:2]


@pytest.mark.case(344)
async def test_a_batch_that_fails_fails_each_request_with_a_problem_of_its_own(nowhere: Settings) -> None:
    """The pipeline adds the headers and cookies of a request to its Problem: they are not another's."""
    async with open_database(nowhere, {}) as db:
        for _ in range(2):  # the second batch is sent after the first has failed
            errors = await asyncio.gather(*(raises(db, UNAVAILABLE) for _ in range(3)))
            problems = [error for error in errors if isinstance(error, UNAVAILABLE)]
            assert len({id(problem) for problem in problems}) == 3
            assert len({id(problem.headers) for problem in problems}) == 3
            assert {problem.detail for problem in problems} == {UNAVAILABLE.detail}


async def test_a_transaction_asks_on_its_own_connection(slow: Slow, live: Context, users: list[User]) -> None:
    async with live.db.transaction() as db:
        await db.fetch("update users set name = 'Ada' where id = $1", users[0].id)
        assert (await queries.get(db, users[0].id)).name == "Ada"
        with pytest.raises(RuntimeError, match="second connection"):
            await queries.get(live.db, users[0].id)
    with pytest.raises(NOT_FOUND):
        async with live.db.transaction() as db:
            await queries.get(db, uuid7())
    assert slow.sent == []


async def test_a_batch_has_neither_the_context_nor_the_trace_of_a_request(
    slow: Slow, users: list[User], spans: InMemorySpanExporter
) -> None:
    async def request(user: User) -> User:
        origin.set(Origin(principal_id=user.id))
        with span(f"request {user.id}"):
            return await queries.get(slow, user.id)

    tasks = [asyncio.create_task(request(user)) for user in users]
    await slow.deliver_all(*tasks)
    assert [await task for task in tasks] == users
    [(seen, current)] = slow.contexts
    assert seen == Origin()
    assert not current.get_span_context().is_valid
    parents = {each.context.span_id: each.name for each in spans.get_finished_spans() if each.context}
    asked = [each.parent for each in spans.get_finished_spans() if each.name == "users.get"]
    assert sorted(parents[parent.span_id] for parent in asked if parent) == sorted(f"request {u.id}" for u in users)
