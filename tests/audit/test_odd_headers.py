"""Headers of any bytes in logs and in the audit: each log line stays one line, and the audit stays readable and
verifiable."""

import json
import logging

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.telemetry.logs import ConsoleFormatter, JsonFormatter
from tests.factories import PASSWORD, make_user
from tests.sessions.signing import bearer, login

ODD = [
    b"\xff\xfe",
    b"\x80\x85\x9b31m",
    b"\x00",
    b"a\x00b",
    b"\x1b[2J",
    b"\xed\xa0\x80",
    "\u202e🦉".encode(),
    b"%0d%0aX: y",
    b'"},{"level":"ERROR"',
    b"x" * 8000,
    b"\t",
    b"de;q=nan, *;q=\xff,,,",
]
NAMES = (b"user-agent", b"accept-language", b"referer", b"x-request-id", b"traceparent", b"accept", b"forwarded")


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
async def test_headers_of_any_bytes_break_neither_logs_nor_audit(
    client: httpx.AsyncClient, context: Context, caplog: pytest.LogCaptureFixture, value: bytes
) -> None:
    """C-200, C-13, C-19: each header also twice, because lists are combined."""
    caplog.set_level(logging.INFO)
    user = await make_user(context)
    headers = [(name, each) for name in NAMES for each in (value, value)]
    form = {"username": user.email, "password": PASSWORD}
    answer = await client.post("/api/auth/jwt/login", data=form, headers=headers)
    assert answer.status_code == 200
    assert (await login(client, user.email, "wrong")).status_code == 400
    token = bearer(answer.json())["authorization"].encode()
    history = await client.get("/api/users/me/activity", headers=[(b"authorization", token), *headers])
    assert history.status_code == 200
    listed = (await client.get("/api/sessions", headers=bearer(answer.json()))).json()
    assert "\x00" not in (listed[0]["device"] or "")
    assert len(listed[0]["device"] or "") <= 256
    rows = await context.db.fetch("select user_agent, address from audit_entries")
    assert rows
    for record in caplog.records:
        assert len(JsonFormatter("web").format(record).splitlines()) == 1
        assert json.loads(JsonFormatter("web").format(record))["level"] != "ERROR"
        assert len(ConsoleFormatter().format(record).splitlines()) == 1
