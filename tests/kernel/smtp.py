"""SMTP servers on loopback."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import msgspec
from aiosmtpd.smtp import SMTP, Envelope

from api.kernel.config.connections import Smtp
from api.kernel.data.cache import Cache
from api.kernel.mail import SmtpMailer
from api.kernel.mime import Message
from api.kernel.settings import Settings, load
from tests.conftest import _NOWHERE, ENVIRONMENT

MESSAGE = Message(id="7", to="ada@example.com", subject="Grüße", text="Hällo\n", html="<p>Hällo</p>")


class Sink:
    """A server's handler: the received mails, and the answers to recipients and mails."""

    def __init__(self, sender: str = "", recipient: str = "250 OK", data: str = "250 OK") -> None:
        self.envelopes: list[Envelope] = []
        self.sender, self.recipient, self.data = sender, recipient, data

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        envelope.mail_from = address
        return self.sender or "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return self.data

    @property
    def mails(self) -> list[EmailMessage]:
        return [
            email.message_from_bytes(each.content, policy=email.policy.default)
            for each in self.envelopes
            if isinstance(each.content, bytes)
        ]


@asynccontextmanager
async def listening(
    make: Callable[[], asyncio.Protocol],
    tls: str = "none",
    secret: str | None = None,
    wrapped: ssl.SSLContext | None = None,
    ca_cert: str | None = None,
    mail_from: str = "app@example.org",
    cache: Cache | None = None,
) -> AsyncIterator[SmtpMailer]:
    """Yield a mailer whose server is made by `make`, on its own port."""
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=wrapped)
    async with server:
        port = server.sockets[0].getsockname()[1]
        smtp = Smtp("127.0.0.1", port, "ada" if secret else None, secret, tls, ca_cert)
        yield SmtpMailer(settings_with(smtp, mail_from), cache)


def settings_with(smtp: Smtp, mail_from: str = "app@example.org") -> Settings:
    return msgspec.structs.replace(load(ENVIRONMENT | _NOWHERE | {"MAIL_FROM": mail_from}), smtp=smtp)


class Talk(asyncio.Protocol):
    """Answers each line of the client with the next line; None closes the connection, and after the last line it stays
    silent."""

    def __init__(self, lines: list[bytes | None]) -> None:
        self.lines = lines[:]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.say()

    def data_received(self, data: bytes) -> None:
        self.say()

    def say(self) -> None:
        if self.lines:
            line = self.lines.pop(0)
            if line is None:
                self.transport.abort()
            else:
                self.transport.write(line)
