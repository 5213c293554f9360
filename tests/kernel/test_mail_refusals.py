"""C-207, C-210: the meaning of a mail server's refusal, by RFC 3463 if it has an enhanced code, and TLS to it.
Permanent failures are final, temporary ones are retried, and faults of the sender raise an alarm."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from api.kernel import mail
from api.kernel.config.connections import Smtp
from api.kernel.mail import MailDelayed, MailRefused, SmtpMailer
from api.kernel.telemetry import outages
from tests.authority import LOOPBACK, Authority, server_context
from tests.kernel.smtp import MESSAGE, Sink, Talk, listening, settings_with

FINAL = [
    "550 5.1.1 no such user",
    "550 5.1.0 address rejected",
    "553 5.1.3 bad address syntax",
    "550 5.1.6 has moved",
    "556 5.1.10 null MX",
    "550 5.2.1 mailbox disabled",
    "552 5.2.3 too long for this mailbox",
    "554 5.6.0 content",
    "550 no",
    "551 not here",
    "553 no",
    "501 no",
    "556 takes no mail",
]
DELAYED = [
    "450 4.2.0 greylisted",
    "452 full",
    "421 later",
    "552 5.2.2 mailbox full",
    "552 full",
    "550 5.3.4 too big for the system",
    "550 5.4.5 daily quota exceeded",
    "554 5.4.14 loop",
    "550 5.5.1 protocol",
    "550 5.7.1 relaying denied",
    "554 5.7.1 spam",
    "550 5.7.26 unauthenticated sender",
    "554 no",
    "550 4.7.1 try later",
]
OURS = [answer for answer in DELAYED if answer.startswith("55") and "5.2.2" not in answer]


def told(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Return the application's own log lines, without the server's."""
    return [record for record in caplog.records if record.name == "api.kernel.mail"]


@pytest.mark.parametrize("where", ["recipient", "data"])
@pytest.mark.parametrize("answer", FINAL)
async def test_a_permanent_refusal_is_final(answer: str, where: str, caplog: pytest.LogCaptureFixture) -> None:
    async with listening(lambda: SMTP(Sink(**{where: answer}))) as mailer:
        with pytest.raises(MailRefused) as refused:
            await mailer.send(MESSAGE)
    assert str(refused.value) == f"smtp {answer}"
    assert told(caplog) == []


@pytest.mark.parametrize("where", ["recipient", "data"])
@pytest.mark.parametrize("answer", DELAYED)
async def test_a_temporary_refusal_is_retried(answer: str, where: str, caplog: pytest.LogCaptureFixture) -> None:
    async with listening(lambda: SMTP(Sink(**{where: answer}))) as mailer:
        for _ in range(2):
            with pytest.raises(MailDelayed) as delayed:
                await mailer.send(MESSAGE)
    assert str(delayed.value) == f"smtp {answer}"
    assert caplog.text.count("smtp is misconfigured") == (answer in OURS), "one alarm for the sender"


@pytest.mark.parametrize("answer", ["550 5.1.1 unknown", "550 5.1.7 bad sender", "550 5.1.8 no such domain", "550 no"])
async def test_a_refused_sender_is_a_misconfiguration(answer: str, caplog: pytest.LogCaptureFixture) -> None:
    async with listening(lambda: SMTP(Sink(sender=answer))) as mailer:
        with pytest.raises(MailDelayed, match=f"smtp {answer}"):
            await mailer.send(MESSAGE)
    [line] = told(caplog)
    assert "MAIL_FROM" in line.fields["remedy"]


@pytest.mark.parametrize("code", ["5.1.7", "5.1.8"])
async def test_a_sender_refused_after_data_is_a_misconfiguration(code: str) -> None:
    async with listening(lambda: SMTP(Sink(data=f"550 {code} sender"))) as mailer:
        with pytest.raises(MailDelayed):
            await mailer.send(MESSAGE)


async def test_the_servers_text_is_bounded_and_without_the_mails_content() -> None:
    """It is stored in the row and logged, and servers quote what they received."""
    link = "https://app.example.com/verify#token=Zq8vN2mX5tR7wY1cK4hJ6gF9dS3aP0oL"
    said = f"550 5.1.1 <ada@example.com>: {link} Zq8vN2mX5tR7wY1cK4hJ6gF9dS3aP0oL " + "why " * 90
    async with listening(lambda: SMTP(Sink(recipient=said))) as mailer:
        with pytest.raises(MailRefused) as refused:
            await mailer.send(MESSAGE)
    text = str(refused.value)
    assert text.startswith("smtp 550 5.1.1 <…@…>: … … why why")
    assert len(text) < 220


