"""Compares, once all work is done, the answers to clients with PostgreSQL, Kafka and the mailboxes."""

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.faults.ledger import Account
from tests.faults.rig import Rig

QUIET_SECONDS = 120.0
EVENTS = "select id from outbox_events where published_at is null and dead_at is null"
TASKS = "select id from outbox_tasks where dead_at is null"
DEAD = "select id from outbox_events where dead_at is not null union select id from outbox_tasks"
# One statement writes both, under one id: each verifies the other.
HALVES = """select id from audit_entries full join outbox_events using (id)
             where audit_entries.id is null or outbox_events.id is null"""
SESSIONS = "select id, generation from sessions where ended_at is null"


@dataclass
class Verdict:
    """`lost` and `invented` must be empty and `disorder` 0; receivers drop duplicates by id."""

    lost: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    disorder: int = 0
    events_twice: int = 0
    mails_twice: int = 0


async def waiting(rig: Rig, kind: str) -> set[UUID]:
    """Return the number of pending EVENTS or TASKS in the outbox."""
    return {row["id"] for row in await rig.rows(kind)}


async def delivered(rig: Rig, kind: str, ids: set[UUID]) -> float:
    """Wait until none of these is pending. Returns the time."""
    while await waiting(rig, kind) & ids:  # noqa: ASYNC110  # in PostgreSQL
        await asyncio.sleep(0.2)
    return time.monotonic()


async def drained(rig: Rig) -> None:
    """Wait until the outbox has no pending rows."""
    async with asyncio.timeout(QUIET_SECONDS):
        while await rig.rows(f"{EVENTS} union all {TASKS}"):  # noqa: ASYNC110  # in PostgreSQL
            await asyncio.sleep(0.2)


class Oracle:
    """Continues to read Kafka where it stopped."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._offsets: dict[TopicPartition, int] = {}
        self._arrived: dict[str, list[str]] = {}
        """The ids of each topic and key in order of arrival, without repetitions."""
        self._seen: set[str] = set()
        self._twice = 0

    async def judge(self) -> Verdict:
        """Compare once nothing is pending."""
        await drained(self._rig)
        verdict = Verdict()
        await self._events(verdict)
        await self._accounts(verdict)
        for what, statement in (("dead letter", DEAD), ("half of an event", HALVES)):
            verdict.lost += [f"{what} {row['id']}" for row in await self._rig.rows(statement)]
        return verdict

    async def _events(self, verdict: Verdict) -> None:
        rows = await self._rig.rows("select topic, key, id from outbox_events order by seq")
        await self._read({row["topic"] for row in rows})
        expected: dict[str, list[str]] = {}
        for row in rows:
            expected.setdefault(f"{row['topic']} {row['key']}", []).append(str(row["id"]))
        ids = {str(row["id"]) for row in rows}
        verdict.lost += [f"event {id}" for id in ids - self._seen]
        verdict.invented += [f"event {id}" for id in self._seen - ids]
        for key, order in expected.items():
            here = set(self._arrived.get(key, ()))
            verdict.disorder += self._arrived.get(key, []) != [id for id in order if id in here]
        verdict.events_twice = self._twice

    async def _read(self, topics: set[str]) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._rig.broker.address, auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition(t, p) for t in topics for p in await self._partitions(consumer, t)]
            consumer.assign(places)
            for place in places:
                consumer.seek(place, self._offsets.get(place, 0))
            ends = await consumer.end_offsets(places)
            async with asyncio.timeout(QUIET_SECONDS):
                while any(self._offsets.get(place, 0) < end for place, end in ends.items()):
                    for place, records in (await consumer.getmany(timeout_ms=500)).items():
                        self._offsets[place] = records[-1].offset + 1
                        for record in records:
                            self._keep(f"{place.topic} {record.key.decode()}", dict(record.headers)["ce_id"].decode())
        finally:
            await consumer.stop()

    async def _partitions(self, consumer: AIOKafkaConsumer, topic: str) -> list[int]:
        await consumer._client._wait_on_metadata(topic)  # it knows only topics that it subscribed to
        return sorted(consumer.partitions_for_topic(topic) or ())

    def _keep(self, key: str, id: str) -> None:
        if id in self._seen:
            self._twice += 1
            return
        self._seen.add(id)
        self._arrived.setdefault(key, []).append(id)

    async def _accounts(self, verdict: Verdict) -> None:
        rig = self._rig
        users = {row["email"]: row for row in await rig.rows("select id, email, name from users")}
        sessions = {row["id"]: row["generation"] for row in await rig.rows(SESSIONS)}
        updates = await rig.rows("select key, count(*) from outbox_events where type = 'users.updated' group by key")
        counts = {row["key"]: row["count"] for row in updates}
        known = {account.email: account for account in rig.ledger.accounts}
        verdict.invented += [f"account {email}" for email in users.keys() - known.keys()]
        for email, account in known.items():
            user = users.get(email)
            if user is None:
                verdict.lost += [f"account {email}"] if account.registered == "acked" else []
                continue
            self._judge_names(verdict, account, user["name"], counts.get(user["id"], 0))
            self._judge_mails(verdict, account)
            for sid, generation in account.sessions.items():
                if sessions.get(sid, 0) < generation:
                    verdict.lost.append(f"session {sid}")

    def _judge_names(self, verdict: Verdict, account: Account, name: str | None, events: int) -> None:
        acked = [name for name, outcome in account.names if outcome == "acked"]
        unknown = [name for name, outcome in account.names if outcome == "unknown"]
        if name not in account.possible_names():
            verdict.lost.append(f"name of {account.email}: {name} instead of {account.possible_names()}")
        if not len(acked) <= events <= len(acked) + len(unknown):
            verdict.lost.append(f"{events} events of {len(acked)} changes, {len(unknown)} unknown, of {account.email}")

    def _judge_mails(self, verdict: Verdict, account: Account) -> None:
        """One to confirm the address, and one for each requested reset."""
        mails = self._rig.mails.arrived.get(account.email, [])
        least = 1 + account.resets.count("acked")
        most = least + account.resets.count("unknown")
        different = len(set(mails))
        if different < least:
            verdict.lost.append(f"mail: {different} of {least} to {account.email}")
        if different > most:
            verdict.invented.append(f"mail: {different} instead of {most} to {account.email}")
        verdict.mails_twice += len(mails) - different
