"""C-265: a worker's misconfigurations are shown by /health/full and `make status` until they are corrected."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from api.kernel.config.connections import Smtp
from api.kernel.context import Context
from api.kernel.data.cache import Cache
from api.kernel.mail import MailDelayed, SmtpMailer
from api.kernel.outbox.remedies import KNOWN_SECONDS, read_remedies, report_remedy
from api.kernel.settings import Settings
from api.kernel.telemetry.outages import no_tls
from api.system.routes import measure_parts
from tests.commands import run
from tests.factories import make_user
from tests.kernel.smtp import MESSAGE, Sink, listening
from tests.processes import MailServer, Processes
from tests.users.people import sign_in
from worker.main import publish_remedies

SECRET = "canary-265"


def refuse(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    return AuthResult(success=False, handled=False)


def locked() -> SMTP:
    """A mail server that accepts no password."""
    return SMTP(Sink(), authenticator=refuse, auth_require_tls=False)


@pytest.mark.timeout(120)
async def test_a_wrong_password_for_mails_and_tls_to_the_wrong_port_of_kafka_are_in_the_status(
    environment: dict[str, str], live: Context, live_client: httpx.AsyncClient, tmp_path: Path
) -> None:
    root = await make_user(live, "root@example.com", superuser=True)
    headers = await sign_in(live_client, root.email)
    server = await asyncio.get_running_loop().create_server(locked, "127.0.0.1", 0)
    own = environment | {
        "DATABASE_URL": live.settings.database_url,
        "KAFKA_PREFIX": live.settings.kafka.prefix,
        "KAFKA_URL": f"kafka+ssl://{environment['KAFKA_BOOTSTRAP_SERVERS']}",
        "SMTP_URL": f"smtp://ada:{SECRET}@127.0.0.1:{server.sockets[0].getsockname()[1]}",
    }
    del own["KAFKA_BOOTSTRAP_SERVERS"]
    async with server:
        with Processes(own, tmp_path) as processes:
            await processes.worker()
            body = {"email": "ada@example.com", "password": "correct horse battery staple"}
            assert (await live_client.post("/api/auth/register", json=body)).status_code == 201
            wanted = {
                "smtp": "misconfigured: the mail server requires other credentials or TLS: check SMTP_URL",
                "kafka": f"misconfigured: {no_tls('KAFKA_URL')}",
                "consumers": f"misconfigured: {no_tls('KAFKA_URL')}",
            }
            checks: dict[str, str] = {}
            async with asyncio.timeout(60):
                while not wanted.items() <= checks.items():
                    await asyncio.sleep(0.1)
                    report = (await live_client.get("/api/health/full", headers=headers)).json()
                    checks = report["checks"]
            assert report["status"] == "degraded"
            status, shown, _ = await run(own | {"PATH": "/usr/bin:/bin"}, "api.system")
            assert status == 1
            assert shown.count("smtp is misconfigured") == shown.count("kafka is misconfigured") == 1
            assert "check SMTP_URL" in shown
            assert SECRET not in str(report) + shown
            assert "checks" not in (await live_client.get("/api/health/full")).json(), "only superusers see it"


async def tell(context: Context, mailer: SmtpMailer) -> None:
    """Run a worker with this mailer that starts, reports once, and ends."""
    telling = asyncio.create_task(publish_remedies(context, {("smtp", ""): mailer.outage}))
    await asyncio.sleep(0)  # it has started its first turn
    context.draining.set()
    await telling
    context.draining.clear()


async def test_any_worker_withdraws_a_remedy(live: Context, mail_server: MailServer) -> None:
    """Also one that never had the fault, such as a worker started with the corrected setting."""
    async with listening(locked, secret=SECRET) as refused:
        with pytest.raises(MailDelayed):
            await refused.send(MESSAGE)
    await tell(live, refused)
    assert (await measured(live))["smtp"].endswith("check SMTP_URL")
    await tell(live, SmtpMailer(live.settings))
    assert (await measured(live))["smtp"] == "up", "a starting worker has no fault yet"
    await tell(live, refused)
    well = SmtpMailer(with_smtp(live.settings, urlsplit(mail_server.url).port or 25))
    await well.send(MESSAGE)
    await tell(live, well)
    assert (await measured(live))["smtp"] == "up"


def with_smtp(settings: Settings, port: int) -> Settings:
    return msgspec.structs.replace(settings, smtp=Smtp("127.0.0.1", port, None, None, "none"))


async def measured(context: Context) -> dict[str, str]:
    checks = (await measure_parts(context)).checks
    assert isinstance(checks, dict)
    return checks


async def test_an_outage_is_not_a_misconfiguration(live: Context) -> None:
    mailer = SmtpMailer(with_smtp(live.settings, 1))
    with pytest.raises(MailDelayed):
        await mailer.send(MESSAGE)
    await tell(live, mailer)
    assert (await measured(live))["smtp"] == "up"


async def test_remedies_are_bounded_plain_text_of_the_last_day(live: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    cache: Cache = live.cache
    await report_remedy(cache, "consumers", "a", "set \x1b[31mthis" + "!" * 1000)
    await report_remedy(cache, "consumers", "b", "set that")
    await report_remedy(cache, "nothing", "", "no such part")
    found = await read_remedies(cache)
    assert found["consumers"].startswith("set [31mthis!")
    assert found["consumers"].endswith("; set that")
    assert len(found["consumers"]) < 400
    assert "nothing" not in await measured(live)
    monkeypatch.setattr("api.kernel.outbox.remedies.KNOWN_SECONDS", -1)
    assert await read_remedies(cache) == {}
    assert KNOWN_SECONDS == 86_400


@pytest.mark.parametrize("kept", [b"garbage", b"[]", b'["smtp", 7, "then"]'])
async def test_unreadable_remedies_are_dropped(live: Context, kept: bytes) -> None:
    await live.cache.execute("HSET", "workers:remedies", "smtp ", kept)
    assert await read_remedies(live.cache) == {}
    assert await live.cache.execute("EXISTS", "workers:remedies") == 0
