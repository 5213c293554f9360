"""Mailers, which send a Message by SMTP or store it in memory for tests, and templates: a feature keeps its texts in
emails/ beside its tasks, in one folder per language: en/verify.txt, whose first line is the subject, and
en/verify.html.

aiosmtplib and jinja2 are imported by the first mail: web processes send none."""

import contextlib
import email.utils
import functools
import hashlib
import logging
import re
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from opentelemetry.trace import SpanKind

from api.kernel.config.pem import client_context
from api.kernel.data.cache import Cache, CacheUnavailable
from api.kernel.mime import Attachment, Malformed, Message, compose
from api.kernel.settings import Settings
from api.kernel.telemetry import span
from api.kernel.telemetry.outages import Outage, causes, connection_remedy, only_tls, scrubbed, speaks_tls, words_of

if TYPE_CHECKING:
    import aiosmtplib
    import jinja2

logger = logging.getLogger(__name__)

LANGUAGES = ("en", "de")
SEND_SECONDS = 10.0
REMEMBERED_SECONDS = 86_400
"""Longer than the retries of a task."""
_DELIVERED = "mail:delivered:"
# RFC 3463. Final: errors of the recipient's address (5.1.x, except 5.1.7 and 5.1.8, the sender's), a disabled mailbox
# (5.2.1), and errors of this mail (5.2.3, 5.6.x). Temporary, for the operator to fix: a full mailbox and errors of the
# server's system, routing, protocol and policy (5.2.2, 5.3.x, 5.4.x, 5.5.x, 5.7.x).
_ENHANCED = re.compile(r"([45]\.\d{1,3}\.\d{1,3})(?!\S)")
_FINAL = re.compile(r"5\.(1\.(?![78]$)\d+|2\.[13]|6\.\d+)")
# For replies without such a code: the final replies of RFC 5321 and RFC 7504 about mailboxes and domains.
_FINAL_REPLIES = (501, 550, 551, 553, 556)
_NOT_AUTHENTICATED = (530, 534, 535, 538)

# The first match in a User-Agent counts: Edge and Opera also contain Chrome, and Chrome contains Safari.
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


class MailRefused(Exception):
    """The mail cannot be delivered: the server permanently rejects its recipients or content, or it is malformed."""


class MailDelayed(OSError):
    """The mail server does not accept this mail now; a retry may succeed."""


class Mailer(Protocol):
    outage: Outage

    async def send(self, message: Message) -> str:
        """Send the mail. Returns the server's reply. Raises MailRefused, or MailDelayed if a retry may succeed."""


