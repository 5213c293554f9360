"""Caught mail: parses the .eml files of a folder and renders the page that shows them.

Mail is untrusted input even here: everything is escaped except its HTML part, which is shown in a frame without
scripts."""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import HeaderParser
from functools import lru_cache
from html import escape
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dev.files import write_whole

SHOWN = 200
ID = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+", re.ASCII)
LINK = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]}']")
HEADERS = {
    # Mail uses inline styles; everything else is disabled, and the frame inherits the policy.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.3rem } h2 { font-size: 1rem; margin: 1.5rem 0 .5rem }
table { width: 100%; border-collapse: collapse }
td, th { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #8884; overflow-wrap: anywhere }
time { white-space: nowrap; font-variant-numeric: tabular-nums }
iframe { width: 100%; height: 26rem; border: 1px solid #8884; background: #fff; color-scheme: light }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; padding: 1rem; border: 1px solid #8884 }
"""


@dataclass(frozen=True)
class Mail:
    """A caught mail. `time` is the time of receipt, RFC 3339 in UTC; `recipients` are those of the envelope."""

    id: str
    time: str
    sender: str
    recipients: str
    subject: str
    text: str
    html: str


def store(folder: Path, number: int, sender: str, recipients: list[str], content: bytes) -> None:
    """Write a mail as `<time>-<number>.eml`, with its envelope in two additional header fields."""
    envelope = f"Return-Path: <{sender.strip('<>')}>\r\nX-Envelope-To: {', '.join(recipients)}\r\n"
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z-{number:04}.eml"
    write_whole(folder / name, envelope.encode("utf-8", "surrogateescape") + content)


@lru_cache(maxsize=2 * SHOWN)  # files never change
def read(path: Path) -> Mail:
    """Read a mail. Unparseable parts are shown raw."""
    content = path.read_bytes()
    raw = content.decode("utf-8", "replace")
    time = datetime.strptime(path.stem.partition("-")[0], "%Y%m%dT%H%M%S.%f%z").isoformat().replace("+00:00", "Z")
    try:
        headers = HeaderParser().parsestr(raw)
        sender, subject = (
            _decoded(headers["From"] or headers.get("Return-Path", "").strip("<>")),
            _decoded(headers["Subject"]),
        )
        recipients = _decoded(headers["X-Envelope-To"] or headers["To"])
        message = message_from_bytes(content)
        text, html = _content(message, "text/plain"), _content(message, "text/html")
    except (MessageError, LookupError, ValueError, RecursionError) as error:
        return Mail(path.stem, time, "", "", f"(unreadable: {type(error).__name__})", raw, "")
    return Mail(path.stem, time, sender, recipients, subject, text if text or html else raw[:100_000], html)


def _decoded(value: str | None) -> str:
    """Return a header's text (RFC 2047), or the raw header if its encoding is broken."""
    unfolded = re.sub(r"\r?\n[ \t]*", " ", value or "")
    if "=?" not in unfolded:
        return unfolded
    try:
        return str(make_header(decode_header(unfolded)))
    except (MessageError, LookupError, ValueError):
        return unfolded


def _content(message: Message, content_type: str) -> str:
    """Return the text of the first part of that type that is not an attachment, or ""."""
    for part in message.walk():
        if part.get_content_type() == content_type and part.get_content_disposition() != "attachment":
            content = part.get_payload(decode=True)
            if not isinstance(content, bytes):
                continue
            try:
                return content.decode(part.get_content_charset("utf-8"), "replace")
            except LookupError:  # an unknown charset
                return content.decode("utf-8", "replace")
    return ""


def page(folder: Path) -> Starlette:
    """Return the mailbox application: `/` lists mails, `/mail/{id}` shows one, `/messages` is the list as JSON, newest
    first, at most 200; `/messages?to=ADDRESS` lists those of them to one address."""

    def newest() -> list[Mail]:
        paths = [path for path in folder.glob("*.eml") if ID.fullmatch(path.stem)]
        return [read(path) for path in sorted(paths, reverse=True)[:SHOWN]]

    def show_list(request: Request) -> Response:
        return HTMLResponse(_list(newest(), folder), headers=HEADERS | {"Refresh": "5"})

    def show_mail(request: Request) -> Response:
        path = folder / f"{request.path_params['id']}.eml"
        if not ID.fullmatch(path.stem) or not path.is_file():
            raise HTTPException(404, headers=HEADERS)
        return HTMLResponse(_letter(read(path)), headers=HEADERS)

    def list_messages(request: Request) -> Response:
        to = request.query_params.get("to")
        mails = [asdict(mail) for mail in newest() if to is None or to in mail.recipients.split(", ")]
        return JSONResponse(
            [{"from": mail.pop("sender"), "to": mail.pop("recipients"), **mail} for mail in mails], headers=HEADERS
        )

    # A hostile page could resolve its own name to this address to read the mail, but cannot change the Host field.
    only_local = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    routes = [Route("/", show_list), Route("/mail/{id}", show_mail), Route("/messages", list_messages)]
    return Starlette(routes=routes, middleware=[only_local])


def _document(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title><base target="_blank"><style>{STYLE}</style><body>{body}</body></html>'
    )


def _list(mails: list[Mail], folder: Path) -> str:
    rows = "".join(
        f"<tr><td><time>{mail.time[:19].replace('T', ' ')}</time><td>{escape(mail.recipients)}"
        f'<td><a target="_self" href="/mail/{mail.id}">{escape(mail.subject) or "(no subject)"}</a>'
        for mail in mails
    )
    table = f"<table><tr><th>Time (UTC)<th>To<th>Subject{rows}</table>" if mails else "<p>No mail yet."
    note = f"<p><small>At most the newest {SHOWN}; each is a file in {escape(str(folder))}.</small>"
    return _document("Mailbox", f"<h1>Mailbox</h1>{table}{note}")


def _letter(mail: Mail) -> str:
    head = (
        f'<p><a target="_self" href="/">← Mailbox</a><h1>{escape(mail.subject) or "(no subject)"}</h1>'
        f"<p>From {escape(mail.sender)}<br>To {escape(mail.recipients)}<br><time>{mail.time}</time>"
    )
    frame = f'<base target="_blank">{mail.html}'
    html = (
        '<h2>HTML</h2><iframe title="HTML part" sandbox="allow-popups allow-popups-to-escape-sandbox" '
        f'srcdoc="{escape(frame)}"></iframe>'
    )
    text = f"<h2>Text</h2><pre>{_linked(mail.text)}</pre>"
    return _document(mail.subject, head + (html if mail.html else "") + (text if mail.text else ""))


def _linked(text: str) -> str:
    """Escape `text` and turn its http and https URLs into links."""
    pieces, end = [], 0
    for match in LINK.finditer(text):
        link = escape(match.group())
        pieces += [escape(text[end : match.start()]), f'<a href="{link}">{link}</a>']
        end = match.end()
    return "".join([*pieces, escape(text[end:])])