async def test_a_wrong_password_is_reported_differently_from_a_closed_port(caplog: pytest.LogCaptureFixture) -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    async with listening(
        lambda: SMTP(Sink(), authenticator=check, auth_require_tls=False), secret="canary-77"
    ) as mailer:
        for _ in range(3):
            with pytest.raises(MailDelayed, match=r"smtp 535 5\.7\.8 Authentication credentials invalid"):
                await mailer.send(MESSAGE)
    with pytest.raises(MailDelayed, match="smtp: ConnectionRefusedError: "):
        await SmtpMailer(settings_with(Smtp("127.0.0.1", 1, None, None, "none"))).send(MESSAGE)
    wrong, closed = told(caplog)
    assert (wrong.getMessage(), closed.getMessage()) == ("smtp is misconfigured", "smtp is not available")
    assert wrong.fields["remedy"].endswith("check SMTP_URL")
    assert "canary-77" not in str(wrong.__dict__)


async def test_a_server_without_authentication_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(lambda: SMTP(Sink()), secret="pw") as mailer:
        with pytest.raises(MailDelayed, match="AUTH extension is not supported"):
            await mailer.send(MESSAGE)
    [line] = told(caplog)
    assert "accepts no credentials" in line.fields["remedy"]


AUTHORITY = Authority()


def smtps(sink: Sink, context: ssl.SSLContext, tls: str) -> tuple[Callable[[], SMTP], ssl.SSLContext | None]:
    offered = context if tls == "starttls" else None
    return lambda: SMTP(sink, tls_context=offered, require_starttls=offered is not None), None if offered else context


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_a_certificate_of_a_private_authority(tls: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = Sink()
    make, wrapped = smtps(sink, server_context(tmp_path, AUTHORITY.sign("mail", LOOPBACK)), tls)
    for trusted in (None, Authority().pem):
        async with listening(make, tls, wrapped=wrapped, ca_cert=trusted) as mailer:
            caplog.clear()
            with pytest.raises(MailDelayed, match="CERTIFICATE_VERIFY_FAILED"):
                await mailer.send(MESSAGE)
        assert sink.envelopes == []
        [line] = told(caplog)
        assert "SMTP_CA_CERT" in line.fields["remedy"]
    async with listening(make, tls, wrapped=wrapped, ca_cert=AUTHORITY.pem) as mailer:
        await mailer.send(MESSAGE)
    assert len(sink.envelopes) == 1


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_a_certificate_with_another_name(tls: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = Sink()
    make, wrapped = smtps(sink, server_context(tmp_path, AUTHORITY.sign("mail", ["mail.example.com"])), tls)
    async with listening(make, tls, wrapped=wrapped, ca_cert=AUTHORITY.pem) as mailer:
        with pytest.raises(MailDelayed, match="certificate is not valid for"):
            await mailer.send(MESSAGE)
    assert sink.envelopes == []
    [line] = told(caplog)
    assert line.fields["remedy"].endswith("check the host in SMTP_URL")


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_nothing_is_sent_to_a_server_without_the_required_tls(tls: str, caplog: pytest.LogCaptureFixture) -> None:
    sink = Sink()
    async with listening(lambda: SMTP(sink), tls) as mailer:
        with pytest.raises(MailDelayed):
            await mailer.send(MESSAGE)
    assert sink.envelopes == []
    [line] = told(caplog)
    assert "TLS" in line.fields["remedy"]


@pytest.mark.case(266)
@pytest.mark.parametrize("tls", ["none", "starttls"])
async def test_a_server_with_implicit_tls_is_distinguished_from_a_silent_one(
    tls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each side waits for the other to start."""
    monkeypatch.setattr(mail, "SEND_SECONDS", 0.5)
    monkeypatch.setattr(outages, "PROBE_SECONDS", 3.0)
    context = server_context(tmp_path, AUTHORITY.sign("mail", LOOPBACK))
    async with listening(lambda: SMTP(Sink()), tls, wrapped=context) as mailer:
        with pytest.raises(MailDelayed):
            await mailer.send(MESSAGE)
    async with listening(lambda: Talk([]), tls) as mailer:
        with pytest.raises(MailDelayed):
            await mailer.send(MESSAGE)
    wrong, silent = told(caplog)
    remedy = "the server requires TLS at this port, but the client does not use it: check SMTP_URL"
    assert wrong.fields["remedy"] == remedy
    assert silent.getMessage() == "smtp is not available"


async def test_the_sender_may_have_a_name() -> None:
    sink = Sink()
    async with listening(lambda: SMTP(sink), mail_from='"Äpp, Inc." <app@example.org>') as mailer:
        await mailer.send(MESSAGE)
    [envelope], [arrived] = sink.envelopes, sink.mails
    assert envelope.mail_from == "app@example.org"
    [sender] = arrived["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Äpp, Inc.", "app@example.org")
    assert arrived["Message-ID"] == "<7@example.org>"
