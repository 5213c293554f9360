"""C-311: headers, several recipients and attachments of a mail as they arrive, and mails that are never sent."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import hypothesis
import msgspec
import pytest
from aiosmtpd.smtp import SMTP, Envelope
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.data.cache import Cache
from api.kernel.mail import MailDelayed, MailRefused, Template
from api.kernel.mime import LONGEST_HEADER, MOST_ATTACHED_BYTES, MOST_RECIPIENTS, Attachment, Message, compose
from tests.kernel.smtp import MESSAGE, Sink, listening

UNSUBSCRIBE = f"<https://app.example.com/unsubscribe?token={'Zq8vN2mX5tR7wY1c' * 12}>, <mailto:leave@example.com>"


def changed(**parts: Any) -> Message:
    return msgspec.structs.replace(MESSAGE, **parts)


async def arrived(message: Message) -> tuple[Envelope, EmailMessage]:
    sink = Sink()
    async with listening(lambda: SMTP(sink)) as mailer:
        await mailer.send(message)
    [envelope], [mail] = sink.envelopes, sink.mails
    return envelope, mail


async def test_headers_arrive_as_they_were_given() -> None:
    given = {
        "List-Unsubscribe": UNSUBSCRIBE,
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Reply-To": "Äda <ada@example.net>",
        "X-Campaign": "Grüße",
    }
    envelope, mail = await arrived(changed(headers=given))
    assert {name: mail[name] for name in given} == given
    assert isinstance(envelope.content, bytes)
    lines = envelope.content.split(b"\r\n")
    assert b"List-Unsubscribe: " + UNSUBSCRIBE.encode() in lines, "readers do not decode encoded words in a URL"
    assert [address.addr_spec for address in mail["Reply-To"].addresses] == ["ada@example.net"]


async def test_several_recipients_and_hidden_ones() -> None:
    envelope, mail = await arrived(
        changed(to=("a@example.com", "b@example.com"), cc=("c@example.com",), bcc=("d@example.com", "a@example.com"))
    )
    assert envelope.rcpt_tos == ["a@example.com", "b@example.com", "c@example.com", "d@example.com"]
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == ("a@example.com, b@example.com", "c@example.com", None)
    assert b"d@example.com" not in mail.as_bytes()


async def test_attachments_with_any_name_and_content_arrive() -> None:
    files = (
        Attachment("Einladung – Größe.ics", b"BEGIN:VCALENDAR\r\n", "text/calendar"),
        Attachment("日本.bin", bytes(range(256)) * 9),
        Attachment("empty.txt", b"", "text/plain"),
    )
    _, mail = await arrived(changed(attachments=files))
    found = list(mail.iter_attachments())
    assert [each.get_filename() for each in found] == [each.name for each in files]
    assert [each.get_payload(decode=True) for each in found] == [each.content for each in files]
    assert [each.get_content_type() for each in found] == [each.media_type for each in files]
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content() == "Hällo\r\n"


async def test_a_mail_with_all_parts_has_the_same_message_id_each_time() -> None:
    message = changed(cc=("c@example.com",), headers={"X-A": "b"}, attachments=(Attachment("a", b"a"),))
    assert {(await arrived(message))[1]["Message-ID"] for _ in range(2)} == {"<7@example.org>"}


REFUSED: list[dict[str, Any]] = [
    {"headers": {name: value}}
    for name, value in [
        ("X-A", "b\r\nBcc: eve@example.com"),
        ("X-A", "b\nBcc: eve@example.com"),
        ("X-A", "b\0"),
        ("X-A", "b\x85Bcc: eve@example.com"),
        ("X-A", "b\u2028Bcc: eve@example.com"),
        ("X-A", "b\ud800"),
        ("X-A", "b" * (LONGEST_HEADER + 1)),
        ("X-A\r\nBcc", "eve@example.com"),
        ("X-A: b\r\nBcc", "eve@example.com"),
        ("X-Ä", "b"),
        ("List-Unsubscribe", "<https://example.com/ä>"),
        ("Reply-To", "a@example.com, b@example.com"),
        ("Reply-To", "eve"),
        ("Bcc", "eve@example.com"),
        ("To", "eve@example.com"),
        ("From", "eve@example.com"),
        ("Sender", "eve@example.com"),
        ("Subject", "x"),
        ("Message-ID", "<x@y>"),
        ("Content-Type", "text/html"),
        ("", "x"),
    ]
]
REFUSED += [
    {"headers": {"X-A": "1", "x-a": "2"}},
    {"to": ()},
    {"cc": ("a@example.com, eve@example.com",)},
    {"bcc": ("a@example.com\r\nRCPT TO:<eve@example.com>",)},
    {"bcc": tuple(f"a{number}@example.com" for number in range(MOST_RECIPIENTS))},
    {"attachments": (Attachment("a.txt\r\nX-B: c", b""),)},
    {"attachments": (Attachment("../a.txt", b""),)},
    {"attachments": (Attachment('a".txt', b""),)},
    {"attachments": (Attachment("..", b""),)},
    {"attachments": (Attachment("", b""),)},
    {"attachments": (Attachment("a.txt", b"", "text/plain\r\nX-B: c"),)},
    {"attachments": (Attachment("a.txt", b"", "message/rfc822"),)},
    {"attachments": (Attachment("a.txt", b"", "text"),)},
    {"attachments": (Attachment("a", bytes(MOST_ATTACHED_BYTES)), Attachment("b", b"b"))},
]


@pytest.mark.parametrize("parts", REFUSED, ids=range(len(REFUSED)))
async def test_header_and_recipient_injection_is_refused(parts: dict[str, Any]) -> None:
    sink = Sink()
    async with listening(lambda: SMTP(sink)) as mailer:
        with pytest.raises(MailRefused) as refused:
            await mailer.send(changed(**parts))
    assert "eve" not in str(refused.value), "the reason is kept without the value"
    assert sink.envelopes == []


HEADERS = st.dictionaries(st.text(max_size=30) | st.just("X-Name"), st.text(max_size=200), max_size=3)


@hypothesis.settings(deadline=None)
@given(HEADERS, st.text(max_size=80))
def test_no_text_in_a_header_or_file_name_adds_a_header(headers: dict[str, str], name: str) -> None:
    message = changed(headers=headers, attachments=(Attachment(name, b"x"),))
    try:
        made = compose(message, "", "app@example.org").as_bytes()
    except ValueError:
        return
    parsed = email.message_from_bytes(made, policy=email.policy.default)
    own = {"from", "to", "subject", "message-id", "date", "auto-submitted", "mime-version", "content-type"}
    assert {field.lower() for field in parsed} == own | {field.lower() for field in headers}
    [attachment] = parsed.iter_attachments()
    assert {field.lower() for field in attachment} == {
        "content-type", "content-transfer-encoding", "content-disposition", "mime-version",
    }  # fmt: skip


def test_a_template_takes_the_parts_of_a_message(tmp_path: Any) -> None:
    for language in ("en", "de"):
        (tmp_path / language).mkdir()
        (tmp_path / language / "news.txt").write_text("News for {{ name }}\n\nHello")
        (tmp_path / language / "news.html").write_text("<p>{{ name }}</p>")
    file = Attachment("a.txt", b"x")
    texts = Template(tmp_path, "news")
    given = {"headers": {"X-A": "b"}, "attachments": [file], "bcc": ["b@example.com"]}
    made = texts.render(id="1", to=["a@example.com"], language="en", name="A", **given)  # type: ignore[arg-type]
    assert made.recipients == ["a@example.com", "b@example.com"]
    assert (made.subject, made.headers, made.attachments) == ("News for A", {"X-A": "b"}, (file,))


class Choosy(Sink):
    """Answers each recipient as configured."""

    def __init__(self, **answers: str) -> None:
        super().__init__()
        self.answers = answers

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        answer = self.answers.get(address.partition("@")[0], "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    @property
    def served(self) -> list[list[str]]:
        return [each.rcpt_tos for each in self.envelopes]


THREE = changed(to=("a@example.com", "b@example.com"), bcc=("c@example.com",))


async def test_a_temporarily_refused_recipient_is_retried_alone(cache: Cache) -> None:
    """C-312: the others have the mail, and get no second copy."""
    sink = Choosy(b="451 4.7.1 greylisted")
    async with listening(lambda: SMTP(sink), cache=cache) as mailer:
        for _ in range(2):
            with pytest.raises(MailDelayed, match="greylisted"):
                await mailer.send(THREE)
        assert sink.served == [["a@example.com", "c@example.com"]]
        sink.answers.clear()
        await mailer.send(THREE)
        await mailer.send(THREE)
    assert sink.served == [["a@example.com", "c@example.com"], ["b@example.com"]]
    assert {mail["To"] for mail in sink.mails} == {"a@example.com, b@example.com"}
    assert len({mail["Message-ID"] for mail in sink.mails}) == 1


async def test_a_permanently_refused_recipient_does_not_affect_the_others(
    cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    """C-312."""
    sink = Choosy(b="550 5.1.1 <b@example.com> unknown")
    async with listening(lambda: SMTP(sink), cache=cache) as mailer:
        await mailer.send(THREE)
    assert sink.served == [["a@example.com", "c@example.com"]]
    [line] = [record for record in caplog.records if record.name == "api.kernel.mail"]
    assert line.fields["cause"] == "smtp 550 5.1.1 <…@…> unknown"  # type: ignore[attr-defined]


async def test_a_recipient_refused_after_the_others_have_the_mail_is_abandoned(cache: Cache) -> None:
    """C-312."""
    sink = Choosy(b="451 later")
    async with listening(lambda: SMTP(sink), cache=cache) as mailer:
        with pytest.raises(MailDelayed):
            await mailer.send(THREE)
        sink.answers["b"] = "550 5.1.1 unknown"
        await mailer.send(THREE)
    assert sink.served == [["a@example.com", "c@example.com"]]


@pytest.mark.parametrize(("b", "error"), [("550 5.1.1 unknown", MailRefused), ("451 later", MailDelayed)])
async def test_a_mail_is_final_only_if_all_refuse_it_permanently(cache: Cache, b: str, error: type[Exception]) -> None:
    """C-312."""
    sink = Choosy(a="550 5.1.1 unknown", b=b, c="550 5.1.1 unknown")
    async with listening(lambda: SMTP(sink), cache=cache) as mailer:
        with pytest.raises(error):
            await mailer.send(THREE)
    assert sink.served == []


async def test_without_redis_all_get_it_again_with_the_same_message_id() -> None:
    """C-312: delivery is at least once."""
    sink = Choosy(b="451 later")
    async with listening(lambda: SMTP(sink)) as mailer:
        with pytest.raises(MailDelayed):
            await mailer.send(THREE)
        sink.answers.clear()
        await mailer.send(THREE)
    assert [len(each) for each in sink.served] == [2, 3]
    assert len({mail["Message-ID"] for mail in sink.mails}) == 1


async def test_no_address_is_kept_in_redis(cache: Cache) -> None:
    """C-312."""
    async with listening(lambda: SMTP(Choosy(b="451 later")), cache=cache) as mailer:
        with pytest.raises(MailDelayed):
            await mailer.send(THREE)
    [key] = await cache.execute("KEYS", "*")
    assert b"example" not in b"".join([key, *await cache.execute("SMEMBERS", key)])
    assert 0 < await cache.execute("TTL", key) <= 86_400
