"""A mail as it arrives, with one recipient; and the templates of texts."""

from pathlib import Path
from typing import Any

import jinja2
import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.mail import LANGUAGES, MailDelayed, MailRefused, MemoryMailer, Template, language_of
from api.kernel.mime import compose
from tests.kernel.smtp import MESSAGE, Sink, listening
from tests.processes import ROOT


async def test_a_mail_arrives_as_it_was_written() -> None:
    sink = Sink()
    async with listening(lambda: SMTP(sink)) as mailer:
        await mailer.send(MESSAGE)
    [envelope], [arrived] = sink.envelopes, sink.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("app@example.org", ["ada@example.com"])
    assert (arrived["From"], arrived["To"], arrived["Subject"]) == ("app@example.org", "ada@example.com", "Grüße")
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Date"].datetime.tzinfo is not None
    text, html = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (text.get_content(), html.get_content()) == ("Hällo\r\n", "<p>Hällo</p>\r\n")


async def test_every_attempt_has_the_same_message_id() -> None:
    sink = Sink()
    async with listening(lambda: SMTP(sink)) as mailer:
        for _ in range(2):
            await mailer.send(MESSAGE)
    assert [each["Message-ID"] for each in sink.mails] == ["<7@example.org>"] * 2


async def test_the_client_authenticates_if_the_url_has_a_password() -> None:
    sink = Sink()

    def check(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=isinstance(given, LoginPassword) and given.password == b"pw", handled=False)

    def make() -> SMTP:
        return SMTP(sink, authenticator=check, auth_require_tls=False)

    async with listening(make, secret="pw") as mailer:
        await mailer.send(MESSAGE)
    assert len(sink.envelopes) == 1
    async with listening(make, secret="wrong") as mailer:
        with pytest.raises(MailDelayed, match="smtp 535 "):  # not the mail's fault: retry
            await mailer.send(MESSAGE)


INJECTIONS = [
    {"to": "ada@example.com, eve@example.com"},
    {"to": "ada@example.com;eve@example.com"},
    {"to": "ada@example.com\r\nBcc: eve@example.com"},
    {"to": '"ada@example.com" <eve@example.com>'},
    {"to": "ada@example.com(eve)@example.org"},
    {"to": "ada"},
    {"to": ""},
    {"subject": "Hello\r\nBcc: eve@example.com"},
    {"id": "7>\r\nBcc: eve@example.com"},
    {"text": "\ud800"},
]


@pytest.mark.parametrize("changed", INJECTIONS, ids=range(len(INJECTIONS)))
async def test_an_invalid_mail_is_never_sent(changed: dict[str, str]) -> None:
    sink = Sink()
    async with listening(lambda: SMTP(sink)) as mailer:
        with pytest.raises(MailRefused):
            await mailer.send(msgspec.structs.replace(MESSAGE, **changed))
    assert sink.envelopes == []


async def test_memory_keeps_what_is_sent() -> None:
    mailer = MemoryMailer()
    await mailer.send(MESSAGE)
    assert mailer.sent == [MESSAGE]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for language in ("en", "de"):
        (tmp_path / language).mkdir()
        hello = "Hello" if language == "en" else "Hallo"
        (tmp_path / language / "hello.txt").write_text(hello + " {{ name }}\n\nYour link: {{ link }}\n\n\n")
        (tmp_path / language / "hello.html").write_text("<p title='{{ name }}'>{{ name }}</p>")
    return tmp_path


def test_the_first_line_is_the_subject_and_the_html_is_escaped(folder: Path) -> None:
    name = "<script>alert(1)</script> & '\"{{ 7*7 }}"
    made = Template(folder, "hello").render(id="1", to="a@example.com", language="en", name=name, link="https://x/#t")
    assert made.subject == f"Hello {name}"
    assert made.text == "Your link: https://x/#t\n"
    assert "<script>" not in made.html
    assert "&lt;script&gt;" in made.html
    assert "'\"" not in made.html
    assert (made.id, made.to) == ("1", "a@example.com")


def test_a_missing_value_is_an_error(folder: Path) -> None:
    with pytest.raises(jinja2.UndefinedError):
        Template(folder, "hello").render(id="1", to="a@example.com", language="en", name="Ada")


def test_a_missing_template_is_reported_at_start(folder: Path) -> None:
    (folder / "de" / "hello.html").unlink()
    with pytest.raises(FileNotFoundError):
        Template(folder, "hello")


@pytest.mark.parametrize("path", sorted(ROOT.glob("api/*/emails/en/*.txt")), ids=lambda path: path.stem)
def test_the_templates_of_features_compile(path: Path) -> None:
    """They are compiled by the first mail, not at start."""
    assert set(Template(path.parents[1], path.stem).parts) == set(LANGUAGES)


@pytest.mark.parametrize(("language", "subject"), [("en", "Hello Ada"), ("de", "Hallo Ada")])
def test_a_mail_has_its_recipients_language(folder: Path, language: str, subject: str) -> None:
    (folder / language / "hello.html").write_text("{{ language }}")
    made = Template(folder, "hello").render(id="1", to="a@example.com", language=language, name="Ada", link="x")
    assert (made.subject, made.html) == (subject, language)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT, en;q=0.5", "de"),
        ("DE-de,de;q=0.9", "de"),
        ("fr-CH, fr;q=0.9, de;q=0.7, en;q=0.6", "de"),
        ("fr, en;q=0.8, de;q=0.7", "en"),
        ("dev, english", "en"),
        ("*", "en"),
        (",;q=,-,de", "de"),
        ("x" * 8000 + ", de", "en"),
    ],
)
def test_the_first_supported_language_of_the_browser(accepted: str, language: str) -> None:
    """C-19: a header of 8 kB is not searched."""
    assert language_of(accepted) == language


@given(st.text(max_size=300))
def test_no_header_adds_a_language(accepted: str) -> None:
    assert language_of(accepted) in LANGUAGES


@given(st.text())
async def test_no_name_adds_a_header(name: str) -> None:
    """A subject contains a name that a user chose."""
    try:
        made = compose(msgspec.structs.replace(MESSAGE, subject=f"Hello {name}"), "", "app@example.org")
        head = made.as_bytes().split(b"\r\n\r\n")[0]
    except ValueError:
        return
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert sorted(names) == sorted(
        [b"From", b"To", b"Subject", b"Message-ID", b"Date", b"Auto-Submitted", b"MIME-Version", b"Content-Type"]
    )
