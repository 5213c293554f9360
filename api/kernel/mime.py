"""Message and Attachment, and their wire format (RFC 5322, MIME). Headers, addresses and file names are validated
before they are written: a line break in one of them would add a header or a recipient."""

import email.headerregistry
import email.message
import email.policy
import email.utils
import re
from collections.abc import Mapping
from uuid import UUID

import msgspec

from api.kernel.settings import address, sender

MOST_RECIPIENTS = 100
"""Servers accept at least this many per transaction (RFC 5321 §4.5.3.1.8)."""
MOST_ATTACHED_BYTES = 10 * 1024 * 1024
"""Total size of the attachments of a mail; base64 adds a third, and many servers reject more than 20 MB."""
LONGEST_HEADER = 900
"""Characters; a line has at most 998 (RFC 5322 §2.1.1)."""
_HEADERS = {"reply-to", "in-reply-to", "references", "precedence", "feedback-id", "importance"}
_HEADER = re.compile(r"(?i)(list|x)-[a-z0-9-]{1,60}")
_ASCII_HEADER = re.compile(r"(?i)list-.*|in-reply-to|references")
_MEDIA_TYPE = re.compile(r"(?!multipart/|message/)([a-z]+)/([a-z0-9][a-z0-9.+-]{0,100})")


class Malformed(ValueError):
    """A part of a mail is invalid; the message says which, without quoting it."""


class Attachment(msgspec.Struct, frozen=True):
    """A file of a mail. `media_type` is like `text/calendar`; non-ASCII names are encoded by RFC 2231."""

    name: str
    content: bytes
    media_type: str = "application/octet-stream"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A mail. `id` becomes the Message-ID, the same for every attempt, so that receivers drop duplicates. `to`, `cc`
    and `bcc` are addresses without names; `bcc` is in no header. `headers` may be Reply-To, In-Reply-To, References,
    Precedence, Importance, Feedback-ID, List-… and X-…. `template` (its name), `language` and `account` (the recipient)
    are not sent: the record of sent mails has them."""

    id: str
    to: str | tuple[str, ...]
    subject: str
    text: str
    html: str
    template: str = ""
    language: str = ""
    account: UUID | None = None
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    attachments: tuple[Attachment, ...] = ()

    @property
    def recipients(self) -> list[str]:
        """The addresses of `to`, `cc` and `bcc`, without duplicates."""
        to = (self.to,) if isinstance(self.to, str) else self.to
        return list(dict.fromkeys((*to, *self.cc, *self.bcc)))


class _OneLine(email.headerregistry.UnstructuredHeader):
    """Keeps ASCII headers on one line. Python folds long headers by encoding words (RFC 2047), which readers of
    List-Unsubscribe and References do not decode."""

    def fold(self, *, policy: email.policy.Policy) -> str:
        line = f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]  # an instance is also a BaseHeader
        return line if line.isascii() else str(super().fold(policy=policy))  # type: ignore[misc]


_POLICY = email.policy.SMTP.clone(header_factory=email.headerregistry.HeaderRegistry(default_class=_OneLine))


def compose(message: Message, name: str, address_: str) -> email.message.EmailMessage:
    """Build the mail with this sender. Raises ValueError if a part is invalid or too large."""
    if not 1 <= len(message.recipients) <= MOST_RECIPIENTS:
        raise Malformed(f"a mail must have 1 to {MOST_RECIPIENTS} recipients")
    to = (message.to,) if isinstance(message.to, str) else message.to
    mail = email.message.EmailMessage(_POLICY)
    mail["From"] = email.headerregistry.Address(name, addr_spec=address_)
    for field, addresses in (("To", to), ("Cc", message.cc)):
        if addresses:
            mail[field] = ", ".join(map(address, addresses))
    for each in message.bcc:
        address(each)
    mail["Subject"] = message.subject
    mail["Message-ID"] = f"<{message.id}@{address_.rpartition('@')[2]}>"
    mail["Date"] = email.utils.format_datetime(email.utils.localtime())
    mail["Auto-Submitted"] = "auto-generated"
    for field, value in message.headers.items():
        _add_header(mail, field, value)
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    if sum(len(each.content) for each in message.attachments) > MOST_ATTACHED_BYTES:
        raise Malformed(f"attachments have more than {MOST_ATTACHED_BYTES} bytes")
    for attachment in message.attachments:
        _attach(mail, attachment)
    return mail


def _add_header(mail: email.message.EmailMessage, field: str, value: str) -> None:
    if field.lower() not in _HEADERS and not _HEADER.fullmatch(field):
        raise Malformed("a header is not allowed")
    if field in mail:
        raise Malformed("a header is set twice")
    if not value.isprintable() or len(value) > LONGEST_HEADER:
        raise Malformed(f"a header must be one line of at most {LONGEST_HEADER} printable characters")
    if _ASCII_HEADER.fullmatch(field) and not value.isascii():
        raise Malformed("this header must be ASCII")
    if field.lower() == "reply-to":
        name, addr_spec = email.utils.parseaddr(sender(value))
        mail[field] = email.headerregistry.Address(name, addr_spec=addr_spec)
    else:
        mail[field] = value


def _attach(mail: email.message.EmailMessage, attachment: Attachment) -> None:
    media_type = _MEDIA_TYPE.fullmatch(attachment.media_type)
    if media_type is None:
        raise Malformed("an attachment's media type must be like text/calendar")
    name = attachment.name
    if not name.strip(". ") or not name.isprintable() or len(name) > 200 or set(name) & set('/\\"'):
        raise Malformed("an attachment's name must be a file name of at most 200 printable characters")
    mail.add_attachment(attachment.content, maintype=media_type[1], subtype=media_type[2], filename=name)
