"""Test data for the tests that cover all features (tests/examples.py)."""

from api.kernel.context import Context
from tests.examples import SIGNED_IN
from tests.transcript import Transcript

ACCESS = {"GET /events": SIGNED_IN, "GET /ws": SIGNED_IN}


async def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:
    transcript.write("## Realtime")
    transcript.write("[docs/realtime.md](realtime.md) describes the events and the ends of a stream.")
    await transcript.show("GET /events", headers=admin)
    transcript.describe("GET /ws")
