"""Message, and its ways out: SMTP, or memory for tests. A feature keeps its texts in emails/ beside the task that
sends them, a folder for each language: en/verify.txt, whose first line is the subject, and en/verify.html."""

import email.message
import email.policy
import email.utils
import ssl
from pathlib import Path
from typing import Protocol

import aiosmtplib
import jinja2
import msgspec
from opentelemetry.trace import SpanKind

from api.kernel.settings import Settings, address
from api.kernel.telemetry import span

LANGUAGES = ("en", "de")
SEND_SECONDS = 10.0

# The first that a User-Agent contains: Edge and Opera call themselves Chrome too, and that Safari.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to one address. `id` becomes the Message-ID: the same for every attempt, so that receivers drop a
    second copy."""

    id: str
    to: str
    subject: str
    text: str
    html: str


class MailRefused(Exception):
    """Nobody will ever take this mail: the server says so of its recipient or content (5xx), or it is no mail at all;
    sending it again is no use."""


class Mailer(Protocol):
    async def send(self, message: Message) -> None:
        """Hand the mail over. Raises MailRefused, or OSError and TimeoutError where trying later may help."""


class SmtpMailer:
    def __init__(self, settings: Settings) -> None:
        self._smtp = settings.smtp
        self._from = settings.mail_from
        self._domain = settings.mail_from.rpartition("@")[2]
        self._tls = ssl.create_default_context() if settings.smtp.tls != "none" else None

    async def send(self, message: Message) -> None:
        try:
            mail = self._compose(message)
        except ValueError:  # a line break in a header, a second address: an injection, or a mistake that stays one
            raise MailRefused("not a mail") from None
        try:
            with span("smtp send", SpanKind.CLIENT, attributes={"server.address": self._smtp.host}):
                # The envelope's recipient is given apart: an address with a comma in a header would be several.
                await aiosmtplib.send(
                    mail,
                    sender=self._from,
                    recipients=[message.to],
                    hostname=self._smtp.host,
                    port=self._smtp.port,
                    username=self._smtp.username,
                    password=self._smtp.password,
                    use_tls=self._smtp.tls == "implicit",
                    start_tls=self._smtp.tls == "starttls",
                    tls_context=self._tls,
                    timeout=SEND_SECONDS,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _meaning(error.recipients[0].code) from None
        except aiosmtplib.SMTPDataError as error:
            raise _meaning(error.code) from None
        except aiosmtplib.SMTPException as error:  # a login or a sender that is refused (5xx too) is ours to mend
            raise OSError(f"smtp: {type(error).__name__}") from None

    def _compose(self, message: Message) -> email.message.EmailMessage:
        mail = email.message.EmailMessage(email.policy.SMTP)
        mail["From"] = self._from
        mail["To"] = address(message.to)
        mail["Subject"] = message.subject
        mail["Message-ID"] = f"<{message.id}@{self._domain}>"
        mail["Date"] = email.utils.format_datetime(email.utils.localtime())
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        return mail


def _meaning(code: int) -> Exception:
    """What a server's reply code means (RFC 5321 §4.2.1); its text may quote the address and stays out of the logs."""
    return MailRefused(f"smtp {code}") if code >= 500 else OSError(f"smtp {code}")


class MemoryMailer:
    """Keeps what is sent, newest last."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def send(self, message: Message) -> None:
        self.sent.append(message)


class Template:
    """A mail's text and HTML in a feature's emails/<language>/ folder, inside the one layout. Missing files and missing
    values are errors, the former at start."""

    def __init__(self, folder: Path, name: str) -> None:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([folder, Path(__file__).parent / "emails"]),
            undefined=jinja2.StrictUndefined,
            autoescape=jinja2.select_autoescape(["html"]),
        )
        self._parts = {
            language: [environment.get_template(f"{language}/{name}.{kind}") for kind in ("txt", "html")]
            for language in LANGUAGES
        }

    def render(self, *, id: str, to: str, language: str, **values: object) -> Message:
        """The mail in that language of LANGUAGES."""
        text, html = (part.render(values, language=language) for part in self._parts[language])
        subject, _, text = text.partition("\n")
        return Message(id=id, to=to, subject=subject.strip(), text=text.strip() + "\n", html=html)


def language_of(accepted: str) -> str:
    """The one of LANGUAGES that an Accept-Language header likes best (RFC 9110 §12.5.4, by order: browsers send it
    sorted), English where it likes none."""
    wanted = (part.partition(";")[0].strip().lower().partition("-")[0] for part in accepted[:200].split(","))
    return next((language for language in wanted if language in LANGUAGES), LANGUAGES[0])


def browser_of(user_agent: str | None) -> str | None:
    """The browser's name in our words, since the client writes its User-Agent and could put any text into a mail."""
    return _word(BROWSERS, user_agent)


def system_of(user_agent: str | None) -> str | None:
    """The same for the operating system."""
    return _word(SYSTEMS, user_agent)


def _word(words: dict[str, str], user_agent: str | None) -> str | None:
    return next((word for part, word in words.items() if part in (user_agent or "")), None)
