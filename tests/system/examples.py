"""Test data for the tests that cover all features (tests/examples.py)."""

from api.kernel.context import Context
from api.kernel.outbox.tasks import HEARTBEAT_KEY
from tests.examples import EVERYBODY, VISITORS
from tests.transcript import Transcript

ACCESS = {
    "GET /health": EVERYBODY,
    "GET /health/live": EVERYBODY,
    "GET /health/ready": EVERYBODY,
    "GET /health/full": VISITORS,
}


async def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:
    for path in ("/health", "/health/live", "/health/ready"):
        await transcript.show(f"GET {path}")
    await context.cache.set(HEARTBEAT_KEY, b"here", 30)
    await transcript.show("GET /health/full", headers=admin)
    await context.cache.delete(HEARTBEAT_KEY)
