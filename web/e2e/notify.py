"""Publish notifications for an account, as another service does: `python web/e2e/notify.py USER_ID SUBJECT [COUNT]`.

Run it by `python -m dev exec`. Without an active account with this id and a confirmed address, each becomes a dead
letter."""

import asyncio
import sys
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaProducer

from api.kernel.settings import load


async def publish(user_id: str, subject: str, count: int) -> None:
    kafka = load().kafka
    producer = AIOKafkaProducer(bootstrap_servers=list(kafka.bootstrap_servers), acks="all")
    await producer.start()
    try:
        for _ in range(count):
            data = {"user_id": user_id, "subject": subject, "text": "Your order has been sent."}
            headers = {
                "ce_specversion": "1.0",
                "ce_type": "notifications.requested",
                "ce_source": "https://shop.example.com",
                "ce_id": str(uuid4()),
            }
            await producer.send_and_wait(
                f"{kafka.prefix}notifications.requested",
                msgspec.json.encode(data),
                user_id.encode(),
                headers=[(name, text.encode()) for name, text in headers.items()],
            )
    finally:
        await producer.stop()


if __name__ == "__main__":
    asyncio.run(publish(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1))
