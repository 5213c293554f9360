"""Servers that refuse, hang, reset, and are not who they say: what is tried again and what is not."""

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.kernel import mail
from api.kernel.connections import Smtp
from api.kernel.mail import MailRefused, SmtpMailer
from tests.kernel.smtp import MESSAGE, Sink, Talk, listening, settings_with


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user ada@example.com", "553 no", "501 no"])
async def test_a_recipient_that_is_refused_for_good_is_not_tried_again(answer: str) -> None:
    sink = Sink(recipient=answer)
    async with listening(lambda: SMTP(sink)) as mailer:
        with pytest.raises(MailRefused) as refused:
            await mailer.send(MESSAGE)
    assert str(refused.value) == f"smtp {answer[:3]}", "and the server's text stays out of the logs"


async def test_a_content_that_is_refused_for_good_is_not_tried_again() -> None:
    async with listening(lambda: SMTP(Sink(data="554 spam"))) as mailer:
        with pytest.raises(MailRefused, match="smtp 554"):
            await mailer.send(MESSAGE)


@pytest.mark.parametrize(
    "sink",
    [
        Sink(recipient="450 greylisted"),
        Sink(recipient="421 later"),
        Sink(data="451 later"),
        Sink(data="452 full"),
        Sink(sender="550 who are you"),
    ],
    ids=["450", "421", "451", "452", "sender"],
)
async def test_what_may_be_better_later_is_told_apart(sink: Sink) -> None:
    async with listening(lambda: SMTP(sink)) as mailer:
        with pytest.raises(OSError, match="smtp"):
            await mailer.send(MESSAGE)


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
async def test_a_server_that_fails_may_be_tried_again(
    lines: list[bytes | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "SEND_SECONDS", 0.1)
    async with listening(lambda: Talk(lines)) as mailer:
        with pytest.raises(OSError):  # noqa: PT011  # of any kind: the task's row says which
            async with asyncio.timeout(3):
                await mailer.send(MESSAGE)


@pytest.mark.parametrize("last", [[None], []], ids=["closes", "is silent"])
async def test_a_server_that_took_the_mail_and_then_fails_has_taken_it(
    last: list[bytes | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "SEND_SECONDS", 0.2)
    async with listening(lambda: Talk([*HELLO, OK, OK, GO, OK, *last])) as mailer:
        await mailer.send(MESSAGE)


async def test_where_nobody_listens_one_may_try_again() -> None:
    with pytest.raises(OSError, match="smtp"):
        await SmtpMailer(settings_with(Smtp("127.0.0.1", 1, None, None, "none"))).send(MESSAGE)


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate for 127.0.0.1 that no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "both.pem").write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    return context


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_a_server_that_nobody_vouches_for_gets_neither_mail_nor_password(
    tls: str, self_signed: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sink = Sink()
    wrapped, offered = (self_signed, None) if tls == "implicit" else (None, self_signed)

    def make() -> SMTP:
        return SMTP(sink, tls_context=offered, require_starttls=offered is not None)

    async with listening(make, tls, wrapped=wrapped) as mailer:
        with pytest.raises(OSError):  # noqa: PT011  # an SSLError or what the library makes of it
            await mailer.send(MESSAGE)
        assert sink.envelopes == []
        assert mailer._tls is not None
        mailer._tls.load_verify_locations(tmp_path / "both.pem")
        await mailer.send(MESSAGE)
    assert len(sink.envelopes) == 1, "and one that is vouched for gets it, over TLS"


async def test_a_server_without_starttls_gets_nothing_where_it_is_asked_for() -> None:
    sink = Sink()
    async with listening(lambda: SMTP(sink), "starttls") as mailer:
        with pytest.raises(OSError, match="smtp"):
            await mailer.send(MESSAGE)
    assert sink.envelopes == []
