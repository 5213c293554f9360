"""Message, and its ways out: SMTP, or memory for tests. A feature keeps its texts in emails/ beside the task that
sends them, a folder for each language: en/verify.txt, whose first line is the subject, and en/verify.html."""

import email.headerregistry
import email.message
import email.policy
import email.utils
import logging
import re
from pathlib import Path
from typing import Protocol

import aiosmtplib
import jinja2
import msgspec
from opentelemetry.trace import SpanKind

from api.kernel.config.pem import client_context
from api.kernel.settings import Settings, address
from api.kernel.telemetry import span
from api.kernel.telemetry.outages import Outage, causes, connection_remedy, only_tls, scrubbed, speaks_tls, words_of

logger = logging.getLogger(__name__)

LANGUAGES = ("en", "de")
SEND_SECONDS = 10.0
# RFC 3463: what no retry changes is about the recipient's address (5.1.x, but not 5.1.7 and 5.1.8, the sender's), a
# mailbox that is disabled (5.2.1), or this mail (5.2.3, 5.6.x). A full mailbox, the server's system, routing, protocol
# and policy (5.2.2, 5.3.x, 5.4.x, 5.5.x, 5.7.x) may change, and are for the sender to look into.
_ENHANCED = re.compile(r"([45]\.\d{1,3}\.\d{1,3})(?!\S)")
_FINAL = re.compile(r"5\.(1\.(?![78]$)\d+|2\.[13]|6\.\d+)")
# Where the reply has no such code: what RFC 5321 and RFC 7504 say of mailboxes and domains.
_FINAL_REPLIES = (501, 550, 551, 553, 556)
_NOT_LET_IN = (530, 534, 535, 538)

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
    """This mail will never be taken: the server says so of its recipient or content, or it is not a valid mail."""


class MailDelayed(OSError):
    """The mail server does not take this mail now, and may later."""


class Mailer(Protocol):
    outage: Outage

    async def send(self, message: Message) -> None:
        """Hand the mail over. Raises MailRefused, or MailDelayed where trying later may help."""


class SmtpMailer:
    def __init__(self, settings: Settings) -> None:
        self._smtp = settings.smtp
        self._name, self._from = email.utils.parseaddr(settings.mail_from)
        self._domain = self._from.rpartition("@")[2]
        self._tls = client_context(settings.smtp.ca_cert) if settings.smtp.tls != "none" else None
        self.outage = Outage("smtp", logger)

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
            raise self._refusal(error.recipients[0]) from None
        except aiosmtplib.SMTPResponseException as error:
            raise self._refusal(error) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            cause = words_of(error.__cause__ or error)
            self.outage.tell(cause, await self._remedy(error))
            raise MailDelayed(f"smtp: {cause}") from None
        self.outage.note(None)

    async def _remedy(self, error: Exception) -> str | None:
        if "STARTTLS extension not supported" in str(error):
            return "the mail server offers no STARTTLS: check SMTP_URL"
        if "AUTH extension is not supported" in str(error):
            return "the mail server takes no name and password here, or only over TLS: check SMTP_URL"
        refused = any(isinstance(each, ConnectionRefusedError) for each in causes(error))
        # A server that waits for a handshake sends no greeting: the client has no error but the time that passed.
        if self._smtp.tls != "implicit" and not refused and await speaks_tls(self._smtp.host, self._smtp.port):
            return only_tls("SMTP_URL")
        return connection_remedy(error, "SMTP_URL", "SMTP_CA_CERT")

    def _refusal(self, error: aiosmtplib.SMTPResponseException) -> Exception:
        """What a reply means. Its text may quote the address, the sender's password never."""
        said = f"smtp {error.code} {scrubbed(error.message)}".strip()
        about_mail = isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
        if about_mail and _is_final(error.code, error.message):
            return MailRefused(said)
        if error.code in _NOT_LET_IN:
            self.outage.tell(said, "the mail server wants another name, password or TLS: check SMTP_URL")
        elif error.code >= 500 and not error.message.startswith("5.2.2"):  # a full mailbox is nobody's fault here
            self.outage.tell(said, "the mail server refuses us: ask it about MAIL_FROM, relaying and its policy")
        elif not about_mail:
            self.outage.tell(said)
        return MailDelayed(said)

    def _compose(self, message: Message) -> email.message.EmailMessage:
        mail = email.message.EmailMessage(email.policy.SMTP)
        mail["From"] = email.headerregistry.Address(self._name, addr_spec=self._from)
        mail["To"] = address(message.to)
        mail["Subject"] = message.subject
        mail["Message-ID"] = f"<{message.id}@{self._domain}>"
        mail["Date"] = email.utils.format_datetime(email.utils.localtime())
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        return mail


def _is_final(code: int, text: str) -> bool:
    """Whether a reply says that sending the mail again is no use (RFC 3463, RFC 5321 §4.2)."""
    enhanced = _ENHANCED.match(text)
    return code >= 500 and bool(_FINAL.fullmatch(enhanced[1])) if enhanced else code in _FINAL_REPLIES


class MemoryMailer:
    """Keeps what is sent, newest last."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.outage = Outage("smtp", logger)

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
