"""C-215: what an operator reads where a setting is wrong, and nobody else does."""

from urllib.parse import urlsplit

import httpx
import msgspec

from api.app import create_app
from api.kernel.context import open_context
from api.kernel.settings import Settings
from api.system.__main__ import table
from api.system.routes import measure_parts
from tests.conftest import client_of


async def test_a_wrong_setting_is_named_and_a_client_is_told_as_of_any_outage(settings: Settings) -> None:
    url = urlsplit(settings.database_url)
    wrong = msgspec.structs.replace(
        settings,
        database_url=url._replace(netloc=f"{url.username}:wrong@{url.hostname}:{url.port}").geturl(),
        redis_url=f"redis://{urlsplit(settings.redis_url).netloc}/9999",
    )
    async with open_context(wrong, {}) as context:
        health = await measure_parts(context)
        assert health.checks
        assert health.checks["postgresql"].startswith("misconfigured: PostgreSQL refuses this role, password")
        assert health.checks["redis"] == "misconfigured: there is no such database: check the number in REDIS_URL"
        assert health.status == "degraded"
        assert "check DATABASE_URL" in table(health, [])
        app = create_app(wrong)
        app.state.context = context
        async with client_of(app) as client:
            answer: httpx.Response = await client.get("/api/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert "DATABASE_URL" not in answer.text
