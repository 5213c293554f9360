"""How far a consumer is behind, and whether it moves at all: aiokafka's may be dead without a word (aiokafka#1154)."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from api.kernel.telemetry import meter
from worker.internals import Internals

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, TopicPartition

logger = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
STILL_SECONDS = 60.0
"""A partition that is behind and has not moved for so long: the client is dead, whatever it says (aiokafka#1154)."""
MANY = 100
"""Messages behind, from which on it is told when there are more and more."""

lag = meter.create_gauge("messaging.consumer.lag", "{message}", "Messages not yet consumed, by topic and partition")


class Stalled(Exception):
    """The client does not read what is there."""


class Watch:
    """Measures how far behind a client is, and sees whether it moves."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._due = 0.0
        self._behind = 0
        self._joined = time.monotonic()
        self._positions: dict[TopicPartition, tuple[int, float]] = {}

    async def look(self, client: "AIOKafkaConsumer") -> dict[int, int]:
        """Every LOOK_SECONDS: how many messages wait, by partition. Raises Stalled, KafkaError (IllegalStateError after
        a rebalance), TimeoutError."""
        now = time.monotonic()
        if now < self._due:
            return {}
        self._due = now + LOOK_SECONDS
        places = client.assignment()
        # A member without a partition is in order: the group has more members than the topic has partitions.
        if places or Internals.is_member(client):
            self._joined = now
        elif now - self._joined > STILL_SECONDS:
            logger.error("a consumer is in no group", extra={"fields": {"topic": self._topic}})
            raise Stalled
        async with asyncio.timeout(LOOK_SECONDS):
            ends = await client.end_offsets(places) if places else {}
            behind = {place: end - await client.position(place) for place, end in ends.items()}
        self._tell(behind)
        for place, (since, at) in self._advance(behind, ends, now).items():
            if behind[place] and place not in client.paused() and now - at > STILL_SECONDS:
                logger.error(
                    "a consumer stands still", extra={"fields": {"partition": place.partition, "offset": since}}
                )
                raise Stalled
        return {place.partition: missing for place, missing in behind.items()}

    def _advance(
        self, behind: "dict[TopicPartition, int]", ends: "dict[TopicPartition, int]", now: float
    ) -> "dict[TopicPartition, tuple[int, float]]":
        """Where each partition is, and since when."""
        for gone in self._positions.keys() - behind.keys():
            lag.set(0, {"topic": gone.topic, "partition": gone.partition})
        here = {place: ends[place] - missing for place, missing in behind.items()}
        last = self._positions
        self._positions = {
            place: last[place] if place in last and last[place][0] == position else (position, now)
            for place, position in here.items()
        }
        return self._positions

    def _tell(self, behind: "dict[TopicPartition, int]") -> None:
        for place, missing in behind.items():
            lag.set(missing, {"topic": place.topic, "partition": place.partition})
        total = sum(behind.values())
        if total > self._behind and total > MANY:
            logger.warning("a consumer falls behind", extra={"fields": {"topic": self._topic, "messages": total}})
        self._behind = total
