"""Mail servers that refuse, hang, reset, or have a wrong certificate: temporary and final failures."""

import asyncio

import pytest

from api.kernel import mail
from api.kernel.config.connections import Smtp
from api.kernel.mail import SmtpMailer
from tests.kernel.smtp import MESSAGE, Talk, listening, settings_with

HELLO: list[bytes | None] = [b"220 hi\r\n", b"250 you\r\n"]
OK = b"250 ok\r\n"
GO = b"354 go\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [None],
        [b"421 busy\r\n"],
        [b"554 go away\r\n"],
        [b"nonsense\r\n"],
        HELLO,
        [*HELLO, OK, OK, GO],
        [*HELLO, OK, OK, GO, None],
        [*HELLO, b"\xff\xff\xff\r\n"],
    ],
    ids=[
        "silent",
        "closes",
        "421",
        "554 at once",
        "nonsense",
        "silent later",
        "hangs in DATA",
        "resets in DATA",
        "binary",
    ],
)
async def test_a_failing_server_is_retried(lines: list[bytes | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "SEND_SECONDS", 0.1)
    async with listening(lambda: Talk(lines)) as mailer:
        with pytest.raises(OSError):  # noqa: PT011  # of any kind; the task's row has it
            async with asyncio.timeout(60):
                await mailer.send(MESSAGE)


@pytest.mark.parametrize("last", [[None], []], ids=["closes", "is silent"])
async def test_a_server_that_fails_after_accepting_the_mail_has_it(
    last: list[bytes | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "SEND_SECONDS", 0.2)
    async with listening(lambda: Talk([*HELLO, OK, OK, GO, OK, *last])) as mailer:
        await mailer.send(MESSAGE)


async def test_a_closed_port_is_retried() -> None:
    with pytest.raises(OSError, match="smtp"):
        await SmtpMailer(settings_with(Smtp("127.0.0.1", 1, None, None, "none"))).send(MESSAGE)
