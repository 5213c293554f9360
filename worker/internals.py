"""The private parts of aiokafka that the worker uses, all of them. tests/worker/test_internals.py fails when a release
of aiokafka changes one."""

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka.consumer.group_coordinator import GroupCoordinator

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient

STOP_SECONDS = 0.5
"""For closing one part of a client. Three of them, and PUBLISH_SECONDS, are less than the server lets a transaction be
idle."""


class Internals:
    """Discards clients, and looks at a consumer's membership. aiokafka has no public way to do either: `stop()` waits
    until every batch is delivered or the group has been left, which is for ever while the broker is gone."""

    @staticmethod
    async def discard_producer(producer: "AIOKafkaProducer") -> None:
        """Close at once. An idempotent producer that is left alone would publish when the broker is back, behind its
        successor."""
        producer._closed = True  # otherwise its `__del__` warns
        await _close(producer._sender, producer.client)

    @staticmethod
    async def discard_consumer(consumer: "AIOKafkaConsumer") -> None:
        """Leave the group, or close at once. A task of the coordinator's that lives on would keep the partitions."""
        consumer._closed = True
        await _close(*filter(None, (consumer._coordinator, consumer._fetcher, consumer._client)))
        coordinator = consumer._coordinator
        if isinstance(coordinator, GroupCoordinator):
            tasks = (*_membership(coordinator), coordinator._commit_refresh_task)
            left = [task for task in tasks if task is not None]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    @staticmethod
    async def discard_admin(admin: "AIOKafkaAdminClient") -> None:
        """Close within STOP_SECONDS."""
        await _close(admin)

    @staticmethod
    def is_member(consumer: "AIOKafkaConsumer") -> bool:
        """Whether the consumer belongs to its group, with partitions or without."""
        coordinator = consumer._coordinator
        return coordinator.generation > 0 and all(
            task is not None and not task.done() for task in _membership(coordinator)
        )


def _membership(coordinator: GroupCoordinator) -> tuple[Any, Any]:
    """The tasks by which a coordinator stays in its group."""
    return coordinator._coordination_task, coordinator._heartbeat_task


async def _close(*parts: Any) -> None:
    for part in parts:
        closing = asyncio.create_task(part.close())
        await asyncio.wait((closing,), timeout=STOP_SECONDS)
        closing.cancel()
        # The result does not matter, a cancellation included: the client is not used again.
        await asyncio.gather(closing, return_exceptions=True)