class SmtpMailer:
    """Sends a mail to all of its recipients in one SMTP transaction. If the server accepts only some recipients, the
    others are retried after a temporary error and dropped after a final one. `cache` stores who has received it, so
    that a retry does not send it to them again."""

    def __init__(self, settings: Settings, cache: Cache | None = None) -> None:
        self._smtp = settings.smtp
        self._name, self._from = email.utils.parseaddr(settings.mail_from)
        self._cache = cache
        self.outage = Outage("smtp", logger)

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext | None:
        return client_context(self._smtp.ca_cert) if self._smtp.tls != "none" else None

    async def send(self, message: Message) -> str:
        try:
            mail = compose(message, self._name, self._from).as_bytes()
        except (
            ValueError
        ) as fault:  # such as a line break in a header or a second address: an injection, or a permanent mistake
            raise MailRefused(str(fault) if isinstance(fault, Malformed) else "not a mail") from None
        delivered = await self._delivered(message)
        pending = [each for each in message.recipients if _digest(each) not in delivered]
        refused, reply = await self._hand_over(mail, pending)
        if len(message.recipients) > 1 and len(refused) < len(pending):
            await self._remember(message, [each for each in pending if each not in refused])
        refusals = [self._refusal(each) for each in refused.values()]
        for refusal in refusals:
            if isinstance(refusal, MailDelayed):
                raise refusal
        if refusals and len(refused) == len(message.recipients):
            raise refusals[0]
        for refusal in refusals:
            fields = {"id": message.id, "cause": str(refusal), "recipients": len(message.recipients)}
            logger.warning("a mail was rejected for one of several recipients", extra={"fields": fields})
        return reply

    async def _hand_over(
        self, mail: bytes, recipients: list[str]
    ) -> "tuple[dict[str, aiosmtplib.SMTPResponseException], str]":
        """Send the mail to these recipients. Returns the rejected ones and the server's reply. Raises MailRefused or
        MailDelayed for errors that do not concern a recipient."""
        import aiosmtplib

        if not recipients:
            return {}, ""
        try:
            with span("smtp send", SpanKind.CLIENT, attributes={"server.address": self._smtp.host}):
                # The envelope's recipients are passed explicitly: an address with a comma would become several.
                refused, reply = await aiosmtplib.send(
                    mail,
                    sender=self._from,
                    recipients=recipients,
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
            return {each.recipient: each for each in error.recipients}, ""
        except aiosmtplib.SMTPResponseException as error:
            raise self._refusal(error) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            cause = words_of(error.__cause__ or error)
            self.outage.tell(cause, await self._remedy(error))
            raise MailDelayed(f"smtp: {cause}") from None
        self.outage.note(None)
        rejected: dict[str, aiosmtplib.SMTPResponseException] = {
            recipient: aiosmtplib.SMTPRecipientRefused(each.code, each.message, recipient)
            for recipient, each in refused.items()
        }
        return rejected, scrubbed(reply)

    async def _delivered(self, message: Message) -> set[bytes]:
        """Digests of the recipients who received it in an earlier attempt."""
        if self._cache and len(message.recipients) > 1:
            with contextlib.suppress(CacheUnavailable):  # otherwise some get it twice, with the same Message-ID
                return set(await self._cache.execute("SMEMBERS", _DELIVERED + message.id))
        return set()

    async def _remember(self, message: Message, recipients: list[str]) -> None:
        if self._cache:
            with contextlib.suppress(CacheUnavailable):
                await self._cache.execute("SADD", _DELIVERED + message.id, *map(_digest, recipients))
                await self._cache.execute("EXPIRE", _DELIVERED + message.id, REMEMBERED_SECONDS)

    async def _remedy(self, error: Exception) -> str | None:
        if "STARTTLS extension not supported" in str(error):
            return "the mail server offers no STARTTLS: check SMTP_URL"
        if "AUTH extension is not supported" in str(error):
            return "the mail server accepts no credentials, or only over TLS: check SMTP_URL"
        refused = any(isinstance(each, ConnectionRefusedError) for each in causes(error))
        # A server that expects a TLS handshake sends no greeting, so the client only sees a timeout.
        if self._smtp.tls != "implicit" and not refused and await speaks_tls(self._smtp.host, self._smtp.port):
            return only_tls("SMTP_URL")
        return connection_remedy(error, "SMTP_URL", "SMTP_CA_CERT")

    def _refusal(self, error: "aiosmtplib.SMTPResponseException") -> Exception:
        """Map a reply to an exception. Its text may contain the address, never the password."""
        import aiosmtplib

        reply = f"smtp {error.code} {scrubbed(error.message)}".strip()
        about_mail = isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
        if about_mail and _is_final(error.code, error.message):
            return MailRefused(reply)
        if error.code in _NOT_AUTHENTICATED:
            self.outage.tell(reply, "the mail server requires other credentials or TLS: check SMTP_URL")
        elif error.code >= 500 and not error.message.startswith("5.2.2"):  # a full mailbox is not our misconfiguration
            self.outage.tell(reply, "the mail server rejects our mail: check MAIL_FROM, relaying and its policy")
        elif not about_mail:
            self.outage.tell(reply)
        return MailDelayed(reply)


def _digest(recipient: str) -> bytes:
    """Digest of a recipient: addresses are not stored in Redis."""
    return hashlib.sha256(recipient.encode()).digest()[:16]


def _is_final(code: int, text: str) -> bool:
    """Whether a reply means that a retry is useless (RFC 3463, RFC 5321 §4.2)."""
    enhanced = _ENHANCED.match(text)
    return code >= 500 and bool(_FINAL.fullmatch(enhanced[1])) if enhanced else code in _FINAL_REPLIES


class MemoryMailer:
    """Stores sent messages, newest last."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.outage = Outage("smtp", logger)

    async def send(self, message: Message) -> str:
        self.sent.append(message)
        return "OK"


class Template:
    """Text and HTML of a mail in a feature's emails/<language>/ folder, inside the common layout. A missing file is an
    error at start, a missing value an error when rendering. The first mail compiles the files."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder
        self._names = {language: [f"{language}/{name}.{kind}" for kind in ("txt", "html")] for language in LANGUAGES}
        for names in self._names.values():
            for each in names:
                (folder / each).stat()  # raises FileNotFoundError

    @functools.cached_property
    def parts(self) -> "dict[str, list[jinja2.Template]]":
        """The compiled text and HTML in each language."""
        import jinja2

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([self._folder, Path(__file__).parent / "emails"]),
            undefined=jinja2.StrictUndefined,
            autoescape=jinja2.select_autoescape(["html"]),
        )
        return {language: [*map(environment.get_template, names)] for language, names in self._names.items()}

    def render(
        self,
        *,
        id: str,
        to: str | Sequence[str],
        language: str,
        account: UUID | None = None,
        cc: Sequence[str] = (),
        bcc: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        attachments: Sequence[Attachment] = (),
        **values: object,
    ) -> Message:
        """Render the mail in a language of LANGUAGES, with `values` for the template; see `Message` for the other
        parameters."""
        text, html = (part.render(values, language=language) for part in self.parts[language])
        subject, _, text = text.partition("\n")
        return Message(
            id=id,
            to=to if isinstance(to, str) else tuple(to),
            subject=subject.strip(),
            text=text.strip() + "\n",
            html=html,
            template=self.name,
            language=language,
            account=account,
            cc=tuple(cc),
            bcc=tuple(bcc),
            headers=headers or {},
            attachments=tuple(attachments),
        )


def language_of(accepted: str) -> str:
    """The first of LANGUAGES in an Accept-Language header (RFC 9110 §12.5.4; browsers sort it by preference), or
    English."""
    wanted = (part.partition(";")[0].strip().lower().partition("-")[0] for part in accepted[:200].split(","))
    return next((language for language in wanted if language in LANGUAGES), LANGUAGES[0])


def browser_of(user_agent: str | None) -> str | None:
    """The browser's name from a fixed list: clients control the User-Agent, and must not put text into a mail."""
    return _word(BROWSERS, user_agent)


def system_of(user_agent: str | None) -> str | None:
    """The operating system's name from a fixed list."""
    return _word(SYSTEMS, user_agent)


def _word(words: dict[str, str], user_agent: str | None) -> str | None:
    return next((word for part, word in words.items() if part in (user_agent or "")), None)
